//! The commands of the five documents, taken literally, and what `check` says of them: every folder of
//! `tests/literal-documents` has one defect of a document, by the kinds that salvor is built with.
//!
//! `UPDATE=1 cargo test --test plan_language` writes what is said now.

use salvor::builtin_providers::registry;

use crate::transcript;

#[test]
fn the_documents_taken_literally_are_explained() {
    let folders = transcript::folders("tests/literal-documents");
    assert!(folders.len() > 12, "{} folders", folders.len());
    let registry = registry();
    let wrong = transcript::differences(&folders, &registry);
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    for folder in folders {
        let (_, problems) = transcript::said(&folder, &registry);
        assert!(
            !problems.is_empty(),
            "{}: nothing is said",
            folder.display()
        );
    }
}
