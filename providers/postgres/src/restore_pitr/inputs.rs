//! What `with` of `postgres.restore-pitr` takes, and the target that the recovery point names.

use std::collections::BTreeMap;

use jiff::Timestamp;
use salvor_contract::Error;
use salvor_contract::Operation;
use salvor_contract::Reach;
use salvor_contract::Values;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

use crate::pitr::points::Details;

/// Settings that decide where the server writes and archives: they are this action's own.
const OWN: [&str; 13] = [
    "archive_mode",
    "archive_command",
    "archive_library",
    "restore_command",
    "primary_conninfo",
    "primary_slot_name",
    "port",
    "listen_addresses",
    "unix_socket_directories",
    "data_directory",
    "hba_file",
    "external_pid_file",
    "synchronous_standby_names",
];

/// The inputs.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RestorePitrInputs {
    /// The data directory that comes into being. It must not exist or be empty; its parent must exist.
    pub data: String,
    /// The port of the new server.
    pub port: u16,
    /// The address on which it listens once the moment was reached.
    #[serde(default = "loopback")]
    pub listen: String,
    /// The folder of its socket. Left out: a folder in the data directory.
    pub socket_dir: Option<String>,
    /// Settings that differ from those in the base backup: `{ shared_buffers = "256MB" }`.
    #[serde(default)]
    pub settings: BTreeMap<String, String>,
}

fn loopback() -> String {
    "127.0.0.1".into()
}

impl RestorePitrInputs {
    /// The inputs, with the checks that types cannot do.
    ///
    /// # Errors
    /// [`Error::Refused`].
    pub fn parse(with: &Values) -> Result<Self, Error> {
        let inputs: Self = with.parse()?;
        for (name, value) in &inputs.settings {
            let is_name = !name.is_empty()
                && name
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.'));
            if !is_name || value.contains(['\n', '\r', '\0']) {
                return Err(Error::refused(format!(
                    "settings: `{name}` is not a setting"
                )));
            }
            let lower = name.to_ascii_lowercase();
            if OWN.contains(&lower.as_str()) || lower.starts_with("recovery_") {
                return Err(Error::refused_with(
                    format!("settings: `{name}` is set by postgres.restore-pitr itself"),
                    "leave it out; change it on the restored server when it is to be production",
                ));
            }
        }
        if inputs.listen.contains(['\n', '\r', '\0', '\'']) {
            return Err(Error::refused("listen: not an address"));
        }
        Ok(inputs)
    }

    /// Refuses a port that somebody listens on: hours later the restored server could not be opened.
    ///
    /// # Errors
    /// [`Error::Refused`].
    pub fn demand_free_port(&self) -> Result<(), Error> {
        let address = (self.host(), self.port);
        match std::net::TcpListener::bind(&address) {
            Ok(_) => Ok(()),
            Err(error) => Err(Error::refused_with(
                format!("{}:{} cannot be listened on: {error}", address.0, address.1),
                "give a `port` that is free on this machine",
            )),
        }
    }

    /// The address by which later steps reach it.
    pub fn host(&self) -> String {
        match self.listen.split(',').next().map(str::trim) {
            Some("*" | "0.0.0.0") | None => "127.0.0.1".into(),
            Some(first) => first.into(),
        }
    }
}

/// What is to be brought back.
#[derive(Clone, Debug)]
pub struct Target {
    /// The moment.
    pub at: Timestamp,
    /// When the base backup ended.
    pub ended: Timestamp,
    /// Where everything is.
    pub details: Details,
}

impl Target {
    /// The target of an operation.
    ///
    /// # Errors
    /// [`Error::Refused`] without a recovery point, or for a moment before the base backup ended.
    pub fn of(operation: &Operation) -> Result<Self, Error> {
        let chosen = operation
            .point
            .as_ref()
            .ok_or_else(|| Error::refused("no recovery point was chosen"))?;
        let ended = match chosen.point.reach {
            Reach::Moment(moment) => moment,
            Reach::Window { from, .. } => from,
        };
        if chosen.at < ended {
            return Err(Error::refused_with(
                format!("{} is before the base backup ended ({ended})", chosen.at),
                "choose an older base backup or a later moment",
            ));
        }
        Ok(Self {
            at: chosen.at,
            ended,
            details: chosen.point.details.parse()?,
        })
    }
}
