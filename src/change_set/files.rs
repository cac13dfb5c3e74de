//! The files of the plan's folder that steps read while the run goes on: templates, programs.
//!
//! What was reviewed is what their digests say. A file that the run itself writes has none: it is known only then.

use std::collections::BTreeMap;
use std::path::Path;

use salvor_contract::ActionKind;
use salvor_contract::Values;

use crate::change_set::PlannedStep;
use crate::digest::Digest;

/// The files that an action reads, as far as they are known and there, with their digests.
pub fn read_by(
    kind: &ActionKind,
    with: &Values,
    plan_dir: &Path,
    is_written_before: impl Fn(&str) -> bool,
) -> BTreeMap<String, Digest> {
    let paths = kind.files.iter().filter_map(|file| file.path(with));
    let kept = paths.filter(|path| !is_written_before(path));
    // What cannot be read is refused by the provider, in better words.
    kept.filter_map(|path| Some((path.to_owned(), digest_of(plan_dir, path)?)))
        .collect()
}

/// A file that is not as it was reviewed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedFile {
    /// Its path below the plan's folder.
    pub path: String,
    /// What it was.
    pub before: Digest,
    /// What it is; `None` when it cannot be read.
    pub now: Option<Digest>,
}

/// The files of a step that are not as they were when the change set was made.
pub fn changed(step: &PlannedStep, plan_dir: &Path) -> Vec<ChangedFile> {
    let looked = step.files.iter().map(|(path, before)| ChangedFile {
        path: path.clone(),
        before: before.clone(),
        now: digest_of(plan_dir, path),
    });
    looked
        .filter(|file| file.now.as_ref() != Some(&file.before))
        .collect()
}

fn digest_of(plan_dir: &Path, path: &str) -> Option<Digest> {
    let bytes = std::fs::read(plan_dir.join(path)).ok()?;
    Some(Digest::of_bytes(&bytes))
}
