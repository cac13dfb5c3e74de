//! Versions of a bucket as of a time: on MinIO, and on versitygw, which tells other times.

mod support;

use std::time::Duration;

use aws_sdk_s3::types::BucketLifecycleConfiguration;
use aws_sdk_s3::types::ExpirationStatus;
use aws_sdk_s3::types::LifecycleRule;
use aws_sdk_s3::types::LifecycleRuleFilter;
use aws_sdk_s3::types::NoncurrentVersionExpiration;
use jiff::Timestamp;
use salvor_conformance::Surroundings;
use salvor_conformance::check_store;
use salvor_contract::Effect;
use salvor_contract::Error;
use salvor_contract::Judgement;
use salvor_contract::PointState;
use salvor_contract::Provider;
use salvor_contract::Reach;
use salvor_contract::Removal;
use salvor_contract::Values;
use salvor_objects::provider;
use salvor_testbed::Minio;
use salvor_testbed::Versitygw;
use salvor_testbed::require;

use crate::support::client;
use crate::support::config;
use crate::support::contents;
use crate::support::file_url;
use crate::support::fill;
use crate::support::keep_versions;
use crate::support::list;
use crate::support::open;
use crate::support::recorded;
use crate::support::restore;
use crate::support::store_at;
use crate::support::surroundings;

/// Where a server is and how it is signed for.
struct Server {
    endpoint: String,
    region: &'static str,
    access: &'static str,
    secret: &'static str,
}

fn texts(objects: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(key, text): &(&str, &str)| ((*key).to_owned(), (*text).to_owned());
    objects.iter().map(owned).collect()
}

/// A moment between what was written before and what is written next. Services tell times by the second.
async fn moment(surroundings: &Surroundings) -> Timestamp {
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let moment = surroundings.clock.now();
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    moment
}

/// The rule that old versions go after so many days.
fn kept_for(days: i32) -> BucketLifecycleConfiguration {
    let expiration = NoncurrentVersionExpiration::builder()
        .noncurrent_days(days)
        .build();
    let rule = LifecycleRule::builder()
        .id("old-versions")
        .status(ExpirationStatus::Enabled)
        .filter(LifecycleRuleFilter::builder().prefix("").build())
        .noncurrent_version_expiration(expiration)
        .build()
        .expect("a whole rule");
    BucketLifecycleConfiguration::builder()
        .rules(rule)
        .build()
        .expect("a whole configuration")
}

async fn objects_come_back_as_they_were(server: &Server) {
    let surroundings = surroundings(server.access, server.secret);
    let config = config(&server.endpoint).with("region", server.region);
    let client = client(
        &server.endpoint,
        server.region,
        server.access,
        server.secret,
    );
    for bucket in ["as-of", "as-of-other"] {
        let made = client.create_bucket().bucket(bucket).send().await;
        made.expect("a new bucket");
    }
    let store = store_at(
        "objects.versions",
        &config,
        Values::new().with("url", "s3://as-of/ml/"),
    );
    let provider = provider();
    let call = surroundings.call();
    let refused = provider.survey(&store, &call).await;
    assert!(
        matches!(refused, Err(Error::Refused { .. })),
        "no versions: {refused:?}"
    );
    keep_versions(&client, "as-of").await;
    keep_versions(&client, "as-of-other").await;

    let place = open("s3://as-of/ml/", &config, &surroundings).await;
    fill(
        &place,
        texts(&[("a", "one"), ("b", "one"), ("c", "one"), ("x/y", "one")]),
    )
    .await;
    let first = moment(&surroundings).await;
    fill(&place, texts(&[("a", "two"), ("d", "new")])).await;
    place.delete("b").await.expect("it is hidden");
    let second = moment(&surroundings).await;
    fill(&place, texts(&[("a", "three"), ("b", "back")])).await;
    place.delete("c").await.expect("it is hidden");
    place.delete("x/y").await.expect("it is hidden");

    let seen = provider.survey(&store, &call).await.expect("a survey");
    let points = provider.recovery_points(&store, &seen).expect("its points");
    assert_eq!(points.len(), 1);
    assert_eq!(points[0].state, PointState::Usable);
    let Reach::Window { from, to } = points[0].reach else {
        panic!("versions are a window");
    };
    assert!(from < first && second < to, "{from} {first} {second} {to}");

    assert_eq!(
        points[0].details.get("kept-days"),
        Some(&serde_json::Value::Null)
    );
    client
        .put_bucket_lifecycle_configuration()
        .bucket("as-of")
        .lifecycle_configuration(kept_for(60))
        .send()
        .await
        .expect("a rule");
    let seen = provider.survey(&store, &call).await.expect("a survey");
    let points = provider.recovery_points(&store, &seen).expect("its points");
    assert_eq!(
        points[0].details.get("kept-days"),
        Some(&serde_json::json!(60))
    );

    let as_first = texts(&[("a", "one"), ("b", "one"), ("c", "one"), ("x/y", "one")]);
    let as_second = texts(&[("a", "two"), ("c", "one"), ("d", "new"), ("x/y", "one")]);
    let folder = tempfile::tempdir().expect("a folder");
    // To another bucket, to files, and in place: forwards and backwards.
    for (number, (target, at, expected)) in [
        ("s3://as-of-other/x/".to_owned(), first, &as_first),
        (file_url(&folder.path().join("to")), first, &as_first),
        ("s3://as-of/ml/".to_owned(), first, &as_first),
        ("s3://as-of/ml/".to_owned(), second, &as_second),
        ("s3://as-of-other/x/".to_owned(), second, &as_second),
    ]
    .into_iter()
    .enumerate()
    {
        let with = Values::new()
            .with("target", target.as_str())
            .with("delete", true);
        let operation = restore(&config, &store, &points[0], at, with);
        let preview = provider
            .preview(&operation, &call)
            .await
            .expect("a preview");
        assert!(
            preview.destroys.is_empty(),
            "old versions stay: {preview:?}"
        );
        if number == 2 {
            // a is overwritten, b too, c and x/y come back, d goes.
            assert_eq!(
                preview.summary,
                "s3://as-of/ml/: 4 objects to write (12 B), 0 unchanged, 1 to delete; the bucket keeps \
                 the old versions"
            );
            assert_eq!(preview.effect, Effect::Change);
        }
        let outcome = provider
            .perform(&operation, &call)
            .await
            .expect("a restore");
        let place = open(&target, &config, &surroundings).await;
        assert_eq!(contents(&place).await, *expected, "restore {number}");
        let findings = provider.observe(&operation, &outcome, &call).await;
        let findings = findings.expect("an observation");
        assert_eq!(findings[0].judgement, Judgement::Passed, "{findings:?}");
        let preview = provider
            .preview(&operation, &call)
            .await
            .expect("a preview");
        assert_eq!(
            preview.effect,
            Effect::Nothing,
            "restore {number}: {preview:?}"
        );
    }
    // The run made the other bucket's folder, so it can take it away, with all its versions.
    let with = Values::new().with("target", "s3://as-of-other/x/");
    let operation = restore(&config, &store, &points[0], first, with);
    let operation = recorded(&operation, &surroundings);
    let gone = provider.remove(&operation, &call).await.expect("an answer");
    assert!(matches!(gone, Removal::Removed(_)), "{gone:?}");
    let other = open("s3://as-of-other/", &config, &surroundings).await;
    assert!(list(&other).await.is_empty());
    let versions = client
        .list_object_versions()
        .bucket("as-of-other")
        .send()
        .await;
    let versions = versions.expect("a listing");
    assert!(versions.versions().is_empty(), "{:?}", versions.versions());
}

#[tokio::test]
async fn times_that_a_server_makes_up_are_not_taken_for_usable() {
    let Some(server) = require(Versitygw::start()) else {
        return;
    };
    let (access, secret) = (server.access_key(), server.secret_key());
    let surroundings = surroundings(access, secret);
    let config = config(&server.endpoint()).with("region", server.region());
    let client = client(&server.endpoint(), server.region(), access, secret);
    server.create_bucket("made-up").expect("a new bucket");
    keep_versions(&client, "made-up").await;
    let place = open("s3://made-up/", &config, &surroundings).await;
    fill(&place, texts(&[("a", "one")])).await;
    moment(&surroundings).await;
    fill(&place, texts(&[("a", "two")])).await;
    let with = Values::new().with("url", "s3://made-up/");
    let store = store_at("objects.versions", &config, with);
    let provider = provider();
    let call = surroundings.call();
    let seen = provider.survey(&store, &call).await.expect("a survey");
    let points = provider.recovery_points(&store, &seen).expect("its points");
    assert!(
        matches!(points[0].state, PointState::Unknown(_)),
        "{points:?}"
    );
}

#[tokio::test]
async fn objects_come_back_as_they_were_on_minio() {
    let Some(server) = require(Minio::start()) else {
        return;
    };
    objects_come_back_as_they_were(&Server {
        endpoint: server.endpoint(),
        region: server.region(),
        access: server.access_key(),
        secret: server.secret_key(),
    })
    .await;
}

#[tokio::test]
async fn files_have_no_versions() {
    let surroundings = surroundings("a", "b");
    let store = store_at(
        "objects.versions",
        &Values::new(),
        Values::new().with("url", "file:///tmp/"),
    );
    let refused = provider().survey(&store, &surroundings.call()).await;
    assert!(matches!(refused, Err(Error::Refused { .. })), "{refused:?}");
    let checked = check_store(&provider(), &surroundings, &store).await;
    assert!(checked.is_err());
}
