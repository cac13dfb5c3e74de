//! Writes a draft as the text of a plan.

use toml_edit::Array;
use toml_edit::DocumentMut;
use toml_edit::Item;
use toml_edit::Table;
use toml_edit::Value;
use toml_edit::value;

use crate::import::draft::Draft;
use crate::import::draft::DraftStep;
use crate::import::draft::Remark;
use crate::import::outline::clean;

/// The plan lists up to so many remarks of each sort: with more it could become longer than a plan may be.
const REMARKS_MAX: usize = 200;

/// The text of a plan of this name. `document` is how the document is called.
pub fn write(draft: &Draft, name: &str, document: &str) -> String {
    let mut plan = DocumentMut::new();
    plan["format"] = value(1);
    plan["plan"] = Item::Table(Table::new());
    plan["plan"]["name"] = value(name);
    plan["plan"]["title"] = value(draft.title.as_str());
    let mut steps = Table::new();
    steps.set_implicit(true);
    let mut scenarios = Table::new();
    scenarios.set_implicit(true);
    for step in &draft.steps {
        steps.insert(&step.name, Item::Table(table_of(step)));
    }
    for scenario in &draft.scenarios {
        let mut table = Table::new();
        table.insert("title", value(scenario.title.as_str()));
        table.insert("goal", value(Array::from_iter([scenario.goal.as_str()])));
        scenarios.insert(&scenario.name, Item::Table(table));
    }
    if draft.steps.is_empty() {
        let mut step = Table::new();
        step.insert("uses", value("manual"));
        let mut with = Table::new();
        with.insert(
            "ask",
            value("Nothing of the document could be placed. What is to be done?"),
        );
        with.insert("role", value("operator"));
        step.insert("with", Item::Table(with));
        steps.insert("read", Item::Table(step));
        let mut scenario = Table::new();
        scenario.insert("goal", value(Array::from_iter(["read"])));
        scenarios.insert("document", Item::Table(scenario));
    }
    plan["steps"] = Item::Table(steps);
    plan["scenarios"] = Item::Table(scenarios);
    format!("{}{plan}", head(draft, document))
}

fn head(draft: &Draft, document: &str) -> String {
    let document = one_line(&clean(document));
    let mut head = format!(
        "# A draft, made of {document} by `salvor import`: read it against the document, line by line.\n"
    );
    for (what, of) in [
        (
            "Objectives of the document, for `rpo` and `rto` of the scenarios",
            &draft.objectives,
        ),
        ("Not placed", &draft.unplaced),
        ("Placed otherwise than written", &draft.changed),
    ] {
        if !of.is_empty() {
            head.push_str(&format!("#\n# {what}:\n{}", remarks(of)));
        }
    }
    head.push('\n');
    head
}

fn remarks(of: &[Remark]) -> String {
    let listed = of.iter().take(REMARKS_MAX);
    let listed =
        listed.map(|remark| format!("#   line {}: {}\n", remark.line, one_line(&remark.what)));
    let more = of.len().saturating_sub(REMARKS_MAX);
    let more = (more > 0).then(|| format!("#   and {more} more, which `salvor import` listed\n"));
    listed.chain(more).collect()
}

fn table_of(step: &DraftStep) -> Table {
    let mut table = Table::new();
    let mut prefix = format!("\n# line {}\n", step.line);
    for command in &step.left_out {
        prefix.push_str("# a command that a plan does not take as it is:\n");
        prefix.extend(
            command
                .lines()
                .map(|line| format!("#   {}\n", one_line(line))),
        );
    }
    table.decor_mut().set_prefix(prefix);
    table.insert("title", value(step.title.as_str()));
    table.insert("uses", value("manual"));
    if let Some(needs) = &step.needs {
        table.insert("needs", value(Array::from_iter([needs.as_str()])));
    }
    let mut with = Table::new();
    with.insert("ask", value(step.ask.as_str()));
    with.insert("role", value("operator"));
    if step.is_check {
        with.insert("evidence", value("confirm"));
    }
    if !step.commands.is_empty() {
        let mut list = Array::new();
        for command in &step.commands {
            let mut written = Value::from(command.as_str());
            written.decor_mut().set_prefix("\n    ");
            list.push_formatted(written);
        }
        list.set_trailing("\n");
        list.set_trailing_comma(true);
        with.insert("commands", value(list));
    }
    table.insert("with", Item::Table(with));
    table
}

/// A text that ends no comment.
fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}
