//! A recovery on real servers that is killed wherever it can be, taken up by a fresh process, and compared with
//! the recovery that nobody disturbed.
//!
//! `SALVOR_KILLS` says at how many random system calls (20 when unset), `SALVOR_SEED` where the random numbers
//! begin, `SALVOR_EVERY` at which records (each, when unset), `SALVOR_CASE` that only this case is wanted. A case
//! that fails prints what to set to see it again.

mod case;
mod interruptions;
mod journal_faults;
mod kills;
mod processes;
mod proxy;
mod servers;
mod supervisor;
mod world;
