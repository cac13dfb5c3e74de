//! Where each line of the five documents is: `plans/coverage.toml` says it, and `docs/seed-coverage.md` is made of it.
//!
//! Every place that is named must be there, and must be what it is said to be: all steps of a line that is `manual` ask,
//! none of one that is `automatic`. `UPDATE=1 cargo test --test plans` writes the page.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::path::PathBuf;

use serde::Deserialize;
use toml::Table;
use toml::Value;

/// How many lines the documents have, and the last what all of them need.
const LINES: [usize; 6] = [78, 43, 22, 31, 48, 8];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Coverage {
    document: Vec<Document>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    title: String,
    plan: Option<String>,
    section: Vec<Section>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Section {
    title: String,
    lines: Vec<Line>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    n: usize,
    says: String,
    how: How,
    at: Vec<String>,
    note: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
enum How {
    Automatic,
    Mixed,
    Manual,
    Policy,
    Test,
    Open,
}

impl How {
    const ALL: [Self; 6] = [
        Self::Automatic,
        Self::Mixed,
        Self::Manual,
        Self::Policy,
        Self::Test,
        Self::Open,
    ];

    fn word(self) -> &'static str {
        match self {
            Self::Automatic => "automatic",
            Self::Mixed => "mixed",
            Self::Manual => "manual",
            Self::Policy => "policy",
            Self::Test => "test",
            Self::Open => "open",
        }
    }
}

/// What a place turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    AskingStep,
    DoingStep,
    Declaration,
    Test,
}

/// A place that is there: the file that holds it, and what it is called in it.
struct Place {
    file: String,
    name: Option<String>,
    found: Found,
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn coverage() -> Coverage {
    let text = std::fs::read_to_string(root().join("plans/coverage.toml")).expect("it is there");
    toml::from_str(&text).unwrap_or_else(|error| panic!("plans/coverage.toml: {error}"))
}

/// The files below a folder with one of these endings, by path from the root of the repository.
pub(crate) fn files(folder: &str, ending: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut open = vec![root().join(folder)];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            let entries = std::fs::read_dir(&path).expect("a folder that can be read");
            open.extend(entries.map(|entry| entry.expect("an entry").path()));
        } else if path.extension().is_some_and(|found| found == ending) {
            let name = path.strip_prefix(root()).expect("below the root");
            let text = std::fs::read_to_string(&path).expect("a text");
            found.insert(name.to_string_lossy().into_owned(), text);
        }
    }
    found
}

/// What the repository has, read once.
struct Repository {
    /// The parsed files of each plan.
    plans: BTreeMap<String, BTreeMap<String, Table>>,
    /// All Rust sources.
    sources: BTreeMap<String, String>,
}

impl Repository {
    fn read() -> Self {
        let mut plans: BTreeMap<String, BTreeMap<String, Table>> = BTreeMap::new();
        for (file, text) in files("plans", "toml") {
            let mut parts = file.split('/').skip(1);
            if let (Some(plan), Some(_)) = (parts.next(), parts.next()) {
                let table = text
                    .parse()
                    .unwrap_or_else(|error| panic!("{file}: {error}"));
                plans
                    .entry(plan.to_owned())
                    .or_default()
                    .insert(file, table);
            }
        }
        let folders = ["tests", "src", "providers"];
        let sources = folders.iter().flat_map(|folder| files(folder, "rs"));
        Self {
            plans,
            sources: sources.collect(),
        }
    }

    /// Every file that has the place, or nothing. A place is written as a key, which one file has; as `FILE#KEY`; or as
    /// `each#KEY`, for the files of a variant.
    fn places(&self, plan: Option<&str>, written: &str) -> Vec<Place> {
        if let Some(name) = written.strip_prefix("test:") {
            return self.tests(name);
        }
        if let Some(name) = written.strip_prefix("literal:") {
            let file = format!("tests/literal-documents/{name}/plan.toml");
            return self.file(file, Found::Test);
        }
        let (plan, written) = match written.split_once('/') {
            Some((plan, rest)) if self.plans.contains_key(plan) => (Some(plan), rest),
            _ => (plan, written),
        };
        let Some(plan) = plan else { return Vec::new() };
        if let Some(name) = written.strip_prefix("file:") {
            return self.file(format!("plans/{plan}/{name}"), Found::Declaration);
        }
        let (file, key) = match written.split_once('#') {
            Some(("each", key)) => (None, key),
            Some((file, key)) => (Some(format!("plans/{plan}/{file}")), key),
            None => (None, written),
        };
        let path: Vec<&str> = key.split('.').collect();
        let files = self.plans.get(plan).into_iter().flatten();
        files
            .filter(|(name, _)| file.as_ref().is_none_or(|file| file == *name))
            .filter_map(|(file, table)| {
                Some(Place {
                    file: file.clone(),
                    name: Some(key.to_owned()),
                    found: found(table, &path)?,
                })
            })
            .collect()
    }

    fn tests(&self, name: &str) -> Vec<Place> {
        let wanted = format!("fn {name}(");
        let files = self
            .sources
            .iter()
            .filter(|(_, text)| text.contains(&wanted));
        files
            .map(|(file, _)| Place {
                file: file.clone(),
                name: Some(name.to_owned()),
                found: Found::Test,
            })
            .collect()
    }

    fn file(&self, file: String, found: Found) -> Vec<Place> {
        let is_there = root().join(&file).is_file();
        let place = is_there.then_some(Place {
            file,
            name: None,
            found,
        });
        place.into_iter().collect()
    }
}

/// What a key of a plan's file is, when the file has it.
fn found(table: &Table, path: &[&str]) -> Option<Found> {
    if let ["invariants", rule, one, other] = path {
        let rules = table.get("invariants")?.as_array()?;
        let names = match *rule {
            "references" => ["from", "to"],
            _ => ["store", "than"],
        };
        let is_it = |value: &Value| {
            let rule = value.get(*rule)?;
            let said = names.map(|name| rule.get(name).and_then(Value::as_str));
            Some(said == [Some(*one), Some(*other)])
        };
        let is_there = rules.iter().any(|value| is_it(value).unwrap_or_default());
        return is_there.then_some(Found::Declaration);
    }
    let (first, rest) = path.split_first()?;
    let mut value = table.get(*first)?;
    for key in rest {
        value = value.get(key)?;
    }
    Some(match path {
        ["steps", _] => {
            let asks = value.get("with").and_then(|with| with.get("ask"));
            asks.map_or(Found::DoingStep, |_| Found::AskingStep)
        }
        _ => Found::Declaration,
    })
}

/// What is wrong with a line, if something is.
fn wrong(line: &Line, places: &[(String, Vec<Place>)]) -> Option<String> {
    if let Some((written, _)) = places.iter().find(|(_, found)| found.is_empty()) {
        return Some(format!("`{written}` is not there"));
    }
    let is_of_one = |written: &str| !written.contains('#') && !written.starts_with("test:");
    if let Some((written, _)) = places
        .iter()
        .find(|(written, found)| is_of_one(written) && found.len() > 1)
    {
        return Some(format!(
            "`{written}` is in several files: name one, or each"
        ));
    }
    let has = |wanted: Found| {
        let mut all = places.iter().flat_map(|(_, places)| places);
        all.any(|place| place.found == wanted)
    };
    let (does, asks) = (has(Found::DoingStep), has(Found::AskingStep));
    let is_so = match line.how {
        How::Automatic => does && !asks,
        How::Mixed => does && asks,
        How::Manual => asks && !does,
        How::Policy => has(Found::Declaration),
        How::Test => has(Found::Test),
        How::Open => line.note.is_some(),
    };
    (!is_so).then(|| format!("it is not {}", line.how.word()))
}

fn cell(places: &[(String, Vec<Place>)]) -> String {
    let mut by_file: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for place in places.iter().flat_map(|(_, places)| places) {
        let names = by_file.entry(&place.file).or_default();
        names.extend(place.name.as_deref());
    }
    let cells: Vec<String> = by_file
        .into_iter()
        .map(|(file, names)| {
            let names: Vec<String> = names.iter().map(|name| format!(" `{name}`")).collect();
            format!("{file}{}", names.join(","))
        })
        .collect();
    cells.join("; ")
}

fn counts<'a>(lines: impl Iterator<Item = &'a Line>) -> [usize; 6] {
    let mut counts = [0; 6];
    for line in lines {
        counts[line.how as usize] += 1;
    }
    counts
}

fn row(title: &str, counts: [usize; 6]) -> String {
    let cells: Vec<String> = counts.iter().map(ToString::to_string).collect();
    let all: usize = counts.iter().sum();
    format!("| {title} | {all} | {} |\n", cells.join(" | "))
}

const HEAD: &str = "\
<!-- Made of plans/coverage.toml by `UPDATE=1 cargo test --test plans`. -->
# Where the five documents are

Each line of the documents that `plans/` stands for, and where the plans have it.
`automatic`: salvor does it or computes it, all steps of it.
`mixed`: salvor does some of it, and asks a person for the rest.
`manual`: all steps of it ask a person, with commands, role and evidence.
`policy`: the plan declares it, and `check` and `plan` compute with it.
`test`: the document's defect is put back, or a rule is shown, by a test.
`open`: it is not there, or a defect that neither `check` nor `plan` finds; the note says what is missing.
A test looks for every place that is named here.

";

/// The page, and what is wrong with what it is made of.
fn page(coverage: &Coverage, repository: &Repository) -> (String, Vec<String>) {
    let mut text = HEAD.to_owned();
    let words = How::ALL.map(How::word).join(" | ");
    text.push_str(&format!(
        "| document | lines | {words} |\n|---|---|---|---|---|---|---|---|\n"
    ));
    let lines_of = |document: &'_ Document| -> [usize; 6] {
        counts(document.section.iter().flat_map(|section| &section.lines))
    };
    let mut all = [0; 6];
    for document in &coverage.document {
        let counted = lines_of(document);
        text.push_str(&row(&document.title, counted));
        all.iter_mut().zip(counted).for_each(|(sum, n)| *sum += n);
    }
    text.push_str(&row("all", all));
    let mut problems = Vec::new();
    for document in &coverage.document {
        let _ = write!(text, "\n## {}\n", document.title);
        for section in &document.section {
            let title = &section.title;
            let _ = write!(
                text,
                "\n### {title}\n\n| n | says | how | where |\n|---|---|---|---|\n"
            );
            for line in &section.lines {
                let plan = document.plan.as_deref();
                let places: Vec<(String, Vec<Place>)> = line
                    .at
                    .iter()
                    .map(|written| (written.clone(), repository.places(plan, written)))
                    .collect();
                if let Some(problem) = wrong(line, &places) {
                    problems.push(format!("{}, line {}: {problem}", document.title, line.n));
                }
                let note = line.note.as_ref().map(|note| format!("<br>{note}"));
                let _ = writeln!(
                    text,
                    "| {} | {} | {} | {}{} |",
                    line.n,
                    line.says,
                    line.how.word(),
                    cell(&places),
                    note.unwrap_or_default()
                );
            }
        }
    }
    (text, problems)
}

#[test]
fn every_line_of_the_documents_has_its_place() {
    let coverage = coverage();
    let counted: Vec<usize> = coverage
        .document
        .iter()
        .map(|document| {
            let lines = document.section.iter().flat_map(|section| &section.lines);
            let numbers: Vec<usize> = lines.map(|line| line.n).collect();
            let in_order: Vec<usize> = (1..=numbers.len()).collect();
            assert_eq!(numbers, in_order, "{}", document.title);
            numbers.len()
        })
        .collect();
    assert_eq!(counted, LINES, "no line may be left out");
    let (text, problems) = page(&coverage, &Repository::read());
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    let path: &Path = &root().join("docs/seed-coverage.md");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, &text).expect("the page is written");
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(
        written, text,
        "UPDATE=1 cargo test --test plans writes the page"
    );
}

#[test]
fn every_literal_document_is_named_by_a_line() {
    let coverage = coverage();
    let sections = coverage
        .document
        .iter()
        .flat_map(|document| &document.section);
    let named: Vec<&str> = sections
        .flat_map(|section| &section.lines)
        .flat_map(|line| &line.at)
        .filter_map(|written| written.strip_prefix("literal:"))
        .collect();
    for entry in std::fs::read_dir(root().join("tests/literal-documents")).expect("it is there") {
        let name = entry.expect("an entry").file_name();
        let name = name.to_string_lossy();
        assert!(named.contains(&name.as_ref()), "{name} shows no line");
    }
}
