//! Plans with one token changed: each is a valid plan or is explained near the change, and none ends the program.
//!
//! The changes are drawn from a seed that is a constant here. What fails is printed with the number of its change;
//! `MUTATION=calabi:17 cargo test --test plan_language mutations -- --nocapture` makes that one alone and shows all that is said of it.

use std::path::Path;
use std::path::PathBuf;

use salvor::builtin_providers::registry;
use salvor::model::read;
use salvor::plan_file::Code;
use salvor::plan_file::Look;
use salvor::plan_file::Problem;
use salvor::plan_file::Severity;
use salvor::plan_file::Sources;
use salvor::plan_file::show;
use salvor::registry::Registry;

/// Kinds of problems that may be far from the change that made them: a definition that is renamed, or gone, is missed
/// where its name is used, and nothing at its old place is wrong by itself.
const MISSED: [Code; 9] = [
    Code::UnknownStore,
    Code::UnknownStep,
    Code::UnknownInput,
    Code::UnknownTable,
    Code::UnknownSet,
    Code::UnknownScenario,
    Code::UnknownOutput,
    Code::UnknownReference,
    Code::AbsentStep,
];

/// How many changes of each plan are made.
const CHANGES: u64 = 200;

/// A label so many lines away still is beside the change.
const LINES_NEAR: usize = 1;

/// Numbers from a seed: splitmix64.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, count: usize) -> usize {
        let count = u64::try_from(count.max(1)).expect("a count");
        usize::try_from(self.next() % count).expect("below a count")
    }
}

/// A changed file.
struct Change {
    file: PathBuf,
    text: String,
    line: usize,
    /// The words of the changed line before the change.
    before: Vec<String>,
    words: String,
}

fn folder(plan: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("plans")
        .join(plan)
}

/// The files of a plan, relative to its folder.
fn files(folder: &Path, below: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder.join(below)).expect("the folder is there") {
        let entry = entry.expect("a readable entry");
        let path = below.join(entry.file_name());
        if entry.path().is_dir() {
            files(folder, &path, found);
        } else {
            found.push(path);
        }
    }
    found.sort();
}

/// The tokens of a text that say something: words, and signs one by one. Lines of comment hold none.
fn tokens(text: &str) -> Vec<(usize, &str)> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let mut found = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let is_comment = line.trim_start().starts_with('#');
        let mut at = 0;
        while let Some(c) = line.get(at..).and_then(|rest| rest.chars().next()) {
            let rest = &line[at..];
            let length = match is_word(c) {
                true => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
                false => c.len_utf8(),
            };
            if !c.is_whitespace() && !is_comment {
                found.push((start + at, &rest[..length]));
            }
            at += length;
        }
        start += line.len();
    }
    found
}

fn misspelt(word: &str, numbers: &mut Numbers) -> String {
    let mut letters: Vec<char> = word.chars().collect();
    let at = numbers.below(letters.len());
    match numbers.below(3) {
        0 if letters.len() > 1 => {
            letters.remove(at);
        }
        1 if at + 1 < letters.len() => letters.swap(at, at + 1),
        _ => letters.insert(at, 'x'),
    }
    letters.into_iter().collect()
}

/// The change of this number.
fn change(plan: &str, number: u64) -> Change {
    let seed = plan
        .bytes()
        .fold(number, |seed, byte| seed.wrapping_mul(31) + u64::from(byte));
    let mut numbers = Numbers(seed);
    let mut all = Vec::new();
    files(&folder(plan), Path::new(""), &mut all);
    all.retain(|file| {
        file.extension().is_some_and(|end| end == "toml") && !file.ends_with("example.inputs.toml")
    });
    let file = all[numbers.below(all.len())].clone();
    let text = std::fs::read_to_string(folder(plan).join(&file)).expect("a text");
    let tokens = tokens(&text);
    let index = numbers.below(tokens.len());
    let (at, token) = tokens[index];
    let end = at + token.len();
    let (_, other) = tokens[numbers.below(tokens.len())];
    let (from, to, replacement) = match numbers.below(5) {
        0 => (at, end, String::new()),
        1 => (at, end, format!("{token}{token}")),
        2 => (at, end, other.to_owned()),
        3 if index + 1 < tokens.len() => {
            let (next_at, next) = tokens[index + 1];
            let between = &text[end..next_at];
            (at, next_at + next.len(), format!("{next}{between}{token}"))
        }
        _ => (at, end, misspelt(token, &mut numbers)),
    };
    let words = format!("`{}` becomes `{replacement}`", &text[from..to]);
    let line_start = text[..from].rfind('\n').map_or(0, |at| at + 1);
    let line = text[line_start..].lines().next().unwrap_or_default();
    Change {
        before: self::tokens(line)
            .into_iter()
            .map(|(_, word)| word.to_owned())
            .collect(),
        line: 1 + text[..from].matches('\n').count(),
        text: format!("{}{replacement}{}", &text[..from], &text[to..]),
        file,
        words,
    }
}

/// What came of a change.
enum Result {
    Valid,
    Near,
    /// The definition of what is missed elsewhere was changed.
    Missed,
    Far(String),
}

/// True when the name that a problem misses stood in the line that was changed.
///
/// A text over several lines that is not closed goes on to wherever the next quotes are: only its writer knows where
/// it ends, so its statement is told from beginning to end, and the change lies between.
fn is_missed(problem: &Problem, change: &Change, sources: &Sources) -> bool {
    let labels = problem.primary.iter().chain(&problem.secondary);
    let lines: Vec<usize> = labels.map(|label| sources.line(label.at)).collect();
    let (first, last) = (lines.iter().min(), lines.iter().max());
    if problem.code == Code::Syntax && first <= Some(&change.line) && Some(&change.line) <= last {
        return true;
    }
    MISSED.contains(&problem.code)
        && problem
            .title
            .split('`')
            .skip(1)
            .step_by(2)
            // A reference begins with what it refers to: `place.context`.
            .any(|name| {
                let first = name.split('.').next();
                let is_named = |word: &String| word == name || Some(word.as_str()) == first;
                change.before.iter().any(is_named)
            })
}

fn is_near(problem: &Problem, change: &Change, sources: &Sources) -> bool {
    let labels = problem.primary.iter().chain(&problem.secondary);
    labels.into_iter().any(|label| {
        let place = sources.place(label.at);
        let from = place.line.saturating_sub(LINES_NEAR);
        Path::new(&sources.file(label.at.file).name) == change.file
            && (from..=place.end_line + LINES_NEAR).contains(&change.line)
    })
}

fn judge(plan: &str, number: u64, registry: &Registry, is_shown: bool) -> Result {
    let change = change(plan, number);
    let copy = tempfile::tempdir().expect("a folder");
    let mut all = Vec::new();
    files(&folder(plan), Path::new(""), &mut all);
    for file in all {
        let to = copy.path().join(&file);
        std::fs::create_dir_all(to.parent().expect("below the folder")).expect("a folder");
        if file == change.file {
            std::fs::write(to, &change.text).expect("written");
        } else {
            std::fs::copy(folder(plan).join(&file), to).expect("copied");
        }
    }
    let reading = read(copy.path(), registry);
    let shown = show(&reading.problems, &reading.sources, Look::Plain);
    let told = format!(
        "{plan}:{number} {}:{}: {}",
        change.file.display(),
        change.line,
        change.words
    );
    if is_shown {
        // The one that was asked for is what the person who asked wants to read.
        #[expect(clippy::print_stderr, reason = "shown on request")]
        {
            eprintln!("{told}\n{shown}");
        }
    }
    let errors = || {
        let problems = reading.problems.iter();
        problems.filter(|problem| problem.severity == Severity::Error)
    };
    if errors().next().is_none() {
        Result::Valid
    } else if errors().any(|problem| is_near(problem, &change, &reading.sources)) {
        Result::Near
    } else if errors().any(|problem| is_missed(problem, &change, &reading.sources)) {
        Result::Missed
    } else {
        Result::Far(format!("{told}\n{shown}"))
    }
}

/// What comes of all changes of a plan: none may be explained elsewhere but a definition that is missed.
fn judge_all(plan: &str) {
    let registry = registry();
    if let Some(asked) = std::env::var_os("MUTATION") {
        let asked = asked.to_string_lossy().into_owned();
        let (name, number) = asked.split_once(':').expect("PLAN:NUMBER");
        if name == plan {
            judge(plan, number.parse().expect("a number"), &registry, true);
        }
        return;
    }
    let mut far = Vec::new();
    let (mut valid, mut near, mut missed) = (0, 0, 0);
    for number in 0..CHANGES {
        match judge(plan, number, &registry, false) {
            Result::Valid => valid += 1,
            Result::Near => near += 1,
            Result::Missed => missed += 1,
            Result::Far(told) => far.push(told),
        }
    }
    assert!(
        far.is_empty(),
        "{plan}: {valid} valid, {near} near, {missed} missed where they are used, {} elsewhere:\n\n{}",
        far.len(),
        far.join("\n\n")
    );
}

#[test]
fn mutations_of_calabi() {
    judge_all("calabi");
}

#[test]
fn mutations_of_datafly_signal() {
    judge_all("datafly-signal");
}

#[test]
fn mutations_of_kiok() {
    judge_all("kiok");
}

#[test]
fn mutations_of_backup_strategies() {
    judge_all("backup-strategies");
}

#[test]
fn mutations_of_hopsworks() {
    judge_all("hopsworks");
}
