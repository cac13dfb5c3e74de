//! A web server that gives answers from a script, one a connection, the last one for ever.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::net::TcpStream;

/// One answer.
#[derive(Clone, Debug)]
pub enum Reply {
    /// This status and this body.
    Body(u16, &'static str),
    /// This status, a further header line, and no body.
    Header(u16, &'static str),
    /// The connection is closed without a word.
    Hangup,
    /// Nothing, for ever.
    Silence,
}

/// The server; it ends with the runtime of its test.
pub struct Server {
    address: std::net::SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub async fn start(script: Vec<Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it listens");
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        tokio::spawn(async move {
            let mut next = 0;
            while let Ok((stream, _)) = listener.accept().await {
                let reply = script[next.min(script.len() - 1)].clone();
                next += 1;
                tokio::spawn(answer(stream, reply, Arc::clone(&seen)));
            }
        });
        Self { address, requests }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The requests so far: head and body.
    pub fn requests(&self) -> Vec<String> {
        self.requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

async fn answer(mut stream: TcpStream, reply: Reply, seen: Arc<Mutex<Vec<String>>>) {
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    while !is_whole(&request) {
        match stream.read(&mut buffer).await {
            Ok(length @ 1..) => request.extend_from_slice(&buffer[..length]),
            Ok(0) | Err(_) => return,
        }
    }
    let text = String::from_utf8_lossy(&request).into_owned();
    seen.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(text);
    let (status, header, body) = match reply {
        Reply::Hangup => return,
        Reply::Silence => std::future::pending().await,
        Reply::Body(status, body) => (status, "X-Nothing: 1", body),
        Reply::Header(status, header) => (status, header, ""),
    };
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status} X\r\n{header}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    // A client that has gone does not matter to the script.
    let _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head
        .lines()
        .filter_map(|line| line.split_once(": "))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.parse::<usize>().ok());
    body.len() >= length.unwrap_or(0)
}
