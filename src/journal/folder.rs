//! The state folder of an environment: its lineage, its runs, its lock and its inboxes.
//!
//! ```text
//! <state>/lineage                  the environment's id, made once
//! <state>/locks/<lineage>          the environment's lock
//! <state>/heads/<run>              the last record that was seen of a journal
//! <state>/runs/<run>/journal       the records
//! <state>/runs/<run>/blobs/        bytes named by their digests; the change set first of all
//! <state>/runs/<run>/inbox/        answers from other processes, not yet recorded
//! <state>/runs/<run>/reserve       space for the last records on a full disk, until the run is over
//! <state>/runs/<run>/scratch/      files of operations, until the run is over
//! ```

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::io;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use salvor_contract::Answer;
use salvor_contract::Clock;
use salvor_contract::RunId;
use salvor_contract::StepName;

use crate::journal::chain;
use crate::journal::chain::Chain;
use crate::journal::chain::ChainError;
use crate::journal::chain::Fold;
use crate::journal::file::FileStorage;
use crate::journal::file::blocking;
use crate::journal::file::io_error;
use crate::journal::file::place::make_folder;
use crate::journal::file::place::options;
use crate::journal::file::place::refuse_network;
use crate::journal::file::place::sync_folder;
use crate::journal::file::read_file;
use crate::journal::heads::Heads;
use crate::journal::lock::FileLock;
use crate::journal::record::Line;
use crate::journal::state::Head;
use crate::journal::state::RunState;
use crate::journal::storage::Storage as _;
use crate::journal::storage::StorageError;
use crate::journal::writer::Proved;
use crate::surroundings::Randomness;

/// The state folder of an environment.
#[derive(Clone, Debug)]
pub struct StateFolder {
    root: PathBuf,
    lineage: String,
}

/// A run in the folder.
#[derive(Debug)]
pub struct Listed {
    /// The run.
    pub run: RunId,
    /// What its journal adds up to, or why it cannot be read.
    pub state: Result<RunState, ChainError>,
}

impl StateFolder {
    /// Opens the folder, and makes it with a new lineage when it is not there.
    ///
    /// # Errors
    /// When it is on the network, writable by others, or cannot be made.
    pub async fn open(root: PathBuf, randomness: &dyn Randomness) -> Result<Self, StorageError> {
        let token = randomness.token();
        blocking(move || {
            make_folder(&root)?;
            refuse_network(&root)?;
            refuse_open_to_others(&root)?;
            make_folder(&root.join("runs"))?;
            make_folder(&root.join("locks"))?;
            let path = root.join("lineage");
            // Two processes may come first at once: one name wins, and both read that one.
            make_once(&path, token.as_bytes(), &token)?;
            let lineage = read_lineage(&path)?;
            Ok(Self { root, lineage })
        })
        .await
    }

    /// Opens the folder for reading only; makes nothing.
    ///
    /// # Errors
    /// [`StorageError::Missing`] when it is not there, [`StorageError::Unfit`] when its lineage is damaged.
    pub async fn open_existing(root: PathBuf) -> Result<Self, StorageError> {
        blocking(move || {
            let lineage = read_lineage(&root.join("lineage"))?;
            Ok(Self { root, lineage })
        })
        .await
    }

    /// The folder for reading only: as it is, or, where there is none yet, one that nobody has made, without runs and
    /// with a lineage of its own.
    ///
    /// # Errors
    /// As [`StateFolder::open_existing`], except that it may be missing.
    pub async fn to_look(root: PathBuf, randomness: &dyn Randomness) -> Result<Self, StorageError> {
        match Self::open_existing(root.clone()).await {
            Err(StorageError::Missing { .. }) => Ok(Self {
                root,
                lineage: randomness.token(),
            }),
            opened => opened,
        }
    }

    /// The same folder, which has no runs, for the environment of this id: its own state is lost.
    ///
    /// # Errors
    /// When the id cannot be one, or cannot be written.
    pub async fn with_lineage(self, lineage: &str) -> Result<Self, StorageError> {
        let Self { root, lineage: own } = self;
        let lineage = lineage.to_owned();
        blocking(move || {
            let path = root.join("lineage");
            if !is_plain(&lineage) {
                return Err(StorageError::Unfit {
                    what: format!("{lineage:?} is not the id of an environment"),
                });
            }
            if own != lineage {
                std::fs::remove_file(&path).map_err(io_error("remove", &path))?;
                make_once(&path, lineage.as_bytes(), &own)?;
            }
            let lineage = read_lineage(&path)?;
            Ok(Self { root, lineage })
        })
        .await
    }

    /// The environment's id.
    pub fn lineage(&self) -> &str {
        &self.lineage
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.root
    }

    /// The folder of a run.
    ///
    /// # Errors
    /// When the text cannot be the id of a run: it may come from a command line.
    pub fn run_folder(&self, run: &RunId) -> Result<PathBuf, StorageError> {
        if !is_plain(run.as_str()) {
            return Err(StorageError::Missing {
                what: format!("run {run:?}"),
            });
        }
        Ok(self.root.join("runs").join(run.as_str()))
    }

    /// The storage of a new run, held for writing.
    ///
    /// # Errors
    /// See [`FileStorage::create`].
    pub async fn create(&self, run: &RunId) -> Result<FileStorage, StorageError> {
        FileStorage::create(self.run_folder(run)?).await
    }

    /// The storage of a run, for reading.
    ///
    /// # Errors
    /// When the text cannot be the id of a run.
    pub fn read(&self, run: &RunId) -> Result<FileStorage, StorageError> {
        Ok(FileStorage::open_reading(self.run_folder(run)?))
    }

    /// The environment's lock.
    pub fn lock(&self, clock: Arc<dyn Clock>) -> FileLock {
        let path = self.root.join("locks").join(&self.lineage);
        FileLock::new(path, self.heads(), clock)
    }

    fn heads(&self) -> Heads {
        Heads::new(self.root.join("heads"))
    }

    /// The last record of a run that was seen, kept apart from its journal. To be asked before the journal is
    /// read: whoever writes it may go on meanwhile.
    ///
    /// # Errors
    /// When the text cannot be the id of a run.
    pub async fn seen_head(&self, run: &RunId) -> Result<Option<Head>, StorageError> {
        self.run_folder(run)?;
        let (heads, run) = (self.heads(), run.clone());
        Ok(blocking(move || heads.read(&run)).await)
    }

    /// The ids of all runs, by name. What is in their journals is not looked at.
    ///
    /// # Errors
    /// When the folder of the runs cannot be read.
    pub async fn run_ids(&self) -> Result<Vec<RunId>, StorageError> {
        let folder = self.root.join("runs");
        let names = blocking(move || names_in(&folder)).await?;
        let plain = names.into_iter().filter(|name| is_plain(name));
        Ok(plain.map(RunId::new).collect())
    }

    /// All runs, newest last; those that cannot be read come first, by name.
    ///
    /// # Errors
    /// When the folder of the runs cannot be read.
    pub async fn runs(&self) -> Result<Vec<Listed>, StorageError> {
        let ids = self.run_ids().await?;
        let mut runs = Vec::with_capacity(ids.len());
        for run in ids {
            let state = self.state_of(&run).await;
            runs.push(Listed { run, state });
        }
        runs.sort_by_key(|listed| listed.state.as_ref().ok().map(|state| state.opening.at));
        Ok(runs)
    }

    /// The newest runs of a plan, newest first, at most `count`. Of the others only the first record is read:
    /// there may be thousands. Runs whose journals are not trusted are left out.
    ///
    /// # Errors
    /// When the folder of the runs cannot be read.
    pub async fn newest(&self, plan: &str, count: usize) -> Result<Vec<RunState>, StorageError> {
        let mut begun = Vec::new();
        for run in self.run_ids().await? {
            match chain::read_first(&self.read(&run)?, &run).await {
                Ok(first) if first.opening.plan == plan => begun.push((first.opening.at, run)),
                Ok(_) | Err(_) => {}
            }
        }
        begun.sort_unstable_by(|one, other| other.cmp(one));
        let mut newest = Vec::with_capacity(count);
        for (_, run) in begun {
            if newest.len() == count {
                break;
            }
            newest.extend(self.state_of(&run).await.ok());
        }
        Ok(newest)
    }

    /// The runs that are not over, and those of which that cannot be told.
    ///
    /// # Errors
    /// When the folder of the runs cannot be read.
    pub async fn open_runs(&self) -> Result<Vec<Listed>, StorageError> {
        let mut open = Vec::new();
        for run in self.run_ids().await? {
            // The last record tells, so that the journals of the many that are over are not read.
            if chain::is_closed(&self.read(&run)?).await {
                continue;
            }
            let state = self.state_of(&run).await;
            match &state {
                // A crash before the first record: nothing was begun.
                Err(ChainError::Empty) => {}
                Ok(folded) if folded.phase.is_over() => {}
                Ok(_) | Err(_) => open.push(Listed { run, state }),
            }
        }
        Ok(open)
    }

    /// How many bytes the journal of each run has: what is the same twice saw no run go on in between.
    ///
    /// # Errors
    /// When the folder of the runs cannot be read.
    pub async fn lengths(&self) -> Result<BTreeMap<RunId, u64>, StorageError> {
        let mut lengths = BTreeMap::new();
        for run in self.run_ids().await? {
            let journal = self.run_folder(&run)?.join("journal");
            let length = tokio::fs::metadata(journal).await.map_or(0, |it| it.len());
            lengths.insert(run, length);
        }
        Ok(lengths)
    }

    /// The runs that were opened after this one, and those of which that cannot be told.
    ///
    /// # Errors
    /// When the folder of the runs cannot be read.
    pub async fn runs_since(&self, this: &RunState) -> Result<Vec<Listed>, StorageError> {
        let mut newer = Vec::new();
        for run in self.run_ids().await? {
            let first = chain::read_first(&self.read(&run)?, &run).await;
            let is_meant = match &first {
                Ok(first) => first.opening.at > this.opening.at,
                Err(ChainError::Empty) => false,
                Err(_) => true,
            };
            if run != this.run && is_meant {
                let state = self.state_of(&run).await;
                newer.push(Listed { run, state });
            }
        }
        Ok(newer)
    }

    /// What the proved journal of a run adds up to; it must be of this environment.
    async fn state_of(&self, run: &RunId) -> Result<RunState, ChainError> {
        let seen = self.seen_head(run).await?;
        let Fold { state, .. } = chain::fold(&self.read(run)?, run, drop).await?;
        self.refuse_other(&state, seen).await?;
        Ok(state)
    }

    /// Makes the folder where operations of a run may put files: what they make in it is out of the reach of others.
    ///
    /// # Errors
    /// When the text cannot be the id of a run, or the folder cannot be made.
    pub async fn make_scratch(&self, run: &RunId) -> Result<(), StorageError> {
        let folder = self.scratch(run)?;
        blocking(move || make_folder(&folder)).await
    }

    /// Where operations of a run may put files, once it is made.
    ///
    /// # Errors
    /// When the text cannot be the id of a run.
    pub fn scratch(&self, run: &RunId) -> Result<PathBuf, StorageError> {
        Ok(self.run_folder(run)?.join("scratch"))
    }

    /// Removes what is of use only while a run goes on: files of operations, which may hold what nobody should
    /// keep, and the space set aside for the last records.
    ///
    /// # Errors
    /// When they cannot be removed. What is not there is fine.
    pub async fn clear(&self, run: &RunId) -> Result<(), StorageError> {
        let (scratch, reserve) = (self.scratch(run)?, self.run_folder(run)?.join("reserve"));
        blocking(move || {
            let folder = removed_or_absent(&scratch, std::fs::remove_dir_all(&scratch));
            let file = removed_or_absent(&reserve, std::fs::remove_file(&reserve));
            folder.and(file)
        })
        .await
    }

    /// Clears the runs that are over and were killed before they did so themselves; says what stayed, and why.
    /// Runs that cannot be read are left alone. Only for whoever holds the environment's lock.
    pub async fn sweep(&self) -> Vec<StorageError> {
        let mut stayed = Vec::new();
        for run in self.run_ids().await.unwrap_or_default() {
            let Ok(folder) = self.run_folder(&run) else {
                continue;
            };
            let is_clear = ["scratch", "reserve"].map(|name| !folder.join(name).exists());
            if is_clear == [true, true] {
                continue;
            }
            if (self.state_of(&run).await).is_ok_and(|state| state.phase.is_over()) {
                stayed.extend(self.clear(&run).await.err());
            }
        }
        stayed
    }

    /// Reads and proves the journal of a run, which must be of this environment.
    ///
    /// # Errors
    /// See [`ChainError`].
    pub async fn chain(&self, run: &RunId) -> Result<Chain, ChainError> {
        let seen = self.seen_head(run).await?;
        let chain = chain::read(&self.read(run)?, run).await?;
        self.refuse_other(&chain.state, seen).await?;
        Ok(chain)
    }

    /// Holds the journal of an existing run for writing, and proves it. It must be of this environment.
    ///
    /// # Errors
    /// See [`FileStorage::open`] and [`ChainError`].
    pub async fn prove(&self, run: &RunId) -> Result<Proved, ChainError> {
        let seen = self.seen_head(run).await?;
        let storage = FileStorage::open(self.run_folder(run)?).await?;
        let proved = Proved::read(Arc::new(storage), run).await?;
        self.refuse_other(proved.state(), seen).await?;
        Ok(proved)
    }

    /// Refuses a whole chain that is of another environment, or that is not what was seen before.
    async fn refuse_other(&self, state: &RunState, seen: Option<Head>) -> Result<(), ChainError> {
        if state.opening.lineage != self.lineage {
            return Err(ChainError::Foreign {
                expected: format!("environment {}", self.lineage),
                found: format!("environment {}", state.opening.lineage),
            });
        }
        let Some(Head { seq, hash }) = seen else {
            return Ok(());
        };
        let found = match state.head.seq.cmp(&seq) {
            Ordering::Less => None,
            Ordering::Equal => Some(state.head.hash.clone()),
            Ordering::Greater => {
                let lines = self.read(&state.run)?.load(seq).await?.lines;
                let line = lines.first().and_then(|line| Line::parse(line).ok());
                line.map(|(line, _)| line.hash)
            }
        };
        match found {
            Some(found) if found == hash => Ok(()),
            Some(_) => Err(ChainError::Damaged {
                seq,
                what: chain::NOT_AS_SEEN.to_owned(),
            }),
            None => Err(ChainError::Damaged {
                seq,
                what: chain::SEEN_AND_GONE.to_owned(),
            }),
        }
    }

    /// Leaves an answer for the process that works on a run. It counts once that process has recorded it.
    ///
    /// # Errors
    /// [`StorageError::Unfit`] when there is one already that was not taken yet.
    pub async fn put_answer(
        &self,
        run: &RunId,
        step: &StepName,
        answer: &Answer,
        randomness: &dyn Randomness,
    ) -> Result<(), StorageError> {
        let path = self.answer_path(run, step)?;
        let text = serde_json::to_vec(answer).expect("our own types serialise to JSON");
        let token = randomness.token();
        let is_new = blocking(move || make_once(&path, &text, &token)).await?;
        if !is_new {
            let what =
                format!("step {step} was answered already, and the answer is not recorded yet");
            return Err(StorageError::Unfit { what });
        }
        Ok(())
    }

    /// The answers that were left and are not removed yet.
    ///
    /// # Errors
    /// When the inbox, or an answer in it, cannot be read.
    pub async fn answers(&self, run: &RunId) -> Result<BTreeMap<StepName, Answer>, StorageError> {
        let folder = self.run_folder(run)?.join("inbox");
        blocking(move || {
            let mut answers = BTreeMap::new();
            for name in names_in(&folder)? {
                let Some(step) = name.strip_suffix(".json") else {
                    continue;
                };
                let path = folder.join(&name);
                let answer = serde_json::from_slice(&read_file(&path)?).map_err(|error| {
                    StorageError::Unfit {
                        what: format!("{}: {error}", path.display()),
                    }
                })?;
                answers.insert(StepName::new(step), answer);
            }
            Ok(answers)
        })
        .await
    }

    /// Removes an answer from the inbox: after it was recorded, not before.
    ///
    /// # Errors
    /// When it cannot be removed. One that is not there is fine.
    pub async fn remove_answer(&self, run: &RunId, step: &StepName) -> Result<(), StorageError> {
        let path = self.answer_path(run, step)?;
        blocking(move || removed_or_absent(&path, std::fs::remove_file(&path))).await
    }

    fn answer_path(&self, run: &RunId, step: &StepName) -> Result<PathBuf, StorageError> {
        if !is_plain(step.as_str()) {
            return Err(StorageError::Missing {
                what: format!("step {step:?}"),
            });
        }
        Ok(self
            .run_folder(run)?
            .join("inbox")
            .join(format!("{step}.json")))
    }
}

fn removed_or_absent(path: &Path, removed: io::Result<()>) -> Result<(), StorageError> {
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(io_error("remove", path)(error))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// A name that stays in its folder on every system.
fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with('.')
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
}

/// Makes a file whole or not at all, unless there is one. True when it was made. `token` is in the name under
/// which it is prepared.
fn make_once(path: &Path, bytes: &[u8], token: &str) -> Result<bool, StorageError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let part = folder.join(format!(".{token}.part"));
    let made = options()
        .write(true)
        .create_new(true)
        .open(&part)
        .and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()
        })
        .and_then(|()| std::fs::hard_link(&part, path));
    let removed = std::fs::remove_file(&part);
    match made {
        Ok(()) => {
            removed.map_err(io_error("remove", &part))?;
            sync_folder(folder)?;
            Ok(true)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(io_error("make", path)(error)),
    }
}

/// The environment's id. The lock is a file of this name, so one that leads elsewhere would lock something else.
fn read_lineage(path: &Path) -> Result<String, StorageError> {
    let text = String::from_utf8(read_file(path)?).unwrap_or_default();
    if !is_plain(&text) {
        let what = format!(
            "{} is damaged: it holds the environment's id, which is made of letters and digits",
            path.display()
        );
        return Err(StorageError::Unfit { what });
    }
    Ok(text)
}

fn names_in(folder: &Path) -> Result<Vec<String>, StorageError> {
    let entries = std::fs::read_dir(folder).map_err(io_error("read", folder))?;
    let mut names = Vec::new();
    for entry in entries {
        let name = entry.map_err(io_error("read", folder))?.file_name();
        names.extend(name.into_string());
    }
    names.sort();
    Ok(names)
}

/// Whoever can write the folder can make a run do anything.
fn refuse_open_to_others(root: &Path) -> Result<(), StorageError> {
    let mode = std::fs::metadata(root)
        .map_err(io_error("look at", root))?
        .mode();
    if mode & 0o022 != 0 {
        return Err(StorageError::Unfit {
            what: format!(
                "{} can be written by others (mode {:o}); run `chmod go-w` on it",
                root.display(),
                mode & 0o777
            ),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
