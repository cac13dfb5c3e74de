//! Runs `pg_dump`: its password by a file, its output as a stream that ends well only when it did.

use std::process::Stdio;

use futures::StreamExt as _;
use salvor_contract::Call;
use salvor_contract::Error;
use salvor_contract::Unit;
use salvor_contract::Update;
use tokio::io::AsyncReadExt as _;

use crate::client_program::password_file;
use crate::client_program::speak_to;
use crate::config::Config;
use crate::dump::Job;
use crate::dump_name::Format;
use crate::programs;
use crate::server::read_error;

const PIECE_BYTES: usize = 256 * 1024;

/// The major version of the server.
pub async fn server_major(job: &Job, call: &Call<'_>) -> Result<u32, Error> {
    let client = job.server().connect(&job.inputs.database, call).await?;
    let row = client
        .query_one("select current_setting('server_version_num')::int4", &[])
        .await
        .map_err(|error| read_error("asking for the server's version", &error))?;
    Ok(row.get::<_, i32>(0).unsigned_abs() / 10_000)
}

/// Runs `pg_dump` and writes what it says; gives the number of bytes.
pub async fn dump(job: &Job, config: &Config, call: &Call<'_>) -> Result<u64, Error> {
    let major = server_major(job, call).await?;
    let program = programs::folder(config, Some(major))?.join("pg_dump");
    let server = job.server();
    let passwords = password_file(&server, call).await?;
    let mut command = call.launcher.command(&program);
    command
        .env("LC_ALL", "C")
        .arg("--encoding=UTF8")
        .arg(match job.format {
            Format::Custom | Format::Directory => "--format=custom",
            Format::Plain | Format::PlainGzip | Format::PlainZstd => "--format=plain",
        })
        .arg(format!(
            "--dbname=dbname='{}'",
            in_quotes(&job.inputs.database)
        ))
        .stdout(Stdio::piped());
    if job.format == Format::PlainGzip {
        command.arg("--compress=6");
    }
    speak_to(&mut command, &server, passwords.as_ref(), call);
    let mut child = command
        .spawn()
        .map_err(|error| Error::refused(format!("{}: {error}", program.display())))?;
    let said = tokio::spawn(programs::tail_of(child.stderr.take()));
    let output = child
        .stdout
        .take()
        .ok_or_else(|| Error::refused("pg_dump has no output"))?;
    // The stream ends well only when the program did: what a broken one wrote never gets its name.
    let pieces = futures::stream::try_unfold(
        (output, Some((child, said))),
        |(mut output, mut program)| async move {
            let mut piece = bytes::BytesMut::with_capacity(PIECE_BYTES);
            let read = output
                .read_buf(&mut piece)
                .await
                .map_err(|error| Error::transient(format!("reading from pg_dump: {error}")))?;
            if read > 0 {
                return Ok(Some((piece.freeze(), (output, program))));
            }
            let Some((mut child, said)) = program.take() else {
                return Ok(None);
            };
            let failed = |why: String| Error::refused(format!("pg_dump: {why}"));
            let status = child
                .wait()
                .await
                .map_err(|error| failed(error.to_string()))?;
            let said = said.await.unwrap_or_default();
            if status.success() {
                Ok(None)
            } else {
                Err(failed(format!("{status}: {}", programs::last_words(&said))))
            }
        },
    );
    let mut done = 0;
    let progress = call.progress;
    let pieces = pieces.inspect(move |piece| {
        if let Ok(piece) = piece {
            done += piece.len() as u64;
            progress.update(Update {
                done,
                total: None,
                unit: Unit::Bytes,
                says: None,
            });
        }
    });
    let written = job.place.put_new(&job.inputs.key, pieces.boxed()).await;
    drop(passwords);
    written
}

/// A value between quotes of a connection string.
fn in_quotes(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\'', "\\'")
}
