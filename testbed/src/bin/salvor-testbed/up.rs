//! Turns a folder into running servers for a person or a script, until ctrl-c or the end of a command.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::bail;
use clap::ValueEnum;
use salvor_testbed::Postgres;
use salvor_testbed::PostgresVersion;
use salvor_testbed::SUPERUSER;
use salvor_testbed::Versitygw;

use crate::exit_code_of;
use crate::output;

/// How often the servers are asked whether they still run.
const WATCH_INTERVAL: Duration = Duration::from_millis(200);

/// Start servers on loopback ports and hold them up until ctrl-c.
///
/// Everything of theirs is below one folder and stays there: the next start goes on with it. The servers end with
/// this command, however it ends. After `--` a command may follow: it is run while the servers are up, with
/// PG* and AWS_* in its environment so that clients find them; its exit code is passed on.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Which servers.
    #[arg(required = true)]
    servers: Vec<Server>,
    /// The folder for their data. When root starts it, every folder above must be open to others (mode 755).
    #[arg(long)]
    dir: PathBuf,
    /// The port of PostgreSQL.
    #[arg(long, value_name = "PORT", default_value_t = 55432)]
    postgres_port: u16,
    /// The port of the S3 server.
    #[arg(long, value_name = "PORT", default_value_t = 57070)]
    s3_port: u16,
    /// A bucket to make on the S3 server; may be given several times.
    #[arg(long = "bucket", value_name = "NAME", default_value = "quickstart")]
    buckets: Vec<String>,
    /// What to run while the servers are up.
    #[arg(last = true)]
    command: Vec<OsString>,
}

/// What can be held up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Server {
    /// PostgreSQL 15 that archives its WAL.
    Postgres,
    /// An S3 server: versitygw.
    S3,
    /// All that the quickstart needs: both of the above.
    Quickstart,
}

impl Server {
    fn includes(self, other: Server) -> bool {
        self == other || self == Server::Quickstart
    }
}

/// Starts, prints how to reach what was started, and waits.
pub(crate) fn run(arguments: Arguments) -> Result<ExitCode> {
    let Arguments {
        servers,
        dir,
        postgres_port,
        s3_port,
        buckets,
        command,
    } = arguments;
    let wants = |wanted| servers.iter().any(|server| server.includes(wanted));
    let mut held = Held {
        postgres: None,
        s3: None,
    };
    if wants(Server::Postgres) {
        let builder = Postgres::builder(PostgresVersion::V15)
            .directory(dir.join("postgres"))
            .archive()
            .port(postgres_port)
            .ends_in_order();
        let doing = || format!("start PostgreSQL on the port of --postgres-port, {postgres_port}");
        held.postgres = Some(builder.start().with_context(doing)?);
    }
    if wants(Server::S3) {
        let server = Versitygw::builder()
            .directory(dir.join("s3"))
            .port(s3_port)
            .start()?;
        for bucket in &buckets {
            server.create_bucket(bucket)?;
        }
        held.s3 = Some(server);
    }
    held.describe();
    match command.split_first() {
        Some((program, its_arguments)) => held.run(program, its_arguments),
        None => held.watch(),
    }
}

/// The servers that are up.
struct Held {
    postgres: Option<Postgres>,
    s3: Option<Versitygw>,
}

impl Held {
    fn describe(&self) {
        if let Some(server) = &self.postgres {
            output::line(&format!("PostgreSQL 15  {}", server.url("postgres")));
            output::line(&format!("  programs     {}", server.bin_dir().display()));
            output::line(&format!("  data         {}", server.data_dir().display()));
            if let Some(archive) = server.archive_dir() {
                output::line(&format!("  WAL archive  {}", archive.display()));
            }
            output::line(&format!("  log          {}", server.log_file().display()));
        }
        if let Some(server) = &self.s3 {
            output::line(&format!("S3 server      {}", server.endpoint()));
            output::line(&format!("  region       {}", server.region()));
            output::line(&format!("  access key   {}", server.access_key()));
            output::line(&format!("  secret key   {}", server.secret_key()));
            output::line(&format!("  buckets      {}", server.data_dir().display()));
        }
    }

    /// Returns what lets ordinary clients find the servers.
    fn environment(&self) -> Vec<(&'static str, String)> {
        let mut environment = Vec::new();
        if let Some(server) = &self.postgres {
            environment.push(("PGHOST", "127.0.0.1".to_owned()));
            environment.push(("PGPORT", server.port().to_string()));
            environment.push(("PGUSER", SUPERUSER.to_owned()));
            environment.push(("PGDATABASE", SUPERUSER.to_owned()));
        }
        if let Some(server) = &self.s3 {
            environment.push(("AWS_ENDPOINT_URL_S3", server.endpoint()));
            environment.push(("AWS_REGION", server.region().to_owned()));
            environment.push(("AWS_ACCESS_KEY_ID", server.access_key().to_owned()));
            environment.push(("AWS_SECRET_ACCESS_KEY", server.secret_key().to_owned()));
        }
        environment
    }

    /// Runs a command while the servers are up. It is told to end when this process does.
    fn run(self, program: &OsString, arguments: &[OsString]) -> Result<ExitCode> {
        let status = Command::new("setpriv")
            .args(["--pdeathsig", "TERM", "--"])
            .arg(program)
            .args(arguments)
            .envs(self.environment())
            .status()
            .context("start the command by setpriv, which is in Debian's util-linux")?;
        self.end()?;
        Ok(exit_code_of(status))
    }

    /// Ends the servers in order.
    fn end(self) -> Result<()> {
        self.postgres.map_or(Ok(()), |mut server| server.stop())
    }

    /// Waits until a server ends by itself, which is an error. Ctrl-c ends this process where it stands: the kernel
    /// then tells the servers.
    fn watch(mut self) -> Result<ExitCode> {
        for (name, value) in self.environment() {
            output::line(&format!("export {name}={value}"));
        }
        output::line("The servers are up until ctrl-c.");
        loop {
            if let Some(server) = &mut self.postgres
                && !server.is_running()?
            {
                bail!(
                    "PostgreSQL ended by itself; see {}",
                    server.log_file().display()
                );
            }
            if let Some(server) = &mut self.s3
                && !server.is_running()?
            {
                bail!(
                    "the S3 server ended by itself; see {}",
                    server.directory().display()
                );
            }
            std::thread::sleep(WATCH_INTERVAL);
        }
    }
}
