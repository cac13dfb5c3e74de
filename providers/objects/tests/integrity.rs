//! What keeps bytes whole on their way: signatures, checksums, and what a process remembers of files.

mod support;

use std::fs::File;
use std::fs::FileTimes;
use std::io::Seek;
use std::io::Write;
use std::sync::Arc;
use std::sync::Mutex;

use bytes::Bytes;
use futures::TryStreamExt;
use salvor_contract::Probe;
use salvor_contract::Provider;
use salvor_contract::Values;
use salvor_objects::Put;
use salvor_objects::provider;
use salvor_testbed::Versitygw;
use salvor_testbed::require;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use crate::support::action;
use crate::support::config;
use crate::support::file_url;
use crate::support::list;
use crate::support::open;
use crate::support::surroundings;

/// The heads of the requests that a server got.
type Heads = Arc<Mutex<Vec<String>>>;

/// A server that takes every object, and its port.
async fn recording() -> (u16, Heads) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = listener.local_addr().expect("it is bound").port();
    let heads = Heads::default();
    let taken = Arc::clone(&heads);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = vec![0; 64 * 1024];
            let length = stream.read(&mut request).await.unwrap_or(0);
            let text = String::from_utf8_lossy(&request[..length]).to_lowercase();
            taken.lock().expect("no test panics").push(text);
            let answer =
                "HTTP/1.1 200 OK\r\netag: \"x\"\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            let _written = stream.write_all(answer.as_bytes()).await;
        }
    });
    (port, heads)
}

/// Writes `hello` over this configuration and gives the header that says what of the bytes is signed, and whether
/// their checksum is there.
async fn signed(change: impl FnOnce(u16, Values) -> Values) -> (String, bool) {
    let (port, heads) = recording().await;
    let surroundings = surroundings("a", "b");
    let config = change(port, config(&format!("http://127.0.0.1:{port}")));
    let place = open("s3://b/", &config, &surroundings).await;
    let hello = Bytes::from_static(b"hello");
    let written = place.write("k", hello, &Put::default()).await;
    assert_eq!(written, Ok(5));
    let heads = heads.lock().expect("no test panics");
    let head = heads.first().expect("one request");
    let header = |name: &str| head.lines().find_map(|line| line.strip_prefix(name));
    let of_bytes = header("x-amz-content-sha256: ").expect("it is always there");
    (
        of_bytes.to_owned(),
        header("x-amz-checksum-crc32: ") == Some("nhcmhg=="),
    )
}

/// SHA-256 of `hello`.
const HELLO: &str = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

#[tokio::test]
async fn bytes_with_a_checksum_are_not_signed_on_a_line_that_does_not_leave_the_machine() {
    let found = signed(|_, config| config).await;
    assert_eq!(found, ("unsigned-payload".to_owned(), true));
}

#[tokio::test]
async fn bytes_are_signed_over_plain_http_to_another_machine() {
    // Linux takes this address for the machine itself, and salvor does not.
    let found = signed(|port, config| {
        config
            .with("endpoint", format!("http://0.0.0.0:{port}"))
            .with("allow-http", true)
    })
    .await;
    assert_eq!(found, (HELLO.to_owned(), true));
}

#[tokio::test]
async fn bytes_without_a_checksum_are_signed() {
    let found = signed(|_, config| config.with("checksums", "when-required")).await;
    assert_eq!(found, (HELLO.to_owned(), false));
}

#[tokio::test]
async fn a_damaged_object_of_several_parts_is_not_read() {
    let Some(server) = require(Versitygw::start()) else {
        return;
    };
    server.create_bucket("parts").expect("a new bucket");
    let surroundings = surroundings(server.access_key(), server.secret_key());
    let config = config(&server.endpoint()).with("region", server.region());
    let place = open("s3://parts/", &config, &surroundings).await;
    let bytes: Vec<u8> = (0..20_000_003_u32).map(|n| (n / 7 % 251) as u8).collect();
    let written = place
        .write("dump", Bytes::from(bytes.clone()), &Put::default())
        .await;
    assert_eq!(written, Ok(20_000_003));
    let whole = place.read("dump", bytes.len()).await.expect("it is whole");
    assert!(whole == bytes, "the bytes are the same");
    let mut file = File::options()
        .write(true)
        .open(server.data_dir().join("parts/dump"))
        .expect("it is there");
    file.seek(std::io::SeekFrom::Start(12_000_000))
        .expect("it is that long");
    file.write_all(b"?").expect("it can be written");
    let mut content = place.get("dump").await.expect("it is there");
    let read = async {
        while content.body.try_next().await?.is_some() {}
        Ok(())
    }
    .await;
    let failed: salvor_contract::Error = match read {
        Ok(()) => panic!("it is damaged"),
        Err(error) => error,
    };
    assert!(failed.to_string().contains("damaged"), "{failed}");
}

#[tokio::test]
async fn a_file_that_changes_behind_the_same_time_is_sent_again_by_the_same_process() {
    let Some(server) = require(Versitygw::start()) else {
        return;
    };
    server.create_bucket("known").expect("a new bucket");
    let surroundings = surroundings(server.access_key(), server.secret_key());
    let config = config(&server.endpoint()).with("region", server.region());
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a");
    std::fs::write(&path, "one").expect("a file");
    let with = Values::new()
        .with("source", file_url(folder.path()))
        .with("target", "s3://known/x/");
    let sync = action("objects.sync", &config, with);
    let provider = provider();
    let call = surroundings.call();
    provider.perform(&sync, &call).await.expect("a sync");
    let probe = provider.probe(&sync, &call).await;
    assert!(matches!(probe, Ok(Probe::Done(_))), "{probe:?}");
    let mut file = File::options().write(true).open(&path).expect("a file");
    let modified = file.metadata().and_then(|data| data.modified());
    file.write_all(b"two").expect("a file");
    let times = FileTimes::new().set_modified(modified.expect("a time"));
    file.set_times(times).expect("it can be set");
    drop(file);
    let probe = provider.probe(&sync, &call).await;
    assert_eq!(probe, Ok(Probe::Absent));
    provider.perform(&sync, &call).await.expect("a sync");
    let place = open("s3://known/x/", &config, &surroundings).await;
    assert_eq!(place.read("a", 9).await, Ok(b"two".to_vec()));
    // Somebody else's object of the same size is seen too.
    let put = Put::default();
    let other = place.write("a", Bytes::from_static(b"two"), &put);
    other.await.expect("it is written");
    let probe = provider.probe(&sync, &call).await;
    assert!(matches!(probe, Ok(Probe::Done(_))), "{probe:?}");
    let other = place.write("a", Bytes::from_static(b"six"), &put);
    other.await.expect("it is written");
    assert_eq!(provider.probe(&sync, &call).await, Ok(Probe::Absent));
    assert_eq!(list(&place).await.len(), 1, "the object, and no claim");
}

#[tokio::test]
async fn a_large_object_is_known_by_the_time_of_its_file() {
    let Some(server) = require(Versitygw::start()) else {
        return;
    };
    server.create_bucket("marked").expect("a new bucket");
    let surroundings = surroundings(server.access_key(), server.secret_key());
    let config = config(&server.endpoint()).with("region", server.region());
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("dump");
    std::fs::write(&path, vec![7; 9 << 20]).expect("a file");
    let with = Values::new()
        .with("source", file_url(folder.path()))
        .with("target", "s3://marked/x/");
    let sync = action("objects.sync", &config, with);
    let call = surroundings.call();
    provider().perform(&sync, &call).await.expect("a sync");
    let mut file = File::options().write(true).open(&path).expect("a file");
    let modified = file.metadata().and_then(|data| data.modified());
    let modified = modified.expect("a time");
    // Another content behind the same time is not looked at, as between files; nothing but the mark says this.
    file.write_all(b"other").expect("a file");
    let times = FileTimes::new().set_modified(modified);
    file.set_times(times).expect("it can be set");
    let probe = provider().probe(&sync, &call).await;
    assert!(matches!(probe, Ok(Probe::Done(_))), "{probe:?}");
    // Behind another time the content decides.
    let later = modified + std::time::Duration::from_nanos(1_000);
    let times = FileTimes::new().set_modified(later);
    file.set_times(times).expect("it can be set");
    assert_eq!(provider().probe(&sync, &call).await, Ok(Probe::Absent));
    file.rewind().expect("it is a file");
    file.write_all(&[7; 5]).expect("a file");
    let times = FileTimes::new().set_modified(later);
    file.set_times(times).expect("it can be set");
    let probe = provider().probe(&sync, &call).await;
    assert!(matches!(probe, Ok(Probe::Done(_))), "{probe:?}");
}
