//! Turns requests into the answers of a server behind, with the faults that a test asks for: for servers that are real
//! and emulators that know no faults.

use std::io;
use std::io::BufReader;
use std::io::Write as _;
use std::net::TcpStream;
use std::sync::Arc;

use crate::http;
use crate::http::Answer;
use crate::http::Request;
use crate::script::Script;
use crate::server::Delivery;
use crate::server::Server;
use crate::server::Service;

/// A proxy of plain HTTP on a loopback port, in front of one server. It ends when this value is dropped.
///
/// Heads and bodies are passed on as they are, so that signatures stay good: the server must take the host of the proxy
/// for its own, as S3 servers and emulators with the bucket in the path do. What is refused or throttled has the shape of
/// AWS's protocol that the request speaks, else that of S3.
///
/// ```
/// use salvor_fakes::Effect;
/// use salvor_fakes::Fault;
/// use salvor_fakes::FaultProxy;
///
/// # fn main() -> std::io::Result<()> {
/// # let server = salvor_fakes::Aws::start()?;
/// let proxy = FaultProxy::start(&server.endpoint())?;
/// // The first object that is put is stored, and its answer lost.
/// proxy.script().fault(Fault::on("PUT /backups/*", Effect::AnswerLost));
/// // The store ignores conditions, as some do.
/// let blind = Effect::WithoutHeader("If-None-Match".to_owned());
/// proxy.script().fault(Fault::on("PUT /locks/*", blind).always());
/// // What was just written is not found twice.
/// let stale = Effect::Refused(404, "NoSuchKey".to_owned());
/// proxy.script().fault(Fault::on("GET /backups/*", stale).times(2));
/// # Ok(())
/// # }
/// ```
pub struct FaultProxy {
    server: Server,
    forwarder: Arc<Forwarder>,
}

struct Forwarder {
    script: Script,
    /// Host and port of the server behind.
    behind: String,
}

impl FaultProxy {
    /// Starts one in front of the server at this URL. Whether that server is there shows at the first request.
    ///
    /// # Errors
    /// The URL is not one of plain HTTP with a host and a port and nothing else, or the system gives no port.
    pub fn start(behind: &str) -> io::Result<FaultProxy> {
        let host = behind
            .strip_prefix("http://")
            .map(|rest| rest.trim_end_matches('/'))
            .filter(|host| host.contains(':') && !host.contains('/'));
        let wrong = || format!("{behind} is not http://HOST:PORT");
        let host = host.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, wrong()))?;
        let forwarder = Arc::new(Forwarder {
            script: Script::default(),
            behind: host.to_owned(),
        });
        let server = Server::start(Arc::clone(&forwarder) as Arc<dyn Service>)?;
        Ok(FaultProxy { server, forwarder })
    }

    /// Returns the URL of the proxy.
    pub fn endpoint(&self) -> String {
        self.server.endpoint()
    }

    /// Returns the faults and the log of calls.
    pub fn script(&self) -> &Script {
        &self.forwarder.script
    }
}

impl Forwarder {
    fn forward(&self, request: &Request) -> io::Result<Answer> {
        let mut stream = TcpStream::connect(&self.behind)?;
        stream.write_all(&http::bytes_of_request(request))?;
        http::read_answer(&mut BufReader::new(stream), &request.method)
    }
}

impl Service for Forwarder {
    fn answer(&self, request: Request) -> Delivery {
        self.script.answer(&request, |request, _| {
            let failed = |error: io::Error| {
                let message = format!("the server behind the proxy gave no answer: {error}");
                Answer::new(502, "text/plain", message)
            };
            self.forward(request).unwrap_or_else(failed)
        })
    }

    fn end(&self) {
        self.script.end();
    }
}
