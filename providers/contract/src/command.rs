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

/// An argument vector and those within it: what a shell reads, and what stands behind `--`, as in `kubectl exec`.
pub(crate) fn within(argv: Vec<String>) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let mut open = vec![(argv, 0)];
    while let Some((argv, depth)) = open.pop() {
        if depth < DEPTH_MAX {
            let inner = read_by_shell(&argv).map(typed).unwrap_or_default();
            let behind = argv.iter().position(|word| word == "--");
            let behind = behind.map(|at| argv[at + 1..].to_vec());
            let inner = inner.into_iter().chain(behind);
            open.extend(inner.map(|argv| (argv, depth + 1)));
        }
        if !argv.is_empty() {
            found.push(argv);
        }
    }
    found
}

/// The text that a shell is given to read.
fn read_by_shell(argv: &[String]) -> Option<&str> {
    if !SHELLS.contains(&program(argv)?) {
        return None;
    }
    let is_text_next = |word: &String| {
        word.strip_prefix('-')
            .is_some_and(|letters| !letters.starts_with('-') && letters.ends_with('c'))
    };
    let at = argv.iter().position(is_text_next)?;
    argv.get(at + 1).map(String::as_str)
}

/// The argument vectors in the text of a shell, in their order. A here-document is one argument more of its program.
pub(crate) fn typed(text: &str) -> Vec<Vec<String>> {
    let mut reader = Reader {
        rest: text,
        word: None,
        words: Vec::new(),
        ends: Vec::new(),
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
    found: Vec<Vec<String>>,
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
                ';' | '|' | '&' | '(' | ')' => self.end(),
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
        let argv: Vec<String> = words.into_iter().skip_while(is_before).collect();
        if !argv.is_empty() {
            self.found.push(argv);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::typed;
    use super::within;

    #[track_caller]
    fn check(text: &str, expected: &[&[&str]]) {
        assert_eq!(typed(text), expected, "{text}");
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
    fn programs_within_programs_are_found() {
        let argv = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let mut found = within(argv(&[
            "kubectl", "exec", "pod", "--", "sh", "-ec", "a | b c",
        ]));
        found.sort();
        let names: Vec<&str> = found.iter().map(|argv| argv[0].as_str()).collect();
        assert_eq!(names, ["a", "b", "kubectl", "sh"]);
        assert!(within(Vec::new()).is_empty());
        assert_eq!(within(vec!["--".to_owned(); 100]).len(), 5);
    }
}
