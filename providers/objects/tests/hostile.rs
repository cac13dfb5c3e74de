//! The provider against a server that answers whatever it likes.

mod support;

use salvor_contract::Error;
use salvor_contract::Provider;
use salvor_contract::Values;
use salvor_objects::provider;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use crate::support::action;
use crate::support::config;
use crate::support::file_url;
use crate::support::surroundings;

/// Answers every request with this listing.
async fn serve(listing: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 16 * 1024];
            let _read = stream.read(&mut request).await;
            let answer = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/xml\r\ncontent-length: {}\r\nconnection: \
                 close\r\n\r\n{listing}",
                listing.len()
            );
            let _written = stream.write_all(answer.as_bytes()).await;
        }
    });
    format!("http://{address}")
}

fn listing(keys: &[&str], next: Option<&str>) -> String {
    let contents: String = keys
        .iter()
        .map(|key| {
            format!(
                "<Contents><Key>{key}</Key><LastModified>2026-04-05T00:00:00Z</LastModified>\
                 <ETag>&quot;900150983cd24fb0d6963f7d28e17f72&quot;</ETag><Size>3</Size></Contents>"
            )
        })
        .collect();
    let next = next.map_or("<IsTruncated>false</IsTruncated>".to_owned(), |token| {
        format!(
            "<IsTruncated>true</IsTruncated><NextContinuationToken>{token}</NextContinuationToken>"
        )
    });
    format!(
        "<?xml version=\"1.0\"?><ListBucketResult><Name>b</Name><EncodingType>url</EncodingType>{next}{contents}\
         </ListBucketResult>"
    )
}

/// Syncs from such a server to files, and gives the refusal.
async fn refused(listing: String) -> String {
    let surroundings = surroundings("a", "b");
    let config = config(&serve(listing).await);
    let folder = tempfile::tempdir().expect("a folder");
    let target = folder.path().join("to");
    let with = Values::new()
        .with("source", "s3://b/p/")
        .with("target", file_url(&target));
    let operation = action("objects.sync", &config, with);
    let result = provider().perform(&operation, &surroundings.call()).await;
    assert!(!target.exists(), "nothing is written");
    let left = std::fs::read_dir(folder.path())
        .expect("it is there")
        .count();
    assert_eq!(left, 0, "nothing is written beside it");
    match result {
        Err(Error::Refused { what, .. }) => what,
        other => panic!("it is refused: {other:?}"),
    }
}

#[tokio::test]
async fn keys_that_lead_out_of_the_target_are_refused() {
    for key in [
        "p/..%2Fevil",
        "p/%2E%2E/evil",
        "p/a/../../evil",
        "p//etc/passwd",
        "p/a%00b",
        "p/a%0Ab",
        "p/a%1B%5B2Jb",
        "p/a%5Cb",
        "p/C%3A%5Cx",
        "p/./a",
        "p/a//b",
        "p/%FF%FE",
    ] {
        let what = refused(listing(&[key], None)).await;
        assert!(what.contains("is refused"), "{key}: {what}");
        assert!(!what.chars().any(char::is_control), "{key}: {what:?}");
    }
}

#[tokio::test]
async fn a_listing_that_leaves_its_prefix_is_refused() {
    let what = refused(listing(&["q/a"], None)).await;
    assert!(what.contains("leaves its prefix"), "{what}");
}

#[tokio::test]
async fn a_listing_out_of_order_is_refused() {
    let what = refused(listing(&["p/b", "p/a"], None)).await;
    assert!(what.contains("order of its keys"), "{what}");
}

#[tokio::test]
async fn a_listing_without_an_end_is_refused() {
    // The second page is the first again.
    let what = refused(listing(&["p/a"], Some("again"))).await;
    assert!(what.contains("order of its keys"), "{what}");
    let what = refused(listing(&[], Some("again"))).await;
    assert!(what.contains("does not come to an end"), "{what}");
}
