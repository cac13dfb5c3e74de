//! Programs as plans tell them: argument vectors, and the text that a person or a program gives to a shell.
//!
//! Reads as much of a shell's language as tells programs from each other: quotes, pipes and lists, here-documents,
//! `$( )`. What it does not know stays a word, and nothing is expanded or run.

/// The shells whose `-c` takes a text.
pub(crate) const SHELLS: &[&str] = &["sh", "bash", "dash", "zsh", "ksh"];

/// How deep programs within programs are looked for.
const DEPTH_MAX: usize = 4;

/// Words before the program that are not the program.
const BEFORE: &[&str] = &[
    "do", "then", "else", "elif", "if", "while", "until", "!", "{", "time", "sudo", "nohup",
    "exec", "env", "command",
];

/// The name of the program of an argument vector, without its folder.
pub(crate) fn program(argv: &[String]) -> Option<&str> {
    argv.first()?.rsplit('/').next()
}

/// A program that is run, and where it stands in the list that was given.
#[derive(Debug)]
pub(crate) struct Run {
    /// The program and its arguments.
    pub(crate) argv: Vec<String>,
    /// A pipe or a file gives it its input.
    pub(crate) is_fed: bool,
    /// Which element of the list runs it.
    pub(crate) element: usize,
}

/// What an argument vector runs: itself, what a shell in it reads, and what stands behind `--`, as in `kubectl exec`.
pub(crate) fn run_by(argv: Vec<String>) -> Vec<Run> {
    let text_at = text_for_a_shell(&argv);
    let behind = argv.iter().position(|word| word == "--");
    let whole = Run {
        is_fed: false,
        element: 0,
        argv,
    };
    let mut found = within(whole);
    for run in &mut found {
        // What is not the vector itself is in the text of its shell, or behind its `--`.
        let is_whole = run.element == 0;
        run.element = match (is_whole, text_at, behind) {
            (true, _, _) => 0,
            (false, Some(at), _) => at,
            (false, None, at) => at.map_or(0, |at| at + 1),
        };
    }
    found
}

/// What the lines that a person types run.
pub(crate) fn typed_in(lines: &[String]) -> Vec<Run> {
    let all = lines.iter().enumerate().flat_map(|(element, line)| {
        let of_line = typed(line).into_iter().flat_map(within);
        of_line.map(move |run| Run { element, ..run })
    });
    all.collect()
}

/// A run and those within it, which have their depth as their element.
fn within(run: Run) -> Vec<Run> {
    let mut found = Vec::new();
    let mut open = vec![Run { element: 0, ..run }];
    while let Some(run) = open.pop() {
        if run.element < DEPTH_MAX {
            let text = text_for_a_shell(&run.argv).map(|at| run.argv[at].as_str());
            let mut inner = text.map(typed).unwrap_or_default();
            inner.extend(run.argv.iter().flat_map(|word| substitutions(word)));
            let behind = run.argv.iter().position(|word| word == "--");
            let behind = behind.map(|at| Run {
                argv: run.argv[at + 1..].to_vec(),
                ..run
            });
            let deeper = run.element + 1;
            let inner = inner.into_iter().chain(behind);
            open.extend(inner.map(|inner| Run {
                element: deeper,
                ..inner
            }));
        }
        if !run.argv.is_empty() {
            found.push(run);
        }
    }
    found
}

/// What `$( )` in a word runs.
fn substitutions(word: &str) -> Vec<Run> {
    let inner = |at: usize| {
        let mut depth = 1_usize;
        let rest = &word[at..];
        let end = rest.char_indices().find(|(_, c)| {
            match c {
                '(' => depth += 1,
                ')' => depth -= 1,
                _ => {}
            }
            depth == 0
        });
        &rest[..end.map_or(rest.len(), |(end, _)| end)]
    };
    let opened = word.find("$(").map(|at| at + 2);
    opened.map(|at| typed(inner(at))).unwrap_or_default()
}

/// Where the text stands that a shell is given to read.
fn text_for_a_shell(argv: &[String]) -> Option<usize> {
    if !SHELLS.contains(&program(argv)?) {
        return None;
    }
    let is_text_next = |word: &String| {
        word.strip_prefix('-')
            .is_some_and(|letters| !letters.starts_with('-') && letters.ends_with('c'))
    };
    let at = argv.iter().position(is_text_next)? + 1;
    (at < argv.len()).then_some(at)
}

/// The programs in the text of a shell, in their order. A here-document is one argument more of its program.
fn typed(text: &str) -> Vec<Run> {
    let mut reader = Reader {
        rest: text,
        word: None,
        words: Vec::new(),
        ends: Vec::new(),
        is_fed: false,
        found: Vec::new(),
    };
    reader.read();
    reader.found
}

struct Reader<'t> {
    rest: &'t str,
    word: Option<String>,
    words: Vec<String>,
    /// Where the here-documents of this line end.
    ends: Vec<String>,
    /// The program that is read stands behind a pipe, or has a here-document.
    is_fed: bool,
    found: Vec<Run>,
}

impl<'t> Reader<'t> {
    fn read(&mut self) {
        while let Some(next) = self.rest.chars().next() {
            let from = self.rest;
            self.rest = &from[next.len_utf8()..];
            match next {
                '\'' => {
                    let quoted = self.until('\'');
                    self.push(quoted);
                }
                '"' => self.quoted(),
                '\\' => match self.rest.chars().next() {
                    Some('\n') => self.rest = &self.rest[1..],
                    Some(escaped) => {
                        let (text, rest) = self.rest.split_at(escaped.len_utf8());
                        self.rest = rest;
                        self.push(text);
                    }
                    None => {}
                },
                '$' if self.rest.starts_with('(') => self.substituted(from),
                '<' if from.starts_with("<<") && !from.starts_with("<<<") => self.here(),
                '#' if self.word.is_none() => {
                    let at = self.rest.find('\n').unwrap_or(self.rest.len());
                    self.rest = &self.rest[at..];
                }
                '\n' => {
                    self.end_word();
                    self.here_documents();
                    self.end();
                }
                '&' if self.word.as_deref().is_some_and(|word| word.ends_with('>')) => {
                    self.push("&");
                }
                '|' => {
                    self.end();
                    self.is_fed = !self.rest.starts_with('|');
                    self.rest = self.rest.trim_start_matches('|');
                }
                ';' | '&' | '(' | ')' => self.end(),
                space if space.is_whitespace() => self.end_word(),
                other => self.push(other.encode_utf8(&mut [0; 4])),
            }
        }
        self.end();
    }

    fn push(&mut self, text: &str) {
        self.word.get_or_insert_default().push_str(text);
    }

    fn until(&mut self, end: char) -> &'t str {
        let text = self.rest;
        match text.find(end) {
            Some(at) => {
                self.rest = &text[at + end.len_utf8()..];
                &text[..at]
            }
            None => {
                self.rest = "";
                text
            }
        }
    }

    /// Between double quotes only these can be escaped.
    fn quoted(&mut self) {
        self.push("");
        while let Some(next) = self.rest.chars().next() {
            let mut rest = &self.rest[next.len_utf8()..];
            let mut said = next;
            match (next, rest.chars().next()) {
                ('"', _) => {
                    self.rest = rest;
                    return;
                }
                ('\\', Some(escaped @ ('"' | '\\' | '$' | '`'))) => {
                    said = escaped;
                    rest = &rest[1..];
                }
                _ => {}
            }
            self.rest = rest;
            self.push(said.encode_utf8(&mut [0; 4]));
        }
    }

    /// `$( )` is a part of its word, whatever stands in it.
    fn substituted(&mut self, from: &'t str) {
        let mut depth = 0_usize;
        for (at, c) in from.char_indices() {
            match c {
                '(' => depth += 1,
                ')' => depth = depth.saturating_sub(1),
                _ => continue,
            }
            if depth == 0 {
                self.push(&from[..=at]);
                self.rest = &from[at + 1..];
                return;
            }
        }
        self.push(from);
        self.rest = "";
    }

    /// `<<EOF`: notes the word that ends it.
    fn here(&mut self) {
        self.end_word();
        self.rest = self.rest[1..]
            .trim_start_matches('-')
            .trim_start_matches(' ');
        let is_end = |c: char| c.is_whitespace() || ";|&<>()".contains(c);
        let at = self.rest.find(is_end).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(at);
        self.rest = rest;
        self.ends.push(word.replace(['\'', '"', '\\'], ""));
    }

    fn here_documents(&mut self) {
        for end in std::mem::take(&mut self.ends) {
            self.is_fed = true;
            let mut document = String::new();
            while !self.rest.is_empty() {
                let line = self.until('\n');
                if line.trim() == end {
                    break;
                }
                document.push_str(line);
                document.push('\n');
            }
            self.words.push(document);
        }
    }

    fn end_word(&mut self) {
        self.words.extend(self.word.take());
    }

    fn end(&mut self) {
        self.end_word();
        let words = std::mem::take(&mut self.words);
        let is_before = |word: &String| {
            let name = word.split_once('=').map(|(name, _)| name);
            let is_name = |name: &str| {
                !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            };
            BEFORE.contains(&word.as_str()) || name.is_some_and(is_name)
        };
        // `<file`, and not `<name>`, which stands for what is to be filled in.
        let is_file = |word: &String| {
            word.starts_with('<') && !word.starts_with("<(") && !word.ends_with('>')
        };
        let is_fed = self.is_fed || words.iter().any(is_file);
        let argv: Vec<String> = words.into_iter().skip_while(is_before).collect();
        if !argv.is_empty() {
            self.is_fed = false;
            self.found.push(Run {
                argv,
                is_fed,
                element: 0,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Run;
    use super::run_by;
    use super::typed;
    use super::typed_in;

    #[track_caller]
    fn check(text: &str, expected: &[&[&str]]) {
        let argv: Vec<Vec<String>> = typed(text).into_iter().map(|run| run.argv).collect();
        assert_eq!(argv, expected, "{text}");
    }

    #[test]
    fn what_a_pipe_or_a_file_feeds_is_known() {
        for (text, expected) in [
            ("gunzip -c a.gz | psql -d app", &[false, true] as &[bool]),
            ("gunzip -c a.gz |\n  psql -d app", &[false, true]),
            ("psql -d app < a.sql", &[true]),
            ("psql -d app -h <rds-host>", &[false]),
            ("false || psql -d app", &[false, false]),
            ("psql <<EOF\nselect 1\nEOF\npsql", &[true, false]),
            ("a | b; psql", &[false, true, false]),
        ] {
            let fed: Vec<bool> = typed(text).iter().map(|run| run.is_fed).collect();
            assert_eq!(fed, expected, "{text}");
        }
    }

    #[test]
    fn a_program_has_its_place_in_what_was_given() {
        let places = |found: Vec<Run>| {
            let place = |run: Run| (run.argv[0].clone(), run.element);
            let mut all: Vec<(String, usize)> = found.into_iter().map(place).collect();
            all.sort();
            all
        };
        let list = |words: &[&str]| -> Vec<String> {
            words.iter().map(|word| (*word).to_owned()).collect()
        };
        let at = |name: &str, element| (name.to_owned(), element);
        assert_eq!(
            places(run_by(list(&["sh", "-c", "a | b"]))),
            [at("a", 2), at("b", 2), at("sh", 0)]
        );
        assert_eq!(
            places(run_by(list(&["kubectl", "exec", "--", "a"]))),
            [at("a", 3), at("kubectl", 0)]
        );
        assert_eq!(
            places(typed_in(&list(&["a", "sh -c 'b'"]))),
            [at("a", 0), at("b", 1), at("sh", 1)]
        );
    }

    #[test]
    fn a_text_is_read_as_its_programs() {
        check("ls -l", &[&["ls", "-l"]]);
        check(
            "gunzip -c a.gz | psql -d app && echo ok; true",
            &[
                &["gunzip", "-c", "a.gz"],
                &["psql", "-d", "app"],
                &["echo", "ok"],
                &["true"],
            ],
        );
        check("PGPASSWORD=x sudo psql", &[&["psql"]]);
        check("", &[]);
        check("# nothing", &[]);
    }

    #[test]
    fn quotes_keep_a_word_together() {
        check(
            r#"psql -c 'select 1; | "x"' "a \"b\" $c" d\ e ''"#,
            &[&["psql", "-c", r#"select 1; | "x""#, r#"a "b" $c"#, "d e", ""]],
        );
        check(
            "echo $(date; ls (x)) b",
            &[&["echo", "$(date; ls (x))", "b"]],
        );
        check("a 2>&1 | b", &[&["a", "2>&1"], &["b"]]);
        check("a \\\n  b", &[&["a", "b"]]);
        check("'never closed", &[&["never closed"]]);
        check("$(never closed", &[&["$(never closed"]]);
    }

    #[test]
    fn loops_are_their_programs() {
        check(
            "for t in a b; do topics --topic \"$t\"; done",
            &[
                &["for", "t", "in", "a", "b"],
                &["topics", "--topic", "$t"],
                &["done"],
            ],
        );
    }

    #[test]
    fn a_here_document_is_an_argument() {
        check(
            "kubectl apply -f - <<EOF\nkind: Restore\n  a: b\nEOF\nls",
            &[
                &["kubectl", "apply", "-f", "-", "kind: Restore\n  a: b\n"],
                &["ls"],
            ],
        );
        check(
            "cat <<'END' > f\nx | y\nEND",
            &[&["cat", ">", "f", "x | y\n"]],
        );
        check("cat <<EOF", &[&["cat"]]);
    }

    #[test]
    fn what_is_put_in_is_run_too() {
        let lines =
            ["until [ \"$(kubectl get a | jq '.b (c)')\" != 0 ]; do sleep 1; done".to_owned()];
        let found = typed_in(&lines);
        let mut names: Vec<&str> = found.iter().map(|run| run.argv[0].as_str()).collect();
        names.sort_unstable();
        assert_eq!(names, ["[", "done", "jq", "kubectl", "sleep"]);
    }

    #[test]
    fn programs_within_programs_are_found() {
        let argv = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let found = run_by(argv(&[
            "kubectl", "exec", "pod", "--", "sh", "-ec", "a | b c",
        ]));
        let mut names: Vec<&str> = found.iter().map(|run| run.argv[0].as_str()).collect();
        names.sort_unstable();
        assert_eq!(names, ["a", "b", "kubectl", "sh"]);
        assert!(run_by(Vec::new()).is_empty());
        assert_eq!(run_by(vec!["--".to_owned(); 100]).len(), 5);
    }
}
