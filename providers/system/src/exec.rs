//! `system.exec`: runs one program with an argument vector, and says how it ended.
//!
//! An exit that was not expected is an outcome with a failed finding, not an error: the program ran and may
//! have changed something. A program that was killed at its deadline leaves its outcome unknown. It finds
//! its operation's id in `SALVOR_OPERATION`, for services that take a token, and the mark that all its attempts
//! share in `SALVOR_MARK`, for the name of what it makes.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;

use salvor_contract::ActionKind;
use salvor_contract::Call;
use salvor_contract::Class;
use salvor_contract::Condition;
use salvor_contract::Effect;
use salvor_contract::Error;
use salvor_contract::Fields;
use salvor_contract::FileInput;
use salvor_contract::Finding;
use salvor_contract::Idempotency;
use salvor_contract::Isolation;
use salvor_contract::Judgement;
use salvor_contract::Operation;
use salvor_contract::Outcome;
use salvor_contract::Output;
use salvor_contract::Period;
use salvor_contract::Preview;
use salvor_contract::Probe;
use salvor_contract::Secret;
use salvor_contract::Trap;
use salvor_contract::Type;
use salvor_contract::Values;
use salvor_contract::secret::SecretString;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::process;
use crate::process::Broken;
use crate::process::Ended;
use crate::process::Program;
use crate::programs;
use crate::sha256;

/// The full name.
pub(crate) const NAME: &str = "system.exec";

/// `with` of `system.exec`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Exec {
    /// The program and its arguments. No shell reads them.
    argv: Vec<String>,
    /// Variables of its environment, beside the few that it always gets.
    #[serde(default)]
    env: BTreeMap<String, String>,
    /// Variables whose values are secrets.
    #[serde(default)]
    secrets: BTreeMap<String, Secret>,
    /// The folder in which it runs; the plan's own when left out.
    dir: Option<String>,
    /// What it reads from its standard input.
    stdin: Option<String>,
    /// What a repetition means: `read` changes nothing, `convergent` may be repeated, `token`, `named` and
    /// `fenced` are found again by `probe`, `unkeyed` is never repeated by itself.
    #[serde(default = "unkeyed")]
    class: Class,
    /// A program that tells what became of it: exit 0 done, 1 nothing happened, other: cannot tell. It gets
    /// the same environment, and what it prints stands for the output of what is done.
    probe: Option<Vec<String>>,
    /// The exit codes that mean success.
    #[serde(default = "zero")]
    expect_exit: Vec<i32>,
    /// Gives the output `stdout-json`: then it must be JSON.
    #[serde(default)]
    stdout_json: bool,
}

fn unkeyed() -> Class {
    Class::Unkeyed
}

fn zero() -> Vec<i32> {
    vec![0]
}

/// The program as a person starts it. Where it runs in another folder, the shell stays in this one.
macro_rules! typed {
    () => {
        "{{#if with.dir}}(cd {{q with.dir}} && {{/if}}{{#each with.env}}{{@key}}={{q this}} {{/each}}\
         {{#each with.secrets}}{{@key}}={{q this}} {{/each}}{{#each with.argv}}{{q this}}{{#unless @last}} {{/unless}}\
         {{/each}}{{#if with.stdin}} {{#here}}{{with.stdin}}{{/here}}\n{{/if}}{{#if with.dir}}){{/if}}"
    };
}

/// What it tells of itself.
pub(crate) fn kind() -> ActionKind {
    ActionKind {
        outputs: vec![
            Output::new(
                "stdout",
                Type::Text,
                "What it printed, trimmed; 64 KiB at most, the middle left out.",
            ),
            Output::new(
                "exit",
                Type::Integer,
                "Its exit code; 128 and the signal when a signal ended it.",
            ),
            Output::new(
                "stdout-json",
                Type::Any,
                "What it printed, as JSON, when that was asked for; else null.",
            ),
        ],
        effect: Effect::Run,
        files: vec![FileInput::Program("argv"), FileInput::Program("probe")],
        idempotency: Idempotency::Declared("class"),
        // A program that is being killed may still finish what it is at.
        settle: Period::from_seconds(1),
        isolation: Isolation::Override(
            "what a program touches is not known: give it other arguments, or leave the step out",
        ),
        previews_unknown: true,
        by_hand: vec![
            "{{#if with.expect-exit}}{{#unless (eq (json with.expect-exit) \"[0]\")}}# It is well with one of these exit \
             codes: {{json with.expect-exit}}{{/unless}}{{/if}}",
            concat!(
                "{{#if told.stdout}}{{told.stdout}}=$({{#if with.dir}} {{/if}}",
                typed!(),
                ") && echo \"${{told.stdout}}\"{{else}}",
                typed!(),
                "{{/if}}"
            ),
        ],
        traps: traps(),
        ..ActionKind::reading(NAME, "Runs a program.", Fields::of::<Exec>())
    }
}

fn traps() -> Vec<Trap> {
    let mut traps = vec![
        Trap {
            id: "exec-unkeyed",
            when: Condition::InputMissing("class"),
            message: "without a class an interrupted program is never started again by itself, and a person must say \
                      what became of it",
            advice: "declare `class`, and a `probe` that finds out",
            source: "AWS Builders' Library, Making retries safe with idempotent APIs",
        },
        Trap {
            id: "exec-hidden-failure",
            when: Condition::Always,
            message: "an exit code of 0 says what the program thinks of itself",
            advice: "check the result in a step of its own",
            source: "POSIX.1-2024, exit: what a program says of itself is its own choice",
        },
    ];
    traps.extend(programs::traps_of_argv("argv"));
    traps.push(programs::traps_of_words("rds-endpoint-typed", "argv"));
    traps
}

/// The inputs, checked for what their types cannot say.
fn inputs(operation: &Operation) -> Result<Exec, Error> {
    let exec: Exec = operation.with.parse()?;
    let is_empty = |argv: &Vec<String>| argv.first().is_none_or(String::is_empty);
    if is_empty(&exec.argv) || exec.probe.as_ref().is_some_and(is_empty) {
        return Err(Error::refused("`argv` names no program"));
    }
    let needs_probe = matches!(exec.class, Class::Token | Class::Named | Class::Fenced);
    if needs_probe && exec.probe.is_none() {
        return Err(Error::refused_with(
            "a program of the class token, named or fenced is found again by its `probe`, and there is none",
            "write a `probe`, or declare `class = \"convergent\"` if it may be repeated",
        ));
    }
    Ok(exec)
}

/// What it would do. Starts nothing; reads the program's file for its digest.
pub(crate) async fn preview(operation: &Operation, call: &Call<'_>) -> Result<Preview, Error> {
    let exec = inputs(operation)?;
    let path = process::find(&exec.argv[0], call)?;
    let digest = sha256::of_file(&path).await?;
    let shown: Vec<String> = exec.argv.iter().map(|word| quoted(word)).collect();
    let shown = shown.join(" ");
    let (effect, summary, unknown) = match exec.class {
        // The plan's word for it: what a program does cannot be seen from outside.
        Class::Read => (
            Effect::Read,
            format!("{shown}: only reads, as the plan declares"),
            Vec::new(),
        ),
        Class::Token | Class::Named | Class::Fenced | Class::Convergent | Class::Unkeyed => (
            Effect::Run,
            shown,
            vec![format!("what {} changes", exec.argv[0])],
        ),
    };
    Ok(Preview {
        unknown,
        facts: Values::new()
            .with("program", path.display().to_string())
            .with("sha256", digest),
        ..Preview::new(effect, summary)
    })
}

/// Runs it, unless its probe finds it done.
pub(crate) async fn perform(operation: &Operation, call: &Call<'_>) -> Result<Outcome, Error> {
    let exec = inputs(operation)?;
    // What carries a key is looked for first; what has none is for the engine to send once.
    let is_keyed = !matches!(exec.class, Class::Read | Class::Unkeyed);
    if is_keyed
        && exec.probe.is_some()
        && let Probe::Done(outcome) = find_again(&exec, operation, call).await?
    {
        return Ok(outcome);
    }
    let secrets = secrets(&exec, call).await?;
    match run(&exec, &exec.argv, operation, &secrets, call).await {
        Ok(ended) => Ok(outcome(&exec, &exec.argv, &ended)),
        Err(Failure::Setup(error)) => Err(error),
        Err(Failure::Broken(Broken::NotStarted(why))) => Err(Error::refused(why)),
        Err(Failure::Broken(Broken::Killed(why))) => Err(match exec.class {
            Class::Read => Error::transient(why),
            Class::Token | Class::Named | Class::Fenced | Class::Convergent | Class::Unkeyed => {
                Error::unknown(format!("{why}; what it did until then is not known"))
            }
        }),
    }
}

/// Asks its probe, where it has one.
pub(crate) async fn probe(operation: &Operation, call: &Call<'_>) -> Result<Probe, Error> {
    let exec = inputs(operation)?;
    if exec.probe.is_some() {
        return find_again(&exec, operation, call).await;
    }
    Ok(match exec.class {
        // Not because nothing happened, but because it may be sent again.
        Class::Read | Class::Convergent => Probe::Absent,
        Class::Token | Class::Named | Class::Fenced | Class::Unkeyed => Probe::CannotTell {
            why: "a program leaves no mark, and the step has no `probe`".to_owned(),
        },
    })
}

async fn find_again(exec: &Exec, operation: &Operation, call: &Call<'_>) -> Result<Probe, Error> {
    let argv = exec.probe.as_ref().unwrap_or(&exec.argv);
    let secrets = secrets(exec, call).await?;
    let ended = match run(exec, argv, operation, &secrets, call).await {
        Ok(ended) => ended,
        Err(Failure::Setup(error)) => return Err(error),
        Err(Failure::Broken(broken)) => {
            let why = broken.to_string();
            return Ok(Probe::CannotTell { why });
        }
    };
    Ok(match ended.status.code() {
        Some(0) => {
            let mut found = outcome(exec, argv, &ended);
            // The probe's own exit says "done"; the program's is not known any more, but was as expected.
            found
                .outputs
                .set("exit", exec.expect_exit.first().copied().unwrap_or(0));
            found.findings.clear();
            Probe::Done(found)
        }
        Some(1) => Probe::Absent,
        Some(_) | None => Probe::CannotTell {
            why: format!("the probe {} ended with {}", argv[0], end_of(&ended)),
        },
    })
}

enum Failure {
    Setup(Error),
    Broken(Broken),
}

async fn run(
    exec: &Exec,
    argv: &[String],
    operation: &Operation,
    secrets: &BTreeMap<String, SecretString>,
    call: &Call<'_>,
) -> Result<Ended, Failure> {
    let path = process::find(&argv[0], call).map_err(Failure::Setup)?;
    let mut env = exec.env.clone();
    env.insert("SALVOR_OPERATION".to_owned(), operation.id.to_string());
    env.insert("SALVOR_MARK".to_owned(), operation.mark.to_string());
    env.insert("SALVOR_RUN".to_owned(), operation.run.to_string());
    env.insert("SALVOR_TOKEN".to_owned(), operation.token.to_string());
    let program = Program {
        path: &path,
        arguments: &argv[1..],
        dir: call.path(exec.dir.as_deref().unwrap_or(".")),
        env,
        secrets: secrets.clone(),
        stdin: exec.stdin.clone(),
    };
    process::run(program, call).await.map_err(Failure::Broken)
}

async fn secrets(exec: &Exec, call: &Call<'_>) -> Result<BTreeMap<String, SecretString>, Error> {
    let mut values = BTreeMap::new();
    for (variable, secret) in &exec.secrets {
        values.insert(variable.clone(), call.resolve(secret).await?);
    }
    Ok(values)
}

fn outcome(exec: &Exec, argv: &[String], ended: &Ended) -> Outcome {
    let stdout = ended.stdout.trim().to_owned();
    let exit = exit_code(ended);
    let expected: Vec<String> = exec.expect_exit.iter().map(ToString::to_string).collect();
    let mut findings = vec![Finding {
        subject: format!("exit of {}", argv[0]),
        expected: expected.join(" or "),
        observed: end_of(ended),
        judgement: Judgement::of(
            ended
                .status
                .code()
                .is_some_and(|code| exec.expect_exit.contains(&code)),
        ),
    }];
    let mut json = Value::Null;
    if exec.stdout_json {
        let parsed = serde_json::from_str(&stdout);
        let observed = match (&parsed, ended.is_whole) {
            (Ok(_), _) => "JSON".to_owned(),
            (Err(_), false) => "more than the 64 KiB that are kept".to_owned(),
            (Err(error), true) => error.to_string(),
        };
        findings.push(Finding {
            subject: format!("output of {}", argv[0]),
            expected: "JSON".to_owned(),
            observed,
            judgement: Judgement::of(parsed.is_ok()),
        });
        json = parsed.unwrap_or(Value::Null);
    }
    Outcome {
        outputs: Values::new()
            .with("stdout", stdout)
            .with("exit", exit)
            .with("stdout-json", json),
        findings,
    }
}

fn exit_code(ended: &Ended) -> i32 {
    let signal = ended.status.signal().unwrap_or_default();
    ended.status.code().unwrap_or(128 + signal)
}

/// The exit, and what was said last, for a person.
fn end_of(ended: &Ended) -> String {
    let end = match (ended.status.code(), ended.status.signal()) {
        (Some(code), _) => code.to_string(),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "an end without exit code".to_owned(),
    };
    match process::last_line(&ended.stderr).filter(|_| !ended.status.success()) {
        Some(line) => format!("{end}: {line}"),
        None => end,
    }
}

/// A word as a shell would need it.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}
