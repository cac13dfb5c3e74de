//! The provider on folders of the local file system.

mod support;

use std::os::unix::fs::symlink;
use std::time::Duration;

use bytes::Bytes;
use salvor_conformance::Case;
use salvor_conformance::Report;
use salvor_conformance::Surroundings;
use salvor_conformance::check_action;
use salvor_conformance::check_description;
use salvor_conformance::check_store;
use salvor_contract::Effect;
use salvor_contract::Error;
use salvor_contract::Judgement;
use salvor_contract::KindName;
use salvor_contract::Operation;
use salvor_contract::PointState;
use salvor_contract::Provider;
use salvor_contract::Reach;
use salvor_contract::Removal;
use salvor_contract::Values;
use salvor_objects::Place;
use salvor_objects::Put;
use salvor_objects::provider;
use tempfile::TempDir;

use crate::support::action;
use crate::support::contents;
use crate::support::file_url;
use crate::support::fill;
use crate::support::list;
use crate::support::numbered;
use crate::support::open;
use crate::support::restore;
use crate::support::store_at;

/// Two folders beside each other, the second not made yet.
struct Folders {
    folder: TempDir,
    surroundings: Surroundings,
    source: Place,
    target: Place,
}

impl Folders {
    async fn new() -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let surroundings = Surroundings::real_time();
        let none = Values::new();
        let source = open(&file_url(&folder.path().join("from")), &none, &surroundings).await;
        let target = open(&file_url(&folder.path().join("to")), &none, &surroundings).await;
        Self {
            folder,
            surroundings,
            source,
            target,
        }
    }

    fn sync(&self) -> Values {
        Values::new()
            .with("source", self.source.url())
            .with("target", self.target.url())
    }
}

#[test]
fn the_description_conforms() -> Result<(), Report> {
    check_description(&provider())
}

#[tokio::test]
async fn a_sync_conforms() -> Result<(), Report> {
    let folders = Folders::new().await;
    fill(&folders.source, numbered("a", 40)).await;
    let to = folders.folder.path().join("to");
    let (one, two) = (provider(), provider());
    let case = Case::new(
        action("objects.sync", &Values::new(), folders.sync()),
        async || {
            let whole = to.exists() && contents(&folders.target).await.len() == 40;
            u64::from(whole)
        },
        async || {
            if to.exists() {
                std::fs::remove_dir_all(&to).expect("it can be removed");
            }
        },
    );
    check_action(&one, &folders.surroundings, case.resumed_by(&two)).await
}

#[tokio::test]
async fn a_restore_and_its_verification_conform() -> Result<(), Report> {
    let folders = Folders::new().await;
    fill(&folders.source, numbered("2026-04-05", 20)).await;
    let provider = provider();
    let with = Values::new().with("url", folders.source.url());
    let store = store_at("objects.dated", &Values::new(), with);
    let call = folders.surroundings.call();
    let seen = provider.survey(&store, &call).await.expect("a survey");
    let points = provider.recovery_points(&store, &seen).expect("its points");
    let at = points[0].reach.latest();
    let to = folders.folder.path().join("to");
    let with = Values::new().with("target", folders.target.url());
    let operation = restore(&Values::new(), &store, &points[0], at, with);
    let verify = Operation {
        action: KindName::from("objects.verify"),
        with: Values::new().with("read", true),
        ..operation.clone()
    };
    let case = Case::new(
        operation,
        async || {
            let whole = to.exists() && contents(&folders.target).await.len() == 20;
            u64::from(whole)
        },
        async || {
            if to.exists() {
                std::fs::remove_dir_all(&to).expect("it can be removed");
            }
        },
    );
    check_action(&provider, &folders.surroundings, case.cut_at_most(8)).await?;
    let case = Case::new(verify, async || 0, async || {});
    check_action(&provider, &folders.surroundings, case.cut_at_most(8)).await
}

#[tokio::test]
async fn a_copy_conforms() -> Result<(), Report> {
    let folders = Folders::new().await;
    fill(&folders.source, numbered("a", 1)).await;
    let to = folders.folder.path().join("to");
    let provider = provider();
    let with = Values::new()
        .with("source", format!("{}a/00000.txt", folders.source.url()))
        .with("target", format!("{}b.txt", folders.target.url()));
    let case = Case::new(
        action("objects.copy", &Values::new(), with),
        async || u64::from(to.join("b.txt").exists()),
        async || {
            if to.exists() {
                std::fs::remove_dir_all(&to).expect("it can be removed");
            }
        },
    );
    check_action(&provider, &folders.surroundings, case).await
}

#[tokio::test]
async fn a_check_conforms() -> Result<(), Report> {
    let folders = Folders::new().await;
    fill(&folders.source, numbered("a", 3)).await;
    let with = Values::new()
        .with("url", folders.source.url())
        .with("min-objects", 3);
    let case = Case::new(
        action("objects.check", &Values::new(), with),
        async || 0,
        async || {},
    );
    check_action(&provider(), &folders.surroundings, case).await
}

#[tokio::test]
async fn dated_folders_are_recovery_points() {
    let folders = Folders::new().await;
    for (key, text) in [
        ("2026-04-03/pipelines_db.sql.gz", "three"),
        ("2026-04-03/DONE", "x"),
        ("2026-04-04/pipelines_db.sql.gz", "four"),
        ("2026-04-05/other", "five"),
        ("2026-04-05/DONE", "x"),
        ("2026-04-06/pipelines_db.sql.gz", ""),
        ("2026-04-06/DONE", "x"),
        ("latest/pipelines_db.sql.gz", "x"),
        ("2026-02-30/pipelines_db.sql.gz", "x"),
    ] {
        fill(&folders.source, [(key.to_owned(), text.to_owned())]).await;
    }
    std::fs::create_dir(folders.folder.path().join("from/2026-04-07")).expect("a new folder");
    symlink("2026-04-06", folders.folder.path().join("from/current")).expect("a link");
    let store = store_at(
        "objects.dated",
        &Values::new(),
        Values::new()
            .with("url", folders.source.url())
            .with("time", "02:00")
            .with("complete", "DONE")
            .with("file", "pipelines_db.sql.gz"),
    );
    let provider = provider();
    check_store(&provider, &folders.surroundings, &store)
        .await
        .expect("the survey conforms");
    let seen = provider
        .survey(&store, &folders.surroundings.call())
        .await
        .expect("a survey");
    let points = provider.recovery_points(&store, &seen).expect("its points");
    let found: Vec<String> = points
        .iter()
        .map(|point| {
            let Reach::Moment(moment) = point.reach else {
                panic!("a dated backup is a moment");
            };
            format!("{moment} {} {:?}", point.title, point.state)
        })
        .collect();
    assert_eq!(
        found,
        [
            "2026-04-03T02:00:00Z from/2026-04-03 Usable",
            "2026-04-04T02:00:00Z from/2026-04-04 Partial(\"`DONE` is not there, so it is not complete\")",
            "2026-04-05T02:00:00Z from/2026-04-05 Partial(\"`pipelines_db.sql.gz` is not there\")",
            "2026-04-06T02:00:00Z from/2026-04-06 Failed(\"its objects have no bytes\")",
        ]
    );
    let point = &points[0];
    assert_eq!(point.state, PointState::Usable);
    let with = Values::new().with("target", folders.target.url());
    let operation = restore(&Values::new(), &store, point, point.reach.latest(), with);
    let call = folders.surroundings.call();
    let outcome = provider
        .perform(&operation, &call)
        .await
        .expect("a restore");
    let expected = format!("{}pipelines_db.sql.gz", folders.target.url());
    assert_eq!(outcome.outputs.text("file"), Some(expected.as_str()));
    assert_eq!(
        contents(&folders.target).await,
        [("pipelines_db.sql.gz".to_owned(), "three".to_owned())]
    );
    // A link inside of a backup is an error, not a hole in it.
    let link = folders.folder.path().join("from/2026-04-04/link");
    symlink("/etc/passwd", &link).expect("a link");
    let refused = provider.survey(&store, &call).await;
    assert!(matches!(refused, Err(Error::Refused { .. })), "{refused:?}");
    std::fs::remove_file(&link).expect("it goes");
    // Somebody writes to the old backup: it is not restored any more.
    fill(
        &folders.source,
        [(
            "2026-04-03/pipelines_db.sql.gz".to_owned(),
            "THREE".to_owned(),
        )],
    )
    .await;
    let refused = provider.perform(&operation, &call).await;
    let Err(Error::Refused { what, .. }) = refused else {
        panic!("a changed backup is refused: {refused:?}");
    };
    assert!(what.contains("not what it was"), "{what}");
}

#[tokio::test]
async fn overwriting_and_deleting_files_is_told_before() {
    let folders = Folders::new().await;
    fill(&folders.source, numbered("a", 4)).await;
    fill(&folders.target, numbered("a", 2)).await;
    fill(
        &folders.target,
        [
            ("a/00002.txt".to_owned(), "A 2".to_owned()),
            ("b".to_owned(), "old".to_owned()),
        ],
    )
    .await;
    let provider = provider();
    let call = folders.surroundings.call();
    let operation = action(
        "objects.sync",
        &Values::new(),
        folders.sync().with("delete", true),
    );
    let preview = provider
        .preview(&operation, &call)
        .await
        .expect("a preview");
    let url = folders.target.url();
    assert_eq!(
        preview.summary,
        format!("{url}: 2 objects to write (6 B), 2 unchanged, 1 to delete")
    );
    assert_eq!(preview.effect, Effect::Replace);
    assert_eq!(preview.destroys.len(), 1);
    assert_eq!(
        preview.destroys[0].what,
        format!("{url}: 1 objects are overwritten (3 B), 1 are deleted (3 B)")
    );
    assert!(preview.destroys[0].fingerprint.starts_with("to/"));
    provider.perform(&operation, &call).await.expect("a sync");
    assert_eq!(contents(&folders.target).await, numbered("a", 4));
    let preview = provider
        .preview(&operation, &call)
        .await
        .expect("a preview");
    assert_eq!(preview.effect, Effect::Nothing);
    assert!(preview.destroys.is_empty());
    // It held something before, so it is not this run's to remove.
    let left = provider.remove(&operation, &call).await.expect("an answer");
    assert!(matches!(left, Removal::NotOurs(_)), "{left:?}");
}

#[tokio::test]
async fn an_empty_source_with_delete_is_refused() {
    let folders = Folders::new().await;
    std::fs::create_dir(folders.folder.path().join("from")).expect("a new folder");
    fill(&folders.target, numbered("a", 2)).await;
    let operation = action(
        "objects.sync",
        &Values::new(),
        folders.sync().with("delete", true),
    );
    let call = folders.surroundings.call();
    let refused = provider().perform(&operation, &call).await;
    assert!(matches!(refused, Err(Error::Refused { .. })), "{refused:?}");
    assert_eq!(list(&folders.target).await.len(), 2);
}

#[tokio::test]
async fn what_is_no_plain_file_under_a_plain_name_is_refused() {
    for hostile in [
        "link",
        "folder-link",
        "newline\nname",
        "back\\slash",
        "C:name",
        "fifo",
    ] {
        let folders = Folders::new().await;
        let from = folders.folder.path().join("from");
        fill(&folders.source, numbered("a", 2)).await;
        match hostile {
            "link" => symlink("/etc/passwd", from.join("z")).expect("a link"),
            "folder-link" => symlink("/etc", from.join("z")).expect("a link"),
            "fifo" => rustix::fs::mknodat(
                rustix::fs::CWD,
                from.join("z"),
                rustix::fs::FileType::Fifo,
                rustix::fs::Mode::RUSR,
                0,
            )
            .expect("a pipe"),
            name => std::fs::write(from.join(name), "x").expect("a file"),
        }
        let operation = action("objects.sync", &Values::new(), folders.sync());
        let call = folders.surroundings.call();
        let refused = provider().perform(&operation, &call).await;
        assert!(
            matches!(refused, Err(Error::Refused { .. })),
            "{hostile:?}: {refused:?}"
        );
        assert!(
            !folders.folder.path().join("to").exists(),
            "{hostile:?}: nothing is written"
        );
    }
}

#[tokio::test]
async fn nothing_is_written_through_a_link_in_the_target() {
    let folders = Folders::new().await;
    fill(&folders.source, numbered("a", 2)).await;
    let outside = folders.folder.path().join("outside");
    std::fs::create_dir(&outside).expect("a folder");
    std::fs::create_dir(folders.folder.path().join("to")).expect("a folder");
    symlink(&outside, folders.folder.path().join("to/a")).expect("a link");
    let put = folders
        .target
        .write("a/x", Bytes::from_static(b"x"), &Put::default())
        .await;
    assert!(matches!(put, Err(Error::Refused { .. })), "{put:?}");
    let call = folders.surroundings.call();
    let operation = action("objects.sync", &Values::new(), folders.sync());
    let refused = provider().perform(&operation, &call).await;
    assert!(matches!(refused, Err(Error::Refused { .. })), "{refused:?}");
    let left = std::fs::read_dir(&outside).expect("it is there").count();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn what_an_interrupted_write_left_is_taken_over() {
    let folders = Folders::new().await;
    let put = Put {
        size: Some(5),
        ..Put::default()
    };
    let short = folders
        .target
        .write("a/x", Bytes::from_static(b"abc"), &put)
        .await;
    assert!(matches!(short, Err(Error::Refused { .. })), "{short:?}");
    assert!(
        list(&folders.target).await.is_empty(),
        "no half file has a name"
    );
    let whole = folders
        .target
        .write("a/x", Bytes::from_static(b"abcde"), &put)
        .await;
    assert_eq!(whole, Ok(5));
    let names = std::fs::read_dir(folders.folder.path().join("to/a")).expect("it is there");
    assert_eq!(names.count(), 1, "no part is left beside it");
    let again = Put {
        if_absent: true,
        ..Put::default()
    };
    let refused = folders.target.write("a/x", Bytes::new(), &again).await;
    assert!(matches!(refused, Err(Error::Refused { .. })), "{refused:?}");
}

#[tokio::test]
async fn a_suffix_behind_a_slash_does_not_lead_into_production() {
    let folders = Folders::new().await;
    fill(&folders.source, numbered("a", 1)).await;
    let with = folders
        .sync()
        .with("target", format!("{}-drill", folders.target.url()));
    let operation = action("objects.sync", &Values::new(), with);
    let call = folders.surroundings.call();
    let refused = provider().preview(&operation, &call).await;
    assert!(matches!(refused, Err(Error::Refused { .. })), "{refused:?}");
}

#[tokio::test]
async fn a_manifest_finds_the_object_that_was_changed() {
    let folders = Folders::new().await;
    fill(&folders.source, [("a".to_owned(), "abc".to_owned())]).await;
    // The digest of "abc" is the first example of FIPS 180-2.
    let digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    let sums = format!("{digest}  a\n{digest} *./b\n");
    fill(&folders.source, [("SHA256SUMS".to_owned(), sums)]).await;
    let with = Values::new()
        .with("url", folders.source.url())
        .with("manifest", "SHA256SUMS")
        .with("max-age", "1h");
    let operation = action("objects.check", &Values::new(), with);
    let call = folders.surroundings.call();
    for (text, judgement) in [("abc", Judgement::Passed), ("abd", Judgement::Failed)] {
        fill(&folders.source, [("b".to_owned(), text.to_owned())]).await;
        let outcome = provider()
            .perform(&operation, &call)
            .await
            .expect("a check");
        assert_eq!(
            outcome.findings[0].judgement,
            Judgement::Passed,
            "it is new"
        );
        assert_eq!(
            outcome.findings[1].judgement, judgement,
            "{:?}",
            outcome.findings
        );
    }
}

#[tokio::test]
async fn a_missing_source_is_not_an_empty_one() {
    let folders = Folders::new().await;
    let call = folders.surroundings.call();
    let operation = action("objects.sync", &Values::new(), folders.sync());
    let provider = provider();
    let preview = provider.preview(&operation, &call);
    let preview = tokio::time::timeout(Duration::from_secs(20), preview);
    let preview = preview.await.expect("it does not hang");
    assert!(matches!(preview, Err(Error::Refused { .. })), "{preview:?}");
}
