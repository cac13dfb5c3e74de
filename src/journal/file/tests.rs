//! A disk that fails at each point of an append: what was acknowledged stays, and nothing is tried twice.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::sync::Mutex;

use crate::digest::Digest;
use crate::journal::file::FileStorage;
use crate::journal::file::disk::AppendFile;
use crate::journal::record::Line;
use crate::journal::storage::AppendError;
use crate::journal::storage::Storage as _;
use crate::journal::storage::StorageError;

const EIO: i32 = 5;
const ENOSPC: i32 = 28;
const EDQUOT: i32 = 122;

/// A file in memory that fails at the n-th call, counted over all kinds of calls.
#[derive(Clone)]
struct Failing(Arc<Mutex<Calls>>);

struct Calls {
    bytes: Vec<u8>,
    log: Vec<&'static str>,
    fail_at: usize,
    errno: i32,
    /// How much of a failing write is made.
    part: usize,
}

impl Failing {
    fn new(fail_at: usize, errno: i32, part: usize) -> Self {
        let calls = Calls {
            bytes: Vec::new(),
            log: Vec::new(),
            fail_at,
            errno,
            part,
        };
        Self(Arc::new(Mutex::new(calls)))
    }

    fn call(&self, name: &'static str) -> io::Result<std::sync::MutexGuard<'_, Calls>> {
        let mut calls = self.0.lock().expect("no test panics here");
        calls.log.push(name);
        if calls.log.len() - 1 == calls.fail_at {
            return Err(io::Error::from_raw_os_error(calls.errno));
        }
        Ok(calls)
    }
}

impl AppendFile for Failing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.call("write") {
            Ok(mut calls) => {
                calls.bytes.extend(bytes);
                Ok(bytes.len())
            }
            Err(error) => {
                let mut calls = self.0.lock().expect("no test panics here");
                let part = calls.part.min(bytes.len());
                calls.bytes.extend(&bytes[..part]);
                Err(error)
            }
        }
    }

    fn sync(&mut self) -> io::Result<()> {
        self.call("sync").map(drop)
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        let length = usize::try_from(length).expect("short");
        self.call("cut")
            .map(|mut calls| calls.bytes.truncate(length))
    }

    fn look(&mut self) -> io::Result<(u64, u64)> {
        self.call("look").map(|calls| (calls.bytes.len() as u64, 1))
    }
}

fn line(seq: u64) -> Line {
    Line {
        seq,
        text: format!("line {seq}"),
        hash: Digest::zero(),
    }
}

#[tokio::test]
async fn an_error_at_any_call_keeps_what_was_acknowledged_and_stops_the_rest() {
    // Three appends are nine calls: look, write, sync each.
    for errno in [EIO, ENOSPC, EDQUOT] {
        for fail_at in 0..9 {
            let failing = Failing::new(fail_at, errno, 3);
            let folder = tempfile::tempdir().expect("a folder");
            let storage =
                FileStorage::with_file(folder.path().to_owned(), Box::new(failing.clone()));
            let mut acknowledged = 0;
            let mut error = None;
            for seq in 0..3 {
                match storage.append(&[line(seq)]).await {
                    Ok(()) => acknowledged += 1,
                    Err(failed) => {
                        error = Some(failed);
                        break;
                    }
                }
            }
            let point = format!("errno {errno} at call {fail_at}");
            assert_eq!(acknowledged, fail_at / 3, "{point}");
            let is_full = errno != EIO && fail_at % 3 == 1;
            match error.expect("one call fails") {
                AppendError::Full => assert!(is_full, "{point}"),
                AppendError::Poisoned { .. } => assert!(!is_full, "{point}"),
                other @ (AppendError::Deposed { .. } | AppendError::Ambiguous { .. }) => {
                    panic!("{point}: {other}")
                }
            }
            let before = failing.0.lock().expect("free").log.len();
            let again = storage.append(&[line(acknowledged as u64)]).await;
            let calls = failing.0.lock().expect("free");
            let kept = String::from_utf8_lossy(&calls.bytes).into_owned();
            if is_full {
                assert_eq!(again, Ok(()), "{point}: the half write was undone");
                let whole: String = (0..=acknowledged).map(|n| format!("line {n}\n")).collect();
                assert_eq!(kept, whole, "{point}");
            } else {
                assert!(
                    matches!(again, Err(AppendError::Poisoned { .. })),
                    "{point}"
                );
                assert_eq!(
                    calls.log.len(),
                    before,
                    "{point}: the system was asked again"
                );
                let whole: String = (0..acknowledged).map(|n| format!("line {n}\n")).collect();
                assert!(kept.starts_with(&whole), "{point}");
            }
        }
    }
}

#[tokio::test]
async fn many_lines_are_one_write_and_one_sync() {
    let file = Failing::new(usize::MAX, EIO, 0);
    let folder = tempfile::tempdir().expect("a folder");
    let storage = FileStorage::with_file(folder.path().to_owned(), Box::new(file.clone()));
    storage
        .append(&[line(0), line(1), line(2)])
        .await
        .expect("the disk is well");
    assert_eq!(file.0.lock().expect("free").log, ["look", "write", "sync"]);
}

#[tokio::test]
async fn a_journal_has_one_writer_and_many_readers() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = folder.path().join("runs").join("r1");
    let writer = FileStorage::create(run.clone()).await.expect("a new run");
    writer.append(&[line(0)]).await.expect("the disk is well");
    for opened in [
        FileStorage::open(run.clone()).await,
        FileStorage::create(run.clone()).await,
    ] {
        assert!(matches!(opened, Err(StorageError::Busy { .. })));
    }
    let reader = FileStorage::open_reading(run.clone());
    assert_eq!(
        reader.load(0).await.expect("it is there").lines,
        [b"line 0"]
    );
    assert!(matches!(
        reader.append(&[line(1)]).await,
        Err(AppendError::Poisoned { .. })
    ));
    drop(writer);
    let second = FileStorage::open(run)
        .await
        .expect("the lock went with its process");
    second.append(&[line(1)]).await.expect("the disk is well");
    assert_eq!(
        reader.load(1).await.expect("it is there").lines,
        [b"line 1"]
    );
}

#[tokio::test]
async fn a_torn_line_is_cut_where_it_begins() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = folder.path().join("r1");
    let writer = FileStorage::create(run.clone()).await.expect("a new run");
    writer.append(&[line(0)]).await.expect("the disk is well");
    drop(writer);
    let path = run.join("journal");
    let mut bytes = std::fs::read(&path).expect("it is there");
    bytes.extend(b"line 1 was no");
    std::fs::write(&path, bytes).expect("writable");
    let second = FileStorage::open(run).await.expect("an existing run");
    let loaded = second.load(0).await.expect("it is there");
    assert_eq!(
        (loaded.lines.len(), loaded.tail.as_slice()),
        (1, b"line 1 was no".as_slice())
    );
    second.cut_tail().await.expect("the disk is well");
    second.append(&[line(1)]).await.expect("the disk is well");
    assert_eq!(
        std::fs::read(&path).expect("it is there"),
        b"line 0\nline 1\n"
    );
}

#[tokio::test]
async fn the_files_are_the_owners_only_and_links_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = folder.path().join("r1");
    let writer = FileStorage::create(run.clone()).await.expect("a new run");
    let digest = Digest::of_bytes(b"bytes");
    writer
        .put_blob(&digest, b"bytes")
        .await
        .expect("the disk is well");
    assert_eq!(
        writer.get_blob(&digest).await.expect("it is there"),
        b"bytes"
    );
    let mode = |name: &str| {
        let metadata = std::fs::metadata(run.join(name)).expect("it is there");
        metadata.permissions().mode() & 0o777
    };
    assert_eq!(["", "blobs", "inbox"].map(mode), [0o700; 3]);
    assert_eq!(mode("journal"), 0o600);
    assert_eq!(mode(&format!("blobs/{digest}")), 0o600);

    std::fs::hard_link(run.join("journal"), run.join("second")).expect("same disk");
    let refused = writer
        .append(&[line(0)])
        .await
        .expect_err("it has a second name");
    assert_eq!(refused.to_string(), "its file has 2 names instead of one");
    drop(writer);
    let opened = FileStorage::open(run.clone())
        .await
        .err()
        .expect("it has a second name");
    assert!(matches!(opened, StorageError::Unfit { .. }), "{opened}");

    std::fs::remove_file(run.join("journal")).expect("it is there");
    std::os::unix::fs::symlink(run.join("second"), run.join("journal")).expect("same disk");
    assert!(matches!(
        FileStorage::open(run).await,
        Err(StorageError::Io { .. })
    ));
}

#[tokio::test]
async fn the_reserve_is_made_of_blocks_and_is_given_back_once() {
    use std::os::unix::fs::MetadataExt as _;
    let folder = tempfile::tempdir().expect("a folder");
    let run = folder.path().join("r1");
    let writer = FileStorage::create(run.clone()).await.expect("a new run");
    let reserve = std::fs::metadata(run.join("reserve")).expect("it is there");
    assert!(
        reserve.blocks() * 512 >= 16 * 1024 * 1024,
        "{} blocks",
        reserve.blocks()
    );
    assert!(writer.free_reserve().await);
    assert!(!writer.free_reserve().await);
}

#[tokio::test]
async fn reading_beside_ones_own_appends_does_not_disturb_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let writer = FileStorage::create(folder.path().join("r1"))
        .await
        .expect("a new run");
    for seq in 0..50 {
        let line = [line(seq)];
        let (appended, loaded) = futures::future::join(writer.append(&line), writer.load(0)).await;
        assert_eq!(appended, Ok(()));
        let found = loaded.expect("it is there").lines.len() as u64;
        assert!(
            (seq..=seq + 1).contains(&found),
            "{found} lines at append {seq}"
        );
    }
}
