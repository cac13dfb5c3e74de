//! `system.render`: fills a template and puts the result into a file.
//!
//! The file is replaced as a whole: written beside its place, synced, renamed, the folder synced. A file that
//! was there before is a change, not a destruction: the preview shows both texts, and a copy of the old one
//! goes into the operation's own folder (`previous`) before the new one takes its place, kept until the run
//! ends. Only a file that was not there before can be removed again. Templates have no way to read files,
//! variables or the network.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::io::Write;
use std::path::Component;
use std::path::Path;
use std::path::PathBuf;

use handlebars::Handlebars;
use salvor_contract::ActionKind;
use salvor_contract::Call;
use salvor_contract::Class;
use salvor_contract::Condition;
use salvor_contract::Effect;
use salvor_contract::Error;
use salvor_contract::Fields;
use salvor_contract::FileInput;
use salvor_contract::Idempotency;
use salvor_contract::IdentityTemplate;
use salvor_contract::InputRefusal;
use salvor_contract::Isolation;
use salvor_contract::Operation;
use salvor_contract::Outcome;
use salvor_contract::Output;
use salvor_contract::Preview;
use salvor_contract::Probe;
use salvor_contract::Removal;
use salvor_contract::TextChange;
use salvor_contract::Trap;
use salvor_contract::Type;
use salvor_contract::Values;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;
use tokio::task::yield_now;

use crate::sha256::of_bytes;

/// The full name.
pub(crate) const NAME: &str = "system.render";

/// A larger template is not read.
const TEMPLATE_MAX: u64 = 1024 * 1024;

/// `with` of `system.render`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Render {
    /// The template, a file below the plan's folder: handlebars, strict, nothing escaped.
    template: String,
    /// The values that the template names.
    #[serde(default)]
    values: BTreeMap<String, Value>,
    /// The file to write; a relative path is below the plan's folder.
    target: String,
}

/// What the operation's own folder tells of a file that it wrote.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    run: String,
    sha256: String,
    was_there: bool,
}

/// What it tells of itself.
pub(crate) fn kind() -> ActionKind {
    ActionKind {
        outputs: vec![
            Output::new("path", Type::Text, "The file that was written."),
            Output::new("sha256", Type::Text, "The SHA-256 of what is in it."),
        ],
        effect: Effect::Change,
        reads: vec![IdentityTemplate::new("file", "{template}")],
        files: vec![FileInput::Path("template")],
        writes: vec![IdentityTemplate::new("file", "{target}")],
        idempotency: Idempotency::Fixed(Class::Convergent),
        isolation: Isolation::Rename(vec!["target"]),
        previews_unknown: true,
        by_hand: vec![
            "mkdir -p \"$(dirname {{q with.target}})\" &&\n\
             cat {{#here \" > \" (q with.target)}}{{filled files.template with.values}}{{/here}}",
            "{{#if told.path}}{{told.path}}={{q with.target}}{{/if}}",
        ],
        traps: vec![Trap {
            id: "render-not-escaped",
            when: Condition::Always,
            message: "values go into the file as they are",
            advice: "quote them in the template as the file's format wants it",
            source: "https://helm.sh/docs/chart_template_guide/functions_and_pipelines",
        }],
        ..ActionKind::reading(
            NAME,
            "Fills a template into a file.",
            Fields::of::<Render>(),
        )
    }
}

/// The file to write and what is to be in it.
struct Filled {
    target: PathBuf,
    text: String,
}

fn rendered(operation: &Operation, call: &Call<'_>) -> Result<Filled, Error> {
    let render: Render = operation.with.parse()?;
    let template = call.plan_dir.join(template_of(&render.template)?);
    let unreadable = |error: std::io::Error| {
        Error::refused(format!("{} cannot be read: {error}", template.display()))
    };
    let length = std::fs::metadata(&template).map_err(unreadable)?.len();
    if length > TEMPLATE_MAX {
        return Err(Error::refused(format!(
            "{} has {length} bytes, a template has {TEMPLATE_MAX} at most",
            template.display()
        )));
    }
    let source = std::fs::read_to_string(&template).map_err(unreadable)?;
    let mut handlebars = Handlebars::new();
    handlebars.set_strict_mode(true);
    handlebars.register_escape_fn(handlebars::no_escape);
    handlebars.unregister_helper("log");
    let text = handlebars
        .render_template(&source, &render.values)
        .map_err(|error| {
            let (line, column) = (error.line_no.unwrap_or(1), error.column_no.unwrap_or(1));
            Error::refused_with(
                format!("{}:{line}:{column}: {}", render.template, error.reason()),
                "every name in the template must stand in `values`",
            )
        })?;
    Ok(Filled {
        target: call.path(target_of(&render.target)?),
        text,
    })
}

/// What is refused of the paths alone.
pub(crate) fn refusals(with: &Values) -> Vec<InputRefusal> {
    let template = InputRefusal::of_text(with, "template", template_of);
    let target = InputRefusal::of_text(with, "target", target_of);
    template.into_iter().chain(target).collect()
}

fn template_of(path: &str) -> Result<&Path, Error> {
    below(path).ok_or_else(|| {
        Error::refused_with(
            format!("the template {path} is not below the plan's folder"),
            "put it into the plan's folder, so that it travels with the plan",
        )
    })
}

fn target_of(path: &str) -> Result<&str, Error> {
    match Path::new(path).is_absolute() || below(path).is_some() {
        true => Ok(path),
        false => Err(Error::refused(format!(
            "the target {path} leaves the plan's folder"
        ))),
    }
}

/// A relative path that stays below where it begins.
fn below(text: &str) -> Option<&Path> {
    let path = Path::new(text);
    let stays = path
        .components()
        .all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    (stays && !text.is_empty()).then_some(path)
}

/// What is at the target now; `None` when there is nothing.
fn present(target: &Path) -> Result<Option<Vec<u8>>, Error> {
    match std::fs::symlink_metadata(target) {
        Ok(found) if !found.is_file() => {
            return Err(Error::refused(format!(
                "{} is there and is not a plain file",
                target.display()
            )));
        }
        Ok(_) | Err(_) => {}
    }
    match std::fs::read(target) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::refused(format!(
            "{} cannot be read: {error}",
            target.display()
        ))),
    }
}

/// The text before and after.
pub(crate) fn preview(operation: &Operation, call: &Call<'_>) -> Result<Preview, Error> {
    let Filled { target, text } = rendered(operation, call)?;
    let before = present(&target)?;
    let name = operation.with.text("target").unwrap_or_default().to_owned();
    let lines = text.lines().count();
    let (effect, summary) = match &before {
        None => (Effect::Create, format!("writes {name}, {lines} lines")),
        Some(bytes) if *bytes == text.as_bytes() => {
            (Effect::Nothing, format!("{name} is as it should be"))
        }
        Some(_) => (Effect::Change, format!("changes {name}, {lines} lines")),
    };
    let old = before
        .as_ref()
        .map(|bytes| String::from_utf8(bytes.clone()));
    let unknown = match &old {
        Some(Err(_)) => vec![format!("how {name} differs: what is there is not text")],
        Some(Ok(_)) | None => Vec::new(),
    };
    let text_change = TextChange {
        name,
        before: old.and_then(Result::ok),
        after: Some(text.clone()),
    };
    Ok(Preview {
        text: if effect == Effect::Nothing {
            Vec::new()
        } else {
            vec![text_change]
        },
        unknown,
        facts: Values::new().with(
            "before",
            before.map_or_else(|| "absent".to_owned(), |bytes| of_bytes(&bytes)),
        ),
        known: outputs(&target, &text),
        ..Preview::new(effect, summary)
    })
}

/// Writes the file, unless it is there with this content.
pub(crate) async fn perform(operation: &Operation, call: &Call<'_>) -> Result<Outcome, Error> {
    let Filled { target, text } = rendered(operation, call)?;
    let before = present(&target)?;
    if before.as_deref() == Some(text.as_bytes()) {
        return Ok(Outcome::of(outputs(&target, &text)));
    }
    let failed = |path: &Path| {
        let path = path.display().to_string();
        move |error: std::io::Error| {
            Error::transient(format!("{path} could not be written: {error}"))
        }
    };
    // First what tells the file's origin and what was there, then the file: a crash between them leaves a note
    // that fits no file, which `remove` notices by the digest.
    let scratch = call.scratch_dir;
    std::fs::create_dir_all(scratch).map_err(failed(scratch))?;
    if let Some(bytes) = &before {
        let copy = scratch.join("previous");
        replace(&copy, bytes, &operation.mark.to_string()).map_err(failed(&copy))?;
    }
    let note = Written {
        run: operation.run.to_string(),
        sha256: of_bytes(text.as_bytes()),
        was_there: before.is_some(),
    };
    let note = Values::of(&note);
    let note_path = scratch.join("written.json");
    let note_bytes = serde_json::to_vec(&note)
        .map_err(|error| Error::refused(format!("a note cannot be written: {error}")))?;
    replace(&note_path, &note_bytes, &operation.mark.to_string()).map_err(failed(&note_path))?;
    yield_now().await;
    if let Some(folder) = target.parent() {
        std::fs::create_dir_all(folder).map_err(failed(folder))?;
    }
    let id = operation.mark.to_string();
    let new = write_beside(&target, text.as_bytes(), &id).map_err(failed(&target))?;
    yield_now().await;
    let moved = move_to(&new, &target);
    yield_now().await;
    // From here on it is not certain any more that nothing was changed.
    moved.map_err(|error| {
        Error::unknown(format!(
            "{} may have been replaced: {error}",
            target.display()
        ))
    })?;
    Ok(Outcome::of(outputs(&target, &text)))
}

/// Done when the file is as it should be; else it can be written again.
pub(crate) fn probe(operation: &Operation, call: &Call<'_>) -> Result<Probe, Error> {
    let Filled { target, text } = rendered(operation, call)?;
    Ok(match present(&target)? {
        Some(bytes) if bytes == text.as_bytes() => {
            Probe::Done(Outcome::of(outputs(&target, &text)))
        }
        Some(_) | None => Probe::Absent,
    })
}

/// Removes the file, when this run made it and it is as it was made.
pub(crate) fn remove(operation: &Operation, call: &Call<'_>) -> Result<Removal, Error> {
    let render: Render = operation.with.parse()?;
    let target = call.path(&render.target);
    // What a crash left beside the target carries the operation's mark in its name.
    let new = beside(&target, &operation.mark.to_string());
    match std::fs::remove_file(&new) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => {
            return Err(Error::transient(format!(
                "{} could not be removed: {error}",
                new.display()
            )));
        }
    }
    let Some(bytes) = present(&target)? else {
        return Ok(Removal::NothingThere);
    };
    let note: Option<Written> = std::fs::read(call.scratch_dir.join("written.json"))
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let shown = target.display().to_string();
    match note {
        Some(note) if note.run == operation.run.as_str() && note.sha256 == of_bytes(&bytes) => {
            if note.was_there {
                return Ok(Removal::NotOurs(format!(
                    "{shown}, which was there before the run"
                )));
            }
            std::fs::remove_file(&target).map_err(|error| {
                Error::transient(format!("{shown} could not be removed: {error}"))
            })?;
            Ok(Removal::Removed(shown))
        }
        Some(_) | None => Ok(Removal::NotOurs(shown)),
    }
}

fn outputs(target: &Path, text: &str) -> Values {
    Values::new()
        .with("path", target.display().to_string())
        .with("sha256", of_bytes(text.as_bytes()))
}

/// Puts a file in the place of what is there, as a whole or not at all, also over a power loss.
fn replace(path: &Path, bytes: &[u8], mark: &str) -> std::io::Result<()> {
    let new = write_beside(path, bytes, mark)?;
    move_to(&new, path)
}

/// Writes a file beside the one that it is to replace, with the rights of that one.
fn write_beside(path: &Path, bytes: &[u8], mark: &str) -> std::io::Result<PathBuf> {
    let new = beside(path, mark);
    let mut file = std::fs::File::create(&new)?;
    file.write_all(bytes)?;
    if let Ok(found) = std::fs::metadata(path) {
        file.set_permissions(found.permissions())?;
    }
    file.sync_all()?;
    Ok(new)
}

/// The same name for each try of the operation, so that a crash leaves one file at most.
fn beside(path: &Path, mark: &str) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    folder_of(path).join(format!(".{name}.{mark}"))
}

fn move_to(new: &Path, path: &Path) -> std::io::Result<()> {
    std::fs::rename(new, path)?;
    std::fs::File::open(folder_of(path))?.sync_all()
}

fn folder_of(path: &Path) -> &Path {
    path.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}
