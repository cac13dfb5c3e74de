//! Where a server listens, as whom it is spoken to, and a connection to it.
//!
//! TLS is verified or not used at all: encryption to whoever answers protects from nobody who can
//! answer. Passwords are resolved here, handed to the client, and kept nowhere.

use std::error::Error as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use salvor_contract::Call;
use salvor_contract::Error;
use salvor_contract::Secret;
use salvor_contract::secret::ExposeSecret;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;
use tokio_postgres::Client;
use tokio_postgres::Config;
use tokio_postgres::NoTls;
use tokio_postgres_rustls::MakeRustlsConnect;

const CONNECT_SECONDS: u64 = 10;

/// Whether and how a connection is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Tls {
    /// Not encrypted: for this machine and for networks that are trusted.
    Disable,
    /// Encrypted, the server's certificate and name verified.
    VerifyFull,
}

/// A server and the role that is used there.
#[derive(Clone, Debug)]
pub struct Server {
    /// A host name, an address, or the folder of a socket.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The role.
    pub user: String,
    /// Its password; none for `trust` and `peer`.
    pub password: Option<Secret>,
    /// `None`: verified, but not used on this machine.
    pub tls: Option<Tls>,
    /// A file of certificates to trust instead of the system's.
    pub ca: Option<String>,
}

impl Server {
    /// How the server is named to people: `db.example:5432`.
    pub fn name(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// Whether connections are encrypted.
    pub fn tls(&self) -> Tls {
        self.tls.unwrap_or(if self.is_local() {
            Tls::Disable
        } else {
            Tls::VerifyFull
        })
    }

    fn is_local(&self) -> bool {
        self.host.starts_with('/')
            || self.host == "localhost"
            || self
                .host
                .parse::<std::net::IpAddr>()
                .is_ok_and(|address| address.is_loopback())
    }

    /// A connection to one database of the server.
    ///
    /// # Errors
    /// [`Error::Transient`] when the server does not answer or is starting, [`Error::Refused`] when it does
    /// not let this role in. Nothing was changed in either case.
    pub async fn connect(&self, database: &str, call: &Call<'_>) -> Result<Client, Error> {
        let mut config = Config::new();
        config
            .port(self.port)
            .user(&self.user)
            .dbname(database)
            .application_name("salvor")
            .connect_timeout(Duration::from_secs(CONNECT_SECONDS));
        if self.host.starts_with('/') {
            config.host_path(Path::new(&self.host));
        } else {
            config.host(&self.host);
        }
        if let Some(password) = &self.password {
            config.password(call.resolve(password).await?.expose_secret());
        }
        let place = format!("database {database} on {}", self.name());
        match self.tls() {
            Tls::Disable => {
                config.ssl_mode(tokio_postgres::config::SslMode::Disable);
                let connecting = config.connect(NoTls);
                let (client, connection) = within(call, &place, connecting)
                    .await?
                    .map_err(|e| connect_error(&place, &e))?;
                // It ends when the client is dropped; what goes wrong shows in the client's calls.
                drop(tokio::spawn(connection));
                Ok(client)
            }
            Tls::VerifyFull => {
                config.ssl_mode(tokio_postgres::config::SslMode::Require);
                let connecting = config.connect(self.trusted(call)?);
                let (client, connection) = within(call, &place, connecting)
                    .await?
                    .map_err(|e| connect_error(&place, &e))?;
                drop(tokio::spawn(connection));
                Ok(client)
            }
        }
    }

    fn trusted(&self, call: &Call<'_>) -> Result<MakeRustlsConnect, Error> {
        let mut roots = rustls::RootCertStore::empty();
        match &self.ca {
            Some(file) => {
                let path = call.path(file);
                let unreadable = |why: String| {
                    Error::refused(format!("certificates in {}: {why}", path.display()))
                };
                let certificates = CertificateDer::pem_file_iter(&path)
                    .map_err(|error| unreadable(error.to_string()))?;
                for certificate in certificates {
                    let certificate = certificate.map_err(|error| unreadable(error.to_string()))?;
                    roots
                        .add(certificate)
                        .map_err(|error| unreadable(error.to_string()))?;
                }
            }
            None => {
                let found = rustls_native_certs::load_native_certs();
                roots.add_parsable_certificates(found.certs);
            }
        }
        if roots.is_empty() {
            return Err(Error::refused_with(
                "no certificates to verify the server by",
                "give `ca`, a file of the certificates that signed the server's",
            ));
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| Error::refused(format!("TLS: {error}")))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(MakeRustlsConnect::new(config))
    }
}

/// Waits for a future unless the deadline or a stop comes first.
///
/// # Errors
/// [`Error::Unknown`] when either came first: the future is dropped, its connection with it.
pub async fn within<T>(
    call: &Call<'_>,
    waiting_for: &str,
    future: impl Future<Output = T>,
) -> Result<T, Error> {
    tokio::select! {
        biased;
        () = call.stop.cancelled() => Err(Error::unknown(format!("stopped while waiting for {waiting_for}"))),
        output = future => Ok(output),
        () = call.clock.sleep(call.time_left()) => {
            Err(Error::unknown(format!("the deadline passed while waiting for {waiting_for}")))
        }
    }
}

/// What a failed connection means.
pub fn connect_error(place: &str, error: &tokio_postgres::Error) -> Error {
    let what = format!("{place}: {}", text_of(error));
    match error.code().map(tokio_postgres::error::SqlState::code) {
        Some(code) if passes_by_itself(code) => Error::transient(what),
        Some(_) => Error::refused(what),
        None if is_of_tls(error) => Error::refused_with(
            what,
            "give the certificates that signed the server's as `ca`, and the name in its certificate as `host`",
        ),
        None => Error::transient(what),
    }
}

/// Whether TLS itself said no: a certificate does not become right by trying again.
fn is_of_tls(error: &tokio_postgres::Error) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        let inner = error
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref);
        if inner.is_some_and(|inner| inner.is::<rustls::Error>()) {
            return true;
        }
        cause = error.source();
    }
    false
}

/// What a failed reading statement means: it changed nothing, whatever happened.
pub fn read_error(doing: &str, error: &tokio_postgres::Error) -> Error {
    connect_error(doing, error)
}

/// What a failed changing statement means: without the server's answer its effect is not known.
pub fn change_error(doing: &str, error: &tokio_postgres::Error) -> Error {
    let what = format!("{doing}: {}", text_of(error));
    match error.code().map(tokio_postgres::error::SqlState::code) {
        Some(code) if passes_by_itself(code) => Error::transient(what),
        Some(_) => Error::refused(what),
        None => Error::unknown(what),
    }
}

/// The server's words with its SQLSTATE, or the chain of causes, which the client's own text leaves out.
pub fn text_of(error: &tokio_postgres::Error) -> String {
    if let Some(db) = error.as_db_error() {
        let mut text = format!("{} (SQLSTATE {})", db.message(), db.code().code());
        // The details of classes 22 and 23 quote rows: data of people, which is not for logs.
        let quotes_rows = ["22", "23"]
            .iter()
            .any(|class| db.code().code().starts_with(class));
        if let Some(detail) = db.detail().filter(|_| !quotes_rows) {
            text.push_str(&format!(": {detail}"));
        }
        return text;
    }
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        if !text.contains(&words) {
            text.push_str(&format!(": {words}"));
        }
        cause = error.source();
    }
    text
}

/// Classes 08 (connection), 53 (resources), 57P (shutting down, starting), 40 (conflicts), and objects in use.
fn passes_by_itself(code: &str) -> bool {
    code.starts_with("08")
        || code.starts_with("53")
        || code.starts_with("57P")
        || code.starts_with("40")
        || code == "55006"
        || code == "55P03"
}

/// A name as SQL writes it.
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text as SQL writes it, whatever `standard_conforming_strings` says.
pub fn literal(text: &str) -> String {
    let doubled = text.replace('\'', "''");
    if doubled.contains('\\') {
        format!("E'{}'", doubled.replace('\\', "\\\\"))
    } else {
        format!("'{doubled}'")
    }
}

#[cfg(test)]
mod tests {
    use super::Server;
    use super::Tls;
    use super::literal;
    use super::quoted;

    #[test]
    fn only_this_machine_is_spoken_to_in_the_clear_by_default() {
        for (host, tls) in [
            ("127.0.0.1", Tls::Disable),
            ("::1", Tls::Disable),
            ("/run/postgresql", Tls::Disable),
            ("10.0.0.1", Tls::VerifyFull),
            ("localhost.example", Tls::VerifyFull),
        ] {
            let server = Server {
                host: host.into(),
                port: 5432,
                user: "u".into(),
                password: None,
                tls: None,
                ca: None,
            };
            assert_eq!(server.tls(), tls, "{host}");
        }
    }

    #[test]
    fn names_and_texts_cannot_leave_their_quotes() {
        assert_eq!(quoted("a\"; drop"), "\"a\"\"; drop\"");
        assert_eq!(literal("it's"), "'it''s'");
        assert_eq!(literal("a\\'"), "E'a\\\\'''");
    }
}
