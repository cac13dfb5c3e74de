//! Reads the tables of a database: how many rows, and one digest of them.

use std::collections::BTreeMap;

use salvor_contract::Call;
use salvor_contract::Error;
use salvor_contract::Period;
use salvor_contract::Unit;
use salvor_contract::Update;
use tokio_postgres::Client;

use crate::baseline::Baseline;
use crate::baseline::By;
use crate::baseline::Table;
use crate::query::read_only;
use crate::server::Server;
use crate::server::quoted;
use crate::server::read_error;

const STATEMENT_LIMIT: Period = Period::from_seconds(24 * 60 * 60);

/// Rows and digests of tables, in one snapshot.
pub async fn measure(
    server: &Server,
    database: &str,
    names: Option<&[String]>,
    by: By,
    call: &Call<'_>,
) -> Result<Baseline, Error> {
    let client = server.connect(database, call).await?;
    read_only(&client, STATEMENT_LIMIT).await?;
    let taken: String = client
        .query_one(
            "select to_char(now() at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')",
            &[],
        )
        .await
        .map_err(|error| read_error("asking for the time", &error))?
        .get(0);
    let listed = client
        .query(
            "select n.nspname::text, c.relname::text from pg_catalog.pg_class c \
             join pg_catalog.pg_namespace n on n.oid = c.relnamespace \
             where c.relkind = 'r' and c.relpersistence <> 't' \
             and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_(toast|temp)' \
             order by 1, 2",
            &[],
        )
        .await
        .map_err(|error| read_error("listing tables", &error))?;
    let mut tables = BTreeMap::new();
    let total = listed.len() as u64;
    for (done, row) in listed.iter().enumerate() {
        let (schema, table): (String, String) = (row.get(0), row.get(1));
        let name = format!("{schema}.{table}");
        if names.is_some_and(|names| !names.contains(&name)) {
            continue;
        }
        call.progress.update(Update {
            done: done as u64,
            total: Some(total),
            unit: Unit::Things,
            says: Some(format!("table {name}")),
        });
        let from = format!("{}.{}", quoted(&schema), quoted(&table));
        tables.insert(name.clone(), count(&client, &name, &from, by).await?);
    }
    if let Some(missing) = names
        .filter(|_| by == By::Digests)
        .and_then(|names| names.iter().find(|name| !tables.contains_key(*name)))
        && tables.is_empty()
    {
        return Err(Error::refused(format!(
            "database {database} has no table {missing}"
        )));
    }
    Ok(Baseline {
        format: 1,
        run: String::new(),
        operation: String::new(),
        taken: taken
            .parse()
            .map_err(|_| Error::refused(format!("`{taken}` is not a time")))?,
        database: database.to_owned(),
        tables,
    })
}

async fn count(client: &Client, name: &str, from: &str, by: By) -> Result<Table, Error> {
    let digest = match by {
        By::Rows => "''",
        By::Digests => {
            "coalesce(sum(('x' || substr(md5(t::text), 1, 16))::bit(64)::bigint::numeric), 0)::text"
        }
    };
    let row = client
        .query_one(
            &format!("select count(*), {digest} from only {from} t"),
            &[],
        )
        .await
        .map_err(|error| read_error(&format!("reading table {name}"), &error))?;
    Ok(Table {
        rows: u64::try_from(row.get::<_, i64>(0)).unwrap_or(0),
        digest: row.get(1),
    })
}
