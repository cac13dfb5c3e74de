//! Turns a folder into an S3 server: versitygw on its POSIX back end, with versioning.
//!
//! Take it for most S3 tests: it starts in 0.1 s with 31 MB. What it does otherwise than AWS: `If-None-Match: *`
//! after a delete marker is refused, and there is no lifecycle, replication or bucket encryption.

use std::ffi::OsString;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::Weak;
use std::time::Duration;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::bail;

use crate::health::is_healthy;
use crate::home::Home;
use crate::install::install;
use crate::parts::Part;
use crate::port::Port;
use crate::process::DeathSignal;
use crate::process::Launch;
use crate::process::ServerProcess;
use crate::process::Startup;

/// How long a start may take. It is far above what a loaded machine needs.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// How often another port is tried.
const START_ATTEMPTS: usize = 5;

/// Where it says that it is there. No bucket of a test may be called `health`.
const HEALTH_PATH: &str = "/health";

const ACCESS_KEY: &str = "testbed";
const SECRET_KEY: &str = "testbed-secret-key";
const REGION: &str = "us-east-1";

/// The one server that [`Versitygw::shared`] hands out, as long as somebody holds it.
static SHARED: Mutex<Weak<Versitygw>> = Mutex::new(Weak::new());

/// How to start a versitygw. Nothing set: a temporary folder and any free port.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct VersitygwBuilder {
    directory: Option<PathBuf>,
    port: Option<u16>,
}

impl VersitygwBuilder {
    /// Keeps everything below this folder, which stays when the server ends and is used again by the next start.
    pub fn directory(mut self, path: impl Into<PathBuf>) -> Self {
        self.directory = Some(path.into());
        self
    }

    /// Listens on this port, and fails when it is taken.
    pub fn port(mut self, number: u16) -> Self {
        self.port = Some(number);
        self
    }

    /// Installs versitygw where it is not there, starts it, and waits until it answers.
    ///
    /// # Errors
    /// [`Missing`](crate::Missing) when it cannot be had; else it did not start, and the error quotes its log.
    pub fn start(self) -> Result<Versitygw> {
        let VersitygwBuilder { directory, port } = self;
        let program = install(Part::Versitygw)?.program("versitygw");
        let home = match directory {
            Some(path) => Home::kept(&path)?,
            None => Home::temporary()?,
        };
        let data = home.folder("buckets")?;
        let versions = home.folder("versions")?;
        for _ in 0..START_ATTEMPTS {
            let (port, is_fixed) = match port {
                Some(number) => (Port::fixed(number)?, true),
                None => (Port::reserve()?, false),
            };
            let number = port.number();
            let mut process = ServerProcess::start(Launch {
                name: "versitygw",
                program: program.clone(),
                arguments: arguments(number, &versions, &data),
                environment: vec![
                    ("ROOT_ACCESS_KEY", ACCESS_KEY.into()),
                    ("ROOT_SECRET_KEY", SECRET_KEY.into()),
                ],
                account: None,
                death_signal: DeathSignal::Kill,
                log: home.path().join("versitygw.log"),
            })?;
            match process.wait_until_ready(START_TIMEOUT, || is_healthy(number, HEALTH_PATH))? {
                Startup::Ready => {
                    return Ok(Versitygw {
                        process,
                        port,
                        data,
                        home,
                    });
                }
                Startup::PortInUse if is_fixed => bail!("port {number} is in use"),
                Startup::PortInUse => {}
            }
        }
        bail!("versitygw found its port in use {START_ATTEMPTS} times")
    }
}

fn arguments(port: u16, versions: &Path, data: &Path) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = Vec::new();
    arguments.push("--port".into());
    arguments.push(format!("127.0.0.1:{port}").into());
    arguments.extend(["--health", HEALTH_PATH, "--quiet", "--keep-alive"].map(OsString::from));
    arguments.extend(["posix", "--versioning-dir"].map(OsString::from));
    arguments.push(versions.into());
    arguments.push(data.into());
    arguments
}

/// A running versitygw. It ends when this value is dropped.
#[derive(Debug)]
pub struct Versitygw {
    // Before `home`: the server ends before its folder goes.
    process: ServerProcess,
    port: Port,
    data: PathBuf,
    home: Home,
}

impl Versitygw {
    /// Returns a builder.
    pub fn builder() -> VersitygwBuilder {
        VersitygwBuilder::default()
    }

    /// Starts one with a temporary folder on any free port.
    ///
    /// # Errors
    /// As [`VersitygwBuilder::start`].
    pub fn start() -> Result<Versitygw> {
        Versitygw::builder().start()
    }

    /// Returns the server that all tests of this process share; starts it for the first. It ends when the last
    /// holder drops it. Tests keep apart by buckets of their own names.
    ///
    /// # Errors
    /// As [`VersitygwBuilder::start`].
    pub fn shared() -> Result<Arc<Versitygw>> {
        // A test that panicked while it held the lock left a server or none: both are fine.
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(server) = shared.upgrade() {
            return Ok(server);
        }
        let server = Arc::new(Versitygw::start()?);
        *shared = Arc::downgrade(&server);
        Ok(server)
    }

    /// Creates a bucket, without asking the server: to its POSIX back end a folder is a bucket. It is not
    /// versioned; the client of the test switches that on. A bucket that is there is left as it is.
    ///
    /// # Errors
    /// The name is not one of a bucket (3 to 63 of `a-z`, `0-9`, `-`, `.`), or the folder cannot be made.
    pub fn create_bucket(&self, name: &str) -> Result<()> {
        let is_allowed = |character: char| matches!(character, 'a'..='z' | '0'..='9' | '-' | '.');
        if !(3..=63).contains(&name.len()) || !name.chars().all(is_allowed) || name.contains("..") {
            bail!("{name:?} is not the name of a bucket");
        }
        let folder = self.data.join(name);
        std::fs::create_dir_all(&folder).with_context(|| format!("create {}", folder.display()))
    }

    /// Returns whether the server still runs.
    ///
    /// # Errors
    /// The kernel does not know the child, which is a bug.
    pub fn is_running(&mut self) -> Result<bool> {
        Ok(self.process.try_wait()?.is_none())
    }

    /// Returns the URL of the server. Buckets are in the path, not in the host.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port.number())
    }

    /// Returns the port.
    pub fn port(&self) -> u16 {
        self.port.number()
    }

    /// Returns the access key, which may do everything.
    pub fn access_key(&self) -> &'static str {
        ACCESS_KEY
    }

    /// Returns the secret key.
    pub fn secret_key(&self) -> &'static str {
        SECRET_KEY
    }

    /// Returns the region that requests are signed for.
    pub fn region(&self) -> &'static str {
        REGION
    }

    /// Returns the folder with all that is the server's own.
    pub fn directory(&self) -> &Path {
        self.home.path()
    }

    /// Returns the folder whose folders are the buckets and whose files are the objects.
    pub fn data_dir(&self) -> &Path {
        &self.data
    }
}
