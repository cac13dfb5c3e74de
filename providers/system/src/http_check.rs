//! `system.http-check`: asks a URL until it answers as expected, or says how it does not.

use std::collections::BTreeMap;

use reqwest::Method;
use salvor_contract::ActionKind;
use salvor_contract::Call;
use salvor_contract::Condition;
use salvor_contract::Effect;
use salvor_contract::Error;
use salvor_contract::Fields;
use salvor_contract::Finding;
use salvor_contract::IdentityTemplate;
use salvor_contract::InputRefusal;
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
use crate::expectation::refusal;
use crate::http::Answer;
use crate::http::Draft;
use crate::http::NoAnswer;
use crate::http::Request;
use crate::http::url_of;

/// The full name.
pub(crate) const NAME: &str = "system.http-check";

/// `with` of `system.http-check`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Check {
    /// The URL: http or https. Link-local and metadata addresses are refused.
    url: String,
    /// The method. A `POST` must be one that only reads, such as a search.
    #[serde(default)]
    method: Verb,
    /// Headers.
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// Headers whose values are secrets: `Authorization`.
    #[serde(default)]
    secret_headers: BTreeMap<String, Secret>,
    /// The body of a `POST`.
    body: Option<String>,
    /// The statuses that are as expected.
    #[serde(default = "ok")]
    status: Vec<u16>,
    /// Values in a JSON answer: pointer to expectation, `"/ok" = true`, `"/count" = "> 0"`, `"/status" = "== green"`.
    #[serde(default)]
    json: BTreeMap<String, Value>,
    /// A text that the answer must contain.
    contains: Option<String>,
    /// How long to go on asking until all is as expected; left out, it is asked once.
    #[serde(default)]
    within: Period,
    /// How long to wait between two tries.
    #[serde(default = "five_seconds")]
    every: Period,
    /// How long one try may take.
    #[serde(default = "ten_seconds")]
    timeout: Period,
}

/// The methods that a check can use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Verb {
    /// Reads.
    #[default]
    Get,
    /// Reads the headers alone.
    Head,
    /// Sends a body.
    Post,
}

impl From<Verb> for Method {
    fn from(verb: Verb) -> Self {
        match verb {
            Verb::Get => Self::GET,
            Verb::Head => Self::HEAD,
            Verb::Post => Self::POST,
        }
    }
}

/// What no answer could make good.
pub(crate) fn refusals(with: &Values) -> Vec<InputRefusal> {
    let url = InputRefusal::of_text(with, "url", |url| url_of(url, url));
    let json = with.get("json").and_then(refusal);
    let json = json.map(|error| InputRefusal::of("json", &error));
    url.into_iter().chain(json).collect()
}

fn ok() -> Vec<u16> {
    vec![200]
}

fn five_seconds() -> Period {
    Period::from_seconds(5)
}

fn ten_seconds() -> Period {
    Period::from_seconds(10)
}

/// What it tells of itself.
pub(crate) fn kind() -> ActionKind {
    ActionKind {
        outputs: vec![
            Output::new(
                "status",
                Type::Integer,
                "The status of the last answer; 0 when none came.",
            ),
            Output::new(
                "json",
                Type::Any,
                "The last answer as JSON; null when it is not JSON or has more than 64 KiB.",
            ),
        ],
        reads: vec![IdentityTemplate::new("http", "{url}")],
        previews_unknown: true,
        by_hand: vec![
            "{{#if with.status}}# The status is {{#each with.status}}{{this}}{{#unless @last}} or {{/unless}}{{/each}}.{{/if}}",
            "{{#if with.json}}# In the answer{{#each with.json}} {{@key}} is {{json this}}{{#unless @last}} and{{/unless}}\
             {{/each}}, by JSON pointer.{{/if}}",
            "{{#if with.contains}}# The answer contains: {{with.contains}}{{/if}}",
            "{{#if with.within}}{{#if (seconds with.within)}}# Ask again and again, for {{with.within}} at most.{{/if}}{{/if}}",
            "curl -sS -i {{#if (eq with.method \"HEAD\")}}--head{{else}}-X {{#if with.method}}{{with.method}}{{else}}GET\
             {{/if}}{{/if}}{{#each with.headers}} -H {{@key}}:{{q this}}{{/each}}{{#each with.secret-headers}} -H \
             {{@key}}:{{q this}}{{/each}}{{#if with.body}} --data {{q with.body}}{{/if}} {{q with.url}}",
        ],
        traps: vec![Trap {
            id: "http-check-empty-system",
            when: Condition::InputMissing("json"),
            message: "a status alone is green on an empty system too",
            advice: "expect a value in the answer that only restored data can give, such as a count or the newest \
                     moment",
            source: "GitLab's post-mortem of 2017-01-31: every backup method reported success and held nothing",
        }],
        ..ActionKind::reading(
            NAME,
            "Asks a URL and compares status, text and JSON values with what is expected.",
            Fields::of::<Check>(),
        )
    }
}

/// What it would do.
pub(crate) fn preview(operation: &Operation) -> Result<Preview, Error> {
    let check: Check = operation.with.parse()?;
    Ok(Preview::new(
        Effect::Read,
        format!("{} {}", Method::from(check.method), check.url),
    ))
}

/// Asks until all is as expected, or `within` has passed.
pub(crate) async fn perform(operation: &Operation, call: &Call<'_>) -> Result<Outcome, Error> {
    let check: Check = operation.with.parse()?;
    let request = Request::new(
        Draft {
            url: &check.url,
            method: check.method.into(),
            headers: &check.headers,
            secret_headers: &check.secret_headers,
            body: check.body.clone(),
            is_url_secret: false,
        },
        call,
    )
    .await?;
    let end = call
        .clock
        .elapsed()
        .saturating_add(check.within.duration())
        .min(call.deadline);
    let subject = format!("{} {}", Method::from(check.method), check.url);
    let mut tries = 0;
    loop {
        tries += 1;
        let outcome = match request.send(check.timeout.duration(), call).await {
            Ok(answer) => judged(&subject, &check, &answer),
            Err(NoAnswer::Stopped) => return Err(Error::transient(format!("{subject}: stopped"))),
            Err(NoAnswer::Denied(denied)) => return Err(Error::refused(denied.to_string())),
            Err(no @ (NoAnswer::NotSent(_) | NoAnswer::Lost(_) | NoAnswer::Late(_))) => Outcome {
                outputs: Values::new().with("status", 0).with("json", Value::Null),
                findings: vec![Finding {
                    subject: format!("{subject} status"),
                    expected: list(&check.status),
                    observed: no.to_string(),
                    judgement: Judgement::Failed,
                }],
            },
        };
        let failed = outcome
            .findings
            .iter()
            .find(|f| f.judgement != Judgement::Passed);
        let left = end.saturating_sub(call.clock.elapsed());
        let Some(failed) = failed.filter(|_| !left.is_zero()) else {
            return Ok(outcome);
        };
        call.progress.update(Update {
            done: tries,
            total: None,
            unit: Unit::Things,
            says: Some(format!("{}: {}", failed.subject, failed.observed)),
        });
        // It only reads: a stop leaves nothing unknown.
        call.pause(check.every.duration().min(left), &subject)
            .await
            .map_err(Error::of_reading)?;
    }
}

fn judged(subject: &str, check: &Check, answer: &Answer) -> Outcome {
    let mut findings = vec![Finding {
        subject: format!("{subject} status"),
        expected: list(&check.status),
        observed: answer.status.to_string(),
        judgement: Judgement::of(check.status.contains(&answer.status)),
    }];
    let document: Option<Value> = serde_json::from_str(&answer.body).ok();
    match &document {
        Some(document) => findings.extend(judge(subject, document, &check.json)),
        None if check.json.is_empty() => {}
        None => findings.push(Finding {
            subject: format!("{subject} body"),
            expected: "JSON".to_owned(),
            observed: "something else".to_owned(),
            judgement: Judgement::Failed,
        }),
    }
    if let Some(text) = &check.contains {
        let contains = answer.body.contains(text.as_str());
        findings.push(Finding {
            subject: format!("{subject} body"),
            expected: format!("contains `{text}`"),
            observed: if contains {
                "contains it"
            } else {
                "does not contain it"
            }
            .to_owned(),
            judgement: Judgement::of(contains),
        });
    }
    Outcome {
        outputs: Values::new()
            .with("status", answer.status)
            .with("json", output(document.unwrap_or(Value::Null))),
        findings,
    }
}

fn list(statuses: &[u16]) -> String {
    let statuses: Vec<String> = statuses.iter().map(ToString::to_string).collect();
    statuses.join(" or ")
}
