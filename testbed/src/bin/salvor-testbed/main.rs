//! The test bed at the command line: installs parts, runs the tests with them, holds servers up for people.

mod install;
mod output;
mod story;
mod test;
mod up;

use std::process::ExitCode;
use std::process::ExitStatus;

use clap::Parser;
use clap::Subcommand;

/// Installs, starts and stops the real parts that salvor's tests, benchmarks and quickstart use.
#[derive(Debug, Parser)]
#[command(name = "salvor-testbed")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Install(install::Arguments),
    Story(story::Arguments),
    Test(test::Arguments),
    Up(up::Arguments),
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Install(arguments) => install::run(&arguments),
        Command::Story(arguments) => story::run(&arguments),
        Command::Test(arguments) => test::run(&arguments),
        Command::Up(arguments) => up::run(arguments),
    };
    done.unwrap_or_else(|error| {
        output::error(&error);
        ExitCode::FAILURE
    })
}

/// Returns the exit code that says the same as the status of a program that was run: 128 and the number of the
/// signal when one ended it, as a shell does.
fn exit_code_of(status: ExitStatus) -> ExitCode {
    use std::os::unix::process::ExitStatusExt as _;
    let code = status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal))
        .unwrap_or(1);
    ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX))
}
