//! What a step that asks a person wants: from whom, as what, in which form.

use crate::change_set::PlannedStep;

/// `from role key-holder: words, matching [1-9][0-9]*`. `None` for a step that asks nobody.
pub(super) fn wanted_answer(step: &PlannedStep) -> Option<String> {
    if !step.asks {
        return None;
    }
    let given = |name: &str| {
        let value = step.with.get(name)?;
        Some(value.as_str().unwrap_or("(known during the run)"))
    };
    let who = match given("role") {
        Some(role) => format!("role {role}"),
        None => "anybody".to_owned(),
    };
    let what = match given("evidence") {
        None | Some("none") => "an answer",
        Some("text") => "words",
        Some("confirm") => "the word yes",
        Some("file") => "a file",
        Some("screenshot") => "a picture of the screen",
        Some(other) => other,
    };
    let form = given("expects").map(|form| format!(", matching {form}"));
    Some(format!("from {who}: {what}{}", form.unwrap_or_default()))
}
