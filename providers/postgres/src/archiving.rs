//! The action `postgres.archiving`: whether a self-managed server archives its WAL so that it can be
//! restored. It reads settings and counters; it does not read the archive.

use jiff::SignedDuration;
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

use crate::config::Config;
use crate::findings::finding;
use crate::findings::inconclusive;
use crate::pitr::base;
use crate::place::Place;
use crate::server::Server;
use crate::server::Tls;
use crate::server::read_error;
use crate::server::text_of;

/// What `with` of `postgres.archiving` takes.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ArchivingInputs {
    /// The server's host name or address, or the folder of its socket.
    pub host: String,
    /// The server's port.
    #[serde(default = "crate::query::default_port")]
    pub port: u16,
    /// The role: a member of pg_monitor sees all that is looked at.
    pub user: String,
    /// Its password.
    pub password: Option<Secret>,
    /// Whether the connection is encrypted. Left out: verified, but not used on this machine.
    pub tls: Option<Tls>,
    /// A file with the certificates that signed the server's. Left out: the system's.
    pub ca: Option<String>,
    /// The database to connect to.
    #[serde(default = "postgres")]
    pub database: String,
    /// How much may be lost: what is not archived for longer is a failure.
    pub rpo: Option<Period>,
    /// Where the base backups are, to see how old the newest is.
    pub base: Option<String>,
    /// How old the newest base backup may be.
    pub base_age_max: Option<Period>,
}

fn postgres() -> String {
    "postgres".into()
}

/// What the server says of its archiving.
#[derive(Clone, Debug, Default)]
struct Seen {
    wal_level: String,
    mode: String,
    command: String,
    library: String,
    timeout_seconds: i64,
    last_archived: Option<String>,
    archived_at: Option<f64>,
    failed_at: Option<f64>,
    last_failed: Option<String>,
}

/// Looks and judges.
pub async fn perform(
    operation: &Operation,
    config: &Config,
    call: &Call<'_>,
) -> Result<Outcome, Error> {
    let inputs: ArchivingInputs = operation.with.parse()?;
    let server = Server {
        host: inputs.host.clone(),
        port: inputs.port,
        user: inputs.user.clone(),
        password: inputs.password.clone(),
        tls: inputs.tls,
        ca: inputs.ca.clone(),
    };
    let client = server.connect(&inputs.database, call).await?;
    let seen = look(&client).await?;
    let mut findings = of_settings(&seen, inputs.rpo);
    findings.push(of_failures(&seen));
    findings.push(waiting(&client, inputs.rpo).await?);
    if let Some(url) = &inputs.base {
        findings.push(newest_base(url, inputs.base_age_max, config, call).await?);
    }
    let outputs = Values::new().with("last-archived", seen.last_archived.unwrap_or_default());
    Ok(Outcome { outputs, findings })
}

async fn look(client: &Client) -> Result<Seen, Error> {
    let row = client
        .query_one(
            "select current_setting('wal_level'), current_setting('archive_mode'), \
             current_setting('archive_command'), coalesce(current_setting('archive_library', true), ''), \
             (select setting::int8 from pg_catalog.pg_settings where name = 'archive_timeout'), \
             last_archived_wal, extract(epoch from last_archived_time)::float8, \
             extract(epoch from last_failed_time)::float8, last_failed_wal \
             from pg_catalog.pg_stat_archiver",
            &[],
        )
        .await
        .map_err(|error| read_error("asking for the archiver", &error))?;
    Ok(Seen {
        wal_level: row.get(0),
        mode: row.get(1),
        command: row.get(2),
        library: row.get(3),
        timeout_seconds: row.get(4),
        last_archived: row.get(5),
        archived_at: row.get(6),
        failed_at: row.get(7),
        last_failed: row.get(8),
    })
}

fn of_settings(seen: &Seen, rpo: Option<Period>) -> Vec<Finding> {
    let mut findings = vec![
        finding(
            "wal_level",
            "replica or logical",
            seen.wal_level.clone(),
            matches!(seen.wal_level.as_str(), "replica" | "logical"),
        ),
        finding(
            "archive_mode",
            "on or always",
            seen.mode.clone(),
            matches!(seen.mode.as_str(), "on" | "always"),
        ),
    ];
    let command = seen.command.trim();
    let has_command = !matches!(command, "" | "(disabled)" | "true" | "/bin/true" | ":");
    let observed = if !seen.library.is_empty() {
        format!("archive_library {}", seen.library)
    } else if command.is_empty() {
        "none".into()
    } else {
        // The command itself may hold a credential.
        format!(
            "a command that begins with `{}`",
            command.split(' ').next().unwrap_or_default()
        )
    };
    findings.push(finding(
        "archive_command",
        "a command or library that keeps the segment",
        observed,
        has_command || !seen.library.is_empty(),
    ));
    if let Some(rpo) = rpo {
        let limit = i64::try_from(rpo.duration().as_secs()).unwrap_or(i64::MAX);
        findings.push(finding(
            "archive_timeout",
            format!(
                "above 0 and at most {rpo}: a quiet server archives a segment only when it is full"
            ),
            format!("{}s", seen.timeout_seconds),
            seen.timeout_seconds > 0 && seen.timeout_seconds <= limit,
        ));
    }
    findings
}

fn of_failures(seen: &Seen) -> Finding {
    let subject = "last attempt to archive";
    let expected = "succeeded";
    match (seen.archived_at, seen.failed_at) {
        (None, None) => inconclusive(subject, expected, "nothing was archived yet"),
        (Some(_), None) => finding(subject, expected, "succeeded, none failed", true),
        (None, Some(_)) => finding(subject, expected, "all failed", false),
        (Some(archived), Some(failed)) if archived > failed => {
            finding(subject, expected, "succeeded", true)
        }
        (Some(_), Some(_)) => {
            let segment = seen.last_failed.clone().unwrap_or_default();
            finding(subject, expected, format!("failed for {segment}"), false)
        }
    }
}

/// Segments that wait to be archived.
async fn waiting(client: &Client, rpo: Option<Period>) -> Result<Finding, Error> {
    let subject = "segments that wait to be archived";
    let expected = match rpo {
        Some(rpo) => format!("none for longer than {rpo}"),
        None => "none for longer than 1h".into(),
    };
    let limit = rpo.unwrap_or(Period::from_seconds(60 * 60)).duration();
    let asked = client
        .query_one(
            "select count(*), coalesce(extract(epoch from now() - min(modification)), 0)::float8 \
             from pg_catalog.pg_ls_archive_statusdir() where name like '%.ready'",
            &[],
        )
        .await;
    match asked {
        Ok(row) => {
            let (count, age): (i64, f64) = (row.get(0), row.get(1));
            let observed = format!("{count}, the oldest for {age:.0}s");
            Ok(finding(
                subject,
                expected,
                observed,
                age <= limit.as_secs_f64(),
            ))
        }
        Err(error) if error.code().is_some() => {
            Ok(inconclusive(subject, expected, text_of(&error)))
        }
        Err(error) => Err(read_error("asking for waiting segments", &error)),
    }
}

async fn newest_base(
    url: &str,
    age_max: Option<Period>,
    config: &Config,
    call: &Call<'_>,
) -> Result<Finding, Error> {
    let place = Place::open(url, config, call).await?;
    let bases = base::survey(&place, &[]).await?;
    let newest: Option<Timestamp> = bases
        .iter()
        .filter(|base| base.problem.is_none())
        .map(|base| base.ended)
        .max();
    let limit = age_max.unwrap_or(Period::from_seconds(7 * 24 * 60 * 60));
    let expected = format!("no older than {limit}");
    let Some(newest) = newest else {
        return Ok(finding(
            "newest base backup",
            expected,
            "none that can be used",
            false,
        ));
    };
    let age = call.clock.now().duration_since(newest);
    let is_young = SignedDuration::try_from(limit.duration()).is_ok_and(|limit| age <= limit);
    Ok(finding(
        "newest base backup",
        expected,
        format!("ended at {newest}"),
        is_young,
    ))
}

#[cfg(test)]
mod tests {
    use salvor_contract::Judgement;

    use super::Seen;
    use super::of_failures;
    use super::of_settings;

    #[test]
    fn settings_that_lose_the_log_are_found() {
        let good = Seen {
            wal_level: "replica".into(),
            mode: "on".into(),
            command: "test ! -f /w/%f && cp %p /w/%f".into(),
            timeout_seconds: 60,
            ..Seen::default()
        };
        let failed = |seen: &Seen| -> Vec<String> {
            of_settings(seen, "5m".parse().ok())
                .into_iter()
                .filter(|f| f.judgement == Judgement::Failed)
                .map(|f| f.subject)
                .collect()
        };
        assert!(failed(&good).is_empty());
        let bad = Seen {
            wal_level: "minimal".into(),
            mode: "off".into(),
            command: "/bin/true".into(),
            timeout_seconds: 0,
            ..Seen::default()
        };
        assert_eq!(
            failed(&bad),
            [
                "wal_level",
                "archive_mode",
                "archive_command",
                "archive_timeout"
            ]
        );
    }

    #[test]
    fn a_failure_after_the_last_success_is_found() {
        let judged = |archived_at, failed_at| {
            of_failures(&Seen {
                archived_at,
                failed_at,
                ..Seen::default()
            })
            .judgement
        };
        assert_eq!(judged(Some(2.0), Some(1.0)), Judgement::Passed);
        assert_eq!(judged(Some(1.0), Some(2.0)), Judgement::Failed);
        assert_eq!(judged(None, Some(1.0)), Judgement::Failed);
        assert_eq!(judged(None, None), Judgement::Inconclusive);
    }
}
