//! A graph in the language of Mermaid, which Markdown pages of code hosts draw.

use crate::graph::picture::Picture;
use crate::graph::picture::effect_word;

/// The graph as a Mermaid flow chart.
pub fn mermaid(picture: &Picture) -> String {
    let mut text = format!(
        "---\ntitle: {}\n---\nflowchart TD\n",
        quoted(&picture.title)
    );
    for (index, step) in picture.steps.iter().enumerate() {
        let label = [
            format!("<b>{}</b>", escaped(&step.name)),
            escaped(&step.title),
            escaped(&format!("{} · {}", step.kind, effect_word(step.effect))),
        ];
        text.push_str(&format!("  s{index}[\"{}\"]\n", label.join("<br/>")));
    }
    for edge in &picture.edges {
        let arrow = match (edge.is_critical, edge.is_soft) {
            (_, true) => "-.->",
            (true, false) => "==>",
            (false, false) => "-->",
        };
        text.push_str(&format!("  s{} {arrow} s{}\n", edge.from, edge.to));
    }
    let mut class = |name: &str, style: &str, is_member: &dyn Fn(usize) -> bool| {
        let members: Vec<String> = (0..picture.steps.len())
            .filter(|i| is_member(*i))
            .map(|i| format!("s{i}"))
            .collect();
        if !members.is_empty() {
            text.push_str(&format!(
                "  classDef {name} {style}\n  class {} {name}\n",
                members.join(",")
            ));
        }
    };
    class("critical", "stroke-width:3px", &|i| {
        picture.steps[i].is_critical
    });
    class("finally", "stroke-dasharray:4 3", &|i| {
        picture.steps[i].is_finally
    });
    text
}

fn quoted(text: &str) -> String {
    // A JSON string is a YAML string.
    serde_json::Value::from(text).to_string()
}

/// Mermaid reads `#name;` as an entity and a quote as the end of the label.
fn escaped(text: &str) -> String {
    text.replace('#', "#35;")
        .replace('&', "#amp;")
        .replace('"', "#quot;")
        .replace('<', "#lt;")
        .replace('>', "#gt;")
        .replace('\n', " ")
}
