//! A graph in the language of Graphviz.

use salvor_contract::Effect;

use crate::graph::picture::Picture;
use crate::graph::picture::effect_word;

/// The graph as a DOT document.
pub fn dot(picture: &Picture) -> String {
    let mut text = format!(
        "digraph run {{\n  label={};\n  labelloc=t;\n  rankdir=TB;\n  node [shape=box, fontname=\"sans-serif\", fontsize=11];\n  edge [color=\"#64748b\"];\n",
        quoted(&picture.title)
    );
    for step in &picture.steps {
        let label = format!(
            "{}\n{}\n{} · {}",
            step.name,
            step.title,
            step.kind,
            effect_word(step.effect)
        );
        let mut style = Vec::new();
        if step.is_finally {
            style.push("dashed");
        }
        if step.is_critical {
            style.push("bold");
        }
        let mut line = format!("  {} [label={}", quoted(&step.name), quoted(&label));
        if !style.is_empty() {
            line.push_str(&format!(", style=\"{}\"", style.join(",")));
        }
        if matches!(step.effect, Some(Effect::Replace | Effect::Delete)) {
            line.push_str(", color=\"#b91c1c\"");
        }
        line.push_str("];\n");
        text.push_str(&line);
    }
    for edge in &picture.edges {
        let mut style = Vec::new();
        if edge.is_soft {
            style.push("style=dashed");
        }
        if edge.is_critical {
            style.push("penwidth=2");
            style.push("color=\"#0f172a\"");
        }
        text.push_str(&format!(
            "  {} -> {}{};\n",
            quoted(&picture.steps[edge.from].name),
            quoted(&picture.steps[edge.to].name),
            if style.is_empty() {
                String::new()
            } else {
                format!(" [{}]", style.join(", "))
            }
        ));
    }
    text.push_str("}\n");
    text
}

fn quoted(text: &str) -> String {
    let escaped = text
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n");
    format!("\"{escaped}\"")
}
