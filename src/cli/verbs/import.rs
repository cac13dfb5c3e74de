//! `salvor import`: the draft of a plan, made of a runbook in Markdown.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use crate::cli::arguments::Import;
use crate::cli::exit::Exit;
use crate::cli::output;
use crate::cli::refusal::Refusal;
use crate::cli::verbs::init::plan_name;
use crate::cli::verbs::init::write_new;
use crate::import::DOCUMENT_MAX_BYTES;
use crate::import::Remark;
use crate::import::draft;
use crate::import::write;
use crate::plan_file::FILE_MAX_BYTES;

/// Writes the draft and lists what is not in it. Nothing of the document is run.
pub fn import(arguments: &Import) -> anyhow::Result<Exit> {
    let text = text_of(&arguments.document)?;
    let name = plan_name(&arguments.out);
    let draft = draft(&text, &name);
    let document = arguments.document.file_name().unwrap_or_default();
    let plan = write(&draft, &name, &document.to_string_lossy());
    if plan.len() as u64 > FILE_MAX_BYTES {
        let shown = arguments.document.display();
        let what =
            format!("the draft of {shown} is longer than a file of a plan, {FILE_MAX_BYTES} bytes");
        let hint = "Import it in parts.";
        return Err(Refusal::new(Exit::Usage, what).hint(hint).into());
    }
    write_new(&arguments.out, &plan)?;
    let commands: usize = draft.steps.iter().map(|step| step.commands.len()).sum();
    output::result(&format!(
        "steps: {}, scenarios: {}, commands: {commands}, not placed: {}, changed: {}",
        draft.steps.len(),
        draft.scenarios.len(),
        draft.unplaced.len(),
        draft.changed.len(),
    ));
    list("not placed", &draft.unplaced);
    list("placed otherwise than written", &draft.changed);
    let folder = arguments.out.display();
    output::progress(&format!(
        "next: read it against the document, then `salvor check {folder}`, `salvor graph {folder}`"
    ));
    Ok(Exit::Ok)
}

/// The document, when it is a text that is short enough. No more of it is read.
fn text_of(document: &Path) -> Result<String, Refusal> {
    let shown = document.display();
    let refused = |what: String, hint: &str| Refusal::new(Exit::Usage, what).hint(hint);
    let mut bytes = Vec::new();
    File::open(document)
        .and_then(|file| file.take(DOCUMENT_MAX_BYTES + 1).read_to_end(&mut bytes))
        .map_err(|error| {
            let hint = "Name a runbook, a file of Markdown.";
            refused(format!("{shown} cannot be read: {error}"), hint)
        })?;
    if bytes.len() as u64 > DOCUMENT_MAX_BYTES {
        let what = format!("{shown} is longer than {DOCUMENT_MAX_BYTES} bytes");
        return Err(refused(what, "Import it in parts."));
    }
    String::from_utf8(bytes).map_err(|_| {
        let hint = "Save the document as Markdown in UTF-8.";
        refused(format!("{shown} is not text"), hint)
    })
}

fn list(what: &str, remarks: &[Remark]) {
    for remark in remarks {
        output::result(&format!("{what}: line {}: {}", remark.line, remark.what));
    }
}
