//! Turns nothing into an emulator of AWS: moto, with all of its services on one port and everything in memory.
//!
//! Take it for the shapes of requests and answers; it starts in 1 to 4 s with 55 MB. It is kinder than AWS: a
//! database is available at once, a restore takes any moment, a rename destroys what has the name, and no signature or
//! permission is checked. States, refusals and faults are for scripted fakes. A call that it does not have is answered
//! by an HTML page with 404 or 500: no test may take that for a fault of AWS.

use std::time::Duration;

use anyhow::Result;
use anyhow::bail;

use crate::boto3::Boto3;
use crate::health::is_healthy;
use crate::home::Home;
use crate::port::Port;
use crate::process::DeathSignal;
use crate::process::Launch;
use crate::process::ServerProcess;
use crate::process::Startup;

/// How long a start may take. It is far above what a loaded machine needs.
const START_TIMEOUT: Duration = Duration::from_secs(90);

/// How often another port is tried.
const START_ATTEMPTS: usize = 5;

const HEALTH_PATH: &str = "/";
const ACCESS_KEY: &str = "testbed";
const SECRET_KEY: &str = "testbed-secret-key";
const REGION: &str = "us-east-1";

/// A running moto. It ends when this value is dropped.
#[derive(Debug)]
pub struct Moto {
    // Before `home`: the server ends before its log goes.
    process: ServerProcess,
    port: Port,
    _home: Home,
}

impl Moto {
    /// Installs moto where it is not there, starts it on any free port, and waits until it answers.
    ///
    /// # Errors
    /// [`Missing`](crate::Missing) when it cannot be had; else it did not start, and the error quotes its log.
    pub fn start() -> Result<Moto> {
        let boto3 = Boto3::install()?;
        let home = Home::temporary()?;
        for _ in 0..START_ATTEMPTS {
            let port = Port::reserve()?;
            let number = port.number();
            let mut process = ServerProcess::start(Launch {
                name: "moto",
                program: boto3.python().to_owned(),
                arguments: vec![
                    "-m".into(),
                    "moto.server".into(),
                    "-H".into(),
                    "127.0.0.1".into(),
                    "-p".into(),
                    number.to_string().into(),
                ],
                environment: boto3.environment(),
                account: None,
                death_signal: DeathSignal::Kill,
                log: home.path().join("moto.log"),
            })?;
            match process.wait_until_ready(START_TIMEOUT, || is_healthy(number, HEALTH_PATH))? {
                Startup::Ready => {
                    return Ok(Moto {
                        process,
                        port,
                        _home: home,
                    });
                }
                Startup::PortInUse => {}
            }
        }
        bail!("moto found its port in use {START_ATTEMPTS} times")
    }

    /// Ends the server as a crash would. All that it knew is gone.
    ///
    /// # Errors
    /// A process stays after ten seconds.
    pub fn kill(&mut self) -> Result<()> {
        self.process.kill()
    }

    /// Returns the URL of the server, the same for all services. Buckets are in the path, not in the host.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port.number())
    }

    /// Returns an access key. It takes any.
    pub fn access_key(&self) -> &'static str {
        ACCESS_KEY
    }

    /// Returns a secret key. It takes any.
    pub fn secret_key(&self) -> &'static str {
        SECRET_KEY
    }

    /// Returns a region. It has all, each with a world of its own.
    pub fn region(&self) -> &'static str {
        REGION
    }
}
