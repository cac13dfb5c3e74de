//! PostgreSQL's own programs: where they are, as whom they run, what they said.

use std::ffi::OsString;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::path::PathBuf;

use salvor_contract::Call;
use salvor_contract::Error;
use sha2::Digest as _;
use sha2::Sha256;
use tokio::io::AsyncRead;
use tokio::io::AsyncReadExt;
use tokio::process::Command;

use crate::base_backup::hex;
use crate::config::Config;
use crate::place::blocking;

const DEBIAN: &str = "/usr/lib/postgresql";

/// The most that is kept of what a program says.
const SAID_BYTES_MAX: usize = 4096;

/// The folder of the programs of a major version; of the newest that is there when `major` is `None` or is not there.
///
/// # Errors
/// When there is none.
pub fn folder(config: &Config, major: Option<u32>) -> Result<PathBuf, Error> {
    if let Some(bin) = &config.bin {
        return Ok(PathBuf::from(bin));
    }
    let mut majors: Vec<u32> = std::fs::read_dir(DEBIAN)
        .map(|listing| {
            listing
                .filter_map(|item| item.ok()?.file_name().to_str()?.parse().ok())
                .collect()
        })
        .unwrap_or_default();
    majors.sort_unstable();
    let found = major
        .filter(|major| majors.contains(major))
        .or_else(|| majors.last().copied());
    found
        .map(|major| Path::new(DEBIAN).join(major.to_string()).join("bin"))
        .ok_or_else(|| {
            Error::refused_with(
                format!("no programs of PostgreSQL below {DEBIAN}"),
                "install PostgreSQL, or give their folder as `bin` under [providers.postgres]",
            )
        })
}

/// The folder of the server programs of exactly this major version: no other can open its data directory.
///
/// # Errors
/// When they are not there.
pub fn server_folder(config: &Config, major: u32) -> Result<PathBuf, Error> {
    let folder = match &config.bin {
        Some(bin) => PathBuf::from(bin),
        None => Path::new(DEBIAN).join(major.to_string()).join("bin"),
    };
    if folder.join("pg_ctl").is_file() && folder.join("postgres").is_file() {
        return Ok(folder);
    }
    Err(Error::refused_with(
        format!(
            "no server programs of PostgreSQL {major} in {}",
            folder.display()
        ),
        format!(
            "install PostgreSQL {major} here, or give its folder as `bin` under [providers.postgres]"
        ),
    ))
}

/// A user of this system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemUser {
    /// The name.
    pub name: String,
    /// The number of the user.
    pub uid: u32,
    /// The number of its group.
    pub gid: u32,
}

/// As whom server programs run: `None` for as whom salvor runs, which is right unless it is root.
///
/// # Errors
/// When salvor is root and there is no such user.
pub fn run_as(config: &Config) -> Result<Option<SystemUser>, Error> {
    let is_root = std::fs::metadata("/proc/self").is_ok_and(|metadata| metadata.uid() == 0);
    if !is_root {
        return Ok(None);
    }
    let name = config.run_as.as_deref().unwrap_or("postgres");
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let found = users.lines().find_map(|line| {
        let parts: Vec<&str> = line.split(':').collect();
        match parts.as_slice() {
            [found, _, uid, gid, ..] if *found == name => Some(SystemUser {
                name: name.to_owned(),
                uid: uid.parse().ok()?,
                gid: gid.parse().ok()?,
            }),
            _ => None,
        }
    });
    match found {
        Some(user) if user.uid != 0 => Ok(Some(user)),
        Some(_) | None => Err(Error::refused_with(
            format!(
                "PostgreSQL's server refuses to run as root, and `{name}` is no other user of this system"
            ),
            "give a user as `run-as` under [providers.postgres]",
        )),
    }
}

/// A program as a fact of a preview: its version, its path and its digest. A change set that was made with another one
/// is stale.
///
/// # Errors
/// When it cannot be read or does not tell its version.
pub async fn fact(program: &Path, call: &Call<'_>) -> Result<String, Error> {
    let shown = program.display();
    let failed = |error: String| Error::refused(format!("{shown}: {error}"));
    let mut command = call.launcher.command(program);
    command.env("LC_ALL", "C").arg("--version");
    let output = command
        .output()
        .await
        .map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        return Err(failed(last_words(&output.stderr)));
    }
    let version = last_words(&output.stdout);
    let path = program.to_owned();
    let digest = blocking(move || {
        let bytes = std::fs::read(&path)
            .map_err(|error| Error::refused(format!("{}: {error}", path.display())))?;
        Ok(hex(&Sha256::digest(&bytes)))
    })
    .await?;
    Ok(format!("{version}, {shown}, sha256 {digest}"))
}

/// A command for a server program, run as that user.
pub fn server_command(call: &Call<'_>, program: &Path, user: Option<&SystemUser>) -> Command {
    let mut command = match user {
        Some(user) => {
            let mut command = call.launcher.command("setpriv");
            command.args([
                OsString::from(format!("--reuid={}", user.uid)),
                OsString::from(format!("--regid={}", user.gid)),
                OsString::from("--clear-groups"),
                OsString::from("--"),
                program.as_os_str().to_owned(),
            ]);
            command
        }
        None => call.launcher.command(program),
    };
    // Messages are read by people and by this provider: one language, one zone.
    command.env("LC_ALL", "C").env("TZ", "UTC");
    command
}

/// The last words of a program, for its error message: one line, without control characters.
pub fn last_words(said: &[u8]) -> String {
    let text = String::from_utf8_lossy(said);
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|l| !l.is_empty())
        .collect();
    let last = &lines[lines.len().saturating_sub(4)..];
    let joined = last.join("; ");
    joined
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

/// Reads a stream to its end and keeps its last part.
pub async fn tail_of(stream: Option<impl AsyncRead + Unpin>) -> Vec<u8> {
    let Some(mut stream) = stream else {
        return Vec::new();
    };
    let mut kept = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(read) = stream.read(&mut buffer).await {
        if read == 0 {
            break;
        }
        kept.extend_from_slice(&buffer[..read]);
        if kept.len() > 2 * SAID_BYTES_MAX {
            kept.drain(..kept.len() - SAID_BYTES_MAX);
        }
    }
    kept
}
