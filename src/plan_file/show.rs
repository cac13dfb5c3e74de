//! Shows problems as text: the source line, underlined, what to do, and the edit where there is one.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use annotate_snippets::Annotation;
use annotate_snippets::AnnotationKind;
use annotate_snippets::Group;
use annotate_snippets::Level;
use annotate_snippets::Origin;
use annotate_snippets::Renderer;
use annotate_snippets::Snippet;
use anstyle::AnsiColor;

use crate::plan_file::edit::Edit;
use crate::plan_file::problem::Label;
use crate::plan_file::problem::Problem;
use crate::plan_file::problem::Problems;
use crate::plan_file::problem::Severity;
use crate::plan_file::source::FileId;
use crate::plan_file::source::Position;
use crate::plan_file::source::SourceFile;
use crate::plan_file::source::Sources;

/// A line of an edit that is longer is shown in part.
const LINE_MAX: usize = 120;

/// Whether colour underlines the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// Text only.
    Plain,
    /// With colour.
    Coloured,
}

/// All problems as text, an empty line between two.
pub fn show(problems: &Problems, sources: &Sources, look: Look) -> String {
    let renderer = match look {
        Look::Plain => Renderer::plain(),
        Look::Coloured => Renderer::styled(),
    };
    let secret = secret_lines(problems, sources);
    let mut text = String::new();
    for problem in problems.iter() {
        if !text.is_empty() {
            text.push('\n');
        }
        let labels = problem.primary.iter().chain(&problem.secondary);
        let is_hidden = labels.clone().any(|label| {
            let lines = lines_of(sources, label.at);
            lines
                .into_iter()
                .any(|line| secret.contains(&(label.at.file, line)))
        });
        text.push_str(&one(problem, is_hidden, sources, &renderer));
        text.push('\n');
        if let (false, Some(fix)) = (is_hidden, &problem.fix)
            && let Some(edit) = fix.edit(sources)
        {
            let last = labels.map(|label| sources.line(label.at)).max();
            text.push_str(&difference(&edit, sources, last.unwrap_or_default(), look));
        }
    }
    text
}

/// The lines on which secrets stand: no problem shows them, whatever it is about.
fn secret_lines(problems: &Problems, sources: &Sources) -> BTreeSet<(FileId, usize)> {
    let hidden = problems.iter().filter(|problem| problem.is_hidden);
    hidden
        .flat_map(|problem| &problem.primary)
        .flat_map(|label| lines_of(sources, label.at).map(|line| (label.at.file, line)))
        .collect()
}

fn lines_of(sources: &Sources, at: Position) -> RangeInclusive<usize> {
    let place = sources.place(at);
    place.line..=place.end_line
}

fn one(problem: &Problem, is_hidden: bool, sources: &Sources, renderer: &Renderer) -> String {
    let level = match problem.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level
        .primary_title(problem.title.as_str())
        .id(problem.code.to_string());
    let mut group = Group::with_title(title);
    if let Some(primary) = &problem.primary {
        if is_hidden {
            let file = sources.file(primary.at.file);
            let place = sources.place(primary.at);
            group = group.element(
                Origin::path(file.shown.as_str())
                    .line(place.line)
                    .char_column(place.column),
            );
        } else {
            group = group.element(snippet(sources, primary.at.file, problem, primary));
            let mut others: Vec<FileId> = problem.secondary.iter().map(|l| l.at.file).collect();
            others.sort_unstable();
            others.dedup();
            others.retain(|file| *file != primary.at.file);
            for file in others {
                group = group.element(snippet(sources, file, problem, primary));
            }
        }
    }
    for note in &problem.notes {
        group = group.element(Level::NOTE.message(visible(note)));
    }
    // The edit comes last: its lines follow.
    for help in &problem.help {
        group = group.element(Level::HELP.message(visible(help)));
    }
    if let Some(fix) = &problem.fix {
        group = group.element(Level::HELP.message(visible(&fix.title)));
    }
    renderer.render(&[group])
}

/// The lines of an edit before and after it, in the columns of the message above.
fn difference(edit: &Edit, sources: &Sources, last: usize, look: Look) -> String {
    let text = sources.file(edit.at.file).text.as_str();
    let (start, end) = (edit.at.start, edit.at.end.max(edit.at.start));
    let from = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let to = text[end..].find('\n').map_or(text.len(), |at| end + at);
    let before = &text[from..to];
    let after = format!("{}{}{}", &text[from..start], edit.text, &text[end..to]);
    let first = sources.line(edit.at);
    let width = last
        .max(first + before.matches('\n').count())
        .to_string()
        .len();
    let mut shown = format!("{:width$} |\n", "");
    let sides = [
        ('-', before, AnsiColor::BrightRed),
        ('+', after.as_str(), AnsiColor::BrightGreen),
    ];
    for (sign, lines, colour) in sides {
        for (number, line) in (first..).zip(lines.lines()) {
            let line = format!(
                "{number:>width$} {sign} {}",
                visible(&window(line, start - from))
            );
            let style = colour.on_default();
            match look {
                Look::Plain => shown.push_str(line.trim_end()),
                Look::Coloured => shown.push_str(&format!("{style}{line}{style:#}")),
            }
            shown.push('\n');
        }
    }
    shown
}

/// The part of a long line that lies around a byte of it.
fn window(line: &str, at: usize) -> String {
    let length = line.chars().count();
    if length <= LINE_MAX {
        return line.to_owned();
    }
    let at = line.get(..at).map_or(0, |before| before.chars().count());
    let from = at.saturating_sub(LINE_MAX / 2).min(length - LINE_MAX);
    let part: String = line.chars().skip(from).take(LINE_MAX).collect();
    let dots = |is_cut: bool| if is_cut { "..." } else { "" };
    format!("{}{part}{}", dots(from > 0), dots(from + LINE_MAX < length))
}

fn snippet<'a>(
    sources: &'a Sources,
    file: FileId,
    problem: &'a Problem,
    primary: &'a Label,
) -> Snippet<'a, Annotation<'a>> {
    let source = sources.file(file);
    let length = source.text.len();
    let first = std::iter::once((primary, AnnotationKind::Primary));
    let others = problem.secondary.iter();
    let labels = first.chain(others.map(|label| (label, AnnotationKind::Context)));
    let labels: Vec<_> = labels.filter(|(label, _)| label.at.file == file).collect();
    let (from, to, line) = excerpt(sources, source, labels.iter().map(|(label, _)| label.at));
    let annotation = |(label, kind): (&'a Label, AnnotationKind)| {
        let start = label.at.start.min(length);
        let end = first_line_end(&source.text, start, label.at.end.min(length));
        kind.span(start - from..end - from)
            .label(label.text.as_str())
    };
    let snippet = Snippet::source(&source.text[from..to])
        .path(source.shown.as_str())
        .line_start(line);
    snippet.annotations(labels.into_iter().map(annotation))
}

/// The bytes of the lines from the first to the last of some places, with one more before and behind, and the number
/// of the first line. The renderer reads all that it is given, once for each problem.
fn excerpt(
    sources: &Sources,
    source: &SourceFile,
    places: impl Iterator<Item = Position>,
) -> (usize, usize, usize) {
    let lines = places.map(|at| sources.place(at));
    let (first, last) = lines.fold((usize::MAX, 1), |(first, last), place| {
        (first.min(place.line), last.max(place.line))
    });
    let first = first.min(last).saturating_sub(1).max(1);
    let to = source.begin_of_line(last + 2);
    (source.begin_of_line(first), to, first)
}

/// A place that goes over several lines is underlined on its first: the rest is noise.
fn first_line_end(text: &str, start: usize, end: usize) -> usize {
    text.get(start..end)
        .and_then(|part| part.find('\n'))
        .map_or(end.max(start), |length| start + length)
}

/// Texts may quote what a plan says: what would act on a terminal is shown as its escape.
pub fn visible(text: &str) -> String {
    text.chars()
        .flat_map(|c| {
            let is_safe = c == '\n' || !crate::plan_file::names::is_deceptive(c);
            let escaped: Vec<char> = if is_safe {
                vec![c]
            } else {
                c.escape_unicode().collect()
            };
            escaped
        })
        .collect()
}
