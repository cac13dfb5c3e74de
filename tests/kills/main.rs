//! A recovery on real servers that is killed wherever it can be, taken up by a fresh process, and compared with
//! the recovery that nobody disturbed.
//!
//! There are three worlds: a small plan with a step of every class on shared servers, the quickstart with servers of each
//! case's own, and databases on a fake of RDS of each case's own.
//!
//! `SALVOR_KILLS` says at how many random system calls, `SALVOR_EVERY` at which records (1: at each), `SALVOR_SEED`
//! where the random numbers begin, `SALVOR_CASE` that only this case is wanted. Unset, a sample is tried. A case that
//! fails prints what to set to see it again. The whole sweep of the quickstart:
//!
//! ```sh
//! SALVOR_KILLS=300 SALVOR_EVERY=1 cargo test --test kills the_quickstart -- --nocapture
//! ```

mod case;
mod databases;
mod deciding;
mod interruptions;
mod journal_faults;
mod kills;
mod lost;
mod platform;
mod processes;
mod proxy;
#[path = "../support/quickstart.rs"]
mod quickstart;
mod servers;
mod shop;
mod supervisor;
mod tracer;
mod world;
