//! What `[providers.postgres]` takes.

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

/// The provider's configuration.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Config {
    /// The folder of PostgreSQL's programs. Left out: the folder below /usr/lib/postgresql of the major version
    /// that is needed, else the newest there.
    pub bin: Option<String>,
    /// The system user as whom server programs run when salvor runs as root, which they refuse. Left out:
    /// `postgres`.
    pub run_as: Option<String>,
    /// How the buckets of `s3://` addresses are reached, as under [providers.objects].
    pub objects: salvor_objects::Config,
}
