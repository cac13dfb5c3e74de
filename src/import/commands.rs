//! Takes the blocks of shells apart: what is typed, what is printed, and where one command ends.

/// Languages of code blocks that a person types.
const SHELLS: [&str; 8] = [
    "",
    "bash",
    "sh",
    "shell",
    "zsh",
    "console",
    "shell-session",
    "terminal",
];

/// Those of them that show what was typed and what was printed.
const SESSIONS: [&str; 3] = ["console", "shell-session", "terminal"];

/// True of the language of a block that a person types.
pub(super) fn is_of_a_shell(language: &str) -> bool {
    SHELLS.contains(&language)
}

/// What of a block is typed, and what is printed.
pub(super) struct Typed<'t> {
    /// The lines that are typed.
    pub(super) text: String,
    /// Lines and their places, from 0.
    pub(super) printed: Vec<(usize, &'t str)>,
}

/// What is typed in a block. In one that shows prompts, only what stands behind them, and the lines that go on there;
/// the rest is what the commands print. A block of a shell without prompts is typed whole.
pub(super) fn typed<'t>(block: &'t str, language: &str) -> Typed<'t> {
    let prompted = |line: &'t str| line.trim_start().strip_prefix("$ ");
    let first = block.lines().find(|line| !line.trim().is_empty());
    let is_session = SESSIONS.contains(&language) || first.and_then(prompted).is_some();
    if !is_session || block.lines().all(|line| prompted(line).is_none()) {
        return Typed {
            text: block.to_owned(),
            printed: Vec::new(),
        };
    }
    let mut typed = Typed {
        text: String::new(),
        printed: Vec::new(),
    };
    let mut reading = Reading::default();
    for (place, line) in block.lines().enumerate() {
        let command = match prompted(line) {
            Some(command) => {
                reading = Reading::default();
                command
            }
            // Shells show `> ` where a command goes on.
            None if reading.goes_on() => line.trim_start().strip_prefix("> ").unwrap_or(line),
            None => {
                typed.printed.push((place, line));
                continue;
            }
        };
        reading.line(command);
        typed.text.push_str(command);
        typed.text.push('\n');
    }
    typed
}

/// How far a command has been read: whether it goes on in the next line, and within which quotes.
#[derive(Clone, Default)]
pub(super) struct Reading {
    quote: Option<char>,
    is_joined: bool,
}

impl Reading {
    /// Reads the next line. Each character is looked at once, however many lines a quote stays open.
    pub(super) fn line(&mut self, line: &str) {
        self.is_joined = false;
        let mut before = ' ';
        let mut characters = line.chars();
        while let Some(c) = characters.next() {
            match (self.quote, c) {
                (None, '#') if before.is_whitespace() => return,
                // What follows stands for itself; the end of the line is none.
                (None | Some('"'), '\\') if characters.next().is_none() => {
                    self.is_joined = true;
                    return;
                }
                (None, '\'' | '"') => self.quote = Some(c),
                (Some(open), _) if open == c => self.quote = None,
                (None | Some(_), _) => {}
            }
            if !c.is_whitespace() {
                self.is_joined = self.quote.is_none() && c == '|';
            }
            before = c;
        }
    }

    /// True when the command goes on in the next line.
    pub(super) fn goes_on(&self) -> bool {
        self.quote.is_some() || self.is_joined
    }
}

/// The commands of a block: its lines, joined where one goes on; the whole block where it is a script, and where a
/// quote is never closed.
pub(super) fn commands(block: &str) -> Vec<String> {
    let begins = ["if ", "for ", "while ", "until ", "case ", "function "];
    let is_script = block.contains("<<")
        || block.lines().any(|line| {
            begins
                .iter()
                .any(|word| line.trim_start().starts_with(word))
        });
    if is_script {
        return vec![block.trim_end().to_owned()];
    }
    let mut found = Vec::new();
    let mut open = String::new();
    let mut reading = Reading::default();
    for line in block.lines() {
        if open.is_empty() && line.trim().is_empty() {
            continue;
        }
        open.push_str(line);
        reading.line(line);
        if reading.goes_on() {
            open.push('\n');
        } else {
            found.push(std::mem::take(&mut open));
            reading = Reading::default();
        }
    }
    if !open.trim().is_empty() {
        found.push(open.trim_end().to_owned());
    }
    found
}

#[cfg(test)]
mod tests {
    use super::commands;
    use super::typed;

    #[test]
    fn commands_are_joined_where_a_shell_would_wait_for_more() {
        for (block, expected) in [
            ("note=\"don't\"\nrm x", &["note=\"don't\"", "rm x"][..]),
            ("ls # it's all\nrm x", &["ls # it's all", "rm x"]),
            ("echo a\\'b\nrm x", &["echo a\\'b", "rm x"]),
            ("echo 'a\nb'\nrm x", &["echo 'a\nb'", "rm x"]),
            ("ps |\n  wc\nrm x", &["ps |\n  wc", "rm x"]),
            ("a \\\n  b\nrm x", &["a \\\n  b", "rm x"]),
            ("echo '|'\nrm x", &["echo '|'", "rm x"]),
            ("# don't\nrm x", &["# don't", "rm x"]),
            ("a#'b\nc'\nrm x", &["a#'b\nc'", "rm x"]),
        ] {
            assert_eq!(commands(block), expected, "{block}");
        }
        // A quote that is never closed: read once, not again with each line.
        let open = format!("echo 'a\n{}", "b\n".repeat(250_000));
        assert_eq!(commands(&open).len(), 1);
    }

    #[test]
    fn what_a_session_prints_is_not_typed() {
        let block = "$ kubectl get pods\nNAME  READY\nweb   1/1\n$ echo a \\\n> b\na b\n";
        let session = typed(block, "console");
        assert_eq!(session.text, "kubectl get pods\necho a \\\nb\n");
        let printed: Vec<&str> = session.printed.iter().map(|(_, line)| *line).collect();
        assert_eq!(printed, ["NAME  READY", "web   1/1", "a b"]);
        assert_eq!(typed("ls\necho $ x\n", "sh").text, "ls\necho $ x\n");
        assert_eq!(typed("ls\n", "console").text, "ls\n");
    }
}
