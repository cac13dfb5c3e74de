//! A dump of any format as a stream of SQL text.
//!
//! Custom and directory dumps are turned into text by `pg_restore`, which gets neither a connection nor
//! a password: what the text may do is judged here, the same for all formats.

use std::path::PathBuf;
use std::process::ExitStatus;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use async_compression::tokio::bufread::GzipDecoder;
use async_compression::tokio::bufread::ZstdDecoder;
use salvor_contract::Call;
use salvor_contract::Error;
use salvor_contract::Operation;
use tokio::io::AsyncBufRead;
use tokio::io::AsyncWriteExt as _;
use tokio::io::BufReader;
use tokio::process::Child;
use tokio::task::JoinHandle;
use tokio_util::io::InspectReader;

use crate::config::Config;
use crate::dump_name::Format;
use crate::dumps::Dump;
use crate::dumps::DumpsInputs;
use crate::dumps::find;
use crate::place::Bytes;
use crate::place::Place;
use crate::programs;
use crate::restore_dump::inputs::RestoreDumpInputs;

const BUFFER_BYTES: usize = 1024 * 1024;
/// How much larger than the dump its text may be, unless the plan says more. gzip's own limit is 1032.
const RATIO_MAX: u64 = 1000;
const SMALL_BYTES: u64 = 64 * 1024 * 1024;

/// SQL text, and what must have gone well for it to be whole.
pub struct Source {
    /// The text.
    pub text: Box<dyn AsyncBufRead + Send + Unpin>,
    /// The most bytes of text that are taken.
    pub bytes_max: u64,
    /// How the dump is named to people.
    pub name: String,
    /// How far it is read; `None` where a program reads the files by itself.
    pub position: Option<Position>,
    program: Option<Program>,
}

/// How much of a dump, as it is stored, was read.
pub struct Position {
    read: Arc<AtomicU64>,
    /// Its size, in bytes.
    pub total: u64,
}

impl Position {
    /// The bytes that were read so far. What was read ahead counts.
    pub fn read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }
}

struct Program {
    child: Child,
    said: JoinHandle<Vec<u8>>,
    fed: Option<JoinHandle<std::io::Result<()>>>,
}

impl Source {
    /// Says whether what was read to its end is all of the dump.
    ///
    /// # Errors
    /// When the program that made the text failed.
    pub async fn finish(self) -> Result<(), Error> {
        let Some(Program {
            mut child,
            said,
            fed,
        }) = self.program
        else {
            return Ok(());
        };
        drop(self.text);
        let failed = |why: String| Error::refused(format!("pg_restore of {}: {why}", self.name));
        if let Some(fed) = fed {
            fed.await
                .map_err(|error| failed(error.to_string()))?
                .map_err(|error| failed(format!("reading the dump: {error}")))?;
        }
        let status: ExitStatus = child
            .wait()
            .await
            .map_err(|error| failed(error.to_string()))?;
        let said = said.await.unwrap_or_default();
        if status.success() {
            return Ok(());
        }
        Err(failed(format!("{status}: {}", programs::last_words(&said))))
    }
}

/// Opens the dump of the operation's recovery point.
///
/// # Errors
/// When it is not what was surveyed, or cannot be read.
pub async fn open(
    operation: &Operation,
    inputs: &RestoreDumpInputs,
    config: &Config,
    call: &Call<'_>,
) -> Result<Source, Error> {
    let store = operation.store.as_ref().ok_or_else(|| {
        Error::refused("postgres.restore-dump restores a store of kind postgres.dumps")
    })?;
    let point = operation
        .point
        .as_ref()
        .ok_or_else(|| Error::refused("no recovery point was chosen"))?;
    let url = DumpsInputs::parse(&store.with)?.url;
    let place = Place::open(&url, config, call).await?;
    let dump = find(&place, &point.point.details).await?;
    let name = place.name(&dump.key);
    let bytes_max = inputs.unpacked_max.map_or(
        dump.size
            .saturating_mul(RATIO_MAX)
            .saturating_add(SMALL_BYTES),
        |most| most.0,
    );
    let position = Position {
        read: Arc::default(),
        total: dump.size,
    };
    let read = async || -> Result<Bytes, Error> {
        let count = Arc::clone(&position.read);
        let counted = InspectReader::new(place.read(&dump.key).await?, move |bytes: &[u8]| {
            count.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        });
        Ok(Box::new(counted) as Bytes)
    };
    let (text, program): (Box<dyn AsyncBufRead + Send + Unpin>, Option<Program>) = match dump.format
    {
        Format::Plain => (buffered(read().await?), None),
        Format::PlainGzip => {
            let mut decoder = GzipDecoder::new(BufReader::new(read().await?));
            // `cat a.gz b.gz` is one text; without this only the first part would be restored.
            decoder.multiple_members(true);
            (buffered(decoder), None)
        }
        Format::PlainZstd => {
            let mut decoder = ZstdDecoder::new(BufReader::new(read().await?));
            decoder.multiple_members(true);
            (buffered(decoder), None)
        }
        Format::Custom | Format::Directory => {
            let input = match dump.format {
                Format::Custom => Some(read().await?),
                Format::Directory | Format::Plain | Format::PlainGzip | Format::PlainZstd => None,
            };
            let mut program = as_text(&place, &dump, input, inputs, config, call).await?;
            let output = program
                .child
                .stdout
                .take()
                .ok_or_else(|| Error::refused("pg_restore has no output"))?;
            (buffered(output), Some(program))
        }
    };
    Ok(Source {
        text,
        bytes_max,
        name,
        position: (dump.format != Format::Directory).then_some(position),
        program,
    })
}

fn buffered(
    reader: impl tokio::io::AsyncRead + Send + Unpin + 'static,
) -> Box<dyn AsyncBufRead + Send + Unpin> {
    Box::new(BufReader::with_capacity(BUFFER_BYTES, reader))
}

/// The program that turns a dump into text. Any newer one reads the dumps of an older `pg_dump`, so the newest there is.
///
/// # Errors
/// When there is none.
pub fn program(config: &Config) -> Result<PathBuf, Error> {
    Ok(programs::folder(config, None)?.join("pg_restore"))
}

/// The program that a restore of this operation's recovery point will run, if it runs one.
///
/// # Errors
/// When there is none.
pub fn program_of(operation: &Operation, config: &Config) -> Result<Option<PathBuf>, Error> {
    let Some(chosen) = &operation.point else {
        return Ok(None);
    };
    match Dump::of_details(&chosen.point.details)?.format {
        Format::Plain | Format::PlainGzip | Format::PlainZstd => Ok(None),
        Format::Custom | Format::Directory => program(config).map(Some),
    }
}

async fn as_text(
    place: &Place,
    dump: &Dump,
    input: Option<Bytes>,
    inputs: &RestoreDumpInputs,
    config: &Config,
    call: &Call<'_>,
) -> Result<Program, Error> {
    let program = program(config)?;
    let mut command = call.launcher.command(&program);
    command.env("LC_ALL", "C").arg("--file=-");
    if !inputs.keep_owners {
        command.arg("--no-owner");
    }
    if !inputs.keep_grants {
        command.arg("--no-privileges");
    }
    if dump.format == Format::Directory {
        command.arg("--format=directory").arg("--");
        command.arg(local_folder(place, dump, call).await?);
    } else {
        command
            .arg("--format=custom")
            .stdin(std::process::Stdio::piped());
    }
    let mut child = command
        .spawn()
        .map_err(|error| Error::refused(format!("{}: {error}", program.display())))?;
    let said = tokio::spawn(programs::tail_of(child.stderr.take()));
    let fed = match (input, child.stdin.take()) {
        (Some(mut input), Some(mut stdin)) => Some(tokio::spawn(async move {
            match tokio::io::copy(&mut input, &mut stdin).await {
                Ok(_) => stdin.shutdown().await,
                // It stopped reading: its own words say why.
                Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
                Err(error) => Err(error),
            }
        })),
        (None, _) | (Some(_), None) => None,
    };
    Ok(Program { child, said, fed })
}

/// The folder of a directory dump on this machine: where it lies, or a copy in the scratch folder.
async fn local_folder(place: &Place, dump: &Dump, call: &Call<'_>) -> Result<PathBuf, Error> {
    if let Some(folder) = place.local(&dump.key) {
        return Ok(folder);
    }
    let folder = call.scratch_dir.join("dump");
    let failed = |error: std::io::Error| Error::transient(format!("{}: {error}", folder.display()));
    tokio::fs::create_dir_all(&folder).await.map_err(failed)?;
    let prefix = format!("{}/", dump.key);
    for entry in place.list(&prefix).await? {
        let name = &entry.key[prefix.len()..];
        if name.is_empty() || name.contains(['/', '\0']) || name.starts_with('.') {
            return Err(Error::refused(format!(
                "{} is not a file of a directory dump",
                place.name(&entry.key)
            )));
        }
        let mut from = place.read(&entry.key).await?;
        let mut to = tokio::fs::File::create(folder.join(name))
            .await
            .map_err(failed)?;
        tokio::io::copy(&mut from, &mut to).await.map_err(failed)?;
        to.flush().await.map_err(failed)?;
    }
    Ok(folder)
}
