//! A graph as a list for a terminal: one step a line by level, with what it waits for.

use unicode_width::UnicodeWidthStr;

use crate::graph::picture::Picture;
use crate::graph::picture::effect_word;

/// The graph as text.
///
/// ```text
/// calabi · full
///
///  1 * infra      create  terraform.apply
///  2 * metadata   create  aws.rds-restore    after infra
/// ```
pub fn text(picture: &Picture) -> String {
    let mut waits: Vec<Vec<String>> = vec![Vec::new(); picture.steps.len()];
    for edge in &picture.edges {
        let name = &picture.steps[edge.from].name;
        waits[edge.to].push(if edge.is_soft {
            format!("({name})")
        } else {
            name.clone()
        });
    }
    let mut order: Vec<usize> = (0..picture.steps.len()).collect();
    order.sort_by_key(|step| (picture.steps[*step].level, *step));
    let width = |of: &dyn Fn(usize) -> usize| order.iter().map(|step| of(*step)).max().unwrap_or(0);
    let names = width(&|step| picture.steps[step].name.width());
    let effects = width(&|step| effect_word(picture.steps[step].effect).width());
    let kinds = width(&|step| picture.steps[step].kind.width());
    let mut text = format!("{}\n\n", picture.title);
    let mut level_before = None;
    for index in order {
        let step = &picture.steps[index];
        let level = match level_before.replace(step.level) {
            Some(before) if before == step.level => String::new(),
            Some(_) | None => (step.level + 1).to_string(),
        };
        let mark = if step.is_critical { '*' } else { ' ' };
        let mut line = format!(
            "{level:>3} {mark} {:names$}  {:effects$}  {:kinds$}",
            step.name,
            effect_word(step.effect),
            step.kind
        );
        if !waits[index].is_empty() {
            line.push_str(&format!("  after {}", waits[index].join(", ")));
        }
        if step.is_finally {
            line.push_str("  also when the run fails");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    if picture.steps.iter().any(|step| step.is_critical) {
        text.push_str("\n* on the critical path");
        let path: Vec<&str> = picture
            .steps
            .iter()
            .filter(|s| s.is_critical)
            .map(|s| s.name.as_str())
            .collect();
        text.push_str(&format!(": {}\n", path.join(" → ")));
    }
    if picture.edges.iter().any(|edge| edge.is_soft) {
        text.push_str("(name): goes first when both are in the run, but is not needed\n");
    }
    text
}
