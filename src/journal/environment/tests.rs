//! What stands where, what is made once, and what is refused.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use salvor_contract::Answer;
use salvor_contract::RunId;

use crate::journal::body::Body;
use crate::journal::chain::ChainError;
use crate::journal::environment::Environment;
use crate::journal::folder::StateFolder;
use crate::journal::place::Place;
use crate::journal::storage::StorageError;
use crate::journal::trial::Counting;
use crate::journal::trial::opened;
use crate::journal::trial::source;
use crate::journal::writer::Journal;

fn answer(text: &str) -> Answer {
    Answer {
        text: text.to_owned(),
        by: "j.doe".to_owned(),
        role: None,
        at: "2026-04-06T02:00:00Z".parse().expect("a time"),
        file: None,
    }
}

fn place(root: PathBuf) -> Arc<dyn Place> {
    Arc::new(StateFolder::new(root))
}

async fn opened_in(folder: &Path) -> Environment {
    let randomness = Counting::from(1);
    let opened = Environment::open(place(folder.join("state")), &randomness);
    opened.await.expect("new")
}

#[tokio::test]
async fn a_lineage_is_made_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path().join("state");
    assert!(matches!(
        Environment::open_existing(place(root.clone())).await,
        Err(StorageError::Missing { .. })
    ));
    let first = Environment::open(place(root.clone()), &Counting::from(1))
        .await
        .expect("new");
    let second = Environment::open(place(root.clone()), &Counting::from(7))
        .await
        .expect("there");
    assert_eq!(first.lineage(), second.lineage());
    assert_eq!(first.lineage().len(), 32);
    let mut names: Vec<String> = std::fs::read_dir(&root)
        .expect("it is there")
        .map(|entry| {
            entry
                .expect("readable")
                .file_name()
                .into_string()
                .expect("plain")
        })
        .collect();
    names.sort();
    assert_eq!(names, ["lineage", "locks", "runs"]);
}

#[tokio::test]
async fn runs_are_listed_with_what_is_wrong_with_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let state = opened_in(folder.path()).await;
    for (run, lineage) in [("good", state.lineage()), ("foreign", "another")] {
        let run = RunId::new(run);
        let storage = state.create(&run).await.expect("new");
        Journal::create(storage, source(), run, opened(lineage))
            .await
            .expect("new");
    }
    state.create(&"begun".into()).await.expect("new");
    let listed: Vec<(String, String)> = state
        .runs()
        .await
        .expect("readable")
        .into_iter()
        .map(|listed| {
            let plan = listed.state.map(|state| state.opening.plan);
            (
                listed.run.to_string(),
                plan.unwrap_or_else(|error| error.to_string()),
            )
        })
        .collect();
    let expected = [
        (
            "begun",
            "the journal is empty: the run was never opened".to_owned(),
        ),
        (
            "foreign",
            format!(
                "the journal belongs to environment another, not to environment {}",
                state.lineage()
            ),
        ),
        ("good", "calabi".to_owned()),
    ];
    assert_eq!(listed, expected.map(|(run, text)| (run.to_owned(), text)));
}

#[tokio::test]
async fn the_newest_runs_of_a_plan_are_found_by_their_first_records() {
    let folder = tempfile::tempdir().expect("a folder");
    let state = opened_in(folder.path()).await;
    let source = source();
    for (run, plan) in [
        ("d", "calabi"),
        ("a", "calabi"),
        ("c", "other"),
        ("b", "calabi"),
    ] {
        let run = RunId::new(run);
        let storage = state.create(&run).await.expect("new");
        let mut opened = opened(state.lineage());
        if let Body::Opened { plan: name, .. } = &mut opened {
            plan.clone_into(name);
        }
        Journal::create(storage, source.clone(), run, opened)
            .await
            .expect("new");
    }
    // Torn in its first record, and damaged after it.
    state.create(&"begun".into()).await.expect("new");
    let damaged = folder.path().join("state/runs/b/journal");
    let mut text = std::fs::read(&damaged).expect("it is there");
    text.extend_from_slice(b"{}\n");
    std::fs::write(&damaged, text).expect("it is there");
    let newest = async |count| {
        let newest = state.newest("calabi", count).await.expect("readable");
        let names = newest.iter().map(|state| state.run.to_string());
        names.collect::<Vec<_>>()
    };
    assert_eq!(newest(1).await, ["a"]);
    assert_eq!(newest(9).await, ["a", "d"]);
}

#[tokio::test]
async fn a_journal_in_the_place_of_another_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let state = opened_in(folder.path()).await;
    for run in ["a", "b"] {
        let storage = state.create(&run.into()).await.expect("new");
        let opened = opened(state.lineage());
        Journal::create(storage, source(), run.into(), opened)
            .await
            .expect("new");
    }
    let path = |run: &str| folder.path().join("state/runs").join(run).join("journal");
    std::fs::copy(path("a"), path("b")).expect("same disk");
    let refused = state.chain(&"b".into()).await.expect_err("it is run a");
    assert!(matches!(refused, ChainError::Foreign { .. }), "{refused}");
}

#[tokio::test]
async fn an_answer_waits_in_the_inbox_until_it_is_recorded() {
    let folder = tempfile::tempdir().expect("a folder");
    let random = Counting::from(1);
    let state = Environment::open(place(folder.path().join("state")), &random)
        .await
        .expect("new");
    let run = RunId::new("r1");
    state.create(&run).await.expect("new");
    let first = answer("yes");
    state
        .put_answer(&run, &"assess".into(), &first, &random)
        .await
        .expect("the first one");
    let second = state
        .put_answer(&run, &"assess".into(), &answer("no"), &random)
        .await;
    assert!(matches!(second, Err(StorageError::Unfit { .. })));
    let answers = state.answers(&run).await.expect("readable");
    assert_eq!(
        answers.into_iter().collect::<Vec<_>>(),
        [("assess".into(), first)]
    );
    state
        .remove_answer(&run, &"assess".into())
        .await
        .expect("it is there");
    state
        .remove_answer(&run, &"assess".into())
        .await
        .expect("not there is fine");
    assert!(state.answers(&run).await.expect("readable").is_empty());
}

#[tokio::test]
async fn names_that_leave_the_folder_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let random = Counting::from(1);
    let state = Environment::open(place(folder.path().join("state")), &random)
        .await
        .expect("new");
    for name in ["", ".", "..", "../x", "a/b", "/etc", ".hidden", "a\0b", "ä"] {
        assert!(state.read(&name.into()).is_err(), "{name:?}");
        let put = state
            .put_answer(&"r1".into(), &name.into(), &answer(""), &random)
            .await;
        assert!(put.is_err(), "{name:?}");
    }
}

#[tokio::test]
async fn a_folder_that_others_can_write_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path().join("state");
    std::fs::create_dir(&root).expect("new");
    std::fs::set_permissions(&root, std::fs::Permissions::from_mode(0o777)).expect("ours");
    let refused = Environment::open(place(root.clone()), &Counting::from(1))
        .await
        .map(drop)
        .expect_err("open");
    assert_eq!(
        refused.to_string(),
        format!(
            "{} can be written by others (mode 777); run `chmod go-w` on it",
            root.display()
        )
    );
}

#[tokio::test]
async fn a_damaged_lineage_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path().to_owned();
    for lineage in ["", "/", "..", "a/b", "a\n", "a\0"] {
        std::fs::write(root.join("lineage"), lineage).expect("ours");
        let refused = Environment::open_existing(place(root.clone())).await;
        let refused = refused.map(drop).expect_err("it is damaged").to_string();
        assert!(refused.contains("lineage is damaged"), "{refused}");
    }
}
