//! The commands that a person types instead of this provider, put together at compile time.
//!
//! Where one command must not follow another that failed they stand in one template, joined by `&&`: whoever pastes all
//! of it at once must not rename a database that was not loaded, or start a server on half a copy.

mod dumps;
mod pitr;
mod tables;

pub use dumps::BASE_BACKUP;
pub use dumps::DUMP;
pub use dumps::RESTORE_DUMP;
pub use pitr::RESTORE_PITR;
pub use tables::ARCHIVING;
pub use tables::BASELINE;
pub use tables::COMPARE;
pub use tables::QUERY;

/// The folder of PostgreSQL's programs, where the plan names one.
macro_rules! programs {
    () => {
        "{{#if config.bin}}{{q config.bin}}/{{/if}}"
    };
}

/// A client program with its connection. The password stands in no argument.
macro_rules! client {
    ($program:literal) => {
        concat!(
            "{{#if with.password}}PGPASSWORD={{q with.password}} {{/if}}",
            "{{#if with.tls}}PGSSLMODE={{q with.tls}} {{/if}}",
            "{{#if with.ca}}PGSSLROOTCERT={{q with.ca}} {{/if}}",
            $crate::kinds::by_hand::programs!(),
            $program,
            " --host={{q with.host}} --port={{q with.port}} --username={{q with.user}}"
        )
    };
}

/// `psql` that reads no file of its user and stops at the first error.
macro_rules! psql {
    () => {
        $crate::kinds::by_hand::client!("psql --no-psqlrc --set=ON_ERROR_STOP=1")
    };
}

/// The AWS command line as the plan's object store is reached.
macro_rules! aws {
    ($command:literal) => {
        concat!(
            "{{env \"AWS_ACCESS_KEY_ID\" config.objects.access-key}}",
            "{{env \"AWS_SECRET_ACCESS_KEY\" config.objects.secret-key}}",
            "{{env \"AWS_SESSION_TOKEN\" config.objects.session-token}}",
            "aws ",
            $command,
            " {{#if config.objects.region}}--region {{q config.objects.region}} {{/if}}",
            "{{#if config.objects.endpoint}}--endpoint-url {{q config.objects.endpoint}} {{/if}}"
        )
    };
}

pub(crate) use aws;
pub(crate) use client;
pub(crate) use programs;
pub(crate) use psql;
