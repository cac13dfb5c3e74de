//! The actions `postgres.baseline` and `postgres.compare`: rows and digests of tables, kept and compared.
//!
//! A table's digest is the sum of one hash for each row, so it needs no order, no sorting and no memory at
//! the server, and is equal for equal rows in whatever order they lie. All tables are read in one
//! snapshot.

mod measure;

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
use salvor_contract::Call;
use salvor_contract::Error;
use salvor_contract::Finding;
use salvor_contract::Operation;
use salvor_contract::Outcome;
use salvor_contract::Probe;
use salvor_contract::Removal;
use salvor_contract::Secret;
use salvor_contract::Values;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;
use sha2::Digest as _;
use sha2::Sha256;

use crate::base_backup::hex;
use crate::baseline::measure::measure;
use crate::findings::finding;
use crate::server::Server;
use crate::server::Tls;
use crate::server::within;

const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// What `with` of `postgres.baseline` takes.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct BaselineInputs {
    /// The server's host name or address, or the folder of its socket.
    pub host: String,
    /// The server's port.
    #[serde(default = "crate::query::default_port")]
    pub port: u16,
    /// The role: it must be allowed to read all tables.
    pub user: String,
    /// Its password.
    pub password: Option<Secret>,
    /// Whether the connection is encrypted. Left out: verified, but not used on this machine.
    pub tls: Option<Tls>,
    /// A file with the certificates that signed the server's. Left out: the system's.
    pub ca: Option<String>,
    /// The database.
    pub database: String,
    /// The tables, as `schema.table`. Left out: all.
    pub tables: Option<Vec<String>>,
    /// The file that the baseline is written to.
    pub write_to: String,
}

/// What `with` of `postgres.compare` takes.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CompareInputs {
    /// The server's host name or address, or the folder of its socket.
    pub host: String,
    /// The server's port.
    #[serde(default = "crate::query::default_port")]
    pub port: u16,
    /// The role: it must be allowed to read all tables.
    pub user: String,
    /// Its password.
    pub password: Option<Secret>,
    /// Whether the connection is encrypted. Left out: verified, but not used on this machine.
    pub tls: Option<Tls>,
    /// A file with the certificates that signed the server's. Left out: the system's.
    pub ca: Option<String>,
    /// The database.
    pub database: String,
    /// The file with the baseline.
    pub baseline: String,
    /// What is compared: the content of every table, or only the numbers of rows.
    #[serde(default)]
    pub by: By,
    /// By how many hundredths a number of rows may differ, for a baseline of another moment.
    #[serde(default)]
    pub rows_differ_max: f64,
}

/// What is compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum By {
    /// Rows and digests.
    #[default]
    Digests,
    /// Rows.
    Rows,
}

/// A baseline as it is written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Baseline {
    /// The form of the file: 1.
    pub format: u32,
    /// The run that wrote it.
    pub run: String,
    /// The operation that wrote it.
    pub operation: String,
    /// When the snapshot was taken, by the server's clock.
    pub taken: Timestamp,
    /// The database.
    pub database: String,
    /// The tables.
    pub tables: BTreeMap<String, Table>,
}

/// What is kept of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// Its rows.
    pub rows: u64,
    /// The sum of the rows' hashes, decimal.
    pub digest: String,
}

/// Takes a baseline and writes it.
pub async fn take(operation: &Operation, call: &Call<'_>) -> Result<Outcome, Error> {
    let inputs: BaselineInputs = operation.with.parse()?;
    let path = call.path(&inputs.write_to);
    let server = Server {
        host: inputs.host,
        port: inputs.port,
        user: inputs.user,
        password: inputs.password,
        tls: inputs.tls,
        ca: inputs.ca,
    };
    let reading = measure(
        &server,
        &inputs.database,
        inputs.tables.as_deref(),
        By::Digests,
        call,
    );
    let baseline = Baseline {
        run: operation.run.to_string(),
        operation: operation.id.to_string(),
        ..within(call, "the tables to be read", reading).await??
    };
    let bytes = serde_json::to_vec_pretty(&baseline).expect("a struct of plain values serialises");
    if path.exists() {
        // One of an earlier time is replaced; what is no baseline is not ours to write over.
        read(&path)?;
    }
    write(&path, &bytes)?;
    Ok(Outcome::of(outputs(&baseline, &path, &bytes)))
}

/// Whether the file is there and of this operation.
pub fn probe(operation: &Operation, call: &Call<'_>) -> Result<Probe, Error> {
    let inputs: BaselineInputs = operation.with.parse()?;
    let path = call.path(&inputs.write_to);
    if !path.exists() {
        return Ok(Probe::Absent);
    }
    let Ok(baseline) = read(&path) else {
        return Ok(Probe::Conflict {
            found: format!("{}, which is no baseline", path.display()),
        });
    };
    if baseline.operation != operation.id.as_str() {
        // One of an earlier time, which this operation is to replace.
        return Ok(Probe::Absent);
    }
    let bytes = std::fs::read(&path)
        .map_err(|error| Error::transient(format!("reading {}: {error}", path.display())))?;
    Ok(Probe::Done(Outcome::of(outputs(&baseline, &path, &bytes))))
}

/// Removes the file, when this run wrote it.
pub fn remove(operation: &Operation, call: &Call<'_>) -> Result<Removal, Error> {
    let inputs: BaselineInputs = operation.with.parse()?;
    let path = call.path(&inputs.write_to);
    if !path.exists() {
        return Ok(Removal::NothingThere);
    }
    let what = format!("file {}", path.display());
    if !read(&path).is_ok_and(|baseline| baseline.run == operation.run.as_str()) {
        return Ok(Removal::NotOurs(what));
    }
    std::fs::remove_file(&path)
        .map_err(|error| Error::refused(format!("removing {}: {error}", path.display())))?;
    Ok(Removal::Removed(what))
}

fn outputs(baseline: &Baseline, path: &Path, bytes: &[u8]) -> Values {
    let rows: u64 = baseline.tables.values().map(|table| table.rows).sum();
    Values::new()
        .with("file", path.display().to_string())
        .with("tables", baseline.tables.len())
        .with("rows", rows)
        .with("sha256", hex(&Sha256::digest(bytes)))
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".salvor-part");
    let part = path.with_file_name(name);
    std::fs::write(&part, bytes)
        .and_then(|()| std::fs::File::open(&part)?.sync_all())
        .and_then(|()| std::fs::rename(&part, path))
        .map_err(|error| Error::refused(format!("writing {}: {error}", path.display())))
}

/// Compares a database with a baseline.
pub async fn compare(operation: &Operation, call: &Call<'_>) -> Result<Outcome, Error> {
    let inputs: CompareInputs = operation.with.parse()?;
    let path = call.path(&inputs.baseline);
    let then = read(&path)?;
    let server = Server {
        host: inputs.host.clone(),
        port: inputs.port,
        user: inputs.user.clone(),
        password: inputs.password.clone(),
        tls: inputs.tls,
        ca: inputs.ca.clone(),
    };
    let names: Vec<String> = then.tables.keys().cloned().collect();
    let reading = measure(&server, &inputs.database, Some(&names), inputs.by, call);
    let now = within(call, "the tables to be read", reading).await??;
    let findings = differences(&then, &now, inputs.by, inputs.rows_differ_max);
    let outputs = Values::new()
        .with("tables", then.tables.len())
        .with(
            "different",
            findings
                .iter()
                .filter(|f| f.judgement != salvor_contract::Judgement::Passed)
                .count(),
        )
        .with("taken", then.taken.to_string());
    Ok(Outcome { outputs, findings })
}

fn read(path: &Path) -> Result<Baseline, Error> {
    let refuse = |why: String| Error::refused(format!("baseline {}: {why}", path.display()));
    let length = std::fs::metadata(path)
        .map_err(|error| refuse(error.to_string()))?
        .len();
    if length > FILE_BYTES_MAX {
        return Err(refuse(format!("{length} bytes is too large")));
    }
    let bytes = std::fs::read(path).map_err(|error| refuse(error.to_string()))?;
    let baseline: Baseline =
        serde_json::from_slice(&bytes).map_err(|error| refuse(error.to_string()))?;
    if baseline.format == 1 {
        Ok(baseline)
    } else {
        Err(refuse(format!("format {} is not known", baseline.format)))
    }
}

fn differences(then: &Baseline, now: &Baseline, by: By, rows_differ_max: f64) -> Vec<Finding> {
    if then.tables.is_empty() {
        return vec![finding("baseline", "at least one table", "none", false)];
    }
    let each = then.tables.iter().map(|(name, table)| {
        let subject = format!("table {name}");
        let Some(found) = now.tables.get(name) else {
            return finding(
                subject,
                format!("{} rows", table.rows),
                "no such table",
                false,
            );
        };
        let apart = table.rows.abs_diff(found.rows) as f64;
        let is_near = apart <= table.rows as f64 * rows_differ_max / 100.0;
        let is_same = match by {
            By::Rows => is_near,
            // Rows that came or went within what is allowed make another digest.
            By::Digests if apart > 0.0 => is_near,
            By::Digests => table.digest == found.digest,
        };
        let text = |table: &Table| match by {
            By::Rows => format!("{} rows", table.rows),
            By::Digests => format!("{} rows, digest {}", table.rows, table.digest),
        };
        finding(subject, text(table), text(found), is_same)
    });
    each.collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use jiff::Timestamp;
    use salvor_contract::Judgement;

    use super::Baseline;
    use super::By;
    use super::Table;
    use super::differences;

    fn baseline(rows: u64, digest: &str) -> Baseline {
        let table = Table {
            rows,
            digest: digest.into(),
        };
        Baseline {
            format: 1,
            run: String::new(),
            operation: String::new(),
            taken: Timestamp::UNIX_EPOCH,
            database: "app".into(),
            tables: BTreeMap::from([("public.t".to_owned(), table)]),
        }
    }

    #[test]
    fn a_changed_row_a_missing_row_and_a_missing_table_are_found() {
        let then = baseline(100, "7");
        let judge = |now: &Baseline, by, max| differences(&then, now, by, max)[0].judgement;
        assert_eq!(
            judge(&baseline(100, "7"), By::Digests, 0.0),
            Judgement::Passed
        );
        assert_eq!(
            judge(&baseline(100, "8"), By::Digests, 0.0),
            Judgement::Failed
        );
        assert_eq!(judge(&baseline(100, "8"), By::Rows, 0.0), Judgement::Passed);
        assert_eq!(
            judge(&baseline(99, "8"), By::Digests, 0.0),
            Judgement::Failed
        );
        assert_eq!(
            judge(&baseline(99, "8"), By::Digests, 1.0),
            Judgement::Passed
        );
        assert_eq!(judge(&baseline(98, "8"), By::Rows, 1.0), Judgement::Failed);
        let empty = Baseline {
            tables: BTreeMap::new(),
            ..baseline(0, "0")
        };
        assert_eq!(judge(&empty, By::Rows, 100.0), Judgement::Failed);
        assert_eq!(
            differences(&empty, &empty, By::Rows, 0.0)[0].judgement,
            Judgement::Failed
        );
    }
}
