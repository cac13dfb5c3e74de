//! A web server of the platform that is recovered: answers by path, and keeps what was posted to it.

use std::collections::BTreeMap;
use std::io::BufRead as _;
use std::io::BufReader;
use std::io::Read as _;
use std::io::Write as _;
use std::net::TcpListener;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

#[derive(Debug, Default)]
struct State {
    answers: BTreeMap<String, String>,
    posted: Vec<String>,
}

/// The server. Its thread ends with the process of the test.
#[derive(Clone, Debug)]
pub struct Web {
    address: String,
    state: Arc<Mutex<State>>,
}

impl Web {
    /// Listens on a free port. Whatever has no answer yet is not found; what is posted is taken.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it listens");
        let web = Self {
            address: format!("http://{address}"),
            state: Arc::default(),
        };
        let server = web.clone();
        std::thread::spawn(move || {
            // A client that has gone does not matter.
            for stream in listener.incoming().flatten() {
                let _ = server.answer(stream);
            }
        });
        web
    }

    /// An address of it.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.address)
    }

    /// What it answers from now on.
    pub fn answers(&self, path: &str, body: &str) {
        let answers = &mut self.state().answers;
        answers.insert(path.to_owned(), body.to_owned());
    }

    /// What was posted so far.
    pub fn posted(&self) -> Vec<String> {
        self.state().posted.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, stream: TcpStream) -> std::io::Result<()> {
        let mut reader = BufReader::new(stream.try_clone()?);
        let mut first = String::new();
        reader.read_line(&mut first)?;
        let mut length = 0;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            let Some((name, value)) = line.split_once(':') else {
                break;
            };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().unwrap_or(0);
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let mut words = first.split(' ');
        let (method, path) = (words.next(), words.next().unwrap_or_default());
        let (status, text) = match (method, self.state().answers.get(path)) {
            (_, Some(text)) => (200, text.clone()),
            (Some("POST"), None) => (200, "ok".to_owned()),
            (_, None) => (404, String::new()),
        };
        if method == Some("POST") {
            let text = String::from_utf8_lossy(&body).into_owned();
            self.state().posted.push(text);
        }
        let length = text.len();
        let head =
            format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
        (&stream).write_all((head + &text).as_bytes())
    }
}
