//! The provider of `docs/writing-a-provider.md` is this test's module `notes`: the document shows it to the
//! letter, and it passes the suite.

mod notes;

use std::path::Path;

use salvor_conformance::Case;
use salvor_conformance::Report;
use salvor_conformance::Surroundings;
use salvor_conformance::check_action;
use salvor_conformance::check_description;
use salvor_conformance::check_store;
use salvor_conformance::cut;
use salvor_conformance::operation;
use salvor_conformance::store;
use salvor_contract::ChosenPoint;
use salvor_contract::Operation;
use salvor_contract::PointState;
use salvor_contract::Provider as _;
use salvor_contract::RecoveryPoint;
use salvor_contract::StoreRequest;
use salvor_contract::Values;

use crate::notes::Notes;

/// A plan's folder with two notes, and one that is still being written.
fn surroundings() -> Surroundings {
    let surroundings = Surroundings::virtual_time();
    let folder = surroundings.plan_dir().join("notes");
    std::fs::create_dir(&folder).expect("a new folder");
    for (name, text) in [
        ("20260404T020000Z.txt", "milk\n"),
        ("20260405T020000Z.txt", "milk\nbread\n"),
        ("20260406T020000Z.txt.part", "mi"),
        ("readme.md", "not a note"),
    ] {
        std::fs::write(folder.join(name), text).expect("written");
    }
    surroundings
}

fn notes_store() -> StoreRequest {
    store("notes.folder", Values::new().with("folder", "notes"))
}

async fn points(surroundings: &Surroundings) -> Vec<RecoveryPoint> {
    let notes = Notes::new();
    let seen = notes
        .survey(&notes_store(), &surroundings.call())
        .await
        .expect("the folder is there");
    notes
        .recovery_points(&notes_store(), &seen)
        .expect("its own survey")
}

/// An operation on the newest note.
async fn of_newest(action: &str, with: Values, surroundings: &Surroundings) -> Operation {
    let points = points(surroundings).await;
    let mut usable = points
        .into_iter()
        .filter(|point| point.state == PointState::Usable);
    let point = usable.next_back().expect("a note");
    let at = point.reach.latest();
    Operation {
        store: Some(notes_store()),
        point: Some(ChosenPoint { point, at }),
        ..operation(action, with)
    }
}

#[test]
fn the_description_conforms() -> Result<(), Report> {
    check_description(&Notes::new())
}

#[tokio::test]
async fn a_folder_of_notes_conforms() -> Result<(), Report> {
    let surroundings = surroundings();
    check_store(&Notes::new(), &surroundings, &notes_store()).await?;
    let points = points(&surroundings).await;
    let states: Vec<(&str, &PointState)> = points
        .iter()
        .map(|point| (point.id.as_str(), &point.state))
        .collect();
    assert_eq!(
        states,
        [
            ("20260404T020000Z.txt", &PointState::Usable),
            ("20260405T020000Z.txt", &PointState::Usable),
            ("20260406T020000Z.txt.part", &PointState::Pending),
        ]
    );
    Ok(())
}

#[tokio::test]
async fn restoring_conforms() -> Result<(), Report> {
    let surroundings = surroundings();
    let with = Values::new().with("target", "restored");
    let restore = of_newest("notes.restore", with, &surroundings).await;
    let target = surroundings.plan_dir().join("restored");
    let beside = surroundings.plan_dir().join(format!(".{}", restore.id));
    let (first, second) = (Notes::new(), Notes::new());
    let case = Case::new(
        restore,
        async || u64::from(target.join("note.txt").exists()),
        async || {
            remove_folder(&target);
            remove_folder(&beside);
        },
    );
    check_action(&first, &surroundings, case.resumed_by(&second)).await
}

#[tokio::test]
async fn a_restore_that_was_cut_off_anywhere_leaves_nothing_after_its_removal() {
    let surroundings = surroundings();
    let with = Values::new().with("target", "restored");
    let restore = of_newest("notes.restore", with, &surroundings).await;
    let notes = Notes::new();
    let call = surroundings.call();
    let names = || {
        let entries = std::fs::read_dir(surroundings.plan_dir()).expect("readable");
        let names = entries.map(|entry| entry.expect("an entry").file_name());
        names.collect::<Vec<_>>()
    };
    for polls in 0..6 {
        cut(notes.perform(&restore, &call), polls).await;
        notes.remove(&restore, &call).await.expect("removed");
        assert_eq!(names(), ["notes"], "cut off at await {polls}");
    }
}

#[tokio::test]
async fn putting_conforms() -> Result<(), Report> {
    let surroundings = surroundings();
    let with = Values::new()
        .with("source", "notes/20260405T020000Z.txt")
        .with("target", "list.txt");
    let list = surroundings.plan_dir().join("list.txt");
    let (first, second) = (Notes::new(), Notes::new());
    let case = Case::new(
        operation("notes.put", with),
        async || u64::from(std::fs::read_to_string(&list).expect("a list") == "milk\nbread\n"),
        async || std::fs::write(&list, "eggs\n").expect("written"),
    );
    check_action(&first, &surroundings, case.resumed_by(&second)).await
}

#[tokio::test]
async fn a_target_of_another_inode_has_another_fingerprint() {
    let surroundings = surroundings();
    let with = Values::new()
        .with("source", "notes/20260405T020000Z.txt")
        .with("target", "list.txt");
    let put = operation("notes.put", with);
    let notes = Notes::new();
    let list = surroundings.plan_dir().join("list.txt");
    let mut fingerprints = Vec::new();
    for old in ["list.old", "list.older"] {
        std::fs::write(&list, "eggs\n").expect("written");
        let preview = notes.preview(&put, &surroundings.call()).await;
        let destroys = preview.expect("both files are there").destroys;
        fingerprints.push(destroys[0].fingerprint.clone());
        // Kept, so that its number is not given to the next one.
        std::fs::rename(&list, list.with_file_name(old)).expect("renamed");
    }
    assert_ne!(fingerprints[0], fingerprints[1]);
}

/// The blocks of the document: the text behind `rust` in their first line, and what stands in them.
fn blocks(document: &str) -> Vec<(&str, &str)> {
    let parts = document.split("```rust").skip(1);
    parts
        .map(|part| {
            let (of, rest) = part.split_once('\n').expect("a block has lines");
            let (code, _) = rest.split_once("```").expect("a block ends");
            (of.trim(), code)
        })
        .collect()
}

fn read(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    std::fs::read_to_string(root.join(path)).expect(path)
}

#[test]
fn the_document_shows_this_provider_to_the_letter() {
    let document = read("docs/writing-a-provider.md");
    let blocks = blocks(&document).into_iter();
    let shown: Vec<&str> = blocks
        .filter_map(|(of, code)| of.is_empty().then_some(code))
        .collect();
    let shown = shown.join("\n");
    let code = read("providers/conformance/tests/writing_a_provider/notes.rs");
    for (line, (shown, code)) in shown.lines().zip(code.lines()).enumerate() {
        assert_eq!(shown, code, "line {} of notes.rs", line + 1);
    }
    assert_eq!(shown.lines().count(), code.lines().count());
}

#[test]
fn the_document_shows_pieces_of_a_real_provider_to_the_letter() {
    let document = read("docs/writing-a-provider.md");
    let blocks = blocks(&document).into_iter();
    let pieces: Vec<(&str, &str)> = blocks.filter(|(of, _)| !of.is_empty()).collect();
    assert!(!pieces.is_empty(), "no piece is shown");
    for (path, shown) in pieces {
        assert!(read(path).contains(shown), "not in {path}:\n{shown}");
    }
}

fn remove_folder(folder: &Path) {
    match std::fs::remove_dir_all(folder) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => panic!("{}: {error}", folder.display()),
    }
}
