//! The statements that make, rename and drop whole databases.

use salvor_contract::Call;
use salvor_contract::Error;
use tokio_postgres::Client;

use crate::restore_dump::inputs::RestoreDumpInputs;
use crate::restore_dump::stage::Names;
use crate::restore_dump::stage::Stage;
use crate::restore_dump::stage::database;
use crate::server::change_error;
use crate::server::literal;
use crate::server::quoted;
use crate::server::read_error;

/// How often the renames are tried while sessions that were ended go away. The server itself waits five seconds
/// for them each time.
const RENAME_TRIES: u32 = 2;
const RENAME_PAUSE: std::time::Duration = std::time::Duration::from_millis(500);

/// Makes the empty database that is loaded; one that an interrupted load left is dropped first.
pub async fn make_empty(
    client: &Client,
    names: &Names,
    inputs: &RestoreDumpInputs,
    at: &Stage,
) -> Result<(), Error> {
    if *at == Stage::Loading {
        drop_database(client, &names.loading).await?;
    }
    let mut statement = format!(
        "CREATE DATABASE {} TEMPLATE template0",
        quoted(&names.loading)
    );
    if let Some(like) = form_of(client, &inputs.database).await? {
        statement.push_str(&like);
    }
    client
        .batch_execute(&statement)
        .await
        .map_err(|error| change_error(&format!("creating database {}", names.loading), &error))
}

/// Owner, encoding and locale of the database that will be replaced, as a new one takes them.
async fn form_of(client: &Client, name: &str) -> Result<Option<String>, Error> {
    let row = client
        .query_opt(
            "select pg_catalog.pg_get_userbyid(datdba)::text, pg_catalog.pg_encoding_to_char(encoding)::text, \
             datcollate::text, datctype::text from pg_catalog.pg_database where datname = $1",
            &[&name],
        )
        .await
        .map_err(|error| read_error(&format!("looking at database {name}"), &error))?;
    Ok(row.map(|row| {
        let text = |at: usize| row.get::<_, String>(at);
        format!(
            " OWNER {} ENCODING {} LC_COLLATE {} LC_CTYPE {}",
            quoted(&text(0)),
            literal(&text(1)),
            literal(&text(2)),
            literal(&text(3))
        )
    }))
}

/// Gives the loaded database its name, and the one that had it another.
///
/// Connections to the replaced one are shut off first, for a rename needs it without sessions; a crash here leaves
/// it so, which a resume or a removal ends.
pub async fn place(
    client: &Client,
    names: &Names,
    inputs: &RestoreDumpInputs,
    call: &Call<'_>,
) -> Result<(), Error> {
    let doing = format!("giving database {} its name", names.database);
    let is_there = database(client, &names.database).await?.is_some();
    if is_there && !inputs.replaces() {
        return Err(Error::refused_with(
            format!(
                "database {} came into being during the restore; the dump is in {}",
                names.database, names.loading
            ),
            "rename one of them, then resume",
        ));
    }
    let [loading, database_name, old] =
        [&names.loading, &names.database, &names.old].map(|name| quoted(name));
    let renames = if is_there {
        run(
            client,
            &doing,
            &format!("ALTER DATABASE {database_name} ALLOW_CONNECTIONS false"),
        )
        .await?;
        format!(
            "BEGIN; ALTER DATABASE {database_name} RENAME TO {old}; \
             ALTER DATABASE {loading} RENAME TO {database_name}; \
             ALTER DATABASE {old} ALLOW_CONNECTIONS true; COMMIT"
        )
    } else {
        format!("ALTER DATABASE {loading} RENAME TO {database_name}")
    };
    let renamed = rename(client, names, &doing, &renames, call).await;
    if is_there
        && matches!(
            renamed,
            Err(Error::Refused { .. } | Error::Transient { .. })
        )
    {
        // It is still production: whoever was shut out for the renames is let in again.
        let_in(client, &names.database).await?;
    }
    renamed
}

async fn rename(
    client: &Client,
    names: &Names,
    doing: &str,
    renames: &str,
    call: &Call<'_>,
) -> Result<(), Error> {
    let mut tries = 0;
    loop {
        tries += 1;
        end_sessions(client, &names.database).await?;
        end_sessions(client, &names.loading).await?;
        let renamed = run(client, doing, renames).await;
        if let Err(Error::Refused { .. } | Error::Transient { .. }) = &renamed {
            // A failed statement left the block open.
            run(client, doing, "ROLLBACK").await?;
        }
        match renamed {
            Err(Error::Transient { .. }) if tries < RENAME_TRIES => {
                call.pause(RENAME_PAUSE, "sessions of the replaced database to end")
                    .await?;
            }
            renamed => return renamed,
        }
    }
}

/// Ends the sessions of a database but this one.
async fn end_sessions(client: &Client, name: &str) -> Result<(), Error> {
    client
        .execute(
            "select pg_catalog.pg_terminate_backend(pid) from pg_catalog.pg_stat_activity \
             where datname = $1 and pid <> pg_catalog.pg_backend_pid()",
            &[&name],
        )
        .await
        .map(drop)
        .map_err(|error| change_error(&format!("ending the sessions of {name}"), &error))
}

/// Drops the database that was replaced.
pub async fn drop_old(client: &Client, names: &Names) -> Result<(), Error> {
    drop_database(client, &names.old).await
}

/// Drops a database and ends its sessions.
pub async fn drop_database(client: &Client, name: &str) -> Result<(), Error> {
    let statement = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", quoted(name));
    run(client, &format!("dropping database {name}"), &statement).await
}

/// Lets connections to a database in again, if it is there.
pub async fn let_in(client: &Client, name: &str) -> Result<(), Error> {
    if database(client, name).await?.is_none() {
        return Ok(());
    }
    let statement = format!("ALTER DATABASE {} ALLOW_CONNECTIONS true", quoted(name));
    run(
        client,
        &format!("letting connections to {name} in"),
        &statement,
    )
    .await
}

async fn run(client: &Client, doing: &str, statement: &str) -> Result<(), Error> {
    client
        .batch_execute(statement)
        .await
        .map_err(|error| change_error(doing, &error))
}
