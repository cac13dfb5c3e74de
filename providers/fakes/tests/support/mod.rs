//! A world with everything in it, and a client without retries and without a model: what it sends is what is sent.

#![expect(dead_code, reason = "each test uses some of it")]

use std::collections::BTreeMap;
use std::io::Read as _;
use std::io::Write as _;
use std::net::TcpStream;
use std::path::PathBuf;

use anyhow::Context as _;
use anyhow::Result;
use salvor_fakes::Aws;
use salvor_fakes::Course;
use salvor_fakes::Phase;
use salvor_fakes::rds::Cluster;
use salvor_fakes::rds::ClusterSnapshot;
use salvor_fakes::rds::Instance;
use salvor_fakes::rds::Snapshot;

/// Sends a request on a connection of its own and returns the status and the text of the answer.
///
/// # Errors
/// The connection ends before the answer is whole.
pub fn send(endpoint: &str, head: &str, body: &str) -> Result<(u16, String)> {
    let address = endpoint
        .strip_prefix("http://")
        .context("the endpoint is plain HTTP")?;
    let mut stream = TcpStream::connect(address)?;
    write!(
        stream,
        "{head}\r\nHost: {address}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").context("no answer")?;
    let status = head.split(' ').nth(1).context("the answer has a status")?;
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("Content-Length: "))
        .context("the answer has a length")?;
    anyhow::ensure!(body.len() == length.parse::<usize>()?, "the body is cut");
    Ok((status.parse()?, body.to_owned()))
}

/// Calls an action of RDS with these parameters.
///
/// # Errors
/// As [`send`].
pub fn rds(endpoint: &str, action: &str, parameters: &[(&str, &str)]) -> Result<(u16, String)> {
    let mut form = format!("Action={action}&Version=2014-10-31");
    for (key, value) in parameters {
        form.push_str(&format!("&{key}={}", value.replace(':', "%3A")));
    }
    let head = "POST / HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded";
    send(endpoint, head, &form)
}

/// Returns the text of the first element of this name.
pub fn value<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    Some(rest.split_once("</")?.0)
}

/// Returns the path of a Python program beside the tests.
pub fn program(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests")
        .join(name)
}

/// A world in which every member of every shape that the fake sends has a value.
pub fn full_world() -> Result<Aws> {
    let aws = Aws::start()?;
    aws.rds(|rds| {
        let tags = BTreeMap::from([("team".to_owned(), "a & <b>".to_owned())]);
        let instance = Instance {
            iops: Some(3000),
            kms_key: Some("arn:aws:kms:us-east-1:123456789012:key/k".to_owned()),
            database: Some("app".to_owned()),
            tags: tags.clone(),
            course: Course::of([Phase::of("available").percent(100)]),
            ..Instance::new("prod")
        };
        let mut snapshot = Snapshot::new("rds:prod-1", &instance, rds.now);
        snapshot.copied_from = Some("arn:aws:rds:eu-west-1:123456789012:snapshot:s".to_owned());
        snapshot.source_region = Some("eu-west-1".to_owned());
        snapshot.tags.clone_from(&tags);
        rds.add_snapshot(snapshot);
        rds.retained
            .insert("db-OLD".to_owned(), Instance::new("old"));
        rds.add_instance(instance);
        let cluster = Cluster {
            kms_key: Some("arn:aws:kms:us-east-1:123456789012:key/k".to_owned()),
            database: Some("app".to_owned()),
            tags: tags.clone(),
            ..Cluster::new("aurora")
        };
        let mut snapshot = ClusterSnapshot::new("rds:aurora-1", &cluster, rds.now);
        snapshot.copied_from = Some("arn:aws:rds:eu-west-1:1:cluster-snapshot:s".to_owned());
        rds.add_cluster_snapshot(snapshot);
        rds.add_cluster(cluster);
        rds.courses.modified = Course::at("available");
        rds.courses.snapshot = Course::at("available");
    });
    Ok(aws)
}
