//! The server on a data directory: a daemon of its own, started and stopped by `pg_ctl`, found again by its
//! data directory.

use std::path::Path;
use std::path::PathBuf;

use salvor_contract::Call;
use salvor_contract::Error;

use crate::programs;
use crate::programs::SystemUser;
use crate::restore_pitr::data_directory::LOOK_EVERY;

/// What the server says.
const LOG: &str = "salvor-server.log";

/// The server on a data directory.
pub struct Server {
    data: PathBuf,
    programs: PathBuf,
    user: Option<SystemUser>,
}

/// Whether a server runs, as its own file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Running {
    /// No.
    No,
    /// It starts, replays or stops.
    NotReady,
    /// It lets clients in.
    Ready,
}

impl Server {
    /// The server on this data directory, by these programs, as this user.
    pub fn new(data: &Path, programs: PathBuf, user: Option<SystemUser>) -> Self {
        Self {
            data: data.to_owned(),
            programs,
            user,
        }
    }

    /// As whom it runs.
    pub fn user(&self) -> Option<&SystemUser> {
        self.user.as_ref()
    }

    /// Whether it runs. A process of the number in its file counts only when it works in the data directory:
    /// numbers are used again.
    pub fn running(&self) -> Running {
        let Ok(text) = std::fs::read_to_string(self.data.join("postmaster.pid")) else {
            return Running::No;
        };
        let mut lines = text.lines();
        let Some(pid) = lines
            .next()
            .and_then(|line| line.trim().parse::<u32>().ok())
        else {
            return Running::No;
        };
        let works_in = std::fs::read_link(format!("/proc/{pid}/cwd"));
        let data = std::fs::canonicalize(&self.data);
        match (works_in, data) {
            (Ok(works_in), Ok(data)) if works_in == data => {}
            (Ok(_) | Err(_), _) => return Running::No,
        }
        match text.lines().nth(7).map(str::trim) {
            Some("ready") => Running::Ready,
            Some(_) | None => Running::NotReady,
        }
    }

    /// Whether it lets clients in.
    pub fn is_ready(&self) -> bool {
        self.running() == Running::Ready
    }

    /// Refuses settings under which the server would open another data directory: production's, on this machine. The
    /// server itself is asked, which knows the files that other files include.
    ///
    /// # Errors
    /// [`Error::Refused`], also when the server cannot read its settings.
    pub async fn demand_own_data(&self, call: &Call<'_>) -> Result<(), Error> {
        let program = self.programs.join("postgres");
        let mut command = programs::server_command(call, &program, self.user.as_ref());
        command
            .args(["-C", "data_directory", "-D"])
            .arg(&self.data)
            .current_dir("/");
        let failed = |why: String| Error::refused(format!("{}: {why}", program.display()));
        let output = command
            .output()
            .await
            .map_err(|error| failed(error.to_string()))?;
        if !output.status.success() {
            return Err(failed(programs::last_words(&output.stderr)));
        }
        let named = String::from_utf8_lossy(&output.stdout);
        let named = Path::new(named.trim());
        let is_own = std::fs::canonicalize(named).ok() == std::fs::canonicalize(&self.data).ok();
        if is_own {
            return Ok(());
        }
        Err(Error::refused_with(
            format!(
                "the base backup's settings say data_directory = '{}': the server would open that one",
                named.display()
            ),
            "take base backups of a server whose settings do not say it, in included files neither",
        ))
    }

    /// Starts it and does not wait.
    ///
    /// # Errors
    /// When it could not be started.
    pub async fn start(&self, call: &Call<'_>) -> Result<(), Error> {
        let log = self.data.join(LOG);
        // pg_ctl hands the options to a shell; the path holds no quotes. Whatever the files of settings say since they
        // were looked at, no other data directory is opened.
        let own = format!("-c 'data_directory={}'", self.data.display());
        let said = self
            .control(&["start", "-W", "-s", "-o", &own, "-l"], Some(&log), call)
            .await?;
        match said {
            None => Ok(()),
            Some(words) => Err(Error::refused(format!(
                "pg_ctl start in {}: {words}",
                self.data.display()
            ))),
        }
    }

    /// Stops it and waits until it is gone.
    ///
    /// # Errors
    /// [`Error::Unknown`] when it does not stop in time.
    pub async fn stop(&self, call: &Call<'_>) -> Result<(), Error> {
        if self.running() == Running::No {
            return Ok(());
        }
        // One that ended by itself in the meantime makes pg_ctl fail: what counts is that it is gone.
        self.control(&["stop", "-W", "-s", "-m", "fast"], None, call)
            .await?;
        while self.running() != Running::No {
            call.pause(LOOK_EVERY, "the server to stop").await?;
        }
        Ok(())
    }

    /// What the server said since it was started first.
    pub fn log(&self) -> String {
        std::fs::read(self.data.join(LOG))
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    /// Runs `pg_ctl`; gives its last words when it failed.
    async fn control(
        &self,
        arguments: &[&str],
        last: Option<&Path>,
        call: &Call<'_>,
    ) -> Result<Option<String>, Error> {
        let program = self.programs.join("pg_ctl");
        let mut command = programs::server_command(call, &program, self.user.as_ref());
        command.args(arguments);
        command.args(last);
        command.arg("-D").arg(&self.data).current_dir("/");
        // The server inherits what pg_ctl was given: a pipe would never end.
        command
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::piped());
        let output = command
            .output()
            .await
            .map_err(|error| Error::refused(format!("{}: {error}", program.display())))?;
        Ok((!output.status.success()).then(|| programs::last_words(&output.stderr)))
    }
}
