//! Sends the statements and rows of a dump over one connection, in one transaction.
//!
//! The first error ends it, and then nothing was changed. The last statement of the transaction is the
//! database's comment, so a database that says "loaded" is.

use bytes::Bytes;
use bytes::BytesMut;
use futures::SinkExt as _;
use salvor_contract::Call;
use salvor_contract::Error;
use salvor_contract::Operation;
use salvor_contract::Unit;
use salvor_contract::Update;
use tokio::io::AsyncBufRead;
use tokio::io::AsyncBufReadExt as _;
use tokio_postgres::Client;
use tokio_postgres::CopyInSink;

use crate::restore_dump::inputs::RestoreDumpInputs;
use crate::restore_dump::mark::Loaded;
use crate::restore_dump::mark::Mark;
use crate::restore_dump::source::Position;
use crate::restore_dump::source::Source;
use crate::restore_dump::stage::Names;
use crate::restore_dump::stage::count_tables;
use crate::script::piece::Fed;
use crate::script::piece::ScriptError;
use crate::script::piece::Statement;
use crate::script::splitter::Splitter;
use crate::script::statement::Treatment;
use crate::script::statement::Wanted;
use crate::script::statement::judge;
use crate::server::Server;
use crate::server::change_error;
use crate::server::literal;
use crate::server::quoted;
use crate::server::read_error;
use crate::server::text_of;
use crate::server::within;

/// Rows are sent in pieces of this many bytes.
const PIECE_BYTES: usize = 64 * 1024;
/// The longest line that is taken: a row of a table cannot be longer.
const LINE_BYTES_MAX: usize = 1024 * 1024 * 1024;
/// Progress is told each time this many bytes went by.
const PROGRESS_BYTES: u64 = 4 * 1024 * 1024;
/// How much of a statement an error shows.
const HEAD_CHARACTERS: usize = 80;

/// Loads a dump into the database of its working name.
pub async fn load(
    server: &Server,
    names: &Names,
    inputs: &RestoreDumpInputs,
    operation: &Operation,
    source: Source,
    call: &Call<'_>,
) -> Result<(), Error> {
    let client = server.connect(&names.loading, call).await?;
    let loading = async {
        client
            .batch_execute("BEGIN")
            .await
            .map_err(|error| read_error("beginning the restore", &error))?;
        let wanted = Wanted {
            owners: inputs.keep_owners,
            grants: inputs.keep_grants,
            server_version: server_version(&client).await?,
        };
        let mut loaded = send(&client, source, &wanted, call).await?;
        loaded.tables = count_tables(&client).await?;
        loaded.bytes = database_bytes(&client).await?;
        let comment = format!(
            "COMMENT ON DATABASE {} IS {}",
            quoted(&names.loading),
            literal(&Mark::new(operation, Some(loaded)).text())
        );
        client
            .batch_execute(&comment)
            .await
            .map_err(|error| read_error("marking the database", &error))?;
        client
            .batch_execute("COMMIT")
            .await
            .map_err(|error| change_error("committing the restore", &error))
    };
    within(call, "the dump to be restored", loading).await?
}

async fn server_version(client: &Client) -> Result<u32, Error> {
    let row = client
        .query_one("select current_setting('server_version_num')::int4", &[])
        .await
        .map_err(|error| read_error("asking for the server's version", &error))?;
    Ok(row.get::<_, i32>(0).unsigned_abs())
}

async fn database_bytes(client: &Client) -> Result<u64, Error> {
    let row = client
        .query_one(
            "select pg_catalog.pg_database_size(pg_catalog.current_database())",
            &[],
        )
        .await
        .map_err(|error| read_error("measuring the database", &error))?;
    Ok(u64::try_from(row.get::<_, i64>(0)).unwrap_or(0))
}

async fn send(
    client: &Client,
    mut source: Source,
    wanted: &Wanted,
    call: &Call<'_>,
) -> Result<Loaded, Error> {
    let name = source.name.clone();
    let of_script = |error: ScriptError| Error::refused(format!("{name}: {error}"));
    let mut splitter = Splitter::default();
    let mut loaded = Loaded::default();
    let mut copy: Option<Copy> = None;
    let mut line = Vec::new();
    let mut read = 0;
    let mut told = 0;
    while next_line(&mut source.text, &mut line, &name).await? {
        read += line.len() as u64;
        if read > source.bytes_max {
            return Err(Error::refused_with(
                format!("{name} unpacks to more than {} bytes", source.bytes_max),
                "raise `unpacked-max` if that is what it should be",
            ));
        }
        match splitter.feed(&line).map_err(of_script)? {
            Fed::Row(row) => {
                if let Some(copy) = &mut copy {
                    copy.send(row, &name).await?;
                }
            }
            Fed::RowsEnd => {
                if let Some(copy) = copy.take() {
                    loaded.rows += copy.finish(&name).await?;
                }
            }
            Fed::Statements(statements) => {
                for statement in statements {
                    copy = run(client, statement, wanted, &mut loaded, &name).await?;
                }
            }
        }
        if read - told >= PROGRESS_BYTES {
            told = read;
            call.progress.update(progress(&source, read));
        }
    }
    call.progress.update(progress(&source, read));
    splitter.end().map_err(of_script)?;
    source.finish().await?;
    Ok(loaded)
}

/// How far it is: by the dump as it is stored, whose size is known, or by its text, whose size nobody knows.
fn progress(source: &Source, text_bytes: u64) -> Update {
    let position = source.position.as_ref();
    Update {
        done: position.map_or(text_bytes, Position::read),
        total: position.map(|position| position.total),
        unit: Unit::Bytes,
        says: None,
    }
}

/// One line with its line break into `line`; false at the end of the text.
async fn next_line(
    text: &mut (impl AsyncBufRead + Unpin),
    line: &mut Vec<u8>,
    name: &str,
) -> Result<bool, Error> {
    line.clear();
    loop {
        let buffer = text
            .fill_buf()
            .await
            .map_err(|error| Error::refused(format!("{name} cannot be read: {error}")))?;
        if buffer.is_empty() {
            return Ok(!line.is_empty());
        }
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let taken = end.map_or(buffer.len(), |end| end + 1);
        line.extend_from_slice(&buffer[..taken]);
        text.consume(taken);
        if line.len() > LINE_BYTES_MAX {
            return Err(Error::refused(format!(
                "{name} has a line longer than 1 GiB"
            )));
        }
        if end.is_some() {
            return Ok(true);
        }
    }
}

async fn run(
    client: &Client,
    statement: Statement,
    wanted: &Wanted,
    loaded: &mut Loaded,
    name: &str,
) -> Result<Option<Copy>, Error> {
    let failed = |error: &tokio_postgres::Error| failure(name, &statement, error);
    match judge(&statement.text, wanted) {
        Treatment::Skip => Ok(None),
        Treatment::Refuse(why) => Err(Error::refused(format!(
            "{name}, line {}: {why}: {}",
            statement.line,
            head(&statement.text)
        ))),
        treatment @ (Treatment::Run | Treatment::RunTable) => {
            client
                .batch_execute(&statement.text)
                .await
                .map_err(|error| failed(&error))?;
            loaded.declared += u64::from(treatment == Treatment::RunTable);
            Ok(None)
        }
        Treatment::Copy => {
            let sink = client
                .copy_in(&statement.text)
                .await
                .map_err(|error| failed(&error))?;
            Ok(Some(Copy {
                sink: Box::pin(sink),
                piece: BytesMut::with_capacity(PIECE_BYTES + 4096),
                statement,
            }))
        }
    }
}

/// Rows on their way into a table.
struct Copy {
    sink: std::pin::Pin<Box<CopyInSink<Bytes>>>,
    piece: BytesMut,
    statement: Statement,
}

impl Copy {
    async fn send(&mut self, row: &[u8], name: &str) -> Result<(), Error> {
        self.piece.extend_from_slice(row);
        if self.piece.len() < PIECE_BYTES {
            return Ok(());
        }
        let piece = self.piece.split().freeze();
        self.sink
            .send(piece)
            .await
            .map_err(|error| failure(name, &self.statement, &error))
    }

    async fn finish(mut self, name: &str) -> Result<u64, Error> {
        let rest = self.piece.split().freeze();
        let failed = |error| failure(name, &self.statement, &error);
        if !rest.is_empty() {
            self.sink.send(rest).await.map_err(failed)?;
        }
        self.sink.as_mut().finish().await.map_err(failed)
    }
}

/// A statement that failed changed nothing: its transaction is rolled back. Without the server's answer the
/// connection is gone, and the transaction with it.
fn failure(name: &str, statement: &Statement, error: &tokio_postgres::Error) -> Error {
    let what = format!(
        "{name}, line {}: {}: {}",
        statement.line,
        text_of(error),
        head(&statement.text)
    );
    if error.code().is_some() {
        Error::refused(what)
    } else {
        Error::transient(what)
    }
}

fn head(text: &str) -> String {
    let line: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(HEAD_CHARACTERS)
        .collect();
    format!("`{line}`")
}
