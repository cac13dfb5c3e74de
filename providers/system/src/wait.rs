//! `system.wait`: looks again and again, by HTTP or by a program, until a state is reached that ends the
//! waiting, well or badly.
//!
//! A wait that knows no failure runs into its deadline when the thing has failed; so states of failure have
//! their own place. At its deadline the step fails with what was seen last: nothing is unknown about a look.

use std::collections::BTreeMap;

use reqwest::Method;
use salvor_contract::ActionKind;
use salvor_contract::Call;
use salvor_contract::Condition;
use salvor_contract::Effect;
use salvor_contract::Error;
use salvor_contract::Fields;
use salvor_contract::Finding;
use salvor_contract::Judgement;
use salvor_contract::Operation;
use salvor_contract::Outcome;
use salvor_contract::Output;
use salvor_contract::Period;
use salvor_contract::Preview;
use salvor_contract::Secret;
use salvor_contract::Trap;
use salvor_contract::Type;
use salvor_contract::Unit;
use salvor_contract::Update;
use salvor_contract::Values;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::expectation::judge;
use crate::expectation::output;
use crate::http::Draft;
use crate::http::NoAnswer;
use crate::http::Request;
use crate::process;
use crate::process::Program;

/// The full name.
pub(crate) const NAME: &str = "system.wait";

/// `with` of `system.wait`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Wait {
    /// Looks by HTTP; give this or `exec`.
    http: Option<Http>,
    /// Looks by a program that only reads; give this or `http`.
    exec: Option<Exec>,
    /// All of these end the waiting well: pointer into the JSON to expectation. Left out, a good answer (status
    /// 200, exit 0) is enough. The pointer `""` is the whole; what is not JSON is one text.
    #[serde(default)]
    until: BTreeMap<String, Value>,
    /// Any of these ends the waiting at once and fails the step: pointer to expectation, or to a list of them,
    /// of which any is enough. (A value that is a list itself is expected by `"== [1, 2]"`.)
    #[serde(default)]
    fails_when: BTreeMap<String, Value>,
    /// How long to wait between two looks.
    #[serde(default = "ten_seconds")]
    every: Period,
    /// How long one look may take.
    #[serde(default = "ten_seconds")]
    timeout: Period,
}

/// A look by HTTP.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Http {
    /// The URL.
    url: String,
    /// Headers.
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// Headers whose values are secrets.
    #[serde(default)]
    secret_headers: BTreeMap<String, Secret>,
}

/// A look by a program.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Exec {
    /// The program and its arguments.
    argv: Vec<String>,
    /// Variables of its environment.
    #[serde(default)]
    env: BTreeMap<String, String>,
    /// The folder in which it runs.
    dir: Option<String>,
}

fn ten_seconds() -> Period {
    Period::from_seconds(10)
}

/// What it tells of itself.
pub(crate) fn kind() -> ActionKind {
    ActionKind {
        outputs: vec![
            Output::new("looks", Type::Integer, "How often it looked."),
            Output::new(
                "last",
                Type::Any,
                "What it saw last: JSON, or a text; null when it has more than 64 KiB.",
            ),
        ],
        deadline: Period::from_seconds(30 * 60),
        previews_unknown: true,
        by_hand: vec![
            "# {{#if with.until}}Until{{#each with.until}} {{#if @key}}{{@key}}{{else}}the answer{{/if}} is {{json this}}\
             {{#unless @last}} and{{/unless}}{{/each}}, by JSON pointer.{{else}}Until it answers well.{{/if}} Then stop it \
             (Ctrl-C).{{#if with.fails-when}} It has failed when{{#each with.fails-when}} {{#if @key}}{{@key}}{{else}}the \
             answer{{/if}} is {{json this}}{{#unless @last}} or{{/unless}}{{/each}}.{{/if}}",
            "{{#if with.exec.dir}}(cd {{q with.exec.dir}} && {{/if}}{{#each with.exec.env}}{{@key}}={{q this}} {{/each}}\
             watch --exec --interval={{#if with.every}}{{seconds with.every}}{{else}}10{{/if}} -- \
             {{#if with.http}}curl -sS{{#each with.http.headers}} -H {{@key}}:{{q this}}{{/each}}\
             {{#each with.http.secret-headers}} -H {{@key}}:{{q this}}{{/each}} {{q with.http.url}}\
             {{else}}{{#each with.exec.argv}}{{q this}}{{#unless @last}} {{/unless}}{{/each}}{{/if}}\
             {{#if with.exec.dir}}){{/if}}",
        ],
        traps: vec![Trap {
            id: "wait-without-failure",
            when: Condition::InputMissing("fails-when"),
            message: "a wait that knows no state of failure goes on to its deadline after the thing has failed",
            advice: "name the states in `fails-when`",
            source: "https://kubernetes.io/docs/reference/kubectl/generated/kubectl_wait: waiting for one condition \
                     does not end when another is reached",
        }],
        ..ActionKind::reading(
            NAME,
            "Waits for a state, by HTTP or by a program.",
            Fields::of::<Wait>(),
        )
    }
}

/// What it waits for.
pub(crate) fn preview(operation: &Operation) -> Result<Preview, Error> {
    let wait: Wait = operation.with.parse()?;
    Ok(Preview::new(
        Effect::Read,
        format!("waits for {}", subject(&wait)?),
    ))
}

fn subject(wait: &Wait) -> Result<String, Error> {
    match (&wait.http, &wait.exec) {
        (Some(http), None) => Ok(format!("GET {}", http.url)),
        (None, Some(exec)) if !exec.argv.is_empty() => Ok(exec.argv.join(" ")),
        (None, Some(_)) => Err(Error::refused("`exec.argv` names no program")),
        (None, None) | (Some(_), Some(_)) => Err(Error::refused("give either `http` or `exec`")),
    }
}

/// One look.
enum Seen {
    /// A good answer.
    Good(Value),
    /// An answer that is not good (another status, another exit), why.
    Bad(Value, String),
    /// No answer.
    Nothing(String),
}

/// Looks until it is over.
pub(crate) async fn perform(operation: &Operation, call: &Call<'_>) -> Result<Outcome, Error> {
    let wait: Wait = operation.with.parse()?;
    let subject = subject(&wait)?;
    let request = match &wait.http {
        Some(http) => {
            let draft = Draft {
                url: &http.url,
                method: Method::GET,
                headers: &http.headers,
                secret_headers: &http.secret_headers,
                body: None,
                is_url_secret: false,
            };
            Some(Request::new(draft, call).await?)
        }
        None => None,
    };
    let mut looks = 0;
    loop {
        looks += 1;
        let seen = match (&request, &wait.exec) {
            (Some(request), _) => by_http(request, wait.timeout, call).await?,
            (None, Some(exec)) => by_program(exec, wait.timeout, call).await?,
            (None, None) => return Err(Error::refused("give either `http` or `exec`")),
        };
        if call.stop.is_cancelled() {
            return Err(Error::transient(format!(
                "stopped while waiting for {subject}"
            )));
        }
        let Judged {
            last,
            findings,
            state,
        } = judged(&wait, &subject, seen);
        let outputs = Values::new()
            .with("looks", looks)
            .with("last", output(last));
        if state == State::Over || call.time_left().is_zero() {
            return Ok(Outcome { outputs, findings });
        }
        let open = findings
            .iter()
            .find(|finding| finding.judgement != Judgement::Passed);
        call.progress.update(Update {
            done: looks,
            total: None,
            unit: Unit::Things,
            says: open.map(|finding| format!("{}: {}", finding.subject, finding.observed)),
        });
        if let Err(error) = call.pause(wait.every.duration(), &subject).await {
            if call.stop.is_cancelled() {
                return Err(error.of_reading());
            }
            return Ok(Outcome { outputs, findings });
        }
    }
}

/// What one look came to.
struct Judged {
    last: Value,
    findings: Vec<Finding>,
    state: State,
}

/// Whether the waiting is over, well or badly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Over,
    Waiting,
}

/// What was seen, and the findings on it: what has failed for good, or else all that is waited for.
fn judged(wait: &Wait, subject: &str, seen: Seen) -> Judged {
    let (last, bad) = match seen {
        Seen::Good(document) => (document, None),
        Seen::Bad(document, why) => (document, Some(why)),
        Seen::Nothing(why) => (Value::Null, Some(why)),
    };
    let has_failed: Vec<Finding> = wait
        .fails_when
        .iter()
        .flat_map(|(pointer, written)| {
            let any = written.as_array().map(Vec::as_slice);
            let any = any.unwrap_or(std::slice::from_ref(written));
            any.iter().map(move |one| (pointer, one))
        })
        .flat_map(|(pointer, one)| {
            let expected = BTreeMap::from([(pointer.clone(), one.clone())]);
            judge(subject, &last, &expected)
        })
        .filter(|finding| finding.judgement == Judgement::Passed)
        .map(|finding| Finding {
            expected: format!("never {}", finding.expected),
            judgement: Judgement::Failed,
            ..finding
        })
        .collect();
    if !has_failed.is_empty() {
        return Judged {
            last,
            findings: has_failed,
            state: State::Over,
        };
    }
    let mut findings = judge(subject, &last, &wait.until);
    if bad.is_some() || findings.is_empty() {
        let good = "a good answer".to_owned();
        findings.push(Finding {
            subject: subject.to_owned(),
            expected: good.clone(),
            judgement: Judgement::of(bad.is_none()),
            observed: bad.unwrap_or(good),
        });
    }
    let is_reached = findings
        .iter()
        .all(|finding| finding.judgement == Judgement::Passed);
    Judged {
        last,
        findings,
        state: if is_reached {
            State::Over
        } else {
            State::Waiting
        },
    }
}

async fn by_http(request: &Request, timeout: Period, call: &Call<'_>) -> Result<Seen, Error> {
    Ok(match request.send(timeout.duration(), call).await {
        Ok(answer) if answer.status == 200 => Seen::Good(document(&answer.body)),
        Ok(answer) => Seen::Bad(document(&answer.body), format!("status {}", answer.status)),
        Err(NoAnswer::Denied(denied)) => return Err(Error::refused(denied.to_string())),
        Err(no @ (NoAnswer::NotSent(_) | NoAnswer::Lost(_) | NoAnswer::Late(_))) => {
            Seen::Nothing(no.to_string())
        }
        Err(NoAnswer::Stopped) => Seen::Nothing("stopped".to_owned()),
    })
}

async fn by_program(exec: &Exec, timeout: Period, call: &Call<'_>) -> Result<Seen, Error> {
    let path = process::find(&exec.argv[0], call)?;
    let program = Program {
        path: &path,
        arguments: &exec.argv[1..],
        dir: call.path(exec.dir.as_deref().unwrap_or(".")),
        env: exec.env.clone(),
        secrets: BTreeMap::new(),
        stdin: None,
    };
    let mut look = call.clone();
    look.deadline = call
        .deadline
        .min(call.clock.elapsed().saturating_add(timeout.duration()));
    Ok(match process::run(program, &look).await {
        Ok(ended) => {
            let document = document(ended.stdout.trim());
            match ended.status.code() {
                Some(0) => Seen::Good(document),
                Some(code) => Seen::Bad(document, format!("exit {code}")),
                None => Seen::Bad(document, "ended by a signal".to_owned()),
            }
        }
        Err(broken) => Seen::Nothing(broken.to_string()),
    })
}

fn document(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::from(text))
}
