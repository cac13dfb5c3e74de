//! The commands that a person types instead of this provider, put together at compile time.
//!
//! The provider takes an address of many objects for a folder, with or without a slash at its end. `rsync` and `cp` do
//! not: a source without one becomes a folder in the target, and a target without one that is not there a file.

/// The endpoint, for commands of the AWS command line.
macro_rules! endpoint {
    () => {
        "{{#if config.endpoint}}--endpoint-url {{q config.endpoint}} {{/if}}"
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
            ")}}rsync -a --mkpath {{#if with.delete}}--delete {{/if}}{{else}}aws s3 sync ",
            endpoint!(),
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
            ")}}rsync -a --mkpath {{else}}aws s3 cp ",
            endpoint!(),
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
            ")}} -type f -printf '%s %P\\n'{{else}}aws s3 ls ",
            endpoint!(),
            "--recursive --summarize {{q ",
            $url,
            "}}{{/if}}"
        )
    };
}

pub(crate) use copied;
pub(crate) use endpoint;
pub(crate) use listed;
pub(crate) use synced;
