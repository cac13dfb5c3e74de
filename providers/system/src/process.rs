//! One program run to its end: started through the launcher, its output kept, its whole group killed when
//! it must end.
//!
//! The program leads a process group of its own. When the call is dropped, or after a stop or the deadline
//! the program does not end by itself, the group is killed and not the program alone: what it started in the background would go on writing. A program that
//! leaves its group (`setsid`) is out of reach.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::Pid;
use rustix::process::Signal;
use rustix::process::kill_process_group;
use salvor_contract::Call;
use salvor_contract::Error;
use salvor_contract::Unit;
use salvor_contract::Update;
use salvor_contract::secret::ExposeSecret;
use salvor_contract::secret::SecretString;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::process::Child;

use crate::captured::Captured;
use crate::captured::plain;
use crate::redaction::Redaction;

/// How long a program has to end by itself after a stop, and its group between being asked to end and being killed.
const GRACE: Duration = Duration::from_secs(2);

/// A program to run.
pub(crate) struct Program<'a> {
    /// The whole path of it.
    pub(crate) path: &'a Path,
    pub(crate) arguments: &'a [String],
    pub(crate) dir: PathBuf,
    pub(crate) env: BTreeMap<String, String>,
    pub(crate) secrets: BTreeMap<String, SecretString>,
    pub(crate) stdin: Option<String>,
}

/// How a program ended by itself. Its output is without the secrets that it was given.
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    /// Whether nothing of `stdout` is missing.
    pub(crate) is_whole: bool,
    pub(crate) stderr: String,
}

/// Why a program did not end by itself.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Broken {
    /// It could not be started: nothing was done.
    #[error("{0}")]
    NotStarted(String),
    /// It was killed, because the time was over or the operator stops.
    #[error("{0}")]
    Killed(String),
}

/// Finds a program: a name on the launcher's `PATH`, or a path, below the plan's folder when it is relative.
///
/// # Errors
/// [`Error::Refused`] when it is not there.
pub(crate) fn find(program: &str, call: &Call<'_>) -> Result<PathBuf, Error> {
    let found = if program.contains('/') {
        Some(call.path(program)).filter(|path| path.is_file())
    } else {
        let command = call.launcher.command(program);
        let path = command
            .as_std()
            .get_envs()
            .find(|(name, _)| *name == "PATH")
            .and_then(|(_, value)| value)
            .unwrap_or_default();
        std::env::split_paths(path)
            .map(|dir| dir.join(program))
            .find(|path| path.is_file())
    };
    found.ok_or_else(|| {
        Error::refused_with(
            format!("the program `{program}` was not found"),
            "install it, or write its whole path",
        )
    })
}

/// Runs a program to its end and tells its last line as progress.
pub(crate) async fn run(program: Program<'_>, call: &Call<'_>) -> Result<Ended, Broken> {
    let name = program.path.display().to_string();
    let mut command = call.launcher.command(program.path);
    command
        .args(program.arguments)
        .current_dir(&program.dir)
        .envs(&program.env);
    for (variable, secret) in &program.secrets {
        command.env(variable, secret.expose_secret());
    }
    if program.stdin.is_some() {
        command.stdin(Stdio::piped());
    }
    let mut child = command.spawn().map_err(|error| {
        let why = if error.kind() == ErrorKind::NotFound && !program.dir.is_dir() {
            format!("its folder {} is not there", program.dir.display())
        } else {
            error.to_string()
        };
        Broken::NotStarted(format!("{name} could not be started: {why}"))
    })?;
    let group = Group::of(&child);
    let redaction = Redaction::of(&program.secrets);
    let (mut stdout, mut stderr) = (Captured::default(), Captured::default());
    let ended = {
        let attended = attend(
            &mut child,
            program.stdin,
            &mut stdout,
            &mut stderr,
            &redaction,
            call,
        );
        ended_by_itself(attended, call).await
    };
    match ended {
        Ok(Ok((status, leftover))) => {
            group.release(leftover);
            let is_whole = stdout.is_whole();
            let (stdout, stderr) = (stdout.text(&redaction), stderr.text(&redaction));
            Ok(Ended {
                status,
                stdout,
                is_whole,
                stderr,
            })
        }
        Ok(Err(error)) => Err(Broken::Killed(format!("{name} was lost sight of: {error}"))),
        Err(why) => {
            group.end(&mut child, call).await;
            let said =
                last_line(&stderr.text(&redaction)).or_else(|| last_line(&stdout.text(&redaction)));
            let said = said
                .map(|line| format!("; it had said: {line}"))
                .unwrap_or_default();
            Err(Broken::Killed(format!(
                "{name} was killed because {why}{said}"
            )))
        }
    }
}

/// Waits for the end of a program, or says why it must end.
///
/// After a stop or the deadline it has a little time before it is asked to end: one that was about to end tells by its
/// exit what it did. The exit of one that was asked to end tells nothing, also when it is 0.
async fn ended_by_itself<T>(
    attended: impl Future<Output = T>,
    call: &Call<'_>,
) -> Result<T, &'static str> {
    let mut attended = std::pin::pin!(attended);
    let why = tokio::select! {
        biased;
        ended = &mut attended => return Ok(ended),
        () = call.stop.cancelled() => "the operator stopped",
        () = call.clock.sleep(call.time_left()) => "its deadline passed",
    };
    tokio::select! {
        biased;
        ended = attended => Ok(ended),
        () = call.clock.sleep(GRACE) => Err(why),
    }
}

/// The last line of an output that says something.
pub(crate) fn last_line(text: &str) -> Option<String> {
    text.lines()
        .rev()
        .map(|line| plain(line.as_bytes()))
        .find(|line| !line.is_empty())
}

/// Feeds the program and reads from it until it has ended.
async fn attend(
    child: &mut Child,
    stdin: Option<String>,
    stdout: &mut Captured,
    stderr: &mut Captured,
    redaction: &Redaction,
    call: &Call<'_>,
) -> std::io::Result<(ExitStatus, Leftover)> {
    let input = child.stdin.take();
    let feed = async move {
        if let (Some(mut input), Some(text)) = (input, stdin) {
            // A program that does not read to the end has its reasons: its exit tells.
            let _ = input.write_all(text.as_bytes()).await;
        }
    };
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let read = async {
        tokio::join!(
            drain(out, stdout, redaction, call),
            drain(err, stderr, redaction, call)
        )
    };
    let attended = async { tokio::join!(feed, read) };
    let mut attended = std::pin::pin!(attended);
    let status = tokio::select! {
        status = child.wait() => Some(status?),
        _ = &mut attended => None,
    };
    let Some(status) = status else {
        return Ok((child.wait().await?, Leftover::None));
    };
    tokio::select! {
        _ = attended => Ok((status, Leftover::None)),
        () = call.clock.sleep(Duration::from_millis(200)) => Ok((status, Leftover::HoldsOutput)),
    }
}

/// What a program that ended leaves in the background.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leftover {
    /// Nothing that could be noticed.
    None,
    /// Something that holds its output open, so it is known to be in its group still.
    HoldsOutput,
}

async fn drain(
    stream: Option<impl tokio::io::AsyncRead + Unpin>,
    captured: &mut Captured,
    redaction: &Redaction,
    call: &Call<'_>,
) {
    let Some(mut stream) = stream else {
        return;
    };
    let mut buffer = vec![0; 16 * 1024];
    let mut lines = 0;
    while let Ok(length @ 1..) = stream.read(&mut buffer).await {
        if let Some(says) = captured.take(&buffer[..length]) {
            lines += 1;
            // Lines are cut when they are long, perhaps in a secret.
            let (done, says) = (lines, Some(redaction.before_cut(&says)));
            call.progress.update(Update {
                done,
                total: None,
                unit: Unit::Things,
                says,
            });
        }
    }
}

/// The process group of a program; killed when this is dropped.
struct Group {
    id: Option<Pid>,
}

impl Group {
    fn of(child: &Child) -> Self {
        let id = child
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .and_then(Pid::from_raw);
        Self { id }
    }

    /// The program has ended by itself. A group that may be empty is not signalled: its id may be another's.
    fn release(mut self, leftover: Leftover) {
        if leftover == Leftover::HoldsOutput {
            self.signal(Signal::KILL);
        }
        self.id = None;
    }

    /// Asks the group to end, and kills it when it does not.
    async fn end(mut self, child: &mut Child, call: &Call<'_>) {
        self.signal(Signal::TERM);
        tokio::select! {
            _ = child.wait() => {}
            () = call.clock.sleep(GRACE) => {}
        }
        self.signal(Signal::KILL);
        self.id = None;
        let _ = child.wait().await;
    }

    fn signal(&self, signal: Signal) {
        if let Some(id) = self.id {
            // It fails when the group is gone, which is what is wanted.
            let _ = kill_process_group(id, signal);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}
