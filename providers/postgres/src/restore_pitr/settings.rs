//! The settings under which a copy recovers, and those under which it is opened.
//!
//! Both are written behind the base backup's own `postgresql.auto.conf`, which the server reads last. No
//! setting stands on a command line alone, where a restart without salvor would forget it.

use std::fmt::Write as _;

use salvor_contract::Error;

use crate::programs::SystemUser;
use crate::restore_pitr::data_directory::DataDirectory;
use crate::restore_pitr::data_directory::SOCKET;
use crate::restore_pitr::data_directory::WAL;
use crate::restore_pitr::data_directory::give;
use crate::restore_pitr::inputs::RestorePitrInputs;
use crate::restore_pitr::inputs::Target;

/// The base backup's `postgresql.auto.conf`.
pub const ORIGINAL: &str = "salvor-original.auto.conf";
const AUTO: &str = "postgresql.auto.conf";
const HBA: &str = "salvor-hba.conf";
/// The longest path of a socket, in bytes, with its last zero (`sockaddr_un`).
const SOCKET_BYTES_MAX: usize = 107;

/// Settings of a recovery that must not stay from the base backup.
pub const CLEARED: [&str; 9] = [
    "recovery_target_name",
    "recovery_target_xid",
    "recovery_target_lsn",
    "recovery_end_command",
    "archive_cleanup_command",
    "primary_conninfo",
    "primary_slot_name",
    "synchronous_standby_names",
    "external_pid_file",
];

/// Writes the settings of the recovery: no way in, no archive, a target, and words that can be read.
pub fn write_recovery(
    inputs: &RestorePitrInputs,
    target: &Target,
    directory: &DataDirectory,
    owner: Option<&SystemUser>,
) -> Result<(), Error> {
    let failed = |error: std::io::Error| directory.failed("writing settings in", &error);
    let socket = directory.join(SOCKET);
    std::fs::create_dir_all(&socket).map_err(failed)?;
    give(&socket, owner).map_err(failed)?;
    for (name, text) in [
        (
            "postgresql.conf",
            "# The base backup had no postgresql.conf.\n",
        ),
        (
            "pg_hba.conf",
            "# The base backup had no pg_hba.conf.\nlocal all all peer\nhost all all 127.0.0.1/32 scram-sha-256\n",
        ),
        ("pg_ident.conf", ""),
    ] {
        if !directory.join(name).exists() {
            directory
                .write(name, text.as_bytes(), owner)
                .map_err(failed)?;
        }
    }
    directory
        .write(HBA, b"local all all reject\n", owner)
        .map_err(failed)?;
    directory
        .write("recovery.signal", b"", owner)
        .map_err(failed)?;

    let mut text = common(inputs, directory)?;
    let mut set = |name: &str, value: &str| text.push_str(&line(name, value));
    set("listen_addresses", "");
    set(
        "unix_socket_directories",
        &directory.join(SOCKET).display().to_string(),
    );
    set("hba_file", &directory.join(HBA).display().to_string());
    set("ssl", "off");
    // The server runs in its data directory, so the path needs no quoting whatever its name is.
    set("restore_command", &format!("cp \"{WAL}/%f\" \"%p\""));
    set(
        "recovery_target_timeline",
        &target.details.timeline.to_string(),
    );
    set("recovery_target_inclusive", "on");
    set("recovery_target_action", "promote");
    // A target is given after all others are cleared: the server counts one that was given before.
    if target.details.base_only {
        set("recovery_target_time", "");
        set("recovery_target", "immediate");
    } else {
        set("recovery_target", "");
        set("recovery_target_time", &in_words_of_server(target.at));
    }
    // Replaying needs none of the production's limits when nobody can connect.
    set("hot_standby", "off");
    for (name, value) in [
        ("logging_collector", "off"),
        ("log_destination", "stderr"),
        ("log_min_messages", "log"),
        ("log_line_prefix", "%m "),
        ("log_timezone", "UTC"),
        ("timezone", "UTC"),
        ("lc_messages", "C"),
    ] {
        set(name, value);
    }
    write(directory, &text, owner)
}

/// Writes the settings under which the restored server is opened.
pub fn write_final(
    inputs: &RestorePitrInputs,
    directory: &DataDirectory,
    owner: Option<&SystemUser>,
) -> Result<(), Error> {
    let mut text = common(inputs, directory)?;
    let socket = match &inputs.socket_dir {
        Some(folder) => folder.clone(),
        None => directory.join(SOCKET).display().to_string(),
    };
    text.push_str(&line("listen_addresses", &inputs.listen));
    text.push_str(&line("unix_socket_directories", &socket));
    for name in ["restore_command", "recovery_target", "recovery_target_time"] {
        text.push_str(&line(name, ""));
    }
    text.push_str(&line("recovery_target_timeline", "latest"));
    write(directory, &text, owner)
}

/// Asks for the new timeline's history to be archived as soon as somebody gives the server an archive. The server
/// itself asks only when it archives at the moment of its promotion, and without the history nothing on the
/// timeline can be restored.
pub fn ask_for_history(
    timeline: u32,
    directory: &DataDirectory,
    owner: Option<&SystemUser>,
) -> Result<(), Error> {
    directory
        .write(
            &format!("pg_wal/archive_status/{timeline:08X}.history.ready"),
            b"",
            owner,
        )
        .map_err(|error| directory.failed("writing into", &error))
}

/// What holds in both: the port, no archiving, no standby, no subscriptions, and the plan's own settings.
fn common(inputs: &RestorePitrInputs, directory: &DataDirectory) -> Result<String, Error> {
    let socket = directory
        .join(SOCKET)
        .join(format!(".s.PGSQL.{}", inputs.port));
    if socket.as_os_str().len() > SOCKET_BYTES_MAX {
        return Err(Error::refused_with(
            format!(
                "the path of the data directory is too long for a socket in it: {} of {SOCKET_BYTES_MAX} bytes",
                socket.as_os_str().len()
            ),
            "give a data directory with a shorter path",
        ));
    }
    let mut text = String::new();
    for name in CLEARED {
        text.push_str(&line(name, ""));
    }
    text.push_str(&line("port", &inputs.port.to_string()));
    text.push_str(&line("archive_mode", "off"));
    // A copy that subscribes would take changes from production's own subscriber.
    text.push_str(&line("max_logical_replication_workers", "0"));
    for (name, value) in &inputs.settings {
        text.push_str(&line(name, value));
    }
    Ok(text)
}

fn write(directory: &DataDirectory, ours: &str, owner: Option<&SystemUser>) -> Result<(), Error> {
    let failed = |error: std::io::Error| directory.failed("writing settings in", &error);
    let original = match std::fs::read_to_string(directory.join(ORIGINAL)) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(failed(error)),
    };
    let mut text = original.trim_end().to_owned();
    let _ = write!(text, "\n# By salvor, for a restored server:\n{ours}");
    directory
        .write(AUTO, text.trim_start().as_bytes(), owner)
        .map_err(failed)
}

/// A moment as the server takes it. While it reads its settings it knows no names of zones, not even `Z`.
fn in_words_of_server(at: jiff::Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S%.6f+00").to_string()
}

/// One setting as a configuration file writes it.
fn line(name: &str, value: &str) -> String {
    format!(
        "{name} = '{}'\n",
        value.replace('\\', "\\\\").replace('\'', "''")
    )
}

#[cfg(test)]
mod tests {
    use super::in_words_of_server;
    use super::line;

    #[test]
    fn a_moment_is_written_with_all_its_digits() {
        let at = "2026-04-06T01:30:00.000001Z".parse().expect("a time");
        assert_eq!(in_words_of_server(at), "2026-04-06 01:30:00.000001+00");
    }

    #[test]
    fn a_value_cannot_leave_its_quotes() {
        assert_eq!(line("a", "it's\\"), "a = 'it''s\\\\'\n");
    }
}
