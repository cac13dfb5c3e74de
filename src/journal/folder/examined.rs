//! Tries out whether a folder can hold state: what each run relies on, done once on files of its own.

use std::fs::File;
use std::io;
use std::io::Write as _;
use std::path::Path;

use crate::journal::file::place::make_folder;
use crate::journal::file::place::options;
use crate::journal::file::place::refuse_network;
use crate::journal::file::place::sync_folder;
use crate::journal::folder::make_once;
use crate::journal::folder::refuse_open_to_others;
use crate::journal::place::Examined;

/// What a run needs on the disk: its reserve, and room for its records.
const SPACE: u64 = 20 * 1024 * 1024;

/// Tries it out in a folder below the state folder, and removes what it made.
pub(super) fn examine(root: &Path, token: &str) -> Vec<Examined> {
    // What is made on the way goes again, from the innermost on.
    let absent = |folder: &&Path| !folder.as_os_str().is_empty() && !folder.exists();
    let new: Vec<&Path> = root.ancestors().take_while(absent).collect();
    let trial = root.join(format!(".doctor-{token}"));
    let made = make_folder(&trial).map_err(|error| chain_of(&error));
    let is_made = made.is_ok();
    let mut examined = vec![Examined::of("the folder can be made and written", made)];
    if is_made {
        examined.extend(tried(root, &trial, token));
    }
    let removed = std::fs::remove_dir_all(&trial)
        .and_then(|()| new.into_iter().try_for_each(std::fs::remove_dir));
    if is_made {
        examined.push(Examined::of(
            "what was tried is removed",
            removed.map_err(|error| error.to_string()),
        ));
    }
    examined
}

fn tried(root: &Path, trial: &Path, token: &str) -> [Examined; 6] {
    let text = |error: crate::journal::storage::StorageError| chain_of(&error);
    let file = trial.join("file");
    [
        Examined::of(
            "its file system is one of this machine",
            refuse_network(trial).map_err(text),
        ),
        Examined::of(
            "nobody else can write it",
            refuse_open_to_others(root).map_err(text),
        ),
        Examined::of(
            "a file and its folder are synced to the disk",
            written(&file)
                .map_err(|error| error.to_string())
                .and_then(|()| sync_folder(trial).map_err(text)),
        ),
        Examined::of("a locked file cannot be locked again", locked(&file)),
        Examined::of(
            "a name is made once",
            made_once(&trial.join("name"), token)
                .map_err(text)
                .and_then(|is_once| {
                    is_once
                        .then_some(())
                        .ok_or_else(|| "a second one was made in its place".to_owned())
                }),
        ),
        Examined::of("there are 20 MB free", has_space(&trial.join("space"))),
    ]
}

fn written(path: &Path) -> io::Result<()> {
    let mut file = options().write(true).create_new(true).open(path)?;
    file.write_all(b"salvor doctor\n")?;
    file.sync_data()
}

/// A lock belongs to an open file, so that a second handle of this process stands for another process.
fn locked(path: &Path) -> Result<(), String> {
    let open = || options().read(true).write(true).open(path);
    let held = |file: &File| match file.try_lock() {
        Ok(()) => Ok(true),
        Err(std::fs::TryLockError::WouldBlock) => Ok(false),
        Err(std::fs::TryLockError::Error(error)) => Err(error),
    };
    let both = open().and_then(|first| {
        let is_first = held(&first)?;
        let second = open()?;
        Ok((is_first, held(&second)?))
    });
    match both {
        Ok((true, false)) => Ok(()),
        Ok((false, _)) => Err("it cannot be locked at all".to_owned()),
        Ok((true, true)) => Err("two hold it at once".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

fn made_once(path: &Path, token: &str) -> Result<bool, crate::journal::storage::StorageError> {
    let is_first = make_once(path, b"first", token)?;
    let is_second = make_once(path, b"second", token)?;
    Ok(is_first && !is_second)
}

fn has_space(path: &Path) -> Result<(), String> {
    let file = options().write(true).create_new(true).open(path);
    let file = file.map_err(|error| error.to_string())?;
    rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, SPACE)
        .map_err(|error| io::Error::from(error).to_string())
}

/// An error with its causes.
fn chain_of(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text.push_str(&format!(": {next}"));
        cause = next.source();
    }
    text
}
