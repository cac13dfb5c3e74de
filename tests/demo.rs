//! The first command of the README, as a new user runs it.

use std::process::Command;

#[test]
fn the_demo_tells_its_story_to_a_green_end() {
    let output = Command::new(env!("CARGO_BIN_EXE_salvor"))
        .arg("demo")
        .output()
        .expect("the binary was built for this test");
    let told = String::from_utf8_lossy(&output.stderr);
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}\n{printed}");
    for line in [
        "(killed: signal: 9 (SIGKILL))",
        "found    orders                 it is under way: waiting for it",
        "each of them once",
    ] {
        assert!(told.contains(line), "`{line}` is missing in:\n{told}");
    }
    for line in [
        "RPO 15 min  met by orders",
        "GREEN in ",
        "9 of 9 steps done",
        "order 50017 was placed",
    ] {
        assert!(printed.contains(line), "`{line}` is missing in:\n{printed}");
    }
    let folder = told
        .split("All of it is in ")
        .nth(1)
        .and_then(|rest| rest.split(':').next());
    let folder = folder.expect("the demo says where it left its files");
    std::fs::remove_dir_all(folder).expect("the demo's folder is there");
}
