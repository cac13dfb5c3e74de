//! The provider on buckets of a real S3 server.

mod support;

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_s3::Client;
use bytes::Bytes;
use futures::StreamExt;
use futures::TryStreamExt;
use futures::stream;
use salvor_conformance::Case;
use salvor_conformance::Report;
use salvor_conformance::Surroundings;
use salvor_conformance::check_action;
use salvor_conformance::check_store;
use salvor_contract::Effect;
use salvor_contract::Error;
use salvor_contract::Judgement;
use salvor_contract::KindName;
use salvor_contract::Operation;
use salvor_contract::Probe;
use salvor_contract::Provider;
use salvor_contract::Reach;
use salvor_contract::Removal;
use salvor_contract::Values;
use salvor_objects::Entry;
use salvor_objects::Place;
use salvor_objects::Put;
use salvor_objects::provider;
use salvor_testbed::Versitygw;
use salvor_testbed::require;

use crate::support::action;
use crate::support::client;
use crate::support::config;
use crate::support::contents;
use crate::support::file_url;
use crate::support::fill;
use crate::support::list;
use crate::support::numbered;
use crate::support::open;
use crate::support::recorded;
use crate::support::restore;
use crate::support::store_at;
use crate::support::surroundings;

/// A server with two buckets of this test's own.
struct Buckets {
    server: Arc<Versitygw>,
    surroundings: Surroundings,
    config: Values,
    source: Place,
    target: Place,
}

impl Buckets {
    async fn new(name: &str) -> Option<Self> {
        let server = require(Versitygw::shared())?;
        let surroundings = surroundings(server.access_key(), server.secret_key());
        let config = config(&server.endpoint()).with("region", server.region());
        for side in ["from", "to"] {
            server
                .create_bucket(&format!("{name}-{side}"))
                .expect("a new bucket");
        }
        let source = open(&format!("s3://{name}-from/data/"), &config, &surroundings).await;
        let target = open(&format!("s3://{name}-to/"), &config, &surroundings).await;
        Some(Self {
            server,
            surroundings,
            config,
            source,
            target,
        })
    }

    fn sync(&self) -> Values {
        Values::new()
            .with("source", self.source.url())
            .with("target", self.target.url())
    }

    fn client(&self) -> Client {
        let server = &self.server;
        client(
            &server.endpoint(),
            server.region(),
            server.access_key(),
            server.secret_key(),
        )
    }

    /// Removes all that is in the target.
    async fn empty_target(&self) {
        let keys = list(&self.target).await;
        stream::iter(keys)
            .for_each_concurrent(16, |entry| async move {
                let gone = self.target.delete(&entry.key).await;
                gone.expect("it can be deleted");
            })
            .await;
    }
}

#[tokio::test]
async fn a_sync_within_a_service_conforms() -> Result<(), Report> {
    let Some(buckets) = Buckets::new("conforms").await else {
        return Ok(());
    };
    fill(&buckets.source, numbered("a", 30)).await;
    let (one, two) = (provider(), provider());
    let case = Case::new(
        action("objects.sync", &buckets.config, buckets.sync()),
        async || u64::from(contents(&buckets.target).await.len() == 30),
        async || buckets.empty_target().await,
    );
    let case = case.resumed_by(&two).cut_at_most(12);
    check_action(&one, &buckets.surroundings, case).await
}

#[tokio::test]
async fn a_copy_within_a_service_conforms() -> Result<(), Report> {
    let Some(buckets) = Buckets::new("copies").await else {
        return Ok(());
    };
    fill(&buckets.source, numbered("a", 1)).await;
    let provider = provider();
    let with = Values::new()
        .with("source", format!("{}a/00000.txt", buckets.source.url()))
        .with("target", format!("{}b ä+%.txt", buckets.target.url()));
    let operation = action("objects.copy", &buckets.config, with);
    let case = Case::new(
        operation.clone(),
        async || list(&buckets.target).await.len() as u64,
        async || buckets.empty_target().await,
    );
    check_action(&provider, &buckets.surroundings, case.cut_at_most(6)).await?;
    let call = buckets.surroundings.call();
    provider.perform(&operation, &call).await.expect("a copy");
    let found = contents(&buckets.target).await;
    assert_eq!(found, [("b ä+%.txt".to_owned(), "a 0".to_owned())]);
    let gone = provider.remove(&operation, &call).await.expect("an answer");
    assert!(matches!(gone, Removal::Removed(_)), "{gone:?}");
    Ok(())
}

#[tokio::test]
#[expect(clippy::print_stdout, reason = "a measurement, shown with --nocapture")]
async fn two_thousand_small_objects_are_restored_and_verified() {
    let Some(buckets) = Buckets::new("small").await else {
        return;
    };
    let objects = numbered("2026-04-05/run", 2_000);
    fill(&buckets.source, objects.clone()).await;
    let store = store_at(
        "objects.dated",
        &buckets.config,
        Values::new().with("url", buckets.source.url()),
    );
    let provider = provider();
    check_store(&provider, &buckets.surroundings, &store)
        .await
        .expect("the survey conforms");
    let call = buckets.surroundings.call();
    let told = buckets.surroundings.progress.updates().len();
    let seen = provider.survey(&store, &call).await.expect("a survey");
    // Of each page something is heard: a listing of an hour is not taken for one that hangs.
    let told = buckets.surroundings.progress.updates().len() - told;
    assert!(told >= 2, "{told} words of two pages");
    let points = provider.recovery_points(&store, &seen).expect("its points");
    assert_eq!(points.len(), 1);
    assert_eq!(points[0].objects, Some(2_000));
    let at = points[0].reach.latest();
    let folder = tempfile::tempdir().expect("a folder");
    for target in [buckets.target.url(), file_url(&folder.path().join("to"))] {
        let with = Values::new().with("target", target.as_str());
        let operation = restore(&buckets.config, &store, &points[0], at, with);
        let preview = provider
            .preview(&operation, &call)
            .await
            .expect("a preview");
        assert_eq!(
            preview.summary,
            format!("{target}: 2,000 objects to write (36.9 kB), 0 unchanged, 0 to delete")
        );
        assert_eq!(preview.effect, Effect::Create);
        let begun = buckets.surroundings.clock.elapsed();
        let outcome = provider
            .perform(&operation, &call)
            .await
            .expect("a restore");
        let took = buckets.surroundings.clock.elapsed() - begun;
        println!("2,000 objects to {target} in {took:?}");
        let findings = provider
            .observe(&operation, &outcome, &call)
            .await
            .expect("an observation");
        assert_eq!(findings[0].judgement, Judgement::Passed, "{findings:?}");
        let place = open(&target, &buckets.config, &buckets.surroundings).await;
        let found = contents(&place).await;
        let expected: Vec<_> = objects
            .iter()
            .map(|(key, text)| (key.replace("2026-04-05/", ""), text.clone()))
            .collect();
        assert_eq!(found, expected);
        let probe = provider.probe(&operation, &call).await;
        assert!(matches!(probe, Ok(Probe::Done(_))), "{probe:?}");
        // Without the record nobody knows that it was empty.
        let left = provider.remove(&operation, &call).await.expect("an answer");
        assert!(matches!(left, Removal::NotOurs(_)), "{left:?}");
        let recorded = recorded(&operation, &buckets.surroundings);
        let gone = provider.remove(&recorded, &call).await.expect("an answer");
        assert!(matches!(gone, Removal::Removed(_)), "{gone:?}");
    }
    assert!(list(&buckets.target).await.is_empty());
    assert!(!folder.path().join("to").exists());
}

#[tokio::test]
async fn a_resumed_sync_writes_only_what_is_missing() {
    let Some(buckets) = Buckets::new("resumed").await else {
        return;
    };
    fill(&buckets.source, numbered("a", 300)).await;
    let operation = action("objects.sync", &buckets.config, buckets.sync());
    let call = buckets.surroundings.call();
    // Dropped when a third of them was told to be done.
    let progress = &buckets.surroundings.progress;
    let told = async {
        while progress.updates().len() < 100 {
            tokio::task::yield_now().await;
        }
    };
    let first = provider();
    tokio::select! {
        done = first.perform(&operation, &call) => panic!("it was done before: {done:?}"),
        () = told => {}
    }
    drop(first);
    // What the server still does with the last requests is not the provider's any more.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let before = list(&buckets.target).await;
    assert!(
        (100..290).contains(&before.len()),
        "{} were written",
        before.len()
    );
    let provider = provider();
    let probe = provider.probe(&operation, &call).await;
    assert_eq!(probe, Ok(Probe::Absent));
    provider.perform(&operation, &call).await.expect("the rest");
    let after = list(&buckets.target).await;
    // The claim went when the target was whole.
    let is_claim = |entry: &Entry| entry.key == ".salvor-claim.json";
    assert!(before.iter().any(is_claim) && !after.iter().any(is_claim));
    for entry in before.iter().filter(|entry| !is_claim(entry)) {
        assert!(after.contains(entry), "{} was written again", entry.key);
    }
    assert_eq!(contents(&buckets.target).await, numbered("a", 300));
    let probe = provider.probe(&operation, &call).await;
    assert!(matches!(probe, Ok(Probe::Done(_))), "{probe:?}");
}

#[tokio::test]
async fn a_server_that_dies_leaves_the_outcome_unknown() {
    let Some(server) = require(Versitygw::start()) else {
        return;
    };
    let surroundings = surroundings(server.access_key(), server.secret_key());
    let config = config(&server.endpoint()).with("region", server.region());
    for bucket in ["dies-from", "dies-to"] {
        server.create_bucket(bucket).expect("a new bucket");
    }
    let source = open("s3://dies-from/", &config, &surroundings).await;
    fill(&source, numbered("a", 300)).await;
    let with = Values::new()
        .with("source", "s3://dies-from/")
        .with("target", "s3://dies-to/");
    let operation = action("objects.sync", &config, with);
    let call = surroundings.call();
    let mut server = Some(server);
    let death = async {
        while surroundings.progress.updates().len() < 100 {
            tokio::task::yield_now().await;
        }
        drop(server.take());
    };
    let provider = provider();
    let perform = tokio::time::timeout(
        Duration::from_secs(120),
        provider.perform(&operation, &call),
    );
    let (result, ()) = tokio::join!(perform, death);
    let result = result.expect("retries are bounded");
    // Some objects are written, so it must not say that nothing was changed.
    assert!(matches!(result, Err(Error::Unknown { .. })), "{result:?}");
    let probe = provider.probe(&operation, &call).await;
    assert!(
        matches!(probe, Err(Error::Transient { .. })),
        "not absent: {probe:?}"
    );
}

#[tokio::test]
async fn large_objects_go_in_parts_both_ways() {
    let Some(buckets) = Buckets::new("large").await else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let bytes: Vec<u8> = (0..20_000_003_u32).map(|n| (n / 7 % 251) as u8).collect();
    std::fs::write(folder.path().join("dump"), &bytes).expect("a file");
    let provider = provider();
    let call = buckets.surroundings.call();
    let up = action(
        "objects.sync",
        &buckets.config,
        Values::new()
            .with("source", file_url(folder.path()))
            .with("target", buckets.source.url()),
    );
    // An upload that somebody left behind is ended.
    let client = buckets.client();
    let bucket = "large-from";
    client
        .create_multipart_upload()
        .bucket(bucket)
        .key("data/dump")
        .send()
        .await
        .expect("an upload");
    provider.perform(&up, &call).await.expect("it goes up");
    let left = client.list_multipart_uploads().bucket(bucket).send().await;
    let left = left.expect("a list of uploads");
    assert!(left.uploads().is_empty(), "{:?}", left.uploads());
    let entries = list(&buckets.source).await;
    let dump = entries
        .iter()
        .find(|entry| entry.key == "dump")
        .expect("it is there");
    assert!(
        dump.etag.as_deref().is_some_and(|tag| tag.ends_with("-3")),
        "{dump:?}"
    );
    // Its tag is computed from the file, so it is not sent again.
    let probe = provider.probe(&up, &call).await;
    assert!(matches!(probe, Ok(Probe::Done(_))), "{probe:?}");
    // Within the service and down again.
    let across = action("objects.sync", &buckets.config, buckets.sync());
    provider
        .perform(&across, &call)
        .await
        .expect("it goes across");
    let probe = provider.probe(&across, &call).await;
    assert!(matches!(probe, Ok(Probe::Done(_))), "{probe:?}");
    let down = action(
        "objects.sync",
        &buckets.config,
        Values::new()
            .with("source", buckets.target.url())
            .with("target", file_url(&folder.path().join("down"))),
    );
    provider.perform(&down, &call).await.expect("it comes down");
    let found = std::fs::read(folder.path().join("down/dump")).expect("it is there");
    assert!(found == bytes, "the bytes are the same");
    let probe = provider.probe(&down, &call).await;
    assert!(matches!(probe, Ok(Probe::Done(_))), "{probe:?}");
    let updates = buckets.surroundings.progress.updates();
    assert!(
        updates.iter().any(|update| update.done == 20_000_003),
        "{updates:?}"
    );
}

#[tokio::test]
async fn a_stream_of_unknown_length_is_written_with_bounded_memory() {
    let Some(buckets) = Buckets::new("streams").await else {
        return;
    };
    let chunk = Bytes::from(vec![7; 1 << 20]);
    let body = stream::repeat_with(move || Ok(chunk.clone()))
        .take(40)
        .boxed();
    let size = buckets.target.put("wal", body, &Put::default()).await;
    assert_eq!(size, Ok(40 << 20));
    let head = buckets.target.head("wal").await.expect("an answer");
    assert_eq!(head.map(|entry| entry.size), Some(40 << 20));
    let content = buckets.target.get("wal").await.expect("it is there");
    let sum: usize = content
        .body
        .map_ok(|chunk| chunk.len())
        .try_fold(0, |sum, length| std::future::ready(Ok(sum + length)))
        .await
        .expect("its checksum is good");
    assert_eq!(sum, 40 << 20);
    // A stream that fails leaves no object and no upload.
    let chunk = Bytes::from(vec![7; 1 << 20]);
    let good = stream::repeat_with(move || Ok(chunk.clone())).take(12);
    let broken = good
        .chain(stream::iter([Err(Error::transient("the pipe broke"))]))
        .boxed();
    let failed = buckets.target.put("broken", broken, &Put::default()).await;
    assert_eq!(failed, Err(Error::transient("the pipe broke")));
    assert_eq!(buckets.target.head("broken").await, Ok(None));
    let once = Put {
        if_absent: true,
        ..Put::default()
    };
    let twice = buckets
        .target
        .write("wal", Bytes::from_static(b"x"), &once)
        .await;
    assert!(matches!(twice, Err(Error::Refused { .. })), "{twice:?}");
}

#[tokio::test]
async fn a_damaged_object_is_found_and_not_restored() {
    let Some(buckets) = Buckets::new("damaged").await else {
        return;
    };
    fill(&buckets.source, numbered("2026-04-05", 3)).await;
    let with = Values::new().with("url", buckets.source.url());
    let store = store_at("objects.dated", &buckets.config, with);
    let provider = provider();
    let call = buckets.surroundings.call();
    let seen = provider.survey(&store, &call).await.expect("a survey");
    let points = provider.recovery_points(&store, &seen).expect("its points");
    let at = points[0].reach.latest();
    let verify = Operation {
        action: KindName::from("objects.verify"),
        ..restore(
            &buckets.config,
            &store,
            &points[0],
            at,
            Values::new().with("read", true),
        )
    };
    let whole = provider
        .perform(&verify, &call)
        .await
        .expect("a verification");
    assert!(
        whole
            .findings
            .iter()
            .all(|f| f.judgement == Judgement::Passed),
        "{whole:?}"
    );
    // One byte of the server's own file: its listing stays as it was.
    let file = buckets
        .server
        .data_dir()
        .join("damaged-from/data/2026-04-05/00001.txt");
    let mut bytes = std::fs::read(&file).expect("it is there");
    bytes[0] ^= 1;
    let mut opened = std::fs::OpenOptions::new()
        .write(true)
        .open(&file)
        .expect("it is there");
    opened.write_all(&bytes).expect("it can be written");
    let seen = provider
        .perform(&verify, &call)
        .await
        .expect("a verification");
    let wrong: Vec<_> = seen
        .findings
        .iter()
        .filter(|f| f.judgement == Judgement::Failed)
        .collect();
    assert!(
        wrong
            .iter()
            .any(|finding| finding.observed.contains("damaged")),
        "{seen:?}"
    );
    let folder = tempfile::tempdir().expect("a folder");
    let with = Values::new().with("target", file_url(&folder.path().join("to")));
    let operation = restore(&buckets.config, &store, &points[0], at, with);
    let failed = provider
        .perform(&operation, &call)
        .await
        .expect_err("it is damaged");
    assert!(failed.to_string().contains("damaged"), "{failed}");
    assert!(!folder.path().join("to/00001.txt").exists());
}

#[tokio::test]
async fn a_listing_has_all_pages_in_key_order() {
    let Some(buckets) = Buckets::new("paged").await else {
        return;
    };
    let mut objects = numbered("a", 1_100);
    objects.push(("a.txt".to_owned(), "before the slash".to_owned()));
    objects.push(("a-b".to_owned(), "before the dot".to_owned()));
    objects.push(("b c+d%e/ä".to_owned(), "encoded".to_owned()));
    fill(&buckets.source, objects.clone()).await;
    objects.sort();
    assert_eq!(contents(&buckets.source).await, objects);
    let under: Vec<_> = buckets
        .source
        .list("a/0000")
        .map_ok(|entry| entry.key)
        .try_collect()
        .await
        .expect("it can be listed");
    assert_eq!(under.len(), 10);
}

#[tokio::test]
async fn keys_that_are_no_names_are_refused_on_their_way_to_files() {
    let Some(buckets) = Buckets::new("hostile").await else {
        return;
    };
    fill(&buckets.source, numbered("a", 2)).await;
    let folder = tempfile::tempdir().expect("a folder");
    let target = folder.path().join("to");
    for key in ["back\\slash", "C:/x", ".salvor-part-1"] {
        let object = buckets.client().put_object().bucket("hostile-from");
        let object = object.key(format!("data/{key}")).send().await;
        object.expect("the server takes it");
        let with = Values::new()
            .with("source", buckets.source.url())
            .with("target", file_url(&target));
        let operation = action("objects.sync", &buckets.config, with);
        let call = buckets.surroundings.call();
        let refused = provider().perform(&operation, &call).await;
        assert!(
            matches!(refused, Err(Error::Refused { .. })),
            "{key}: {refused:?}"
        );
        assert!(!target.exists(), "{key}: nothing is written");
        let delete = buckets.client().delete_object().bucket("hostile-from");
        let delete = delete.key(format!("data/{key}")).send().await;
        delete.expect("it goes");
    }
}

#[tokio::test]
async fn wrong_credentials_and_buckets_are_refused_with_a_hint() {
    let Some(buckets) = Buckets::new("wrong").await else {
        return;
    };
    fill(&buckets.source, numbered("a", 1)).await;
    let config = config(&buckets.server.endpoint()).with("region", buckets.server.region());
    let operation = action("objects.sync", &config, buckets.sync());
    for (access, secret) in [("nobody", "x"), (buckets.server.access_key(), "wrong")] {
        let other = surroundings(access, secret);
        let refused = provider().perform(&operation, &other.call()).await;
        let Err(Error::Refused { what, hint }) = refused else {
            panic!("{access}: {refused:?}");
        };
        assert!(hint.is_some(), "{what}");
        assert!(
            !what.contains("wrong-from/data/?"),
            "no raw request: {what}"
        );
    }
    let with = buckets.sync().with("source", "s3://no-such-bucket/");
    let operation = action("objects.sync", &config, with);
    let refused = provider()
        .perform(&operation, &buckets.surroundings.call())
        .await;
    let Err(Error::Refused { what, .. }) = refused else {
        panic!("{refused:?}");
    };
    assert!(what.contains("NoSuchBucket"), "{what}");
}

#[tokio::test]
async fn an_endpoint_that_nobody_serves_is_transient_in_bounded_time() {
    let surroundings = surroundings("a", "b");
    // Port 9 of this machine: nobody listens.
    let config = config("http://127.0.0.1:9");
    let with = Values::new()
        .with("source", "s3://a/")
        .with("target", "s3://b/");
    let operation = action("objects.sync", &config, with);
    let call = surroundings.call();
    let provider = provider();
    let failed = provider.perform(&operation, &call);
    let failed = tokio::time::timeout(Duration::from_secs(30), failed)
        .await
        .expect("retries are bounded");
    assert!(matches!(failed, Err(Error::Transient { .. })), "{failed:?}");
}

#[tokio::test]
async fn a_plain_prefix_is_one_point_of_its_newest_object() {
    let Some(buckets) = Buckets::new("plain").await else {
        return;
    };
    fill(&buckets.source, numbered("a", 3)).await;
    let store = store_at(
        "objects.prefix",
        &buckets.config,
        Values::new().with("url", buckets.source.url()),
    );
    let provider = provider();
    check_store(&provider, &buckets.surroundings, &store)
        .await
        .expect("the survey conforms");
    let call = buckets.surroundings.call();
    let seen = provider.survey(&store, &call).await.expect("a survey");
    let points = provider.recovery_points(&store, &seen).expect("its points");
    let newest = list(&buckets.source)
        .await
        .iter()
        .map(|entry| entry.modified)
        .max();
    assert_eq!(Some(points[0].reach.latest()), newest);
    assert!(matches!(points[0].reach, Reach::Moment(_)));
}
