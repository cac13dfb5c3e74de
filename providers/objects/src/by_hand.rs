//! The commands that a person types instead of this provider, put together at compile time.
//!
//! The provider takes an address of many objects for a folder, with or without a slash at its end. `rsync` and `cp` do
//! not: a source without one becomes a folder in the target, and a target without one that is not there a file.

/// The AWS command line as the plan's object store is reached.
macro_rules! aws {
    ($command:literal) => {
        concat!(
            "{{env \"AWS_ACCESS_KEY_ID\" config.access-key}}",
            "{{env \"AWS_SECRET_ACCESS_KEY\" config.secret-key}}",
            "{{env \"AWS_SESSION_TOKEN\" config.session-token}}",
            "aws ",
            $command,
            " {{#if config.region}}--region {{q config.region}} {{/if}}",
            "{{#if config.endpoint}}--endpoint-url {{q config.endpoint}} {{/if}}"
        )
    };
}

/// How a person brings one tree to another place. The first address tells where the second is; `path` instead of
/// `folder` takes that one as it is written.
macro_rules! synced {
    ($at:literal, $from:literal, $source:literal, $target:literal) => {
        concat!(
            "{{#if (local ",
            $at,
            " ",
            $target,
            ")}}rsync -a --mkpath {{#if with.delete}}--delete {{/if}}{{else}}",
            crate::by_hand::aws!("s3 sync"),
            "{{#if with.delete}}--delete {{/if}}{{/if}}{{q (",
            $from,
            " ",
            $source,
            ")}} {{q (folder ",
            $target,
            ")}}"
        )
    };
}

/// How a person copies one object to an address; `folder` instead of `path` puts it there under its own name.
macro_rules! copied {
    ($at:literal, $source:literal, $to:literal, $target:literal) => {
        concat!(
            "{{#if (local ",
            $at,
            " ",
            $target,
            ")}}rsync -a --mkpath {{else}}",
            crate::by_hand::aws!("s3 cp"),
            "{{/if}}{{q (path ",
            $source,
            ")}} {{q (",
            $to,
            " ",
            $target,
            ")}}"
        )
    };
}

/// How a person sees what is at an address.
macro_rules! listed {
    ($url:literal) => {
        concat!(
            "{{#if (local ",
            $url,
            ")}}find {{q (path ",
            $url,
            ")}} -type f -printf '%s %P\\n'{{else}}",
            crate::by_hand::aws!("s3 ls"),
            "--recursive --summarize {{q ",
            $url,
            "}}{{/if}}"
        )
    };
}

/// The versions of objects that were current at a moment, without the deleted ones; the last lines of the filter say
/// what is printed of each. The address of the bucket is in `from`. Times are compared as text, so they must be in UTC.
macro_rules! as_of {
    ($($printed:literal),+) => {
        concat!(
            crate::by_hand::aws!("s3api list-object-versions"),
            "--bucket \"${from%%/*}\" --prefix \"${from#*/}\" --output json |\n",
            "  jq --raw-output --arg at {{q point.at}} '\n",
            "    def moment: if test(\"(Z|\\\\+00:00)$\") then sub(\"(Z|\\\\+00:00)$\"; \"\")",
            " else error(\"\\(.) is not in UTC\") end;\n",
            "    [(.Versions // [])[], ((.DeleteMarkers // [])[] | .IsMarker = true)]\n",
            "    | map(select((.LastModified | moment) <= ($at | moment))) | group_by(.Key)[]\n",
            "    | max_by(.LastModified | moment) | select(.IsMarker | not)",
            $($printed),+,
            "'"
        )
    };
}

/// How a person sees the objects as they were at a moment: time, version, bytes and key of each.
macro_rules! listed_as_of {
    () => {
        concat!(
            "from={{q (folder store.url)}} && from=${from#s3://} &&\n",
            crate::by_hand::as_of!(
                "\n    | \"\\(.LastModified) \\(.VersionId) \\(.Size) \\(.Key)\""
            )
        )
    };
}

/// How a person brings objects back as they were at a moment. An object that is as it was is left alone. The source of
/// a copy is given as it is: the client escapes it.
macro_rules! brought_back {
    () => {
        concat!(
            "from={{q (folder store.url)}} && from=${from#s3://} &&\n",
            "to={{q (folder with.target)}}{{#unless (local with.target)}} && to=${to#s3://}{{/unless}} &&\n",
            crate::by_hand::as_of!(
                "{{#if (eq store.url with.target)}} | select(.IsLatest | not){{/if}}",
                "\n    | [.VersionId, .Key] | join(\" \")"
            ),
            " |\n",
            "  while read -r version key; do\n",
            "    {{#if (local with.target)}}mkdir -p \"$(dirname \"$to${key#\"${from#*/}\"}\")\" &&\n    ",
            crate::by_hand::aws!("s3api get-object"),
            "--bucket \"${from%%/*}\" --key \"$key\" --version-id \"$version\" \"$to${key#\"${from#*/}\"}\"",
            "{{else}}",
            crate::by_hand::aws!("s3api copy-object"),
            "--bucket \"${to%%/*}\" --key \"${to#*/}${key#\"${from#*/}\"}\" --copy-source \"${from%%/*}/$key?versionId=$version\"",
            "{{/if}} > /dev/null < /dev/null && echo \"$key\" || echo \"FAILED: $key\"\n",
            "  done"
        )
    };
}

/// The number of objects at an address.
macro_rules! counted {
    ($url:literal) => {
        concat!(
            "{{#if (local ",
            $url,
            ")}}find {{q (path ",
            $url,
            ")}} -type f | wc -l{{else}}",
            crate::by_hand::aws!("s3 ls"),
            "--recursive {{q (folder ",
            $url,
            ")}} | grep -vc '/$'{{/if}}"
        )
    };
}

pub(crate) use as_of;
pub(crate) use aws;
pub(crate) use brought_back;
pub(crate) use copied;
pub(crate) use counted;
pub(crate) use listed;
pub(crate) use listed_as_of;
pub(crate) use synced;
