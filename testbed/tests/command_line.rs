//! The servers of `up` end with it, whether it runs a command, is killed, or finds its port taken.

use std::io::BufRead as _;
use std::io::BufReader;
use std::net::Ipv4Addr;
use std::net::TcpStream;
use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::process::Output;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::bail;
use salvor_testbed::Part;
use salvor_testbed::Port;
use salvor_testbed::install;
use salvor_testbed::require;
use tempfile::TempDir;

/// How long servers that are told to end may take.
const END_TIMEOUT: Duration = Duration::from_secs(20);

/// How often a port is looked at.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// A folder that the account of PostgreSQL can reach.
fn open_folder() -> Result<TempDir> {
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    Ok(tempfile::Builder::new()
        .prefix("salvor-testbed-up-")
        .permissions(mode)
        .tempdir()?)
}

/// Two ports that no other test is given. `up` must take them itself, so they are free again.
fn ports() -> Result<[u16; 2]> {
    let (first, second) = (Port::reserve()?, Port::reserve()?);
    Ok([first.number(), second.number()])
}

fn up(folder: &Path, [postgres, s3]: [u16; 2]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_salvor-testbed"));
    command
        .args(["up", "quickstart", "--dir"])
        .arg(folder)
        .args([
            "--postgres-port",
            &postgres.to_string(),
            "--s3-port",
            &s3.to_string(),
        ]);
    command
}

fn text(output: &Output) -> String {
    let Output {
        status,
        stdout,
        stderr,
    } = output;
    format!(
        "{status}\n{}{}",
        String::from_utf8_lossy(stdout),
        String::from_utf8_lossy(stderr)
    )
}

fn listens(port: u16) -> bool {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// Waits until nothing listens on the ports.
fn wait_until_closed(ports: [u16; 2]) -> Result<()> {
    for _ in 0..END_TIMEOUT.as_millis() / POLL_INTERVAL.as_millis() {
        if !ports.into_iter().any(listens) {
            return Ok(());
        }
        std::thread::sleep(POLL_INTERVAL);
    }
    bail!("a server outlived its parent: {ports:?}")
}

/// Starts it and waits until it says that the servers are up.
fn start(folder: &Path, ports: [u16; 2]) -> Result<Child> {
    let mut child = up(folder, ports).stdout(Stdio::piped()).spawn()?;
    let output = child.stdout.take().context("its output is a pipe")?;
    for line in BufReader::new(output).lines() {
        if line?.starts_with("The servers are up") {
            return Ok(child);
        }
    }
    bail!("it ended with {} before the servers were up", child.wait()?)
}

fn has_parts() -> bool {
    require(install(Part::Postgres15)).is_some() && require(install(Part::Versitygw)).is_some()
}

#[test]
fn servers_end_when_their_parent_is_killed_and_start_again_on_their_data() -> Result<()> {
    if !has_parts() {
        return Ok(());
    }
    let (folder, ports) = (open_folder()?, ports()?);
    let mut child = start(folder.path(), ports)?;
    assert!(ports.into_iter().all(listens));
    child.kill()?;
    child.wait()?;
    wait_until_closed(ports)?;
    assert!(folder.path().join("s3/buckets/quickstart").is_dir());

    // What was written is there at the next start, which comes while the first server may still be ending.
    let write = up(folder.path(), ports)
        .args(["--", "psql", "-c", "create table kept()"])
        .output()?;
    assert!(write.status.success(), "{}", text(&write));
    let read = up(folder.path(), ports)
        .args(["--", "psql", "-c", "select from kept"])
        .output()?;
    assert!(read.status.success(), "{}", text(&read));
    assert!(!ports.into_iter().any(listens));
    Ok(())
}

#[test]
fn the_exit_code_of_the_command_is_passed_on() -> Result<()> {
    if !has_parts() {
        return Ok(());
    }
    let (folder, ports) = (open_folder()?, ports()?);
    let output = up(folder.path(), ports)
        .args(["--", "sh", "-c", "exit 7"])
        .output()?;
    assert_eq!(output.status.code(), Some(7), "{}", text(&output));
    assert!(!ports.into_iter().any(listens));
    Ok(())
}

#[test]
fn a_port_that_is_taken_is_said() -> Result<()> {
    if !has_parts() {
        return Ok(());
    }
    let folder = open_folder()?;
    let taken = Port::reserve()?;
    let output = up(folder.path(), [taken.number(); 2]).output()?;
    assert_eq!(output.status.code(), Some(1));
    let number = taken.number();
    assert_eq!(
        String::from_utf8(output.stderr)?,
        format!(
            "error: start PostgreSQL on the port of --postgres-port, {number}: reserve port {number}: \
             Address already in use (os error 98)\n"
        )
    );
    Ok(())
}

#[test]
fn test_hands_its_arguments_and_the_exit_code_on() -> Result<()> {
    let run = |cargo: &str, arguments: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_salvor-testbed"))
            .arg("test")
            .args(arguments)
            .env("CARGO", cargo)
            .output()
    };
    for (arguments, expected) in [
        (
            &["one_test", "--lib"][..],
            "test --workspace --locked one_test --lib",
        ),
        (
            &["--", "--nocapture"],
            "test --workspace --locked -- --nocapture",
        ),
        (
            &["--lib", "--", "--exact", "it"],
            "test --workspace --locked --lib -- --exact it",
        ),
    ] {
        let output = run("echo", arguments)?;
        let closing = "testbed: every part was there, no test was left out";
        assert_eq!(
            String::from_utf8(output.stdout)?,
            format!("{expected}\n{closing}\n")
        );
        assert!(output.status.success());
    }
    assert_eq!(run("false", &[])?.status.code(), Some(1));
    Ok(())
}

#[test]
fn every_part_is_known_by_its_name_and_peers_are_no_parts_of_tests() {
    for part in Part::OF_TESTS.iter().chain(&Part::OF_BENCHMARKS) {
        assert_eq!(part.name().parse(), Ok(*part));
    }
    assert!(!Part::OF_TESTS.contains(&Part::Terraform));
    let unknown = "tofu".parse::<Part>().expect_err("it is no part");
    assert!(
        unknown.contains("versitygw") && unknown.contains("pgbackrest"),
        "{unknown}"
    );
}

#[test]
fn a_part_is_not_named_beside_the_use_of_all() -> Result<()> {
    let output = Command::new(env!("CARGO_BIN_EXE_salvor-testbed"))
        .args(["install", "minio", "--for", "bench"])
        .output()?;
    assert_eq!(output.status.code(), Some(2), "{}", text(&output));
    Ok(())
}
