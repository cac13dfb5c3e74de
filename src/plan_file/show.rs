//! Shows problems as text: the source line, underlined, and what to do.

use annotate_snippets::Annotation;
use annotate_snippets::AnnotationKind;
use annotate_snippets::Group;
use annotate_snippets::Level;
use annotate_snippets::Origin;
use annotate_snippets::Renderer;
use annotate_snippets::Snippet;

use crate::plan_file::problem::Label;
use crate::plan_file::problem::Problem;
use crate::plan_file::problem::Problems;
use crate::plan_file::problem::Severity;
use crate::plan_file::source::FileId;
use crate::plan_file::source::Sources;

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
    let mut text = String::new();
    for problem in problems.iter() {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&one(problem, sources, &renderer));
        text.push('\n');
    }
    text
}

fn one(problem: &Problem, sources: &Sources, renderer: &Renderer) -> String {
    let level = match problem.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(problem.title.as_str());
    let mut group = Group::with_title(title);
    if let Some(primary) = &problem.primary {
        if problem.is_hidden {
            let file = sources.file(primary.at.file);
            let before = &file.text[..primary.at.start.min(file.text.len())];
            let column = before
                .rsplit('\n')
                .next()
                .unwrap_or_default()
                .chars()
                .count();
            group = group.element(
                Origin::path(file.shown.as_str())
                    .line(sources.line(primary.at))
                    .char_column(column + 1),
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
    for help in &problem.help {
        group = group.element(Level::HELP.message(visible(help)));
    }
    renderer.render(&[group])
}

fn snippet<'a>(
    sources: &'a Sources,
    file: FileId,
    problem: &'a Problem,
    primary: &'a Label,
) -> Snippet<'a, Annotation<'a>> {
    let source = sources.file(file);
    let length = source.text.len();
    let annotation = |label: &'a Label, kind: AnnotationKind| {
        let start = label.at.start.min(length);
        let end = first_line_end(&source.text, start, label.at.end.min(length));
        kind.span(start..end).label(label.text.as_str())
    };
    let mut snippet = Snippet::source(source.text.as_str()).path(source.shown.as_str());
    if primary.at.file == file {
        snippet = snippet.annotation(annotation(primary, AnnotationKind::Primary));
    }
    for label in problem.secondary.iter().filter(|l| l.at.file == file) {
        snippet = snippet.annotation(annotation(label, AnnotationKind::Context));
    }
    snippet
}

/// A place that goes over several lines is underlined on its first: the rest is noise.
fn first_line_end(text: &str, start: usize, end: usize) -> usize {
    text.get(start..end)
        .and_then(|part| part.find('\n'))
        .map_or(end.max(start), |length| start + length)
}

/// Notes may quote what a plan says: what would act on a terminal is shown as its escape.
fn visible(text: &str) -> String {
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
