//! A graph as one SVG document that needs nothing else: no script, no font, no style sheet.

use salvor_contract::Effect;
use unicode_width::UnicodeWidthChar;
use unicode_width::UnicodeWidthStr;

use crate::graph::layout::BOX_HEIGHT;
use crate::graph::layout::BOX_WIDTH;
use crate::graph::layout::layout;
use crate::graph::picture::Picture;
use crate::graph::picture::PictureStep;
use crate::graph::picture::effect_word;

/// How many columns of text fit into a box.
const COLUMNS: usize = 32;

/// The graph as an SVG document.
pub fn svg(picture: &Picture) -> String {
    let layout = layout(picture);
    let (width, height) = (layout.width.max(BOX_WIDTH + 48.0), layout.height + 22.0);
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" viewBox=\"0 0 {width:.0} {height:.0}\" font-family=\"system-ui, sans-serif\" font-size=\"11\">\n\
         <title>{title}</title>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n\
         <defs><marker id=\"arrow\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" orient=\"auto\"><path d=\"M0 0 8 4 0 8z\" fill=\"#475569\"/></marker></defs>\n\
         <text x=\"24\" y=\"30\" font-size=\"14\" font-weight=\"600\" fill=\"#0f172a\">{title}</text>\n",
        title = escaped(&picture.title)
    );
    for (edge, route) in picture.edges.iter().zip(&layout.routes) {
        let (colour, stroke) = if edge.is_critical {
            ("#0f172a", "2.4")
        } else {
            ("#94a3b8", "1.2")
        };
        let dashes = if edge.is_soft {
            " stroke-dasharray=\"5 4\""
        } else {
            ""
        };
        text.push_str(&format!(
            "<path d=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"{stroke}\"{dashes} marker-end=\"url(#arrow)\"/>\n",
            curve(route)
        ));
    }
    for (step, (x, y)) in picture.steps.iter().zip(&layout.boxes) {
        text.push_str(&drawn(step, *x, *y));
    }
    text.push_str(&format!(
        "<text x=\"24\" y=\"{:.0}\" fill=\"#475569\">heavy line: critical path; dashed edge: order only; dashed box: also when the run fails</text>\n</svg>\n",
        height - 12.0
    ));
    text
}

fn drawn(step: &PictureStep, x: f64, y: f64) -> String {
    let (fill, border) = colours(step.effect);
    let stroke = if step.is_critical { "2.6" } else { "1.2" };
    let dashes = if step.is_finally {
        " stroke-dasharray=\"5 3\""
    } else {
        ""
    };
    let line = |dy: f64, style: &str, words: &str| {
        format!(
            "<text x=\"{:.1}\" y=\"{:.1}\" {style}>{}</text>",
            x + 10.0,
            y + dy,
            escaped(&cut(words))
        )
    };
    format!(
        "<g><title>{}</title><rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{BOX_WIDTH}\" height=\"{BOX_HEIGHT}\" rx=\"5\" fill=\"{fill}\" stroke=\"{border}\" stroke-width=\"{stroke}\"{dashes}/>{}{}{}</g>\n",
        escaped(&format!("{}: {} ({})", step.name, step.title, step.kind)),
        line(18.0, "font-weight=\"600\" fill=\"#0f172a\"", &step.name),
        line(33.0, "fill=\"#0f172a\"", &step.title),
        line(
            48.0,
            "fill=\"#475569\"",
            &format!("{} · {}", effect_word(step.effect), step.kind)
        ),
    )
}

/// Fill and border; the words in the box say the same.
fn colours(effect: Option<Effect>) -> (&'static str, &'static str) {
    match effect {
        Some(Effect::Create) => ("#f0fdf4", "#15803d"),
        Some(Effect::Change) => ("#fefce8", "#a16207"),
        Some(Effect::Replace | Effect::Delete) => ("#fef2f2", "#b91c1c"),
        Some(Effect::Ask) => ("#f5f3ff", "#6d28d9"),
        Some(Effect::Run) => ("#eff6ff", "#1d4ed8"),
        Some(Effect::Nothing | Effect::Read) | None => ("#f8fafc", "#475569"),
    }
}

/// A path through the points: straight along boxes, curved between levels.
fn curve(points: &[(f64, f64)]) -> String {
    let Some((first, rest)) = points.split_first() else {
        return String::new();
    };
    let mut path = format!("M{:.1} {:.1}", first.0, first.1);
    let mut before = *first;
    for (index, point) in rest.iter().enumerate() {
        // Points come in pairs: over a gap, then along a level.
        if index % 2 == 0 {
            let middle = (before.1 + point.1) / 2.0;
            path.push_str(&format!(
                " C{:.1} {middle:.1} {:.1} {middle:.1} {:.1} {:.1}",
                before.0, point.0, point.0, point.1
            ));
        } else {
            path.push_str(&format!(" L{:.1} {:.1}", point.0, point.1));
        }
        before = *point;
    }
    path
}

fn cut(text: &str) -> String {
    if text.width() <= COLUMNS {
        return text.to_owned();
    }
    let mut columns = 0;
    let kept = text.chars().take_while(|c| {
        columns += c.width().unwrap_or(0);
        columns < COLUMNS
    });
    let mut short: String = kept.collect();
    short.push('…');
    short
}

fn escaped(text: &str) -> String {
    let visible = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut safe = String::with_capacity(text.len());
    for c in visible {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            c => safe.push(c),
        }
    }
    safe
}
