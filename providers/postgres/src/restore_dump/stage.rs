//! How far a restore is, told by looking at the server's databases, and what a server says of itself.

use std::time::Duration;

use salvor_contract::Call;
use salvor_contract::Error;
use salvor_contract::Operation;
use salvor_contract::OperationId;
use sha2::Digest;
use sha2::Sha256;
use tokio_postgres::Client;

use crate::base_backup::hex;
use crate::restore_dump::inputs::NAME_BYTES_MAX;
use crate::restore_dump::mark::Loaded;
use crate::restore_dump::mark::Mark;
use crate::server::Server;
use crate::server::read_error;

/// How long a lock is waited for that a dead connection may still hold.
const LOCK_TRIES: u32 = 20;
const LOCK_PAUSE: Duration = Duration::from_millis(500);

/// Tables that are a person's: not the system's, not an extension's.
const COUNT_TABLES: &str = "select count(*) from pg_catalog.pg_class c \
     join pg_catalog.pg_namespace n on n.oid = c.relnamespace \
     where c.relkind in ('r', 'p') and n.nspname not in ('pg_catalog', 'information_schema') \
     and n.nspname !~ '^pg_(toast|temp)' \
     and not exists (select from pg_catalog.pg_depend d where d.classid = 'pg_catalog.pg_class'::regclass \
     and d.objid = c.oid and d.deptype = 'e')";

/// The names of the databases of one restore.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// The database that is restored.
    pub database: String,
    /// The database into which the dump is loaded.
    pub loading: String,
    /// The name that the replaced database gets.
    pub old: String,
}

impl Names {
    /// The names, each with the operation's mark.
    pub fn new(database: &str, mark: &OperationId) -> Self {
        let name = |middle: &str| {
            let mut end = database
                .len()
                .min(NAME_BYTES_MAX.saturating_sub(middle.len() + mark.as_str().len()));
            while !database.is_char_boundary(end) {
                end -= 1;
            }
            format!("{}{middle}{mark}", &database[..end])
        };
        Self {
            database: database.to_owned(),
            loading: name("_"),
            old: name("_old_"),
        }
    }
}

/// How far it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Nothing was made; perhaps a database of that name is there.
    Nothing {
        /// The database of the name.
        target: Option<Database>,
    },
    /// The new database is there, its load was not committed.
    Loading,
    /// The load was committed, under the database's working name.
    Loaded(Loaded),
    /// It has its name.
    Placed {
        /// What was loaded.
        loaded: Loaded,
        /// The name of the replaced database, when it is still there.
        old: Option<String>,
    },
}

/// A database as the server lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Database {
    /// Its number, which another database of the same name does not have.
    pub oid: u32,
    /// Its comment.
    pub comment: Option<String>,
    /// Its size.
    pub bytes: u64,
}

/// What a server says of itself.
#[derive(Clone, Debug)]
pub struct ServerFacts {
    /// The cluster's own number; its address when the role may not read that.
    pub system_identifier: String,
    /// Whether the role is a superuser.
    pub is_superuser: bool,
}

impl ServerFacts {
    /// Digits that no other database has, on this server or another.
    pub fn digits_of(&self, oid: u32) -> String {
        let digest = Sha256::digest(format!("{}/{oid}", self.system_identifier).as_bytes());
        hex(&digest[..3])
    }
}

/// Asks a server who it is.
pub async fn server_facts(client: &Client) -> Result<ServerFacts, Error> {
    let identifier = client
        .query_one(
            "select system_identifier::text from pg_catalog.pg_control_system()",
            &[],
        )
        .await;
    let system_identifier = match identifier {
        Ok(row) => row.get(0),
        // Managed services keep this function to themselves. The creation of template1 is the next best.
        Err(error) if error.code().is_some() => client
            .query_one(
                "select coalesce(inet_server_addr()::text, 'socket') || ':' || \
                 coalesce(current_setting('port'), '')",
                &[],
            )
            .await
            .map_err(|error| read_error("asking the server who it is", &error))?
            .get(0),
        Err(error) => return Err(read_error("asking the server who it is", &error)),
    };
    let is_superuser = client
        .query_one("select current_setting('is_superuser') = 'on'", &[])
        .await
        .map_err(|error| read_error("asking for the role's rights", &error))?
        .get(0);
    Ok(ServerFacts {
        system_identifier,
        is_superuser,
    })
}

/// A database by its name.
pub async fn database(client: &Client, name: &str) -> Result<Option<Database>, Error> {
    let row = client
        .query_opt(
            "select oid, pg_catalog.shobj_description(oid, 'pg_database'), \
             case when pg_catalog.has_database_privilege(oid, 'connect') \
             then pg_catalog.pg_database_size(oid) else 0 end \
             from pg_catalog.pg_database where datname = $1",
            &[&name],
        )
        .await
        .map_err(|error| read_error(&format!("looking for database {name}"), &error))?;
    Ok(row.map(|row| Database {
        oid: row.get(0),
        comment: row.get(1),
        bytes: u64::try_from(row.get::<_, i64>(2)).unwrap_or(0),
    }))
}

/// The number of tables of a database.
pub async fn tables(server: &Server, name: &str, call: &Call<'_>) -> Result<u64, Error> {
    let client = server.connect(name, call).await?;
    count_tables(&client).await
}

/// The number of tables of the database that is connected to.
pub async fn count_tables(client: &Client) -> Result<u64, Error> {
    let row = client
        .query_one(COUNT_TABLES, &[])
        .await
        .map_err(|error| read_error("counting tables", &error))?;
    Ok(u64::try_from(row.get::<_, i64>(0)).unwrap_or(0))
}

/// Finds out how far the operation is.
pub async fn find(client: &Client, names: &Names, operation: &Operation) -> Result<Stage, Error> {
    let loading = database(client, &names.loading).await?;
    if let Some(loading) = loading {
        let mark = loading.comment.as_deref().and_then(Mark::parse);
        return Ok(match mark.and_then(|mark| mark.loaded) {
            Some(loaded) => Stage::Loaded(loaded),
            None => Stage::Loading,
        });
    }
    let target = database(client, &names.database).await?;
    let mark = target
        .as_ref()
        .and_then(|target| Mark::parse(target.comment.as_deref()?));
    match mark {
        Some(Mark {
            operation: id,
            loaded: Some(loaded),
            ..
        }) if id == operation.mark.as_str() => {
            let old = database(client, &names.old).await?;
            Ok(Stage::Placed {
                loaded,
                old: old.map(|_| names.old.clone()),
            })
        }
        Some(_) | None => Ok(Stage::Nothing { target }),
    }
}

/// Takes the operation's lock for as long as the client is connected, so that no two processes do it at once.
///
/// # Errors
/// [`Error::Transient`] when another process holds it.
pub async fn lock(client: &Client, operation: &Operation, call: &Call<'_>) -> Result<(), Error> {
    let digest = Sha256::digest(operation.mark.as_str().as_bytes());
    let mut first = [0; 8];
    first.copy_from_slice(&digest[..8]);
    let key = i64::from_be_bytes(first);
    for _ in 0..LOCK_TRIES {
        let is_taken: bool = client
            .query_one("select pg_catalog.pg_try_advisory_lock($1)", &[&key])
            .await
            .map_err(|error| read_error("taking the operation's lock", &error))?
            .get(0);
        if is_taken {
            return Ok(());
        }
        call.pause(LOCK_PAUSE, "another process that does the same operation")
            .await?;
    }
    Err(Error::transient(
        "another process is doing the same operation at the server",
    ))
}

#[cfg(test)]
mod tests {
    use salvor_contract::OperationId;

    use super::Names;

    #[test]
    fn names_fit_and_carry_the_operation() {
        let id = OperationId::from("mk3fabcdefghijklmnopqrstuv");
        let short = Names::new("app", &id);
        assert_eq!(short.loading, "app_mk3fabcdefghijklmnopqrstuv");
        assert_eq!(short.old, "app_old_mk3fabcdefghijklmnopqrstuv");
        let long = Names::new(&"é".repeat(31), &id);
        assert!(long.old.len() <= 63 && long.old.ends_with("_old_mk3fabcdefghijklmnopqrstuv"));
    }
}
