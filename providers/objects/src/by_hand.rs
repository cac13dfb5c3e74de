//! The commands that a person types instead of this provider, put together at compile time.

/// The endpoint, for commands of the AWS command line.
macro_rules! endpoint {
    () => {
        "{{#if config.endpoint}}--endpoint-url {{q config.endpoint}} {{/if}}"
    };
}

/// How a person brings one tree to another place. The first address tells where the second is.
macro_rules! synced {
    ($at:literal, $source:literal, $target:literal) => {
        concat!(
            "{{#if (local ",
            $at,
            " ",
            $target,
            ")}}rsync -a {{#if with.delete}}--delete {{/if}}{{else}}aws s3 sync ",
            endpoint!(),
            "{{#if with.delete}}--delete {{/if}}{{/if}}{{q (path ",
            $source,
            ")}} {{q (path ",
            $target,
            ")}}"
        )
    };
}

/// How a person copies one object.
macro_rules! copied {
    ($at:literal, $source:literal, $target:literal) => {
        concat!(
            "{{#if (local ",
            $at,
            " ",
            $target,
            ")}}cp {{else}}aws s3 cp ",
            endpoint!(),
            "{{/if}}{{q (path ",
            $source,
            ")}} {{q (path ",
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
