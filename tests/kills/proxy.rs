//! A proxy before the object store that counts what is written: which key, and whether it was complete before.
//!
//! It passes requests on byte for byte, one after the other on a connection, as the signature demands. It knows
//! no more of HTTP than the lengths of bodies.

use std::collections::BTreeMap;
use std::io;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Read as _;
use std::io::Write;
use std::net::TcpListener;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

/// What became of one key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// How many requests to write it arrived.
    pub begun: usize,
    /// How many of them the store answered with success.
    pub completed: usize,
    /// How many of them arrived after another one was complete: repeated effects.
    pub repeated: usize,
}

type Counts = Arc<Mutex<BTreeMap<String, Written>>>;

/// The proxy. Its threads end with the process.
pub struct Proxy {
    port: u16,
    counts: Counts,
}

impl Proxy {
    /// Listens on a free port and passes everything on to another one.
    pub fn start(to: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let counts = Counts::default();
        let shared = Arc::clone(&counts);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let counts = Arc::clone(&shared);
                // A client that was killed ends its connection in the middle: nothing to report.
                std::thread::spawn(move || {
                    let _ = serve(client, to, &counts);
                });
            }
        });
        Self { port, counts }
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The writes below a path that arrived after an earlier one of the same key was complete.
    pub fn repeated(&self, below: &str) -> Vec<String> {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts
            .iter()
            .filter(|(key, written)| key.starts_with(below) && written.repeated > 0)
            .map(|(key, written)| format!("{key} {written:?}"))
            .collect()
    }

    /// How many keys below a path were written.
    pub fn keys(&self, below: &str) -> usize {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts
            .iter()
            .filter(|(key, written)| key.starts_with(below) && written.completed > 0)
            .count()
    }
}

fn serve(client: TcpStream, to: u16, counts: &Counts) -> io::Result<()> {
    client.set_nodelay(true)?;
    let server = TcpStream::connect(("127.0.0.1", to))?;
    server.set_nodelay(true)?;
    let (mut to_client, mut to_server) = (client.try_clone()?, server.try_clone()?);
    let (mut from_client, mut from_server) = (BufReader::new(client), BufReader::new(server));
    while let Some(request) = Head::read(&mut from_client)? {
        let key = request.written_key();
        if let Some(key) = &key {
            note(counts, key, |written| {
                written.begun += 1;
                written.repeated += usize::from(written.completed > 0);
            });
        }
        to_server.write_all(&request.bytes)?;
        if request.expects_continue() {
            let interim = Head::read(&mut from_server)?.ok_or(io::ErrorKind::UnexpectedEof)?;
            to_client.write_all(&interim.bytes)?;
        }
        request.pass_body(&mut from_client, &mut to_server)?;
        let response = Head::read(&mut from_server)?.ok_or(io::ErrorKind::UnexpectedEof)?;
        if let Some(key) = &key
            && response.first.contains(" 200")
        {
            note(counts, key, |written| written.completed += 1);
        }
        to_client.write_all(&response.bytes)?;
        if !request.first.starts_with("HEAD ") {
            response.pass_body(&mut from_server, &mut to_client)?;
        }
    }
    Ok(())
}

fn note(counts: &Counts, key: &str, change: impl FnOnce(&mut Written)) {
    let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
    change(counts.entry(key.to_owned()).or_default());
}

/// The first line and the headers of a message.
struct Head {
    first: String,
    headers: BTreeMap<String, String>,
    bytes: Vec<u8>,
}

impl Head {
    fn read(from: &mut impl BufRead) -> io::Result<Option<Self>> {
        let mut bytes = Vec::new();
        let mut lines = Vec::new();
        loop {
            let start = bytes.len();
            if from.read_until(b'\n', &mut bytes)? == 0 {
                return Ok(None);
            }
            let line = String::from_utf8_lossy(&bytes[start..]).trim().to_owned();
            if line.is_empty() {
                break;
            }
            lines.push(line);
        }
        let mut lines = lines.into_iter();
        let first = lines.next().unwrap_or_default();
        let headers = lines.filter_map(|line| {
            let (name, value) = line.split_once(':')?;
            Some((name.to_lowercase(), value.trim().to_owned()))
        });
        Ok(Some(Self {
            first,
            headers: headers.collect(),
            bytes,
        }))
    }

    /// The key that this request writes as a whole.
    fn written_key(&self) -> Option<String> {
        let path = self.first.strip_prefix("PUT ")?.split(' ').next()?;
        Some(path.split('?').next().unwrap_or(path).to_owned())
    }

    fn expects_continue(&self) -> bool {
        self.headers.contains_key("expect")
    }

    fn pass_body(&self, from: &mut impl BufRead, to: &mut impl Write) -> io::Result<()> {
        if self.headers.get("transfer-encoding").map(String::as_str) == Some("chunked") {
            loop {
                let mut line = Vec::new();
                from.read_until(b'\n', &mut line)?;
                to.write_all(&line)?;
                let text = String::from_utf8_lossy(&line);
                let size = text.trim().split(';').next().unwrap_or_default();
                let size = u64::from_str_radix(size, 16).map_err(io::Error::other)?;
                io::copy(&mut from.take(size + 2), to)?;
                if size == 0 {
                    return Ok(());
                }
            }
        }
        let length = self.headers.get("content-length");
        let length = length.and_then(|length| length.parse().ok()).unwrap_or(0);
        io::copy(&mut from.take(length), to)?;
        Ok(())
    }
}

/// A client that puts twice is told from one that was cut off and puts again: the check can fail.
#[test]
fn a_put_after_a_complete_one_is_counted_as_repeated() {
    let server = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let to = server.local_addr().expect("an address").port();
    let proxy = Proxy::start(to);
    std::thread::spawn(move || {
        for answer in ["500 No", "200 OK", "200 OK", "200 OK"] {
            let (stream, _) = server.accept().expect("a client");
            let mut from = BufReader::new(stream.try_clone().expect("a stream"));
            let request = Head::read(&mut from).expect("a request").expect("a head");
            request
                .pass_body(&mut from, &mut io::sink())
                .expect("its body");
            let mut to = stream;
            write!(to, "HTTP/1.1 {answer}\r\ncontent-length: 0\r\n\r\n").expect("an answer");
        }
    });
    let put = |key: &str| {
        let mut stream = TcpStream::connect(("127.0.0.1", proxy.port())).expect("the proxy");
        write!(stream, "PUT {key} HTTP/1.1\r\ncontent-length: 2\r\n\r\nhi").expect("a request");
        Head::read(&mut BufReader::new(stream))
            .expect("an answer")
            .expect("a head");
    };
    put("/bucket/a");
    put("/bucket/a");
    assert_eq!(proxy.repeated("/bucket/"), Vec::<String>::new());
    assert_eq!(proxy.keys("/bucket/"), 1);
    put("/bucket/a?x-id=PutObject");
    put("/bucket/b");
    let repeated = proxy.repeated("/bucket/");
    assert_eq!(repeated.len(), 1, "{repeated:?}");
    assert!(repeated[0].starts_with("/bucket/a "), "{repeated:?}");
}
