//! Turns a folder into the world of the quickstart after its disaster, and holds its S3 server up.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use anyhow::bail;
use salvor_testbed::Story;

use crate::output;

/// How often the server is asked whether it still runs.
const WATCH_INTERVAL: Duration = Duration::from_millis(200);

/// Make the world of the quickstart, break it, and hold its S3 server up until ctrl-c.
///
/// The folder is used again by the next start: then the world is as it was left.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The folder. When root starts it, every folder above must be open to others (mode 755).
    #[arg(long)]
    dir: PathBuf,
    /// The port of the S3 server.
    #[arg(long, value_name = "PORT", default_value_t = 57070)]
    s3_port: u16,
}

/// Makes it, says what is known of it, and waits.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let mut story = Story::start(&arguments.dir, Some(arguments.s3_port))?;
    output::line("The cluster's data folder is gone, the bucket of artifacts is empty.");
    output::line(&format!("The last good moment was {}.", story.moment()));
    output::line(&format!(
        "In another terminal: . {}",
        story.environment_file().display()
    ));
    output::line("The S3 server is up until ctrl-c.");
    while story.is_running()? {
        std::thread::sleep(WATCH_INTERVAL);
    }
    bail!(
        "the S3 server ended by itself; see {}",
        story.s3().directory().display()
    )
}
