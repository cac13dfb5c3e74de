//! One thread that ends the process when an input takes minutes. Work is bounded by counting, see [`crate::engine`];
//! this is for what does not come to an end at all.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::Once;
use std::time::Duration;

/// How many looks an input may stand, one a second.
const LOOKS_MAX: u32 = 180;

/// The inputs that are being tried, by target, with how often each was seen.
static TRIED: Mutex<BTreeMap<&str, (PathBuf, u32)>> = Mutex::new(BTreeMap::new());

static STARTED: Once = Once::new();

/// Says that a target tries the input in this file.
pub fn begin(target: &'static str, file: PathBuf) {
    STARTED.call_once(|| {
        std::thread::spawn(look);
    });
    let mut tried = TRIED.lock().expect("nothing panics while it holds this");
    tried.insert(target, (file, 0));
}

/// Says that the input of a target came to an end.
pub fn end(target: &str) {
    let mut tried = TRIED.lock().expect("nothing panics while it holds this");
    tried.remove(target);
}

#[expect(
    clippy::print_stderr,
    reason = "nobody else can tell: the process ends here"
)]
fn look() {
    loop {
        std::thread::sleep(Duration::from_secs(1));
        let mut tried = TRIED.lock().expect("nothing panics while it holds this");
        for (target, (file, looks)) in tried.iter_mut() {
            *looks += 1;
            if *looks > LOOKS_MAX {
                eprintln!("{target}: no end of {}", file.display());
                std::process::abort();
            }
        }
    }
}
