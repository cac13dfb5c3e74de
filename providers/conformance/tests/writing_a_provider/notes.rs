//! Notes: a folder of text files, each named by the moment of which it tells.

use std::io::ErrorKind;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::path::PathBuf;

use async_trait::async_trait;
use jiff::Timestamp;
use salvor_contract::ActionKind;
use salvor_contract::Call;
use salvor_contract::Class;
use salvor_contract::Condition;
use salvor_contract::Counts;
use salvor_contract::Description;
use salvor_contract::Destroyed;
use salvor_contract::Destroys;
use salvor_contract::Effect;
use salvor_contract::Error;
use salvor_contract::Fields;
use salvor_contract::Finding;
use salvor_contract::Idempotency;
use salvor_contract::IdentityTemplate;
use salvor_contract::Isolation;
use salvor_contract::Judgement;
use salvor_contract::Operation;
use salvor_contract::Outcome;
use salvor_contract::Output;
use salvor_contract::Permission;
use salvor_contract::PointId;
use salvor_contract::PointState;
use salvor_contract::Preview;
use salvor_contract::Probe;
use salvor_contract::Provider;
use salvor_contract::Reach;
use salvor_contract::RecoveryPoint;
use salvor_contract::Removal;
use salvor_contract::Size;
use salvor_contract::StoreKind;
use salvor_contract::StoreRequest;
use salvor_contract::Survey;
use salvor_contract::TextChange;
use salvor_contract::Trap;
use salvor_contract::Type;
use salvor_contract::Values;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;
use sha2::Digest as _;
use sha2::Sha256;
use tokio::task::yield_now;

/// `with` of the store kind `notes.folder`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Folder {
    /// The folder of the notes; a relative path is below the plan's folder.
    folder: String,
}

/// `with` of `notes.restore`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Restore {
    /// The folder to make; it must not be there.
    target: String,
}

/// `with` of `notes.put`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Put {
    /// The file whose text is taken.
    source: String,
    /// The file whose text is replaced.
    target: String,
}

fn description() -> Description {
    Description {
        name: "notes",
        summary: "Text files in a folder, each named by the moment of which it tells.",
        config: Fields::none(),
        stores: vec![StoreKind {
            name: "notes.folder",
            summary: "Notes named like 20260405T020000Z.txt; each is a recovery point.",
            with: Fields::of::<Folder>(),
            identity: vec![IdentityTemplate::new("notes", "{folder}")],
            details: vec![
                Output::new("file", Type::Text, "The name of the note."),
                Output::new(
                    "sha256",
                    Type::Text,
                    "The digest of its text; empty when it is too long to be read.",
                ),
            ],
            is_stated: false,
            restore: Some("notes.restore"),
            backup: None,
            verify: None,
        }],
        actions: vec![restore(), put()],
    }
}

fn restore() -> ActionKind {
    ActionKind {
        outputs: vec![
            Output::new("file", Type::Text, "The note that was restored."),
            Output::new("bytes", Type::Integer, "Its size."),
        ],
        effect: Effect::Create,
        reads: vec![IdentityTemplate::new("notes", "{store.folder}")],
        writes: vec![IdentityTemplate::new("notes", "{target}")],
        idempotency: Idempotency::Fixed(Class::Named),
        isolation: Isolation::Rename(vec!["target"]),
        permissions: vec![Permission {
            name: "write access to the folder around `target`",
            why: "making the target",
        }],
        by_hand: vec![
            "mkdir {{q with.target}}",
            "cp {{q store.folder}}/{{q point.details.file}} {{q with.target}}/note.txt",
        ],
        traps: vec![Trap {
            id: "notes-rename-on-nfs",
            when: Condition::Always,
            message: "on NFS a rename may be told as failed although it happened; the step is then looked at again \
                      and found by its mark",
            advice: "do not remove the target by hand in between",
            source: "rename(2), section BUGS, Linux man-pages 6.9",
        }],
        ..ActionKind::reading(
            "notes.restore",
            "Puts the chosen note into a new folder.",
            Fields::of::<Restore>(),
        )
    }
}

fn put() -> ActionKind {
    ActionKind {
        outputs: vec![Output::new("sha256", Type::Text, "The digest of the text.")],
        effect: Effect::Replace,
        reads: vec![IdentityTemplate::new("file", "{source}")],
        writes: vec![IdentityTemplate::new("file", "{target}")],
        destroys: Destroys::IfPresent,
        idempotency: Idempotency::Fixed(Class::Convergent),
        isolation: Isolation::Rename(vec!["target"]),
        by_hand: vec!["cp {{q with.source}} {{q with.target}}"],
        ..ActionKind::reading(
            "notes.put",
            "Puts the text of one file in the place of another's.",
            Fields::of::<Put>(),
        )
    }
}

/// A larger note is not read.
const NOTE_MAX: u64 = 1024 * 1024;

/// One file, as a survey keeps it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Seen {
    file: String,
    bytes: u64,
    /// `None` when it is larger than [`NOTE_MAX`].
    sha256: Option<String>,
}

fn survey(request: &StoreRequest, call: &Call<'_>) -> Result<Survey, Error> {
    let inputs: Folder = request.with.parse()?;
    let folder = call.path(&inputs.folder);
    let mut seen = Vec::new();
    for entry in std::fs::read_dir(&folder).map_err(unreadable(&folder))? {
        let entry = entry.map_err(unreadable(&folder))?;
        // A name that is not text is no note.
        let Ok(file) = entry.file_name().into_string() else {
            continue;
        };
        if moment_of(&file).is_none() {
            continue;
        }
        let path = entry.path();
        let bytes = entry.metadata().map_err(unreadable(&path))?.len();
        let sha256 = if bytes > NOTE_MAX {
            None
        } else {
            Some(digest(&std::fs::read(&path).map_err(unreadable(&path))?))
        };
        seen.push(Seen {
            file,
            bytes,
            sha256,
        });
    }
    // A folder has no order of its own: two surveys of the same files must be equal.
    seen.sort_by(|one, other| one.file.cmp(&other.file));
    serde_json::to_value(seen)
        .map(Survey)
        .map_err(|error| Error::refused(format!("the survey cannot be written: {error}")))
}

fn points(seen: &Survey) -> Result<Vec<RecoveryPoint>, Error> {
    let seen: Vec<Seen> = serde_json::from_value(seen.0.clone())
        .map_err(|error| Error::refused(format!("not a survey of notes: {error}")))?;
    let points = seen.into_iter().filter_map(|note| {
        let (moment, is_whole) = moment_of(&note.file)?;
        let state = match (&note.sha256, is_whole) {
            (_, false) => PointState::Pending,
            (None, true) => PointState::Unknown(format!("larger than {}", Size(NOTE_MAX))),
            (Some(_), true) => PointState::Usable,
        };
        Some(RecoveryPoint {
            id: PointId::new(&note.file),
            reach: Reach::Moment(moment),
            state,
            size: Some(Size(note.bytes)),
            objects: Some(1),
            expires: None,
            set: None,
            title: format!("note {}", note.file),
            details: Values::new()
                .with("sha256", note.sha256.unwrap_or_default())
                .with("file", note.file),
        })
    });
    Ok(points.collect())
}

/// The moment in a file's name, and whether its writer is done with it.
fn moment_of(file: &str) -> Option<(Timestamp, bool)> {
    let (whole, is_whole) = match file.strip_suffix(".part") {
        Some(whole) => (whole, false),
        None => (file, true),
    };
    let moment = whole.strip_suffix(".txt")?.parse().ok()?;
    Some((moment, is_whole))
}

/// The bytes of the chosen point, which must be those that the survey saw.
fn chosen_note(operation: &Operation, call: &Call<'_>) -> Result<Vec<u8>, Error> {
    let (Some(store), Some(chosen)) = (&operation.store, &operation.point) else {
        return Err(Error::refused("a restore needs a store and a point of it"));
    };
    let inputs: Folder = store.with.parse()?;
    let details = &chosen.point.details;
    let file = details.text("file").unwrap_or_default();
    let path = call.path(&inputs.folder).join(file);
    let bytes = std::fs::read(&path).map_err(unreadable(&path))?;
    if Some(digest(&bytes).as_str()) != details.text("sha256") {
        return Err(Error::refused_with(
            format!(
                "{} is not what it was when it was chosen",
                store_and_file(store, file)
            ),
            "Plan again, and find out who writes to old notes.",
        ));
    }
    Ok(bytes)
}

fn store_and_file(store: &StoreRequest, file: &str) -> String {
    format!("the note {file} of the store `{}`", store.store)
}

/// What a restored folder carries beside its note: who made it.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mark {
    run: String,
    operation: String,
}

/// What stands at the target of a restore.
enum Found {
    Nothing,
    Marked(Mark),
    Unmarked,
}

fn target_of(operation: &Operation, call: &Call<'_>) -> Result<PathBuf, Error> {
    let inputs: Restore = operation.with.parse()?;
    Ok(call.path(&inputs.target))
}

fn found(target: &Path) -> Result<Found, Error> {
    // Not `exists`: it takes what cannot be seen for what is not there.
    match std::fs::symlink_metadata(target) {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(error) => return Err(unreadable(target)(error)),
    }
    let mark = target.join(".mark.json");
    match std::fs::read(&mark) {
        Ok(bytes) => Ok(serde_json::from_slice(&bytes).map_or(Found::Unmarked, Found::Marked)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Ok(Found::Unmarked)
        }
        Err(error) => Err(unreadable(&mark)(error)),
    }
}

fn preview_restore(operation: &Operation, call: &Call<'_>) -> Result<Preview, Error> {
    let target = target_of(operation, call)?;
    let bytes = chosen_note(operation, call)?;
    match found(&target)? {
        Found::Nothing => {}
        Found::Marked(_) | Found::Unmarked => return Err(occupied(operation)),
    }
    let name = operation.with.text("target").unwrap_or_default();
    Ok(Preview {
        counts: Counts {
            created: Some(1),
            bytes: Some(Size(bytes.len() as u64)),
            ..Counts::default()
        },
        facts: Values::new()
            .with("note", digest(&bytes))
            .with("target", "absent"),
        known: restored(&target, &bytes),
        ..Preview::new(
            Effect::Create,
            format!("{name}: a folder with one note of {} bytes", bytes.len()),
        )
    })
}

fn occupied(operation: &Operation) -> Error {
    let target = operation.with.text("target").unwrap_or_default();
    Error::refused_with(
        format!("{target} is there already"),
        "Give the step another target, or move what is there out of the way.",
    )
}

fn restored(target: &Path, bytes: &[u8]) -> Values {
    Values::new()
        .with("file", target.join("note.txt").display().to_string())
        .with("bytes", bytes.len())
}

async fn perform_restore(operation: &Operation, call: &Call<'_>) -> Result<Outcome, Error> {
    let target = target_of(operation, call)?;
    let bytes = chosen_note(operation, call)?;
    match found(&target)? {
        Found::Marked(mark) if mark.operation == operation.mark.as_str() => {
            return Ok(Outcome::of(restored(&target, &bytes)));
        }
        Found::Marked(_) | Found::Unmarked => return Err(occupied(operation)),
        Found::Nothing => {}
    }
    // All is made beside the target and moved there in one piece: a target without its mark never exists.
    let beside = beside(&target, operation);
    let not_made = |error: std::io::Error| {
        Error::transient(format!("{} cannot be made: {error}", target.display()))
    };
    std::fs::create_dir_all(&beside).map_err(not_made)?;
    // Here and below the engine may drop this call, as a crash would.
    yield_now().await;
    let mark = Mark {
        run: operation.run.to_string(),
        operation: operation.mark.to_string(),
    };
    let mark = serde_json::to_vec(&mark).expect("two texts are JSON");
    write_durably(&beside.join(".mark.json"), &mark).map_err(not_made)?;
    yield_now().await;
    write_durably(&beside.join("note.txt"), &bytes).map_err(not_made)?;
    yield_now().await;
    let moved = rename_durably(&beside, &target);
    yield_now().await;
    // From here on it is not certain any more that nothing was changed.
    moved.map_err(|error| {
        Error::unknown(format!("{} may have been made: {error}", target.display()))
    })?;
    Ok(Outcome::of(restored(&target, &bytes)))
}

/// Where a target is made. The name is the operation's own, so a second try meets what the first one left,
/// and nobody else's.
fn beside(target: &Path, operation: &Operation) -> PathBuf {
    target.with_file_name(format!(".{}", operation.mark))
}

fn rename_durably(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::rename(from, to)?;
    std::fs::File::open(to.parent().unwrap_or(Path::new(".")))?.sync_all()
}

fn write_durably(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = std::fs::File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn probe_restore(operation: &Operation, call: &Call<'_>) -> Result<Probe, Error> {
    let target = target_of(operation, call)?;
    Ok(match found(&target)? {
        Found::Nothing => Probe::Absent,
        Found::Marked(mark) if mark.operation == operation.mark.as_str() => {
            let note = target.join("note.txt");
            let bytes = std::fs::read(&note).map_err(unreadable(&note))?;
            Probe::Done(Outcome::of(restored(&target, &bytes)))
        }
        Found::Marked(mark) => Probe::Conflict {
            found: format!("{}, made by run {}", target.display(), mark.run),
        },
        Found::Unmarked => Probe::Conflict {
            found: format!("{}, not made by salvor", target.display()),
        },
    })
}

fn observe_restore(operation: &Operation, call: &Call<'_>) -> Result<Vec<Finding>, Error> {
    let note = target_of(operation, call)?.join("note.txt");
    let point = operation.point.as_ref();
    let expected = point
        .and_then(|chosen| chosen.point.details.text("sha256"))
        .unwrap_or_default();
    let observed = digest(&std::fs::read(&note).map_err(unreadable(&note))?);
    Ok(vec![Finding {
        subject: format!("digest of {}", note.display()),
        expected: expected.to_owned(),
        judgement: Judgement::of(observed == expected),
        observed,
    }])
}

fn remove_restored(operation: &Operation, call: &Call<'_>) -> Result<Removal, Error> {
    let target = target_of(operation, call)?;
    let half_gone =
        |error| Error::unknown(format!("{} may be half gone: {error}", target.display()));
    match std::fs::remove_dir_all(beside(&target, operation)) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(half_gone(error)),
    }
    match found(&target)? {
        Found::Nothing => Ok(Removal::NothingThere),
        Found::Marked(mark) if mark.run == operation.run.as_str() => {
            // The mark goes last: what a crash leaves is still known as ours.
            let note = target.join("note.txt");
            if note.exists() {
                std::fs::remove_file(note).map_err(half_gone)?;
            }
            std::fs::remove_dir_all(&target).map_err(half_gone)?;
            Ok(Removal::Removed(format!("the folder {}", target.display())))
        }
        Found::Marked(mark) => Ok(Removal::NotOurs(format!(
            "{}, made by run {}",
            target.display(),
            mark.run
        ))),
        Found::Unmarked => Ok(Removal::NotOurs(target.display().to_string())),
    }
}

/// The file to overwrite, what is in it now, and what is to be in it.
struct Replacement {
    path: PathBuf,
    before: Option<Vec<u8>>,
    after: Vec<u8>,
}

fn replacement(operation: &Operation, call: &Call<'_>) -> Result<Replacement, Error> {
    let inputs: Put = operation.with.parse()?;
    let path = call.path(&inputs.target);
    let before = match std::fs::read(&path) {
        Ok(bytes) => Some(bytes),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(unreadable(&path)(error)),
    };
    let source = call.path(&inputs.source);
    let after = std::fs::read(&source).map_err(unreadable(&source))?;
    Ok(Replacement {
        path,
        before,
        after,
    })
}

fn preview_put(operation: &Operation, call: &Call<'_>) -> Result<Preview, Error> {
    let Replacement {
        path,
        before,
        after,
    } = replacement(operation, call)?;
    let name = operation.with.text("target").unwrap_or_default();
    let effect = match &before {
        None => Effect::Create,
        Some(bytes) if *bytes == after => Effect::Nothing,
        Some(_) => Effect::Replace,
    };
    let mut preview = Preview::new(effect, format!("{name}: its text is replaced"));
    preview.facts = Values::new()
        .with("source", digest(&after))
        .with("before", before.as_deref().map(digest));
    preview.known = Values::new().with("sha256", digest(&after));
    if effect == Effect::Nothing {
        preview.summary = format!("{name} holds this text already");
        return Ok(preview);
    }
    if let Some(bytes) = &before {
        preview.destroys.push(Destroyed {
            what: format!("the text of {name}, {} bytes", bytes.len()),
            fingerprint: fingerprint(&path)?,
        });
    }
    preview.text.push(TextChange {
        name: name.to_owned(),
        before: before.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
        after: Some(String::from_utf8_lossy(&after).into_owned()),
    });
    Ok(preview)
}

/// What the operator types: the file's name, and digits that depend on the device and the number of the file
/// on it, so that a file of the same name elsewhere has others.
fn fingerprint(path: &Path) -> Result<String, Error> {
    let metadata = std::fs::metadata(path).map_err(unreadable(path))?;
    let which = format!("{}\0{}\0{}", path.display(), metadata.dev(), metadata.ino());
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    Ok(format!("{name}/{}", &digest(which.as_bytes())[..6]))
}

async fn perform_put(operation: &Operation, call: &Call<'_>) -> Result<Outcome, Error> {
    let Replacement {
        path,
        before,
        after,
    } = replacement(operation, call)?;
    let outcome = Outcome::of(Values::new().with("sha256", digest(&after)));
    if before.as_ref() == Some(&after) {
        return Ok(outcome);
    }
    let beside = beside(&path, operation);
    write_durably(&beside, &after).map_err(|error| {
        Error::transient(format!("{} cannot be written: {error}", path.display()))
    })?;
    yield_now().await;
    let moved = rename_durably(&beside, &path);
    yield_now().await;
    moved.map_err(|error| {
        Error::unknown(format!(
            "{} may have been replaced: {error}",
            path.display()
        ))
    })?;
    Ok(outcome)
}

fn probe_put(operation: &Operation, call: &Call<'_>) -> Result<Probe, Error> {
    let Replacement { before, after, .. } = replacement(operation, call)?;
    if before.as_ref() == Some(&after) {
        return Ok(Probe::Done(Outcome::of(
            Values::new().with("sha256", digest(&after)),
        )));
    }
    Ok(Probe::Absent)
}

/// What cannot be read will not become readable by asking again, unless the machine is short of something.
fn unreadable(path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    let path = path.display().to_string();
    move |error| {
        let what = format!("{path} cannot be read: {error}");
        let kind = error.kind();
        if kind == ErrorKind::NotFound {
            Error::refused_with(what, "Correct the path in the plan.")
        } else if kind == ErrorKind::PermissionDenied {
            Error::refused_with(what, "Give the user that runs salvor the right to read it.")
        } else if kind == ErrorKind::NotADirectory || kind == ErrorKind::IsADirectory {
            Error::refused(what)
        } else {
            Error::transient(what)
        }
    }
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// The provider `notes`. It holds its description and nothing else.
pub struct Notes {
    description: Description,
}

impl Notes {
    /// The provider.
    pub fn new() -> Self {
        Self {
            description: description(),
        }
    }
}

#[async_trait]
impl Provider for Notes {
    fn description(&self) -> &Description {
        &self.description
    }

    async fn survey(&self, store: &StoreRequest, call: &Call<'_>) -> Result<Survey, Error> {
        survey(store, call)
    }

    fn recovery_points(
        &self,
        _: &StoreRequest,
        seen: &Survey,
    ) -> Result<Vec<RecoveryPoint>, Error> {
        points(seen)
    }

    async fn preview(&self, operation: &Operation, call: &Call<'_>) -> Result<Preview, Error> {
        match operation.action.as_str() {
            "notes.restore" => preview_restore(operation, call),
            "notes.put" => preview_put(operation, call),
            _ => Err(operation.of_no_action()),
        }
    }

    async fn perform(&self, operation: &Operation, call: &Call<'_>) -> Result<Outcome, Error> {
        call.may_begin()?;
        match operation.action.as_str() {
            "notes.restore" => perform_restore(operation, call).await,
            "notes.put" => perform_put(operation, call).await,
            _ => Err(operation.of_no_action()),
        }
    }

    async fn probe(&self, operation: &Operation, call: &Call<'_>) -> Result<Probe, Error> {
        match operation.action.as_str() {
            "notes.restore" => probe_restore(operation, call),
            "notes.put" => probe_put(operation, call),
            _ => Err(operation.of_no_action()),
        }
    }

    async fn observe(
        &self,
        operation: &Operation,
        _: &Outcome,
        call: &Call<'_>,
    ) -> Result<Vec<Finding>, Error> {
        match operation.action.as_str() {
            "notes.restore" => observe_restore(operation, call),
            _ => Ok(Vec::new()),
        }
    }

    async fn remove(&self, operation: &Operation, call: &Call<'_>) -> Result<Removal, Error> {
        match operation.action.as_str() {
            "notes.restore" => remove_restored(operation, call),
            // What was there before cannot be brought back, so it is never ours to take away.
            "notes.put" => {
                let inputs: Put = operation.with.parse()?;
                let path = call.path(&inputs.target);
                Ok(match std::fs::symlink_metadata(&path) {
                    Err(error) if error.kind() == ErrorKind::NotFound => Removal::NothingThere,
                    Ok(_) | Err(_) => Removal::NotOurs(path.display().to_string()),
                })
            }
            _ => Ok(Removal::NothingThere),
        }
    }
}
