//! How PostgreSQL's client programs are told of a server: by arguments and environment, the password by a
//! file that only its owner can read.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use salvor_contract::Call;
use salvor_contract::Error;
use salvor_contract::secret::ExposeSecret as _;
use tokio::process::Command;

use crate::server::Server;
use crate::server::Tls;

/// Certificates of the system, for a libpq that does not know `sslrootcert=system` (before 16).
const SYSTEM_CERTIFICATES: &str = "/etc/ssl/certs/ca-certificates.crt";

/// Adds the server to a command.
pub fn speak_to(
    command: &mut Command,
    server: &Server,
    passwords: Option<&PasswordFile>,
    call: &Call<'_>,
) {
    command
        .arg("--no-password")
        .arg(format!("--host={}", server.host))
        .arg(format!("--port={}", server.port))
        .arg(format!("--username={}", server.user));
    match server.tls() {
        Tls::Disable => {
            command.env("PGSSLMODE", "disable");
        }
        Tls::VerifyFull => {
            let ca = server
                .ca
                .as_ref()
                .map_or(PathBuf::from(SYSTEM_CERTIFICATES), |file| call.path(file));
            command
                .env("PGSSLMODE", "verify-full")
                .env("PGSSLROOTCERT", ca);
        }
    }
    if let Some(file) = passwords {
        command.env("PGPASSFILE", &file.0);
    }
}

/// A file with a password, which goes when this does. A crash leaves it in the operation's own scratch folder,
/// which goes when the run ends.
pub struct PasswordFile(PathBuf);

impl Drop for PasswordFile {
    fn drop(&mut self) {
        // The folder is removed in any case: nothing depends on this.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Writes the password of a server for one program; `None` when there is none.
///
/// # Errors
/// When the secret is not there or the file cannot be written.
pub async fn password_file(
    server: &Server,
    call: &Call<'_>,
) -> Result<Option<PasswordFile>, Error> {
    let Some(password) = &server.password else {
        return Ok(None);
    };
    let password = call.resolve(password).await?;
    let path = call.scratch_dir.join("pgpass");
    let failed = |error: std::io::Error| Error::refused(format!("{}: {error}", path.display()));
    std::fs::create_dir_all(call.scratch_dir).map_err(failed)?;
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&path)
        .map_err(failed)?;
    let kept = PasswordFile(path.clone());
    let escaped = in_password_file(password.expose_secret());
    file.write_all(b"*:*:*:*:")
        .and_then(|()| file.write_all(escaped.as_bytes()))
        .and_then(|()| file.write_all(b"\n"))
        .map_err(failed)?;
    Ok(Some(kept))
}

/// A password as a password file writes it.
fn in_password_file(password: &str) -> String {
    password.replace('\\', "\\\\").replace(':', "\\:")
}
