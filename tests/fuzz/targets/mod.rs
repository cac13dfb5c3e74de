//! What is tried: one function a format. It panics when an input breaks what salvor promises of that format.

pub mod answer;
pub mod change_set;
pub mod import;
pub mod inputs_file;
pub mod journal_chained;
pub mod journal_changed;
pub mod journal_record;
pub mod plan;
pub mod state_folder;
pub mod template;

use std::path::Path;
use std::sync::OnceLock;

use salvor::registry::Registry;

/// A format, and what an input in it may take.
pub struct Target {
    /// Its name: of the test, and of the folder of what is kept.
    pub name: &'static str,
    /// Tries an input; true when it was taken, false when it was refused.
    pub check: fn(&[u8]) -> bool,
    /// Files of the repository that are tried too, and folders of plans.
    pub besides: &'static [&'static str],
    /// Words that the format knows.
    pub words: &'static [&'static str],
    /// How many inputs are made when nothing else is asked for.
    pub count: u64,
    /// Inputs are cut to this length, in bytes.
    pub size_max: usize,
    /// The most memory that it may hold at once, in bytes.
    pub memory: Bound,
    /// The most allocations that it may make: work is counted by them, since they do not depend on the machine.
    pub work: Bound,
}

/// What an input may take: something, and so much for each of its bytes.
pub struct Bound {
    /// With no bytes at all.
    pub base: u64,
    /// For each byte.
    pub per_byte: u64,
}

impl Bound {
    /// What an input of this size may take.
    pub fn of(&self, size: u64) -> u64 {
        self.base + self.per_byte * size
    }
}

/// The providers that salvor is built with.
pub fn registry() -> &'static Registry {
    static REGISTRY: OnceLock<Registry> = OnceLock::new();
    REGISTRY.get_or_init(salvor::builtin_providers::registry)
}

/// Writes an input of several files into a folder: each begins below a line `# file: NAME`, the first is `first`.
/// The line break before that line belongs to it, so that a file can end without one.
/// A name that leads out of the folder is passed over.
pub fn unpack(input: &[u8], first: &str, folder: &Path) {
    let mut name = first.to_owned();
    let mut content: Vec<u8> = Vec::new();
    let write = |name: &str, content: &[u8]| {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let mut parts = name.split('/');
        if parts.clone().count() > 4
            || !parts.all(|p| !p.starts_with('.') && !p.is_empty() && p.chars().all(is_plain))
        {
            return;
        }
        let path = folder.join(name);
        // A file cannot lie below another file, nor where there is a folder.
        let made = std::fs::create_dir_all(path.parent().expect("below the folder"));
        let _ = made.and_then(|()| std::fs::write(&path, content));
    };
    for line in input.split_inclusive(|byte| *byte == b'\n') {
        match line.strip_prefix(b"# file: ") {
            Some(next) => {
                write(&name, content.strip_suffix(b"\n").unwrap_or(&content));
                content.clear();
                name = String::from_utf8_lossy(next).trim().to_owned();
            }
            None => content.extend(line),
        }
    }
    write(&name, &content);
}

/// Runs a future that waits for nothing but the disk.
pub fn done<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.expect("a runtime").block_on(future)
}
