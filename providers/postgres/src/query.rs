//! The action `postgres.query`: one statement in a read-only transaction, its result judged.

use std::time::Duration;

use jiff::Timestamp;
use salvor_contract::Call;
use salvor_contract::Error;
use salvor_contract::Finding;
use salvor_contract::Operation;
use salvor_contract::Outcome;
use salvor_contract::Period;
use salvor_contract::Secret;
use salvor_contract::Values;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;
use tokio_postgres::Client;
use tokio_postgres::SimpleQueryMessage;

use crate::findings::finding;
use crate::server::Server;
use crate::server::Tls;
use crate::server::read_error;
use crate::server::within;

/// What `with` of `postgres.query` takes.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct QueryInputs {
    /// The server's host name or address, or the folder of its socket.
    pub host: String,
    /// The server's port.
    #[serde(default = "crate::query::default_port")]
    pub port: u16,
    /// The role.
    pub user: String,
    /// Its password.
    pub password: Option<Secret>,
    /// Whether the connection is encrypted. Left out: verified, but not used on this machine.
    pub tls: Option<Tls>,
    /// A file with the certificates that signed the server's. Left out: the system's.
    pub ca: Option<String>,
    /// The database.
    pub database: String,
    /// One statement that reads.
    pub sql: String,
    /// What its result must be. Left out: the statement must work and give a row.
    #[serde(default)]
    pub expect: Expect,
    /// How long the statement may take.
    #[serde(default = "one_minute")]
    pub time_limit: Period,
}

/// What a result must be. The value is the first column of the first row.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Expect {
    /// Exactly this many rows.
    pub rows: Option<u64>,
    /// The value is this text.
    pub equals: Option<String>,
    /// The value is this number or more.
    pub at_least: Option<f64>,
    /// The value is this number or less.
    pub at_most: Option<f64>,
    /// The value is a time, and it is after this moment.
    pub newer_than: Option<Timestamp>,
    /// The value is a time, no older than this now, and not in the future: more than 5 minutes ahead fails.
    pub age_max: Option<Period>,
}

/// How far the clocks of a server and of this machine may be apart: a time further ahead is not one of now, and a row
/// of the year 2999 would make every age right.
const SKEW_MAX: Duration = Duration::from_secs(300);

/// The port of PostgreSQL.
pub fn default_port() -> u16 {
    5432
}

fn one_minute() -> Period {
    Period::from_seconds(60)
}

impl QueryInputs {
    fn server(&self) -> Server {
        Server {
            host: self.host.clone(),
            port: self.port,
            user: self.user.clone(),
            password: self.password.clone(),
            tls: self.tls,
            ca: self.ca.clone(),
        }
    }
}

/// Asks and judges.
pub async fn perform(operation: &Operation, call: &Call<'_>) -> Result<Outcome, Error> {
    let inputs: QueryInputs = operation.with.parse()?;
    let client = inputs.server().connect(&inputs.database, call).await?;
    read_only(&client, inputs.time_limit).await?;
    let asking = ask(&client, &inputs.sql);
    let (rows, value) = within(call, "the query", asking).await??;
    let outputs = Values::new()
        .with("value", value.clone().unwrap_or_default())
        .with("rows", rows);
    Ok(Outcome {
        outputs,
        findings: judge(&inputs, rows, value.as_deref(), call.clock.now()),
    })
}

/// Begins a transaction that cannot write, with texts that do not depend on the server's settings.
pub async fn read_only(client: &Client, time_limit: Period) -> Result<(), Error> {
    let limit = time_limit.duration().as_millis().clamp(1, 2_147_483_647);
    let begin = format!(
        "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = {limit}; \
         SET LOCAL timezone = 'UTC'; SET LOCAL datestyle = 'ISO, YMD'; SET LOCAL intervalstyle = 'iso_8601'; \
         SET LOCAL extra_float_digits = 1; SET LOCAL bytea_output = 'hex'; SET LOCAL xmlbinary = 'base64'"
    );
    client
        .batch_execute(&begin)
        .await
        .map_err(|error| read_error("beginning to read", &error))
}

async fn ask(client: &Client, sql: &str) -> Result<(u64, Option<String>), Error> {
    // The server prepares one statement only: `…; COMMIT; DROP …` ends here, before anything ran.
    client
        .prepare(sql)
        .await
        .map_err(|error| read_error("the query", &error))?;
    let messages = client
        .simple_query(sql)
        .await
        .map_err(|error| read_error("the query", &error))?;
    let mut rows = 0;
    let mut value = None;
    for message in &messages {
        if let SimpleQueryMessage::Row(row) = message {
            if rows == 0 {
                value = (!row.is_empty())
                    .then(|| row.get(0).map(str::to_owned))
                    .flatten();
            }
            rows += 1;
        }
    }
    Ok((rows, value))
}

fn judge(inputs: &QueryInputs, rows: u64, value: Option<&str>, now: Timestamp) -> Vec<Finding> {
    let Expect {
        rows: rows_expected,
        equals,
        at_least,
        at_most,
        newer_than,
        age_max,
    } = &inputs.expect;
    let subject = one_line(&inputs.sql);
    let seen = value.unwrap_or("nothing");
    let number = value.and_then(|value| value.parse::<f64>().ok());
    let time = value.and_then(time);
    let mut findings = Vec::new();
    let mut add = |expected: String, observed: &str, is_so: bool| {
        findings.push(finding(subject.clone(), expected, observed, is_so));
    };
    if let Some(expected) = rows_expected {
        add(
            format!("{expected} rows"),
            &format!("{rows} rows"),
            rows == *expected,
        );
    }
    if let Some(expected) = equals {
        add(expected.clone(), seen, value == Some(expected));
    }
    if let Some(expected) = at_least {
        add(
            format!("at least {expected}"),
            seen,
            number.is_some_and(|n| n >= *expected),
        );
    }
    if let Some(expected) = at_most {
        add(
            format!("at most {expected}"),
            seen,
            number.is_some_and(|n| n <= *expected),
        );
    }
    if let Some(expected) = newer_than {
        add(
            format!("after {expected}"),
            seen,
            time.is_some_and(|t| t > *expected),
        );
    }
    if let Some(expected) = age_max {
        let is_young = time.is_some_and(|time| {
            let age = now.duration_since(time);
            let most = if age.is_negative() {
                SKEW_MAX
            } else {
                expected.duration()
            };
            age.unsigned_abs() <= most
        });
        add(format!("no older than {expected} at {now}"), seen, is_young);
    }
    if inputs.expect == Expect::default() {
        add("at least one row".into(), &format!("{rows} rows"), rows > 0);
    }
    findings
}

fn one_line(sql: &str) -> String {
    sql.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A time as the server writes it in UTC: `2026-04-06 01:30:00.5+00`; without a zone it is taken as UTC.
fn time(text: &str) -> Option<Timestamp> {
    if let Ok(time) = text.parse() {
        return Some(time);
    }
    let text = text.strip_suffix("+00").unwrap_or(text);
    let (date, time) = text.split_once(' ').unwrap_or((text, "00:00:00"));
    format!("{date}T{time}Z").parse().ok()
}

#[cfg(test)]
mod tests {
    use salvor_contract::Judgement;

    use super::Expect;
    use super::QueryInputs;
    use super::judge;

    fn check(expect: Expect, value: Option<&str>, rows: u64, passed: bool) {
        let inputs = QueryInputs {
            host: "h".into(),
            port: 1,
            user: "u".into(),
            password: None,
            tls: None,
            ca: None,
            database: "d".into(),
            sql: "select  1".into(),
            expect: expect.clone(),
            time_limit: super::one_minute(),
        };
        let now = "2026-04-06T02:00:00Z".parse().expect("a time");
        let findings = judge(&inputs, rows, value, now);
        assert_eq!(findings.len(), 1);
        assert_eq!(
            findings[0].judgement == Judgement::Passed,
            passed,
            "{expect:?} {value:?}"
        );
    }

    #[test]
    fn a_result_is_judged_by_what_was_expected() {
        let none = Expect::default;
        check(none(), Some("1"), 1, true);
        check(none(), None, 0, false);
        check(
            Expect {
                at_least: Some(10.0),
                ..none()
            },
            Some("9.5"),
            1,
            false,
        );
        check(
            Expect {
                at_least: Some(10.0),
                ..none()
            },
            Some("ten"),
            1,
            false,
        );
        check(
            Expect {
                equals: Some("a".into()),
                ..none()
            },
            Some("a"),
            1,
            true,
        );
        let newer = Expect {
            newer_than: "2026-04-06T01:00:00Z".parse().ok(),
            ..none()
        };
        check(newer.clone(), Some("2026-04-06 01:29:58.25+00"), 1, true);
        check(newer, Some("2026-04-06 00:29:58+00"), 1, false);
        let young = Expect {
            age_max: "1h".parse().ok(),
            ..none()
        };
        check(young.clone(), Some("2026-04-06 01:29:58"), 1, true);
        check(young.clone(), Some("2026-04-06"), 1, false);
        check(young.clone(), Some("2026-04-06 02:04:59"), 1, true);
        check(young.clone(), Some("2026-04-06 02:05:01"), 1, false);
        check(young.clone(), Some("2999-01-01 00:00:00"), 1, false);
        check(young, None, 0, false);
    }
}
