//! The list of protocol mutants: parts that break one rule each, wrapped around the real ones from outside.
//!
//! Each must be caught by some promise. What no promise can tell from the original is not a mutant.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a mutant changes one thing, and all others leave that as it is"
)]

mod change_sets;
mod guards;
mod providers;
mod storages;

use std::sync::Arc;

use salvor::change_set::ChangeSet;
use salvor::journal::lock::Guard;
use salvor::journal::lock::register::Tag;
use salvor::journal::memory::MemoryStorage;
use salvor::journal::memory::Shelf;
use salvor::journal::storage::Storage;
use salvor_contract::Clock;
use salvor_contract::Provider;

use crate::mutants::guards::Deaf;
use crate::mutants::guards::WallClock;
use crate::mutants::providers::Twisted;
use crate::mutants::storages::Careless;
use crate::shared::Shared;
use crate::time::ProcessClock;
use crate::time::Skew;
use crate::time::Time;

/// One broken rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mutant {
    /// A storage writes over a record that is there.
    NoCompareAndSet,
    /// Somebody else's record at one's place is taken for one's own: nonces are not compared.
    ForeignRecordTakenForOwn,
    /// A storage says "durable" and writes with the next record.
    AcknowledgedBeforeDurable,
    /// A storage forgets the last record when it is opened.
    TailLost,
    /// Intents are written together with what follows them.
    IntentNotDurable,
    /// Of a batch only the first record is written.
    HalfABatch,
    /// A torn tail stays, and the next record is glued to it.
    TornTailKept,
    /// The register of the lock writes whatever its version.
    TagIgnored,
    /// Nobody tells that the lock is lost.
    LossNotTold,
    /// It is told a minute late.
    LossToldLate,
    /// Leases are measured by the time of day.
    LeaseByWallClock,
    /// Who waits for a lapse has a clock that runs three times too fast.
    LeaseTooShort,
    /// Ids of operations differ from process to process.
    RandomIds,
    /// A probe finds nothing.
    ProbeAbsent,
    /// A probe finds everything done.
    ProbeDone,
    /// What is under way counts as done.
    InFlightIsDone,
    /// What somebody else made is adopted.
    ConflictAdopted,
    /// The outcome is told before anything is done.
    OutcomeFirst,
    /// No answer is taken for an error that may pass.
    UnknownIsTransient,
    /// No answer, or a deadline that passed, is taken for a refusal that needs no look.
    DeadlineIsFailure,
    /// No answer is taken for success.
    UnknownIsDone,
    /// Every call carries the same token.
    NoFence,
    /// A person is asked once more, and the second answer is performed.
    AnswerTakenTwice,
    /// Work without a key is sent again like work with one.
    UnkeyedTakenForNamed,
    /// Steps do not wait for what they need.
    NeedsDropped,
    /// Nothing is finished after a failure.
    FinallyDropped,
    /// "Absent" is believed at once.
    NoSettleWindow,
    /// People retry what is unknown without a look.
    UnknownRetriedBlindly,
    /// The plan's tries are not counted.
    TriesNotCounted,
}

/// All of them.
pub const ALL: &[Mutant] = &[
    Mutant::NoCompareAndSet,
    Mutant::ForeignRecordTakenForOwn,
    Mutant::AcknowledgedBeforeDurable,
    Mutant::TailLost,
    Mutant::IntentNotDurable,
    Mutant::HalfABatch,
    Mutant::TornTailKept,
    Mutant::TagIgnored,
    Mutant::LossNotTold,
    Mutant::LossToldLate,
    Mutant::LeaseByWallClock,
    Mutant::LeaseTooShort,
    Mutant::RandomIds,
    Mutant::ProbeAbsent,
    Mutant::ProbeDone,
    Mutant::InFlightIsDone,
    Mutant::ConflictAdopted,
    Mutant::OutcomeFirst,
    Mutant::UnknownIsTransient,
    Mutant::DeadlineIsFailure,
    Mutant::UnknownIsDone,
    Mutant::NoFence,
    Mutant::AnswerTakenTwice,
    Mutant::UnkeyedTakenForNamed,
    Mutant::NeedsDropped,
    Mutant::FinallyDropped,
    Mutant::NoSettleWindow,
    Mutant::UnknownRetriedBlindly,
    Mutant::TriesNotCounted,
];

impl Mutant {
    /// The storage of a process.
    pub fn storage(self, shelf: &Shelf, view: Box<MemoryStorage>) -> Box<dyn Storage> {
        if Careless::is_of(self) {
            Box::new(Careless::new(self, shelf.clone(), view))
        } else {
            view
        }
    }

    /// The version over which a write to the register is made.
    pub fn tag<'a>(self, seen: Option<&'a Tag>, current: Option<&'a Tag>) -> Option<&'a Tag> {
        if self == Self::TagIgnored {
            current
        } else {
            seen
        }
    }

    /// The guard of a process.
    pub fn guard(self, guard: Box<dyn Guard>, time: &Time) -> Box<dyn Guard> {
        match self {
            Self::LossNotTold => Box::new(Deaf::new(guard, time.clone(), None)),
            Self::LossToldLate => Box::new(Deaf::new(guard, time.clone(), Some(60))),
            _ => guard,
        }
    }

    /// The clock by which leases are measured.
    pub fn lock_clock(self, clock: &Arc<ProcessClock>) -> Arc<dyn Clock> {
        match self {
            Self::LeaseByWallClock => Arc::new(WallClock(Arc::clone(clock))),
            Self::LeaseTooShort => Arc::new(ProcessClock {
                time: clock.time.clone(),
                skew: Skew {
                    drift: if clock.skew.drift > 0 { 2000 } else { 0 },
                    ..clock.skew.clone()
                },
            }),
            _ => Arc::clone(clock) as Arc<dyn Clock>,
        }
    }

    /// The provider that a process calls.
    pub fn provider(
        self,
        inner: Arc<dyn Provider>,
        shared: &Arc<Shared>,
        process: usize,
    ) -> Arc<dyn Provider> {
        if Twisted::is_of(self) {
            Arc::new(Twisted::new(self, inner, Arc::clone(shared), process))
        } else {
            inner
        }
    }

    /// The change set that is performed in place of the one that was reviewed.
    pub fn change_set(self, reviewed: &ChangeSet) -> ChangeSet {
        change_sets::performed(self, reviewed)
    }
}
