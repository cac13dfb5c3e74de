//! The memory of a program's output, measured by the kernel. One test in a process of its own.

use salvor_conformance::Surroundings;
use salvor_conformance::operation;
use salvor_contract::Provider;
use salvor_contract::Values;
use salvor_system::System;

const GIB: u64 = 1 << 30;

/// The most memory that this process had, in bytes.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("the kernel tells");
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1));
    kib.and_then(|kib| kib.parse::<u64>().ok())
        .expect("a number")
        * 1024
}

#[tokio::test]
#[expect(clippy::print_stdout, reason = "a measurement, shown with --nocapture")]
async fn a_gibibyte_of_output_and_of_errors_passes_through_a_small_memory() {
    let surroundings = Surroundings::real_time();
    // Both at once, as a program that fills one pipe while nobody reads it would stop.
    let script = format!(
        "head -c {GIB} /dev/zero >&2 & echo begin; head -c {GIB} /dev/zero; wait; \
         echo; echo the end; echo; echo the last word >&2; exit 3"
    );
    let with = Values::new()
        .with("argv", vec!["sh", "-c", script.as_str()])
        .with("class", "read");
    let exec = operation("system.exec", with);
    let before = peak();
    let outcome = System::new()
        .perform(&exec, &surroundings.call())
        .await
        .expect("it ran");
    let used = peak().saturating_sub(before);
    println!("{} KiB above the start", used >> 10);
    assert!(used < 8 << 20, "{used} bytes above the start");
    let stdout = outcome.outputs.text("stdout").expect("a text");
    assert!(stdout.starts_with("begin\n") && stdout.ends_with("\nthe end"));
    // All but the 64 KiB that are kept: `begin` and `the end` are 16 bytes with their line breaks.
    let left_out = GIB + 16 - 64 * 1024;
    assert!(stdout.contains(&format!("\n… {left_out} bytes left out …\n")));
    // A zero byte is one that cannot stand in a line for a person.
    assert_eq!(outcome.findings[0].observed, "3: the last word");
}
