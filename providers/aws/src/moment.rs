//! Moments as RDS tells and takes them.

use aws_sdk_rds::primitives::DateTime;
use jiff::Timestamp;

/// A moment that the service told.
pub(crate) fn told(moment: Option<&DateTime>) -> Option<Timestamp> {
    let moment = moment?;
    let nanoseconds = i32::try_from(moment.subsec_nanos()).ok()?;
    Timestamp::new(moment.secs(), nanoseconds).ok()
}

/// A moment as the service takes it: whole seconds, not after the one that is meant.
pub(crate) fn taken(moment: Timestamp) -> DateTime {
    DateTime::from_secs(seconds(moment).as_second())
}

/// The same moment without its fraction of a second.
pub(crate) fn seconds(moment: Timestamp) -> Timestamp {
    let second = moment.as_nanosecond().div_euclid(1_000_000_000);
    i64::try_from(second)
        .ok()
        .and_then(|second| Timestamp::from_second(second).ok())
        .unwrap_or(moment)
}
