//! Two handles stand for two processes: the kernel's lock belongs to the open file.

use std::sync::Arc;

use crate::journal::heads::Heads;
use crate::journal::lock::Claim;
use crate::journal::lock::EnvironmentLock as _;
use crate::journal::lock::FileLock;
use crate::journal::lock::Holder;
use crate::journal::lock::LockError;
use crate::journal::trial::Ticking;

fn claim(run: &str, holder: Holder) -> Claim {
    Claim {
        run: run.into(),
        holder,
        since: "2026-04-06T02:00:00Z".parse().expect("a time"),
    }
}

fn lock_in(folder: &tempfile::TempDir) -> FileLock {
    FileLock::new(
        folder.path().join("locks").join("lineage"),
        Heads::new(folder.path().join("heads")),
        Arc::new(Ticking::default()),
    )
}

#[tokio::test]
async fn a_second_process_is_told_who_holds_the_lock() {
    let folder = tempfile::tempdir().expect("a folder");
    let holder = Holder {
        host: "ops-1".to_owned(),
        pid: 123,
        ..Holder::of_this_process("j.doe")
    };
    let first = lock_in(&folder);
    assert_eq!(first.look().await, Ok(None));
    let guard = first.acquire(claim("r7kq4m", holder)).await.expect("free");
    assert_eq!(guard.former(), None);
    let second = lock_in(&folder);
    let refused = second
        .acquire(claim("other", Holder::of_this_process("a.roe")))
        .await
        .err()
        .expect("it is held");
    assert_eq!(
        refused.to_string(),
        "the environment is locked: run r7kq4m by j.doe on ops-1 (pid 123) since 2026-04-06T02:00:00Z"
    );
    assert_eq!(
        refused.hint("").as_deref(),
        Some("watch it with `salvor show r7kq4m`, or talk to j.doe")
    );
    let held = second.look().await.expect("readable").expect("it is held");
    assert_eq!(LockError::Held(Box::new(held)), refused);
    guard.release().await.expect("ours");
    assert_eq!(second.look().await, Ok(None));
    let guard = second
        .acquire(claim("other", Holder::of_this_process("a.roe")))
        .await
        .expect("it was given back");
    assert_eq!(guard.former(), None, "the first one said good-bye");
}

#[tokio::test]
async fn a_dead_holders_lock_is_free_and_its_name_is_known() {
    let folder = tempfile::tempdir().expect("a folder");
    let holder = Holder::of_this_process("j.doe");
    let guard = lock_in(&folder)
        .acquire(claim("r1", holder.clone()))
        .await
        .expect("free");
    // What a kill leaves: the file closed, nothing else done.
    drop(guard);
    let guard = lock_in(&folder)
        .acquire(claim("r2", holder.clone()))
        .await
        .expect("free");
    assert_eq!(guard.former(), Some(&claim("r1", holder)));
}

#[tokio::test]
async fn a_holder_whose_file_was_removed_has_lost_the_lock() {
    let folder = tempfile::tempdir().expect("a folder");
    let lock = lock_in(&folder);
    let guard = lock
        .acquire(claim("r1", Holder::of_this_process("j.doe")))
        .await
        .expect("free");
    let path = folder.path().join("locks").join("lineage");
    std::fs::remove_file(&path).expect("it is there");
    let lost = guard.keep().await;
    assert_eq!(
        lost.to_string(),
        format!(
            "the lock of the environment is lost: {} was removed or replaced",
            path.display()
        )
    );
}

#[test]
fn a_stopped_holder_is_told_with_what_to_do() {
    use crate::journal::lock::Held;
    use crate::journal::lock::Liveness;
    let holder = Holder {
        host: "ops-1".to_owned(),
        pid: 123,
        ..Holder::of_this_process("j.doe")
    };
    let held = Held {
        claim: Some(claim("r1", holder)),
        liveness: Liveness::Stopped,
    };
    let error = LockError::Held(Box::new(held));
    assert_eq!(
        error.to_string(),
        "the environment is locked: run r1 by j.doe on ops-1 (pid 123) since 2026-04-06T02:00:00Z; \
         its process is stopped and may go on at any time"
    );
    assert_eq!(
        error.hint("").as_deref(),
        Some("continue it with `kill -CONT 123` or end it with `kill -KILL 123`, on ops-1")
    );
}
