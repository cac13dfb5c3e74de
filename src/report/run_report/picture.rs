//! The course of a run as a picture: a bar a step, in SVG that stands in the page.
//!
//! Places are shares of the width and sizes of letters are not, so it is readable on a phone and on a screen.
//! What a colour says is also said by a pattern, a mark or a word, and by the table below the picture.

use std::fmt::Write as _;
use std::time::Duration;

use jiff::SignedDuration;

use crate::recovery_points::length_words;
use crate::report::html::escape;
use crate::report::layout::cut;
use crate::report::run_report::Report;
use crate::report::run_report::Span;
use crate::report::run_report::SpanKind;
use crate::report::run_report::StepLine;
use crate::report::runs::status_word;

/// Pixels from the top to the first step: the objective, the time since the opening, the time of day.
const HEAD: usize = 58;
/// Pixels a step.
const LANE: usize = 36;
/// Pixels from the top of a step's lane to its bar.
const BAR_TOP: usize = 19;
/// Pixels of a bar.
const BAR: usize = 11;
/// Columns of a step's name beside what is said of it; a phone has room for about fifty in all.
const NAME_MAX: usize = 24;
/// The whole width, in hundredths of a per cent.
const WIDTH: u64 = 10_000;
/// The width of what is too short to be seen.
const SHORTEST: u64 = 40;
/// Lines of time, at most.
const TICKS_MAX: u64 = 4;

/// Lengths of time at which lines are drawn, in milliseconds.
const TICKS: [u64; 22] = [
    1,
    10,
    100,
    500,
    1_000,
    2_000,
    5_000,
    10_000,
    30_000,
    60_000,
    120_000,
    300_000,
    600_000,
    1_800_000,
    3_600_000,
    7_200_000,
    14_400_000,
    28_800_000,
    86_400_000,
    172_800_000,
    604_800_000,
    2_419_200_000,
];

/// The picture of a run.
pub(super) fn picture(report: &Report) -> String {
    let scale = Scale::of(report);
    let height = HEAD + LANE * report.steps.len() + 6;
    let mut svg = format!(
        "<svg class=\"picture\" role=\"img\" aria-labelledby=\"picture-title picture-what\" width=\"100%\" \
         height=\"{height}\"><title id=\"picture-title\">Course of the run</title>\
         <desc id=\"picture-what\">{}</desc>{PATTERNS}",
        escape(&said(report))
    );
    for (place, pause) in report.pauses.iter().enumerate() {
        let _ = write!(
            svg,
            "<g><title>{}</title><rect class=\"pause\" fill=\"url(#gone)\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"/>{}</g>",
            escape(&pause.words()),
            scale.at(pause.from_ms),
            HEAD - 14,
            scale.length(pause.from_ms, pause.until_ms),
            height - HEAD + 14,
            text(
                scale.share(u64::midpoint(pause.from_ms, pause.until_ms)),
                HEAD - 3,
                "tag",
                &letter(place)
            )
        );
    }
    svg.push_str(&ticks(report, &scale, height));
    svg.push_str(&objective(report, &scale, height));
    for (place, step) in report.steps.iter().enumerate() {
        svg.push_str(&lane(step, HEAD + LANE * place, &scale));
    }
    svg.push_str("</svg>");
    svg
}

/// What the patterns and marks of a picture mean; only those that occur in it.
pub(super) fn legend(report: &Report) -> String {
    let spans = || report.steps.iter().flat_map(|step| &step.spans);
    let has = |kind: SpanKind| spans().any(|span| span.kind == kind);
    let keys = [
        (has(SpanKind::Work), "work", "an operation is under way"),
        (
            has(SpanKind::Person),
            "person",
            "waits for a person's answer",
        ),
        (
            has(SpanKind::BetweenTries),
            "between",
            "failed, the next try is not due yet",
        ),
    ];
    let mut legend = String::from("<ul class=\"legend\">");
    for (_, class, words) in keys.iter().filter(|(occurs, ..)| *occurs) {
        let _ = write!(
            legend,
            "<li><svg class=\"key\" width=\"28\" height=\"{BAR}\" aria-hidden=\"true\">{}</svg> {words}</li>",
            rect(class, "0", 0, "100%")
        );
    }
    if !report.deciding.is_empty() {
        let _ = write!(
            legend,
            "<li>◆ and a thick line: {}</li>",
            report.path_name()
        );
    }
    if report.steps.iter().any(StepLine::is_bad) {
        legend.push_str("<li class=\"bad\">a broken line around it: failed or unknown</li>");
    }
    for (place, pause) in report.pauses.iter().enumerate() {
        let _ = write!(
            legend,
            "<li><b>{}</b> {}</li>",
            letter(place),
            escape(&pause.words())
        );
    }
    legend.push_str("</ul>");
    legend
}

/// Fills that differ without a colour. They are taken from the page's colours, also in the dark and on paper.
const PATTERNS: &str = "<defs>\
    <pattern id=\"person\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\"><rect class=\"ground\" width=\"6\" height=\"6\"/><rect class=\"stripe\" width=\"2.5\" height=\"6\"/></pattern>\
    <pattern id=\"between\" width=\"5\" height=\"5\" patternUnits=\"userSpaceOnUse\"><rect class=\"ground\" width=\"5\" height=\"5\"/><circle class=\"dot\" cx=\"2.5\" cy=\"2.5\" r=\"1.1\"/></pattern>\
    <pattern id=\"gone\" width=\"8\" height=\"8\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(-45)\"><rect class=\"faint\" width=\"1.5\" height=\"8\"/></pattern>\
    </defs>";

/// The time that the width of the picture stands for.
struct Scale {
    whole_ms: u64,
}

impl Scale {
    /// The whole run; and its objective, where that does not press the run to less than half.
    fn of(report: &Report) -> Self {
        let ran = run_ms(report).max(1);
        let objective = objective_ms(report).filter(|objective| *objective / 2 <= ran);
        Self {
            whole_ms: objective.map_or(ran, |objective| objective.max(ran)),
        }
    }

    /// Where a moment is, in hundredths of a per cent of the width.
    fn share(&self, ms: u64) -> u64 {
        let share = u128::from(ms.min(self.whole_ms)) * u128::from(WIDTH);
        u64::try_from(share / u128::from(self.whole_ms)).unwrap_or(WIDTH)
    }

    fn at(&self, ms: u64) -> String {
        percent(self.share(ms))
    }

    fn length(&self, from_ms: u64, until_ms: u64) -> String {
        // What is too short to be seen is shown as a line.
        let share = self.share(until_ms).saturating_sub(self.share(from_ms));
        percent(share.max(SHORTEST))
    }
}

fn percent(share: u64) -> String {
    format!("{}.{:02}%", share / 100, share % 100)
}

fn run_ms(report: &Report) -> u64 {
    millis(report.assessment.rto.actual.duration())
}

fn objective_ms(report: &Report) -> Option<u64> {
    let objective = report.assessment.rto.objective?;
    Some(millis(objective.duration()))
}

fn millis(length: Duration) -> u64 {
    u64::try_from(length.as_millis()).unwrap_or(u64::MAX)
}

fn letter(place: usize) -> String {
    let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let letter = letters.chars().nth(place);
    letter.map_or_else(|| (place + 1).to_string(), String::from)
}

/// The picture in a sentence, for who does not see it.
fn said(report: &Report) -> String {
    let length = length_words(Duration::from_millis(run_ms(report)));
    let path: Vec<&str> = report.deciding.iter().map(|name| name.as_str()).collect();
    let path = match path.as_slice() {
        [] => String::new(),
        path => format!(" Decided by {}.", path.join(", ")),
    };
    format!(
        "{} steps over {length}.{path} The table below has the same times.",
        report.steps.len()
    )
}

/// Lines at round lengths of time, with the length and the time of day.
fn ticks(report: &Report, scale: &Scale, height: usize) -> String {
    let every = TICKS
        .iter()
        .copied()
        .find(|tick| scale.whole_ms / tick <= TICKS_MAX)
        .unwrap_or(scale.whole_ms);
    let mut svg = String::new();
    for ms in (0..=scale.whole_ms / every).map(|count| count * every) {
        let share = scale.share(ms);
        let at = percent(share);
        let clock = i64::try_from(ms)
            .ok()
            .and_then(|ms| {
                report
                    .opened
                    .checked_add(SignedDuration::from_millis(ms))
                    .ok()
            })
            .map(|moment| moment.strftime("%H:%M:%S").to_string());
        let _ = write!(
            svg,
            "<line class=\"tick\" x1=\"{at}\" y1=\"{HEAD}\" x2=\"{at}\" y2=\"{height}\"/>{}{}",
            text(share, 28, "time", &length_words(Duration::from_millis(ms))),
            text(share, 42, "clock", &clock.unwrap_or_default())
        );
    }
    svg
}

/// The time objective: a line, or what is said of it when it lies outside.
fn objective(report: &Report, scale: &Scale, height: usize) -> String {
    let Some(objective) = objective_ms(report) else {
        return String::new();
    };
    let words = format!("RTO {}", length_words(Duration::from_millis(objective)));
    if objective > scale.whole_ms {
        return text(WIDTH, 12, "rto-tag", &format!("{words} is further right →"));
    }
    let share = scale.share(objective);
    let at = percent(share);
    format!(
        "<line class=\"rto\" x1=\"{at}\" y1=\"{}\" x2=\"{at}\" y2=\"{height}\"/>{}",
        HEAD - 14,
        text(share, 12, "rto-tag", &words)
    )
}

fn lane(step: &StepLine, top: usize, scale: &Scale) -> String {
    let mark = if step.is_deciding { "◆ " } else { "" };
    let words = [
        step.took_words(),
        status_word(step.status).to_owned(),
        match step.attempts {
            0 | 1 => String::new(),
            tries => format!("{tries} tries"),
        },
    ];
    let words: Vec<&str> = words
        .iter()
        .map(String::as_str)
        .filter(|word| !word.is_empty())
        .collect();
    let label = format!("{mark}{}", cut(step.step.as_str(), NAME_MAX));
    let mut svg = format!(
        "<g class=\"{}\"><title>{}</title><text x=\"0\" y=\"{}\"><tspan class=\"name\">{}</tspan> · {}</text>\
         <line class=\"ground-line\" x1=\"0\" y1=\"{line}\" x2=\"100%\" y2=\"{line}\"/>",
        class(step),
        escape(&format!("{}: {}", step.step, step.title)),
        top + 13,
        escape(&label),
        escape(&words.join(" · ")),
        line = top + BAR_TOP + BAR / 2,
    );
    for span in &step.spans {
        svg.push_str(&bar(*span, top + BAR_TOP, scale));
    }
    svg.push_str("</g>");
    svg
}

fn class(step: &StepLine) -> &'static str {
    match (step.is_bad(), step.is_deciding) {
        (true, true) => "lane bad deciding",
        (true, false) => "lane bad",
        (false, true) => "lane deciding",
        (false, false) => "lane",
    }
}

fn bar(span: Span, top: usize, scale: &Scale) -> String {
    let class = match span.kind {
        SpanKind::Work => "work",
        SpanKind::Person => "person",
        SpanKind::BetweenTries => "between",
    };
    // What ends with the run must not stand outside it, however short it is.
    let from = scale.share(span.from_ms).min(WIDTH - SHORTEST);
    rect(
        class,
        &percent(from),
        top,
        &scale.length(span.from_ms, span.until_ms),
    )
}

fn rect(class: &str, x: &str, y: usize, width: &str) -> String {
    let fill = match class {
        "person" => " fill=\"url(#person)\"",
        "between" => " fill=\"url(#between)\"",
        _ => "",
    };
    format!(
        "<rect class=\"{class}\"{fill} x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{BAR}\" rx=\"2\"/>"
    )
}

/// A text at a share of the width that does not leave the picture.
fn text(share: u64, y: usize, class: &str, words: &str) -> String {
    let anchor = if share < WIDTH / 12 {
        "start"
    } else if share > WIDTH - WIDTH / 12 {
        "end"
    } else {
        "middle"
    };
    format!(
        "<text class=\"{class}\" x=\"{}\" y=\"{y}\" text-anchor=\"{anchor}\">{}</text>",
        percent(share),
        escape(words)
    )
}
