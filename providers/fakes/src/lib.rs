//! Scripted fakes of vendors' services, for tests only: what emulators are too kind about is true here.
//!
//! A test builds a world, says which faults meet which calls, points the client under test at [`Aws::endpoint`], and
//! looks at the world and at the calls afterwards. There is no clock: states move on as they are read.
//!
//! ```
//! use salvor_fakes::Aws;
//! use salvor_fakes::Course;
//! use salvor_fakes::Effect;
//! use salvor_fakes::Fault;
//! use salvor_fakes::Phase;
//! use salvor_fakes::rds::Instance;
//! use salvor_fakes::rds::Snapshot;
//!
//! # fn main() -> std::io::Result<()> {
//! let aws = Aws::start()?;
//! aws.rds(|rds| {
//!     let production = Instance {
//!         multi_az: true,
//!         ..Instance::new("prod")
//!     };
//!     rds.add_snapshot(Snapshot::new("rds:prod-2026-11-22", &production, rds.now));
//!     rds.add_instance(production);
//!     // What is restored under this name is not seen twice, creates for three readings, and fails.
//!     rds.expect(
//!         "prod-drill",
//!         Course::of([
//!             Phase::unseen().readings(2),
//!             Phase::of("creating").readings(3).percent(40),
//!             Phase::of("incompatible-restore"),
//!         ]),
//!     );
//! });
//! // The restore is done, and its answer is lost.
//! aws.script().fault(Fault::on("RestoreDBInstanceFromDBSnapshot", Effect::AnswerLost));
//! // The second and the third reading are refused as too many.
//! aws.script().fault(Fault::on("DescribeDBInstances", Effect::Throttled).call(2).times(2));
//!
//! let endpoint = aws.endpoint(); // for the client: any credentials, region us-east-1
//! # assert!(endpoint.starts_with("http://127.0.0.1:"));
//! // … the client works …
//!
//! let restored = aws.script().done("RestoreDBInstanceFromDBSnapshot");
//! # assert_eq!(restored, 0);
//! let is_single_zone = aws.rds(|rds| rds.instances.get("prod-drill").map(|it| !it.multi_az));
//! # assert_eq!(is_single_zone, None);
//! # Ok(())
//! # }
//! ```
//!
//! Each fake is judged by the vendor's own client and model: `tests/rds.rs`. A fake that answers what the vendor's
//! client does not take for an answer of its service is a defect.

mod aws;
mod course;
pub mod ec2;
mod fault;
mod http;
mod json;
pub mod kms;
pub mod logs;
mod operation;
mod proxy;
mod query;
pub mod rds;
mod script;
mod server;
pub mod sts;
mod xml;

use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

pub use crate::aws::ACCOUNT;
pub use crate::aws::Aws;
pub use crate::aws::REGION;
pub use crate::course::Course;
pub use crate::course::Phase;
pub use crate::fault::Effect;
pub use crate::fault::Fault;
pub use crate::proxy::FaultProxy;
pub use crate::script::Call;
pub use crate::script::Script;

/// Locks what a test that panicked may have left locked: its failure is told already.
fn unpoisoned<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
