//! A runbook as Markdown: to be printed, kept beside the plan, or pasted into a ticket.

use salvor_contract::Period;

use crate::recovery_points::length_words;
use crate::report::change_set_markdown::escaped;
use crate::report::runbook::Assignment;
use crate::report::runbook::Runbook;
use crate::report::runbook::RunbookStep;

/// The whole runbook. It is the same text for the same plan, so that two of them can be compared.
pub fn runbook_markdown(runbook: &Runbook) -> String {
    let mut text = format!(
        "# {}\n\n{}\n",
        escaped(&runbook.title),
        escaped(&runbook.scenario)
    );
    let objective = |name: &str, length: Option<Period>| {
        length.map(|length| format!("{name} {}", length_words(length.duration())))
    };
    let objectives: Vec<String> = [objective("RPO", runbook.rpo), objective("RTO", runbook.rto)]
        .into_iter()
        .flatten()
        .collect();
    if !objectives.is_empty() {
        text.push_str(&format!("\n{}\n", objectives.join(" · ")));
    }
    text.push_str(
        "\nSteps are in an order that keeps what each needs. Commands are for one POSIX shell in the plan's folder; \
         a command with a variable that is not set yet ends with an error and does nothing. Go on only when a command \
         ended well.\n",
    );
    if !runbook.inputs.is_empty() {
        text.push_str("\n## Values\n\n| input | value |\n|---|---|\n");
        for (name, value) in &runbook.inputs {
            text.push_str(&format!("| {} | {} |\n", escaped(name), escaped(value)));
        }
    }
    if !runbook.stores.is_empty() {
        text.push_str("\n## What can be lost\n\n| store | what | where | class | step |\n|---|---|---|---|---|\n");
        for store in &runbook.stores {
            text.push_str(&format!(
                "| {} | {} | {} | {} | {} |\n",
                escaped(&store.name),
                escaped(&store.title),
                escaped(&store.place),
                escaped(&store.class),
                numbers(&store.restored_by)
            ));
        }
    }
    let before = runbook.set_before();
    if !before.is_empty() {
        text.push_str(&format!(
            "\n## Before you begin, set\n\n{}\n\n{}",
            BEFORE,
            block(&before)
        ));
    }
    text.push_str("\n## Steps\n");
    for step in &runbook.steps {
        text.push_str(&step_text(step));
    }
    text
}

fn step_text(step: &RunbookStep) -> String {
    let mut text = format!("\n### Step {}: {}\n\n", step.number, escaped(&step.title));
    text.push_str(&format!(
        "- [ ] `{}`: {}\n",
        step.name,
        escaped(&step.summary)
    ));
    for fact in step.facts() {
        text.push_str(&format!("- {}\n", escaped(&fact)));
    }
    for note in &step.notes {
        text.push_str(&format!("\n{}\n", escaped(note)));
    }
    let typed = step.typed();
    if !typed.is_empty() {
        text.push('\n');
        text.push_str(&block(&typed));
    }
    text
}

/// What is typed, between fences that it cannot close.
pub(in crate::report) fn block(typed: &str) -> String {
    let fence = fence(typed);
    format!("{fence}sh\n{typed}{fence}\n")
}

/// A fence that is longer than any run of backticks in the text.
fn fence(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    "`".repeat(longest.max(2) + 1)
}

pub(super) fn numbers(numbers: &[usize]) -> String {
    let numbers: Vec<String> = numbers.iter().map(ToString::to_string).collect();
    numbers.join(", ")
}

/// What is said above the variables that the reader sets.
pub(super) const BEFORE: &str = "What no step tells. Where nothing stands behind the sign, look it up and write it \
                                 there; the lines at the end fail for secrets that the environment does not have.";

impl Runbook {
    /// What is typed before the first step.
    pub(super) fn set_before(&self) -> String {
        let set = self.before.iter().map(Assignment::typed);
        let secrets = self.secrets.iter();
        let secrets = secrets.map(|(name, what)| format!(": \"${{{name}:?}}\"  # {what}\n"));
        set.chain(secrets).collect()
    }
}

impl Assignment {
    fn typed(&self) -> String {
        format!("{}={}  # {}\n", self.variable, self.value, self.help)
    }
}

impl RunbookStep {
    /// What is to be known before the step is done, one line each.
    pub(super) fn facts(&self) -> Vec<String> {
        let mut facts = Vec::new();
        if let Some(destroys) = &self.destroys {
            facts.push(format!("DESTROYS {destroys}"));
        }
        if self.finally {
            facts.push("Do this also when the recovery fails.".to_owned());
        }
        if !self.needs.is_empty() {
            facts.push(match self.needs.as_slice() {
                [only] => format!("Not before step {only} is done."),
                all => format!("Not before steps {} are done.", numbers(all)),
            });
        }
        if !self.after.is_empty() {
            facts.push(format!(
                "Only for the order, after {}.",
                match self.after.as_slice() {
                    [only] => format!("step {only}"),
                    all => format!("steps {}", numbers(all)),
                }
            ));
        }
        let length = |length: Period| length_words(length.duration());
        match (self.expect, self.timeout) {
            (Some(expect), Some(timeout)) => facts.push(format!(
                "Usually takes {}; more than {} is a failure.",
                length(expect),
                length(timeout)
            )),
            (Some(expect), None) => facts.push(format!("Usually takes {}.", length(expect))),
            (None, Some(timeout)) => {
                facts.push(format!("More than {} is a failure.", length(timeout)));
            }
            (None, None) => {}
        }
        facts
    }

    /// What is typed: the commands, then the variables that later steps use.
    pub(super) fn typed(&self) -> String {
        let mut typed = String::new();
        for command in &self.commands {
            typed.push_str(command);
            typed.push('\n');
        }
        typed.extend(self.tells.iter().map(Assignment::typed));
        typed
    }
}
