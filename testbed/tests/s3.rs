//! The S3 servers start, answer, are shared, and take buckets.

use std::io::Read as _;
use std::io::Write as _;
use std::net::TcpStream;
use std::sync::Arc;

use anyhow::Context as _;
use anyhow::Result;
use salvor_testbed::Minio;
use salvor_testbed::Versitygw;
use salvor_testbed::require;

/// Returns the status of a GET without a signature.
fn status_of(endpoint: &str, path: &str) -> Result<String> {
    let address = endpoint
        .strip_prefix("http://")
        .context("the endpoint is plain HTTP")?;
    let mut stream = TcpStream::connect(address)?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer
        .split_whitespace()
        .nth(1)
        .context("the answer has a status")?
        .to_owned())
}

#[test]
fn versitygw_answers_and_has_the_bucket_that_was_made() -> Result<()> {
    let Some(server) = require(Versitygw::start()) else {
        return Ok(());
    };
    server.create_bucket("one-bucket")?;
    assert_eq!(status_of(&server.endpoint(), "/health")?, "200");
    // Without a signature a bucket that exists is denied and one that does not is not found.
    assert_eq!(status_of(&server.endpoint(), "/one-bucket")?, "403");
    assert_eq!(status_of(&server.endpoint(), "/no-bucket")?, "404");
    assert!(server.create_bucket("../elsewhere").is_err());
    Ok(())
}

#[test]
fn a_server_outlives_the_thread_that_asked_for_it() -> Result<()> {
    let asked = std::thread::spawn(Versitygw::start)
        .join()
        .expect("the thread does not panic");
    let Some(server) = require(asked) else {
        return Ok(());
    };
    assert_eq!(status_of(&server.endpoint(), "/health")?, "200");
    Ok(())
}

#[test]
fn a_shared_versitygw_is_one_as_long_as_it_is_held() -> Result<()> {
    let Some(first) = require(Versitygw::shared()) else {
        return Ok(());
    };
    let folder = first.directory().to_owned();
    let second = Versitygw::shared()?;
    assert!(Arc::ptr_eq(&first, &second));
    drop(first);
    assert_eq!(status_of(&second.endpoint(), "/health")?, "200");
    drop(second);
    assert!(!folder.exists());
    Ok(())
}

#[test]
fn minio_answers_until_it_is_killed() -> Result<()> {
    let Some(mut server) = require(Minio::start()) else {
        return Ok(());
    };
    assert_eq!(status_of(&server.endpoint(), "/minio/health/live")?, "200");
    server.kill()?;
    assert!(status_of(&server.endpoint(), "/minio/health/live").is_err());
    Ok(())
}
