//! Turns a service into a listener on loopback that ends with its value: a thread for each connection.

use std::collections::BTreeMap;
use std::io;
use std::io::BufReader;
use std::io::Write as _;
use std::net::Ipv4Addr;
use std::net::Shutdown;
use std::net::SocketAddr;
use std::net::TcpListener;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use socket2::SockRef;

use crate::http;
use crate::http::Answer;
use crate::http::Request;
use crate::unpoisoned;

/// How an answer leaves.
#[derive(Debug)]
pub(crate) enum Delivery {
    /// As it is.
    Whole(Answer),
    /// Not at all: the connection is closed.
    Nothing,
    /// Its head and half of its body; then the connection is reset.
    Reset(Answer),
}

/// What answers requests, several at a time.
pub(crate) trait Service: Send + Sync + 'static {
    /// Answers one. It may wait, but not after [`Service::end`].
    fn answer(&self, request: Request) -> Delivery;

    /// Lets go of all that waits: the server ends.
    fn end(&self);
}

/// A listener and its connections. All end when this value is dropped.
pub(crate) struct Server {
    address: SocketAddr,
    service: Arc<dyn Service>,
    connections: Arc<Connections>,
    listener: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Connections {
    is_ending: AtomicBool,
    open: Mutex<BTreeMap<SocketAddr, TcpStream>>,
}

impl Server {
    /// Listens on any free port.
    ///
    /// # Errors
    /// The system gives no port.
    pub(crate) fn start(service: Arc<dyn Service>) -> io::Result<Server> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let connections = Arc::new(Connections::default());
        let (shared, answering) = (Arc::clone(&connections), Arc::clone(&service));
        let listener = std::thread::spawn(move || listen(&listener, &shared, &answering));
        Ok(Server {
            address,
            service,
            connections,
            listener: Some(listener),
        })
    }

    /// Returns the URL.
    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.connections.is_ending.store(true, Ordering::SeqCst);
        self.service.end();
        // The listener looks at the flag after each connection: this is one.
        let _ = TcpStream::connect(self.address);
        if let Some(listener) = self.listener.take() {
            let _ = listener.join();
        }
        for stream in unpoisoned(&self.connections.open).values() {
            // One that its client has closed meanwhile is what is wanted.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

fn listen(listener: &TcpListener, connections: &Arc<Connections>, service: &Arc<dyn Service>) {
    while let Ok((stream, client)) = listener.accept() {
        if connections.is_ending.load(Ordering::SeqCst) {
            return;
        }
        let Ok(handle) = stream.try_clone() else {
            continue;
        };
        unpoisoned(&connections.open).insert(client, handle);
        let (connections, service) = (Arc::clone(connections), Arc::clone(service));
        std::thread::spawn(move || {
            // Whoever closes a connection half-way is a client under test; there is nobody to tell.
            let _ = converse(&stream, &*service);
            // Before the stream goes: its end, orderly or not, is sent when the last handle is closed.
            unpoisoned(&connections.open).remove(&client);
        });
    }
}

/// Answers the requests of one connection in their order.
fn converse(mut stream: &TcpStream, service: &dyn Service) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    while let Some(request) = http::read_request(&mut reader, &mut stream)? {
        let connection = request.header("Connection").unwrap_or_default();
        let is_last = connection.eq_ignore_ascii_case("close");
        match service.answer(request) {
            Delivery::Whole(answer) => stream.write_all(&http::bytes_of_answer(&answer))?,
            Delivery::Nothing => return Ok(()),
            Delivery::Reset(answer) => {
                let bytes = http::bytes_of_answer(&answer);
                let half = bytes.len() - answer.body.len().div_ceil(2);
                stream.write_all(&bytes[..half])?;
                // The last close then resets the connection.
                return SockRef::from(stream).set_linger(Some(Duration::ZERO));
            }
        }
        if is_last {
            return Ok(());
        }
    }
    Ok(())
}
