//! Tries the inputs of a target, one after the other, and measures each.

use std::cell::Cell;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::path::Path;
use std::path::PathBuf;

use allocation_counter::AllocationInfo;
use allocation_counter::measure;
use proptest::test_runner::Config;
use proptest::test_runner::RngAlgorithm;
use proptest::test_runner::TestCaseError;
use proptest::test_runner::TestError;
use proptest::test_runner::TestRng;
use proptest::test_runner::TestRunner;
use salvor::digest::Digest;

use crate::corpus::kept;
use crate::inputs::inputs;
use crate::targets::Target;
use crate::watch::watched;

/// Tries what is kept for a target, then what is made from it.
pub fn fuzz(target: &'static Target) {
    if let Some(file) = std::env::var_os("SALVOR_FUZZ_INPUT") {
        let bytes = std::fs::read(&file).expect("the input can be read");
        demand(target, &bytes, &PathBuf::from(file).display().to_string());
        return;
    }
    let kept = kept(target);
    for input in &kept {
        let is_taken = demand(target, &input.bytes, &input.name);
        if let Some(must) = input.must_be_taken() {
            assert_eq!(is_taken, must, "{}: is {} taken?", target.name, input.name);
        }
    }
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&number_of("SALVOR_SEED").unwrap_or(0).to_le_bytes());
    let count = number_of("SALVOR_FUZZ").unwrap_or(target.count);
    let config = Config {
        cases: u32::try_from(count).expect("so many inputs"),
        failure_persistence: None,
        max_shrink_iters: 1_000,
        ..Config::default()
    };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
    let mut runner = TestRunner::new_with_rng(config, rng);
    // The runner calls a function that may be called from several places, so what it adds up is in a cell.
    let most = Cell::new(Most::default());
    let bytes: Vec<Vec<u8>> = kept.into_iter().map(|input| input.bytes).collect();
    let ran = runner.run(&inputs(target, &bytes), |input| {
        let tried = tried(target, &input).map_err(TestCaseError::fail)?;
        most.set(most.get().with(target, &input, &tried.used));
        Ok(())
    });
    match ran {
        Ok(()) => tell(&format!("{}: {count} inputs, {}", target.name, most.get())),
        Err(TestError::Fail(why, input)) => {
            let path = keep(target, &input);
            panic!(
                "{name}: {why}\n{input}\nkept in {path}; try it with\n  \
                 SALVOR_FUZZ_INPUT={path} cargo test --test fuzz {name} -- --exact\n\
                 and put it into tests/fuzz/corpus/{name}",
                name = target.name,
                input = String::from_utf8_lossy(&input),
                path = path.display(),
            );
        }
        Err(TestError::Abort(why)) => panic!("{}: {why}", target.name),
    }
}

/// Fails unless an input that is kept holds; true when it was taken.
fn demand(target: &'static Target, input: &[u8], name: &str) -> bool {
    match tried(target, input) {
        Ok(tried) => tried.is_taken,
        Err(why) => panic!("{}: {name}: {why}", target.name),
    }
}

/// What came of an input that broke nothing.
struct Tried {
    is_taken: bool,
    used: AllocationInfo,
}

/// Tries one input, and gives what it used, or what is wrong.
fn tried(target: &'static Target, input: &[u8]) -> Result<Tried, String> {
    // Written before it is tried: a stack that ends, and memory that does, end the process.
    let file = folder().join(format!("{}.input", target.name));
    std::fs::write(&file, input).expect("the input is written");
    let mut ended = Ok(false);
    let used = watched(target.name, &file, || {
        measure(|| ended = catch_unwind(AssertUnwindSafe(|| (target.check)(input))))
    });
    let is_taken = ended.map_err(|panic| {
        let words = panic.downcast_ref::<String>().map(String::as_str);
        let words = words.or_else(|| panic.downcast_ref::<&str>().copied());
        words.unwrap_or("a panic without words").to_owned()
    })?;
    let size = input.len() as u64;
    let beyond = |what: &str, used: u64, most: u64| match used > most {
        true => Err(format!(
            "{size} bytes took {used} {what}, and may take {most}"
        )),
        false => Ok(()),
    };
    beyond("bytes of memory", used.bytes_max, target.memory.of(size))?;
    beyond("allocations", used.count_total, target.work.of(size))?;
    Ok(Tried { is_taken, used })
}

/// The greatest parts of their bounds that inputs used, in thousandths.
#[derive(Clone, Copy, Default)]
struct Most {
    memory: u64,
    work: u64,
}

impl Most {
    fn with(self, target: &Target, input: &[u8], used: &AllocationInfo) -> Self {
        let size = input.len() as u64;
        Self {
            memory: self
                .memory
                .max(used.bytes_max * 1000 / target.memory.of(size)),
            work: self
                .work
                .max(used.count_total * 1000 / target.work.of(size)),
        }
    }
}

impl fmt::Display for Most {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { memory, work } = self;
        write!(
            f,
            "at most {memory} ‰ of the memory and {work} ‰ of the allocations that one may take"
        )
    }
}

/// Keeps an input that broke something, named by its content.
fn keep(target: &Target, input: &[u8]) -> PathBuf {
    let digest = Digest::of_bytes(input);
    let path = folder().join(format!("{}-{}", target.name, &digest.as_str()[..12]));
    std::fs::write(&path, input).expect("the input is written");
    path
}

fn folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fuzz");
    std::fs::create_dir_all(&folder).expect("a folder for inputs");
    folder
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long a test runs is set from outside"
)]
fn number_of(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

#[expect(clippy::print_stdout, reason = "a measurement, shown with --nocapture")]
fn tell(text: &str) {
    println!("{text}");
}
