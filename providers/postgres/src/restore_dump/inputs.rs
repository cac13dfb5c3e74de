//! What `with` of `postgres.restore-dump` takes.

use salvor_contract::Error;
use salvor_contract::Secret;
use salvor_contract::Size;
use salvor_contract::Values;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

use crate::server::Server;
use crate::server::Tls;

/// The longest name that PostgreSQL keeps, in bytes.
pub const NAME_BYTES_MAX: usize = 63;

/// The inputs.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RestoreDumpInputs {
    /// The server's host name or address, or the folder of its socket.
    pub host: String,
    /// The server's port.
    #[serde(default = "default_port")]
    pub port: u16,
    /// The role that restores: it owns what the dump gives no owner. Not a superuser, where that is possible.
    pub user: String,
    /// Its password.
    pub password: Option<Secret>,
    /// Whether the connection is encrypted. Left out: verified, but not used on this machine.
    pub tls: Option<Tls>,
    /// A file with the certificates that signed the server's. Left out: the system's.
    pub ca: Option<String>,
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
    #[serde(default = "default_maintenance")]
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

fn default_port() -> u16 {
    5432
}

fn default_maintenance() -> String {
    "postgres".into()
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

    /// The server.
    pub fn server(&self) -> Server {
        Server {
            host: self.host.clone(),
            port: self.port,
            user: self.user.clone(),
            password: self.password.clone(),
            tls: self.tls,
            ca: self.ca.clone(),
        }
    }
}
