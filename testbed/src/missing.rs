//! Turns the failure to get a part into a failed test under CI, and into a recorded gap elsewhere.
//!
//! A test that lacks its part returns early, which a test runner counts as passed. So the gap is written down,
//! and the `test` command prints all of them in its last lines.

use std::error::Error;
use std::fmt;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;

use anyhow::Context as _;
use anyhow::Result;
use serde::Deserialize;
use serde::Serialize;

use crate::cache::Cache;
use crate::parts::Part;
use crate::surroundings;

/// Names the file into which gaps are written. Unset: `missing.jsonl` in the cache folder.
pub const MISSING_FILE_VARIABLE: &str = "SALVOR_TESTBED_MISSING";

/// A part that cannot be had on this machine.
#[derive(Debug)]
pub struct Missing {
    part: Part,
    cause: anyhow::Error,
}

impl Missing {
    /// Says that a part cannot be had, and why.
    pub(crate) fn new(part: Part, cause: anyhow::Error) -> Missing {
        Missing { part, cause }
    }

    /// Returns the part.
    pub fn part(&self) -> Part {
        self.part
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} cannot be had on this machine", self.part)
    }
}

impl Error for Missing {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self.cause.as_ref())
    }
}

/// A test that could not run because a part was missing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct MissingRecord {
    /// The program of the test suite.
    pub suite: String,
    /// The test.
    pub test: String,
    /// The name of the part that was missing.
    pub part: String,
    /// Why it was missing.
    pub reason: String,
}

/// Returns the value; nothing where its part cannot be had on this machine, which is recorded. The test then
/// returns.
///
/// # Panics
/// Under CI (`CI=true`) when the part cannot be had; everywhere on any other error, as that is a failure of
/// the part and not its absence.
#[track_caller]
pub fn require<T>(result: Result<T>) -> Option<T> {
    let is_ci = surroundings::variable("CI").is_some_and(|value| value == "true");
    match settle(result, is_ci) {
        Settled::Ready(value) => Some(value),
        Settled::Failed(message) => panic!("{message}"),
        Settled::LeftOut(record) => {
            if let Err(failure) = records_file().and_then(|file| append(&file, &record)) {
                panic!(
                    "{}; and that could not be recorded: {failure:#}",
                    record.reason
                );
            }
            None
        }
    }
}

/// What a test does with the answer of a part.
#[derive(Debug, PartialEq, Eq)]
enum Settled<T> {
    /// It goes on.
    Ready(T),
    /// It fails with this message.
    Failed(String),
    /// It returns, and this is recorded.
    LeftOut(MissingRecord),
}

fn settle<T>(result: Result<T>, is_ci: bool) -> Settled<T> {
    let error = match result {
        Ok(value) => return Settled::Ready(value),
        Err(error) => error,
    };
    match error.downcast_ref::<Missing>() {
        Some(missing) if !is_ci => Settled::LeftOut(MissingRecord {
            suite: suite_name(),
            test: std::thread::current()
                .name()
                .unwrap_or("unnamed")
                .to_owned(),
            part: missing.part.name().to_owned(),
            reason: format!("{:#}", missing.cause),
        }),
        Some(_) | None => Settled::Failed(format!("{error:?}")),
    }
}

/// Returns the records of a file, sorted and without repetitions. A file that does not exist has none.
///
/// # Errors
/// The file cannot be read or is not of this form.
pub fn missing_records(file: &Path) -> Result<Vec<MissingRecord>> {
    let doing = || format!("read {}", file.display());
    if !file.exists() {
        return Ok(Vec::new());
    }
    let text = std::fs::read_to_string(file).with_context(doing)?;
    let mut records: Vec<MissingRecord> = text
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()
        .with_context(doing)?;
    records.sort();
    records.dedup();
    Ok(records)
}

/// Returns the file into which records go.
fn records_file() -> Result<PathBuf> {
    match surroundings::variable(MISSING_FILE_VARIABLE) {
        Some(path) => Ok(PathBuf::from(path)),
        None => Ok(Cache::open()?.create()?.join("missing.jsonl")),
    }
}

/// Appends a record in one write, so that records of several processes do not mix.
fn append(path: &Path, record: &MissingRecord) -> Result<()> {
    let mut line = serde_json::to_string(record).context("write a record as JSON")?;
    line.push('\n');
    let doing = || format!("append to {}", path.display());
    let mut file = File::options()
        .create(true)
        .append(true)
        .open(path)
        .with_context(doing)?;
    file.write_all(line.as_bytes()).with_context(doing)
}

/// Returns the name of the running program without the hash that cargo appends.
fn suite_name() -> String {
    let path = std::env::current_exe().unwrap_or_default();
    let stem = path
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    match stem.rsplit_once('-') {
        Some((name, hash)) if hash.len() == 16 => name.to_owned(),
        Some(_) | None => stem,
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;
    use anyhow::Result;
    use anyhow::anyhow;

    use super::Missing;
    use super::Settled;
    use super::append;
    use super::missing_records;
    use super::settle;
    use crate::parts::Part;

    fn without_minio() -> Result<()> {
        Err(anyhow::Error::new(Missing::new(
            Part::Minio,
            anyhow!("no Go"),
        )))
        .context("start the object store")
    }

    #[test]
    fn a_missing_part_fails_the_test_under_ci_only() -> Result<()> {
        assert_eq!(settle(Ok(7), true), Settled::Ready(7));
        assert!(matches!(settle(without_minio(), true), Settled::Failed(_)));
        let Settled::LeftOut(record) = settle(without_minio(), false) else {
            panic!("elsewhere the test is left out");
        };
        assert_eq!(
            (record.part.as_str(), record.reason.as_str()),
            ("minio", "no Go")
        );

        let folder = tempfile::tempdir()?;
        let file = folder.path().join("missing.jsonl");
        assert_eq!(missing_records(&file)?, []);
        append(&file, &record)?;
        append(&file, &record)?;
        assert_eq!(missing_records(&file)?, [record]);
        Ok(())
    }

    #[test]
    fn a_part_that_is_there_and_fails_fails_the_test() {
        assert!(matches!(
            settle::<()>(Err(anyhow!("no start")), false),
            Settled::Failed(_)
        ));
    }
}
