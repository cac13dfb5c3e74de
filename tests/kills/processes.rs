//! Which processes of a case are alive: all of them carry its folder in `TMPDIR`. A restored server is meant to go on.

use std::fs;
use std::path::Path;
use std::time::Duration;

/// What a test waits for comes within this, on a loaded machine too.
const PATIENCE_MS: u32 = 90_000;

/// Waits until something is so, looking every millisecond.
///
/// # Panics
/// When it is not so after a minute and a half.
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..PATIENCE_MS {
        if is_so() {
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    panic!("waited in vain for {what}");
}

/// The command lines of the living processes that were started with this folder as `TMPDIR`.
pub fn alive(folder: &Path) -> Vec<String> {
    let mark = format!("TMPDIR={}", folder.display());
    let processes = fs::read_dir("/proc").expect("/proc is there").flatten();
    let of_case = processes.filter(|process| {
        // A process that ends meanwhile has no environment any more, and a zombie an empty one.
        let environment = fs::read(process.path().join("environ")).unwrap_or_default();
        environment
            .split(|byte| *byte == 0)
            .any(|variable| variable == mark.as_bytes())
    });
    let is_server = |process: &fs::DirEntry| process.path().join("cwd/PG_VERSION").exists();
    of_case
        .filter(|process| !is_server(process))
        .filter_map(|process| {
            let line = fs::read(process.path().join("cmdline")).ok()?;
            Some(String::from_utf8_lossy(&line).replace('\0', " "))
        })
        .collect()
}
