//! The commands that a person types instead of this provider, put together at compile time.
//!
//! What a command line does not name falls back to a default of the account, as in a request: so a restore names the
//! settings, those of the plan before those of the original.

/// The AWS command line as the plan's account is reached, in the region of these inputs.
macro_rules! rds {
    ($command:literal, $region:literal) => {
        concat!(
            "{{env \"AWS_ACCESS_KEY_ID\" config.access-key}}",
            "{{env \"AWS_SECRET_ACCESS_KEY\" config.secret-key}}",
            "{{env \"AWS_SESSION_TOKEN\" config.session-token}}",
            "aws rds ",
            $command,
            " {{#if config.profile}}--profile {{q config.profile}} {{/if}}",
            "{{#if ",
            $region,
            "}}--region {{q ",
            $region,
            "}} {{else}}{{#if config.region}}--region {{q config.region}} {{/if}}{{/if}}",
            "{{#if config.endpoint}}--endpoint-url {{q config.endpoint}} {{/if}}"
        )
    };
}

/// An option whose value is a setting: the plan's, or the original's.
macro_rules! setting {
    ($option:literal, $name:literal) => {
        concat!(
            "{{#if with.settings.",
            $name,
            "}}",
            $option,
            " {{q with.settings.",
            $name,
            "}} ",
            "{{else}}{{#if point.details.settings.",
            $name,
            "}}",
            $option,
            " {{q point.details.settings.",
            $name,
            "}} {{/if}}{{/if}}"
        )
    };
}

/// The same for a list.
macro_rules! settings {
    ($option:literal, $name:literal) => {
        concat!(
            "{{#if with.settings.",
            $name,
            "}}",
            $option,
            " {{#each with.settings.",
            $name,
            "}}{{q this}} {{/each}}{{else}}{{#if point.details.settings.",
            $name,
            "}}",
            $option,
            " {{#each point.details.settings.",
            $name,
            "}}{{q this}} {{/each}}{{/if}}{{/if}}"
        )
    };
}

/// An option that is on or off.
macro_rules! switch {
    ($on:literal, $off:literal, $name:literal) => {
        concat!(
            "{{#if with.settings.",
            $name,
            "}}",
            $on,
            " {{else}}",
            "{{#if (eq with.settings.",
            $name,
            " false)}}",
            $off,
            " {{else}}",
            "{{#if point.details.settings.",
            $name,
            "}}",
            $on,
            " {{else}}",
            "{{#if (eq point.details.settings.",
            $name,
            " false)}}",
            $off,
            " ",
            "{{/if}}{{/if}}{{/if}}{{/if}}"
        )
    };
}

/// Every setting of an instance that a restore takes.
macro_rules! instance_settings {
    () => {
        concat!(
            crate::by_hand::setting!("--db-instance-class", "class"),
            crate::by_hand::setting!("--db-subnet-group-name", "subnet-group"),
            crate::by_hand::settings!("--vpc-security-group-ids", "security-groups"),
            crate::by_hand::setting!("--db-parameter-group-name", "parameter-group"),
            crate::by_hand::setting!("--option-group-name", "option-group"),
            crate::by_hand::switch!("--multi-az", "--no-multi-az", "multi-az"),
            crate::by_hand::switch!(
                "--publicly-accessible",
                "--no-publicly-accessible",
                "publicly-accessible"
            ),
            crate::by_hand::switch!(
                "--deletion-protection",
                "--no-deletion-protection",
                "deletion-protection"
            ),
            crate::by_hand::setting!("--storage-type", "storage-type"),
            crate::by_hand::setting!("--port", "port")
        )
    };
}

/// Every setting of a cluster that a restore takes.
macro_rules! cluster_settings {
    () => {
        concat!(
            crate::by_hand::setting!("--db-subnet-group-name", "subnet-group"),
            crate::by_hand::settings!("--vpc-security-group-ids", "security-groups"),
            crate::by_hand::setting!("--db-cluster-parameter-group-name", "parameter-group"),
            crate::by_hand::setting!("--kms-key-id", "kms-key"),
            crate::by_hand::switch!(
                "--deletion-protection",
                "--no-deletion-protection",
                "deletion-protection"
            ),
            crate::by_hand::setting!("--port", "port")
        )
    };
}

pub(crate) use cluster_settings;
pub(crate) use instance_settings;
pub(crate) use rds;
pub(crate) use setting;
pub(crate) use settings;
pub(crate) use switch;
