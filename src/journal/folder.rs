//! The state of an environment in a folder of this machine.
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

mod examined;

use std::io;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use salvor_contract::Clock;
use salvor_contract::RunId;
use salvor_contract::StepName;

use crate::journal::environment::scratch_below;
use crate::journal::file::FileStorage;
use crate::journal::file::blocking;
use crate::journal::file::io_error;
use crate::journal::file::place::make_folder;
use crate::journal::file::place::options;
use crate::journal::file::place::refuse_network;
use crate::journal::file::place::sync_folder;
use crate::journal::file::read_file;
use crate::journal::heads::Heads;
use crate::journal::lock::EnvironmentLock;
use crate::journal::lock::FileLock;
use crate::journal::place::Examined;
use crate::journal::place::Place;
use crate::journal::place::lineage_in;
use crate::journal::state::Head;
use crate::journal::storage::Storage;
use crate::journal::storage::StorageError;
use crate::surroundings::Randomness;

/// The state folder of an environment.
#[derive(Clone, Debug)]
pub struct StateFolder {
    root: PathBuf,
}

impl StateFolder {
    /// The folder at this path, which need not be there.
    pub fn new(root: PathBuf) -> Self {
        Self { root }
    }

    fn run_folder(&self, run: &RunId) -> PathBuf {
        self.root.join("runs").join(run.as_str())
    }

    fn heads(&self) -> Heads {
        Heads::new(self.root.join("heads"))
    }

    fn answer_path(&self, run: &RunId, step: &StepName) -> PathBuf {
        let inbox = self.run_folder(run).join("inbox");
        inbox.join(format!("{step}.json"))
    }
}

#[async_trait]
impl Place for StateFolder {
    fn shown(&self) -> String {
        self.root.display().to_string()
    }

    fn shown_run(&self, run: &RunId) -> String {
        self.run_folder(run).display().to_string()
    }

    fn local(&self) -> &Path {
        &self.root
    }

    fn is_shared(&self) -> bool {
        false
    }

    async fn fit(&self) -> Result<(), StorageError> {
        // What a folder must be is looked at whenever a journal or the lock in it is opened.
        Ok(())
    }

    async fn open(&self, token: &str) -> Result<String, StorageError> {
        let (root, token) = (self.root.clone(), token.to_owned());
        blocking(move || {
            make_folder(&root)?;
            refuse_network(&root)?;
            refuse_open_to_others(&root)?;
            make_folder(&root.join("runs"))?;
            make_folder(&root.join("locks"))?;
            let path = root.join("lineage");
            // Two processes may come first at once: one name wins, and both read that one.
            make_once(&path, token.as_bytes(), &token)?;
            read_lineage(&path)
        })
        .await
    }

    async fn lineage(&self) -> Result<String, StorageError> {
        let path = self.root.join("lineage");
        blocking(move || read_lineage(&path)).await
    }

    async fn set_lineage(&self, own: &str, lineage: &str) -> Result<String, StorageError> {
        let path = self.root.join("lineage");
        let (own, lineage) = (own.to_owned(), lineage.to_owned());
        blocking(move || {
            std::fs::remove_file(&path).map_err(io_error("remove", &path))?;
            make_once(&path, lineage.as_bytes(), &own)?;
            read_lineage(&path)
        })
        .await
    }

    async fn create(&self, run: &RunId) -> Result<Arc<dyn Storage>, StorageError> {
        let storage = FileStorage::create(self.run_folder(run)).await?;
        Ok(Arc::new(storage))
    }

    async fn hold(&self, run: &RunId) -> Result<Arc<dyn Storage>, StorageError> {
        let storage = FileStorage::open(self.run_folder(run)).await?;
        Ok(Arc::new(storage))
    }

    fn read(&self, run: &RunId) -> Arc<dyn Storage> {
        Arc::new(FileStorage::open_reading(self.run_folder(run)))
    }

    fn lock(
        &self,
        lineage: &str,
        clock: Arc<dyn Clock>,
        _: Arc<dyn Randomness>,
    ) -> Arc<dyn EnvironmentLock> {
        let path = self.root.join("locks").join(lineage);
        Arc::new(FileLock::new(path, self.heads(), clock))
    }

    async fn seen_head(&self, _: &str, run: &RunId) -> Result<Option<Head>, StorageError> {
        let (heads, run) = (self.heads(), run.clone());
        Ok(blocking(move || heads.read(&run)).await)
    }

    async fn run_names(&self) -> Result<Vec<String>, StorageError> {
        let folder = self.root.join("runs");
        blocking(move || names_in(&folder)).await
    }

    async fn length(&self, run: &RunId) -> Result<u64, StorageError> {
        let journal = self.run_folder(run).join("journal");
        Ok(tokio::fs::metadata(journal).await.map_or(0, |it| it.len()))
    }

    async fn put_answer(
        &self,
        run: &RunId,
        step: &StepName,
        answer: &[u8],
        token: &str,
    ) -> Result<bool, StorageError> {
        let path = self.answer_path(run, step);
        let (answer, token) = (answer.to_vec(), token.to_owned());
        blocking(move || make_once(&path, &answer, &token)).await
    }

    async fn answers(&self, run: &RunId) -> Result<Vec<(String, Vec<u8>)>, StorageError> {
        let folder = self.run_folder(run).join("inbox");
        blocking(move || {
            let mut answers = Vec::new();
            for name in names_in(&folder)? {
                if let Some(step) = name.strip_suffix(".json") {
                    answers.push((step.to_owned(), read_file(&folder.join(&name))?));
                }
            }
            Ok(answers)
        })
        .await
    }

    async fn remove_answer(&self, run: &RunId, step: &StepName) -> Result<(), StorageError> {
        let path = self.answer_path(run, step);
        blocking(move || removed_or_absent(&path, std::fs::remove_file(&path))).await
    }

    async fn uncleared(&self) -> Vec<String> {
        uncleared(self.root.join("runs")).await
    }

    async fn clear(&self, run: &RunId) -> Result<(), StorageError> {
        clear(&self.root, run).await
    }

    async fn examine(&self, token: &str) -> Vec<Examined> {
        let (root, token) = (self.root.clone(), token.to_owned());
        blocking(move || examined::examine(&root, &token)).await
    }
}

/// The runs below a folder that have files of operations, or space set aside.
pub(super) async fn uncleared(runs: PathBuf) -> Vec<String> {
    blocking(move || {
        let mut names = names_in(&runs).unwrap_or_default();
        names.retain(|name| {
            ["scratch", "reserve"]
                .iter()
                .any(|left| runs.join(name).join(left).exists())
        });
        names
    })
    .await
}

/// Removes these of a run.
pub(super) async fn clear(local: &Path, run: &RunId) -> Result<(), StorageError> {
    let scratch = scratch_below(local, run);
    blocking(move || {
        let reserve = scratch.with_file_name("reserve");
        let folder = removed_or_absent(&scratch, std::fs::remove_dir_all(&scratch));
        let file = removed_or_absent(&reserve, std::fs::remove_file(&reserve));
        folder.and(file)
    })
    .await
}

fn removed_or_absent(path: &Path, removed: io::Result<()>) -> Result<(), StorageError> {
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(io_error("remove", path)(error))
        }
        Ok(()) | Err(_) => Ok(()),
    }
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

fn read_lineage(path: &Path) -> Result<String, StorageError> {
    lineage_in(read_file(path)?, &path.display().to_string())
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
