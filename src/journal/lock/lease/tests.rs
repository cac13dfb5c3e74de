//! The lease under virtual time: skewed clocks, lost and late messages, crashes, pauses.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use salvor_contract::Clock;

use crate::journal::lock::Claim;
use crate::journal::lock::EnvironmentLock as _;
use crate::journal::lock::Holder;
use crate::journal::lock::LeaseLock;
use crate::journal::lock::LockError;
use crate::journal::lock::lease::TTL;
use crate::journal::lock::register::MemoryRegister;
use crate::journal::lock::register::Register;
use crate::journal::lock::register::RegisterError;
use crate::journal::lock::register::Tag;
use crate::journal::lock::register::WriteFault;
use crate::journal::trial::Seeded;

/// One machine's clock: it started at another moment and runs at another speed than the true one.
struct Skewed {
    start: tokio::time::Instant,
    offset: Duration,
    /// Its speed in thousandths of the true one.
    speed: u32,
}

#[async_trait]
impl Clock for Skewed {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH + self.elapsed()
    }

    fn elapsed(&self) -> Duration {
        self.offset + self.start.elapsed() * self.speed / 1_000
    }

    async fn sleep(&self, length: Duration) {
        tokio::time::sleep(length * 1_000 / self.speed).await;
    }
}

/// A register behind a network that is slow and loses things.
struct Distant {
    register: MemoryRegister,
    random: Arc<Seeded>,
    /// One message of so many meets a fault.
    fault_in: u64,
}

impl Distant {
    async fn travel(&self) {
        // Mostly fast, now and then very slow: a late answer must not lengthen anybody's belief.
        let longest = if self.random.below(6) == 0 {
            15_000
        } else {
            200
        };
        tokio::time::sleep(Duration::from_millis(self.random.below(longest))).await;
        if self.random.below(20) == 0 {
            self.register.deliver_late();
        }
    }

    fn fault(&self) -> WriteFault {
        if self.random.below(self.fault_in) > 0 {
            return WriteFault::None;
        }
        match self.random.below(3) {
            0 => WriteFault::LostAnswer,
            1 => WriteFault::LostRequest,
            _ => WriteFault::Late,
        }
    }

    async fn write(&self, content: Vec<u8>, tag: Option<&Tag>) -> Result<Tag, RegisterError> {
        self.travel().await;
        let written = self.register.write(content, tag, self.fault());
        self.travel().await;
        written
    }
}

#[async_trait]
impl Register for Distant {
    async fn get(&self) -> Result<Option<(Vec<u8>, Tag)>, RegisterError> {
        self.travel().await;
        let found = self.register.content();
        self.travel().await;
        if self.random.below(self.fault_in) == 0 {
            return Err(RegisterError::Unavailable {
                what: "the connection was closed".to_owned(),
            });
        }
        Ok(found)
    }

    async fn create(&self, content: Vec<u8>) -> Result<Tag, RegisterError> {
        self.write(content, None).await
    }

    async fn replace(&self, content: Vec<u8>, tag: &Tag) -> Result<Tag, RegisterError> {
        self.write(content, Some(tag)).await
    }
}

fn claim(host: &str) -> Claim {
    let holder = Holder {
        by: "j.doe".to_owned(),
        host: host.to_owned(),
        boot: "boot".to_owned(),
        pid: 123,
        started: 456,
    };
    Claim {
        run: "run".into(),
        holder,
        since: Timestamp::UNIX_EPOCH,
    }
}

#[derive(Default)]
struct Seen {
    believers: u32,
    taken: u32,
    refused: u32,
    lost: u32,
    crashed: u32,
}

/// One operator: takes the lock, works under it for a while, gives it back or dies.
async fn operator(name: String, lock: LeaseLock, random: Arc<Seeded>, seen: Rc<RefCell<Seen>>) {
    for _ in 0..6 {
        tokio::time::sleep(Duration::from_millis(random.below(60_000))).await;
        let guard = match lock.acquire(claim(&name)).await {
            Ok(guard) => guard,
            Err(_) => {
                seen.borrow_mut().refused += 1;
                continue;
            }
        };
        seen.borrow_mut().taken += 1;
        seen.borrow_mut().believers += 1;
        assert_eq!(seen.borrow().believers, 1, "{name} believes beside another");
        let length = Duration::from_millis(random.below(120_000));
        let is_lost = tokio::select! {
            _ = guard.keep() => true,
            () = tokio::time::sleep(length) => false,
        };
        seen.borrow_mut().believers -= 1;
        if is_lost {
            seen.borrow_mut().lost += 1;
        } else if random.below(3) == 0 {
            // A crash: nothing more is heard of it.
            seen.borrow_mut().crashed += 1;
            drop(guard);
        } else {
            // It may fail when nothing is heard of the register; then the lease lapses.
            let _ = guard.release().await;
        }
    }
}

async fn history(seed: u64, fault_in: u64) -> Seen {
    let register = MemoryRegister::default();
    let seen = Rc::new(RefCell::new(Seen::default()));
    let start = tokio::time::Instant::now();
    let operators = (0..3_u64).map(|n| {
        let random = Arc::new(Seeded::from(seed * 10 + n));
        let clock = Skewed {
            start,
            // A day apart, and up to two in a hundred faster or slower.
            offset: Duration::from_secs(random.below(172_800)),
            speed: 980 + u32::try_from(random.below(41)).expect("small"),
        };
        let distant = Distant {
            register: register.clone(),
            random: Arc::clone(&random),
            fault_in,
        };
        let randomness: Arc<Seeded> = Arc::clone(&random);
        let lock = LeaseLock::new(Arc::new(distant), Arc::new(clock), randomness);
        operator(format!("host-{n}"), lock, random, Rc::clone(&seen))
    });
    futures::future::join_all(operators).await;
    seen.take()
}

#[tokio::test(start_paused = true)]
async fn never_two_believe_to_hold_the_lock() {
    let (mut taken, mut lost, mut crashed, mut refused) = (0, 0, 0, 0);
    for seed in 0..150 {
        for fault_in in [1_000, 6, 3] {
            let seen = std::panic::AssertUnwindSafe(history(seed, fault_in));
            let seen = futures::FutureExt::catch_unwind(seen).await;
            let Ok(seen) = seen else {
                panic!("seed {seed}, one fault in {fault_in}")
            };
            taken += seen.taken;
            lost += seen.lost;
            crashed += seen.crashed;
            refused += seen.refused;
        }
    }
    // The histories are worth something: each thing happened often.
    assert!(
        taken > 2_000 && lost > 20 && crashed > 300 && refused > 300,
        "{taken} {lost} {crashed} {refused}"
    );
}

fn plain(register: &MemoryRegister, offset: u64) -> LeaseLock {
    let clock = Skewed {
        start: tokio::time::Instant::now(),
        offset: Duration::from_secs(offset),
        speed: 1_000,
    };
    LeaseLock::new(
        Arc::new(register.clone()),
        Arc::new(clock),
        Arc::new(Seeded::from(offset)),
    )
}

#[tokio::test(start_paused = true)]
async fn a_dead_holders_lease_is_taken_over_within_its_length() {
    let register = MemoryRegister::default();
    let guard = plain(&register, 1).acquire(claim("a")).await.expect("free");
    drop(guard);
    let start = tokio::time::Instant::now();
    let guard = plain(&register, 86_400)
        .acquire(claim("b"))
        .await
        .expect("it lapsed");
    let waited = start.elapsed();
    assert!(
        waited >= TTL && waited <= TTL + Duration::from_secs(5),
        "{waited:?}"
    );
    assert_eq!(
        guard.former().map(|former| former.holder.host.as_str()),
        Some("a")
    );
}

#[tokio::test(start_paused = true)]
async fn a_living_holder_is_seen_as_soon_as_it_renews() {
    let register = MemoryRegister::default();
    let guard = plain(&register, 1).acquire(claim("a")).await.expect("free");
    let start = tokio::time::Instant::now();
    let second = plain(&register, 86_400);
    let refused = tokio::select! {
        lost = guard.keep() => panic!("{lost}"),
        refused = second.acquire(claim("b")) => refused.err().expect("it is held"),
    };
    assert!(matches!(refused, LockError::Held(_)), "{refused}");
    assert!(start.elapsed() < TTL, "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_holder_that_slept_wakes_without_the_lock_and_takes_nothing_from_its_successor() {
    let register = MemoryRegister::default();
    let first = plain(&register, 1).acquire(claim("a")).await.expect("free");
    let second = plain(&register, 2)
        .acquire(claim("b"))
        .await
        .expect("it lapsed");
    let lost = first.keep().await;
    assert_eq!(lost.why, "it could not be renewed in time");
    first.release().await.expect("it is left alone");
    let held = plain(&register, 3)
        .look()
        .await
        .expect("readable")
        .expect("b holds it");
    assert_eq!(
        held.claim.map(|claim| claim.holder.host).as_deref(),
        Some("b")
    );
    second.release().await.expect("ours");
    assert_eq!(plain(&register, 4).look().await, Ok(None));
}
