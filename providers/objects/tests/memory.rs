//! The memory of a sync, measured by the kernel. One test in a process of its own.

mod support;

use std::fs::File;

use salvor_contract::Provider;
use salvor_contract::Values;
use salvor_objects::provider;
use salvor_testbed::Versitygw;
use salvor_testbed::require;

use crate::support::action;
use crate::support::config;
use crate::support::file_url;
use crate::support::surroundings;

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
async fn large_objects_pass_through_a_small_memory() {
    let Some(server) = require(Versitygw::start()) else {
        return;
    };
    let surroundings = surroundings(server.access_key(), server.secret_key());
    let config = config(&server.endpoint()).with("region", server.region());
    server.create_bucket("memory").expect("a new bucket");
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("from")).expect("a folder");
    for number in 0..24 {
        // Holes: the disk holds nothing of them, the wire carries all of it.
        let file = File::create(folder.path().join(format!("from/{number}"))).expect("a file");
        file.set_len(12 * 1024 * 1024).expect("a length");
    }
    let provider = provider();
    let before = peak();
    let (from, to) = (folder.path().join("from"), folder.path().join("to"));
    for (source, target) in [
        (file_url(&from), "s3://memory/x/".to_owned()),
        ("s3://memory/x/".to_owned(), file_url(&to)),
    ] {
        let with = Values::new()
            .with("source", source.as_str())
            .with("target", target.as_str());
        let operation = action("objects.sync", &config, with);
        let call = surroundings.call();
        provider.perform(&operation, &call).await.expect("a sync");
        let used = peak().saturating_sub(before);
        println!("{source} to {target}: {} MiB above the start", used >> 20);
        assert!(used < 64 << 20, "{used} bytes above the start");
    }
}
