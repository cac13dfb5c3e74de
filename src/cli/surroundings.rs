//! The real surroundings of a command: the machine's clocks, its environment, its randomness.
//!
//! The only place in the project that asks for the time or reads the environment.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use rustix::time::ClockId;
use salvor_contract::Clock;
use salvor_contract::Error;
use salvor_contract::Launcher;
use salvor_contract::SecretReference;
use salvor_contract::Secrets;
use salvor_contract::secret::SecretString;
use zeroize::Zeroizing;

use crate::cli::guard::GUARD_VERB;
use crate::surroundings::Randomness;
use crate::surroundings::Surroundings;

/// What programs inherit of the environment; anything else could carry a secret or change their meaning.
const PASSED_ON: [&str; 10] = [
    "PATH",
    "HOME",
    "TMPDIR",
    "LANG",
    "LC_ALL",
    "TZ",
    "USER",
    "LD_LIBRARY_PATH",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
];

/// The surroundings of a command on a plan in this folder.
pub fn real(plan_dir: PathBuf) -> Surroundings {
    Surroundings {
        clock: Arc::new(MachineClock),
        secrets: Arc::new(MachineSecrets {
            plan_dir: plan_dir.clone(),
        }),
        randomness: Arc::new(MachineRandomness),
        launcher: launcher(),
        plan_dir,
    }
}

/// The value of an environment variable, when it is set and is text.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one home of the environment"
)]
pub fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// All environment variables that are text and begin with this prefix, without it.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one home of the environment"
)]
pub fn environment_below(prefix: &str) -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter_map(|(name, value)| Some((name.strip_prefix(prefix)?.to_owned(), value)))
        .collect()
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the one home of the environment"
)]
fn launcher() -> Launcher {
    let own = std::process::id().to_string();
    let shim = std::env::current_exe()
        .map(|salvor| vec![salvor.into_os_string(), GUARD_VERB.into(), own.into()])
        .unwrap_or_default();
    let passed_on =
        std::env::vars_os().filter(|(name, _)| PASSED_ON.iter().any(|passed| name == *passed));
    Launcher::new(shim, passed_on.collect())
}

struct MachineClock;

#[async_trait]
impl Clock for MachineClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one home of the clock"
    )]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn elapsed(&self) -> Duration {
        // BOOTTIME goes on while the machine sleeps; an RTO does too.
        let time = rustix::time::clock_gettime(ClockId::Boottime);
        let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
        let nanoseconds = u32::try_from(time.tv_nsec).unwrap_or(0);
        Duration::new(seconds, nanoseconds)
    }

    async fn sleep(&self, length: Duration) {
        tokio::time::sleep(length).await;
    }
}

struct MachineRandomness;

impl Randomness for MachineRandomness {
    fn bits(&self) -> u64 {
        let mut bytes = [0_u8; 8];
        let mut filled = 0;
        while filled < bytes.len() {
            let flags = rustix::rand::GetRandomFlags::empty();
            filled += rustix::rand::getrandom(&mut bytes[filled..], flags)
                .expect("the kernel gives random bytes once it has booted");
        }
        u64::from_ne_bytes(bytes)
    }
}

struct MachineSecrets {
    plan_dir: PathBuf,
}

#[async_trait]
impl Secrets for MachineSecrets {
    async fn resolve(&self, reference: &SecretReference) -> Result<SecretString, Error> {
        match reference {
            SecretReference::Environment(name) => {
                environment(name).map(SecretString::from).ok_or_else(|| {
                    Error::refused_with(
                        format!("the environment variable {name} of a secret is not set"),
                        format!("Set {name} in the environment that runs salvor."),
                    )
                })
            }
            SecretReference::File(path) => {
                let path = self.plan_dir.join(path);
                let bytes = tokio::fs::read(&path)
                    .await
                    .map(Zeroizing::new)
                    .map_err(|error| {
                        Error::refused(format!(
                            "cannot read the secret in {}: {error}",
                            path.display()
                        ))
                    })?;
                let text = std::str::from_utf8(&bytes).map_err(|_| {
                    Error::refused(format!("the secret in {} is not UTF-8", path.display()))
                })?;
                Ok(SecretString::from(text.strip_suffix('\n').unwrap_or(text)))
            }
        }
    }
}
