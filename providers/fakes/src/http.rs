//! Turns bytes of a connection into requests and answers, and back: as much of HTTP/1.1 as clients of clouds use.
//!
//! Not a server of a library: what is tested here are connections that end without an answer, in the middle of a body,
//! or by a reset, and those take the socket itself.

use std::io;
use std::io::BufRead;
use std::io::Read as _;

/// A head longer than this is refused.
const HEAD_LIMIT: usize = 64 * 1024;

/// A head with more fields than this is refused.
const HEADERS_LIMIT: usize = 100;

/// A request, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The method, in capitals.
    pub method: String,
    /// The path and the query as they were sent.
    pub target: String,
    /// The fields of the head in their order. A body that came in chunks is whole here, and said to be.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Request {
    /// Returns the value of the first field of this name, in any case of letters.
    pub fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }
}

/// An answer, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The fields of the head. `Content-Length` is added where it is not there.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// Returns an answer with a body of this type.
    pub fn new(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Answer {
        Answer {
            status,
            headers: vec![("Content-Type".to_owned(), content_type.to_owned())],
            body: body.into(),
        }
    }
}

fn find<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let is_named = |(key, _): &&(String, String)| key.eq_ignore_ascii_case(name);
    headers.iter().find(is_named).map(|(_, value)| &**value)
}

fn remove(headers: &mut Vec<(String, String)>, name: &str) {
    headers.retain(|(key, _)| !key.eq_ignore_ascii_case(name));
}

fn malformed(what: impl std::fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_string())
}

/// Reads the next request of a connection; nothing where it was closed between two. `continue_to` is told to go on
/// where the client waits for that before it sends the body.
pub(crate) fn read_request(
    from: &mut impl BufRead,
    continue_to: &mut impl io::Write,
) -> io::Result<Option<Request>> {
    let head = read_head(from)?;
    if head.is_empty() {
        return Ok(None);
    }
    let mut fields = [httparse::EMPTY_HEADER; HEADERS_LIMIT];
    let mut parsed = httparse::Request::new(&mut fields);
    parsed.parse(&head).map_err(malformed)?;
    let mut request = Request {
        method: parsed.method.unwrap_or_default().to_owned(),
        target: parsed.path.unwrap_or_default().to_owned(),
        headers: owned(parsed.headers),
        body: Vec::new(),
    };
    if find(&request.headers, "Expect").is_some() {
        continue_to.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        remove(&mut request.headers, "Expect");
    }
    if is_chunked(&request.headers) {
        request.body = read_chunks(from)?;
        remove(&mut request.headers, "Transfer-Encoding");
        let length = request.body.len().to_string();
        request.headers.push(("Content-Length".to_owned(), length));
    } else if let Some(length) = content_length(&request.headers)? {
        request.body = vec![0; length];
        from.read_exact(&mut request.body)?;
    }
    Ok(Some(request))
}

/// Reads the only answer of a connection, which its server closes.
pub(crate) fn read_answer(from: &mut impl BufRead, to_method: &str) -> io::Result<Answer> {
    let head = loop {
        let head = read_head(from)?;
        // An interim answer is followed by the true one.
        if !head.starts_with(b"HTTP/1.1 100") {
            break head;
        }
    };
    let mut fields = [httparse::EMPTY_HEADER; HEADERS_LIMIT];
    let mut parsed = httparse::Response::new(&mut fields);
    parsed.parse(&head).map_err(malformed)?;
    let mut answer = Answer {
        status: parsed
            .code
            .ok_or_else(|| malformed("an answer has a status"))?,
        headers: owned(parsed.headers),
        body: Vec::new(),
    };
    remove(&mut answer.headers, "Connection");
    if to_method == "HEAD" || matches!(answer.status, 204 | 304) {
        // The length, where it is there, is that of a body that is not sent.
        return Ok(answer);
    }
    if is_chunked(&answer.headers) {
        answer.body = read_chunks(from)?;
        remove(&mut answer.headers, "Transfer-Encoding");
    } else if let Some(length) = content_length(&answer.headers)? {
        answer.body = vec![0; length];
        from.read_exact(&mut answer.body)?;
        remove(&mut answer.headers, "Content-Length");
    } else {
        from.read_to_end(&mut answer.body)?;
    }
    Ok(answer)
}

/// Returns the bytes of a request for a server that closes the connection after its answer.
pub(crate) fn bytes_of_request(request: &Request) -> Vec<u8> {
    let mut bytes = format!("{} {} HTTP/1.1\r\n", request.method, request.target).into_bytes();
    for (key, value) in &request.headers {
        if !key.eq_ignore_ascii_case("Connection") {
            bytes.extend_from_slice(format!("{key}: {value}\r\n").as_bytes());
        }
    }
    bytes.extend_from_slice(b"Connection: close\r\n\r\n");
    bytes.extend_from_slice(&request.body);
    bytes
}

/// Returns the bytes of an answer.
pub(crate) fn bytes_of_answer(answer: &Answer) -> Vec<u8> {
    let mut bytes = format!("HTTP/1.1 {} Answer\r\n", answer.status).into_bytes();
    for (key, value) in &answer.headers {
        bytes.extend_from_slice(format!("{key}: {value}\r\n").as_bytes());
    }
    if find(&answer.headers, "Content-Length").is_none() {
        let length = format!("Content-Length: {}\r\n", answer.body.len());
        bytes.extend_from_slice(length.as_bytes());
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(&answer.body);
    bytes
}

fn owned(fields: &[httparse::Header<'_>]) -> Vec<(String, String)> {
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    fields
        .iter()
        .map(|field| (field.name.to_owned(), text(field.value)))
        .collect()
}

/// Reads up to and with the empty line; nothing where the connection ends before its first byte.
fn read_head(from: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    loop {
        let read = from
            .by_ref()
            .take(HEAD_LIMIT as u64)
            .read_until(b'\n', &mut head)?;
        if read == 0 && head.is_empty() {
            return Ok(head);
        }
        if read == 0 || head.len() >= HEAD_LIMIT {
            return Err(malformed("the head of a message ends too early or never"));
        }
        if head.ends_with(b"\r\n\r\n") {
            return Ok(head);
        }
    }
}

fn is_chunked(headers: &[(String, String)]) -> bool {
    find(headers, "Transfer-Encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked"))
}

fn content_length(headers: &[(String, String)]) -> io::Result<Option<usize>> {
    find(headers, "Content-Length")
        .map(|value| value.trim().parse().map_err(malformed))
        .transpose()
}

fn read_chunks(from: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let mut line = String::new();
        from.read_line(&mut line)?;
        let size = line.split(';').next().unwrap_or_default().trim();
        let size = usize::from_str_radix(size, 16).map_err(malformed)?;
        let start = body.len();
        body.resize(start + size, 0);
        from.read_exact(&mut body[start..])?;
        if size > 0 {
            from.read_exact(&mut [0; 2])?;
            continue;
        }
        // What follows the last chunk is fields, up to an empty line.
        loop {
            let mut line = String::new();
            if from.read_line(&mut line)? == 0 || line.trim().is_empty() {
                return Ok(body);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Answer;
    use super::bytes_of_answer;
    use super::bytes_of_request;
    use super::read_answer;
    use super::read_request;

    #[test]
    fn a_request_in_chunks_is_whole_when_it_is_sent_on() {
        let text = b"PUT /b/k?x=1 HTTP/1.1\r\nhost: h\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n\
            3\r\nabc\r\n2;e=1\r\nde\r\n0\r\ntrailer: 1\r\n\r\n";
        let mut told = Vec::new();
        let request = read_request(&mut text.as_slice(), &mut told)
            .expect("it can be read")
            .expect("it is there");
        assert_eq!(told, b"HTTP/1.1 100 Continue\r\n\r\n");
        assert_eq!(request.body, b"abcde");
        let again = bytes_of_request(&request);
        assert_eq!(
            String::from_utf8_lossy(&again),
            "PUT /b/k?x=1 HTTP/1.1\r\nhost: h\r\nContent-Length: 5\r\nConnection: close\r\n\r\nabcde"
        );
        let none = read_request(&mut [].as_slice(), &mut told).expect("it is closed");
        assert_eq!(none, None);
        read_request(&mut b"PUT / HTTP".as_slice(), &mut told).expect_err("it is cut");
    }

    #[test]
    fn an_answer_to_a_head_request_keeps_the_length_of_the_body_that_it_has_not() {
        let text =
            b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\nETag: \"e\"\r\nConnection: close\r\n\r\n";
        let answer = read_answer(&mut text.as_slice(), "HEAD").expect("it can be read");
        let again = bytes_of_answer(&answer);
        assert_eq!(
            String::from_utf8_lossy(&again),
            "HTTP/1.1 200 Answer\r\nContent-Length: 7\r\nETag: \"e\"\r\n\r\n"
        );
    }

    #[test]
    fn an_answer_gets_the_length_of_its_body() {
        let text = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 No\r\n\r\ngone";
        let answer = read_answer(&mut text.as_slice(), "GET").expect("it can be read");
        let expected = Answer {
            status: 404,
            headers: Vec::new(),
            body: b"gone".to_vec(),
        };
        assert_eq!(answer, expected);
        assert!(
            bytes_of_answer(&answer)
                .windows(19)
                .any(|bytes| bytes == b"Content-Length: 4\r\n")
        );
    }
}
