//! Finds what a page says without marks: commands that stand there as plain lines, and headings of one that was copied
//! out of a browser. Both get the marks that a reader of Markdown looks for; every line keeps its number.

use std::collections::BTreeSet;

use pulldown_cmark::Event;
use pulldown_cmark::Options;
use pulldown_cmark::Parser;
use pulldown_cmark::Tag;

use crate::import::commands::Reading;

/// What is read beside plain Markdown.
pub(super) const OPTIONS: Options = Options::ENABLE_TABLES.union(Options::ENABLE_TASKLISTS);

/// Programs that runbooks call. A line that begins with one of them, and reads like a command, is one.
const PROGRAMS: [&str; 48] = [
    "ansible-playbook",
    "aws",
    "az",
    "cat",
    "cp",
    "createdb",
    "curl",
    "docker",
    "dropdb",
    "eksctl",
    "etcdctl",
    "gcloud",
    "gsutil",
    "gunzip",
    "gzip",
    "helm",
    "initdb",
    "journalctl",
    "jq",
    "kafka-consumer-groups.sh",
    "kafka-topics.sh",
    "kubectl",
    "mc",
    "mongodump",
    "mongorestore",
    "mysql",
    "mysqldump",
    "pg_basebackup",
    "pg_ctl",
    "pg_dump",
    "pg_dumpall",
    "pg_restore",
    "psql",
    "rclone",
    "redis-cli",
    "restic",
    "rsync",
    "scp",
    "ssh",
    "sudo",
    "systemctl",
    "tar",
    "terraform",
    "tofu",
    "velero",
    "wal-g",
    "wget",
    "zcat",
];

/// A heading of a page without marks is at most so many words long.
const HEADING_WORDS_MAX: usize = 9;

/// A page with marks, and from which line of the page each of its lines is.
pub(super) struct Marked {
    /// The text.
    pub(super) text: String,
    /// The line of the page, from 1, by the line of the text.
    lines: Vec<usize>,
}

impl Marked {
    /// The line of the page for a line of the text, both from 1.
    pub(super) fn line(&self, line: usize) -> usize {
        let known = self.lines.get(line.saturating_sub(1));
        known.or(self.lines.last()).copied().unwrap_or(line)
    }

    fn push(&mut self, line: &str, from: usize) {
        self.text.push_str(line);
        self.text.push('\n');
        self.lines.push(from);
    }
}

/// The page with its commands between fences and its headings marked; as it is where that would hide a piece of it,
/// such as the items below a quotation mark that is never closed.
pub(super) fn marked(page: &str) -> Marked {
    let made = with_marks(page);
    // `2. Topology` is an item of a list to Markdown, and is made a heading.
    let is_shown = |tag: &Tag<'_>| is_piece(tag) || matches!(tag, Tag::Heading { .. });
    let found: BTreeSet<usize> = begins(&made.text, is_shown)
        .map(|line| made.line(line))
        .collect();
    match begins(page, is_piece).all(|line| found.contains(&line)) {
        true => made,
        false => Marked {
            text: page.to_owned(),
            lines: (1..=page.lines().count()).collect(),
        },
    }
}

fn is_piece(tag: &Tag<'_>) -> bool {
    matches!(tag, Tag::Item | Tag::CodeBlock(_) | Tag::Table(_))
}

/// The lines on which what is meant of a text begins.
fn begins(text: &str, is_meant: impl Fn(&Tag<'_>) -> bool) -> impl Iterator<Item = usize> {
    let (mut at, mut line) = (0, 1);
    Parser::new_ext(text, OPTIONS)
        .into_offset_iter()
        .filter(move |(event, _)| matches!(event, Event::Start(tag) if is_meant(tag)))
        .map(move |(_, range)| {
            // They come in the order of the text.
            let end = range.start.max(at);
            line += text[at..end].matches('\n').count();
            at = end;
            line
        })
}

fn with_marks(page: &str) -> Marked {
    let lines: Vec<&str> = page.lines().collect();
    let mut made = Marked {
        text: String::with_capacity(page.len()),
        lines: Vec::with_capacity(lines.len()),
    };
    let has_headings =
        (0..lines.len()).any(|at| is_heading(lines[at]) && !begins_commands(&lines, at));
    let mut fence: Option<&str> = None;
    // Where the words of the list's item begin, as long as it is open.
    let mut item: Option<usize> = None;
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        let number = at + 1;
        if let Some(open) = fence {
            fence = (!line.trim_start().starts_with(open)).then_some(open);
            made.push(line, number);
            at += 1;
            continue;
        }
        fence = ["```", "~~~"]
            .into_iter()
            .find(|mark| line.trim_start().starts_with(mark));
        let begin = words_of_item(line);
        item = match begin {
            Some(begin) => Some(begin),
            None => item.filter(|_| !line.trim().is_empty() || goes_on_below(&lines, at)),
        };
        if fence.is_none() && begins_commands(&lines, at) {
            at = block(&lines, at, item, &mut made);
            continue;
        }
        match line
            .rsplit_once(": ")
            .filter(|_| fence.is_none() && begin.is_some())
        {
            Some((words, command)) if is_command(command) => {
                made.push(&format!("{words}:"), number);
                let mut rest: Vec<&str> = vec![command];
                rest.extend(&lines[at + 1..]);
                at += block_of(&rest, number, item, &mut made);
            }
            Some(_) | None => {
                match !has_headings && fence.is_none() && reads_like_a_heading(&lines, at) {
                    true => made.push(&format!("## {}", line.trim()), number),
                    false => made.push(line, number),
                }
                at += 1;
            }
        }
    }
    made
}

fn is_heading(line: &str) -> bool {
    let words = line.trim_start_matches('#');
    let level = line.len() - words.len();
    (1..=6).contains(&level) && words.starts_with(' ')
}

/// Where the words of an item of a list begin: behind its mark, and a box where there is one.
fn words_of_item(line: &str) -> Option<usize> {
    let trimmed = line.trim_start();
    let indent = line.len() - trimmed.len();
    let mark = match trimmed.split_once(' ')?.0 {
        mark @ ("-" | "*" | "+") => mark,
        mark if mark.trim_end_matches(['.', ')']).parse::<u32>().is_ok()
            && mark.ends_with(['.', ')']) =>
        {
            mark
        }
        _ => return None,
    };
    Some(indent + mark.len() + 1)
}

/// True of an empty line in an item: what follows stands in it too.
fn goes_on_below(lines: &[&str], at: usize) -> bool {
    let next = lines[at..].iter().find(|line| !line.trim().is_empty());
    next.is_some_and(|line| line.starts_with("  "))
}

/// A line that is a command, or a comment right above one.
fn begins_commands(lines: &[&str], at: usize) -> bool {
    let is_comment = |line: &&&str| line.trim_start().starts_with("# ");
    let comments = lines[at..].iter().take_while(is_comment).count();
    lines
        .get(at + comments)
        .is_some_and(|line| is_command(line))
}

fn is_command(line: &str) -> bool {
    let line = line.trim();
    let line = line.strip_prefix("$ ").unwrap_or(line);
    let is_value = |word: &&str| {
        word.split_once('=').is_some_and(|(name, _)| {
            !name.is_empty() && name.chars().all(|c| c.is_ascii_uppercase() || c == '_')
        })
    };
    let mut words = line.split_whitespace().skip_while(is_value);
    let Some(program) = words.next().filter(|word| PROGRAMS.contains(word)) else {
        return false;
    };
    let rest: Vec<&str> = words.collect();
    // A sentence may begin with the name of a program as well.
    let is_argument = |word: &&str| {
        word.starts_with('-') && word.len() > 1
            || word.contains(['/', '"', '\'', '|', '<', '=', '$', '_', '\\', '{'])
    };
    rest.iter().any(is_argument)
        || !rest.is_empty() && rest.len() <= 4 && !line.ends_with(['.', ':', ',', ';'])
        || rest.is_empty() && program == "initdb"
}

/// Puts the commands that begin here between fences, and gives the line after them.
fn block(lines: &[&str], at: usize, item: Option<usize>, made: &mut Marked) -> usize {
    at + block_of(&lines[at..], at + 1, item, made)
}

/// The same of lines of which the first has this number; gives how many were read.
fn block_of(lines: &[&str], number: usize, item: Option<usize>, made: &mut Marked) -> usize {
    let indent = " ".repeat(item.unwrap_or_default());
    made.push(&format!("{indent}```"), number);
    let mut reading = Reading::default();
    let mut document: Option<&str> = None;
    let mut read = 0;
    let mut after = None;
    while let Some(line) = lines.get(read) {
        let is_open = reading.goes_on() || document.is_some();
        if !is_open && !begins_commands(lines, read) {
            break;
        }
        read += 1;
        let (typed, item_after) = match document {
            Some(_) => (*line, None),
            None => split_item(line, &reading),
        };
        // How far a page moves its commands in is not a part of them.
        let shown = match is_open {
            true => typed.trim_end(),
            false => typed.trim(),
        };
        made.push(&format!("{indent}{shown}"), number + read - 1);
        match document {
            Some(end) if typed.trim() == end => document = None,
            Some(_) => {}
            None => {
                reading.line(typed);
                document = here_document(typed);
            }
        }
        if item_after.is_some() {
            after = item_after;
            break;
        }
    }
    made.push(&format!("{indent}```"), number + read - 1);
    if let Some(words) = after {
        made.push(&format!("- {words}"), number + read - 1);
    }
    read
}

/// A page that was copied puts the next item behind the end of a command: `--output table - Restore the snapshot:`.
fn split_item<'t>(line: &'t str, before: &Reading) -> (&'t str, Option<&'t str>) {
    for (at, mark) in line.match_indices(" - ") {
        let words = &line[at + mark.len()..];
        let is_sentence = words.starts_with(|c: char| c.is_uppercase()) && words.contains(' ');
        let mut reading = before.clone();
        reading.line(&line[..at]);
        if is_sentence && !reading.goes_on() {
            return (&line[..at], Some(words));
        }
    }
    (line, None)
}

/// The word that ends the document which a command is given: `<<EOF`.
fn here_document(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once("<<")?;
    let word = rest.trim_start_matches('-').trim_start();
    let word = word.split_whitespace().next()?;
    let word = word.trim_matches(['\'', '"']);
    (!word.is_empty() && !word.starts_with('<')).then_some(word)
}

/// A short line that begins large and ends without a stop, after an end and before something.
fn reads_like_a_heading(lines: &[&str], at: usize) -> bool {
    let line = lines[at].trim();
    let words = line.split_whitespace().count();
    let is_short = (1..=HEADING_WORDS_MAX).contains(&words);
    let begins = line.starts_with(|c: char| c.is_uppercase() || c.is_ascii_digit());
    let is_item = words_of_item(line).is_some() && !is_numbered_alone(lines, at);
    let is_plain = !is_item && !line.contains(['|', '`', '{', '}', '=', '"']);
    let ends = line.ends_with(|c: char| c.is_alphanumeric() || c == ')' || c == '?');
    let is_flush = !lines[at].starts_with("  ");
    let next = lines[at + 1..].iter().find(|line| !line.trim().is_empty());
    is_short && begins && is_plain && ends && is_flush && next.is_some()
}

/// True of `2. Topology` where no item with a number stands right before or after it.
fn is_numbered_alone(lines: &[&str], at: usize) -> bool {
    let is_numbered = |line: &&str| line.trim_start().starts_with(|c: char| c.is_ascii_digit());
    let is_said = |line: &&&str| !line.trim().is_empty();
    let before = lines[..at].iter().rev().find(is_said);
    let after = lines[at + 1..].iter().find(is_said);
    is_numbered(&lines[at]) && ![before, after].into_iter().flatten().any(is_numbered)
}

#[cfg(test)]
mod tests {
    use super::is_command;
    use super::marked;

    #[test]
    fn a_line_is_a_command_when_it_reads_like_one() {
        for (line, expected) in [
            ("aws s3 ls s3://backups/", true),
            ("  kubectl get pods", true),
            ("$ helm list", true),
            ("PGPASSWORD=x psql -h db", true),
            ("curl \\", true),
            (
                "helm upgrade with the values that were saved before.",
                false,
            ),
            (
                "velero is the program that keeps the objects of the cluster",
                false,
            ),
            ("Kubectl get pods", false),
            ("cat", false),
            ("stop everything", false),
        ] {
            assert_eq!(is_command(line), expected, "{line}");
        }
    }

    #[test]
    fn lines_keep_their_numbers() {
        let page = "Restore\n- Look:\naws s3 ls \\\ns3://a - Fetch it:\naws s3 cp s3://a/b .\n- Then: kubectl get pods\n";
        let made = marked(page);
        let numbered: Vec<(usize, &str)> = made
            .text
            .lines()
            .enumerate()
            .map(|(at, line)| (made.line(at + 1), line))
            .collect();
        assert_eq!(
            numbered,
            [
                (1, "## Restore"),
                (2, "- Look:"),
                (3, "  ```"),
                (3, "  aws s3 ls \\"),
                (4, "  s3://a"),
                (4, "  ```"),
                (4, "- Fetch it:"),
                (5, "  ```"),
                (5, "  aws s3 cp s3://a/b ."),
                (5, "  ```"),
                (6, "- Then:"),
                (6, "  ```"),
                (6, "  kubectl get pods"),
                (6, "  ```"),
            ]
        );
    }

    #[test]
    fn what_has_its_marks_is_left_as_it_is() {
        let page = "# Restore\n\n1. Do it:\n\n   ```sh\n   aws s3 ls s3://a\n   ```\n\nDone soon\n\nafterwards\n";
        assert_eq!(marked(page).text, page);
    }
}
