//! A proxy that takes the conditions out of requests, as a store looks that does not know them.
//!
//! A signature covers the conditions, so it goes too: what stands behind must let everybody in. No body may be sent in
//! signed chunks. It knows no more of HTTP than the lengths of bodies.

use std::io;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Read as _;
use std::io::Write as _;
use std::net::TcpListener;
use std::net::TcpStream;

/// Headers that do not pass.
const STRIPPED: [&str; 3] = ["authorization", "if-match", "if-none-match"];

/// Listens on a free port, passes everything on to an address, and gives the port. Its threads end with the process.
pub fn start(endpoint: &str) -> u16 {
    let to = endpoint
        .strip_prefix("http://")
        .expect("an address on this machine")
        .to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let to = to.clone();
            std::thread::spawn(move || {
                // A client that ends in the middle is nothing to report.
                let _ = serve(client, &to);
            });
        }
    });
    port
}

fn serve(client: TcpStream, to: &str) -> io::Result<()> {
    let server = TcpStream::connect(to)?;
    let (mut to_client, mut to_server) = (client.try_clone()?, server.try_clone()?);
    let (mut from_client, mut from_server) = (BufReader::new(client), BufReader::new(server));
    let Some((head, length)) = head(&mut from_client)? else {
        return Ok(());
    };
    to_server.write_all(head.as_bytes())?;
    io::copy(&mut from_client.take(length), &mut to_server)?;
    // One request a connection: the answer is whatever comes until the server closes it.
    io::copy(&mut from_server, &mut to_client)?;
    to_client.shutdown(std::net::Shutdown::Both)
}

/// The first line and the headers that pass, and the length of the body.
fn head(from: &mut impl BufRead) -> io::Result<Option<(String, u64)>> {
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if from.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        if line.trim().is_empty() {
            head.push_str("connection: close\r\n\r\n");
            return Ok(Some((head, length)));
        }
        let (name, value) = line.split_once(':').unwrap_or((&line, ""));
        let name = name.trim().to_lowercase();
        if name == "content-length" {
            length = value.trim().parse().map_err(io::Error::other)?;
        }
        if name != "connection" && !STRIPPED.contains(&name.as_str()) {
            head.push_str(&line);
        }
    }
}
