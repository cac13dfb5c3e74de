//! `salvor import`: the draft of a plan, made of a runbook in Markdown.

use anyhow::Context as _;

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

/// Writes the draft and lists what is not in it. Nothing of the document is run.
pub fn import(arguments: &Import) -> anyhow::Result<Exit> {
    let shown = arguments.document.display();
    let bytes =
        std::fs::read(&arguments.document).with_context(|| format!("cannot read {shown}"))?;
    if bytes.len() > DOCUMENT_MAX_BYTES {
        let what = format!("{shown} is longer than {DOCUMENT_MAX_BYTES} bytes");
        let hint = "Import it in parts.";
        return Err(Refusal::new(Exit::Usage, what).hint(hint).into());
    }
    let Ok(text) = String::from_utf8(bytes) else {
        let hint = "Save the document as Markdown in UTF-8.";
        let refusal = Refusal::new(Exit::Usage, format!("{shown} is not text"));
        return Err(refusal.hint(hint).into());
    };
    let name = plan_name(&arguments.out);
    let draft = draft(&text, &name);
    let document = arguments.document.file_name().unwrap_or_default();
    let plan = write(&draft, &name, &document.to_string_lossy());
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

fn list(what: &str, remarks: &[Remark]) {
    for remark in remarks {
        output::result(&format!("{what}: line {}: {}", remark.line, remark.what));
    }
}
