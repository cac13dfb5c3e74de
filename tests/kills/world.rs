//! One case's own world: a folder with plan and state, and a place with servers in which it is recovered.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Output;

use serde_json::Value;

/// Everything that a recovery makes, by name, without what is the case's own.
pub type Content = BTreeMap<String, String>;

/// What makes worlds after the same disaster.
pub trait Setting: Sync {
    /// A world with a change set that recovers it.
    fn world(&self, name: &str) -> World<'_>;
}

/// Where a world is recovered: what is at the servers, looked at without salvor.
pub trait Place {
    /// Gives salvor the environment that its plan reads.
    fn prepare(&self, command: &mut Command);

    /// What is there now.
    fn content(&self) -> Content;

    /// The effects that were had more often than once, counted at the servers.
    fn repeated(&self) -> Vec<String>;

    /// What a person answers to each manual step.
    fn answers(&self) -> &'static [(&'static str, &'static str)];

    /// The steps that have no key: after a kill only a person can tell of them.
    fn unkeyed(&self) -> &'static [&'static str];

    /// What a person sees of a step who looks at its place; nothing where nobody needs to look.
    fn seen(&self, step: &str) -> Option<Seen>;

    /// What confirms that something is replaced, as it is typed.
    fn confirms(&self) -> &'static [&'static str] {
        &[]
    }

    /// Takes everything away that was this case's own, its folder apart.
    fn remove(&self);
}

/// What a person sees of a step.
pub struct Seen {
    /// It was done.
    pub is_done: bool,
    /// What it put out, by name, as it is typed.
    pub outputs: Vec<(&'static str, String)>,
}

impl Seen {
    /// It was not done whole, or to do it again changes nothing.
    pub fn not_done() -> Self {
        Self {
            is_done: false,
            outputs: Vec::new(),
        }
    }
}

/// A world after the disaster.
pub struct World<'a> {
    /// The folder of the plan.
    pub folder: PathBuf,
    place: Box<dyn Place + 'a>,
}

impl<'a> World<'a> {
    /// Plans the recovery of what lies in this folder and place.
    pub fn new(folder: &Path, place: Box<dyn Place + 'a>, plan: &[&str]) -> Self {
        fs::create_dir_all(folder.join("tmp")).expect("a folder");
        let world = Self {
            folder: folder.to_owned(),
            place,
        };
        let output = world.run(&[&["plan", ".", "--out", "change-set"], plan].concat());
        assert!(output.status.success(), "{}", said(&output));
        world
    }

    /// Where it is recovered.
    pub fn place(&self) -> &dyn Place {
        self.place.as_ref()
    }

    /// A salvor in the plan's folder.
    pub fn salvor(&self) -> Command {
        self.with_environment(Command::new(env!("CARGO_BIN_EXE_salvor")))
    }

    /// Gives a command folder and environment of this world.
    pub fn with_environment(&self, mut command: Command) -> Command {
        command
            .current_dir(&self.folder)
            .env("TMPDIR", self.folder.join("tmp"))
            .env("SALVOR_OPERATOR", "test");
        self.place.prepare(&mut command);
        command
    }

    /// Runs salvor to its end.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.salvor()
            .args(arguments)
            .output()
            .expect("salvor can be started")
    }

    /// The journal of the run, when one was begun.
    pub fn journal(&self) -> Option<PathBuf> {
        let runs = fs::read_dir(self.folder.join(".salvor/runs")).ok()?;
        let journal = runs.flatten().next()?.path().join("journal");
        journal.exists().then_some(journal)
    }

    /// The whole records of the journal.
    pub fn records(&self) -> Vec<Value> {
        let bytes = self
            .journal()
            .and_then(|path| fs::read(path).ok())
            .unwrap_or_default();
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').unwrap_or(0);
        bytes[..whole]
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| serde_json::from_slice(line).expect("a whole record is JSON"))
            .collect()
    }

    /// How many whole records there are.
    pub fn length(&self) -> usize {
        let bytes = self.journal().and_then(|path| fs::read(path).ok());
        bytes.map_or(0, |bytes| bytes.iter().filter(|b| **b == b'\n').count())
    }

    /// The run, once it has a whole record.
    pub fn run_id(&self) -> Option<String> {
        let journal = self.journal().filter(|_| self.length() > 0)?;
        let name = journal.parent()?.file_name()?;
        Some(name.to_string_lossy().into_owned())
    }

    /// Takes everything away that was this case's own.
    pub fn remove(self) {
        self.place.remove();
        // What stays is in a temporary folder and goes with it.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The parts in which two contents differ.
pub fn differences(one: &Content, two: &Content) -> String {
    let mut text = String::new();
    for name in one
        .keys()
        .chain(two.keys().filter(|name| !one.contains_key(*name)))
    {
        if one.get(name) != two.get(name) {
            text.push_str(&format!(
                "{name}: {:?} / {:?}\n",
                one.get(name),
                two.get(name)
            ));
        }
    }
    text
}

/// What a command printed.
pub fn said(output: &Output) -> String {
    format!(
        "{}\n{}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}
