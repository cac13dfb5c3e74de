//! Reads the files of a plan and follows the keys that name further files.

use std::collections::BTreeMap;
use std::path::Component;
use std::path::Path;
use std::path::PathBuf;

use crate::plan_file::code::Code;
use crate::plan_file::missing;
use crate::plan_file::names::deceives_by;
use crate::plan_file::names::is_deceptive;
use crate::plan_file::names::similar;
use crate::plan_file::node::Content;
use crate::plan_file::node::DEPTH_MAX;
use crate::plan_file::node::Entry;
use crate::plan_file::node::Node;
use crate::plan_file::node::Table;
use crate::plan_file::problem::Problem;
use crate::plan_file::problem::Problems;
use crate::plan_file::recovery;
use crate::plan_file::recovery::Mistake;
use crate::plan_file::source::FileId;
use crate::plan_file::source::Position;
use crate::plan_file::source::SourceFile;
use crate::plan_file::source::Sources;
use crate::plan_file::text::Unread;
use crate::plan_file::text::read_text;

/// The most files that a plan is made of.
const FILES_MAX: usize = 1000;

/// A plan as it is written: all its files, not yet understood.
#[derive(Clone, Debug)]
pub struct Document {
    /// The files.
    pub sources: Sources,
    /// `plan.toml`, with the sections of all that it includes.
    pub root: Table,
    /// The files of variants.
    pub variants: Vec<VariantFile>,
    /// The files of groups, one for each use.
    pub groups: Vec<GroupFile>,
    /// False when a file that is included, or that of a group, could not be read: what it defines is not known.
    pub is_whole: bool,
}

/// The file of one value of a variant's input.
#[derive(Clone, Debug)]
pub struct VariantFile {
    /// The variant.
    pub variant: String,
    /// The value that chooses this file.
    pub value: String,
    /// Where the value stands.
    pub value_at: Position,
    /// What is in the file.
    pub table: Table,
}

/// The file of one use of a group.
#[derive(Clone, Debug)]
pub struct GroupFile {
    /// The name under which it is used.
    pub group: String,
    /// Where that name stands.
    pub group_at: Position,
    /// What is in the file.
    pub table: Table,
}

impl Document {
    /// The file of each use of a group, with the name under which it is used.
    pub fn group_files(&self) -> Vec<(FileId, String)> {
        let files = self.groups.iter().filter_map(|group| {
            let first = group.table.entries.first()?;
            Some((first.key_at.file, group.group.clone()))
        });
        files.collect()
    }
}

/// Reads a plan: the folder that holds `plan.toml`, or that file.
///
/// What cannot be read is a problem and is left out of the document.
pub fn read(path: &Path) -> (Document, Problems) {
    let file = if path.is_dir() {
        path.join("plan.toml")
    } else {
        path.to_owned()
    };
    let dir = match file.parent() {
        Some(dir) if dir != Path::new("") => dir.to_owned(),
        Some(_) | None => PathBuf::from("."),
    };
    let name = file
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let mut reader = Reader {
        sources: Sources {
            dir,
            files: Vec::new(),
        },
        problems: Problems::new(),
        including: Vec::new(),
        is_whole: true,
    };
    let mut root = Table::default();
    if !file.exists() {
        let problem = Problem::error(
            Code::FileNotReadable,
            format!("{}: there is no plan", file.display()),
        );
        reader.problems.push(problem.help(missing::advice(path)));
    } else if let Some(table) = reader.file(&name, None) {
        reader.including.push(name.clone());
        reader.merge(&name, table, &mut root);
    }
    let variants = reader.variants(&root);
    let groups = reader.groups(&root);
    let document = Document {
        sources: reader.sources,
        root,
        variants,
        groups,
        is_whole: reader.is_whole,
    };
    (document, reader.problems)
}

/// Reads a file of inputs: a table of names and values.
pub fn read_inputs_file(path: &Path, sources: &mut Sources) -> (Table, Problems) {
    let name = path.to_string_lossy().into_owned();
    let mut reader = Reader {
        sources: std::mem::take(sources),
        problems: Problems::new(),
        including: Vec::new(),
        is_whole: true,
    };
    let table = reader.text_of(path, &name, name.clone(), None);
    *sources = reader.sources;
    (table.unwrap_or_default(), reader.problems)
}

struct Reader {
    sources: Sources,
    problems: Problems,
    including: Vec<String>,
    is_whole: bool,
}

impl Reader {
    /// The table of a file, named relative to the plan's folder.
    fn file(&mut self, name: &str, named_at: Option<Position>) -> Option<Table> {
        let path = self.sources.dir.join(name);
        let shown = match self.sources.dir.to_str() {
            Some(".") => name.to_owned(),
            Some(_) | None => path.to_string_lossy().into_owned(),
        };
        self.text_of(&path, name, shown, named_at)
    }

    fn text_of(
        &mut self,
        path: &Path,
        name: &str,
        shown: String,
        named_at: Option<Position>,
    ) -> Option<Table> {
        if let Some(index) = self.sources.files.iter().position(|file| file.name == name) {
            return self.parse(FileId(index));
        }
        let refused = |problem: Problem| match named_at {
            Some(at) => problem.at(at, "named here"),
            None => problem,
        };
        if self.sources.files.len() >= FILES_MAX {
            self.problems.push(refused(
                Problem::error(
                    Code::TooMany,
                    format!("a plan is made of at most {FILES_MAX} files"),
                )
                .help("put some of them together, or make several plans of it"),
            ));
            return None;
        }
        let text = match read_text(path) {
            Ok(text) => text,
            Err(Unread { code, why, help }) => {
                let problem = refused(Problem::error(code, format!("{shown}: {why}")));
                self.problems.push(match (help, named_at) {
                    (Some(help), _) => problem.help(help),
                    (None, Some(at)) => beside(problem, path, at),
                    (None, None) => {
                        problem.help("name the folder that holds plan.toml, or that file")
                    }
                });
                return None;
            }
        };
        let id = FileId(self.sources.files.len());
        let file = SourceFile::new(name.to_owned(), shown, text);
        self.sources.files.push(file);
        self.refuse_deceptive(id);
        self.parse(id)
    }

    fn parse(&mut self, id: FileId) -> Option<Table> {
        let text = self.sources.files[id.0].text.clone();
        let too_deep = |at: Position| {
            Problem::error(
                Code::TooDeep,
                format!("nested deeper than {DEPTH_MAX} levels"),
            )
            .at(at, "too deep")
            .help("a plan needs few levels: give what is nested here a name of its own, or write it as text")
        };
        let (table, mistakes) = match recovery::read(id, &text) {
            Ok(read) => read,
            Err(at) => {
                self.problems.push(too_deep(at));
                return None;
            }
        };
        for mistake in mistakes {
            let at = Position {
                file: id,
                start: mistake.at.start,
                end: mistake.at.end,
            };
            // The parser stops by itself before its stack ends.
            self.problems.push(match mistake.message.as_str() {
                "recursion limit" => too_deep(at),
                _ => begun(not_toml(&mistake, at, &text), &mistake, at, &text),
            });
        }
        Some(table)
    }

    fn refuse_deceptive(&mut self, id: FileId) {
        let text = &self.sources.files[id.0].text;
        let found: Vec<(usize, char)> = text
            .char_indices()
            .filter(|(_, c)| is_deceptive(*c))
            .take(20)
            .collect();
        for (start, c) in found {
            let at = Position {
                file: id,
                start,
                end: start + c.len_utf8(),
            };
            self.problems.push(
                Problem::error(
                    Code::DeceptiveCharacter,
                    format!(
                        "the character U+{:04X} makes a text look like another",
                        u32::from(c)
                    ),
                )
                .at(at, deceives_by(c))
                .help(format!(
                    "where it must be there, write it as an escape: \"{}\"",
                    escape(c)
                ))
                .fix(at, "", "", "remove it"),
            );
        }
    }

    /// Adds the sections of one file, and of all that it includes, to the whole.
    fn merge(&mut self, name: &str, table: Table, root: &mut Table) {
        let includes: Vec<(String, Position)> = table
            .get("include")
            .map(|node| node.texts().map(|(t, at)| (t.to_owned(), at)).collect())
            .unwrap_or_default();
        for entry in table.entries {
            self.merge_entry(entry, root);
        }
        for (written, at) in includes {
            let Some(included) = self.relative(name, &written, at) else {
                self.is_whole = false;
                continue;
            };
            if self.including.contains(&included) {
                self.problems.push(
                    Problem::error(Code::IncludeCycle, format!("`{written}` includes itself"))
                        .at(at, "included from one of its own parts")
                        .note(format!("{} → {included}", self.including.join(" → ")))
                        .help("remove one of these includes"),
                );
                continue;
            }
            let read = self.file(&included, Some(at));
            self.is_whole &= read.is_some();
            if let Some(table) = read {
                for key in ["format", "plan"] {
                    if let Some(entry) = table.entry(key) {
                        self.problems.push(
                            Problem::error(
                                Code::Duplicate,
                                format!("`{key}` belongs into plan.toml alone"),
                            )
                            .at(entry.key_at, "in a file that is included")
                            .help("remove it here"),
                        );
                    }
                }
                self.including.push(included.clone());
                self.merge(&included, table, root);
                self.including.pop();
            }
        }
    }

    fn merge_entry(&mut self, entry: Entry, root: &mut Table) {
        let Some(known) = root.entries.iter_mut().find(|known| known.key == entry.key) else {
            root.entries.push(entry);
            return;
        };
        match (&mut known.value.content, entry.value.content) {
            (Content::Table(into), Content::Table(from)) => {
                // Not searched for one by one: a plan of 10,000 steps in two files would compare 50 million names.
                let firsts = into
                    .entries
                    .iter()
                    .map(|first| (first.key.clone(), first.key_at));
                let firsts: BTreeMap<String, Position> = firsts.collect();
                for entry in from.entries {
                    match firsts.get(&entry.key) {
                        None => into.entries.push(entry),
                        Some(first_at) => self.problems.push(
                            Problem::error(
                                Code::Duplicate,
                                format!("`{}` is defined twice", entry.key),
                            )
                            .at(entry.key_at, "again here")
                            .and_at(*first_at, "first here")
                            .help("remove one, or give it another name"),
                        ),
                    }
                }
            }
            (Content::List(into), Content::List(from)) => into.extend(from),
            (_, _) => {
                if entry.key != "format" && entry.key != "plan" {
                    self.problems.push(
                        Problem::error(Code::Duplicate, format!("`{}` is given twice", entry.key))
                            .at(entry.key_at, "again here")
                            .and_at(known.key_at, "first here")
                            .help("a plan has one, whatever it is made of: remove the other"),
                    );
                }
            }
        }
    }

    fn variants(&mut self, root: &Table) -> Vec<VariantFile> {
        let mut found = Vec::new();
        for (variant, files) in named(root, "variants") {
            let Some(files) = files.table("files") else {
                continue;
            };
            for entry in &files.entries {
                if let Some(table) = self.named_file(&entry.value) {
                    found.push(VariantFile {
                        variant: variant.key.clone(),
                        value: entry.key.clone(),
                        value_at: entry.key_at,
                        table,
                    });
                }
            }
        }
        found
    }

    fn groups(&mut self, root: &Table) -> Vec<GroupFile> {
        let mut found = Vec::new();
        for (group, keys) in named(root, "groups") {
            let Some(file) = keys.get("file") else {
                continue;
            };
            let read = self.named_file(file);
            self.is_whole &= read.is_some();
            if let Some(table) = read {
                found.push(GroupFile {
                    group: group.key.clone(),
                    group_at: group.key_at,
                    table,
                });
            }
        }
        found
    }

    fn named_file(&mut self, node: &Node) -> Option<Table> {
        let from = self.sources.file(node.at.file).name.clone();
        let name = self.relative(&from, node.text()?, node.at)?;
        let table = self.file(&name, Some(node.at))?;
        if let Some(entry) = table.entry("include") {
            self.problems.push(
                Problem::error(
                    Code::UnknownKey,
                    "only plan.toml and what it includes can include",
                )
                .at(entry.key_at, "in the file of a variant or group")
                .help("include the file in plan.toml"),
            );
        }
        Some(table)
    }

    /// The name of a file, relative to the plan's folder, from how another file of the plan writes it.
    fn relative(&mut self, from: &str, written: &str, at: Position) -> Option<String> {
        let mut parts: Vec<String> = from.split('/').map(str::to_owned).collect();
        parts.pop();
        for component in Path::new(written).components() {
            match component {
                Component::Normal(part) => parts.push(part.to_string_lossy().into_owned()),
                Component::CurDir => {}
                Component::ParentDir => match parts.last() {
                    Some(last) if last != ".." => {
                        parts.pop();
                    }
                    Some(_) | None => parts.push("..".to_owned()),
                },
                Component::RootDir | Component::Prefix(_) => {
                    self.problems.push(
                        Problem::error(
                            Code::PathEscapes,
                            format!("`{written}` is not below a folder that travels with the plan"),
                        )
                        .at(at, "an absolute path")
                        .note("the plan must be readable on any machine, from a copy of its folder")
                        .help("name it relative to the file that names it"),
                    );
                    return None;
                }
            }
        }
        Some(parts.join("/"))
    }
}

fn named<'a>(root: &'a Table, section: &str) -> Vec<(&'a Entry, &'a Table)> {
    root.table(section)
        .map(|section| {
            section
                .entries
                .iter()
                .filter_map(|entry| entry.value.table().map(|table| (entry, table)))
                .collect()
        })
        .unwrap_or_default()
}

/// Names the line that begins what ends wrongly on a later one.
fn begun(problem: Problem, mistake: &Mistake, at: Position, text: &str) -> Problem {
    let Some((begins, before)) = mistake
        .begins
        .and_then(|begins| Some((begins, text.get(begins..at.start)?)))
    else {
        return problem;
    };
    match before.lines().next() {
        Some(first) if before.contains('\n') => {
            let place = Position {
                start: begins,
                end: begins + first.trim_end().len(),
                ..at
            };
            problem.and_at(place, "it begins here")
        }
        Some(_) | None => problem,
    }
}

/// The problem of a statement that lacks the quote of its last text: it swallows what closes the rest.
fn not_closed(mistake: &Mistake, at: Position, text: &str) -> Problem {
    let begins = mistake.begins.unwrap_or(at.start);
    let statement = text.get(begins..at.start).unwrap_or_default();
    let quote = statement
        .rfind(['"', '\''])
        .map_or(at.start, |quote| begins + quote);
    let opened = Position { start: quote, ..at };
    Problem::error(Code::Syntax, "this is not TOML")
        .at(opened, "the text that begins here is not closed")
        .help("a text ends with the quotes that it begins with, on the same line")
}

/// The problem of a text that is not TOML, with the edit where the parser's words leave only one.
fn not_toml(mistake: &Mistake, at: Position, text: &str) -> Problem {
    let message = mistake.message.as_str();
    let problem = Problem::error(Code::Syntax, "this is not TOML").at(at, message);
    match mistake.missing {
        Some(missing) if !missing.contains(['"', '\'']) => {
            return problem.fix(
                at,
                "",
                missing,
                format!("it ends with `{}`", missing.trim()),
            );
        }
        // Where a text ends, only its writer knows.
        Some(_) => return not_closed(mistake, at, text),
        None => {}
    }
    let written = text.get(at.start..at.end).unwrap_or_default();
    let is_word = !written.is_empty()
        && written
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "._-/:".contains(c));
    if message.starts_with("string values must be quoted") && is_word {
        problem.fix(
            at,
            "",
            format!("\"{written}\""),
            "a text stands between quotes",
        )
    } else if written.starts_with(['“', '”', '‘', '’', '„', '«']) {
        let text: String = written
            .chars()
            .filter(|c| !"“”‘’„«»".contains(*c))
            .collect();
        problem.fix(
            at,
            "",
            toml::Value::from(text).to_string(),
            "write straight quotes",
        )
    } else if message.contains("basic string") {
        problem.help("a text ends with the quotes that it begins with, on the same line")
    } else if message.starts_with("duplicate key") {
        problem.help("a key stands once in a table: keep one of the two")
    } else if message.ends_with("expected `=`") {
        problem.help("write `=` between the key and its value")
    } else {
        problem.help("TOML is key = value, [table], and texts between quotes: https://toml.io")
    }
}

/// A file that is not there may be another one of its folder.
fn beside(problem: Problem, path: &Path, named_at: Position) -> Problem {
    let entries = path.parent().and_then(|dir| std::fs::read_dir(dir).ok());
    let mut names: Vec<String> = entries
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.ends_with(".toml"))
        .collect();
    names.sort();
    match path.file_name().and_then(std::ffi::OsStr::to_str) {
        Some(written) if similar(written, names.iter().map(String::as_str)).is_some() => {
            problem.meant(named_at, written, names.iter().map(String::as_str))
        }
        Some(_) | None => problem.help("write the file, or take its name away here"),
    }
}

/// A character as TOML writes it without showing it.
fn escape(c: char) -> String {
    match u32::from(c) {
        code @ 0..=0xFFFF => format!("\\u{code:04X}"),
        code => format!("\\U{code:08X}"),
    }
}
