//! Where a world is kept: in memory, or in a file that several processes share and that survives kills.
//!
//! A change reads the file, changes the world and puts a new file in its place by a rename, under a lock on a
//! file beside it. The kernel drops the lock with the process; a kill leaves the old world or the new one.
//! It is not synced: a simulated world need not survive a power loss.

use std::fs::File;
use std::io::ErrorKind;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use jiff::Timestamp;
use salvor_contract::Error;

use crate::world::World;

/// Where a world is kept.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// In this process, shared by clones.
    Memory(Arc<Mutex<World>>),
    /// In a file of this path.
    File(PathBuf),
}

impl Place {
    /// The world as it is at this moment. Changes nothing.
    pub(crate) fn look(&self, now: Timestamp) -> Result<World, Error> {
        let mut world = match self {
            Self::Memory(world) => lock(world).clone(),
            Self::File(path) => read(path)?,
        };
        world.advance(now);
        Ok(world)
    }

    /// True when the world has a script of faults.
    pub(crate) fn has_faults(&self) -> Result<bool, Error> {
        Ok(match self {
            Self::Memory(world) => !lock(world).faults.is_empty(),
            Self::File(path) => !read(path)?.faults.is_empty(),
        })
    }

    /// Changes the world in one step with a change that cannot fail, so that no copy of it is kept meanwhile.
    pub(crate) fn update<T>(
        &self,
        now: Timestamp,
        change: impl FnOnce(&mut World) -> T,
    ) -> Result<T, Error> {
        match self {
            Self::Memory(world) => {
                let mut world = lock(world);
                world.advance(now);
                Ok(change(&mut world))
            }
            Self::File(_) => self.change(now, |world| Ok(change(world))),
        }
    }

    /// Changes the world in one step, unless `change` fails: then all is as it was.
    ///
    /// It holds a lock for the length of a small file's writing and never over an await.
    pub(crate) fn change<T>(
        &self,
        now: Timestamp,
        change: impl FnOnce(&mut World) -> Result<T, Error>,
    ) -> Result<T, Error> {
        match self {
            Self::Memory(shared) => {
                let mut shared = lock(shared);
                let mut world = shared.clone();
                world.advance(now);
                let value = change(&mut world)?;
                *shared = world;
                Ok(value)
            }
            Self::File(path) => {
                let lock = File::create(beside(path, ".lock")).map_err(|e| failed(path, &e))?;
                lock.lock().map_err(|e| failed(path, &e))?;
                let mut world = read(path)?;
                world.advance(now);
                let value = change(&mut world)?;
                let new = beside(path, ".new");
                let text = serde_json::to_string_pretty(&world).map_err(|error| {
                    Error::refused(format!("the world cannot be written: {error}"))
                })?;
                std::fs::write(&new, text).map_err(|e| failed(&new, &e))?;
                std::fs::rename(&new, path).map_err(|e| failed(path, &e))?;
                Ok(value)
            }
        }
    }
}

fn lock(world: &Mutex<World>) -> MutexGuard<'_, World> {
    world.lock().unwrap_or_else(PoisonError::into_inner)
}

fn read(path: &Path) -> Result<World, Error> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        if error.kind() != ErrorKind::NotFound {
            return failed(path, &error);
        }
        Error::refused_with(
            format!("the world {} is not there", path.display()),
            "write one, or set `world` under [providers.simulated] to another file",
        )
    })?;
    World::parse(&text)
        .map_err(|error| Error::refused(format!("{} is not a world: {error}", path.display())))
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

fn failed(path: &Path, error: &std::io::Error) -> Error {
    Error::transient(format!("{} could not be used: {error}", path.display()))
}
