//! A real S3 server, a call to lend to the provider, and short ways to fill a place with objects.

#![expect(dead_code, reason = "each test file uses a part of it")]

use std::path::Path;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::BehaviorVersion;
use aws_sdk_s3::config::Credentials;
use aws_sdk_s3::config::Region;
use aws_sdk_s3::types::BucketVersioningStatus;
use aws_sdk_s3::types::VersioningConfiguration;
use bytes::Bytes;
use futures::StreamExt;
use futures::TryStreamExt;
use futures::stream;
use jiff::Timestamp;
use salvor_conformance::Surroundings;
use salvor_conformance::operation;
use salvor_conformance::store;
use salvor_contract::ChosenPoint;
use salvor_contract::Operation;
use salvor_contract::RecoveryPoint;
use salvor_contract::StoreRequest;
use salvor_contract::Values;
use salvor_objects::Config;
use salvor_objects::Entry;
use salvor_objects::Place;
use salvor_objects::Put;
use serde_json::json;

/// The surroundings of a test that talks to a server with these keys.
pub fn surroundings(access: &str, secret: &str) -> Surroundings {
    Surroundings::real_time()
        .secret("env:ACCESS", access)
        .secret("env:SECRET", secret)
}

/// The configuration for a server.
pub fn config(endpoint: &str) -> Values {
    Values::new()
        .with("endpoint", endpoint)
        .with("access-key", json!({"secret": [{"from": "env:ACCESS"}]}))
        .with("secret-key", json!({"secret": [{"from": "env:SECRET"}]}))
}

/// An operation of this action with these inputs.
pub fn action(name: &str, config: &Values, with: Values) -> Operation {
    Operation {
        config: config.clone(),
        ..operation(name, with)
    }
}

/// A store of this kind at this address.
pub fn store_at(kind: &str, config: &Values, with: Values) -> StoreRequest {
    StoreRequest {
        config: config.clone(),
        ..store(kind, with)
    }
}

/// A restore of a point.
pub fn restore(
    config: &Values,
    store: &StoreRequest,
    point: &RecoveryPoint,
    at: Timestamp,
    with: Values,
) -> Operation {
    Operation {
        store: Some(store.clone()),
        point: Some(ChosenPoint {
            point: point.clone(),
            at,
        }),
        ..action("objects.restore", config, with)
    }
}

/// Opens a place.
pub async fn open(url: &str, config: &Values, surroundings: &Surroundings) -> Place {
    let config: Config = config.parse().expect("a good configuration");
    Place::open(url, &config, &surroundings.call())
        .await
        .expect("a good address")
}

/// Writes objects, several at once.
pub async fn fill(place: &Place, objects: impl IntoIterator<Item = (String, String)>) {
    let objects: Vec<(String, String)> = objects.into_iter().collect();
    stream::iter(objects)
        .for_each_concurrent(16, |(key, text)| async move {
            place
                .write(&key, Bytes::from(text), &Put::default())
                .await
                .expect("a good key");
        })
        .await;
}

/// All objects of a place.
pub async fn list(place: &Place) -> Vec<Entry> {
    place
        .list("")
        .try_collect()
        .await
        .expect("it can be listed")
}

/// Keys and contents of a place.
pub async fn contents(place: &Place) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in list(place).await {
        let bytes = place.read(&entry.key, 1 << 20).await.expect("it is there");
        found.push((entry.key, String::from_utf8(bytes).expect("it is text")));
    }
    found
}

/// `name/000.txt` and so on, each with its own text.
pub fn numbered(name: &str, count: usize) -> Vec<(String, String)> {
    (0..count)
        .map(|number| {
            (
                format!("{name}/{number:05}.txt"),
                format!("{name} {number}"),
            )
        })
        .collect()
}

/// The operation as the engine hands it over later: with the name that was recorded for it.
pub fn recorded(operation: &Operation, surroundings: &Surroundings) -> Operation {
    let target = operation.with.text("target").expect("a target").to_owned();
    let names = surroundings.progress.names().into_iter().rev();
    Operation {
        service_name: names.into_iter().find(|name| name.starts_with(&target)),
        ..operation.clone()
    }
}

/// The server's own client, for what the provider does not do.
pub fn client(endpoint: &str, region: &str, access: &str, secret: &str) -> Client {
    let config = aws_sdk_s3::config::Builder::new()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .endpoint_url(endpoint)
        .region(Region::new(region.to_owned()))
        .force_path_style(true)
        .credentials_provider(Credentials::new(access, secret, None, None, "test"))
        .build();
    Client::from_conf(config)
}

/// Switches versioning on.
pub async fn keep_versions(client: &Client, bucket: &str) {
    let enabled = VersioningConfiguration::builder()
        .status(BucketVersioningStatus::Enabled)
        .build();
    client
        .put_bucket_versioning()
        .bucket(bucket)
        .versioning_configuration(enabled)
        .send()
        .await
        .expect("the server keeps versions");
}

/// A folder as an address.
pub fn file_url(path: &Path) -> String {
    format!("file://{}/", path.display())
}
