//! What `with` of `postgres.restore-dump` takes.

use salvor_contract::Error;
use salvor_contract::Size;
use salvor_contract::Values;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

use crate::server::Server;

/// The longest name that PostgreSQL keeps, in bytes.
pub const NAME_BYTES_MAX: usize = 63;

/// The inputs.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RestoreDumpInputs {
    /// Where the server is.
    #[serde(flatten)]
    pub server: Server,
    /// The database that comes into being, or is replaced.
    pub database: String,
    /// Whether the database must be new or is put in the place of an existing one.
    #[serde(default, rename = "as")]
    pub target: Target,
    /// Keep the replaced database under another name.
    #[serde(default = "yes")]
    pub keep_old: bool,
    /// Give things the owners that the dump names. Their roles must exist.
    #[serde(default = "yes")]
    pub keep_owners: bool,
    /// Restore the grants of the dump. Their roles must exist.
    #[serde(default = "yes")]
    pub keep_grants: bool,
    /// The database to connect to while the other one is made and renamed.
    #[serde(default = "crate::server::any_database")]
    pub maintenance_database: String,
    /// The most bytes of SQL that the dump may unpack to. Left out: 1000 times its size and 64 MiB.
    pub unpacked_max: Option<Size>,
}

/// Where the dump goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    /// Into a database that is not there yet.
    #[default]
    New,
    /// In the place of a database, if there is one.
    Replace,
}

fn yes() -> bool {
    true
}

impl RestoreDumpInputs {
    /// The inputs, with the checks that types cannot do.
    ///
    /// # Errors
    /// [`Error::Refused`].
    pub fn parse(with: &Values) -> Result<Self, Error> {
        let inputs: Self = with.parse()?;
        if inputs.database.is_empty() || inputs.database.len() > NAME_BYTES_MAX {
            return Err(Error::refused(format!(
                "database: `{}` is not a name of 1 to {NAME_BYTES_MAX} bytes",
                inputs.database
            )));
        }
        if inputs.database == inputs.maintenance_database
            || matches!(inputs.database.as_str(), "template0" | "template1")
        {
            return Err(Error::refused_with(
                format!("database {} cannot be replaced", inputs.database),
                "restore under another name, or give another `maintenance-database`",
            ));
        }
        Ok(inputs)
    }

    /// Whether a database of this name may be replaced.
    pub fn replaces(&self) -> bool {
        self.target == Target::Replace
    }
}
