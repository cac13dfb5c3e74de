//! `system.manual`: a step that a person does, with what they answer as its evidence.
//!
//! The engine asks and waits; this module only judges the answer.

use salvor_contract::ActionKind;
use salvor_contract::Answer;
use salvor_contract::Condition;
use salvor_contract::Effect;
use salvor_contract::Error;
use salvor_contract::Fields;
use salvor_contract::InputRefusal;
use salvor_contract::Operation;
use salvor_contract::Outcome;
use salvor_contract::Output;
use salvor_contract::Period;
use salvor_contract::Preview;
use salvor_contract::Probe;
use salvor_contract::Trap;
use salvor_contract::Type;
use salvor_contract::Values;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::expression::whole;
use crate::programs;

/// The full name.
pub(crate) const NAME: &str = "system.manual";

/// `with` of `system.manual`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Manual {
    /// What is to be done or answered.
    ask: String,
    /// What proves that it was done.
    #[serde(default)]
    evidence: Evidence,
    /// The role that answers.
    role: Option<String>,
    /// What the person types to do it.
    #[serde(default)]
    commands: Vec<String>,
    /// A regular expression that the whole answer must match.
    expects: Option<String>,
}

/// What proves that a step was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Evidence {
    /// An answer, of whatever words.
    None,
    /// Words.
    #[default]
    Text,
    /// A file.
    File,
    /// A file that shows a screen.
    Screenshot,
    /// The word `yes`.
    Confirm,
}

/// What it tells of itself.
pub(crate) fn kind() -> ActionKind {
    ActionKind {
        outputs: vec![
            Output::new("answer", Type::Text, "The words of the answer."),
            Output::new("by", Type::Text, "Who answered."),
            Output::new("at", Type::Time, "When."),
        ],
        effect: Effect::Ask,
        asks: true,
        // A person's day: the time counts towards the objective whatever the deadline is.
        deadline: Period::from_seconds(24 * 3600),
        previews_unknown: true,
        by_hand: vec![
            "# {{with.ask}}",
            "# {{#if with.role}}Who: {{with.role}}. {{/if}}{{#if (or (not with.evidence) (eq with.evidence \"text\"))}}Evidence: an answer in words. \
             {{/if}}{{#if (eq with.evidence \"file\")}}Evidence: a file. {{/if}}{{#if (eq with.evidence \
             \"screenshot\")}}Evidence: a picture of the screen. {{/if}}{{#if (eq with.evidence \"confirm\")}}Evidence: the \
             word yes. {{/if}}{{#if with.expects}}The answer looks like: {{with.expects}}{{/if}}",
            "{{#if with.commands}}{{#each with.commands}}{{this}}\n{{/each}}{{/if}}",
        ],
        traps: traps(),
        ..ActionKind::reading(
            NAME,
            "Asks a person to do something and waits for the answer.",
            Fields::of::<Manual>(),
        )
    }
}

fn traps() -> Vec<Trap> {
    let mut traps = vec![Trap {
        id: "manual-without-role",
        when: Condition::InputMissing("role"),
        message: "without a role anybody may answer, and nobody knows that they are waited for",
        advice: "say who does it: `role`",
        source: "NIST SP 800-34 Rev. 1, 3.4.6 Roles and responsibilities",
    }];
    traps.extend(programs::traps_of_lines("commands"));
    traps.push(programs::traps_of_words("rds-endpoint-typed", "commands"));
    traps.push(programs::traps_of_words("rds-endpoint-said", "ask"));
    traps
}

/// The question, and below it the commands, one a line. An answer that will not do is refused.
pub(crate) fn preview(operation: &Operation) -> Result<Preview, Error> {
    let manual: Manual = operation.with.parse()?;
    pattern(&manual)?;
    if let Some(answer) = &operation.answer {
        judge(&manual, answer).map_err(Error::refused)?;
    }
    let commands: Vec<String> = manual
        .commands
        .iter()
        .map(|command| format!("\n  $ {command}"))
        .collect();
    Ok(Preview::new(
        Effect::Ask,
        format!("{}{}", manual.ask, commands.concat()),
    ))
}

/// Judges the answer.
pub(crate) fn perform(operation: &Operation) -> Result<Outcome, Error> {
    let manual: Manual = operation.with.parse()?;
    let answer = operation.answer.as_ref().ok_or_else(|| {
        Error::refused_with(
            "nobody has answered",
            "answer the step, then resume the run",
        )
    })?;
    judge(&manual, answer)
        .map_err(|why| Error::refused_with(why, "answer the step again, then resume the run"))?;
    let outputs = Values::new()
        .with("answer", answer.text.trim())
        .with("by", answer.by.clone())
        .with("at", answer.at.to_string());
    Ok(Outcome::of(outputs))
}

/// Done when there is an answer that will do.
pub(crate) fn probe(operation: &Operation) -> Probe {
    match perform(operation) {
        Ok(outcome) => Probe::Done(outcome),
        Err(_) => Probe::Absent,
    }
}

/// What no answer could make good.
pub(crate) fn refusals(with: &Values) -> Vec<InputRefusal> {
    let expects = InputRefusal::of_text(with, "expects", |text| whole("expects", text));
    Vec::from_iter(expects)
}

fn pattern(manual: &Manual) -> Result<Option<regex::Regex>, Error> {
    let read = |text| whole("expects", text);
    manual.expects.as_deref().map(read).transpose()
}

fn judge(manual: &Manual, answer: &Answer) -> Result<(), String> {
    let text = answer.text.trim();
    // Who does not say their role may answer: the report tells that it was not said.
    if let (Some(role), Some(given)) = (&manual.role, &answer.role)
        && given != role
    {
        return Err(format!(
            "{} answered as {given}, the step asks for {role}",
            answer.by
        ));
    }
    match manual.evidence {
        Evidence::None => {}
        Evidence::Text if text.is_empty() => return Err("the answer has no words".to_owned()),
        Evidence::Text => {}
        Evidence::File | Evidence::Screenshot if answer.file.is_none() => {
            return Err("the step wants a file as evidence, and none was given".to_owned());
        }
        Evidence::File | Evidence::Screenshot => {}
        Evidence::Confirm if text.eq_ignore_ascii_case("yes") => {}
        Evidence::Confirm => return Err(format!("`{text}` is not `yes`")),
    }
    match pattern(manual).map_err(|error| error.to_string())? {
        Some(pattern) if !pattern.is_match(text) => Err(format!(
            "`{text}` does not match {}",
            manual.expects.as_deref().unwrap_or_default()
        )),
        Some(_) | None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use salvor_contract::Answer;
    use serde_json::json;

    use super::Manual;
    use super::judge;

    fn check(
        manual: serde_json::Value,
        text: &str,
        role: Option<&str>,
        expected: Result<(), &str>,
    ) {
        let manual: Manual = serde_json::from_value(manual).expect("good inputs");
        let answer = Answer {
            text: text.to_owned(),
            by: "kim".to_owned(),
            role: role.map(str::to_owned),
            at: "2026-04-06T02:00:00Z".parse().expect("a moment"),
            file: None,
        };
        assert_eq!(judge(&manual, &answer), expected.map_err(str::to_owned));
    }

    #[test]
    fn an_answer_is_judged_by_evidence_role_and_pattern() {
        let ask = "Which?";
        check(json!({"ask": ask}), "the index", None, Ok(()));
        check(
            json!({"ask": ask}),
            "  ",
            None,
            Err("the answer has no words"),
        );
        check(json!({"ask": ask, "evidence": "none"}), "", None, Ok(()));
        check(
            json!({"ask": ask, "evidence": "confirm"}),
            "Yes",
            None,
            Ok(()),
        );
        check(
            json!({"ask": ask, "evidence": "confirm"}),
            "ok",
            None,
            Err("`ok` is not `yes`"),
        );
        check(
            json!({"ask": ask, "evidence": "file"}),
            "see file",
            None,
            Err("the step wants a file as evidence, and none was given"),
        );
        check(
            json!({"ask": ask, "role": "lead"}),
            "x",
            Some("lead"),
            Ok(()),
        );
        check(
            json!({"ask": ask, "role": "lead"}),
            "x",
            Some("guest"),
            Err("kim answered as guest, the step asks for lead"),
        );
        check(json!({"ask": ask, "role": "lead"}), "x", None, Ok(()));
        check(json!({"ask": ask, "expects": "[0-9]+"}), "17", None, Ok(()));
        check(
            json!({"ask": ask, "expects": "[0-9]+"}),
            "17 or so",
            None,
            Err("`17 or so` does not match [0-9]+"),
        );
    }
}
