//! A person at another terminal: reads what a run prints, does what it asks, and answers by the command that it names.

use std::collections::BTreeSet;
use std::fs;
use std::io::BufRead as _;
use std::io::BufReader;
use std::process::Child;
use std::process::Command;

use serde_json::Value;

use crate::world::Said;
use crate::world::World;

/// A question as the terminal shows it.
#[derive(Clone, Debug, Default)]
pub struct Question {
    /// The step that asks.
    pub step: String,
    /// Who should answer.
    pub role: Option<String>,
    /// The question and its commands.
    pub ask: String,
    /// What is typed to answer, without the answer.
    command: Vec<String>,
    /// How the answer is given.
    how: How,
}

impl Question {
    /// The commands that it shows, in their order.
    pub fn commands(&self) -> impl Iterator<Item = &str> {
        let lines = self.ask.lines();
        lines.filter_map(|line| line.strip_prefix("  $ "))
    }
}

/// How an answer is given, as the run says it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum How {
    /// `--text …`
    #[default]
    Words,
    /// `--text yes`
    Yes,
    /// `--file FILE`
    File,
}

/// An answer that must be refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Contradiction {
    /// By somebody who is not asked.
    Role,
    /// Words where a picture is wanted.
    NoFile,
    /// Not yes.
    No,
    /// Nothing.
    NoWords,
}

impl Contradiction {
    /// The bad answers that the questions of a change set allow.
    fn all_to(change_set: &Value) -> BTreeSet<Self> {
        let steps = change_set["steps"].as_array().expect("it has steps").iter();
        let asks = steps.filter(|step| step["action"] == "system.manual");
        asks.flat_map(|step| {
            let with = &step["with"];
            let bad = match with["evidence"].as_str() {
                Some("file" | "screenshot") => Some(Self::NoFile),
                Some("confirm") => Some(Self::No),
                Some("none") => None,
                Some("text") | None => Some(Self::NoWords),
                Some(other) => panic!("evidence `{other}` is not known here"),
            };
            bad.into_iter()
                .chain(with["role"].is_string().then_some(Self::Role))
        })
        .collect()
    }
}

/// The words of an answer, or none to leave the question open and stop looking: then the run is killed.
pub type Reply<'a> = dyn Fn(&Question) -> String + Sync + 'a;

/// Answers the questions of one run, in as many processes as it takes.
pub struct Operator<'a> {
    world: &'a World,
    reply: &'a Reply<'a>,
    answered: BTreeSet<String>,
    /// The bad answers that were not tried yet.
    contradictions: BTreeSet<Contradiction>,
    /// The run, once it asked something or said its name.
    pub run: Option<String>,
}

impl<'a> Operator<'a> {
    /// Nothing is answered yet.
    pub fn new(world: &'a World, reply: &'a Reply<'a>) -> Self {
        Self {
            world,
            reply,
            answered: BTreeSet::new(),
            contradictions: BTreeSet::new(),
            run: None,
        }
    }

    /// At the first question of this change set that allows it, each of the bad answers is tried; it must be refused.
    pub fn contradicted(mut self, change_set: &Value) -> Self {
        self.contradictions = Contradiction::all_to(change_set);
        self
    }

    /// Fails when a bad answer was never tried: the run says otherwise than is read here how it is answered.
    pub fn demand_contradicted(&self) {
        assert_eq!(self.contradictions, BTreeSet::new(), "never tried");
    }

    /// Runs a command to its end and answers what it asks. With `kill_after` so many answers it is killed by SIGKILL
    /// at the next question.
    pub fn watch(&mut self, mut command: Command, kill_after: Option<usize>) -> Said {
        let mut child = command.spawn().expect("salvor starts");
        let stderr = child.stderr.take().expect("it is piped");
        let (mut told, mut block) = (String::new(), Vec::new());
        let mut open = None;
        for line in BufReader::new(stderr).lines() {
            let line = line.expect("it is text");
            told.push_str(&line);
            told.push('\n');
            if self.run.is_none() {
                self.run = named_run(&line);
            }
            if line.starts_with("  manual   ") {
                block.clear();
            }
            block.push(line.clone());
            let Some(typed) = line.trim_start().strip_prefix("answer with: ") else {
                continue;
            };
            let question = question(&block, typed);
            if kill_after.is_some_and(|answers| self.answered.len() >= answers) {
                child.kill().expect("it is the test's own");
                open = Some(question);
                break;
            }
            self.answer(&question);
        }
        assert!(
            open.is_some() || kill_after.is_none(),
            "never killed:\n{told}"
        );
        ended(child, told)
    }

    fn answer(&mut self, question: &Question) {
        if !self.answered.insert(question.step.clone()) {
            return;
        }
        self.contradict(question);
        let text = (self.reply)(question);
        let said = self.say(question, &text);
        assert_eq!(said.code, Some(0), "{question:?} {text}\n{}", said.text);
    }

    /// Another role, an answer without its evidence, and one that is no yes: all are refused, the question stays open.
    fn contradict(&mut self, question: &Question) {
        let mut kinds = vec![match question.how {
            How::File => Contradiction::NoFile,
            How::Yes => Contradiction::No,
            How::Words => Contradiction::NoWords,
        }];
        kinds.extend(question.role.is_some().then_some(Contradiction::Role));
        for kind in kinds {
            if !self.contradictions.remove(&kind) {
                continue;
            }
            let (words, why): (&[&str], &str) = match kind {
                Contradiction::Role => (&["--text", "yes", "--role", "guest"], "answered as guest"),
                Contradiction::NoFile => (&["--text", "seen"], "the step wants a file as evidence"),
                Contradiction::No => (&["--text", "no"], "`no` is not `yes`"),
                Contradiction::NoWords => (&["--text", ""], "will not do"),
            };
            let mut all: Vec<&str> = question.command.iter().map(String::as_str).collect();
            all.extend(words);
            self.world.salvor(&all).ends_with(4).says(why);
        }
    }

    /// Types the command that the run named, with these words as the answer.
    pub fn say(&self, question: &Question, text: &str) -> Said {
        let mut words: Vec<&str> = question.command.iter().map(String::as_str).collect();
        words.extend(["--text", text]);
        if let Some(role) = &question.role {
            words.extend(["--role", role]);
        }
        let file = self.world.path(&format!("{}.png", question.step));
        let file = file.display().to_string();
        if question.how == How::File {
            fs::write(&file, "a picture of a screen").expect("the folder is ours");
            words.extend(["--file", &file]);
        }
        self.world.salvor(&words)
    }
}

/// The run that a line names: `run anpo4s6z7c · journal …`.
fn named_run(line: &str) -> Option<String> {
    let (run, rest) = line.strip_prefix("run ")?.split_once(' ')?;
    rest.starts_with("· journal").then(|| run.to_owned())
}

/// `  manual   STEP   for ROLE, until TIME: ASK`, its further lines, and what to type.
fn question(block: &[String], typed: &str) -> Question {
    let text = block.join("\n");
    let (typed, how) = match typed.rsplit_once(" --") {
        Some((typed, "text yes")) => (typed, How::Yes),
        Some((typed, "file FILE")) => (typed, How::File),
        Some((typed, _)) => (typed, How::Words),
        None => panic!("it does not say how to answer: {typed}"),
    };
    let words: Vec<&str> = typed.split_whitespace().collect();
    let command: Vec<String> = words[1..].iter().map(|word| (*word).to_owned()).collect();
    let role = text.split_once(" for ").and_then(|(_, rest)| {
        let (role, _) = rest.split_once(", until ")?;
        (!role.contains(' ')).then(|| role.to_owned())
    });
    Question {
        step: words.last().expect("it names the step").to_string(),
        role,
        ask: text,
        command,
        how,
    }
}

fn ended(child: Child, told: String) -> Said {
    let output = child.wait_with_output().expect("it is the test's own");
    Said {
        code: output.status.code(),
        text: told + &String::from_utf8_lossy(&output.stdout),
    }
}
