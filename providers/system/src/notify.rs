//! `system.notify`: tells people or a program what happens, by a webhook.
//!
//! A message that does not get through does not fail the run, unless the plan says that it is required: in a
//! disaster the chat may be down too. After a crash it may come twice; it carries the operation's id in the
//! header `Idempotency-Key` for receivers that care.

use std::collections::BTreeMap;

use reqwest::Method;
use salvor_contract::ActionKind;
use salvor_contract::Call;
use salvor_contract::Class;
use salvor_contract::Condition;
use salvor_contract::Effect;
use salvor_contract::Error;
use salvor_contract::Fields;
use salvor_contract::Finding;
use salvor_contract::Idempotency;
use salvor_contract::Isolation;
use salvor_contract::Judgement;
use salvor_contract::Operation;
use salvor_contract::Outcome;
use salvor_contract::Output;
use salvor_contract::Period;
use salvor_contract::Preview;
use salvor_contract::Secret;
use salvor_contract::Trap;
use salvor_contract::Type;
use salvor_contract::Values;
use salvor_contract::secret::ExposeSecret;
use salvor_contract::secret::SecretString;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Map;
use serde_json::Value;

use crate::http::Answer;
use crate::http::Draft;
use crate::http::NoAnswer;
use crate::http::Request;

/// The full name.
pub(crate) const NAME: &str = "system.notify";

/// `with` of `system.notify`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Notify {
    /// Where to; give this or `secret-url`.
    url: Option<String>,
    /// Where to, when the URL is a secret, as Slack's webhooks are.
    secret_url: Option<Secret>,
    /// The message. It goes out as `{"text": …}`, which Slack, Mattermost and Teams take.
    text: String,
    /// More keys of the JSON that is sent.
    #[serde(default)]
    fields: BTreeMap<String, Value>,
    /// Headers whose values are secrets: `Authorization`.
    #[serde(default)]
    secret_headers: BTreeMap<String, Secret>,
    /// Whether the step fails when the message does not get through.
    #[serde(default)]
    required: bool,
}

/// What it tells of itself.
pub(crate) fn kind() -> ActionKind {
    ActionKind {
        outputs: vec![Output::new(
            "sent",
            Type::Boolean,
            "Whether it got through.",
        )],
        effect: Effect::Run,
        idempotency: Idempotency::Fixed(Class::Convergent),
        deadline: Period::from_seconds(10),
        isolation: Isolation::Override(
            "a drill must not alarm people: give it another url, or leave the step out",
        ),
        previews_unknown: true,
        by_hand: vec![
            "curl -sS --fail -H 'Content-Type: application/json'{{#each with.secret-headers}} -H {{@key}}:{{q this}}{{/each}} \
             --data {{q (object \"text\" with.text with.fields)}} \
             {{#if with.secret-url}}{{q with.secret-url}}{{else}}{{q with.url}}{{/if}}",
            "{{#unless with.required}}# When it does not get through, go on.{{/unless}}",
        ],
        traps: vec![Trap {
            id: "notify-twice",
            when: Condition::Always,
            message: "when salvor is killed while it sends, the message is sent again on resume",
            advice: "count the message once by the run that it names",
            source: "https://api.slack.com/messaging/webhooks, which names no key against repetition",
        }],
        ..ActionKind::reading(
            NAME,
            "Sends a message to a webhook.",
            Fields::of::<Notify>(),
        )
    }
}

/// The message.
pub(crate) fn preview(operation: &Operation) -> Result<Preview, Error> {
    let notify: Notify = operation.with.parse()?;
    Ok(Preview::new(
        Effect::Run,
        format!("tells {}: {}", place(&notify)?, notify.text),
    ))
}

/// Where to, as it may be shown.
fn place(notify: &Notify) -> Result<String, Error> {
    match (&notify.url, &notify.secret_url) {
        (Some(url), None) => Ok(url.clone()),
        (None, Some(secret)) => Ok(secret.to_string()),
        (None, None) | (Some(_), Some(_)) => {
            Err(Error::refused("give either `url` or `secret-url`"))
        }
    }
}

/// Sends it, once.
pub(crate) async fn perform(operation: &Operation, call: &Call<'_>) -> Result<Outcome, Error> {
    let notify: Notify = operation.with.parse()?;
    let place = place(&notify)?;
    let sent = send(&notify, &place, operation, call).await;
    match sent {
        Ok(()) => Ok(outcome(true, Vec::new())),
        Err(error) if notify.required || call.stop.is_cancelled() => Err(error),
        Err(error) => Ok(outcome(
            false,
            vec![Finding {
                subject: format!("message to {place}"),
                expected: "sent".to_owned(),
                observed: error.to_string(),
                judgement: Judgement::Inconclusive,
            }],
        )),
    }
}

fn outcome(is_sent: bool, findings: Vec<Finding>) -> Outcome {
    Outcome {
        outputs: Values::new().with("sent", is_sent),
        findings,
    }
}

async fn send(
    notify: &Notify,
    place: &str,
    operation: &Operation,
    call: &Call<'_>,
) -> Result<(), Error> {
    let url = match &notify.secret_url {
        Some(secret) => call.resolve(secret).await?,
        None => SecretString::from(place),
    };
    let mut message: Map<String, Value> = notify.fields.clone().into_iter().collect();
    message.insert("text".to_owned(), Value::from(notify.text.as_str()));
    let headers = BTreeMap::from([
        ("content-type".to_owned(), "application/json".to_owned()),
        ("idempotency-key".to_owned(), operation.id.to_string()),
    ]);
    let draft = Draft {
        url: url.expose_secret(),
        method: Method::POST,
        headers: &headers,
        secret_headers: &notify.secret_headers,
        body: Some(Value::Object(message).to_string()),
        is_url_secret: notify.secret_url.is_some(),
    };
    let request = Request::new(draft, call).await?;
    match request.send(call.time_left(), call).await {
        Ok(Answer {
            status: 200..=299, ..
        }) => Ok(()),
        Ok(Answer {
            status: 429,
            retry_after_seconds,
            ..
        }) => Err(Error::Transient {
            what: format!("{place} answered 429, too many requests"),
            retry_after: retry_after_seconds.map(Period::from_seconds),
        }),
        Ok(Answer {
            status: status @ 500..,
            ..
        }) => Err(Error::unknown(format!(
            "{place} answered {status}; the message may have got through"
        ))),
        Ok(Answer { status, .. }) => Err(Error::refused(format!("{place} answered {status}"))),
        Err(NoAnswer::Denied(denied)) => Err(Error::refused(denied.to_string())),
        Err(no @ NoAnswer::NotSent(_)) => Err(Error::transient(format!("{place}: {no}"))),
        Err(no @ (NoAnswer::Lost(_) | NoAnswer::Late(_) | NoAnswer::Stopped)) => Err(
            Error::unknown(format!("{place}: {no}; the message may have got through")),
        ),
    }
}
