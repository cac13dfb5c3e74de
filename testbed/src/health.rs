//! Turns a port and a path into "answers 200" or "not yet", by the smallest HTTP request there is.

use std::io::Read as _;
use std::io::Write as _;
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::net::TcpStream;
use std::time::Duration;

/// How long one question may take.
const QUESTION_TIMEOUT: Duration = Duration::from_secs(2);

/// Returns whether a server on this loopback port answers 200 to a GET of the path. Every other outcome is "not
/// yet": the caller has the deadline.
pub(crate) fn is_healthy(port: u16, path: &str) -> bool {
    status_line(port, path).is_ok_and(|line| line.split_whitespace().nth(1) == Some("200"))
}

fn status_line(port: u16, path: &str) -> std::io::Result<String> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut stream = TcpStream::connect_timeout(&address, QUESTION_TIMEOUT)?;
    stream.set_read_timeout(Some(QUESTION_TIMEOUT))?;
    stream.set_write_timeout(Some(QUESTION_TIMEOUT))?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = Vec::new();
    // A status line is short; the rest of the answer is of no interest.
    stream.take(64).read_to_end(&mut answer)?;
    let text = String::from_utf8_lossy(&answer).into_owned();
    Ok(text.lines().next().unwrap_or_default().to_owned())
}
