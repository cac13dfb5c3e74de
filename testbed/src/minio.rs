//! Turns a temporary folder into an S3 server: MinIO on one disk, with a key for KMS.
//!
//! Take it for lock, lifecycle, replication, KMS and checksums; it starts in 1 s with 118 MB. What it does
//! otherwise than AWS: `If-Match` on delete and `If-None-Match` on copy are ignored. It is run, never linked.
//! Buckets are made by the S3 client of the test: a folder on its disk is not a bucket.

use std::path::Path;
use std::time::Duration;

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
const START_TIMEOUT: Duration = Duration::from_secs(90);

/// How often another port is tried.
const START_ATTEMPTS: usize = 5;

const HEALTH_PATH: &str = "/minio/health/ready";
const ACCESS_KEY: &str = "testbed";
const SECRET_KEY: &str = "testbed-secret-key";
const REGION: &str = "us-east-1";

/// The name and the 32 bytes of the only key that its built-in KMS has.
const KMS_KEY: &str = "testbed-key:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

/// A running MinIO. It ends when this value is dropped.
#[derive(Debug)]
pub struct Minio {
    // Before `home`: the server ends before its folder goes.
    process: ServerProcess,
    port: Port,
    home: Home,
}

impl Minio {
    /// Installs MinIO where it is not there, starts it with a temporary folder on any free port, and waits until
    /// it answers.
    ///
    /// # Errors
    /// [`Missing`](crate::Missing) when it cannot be had; else it did not start, and the error quotes its log.
    pub fn start() -> Result<Minio> {
        let program = install(Part::Minio)?.program("minio");
        let home = Home::temporary()?;
        let data = home.folder("disk")?;
        for _ in 0..START_ATTEMPTS {
            let port = Port::reserve()?;
            let number = port.number();
            let mut process = ServerProcess::start(Launch {
                name: "MinIO",
                program: program.clone(),
                arguments: vec![
                    "server".into(),
                    "--quiet".into(),
                    "--address".into(),
                    format!("127.0.0.1:{number}").into(),
                    data.clone().into(),
                ],
                environment: vec![
                    ("HOME", home.path().into()),
                    ("MINIO_ROOT_USER", ACCESS_KEY.into()),
                    ("MINIO_ROOT_PASSWORD", SECRET_KEY.into()),
                    ("MINIO_BROWSER", "off".into()),
                    ("MINIO_UPDATE", "off".into()),
                    ("MINIO_KMS_SECRET_KEY", KMS_KEY.into()),
                ],
                account: None,
                death_signal: DeathSignal::Kill,
                log: home.path().join("minio.log"),
            })?;
            match process.wait_until_ready(START_TIMEOUT, || is_healthy(number, HEALTH_PATH))? {
                Startup::Ready => {
                    return Ok(Minio {
                        process,
                        port,
                        home,
                    });
                }
                Startup::PortInUse => {}
            }
        }
        bail!("MinIO found its port in use {START_ATTEMPTS} times")
    }

    /// Ends the server as a crash would. The folder stays until this value is dropped.
    ///
    /// # Errors
    /// A process stays after ten seconds.
    pub fn kill(&mut self) -> Result<()> {
        self.process.kill()
    }

    /// Returns the URL of the server. Buckets are in the path, not in the host.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port.number())
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
}
