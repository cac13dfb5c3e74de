//! Ids of runs and operations, derived and not random.
//!
//! The same approved change set has the same names again, so that what a run made can be told by its marks when its
//! journal is lost. To do the same once more on purpose takes a new approval nonce.

use salvor_contract::OperationId;
use salvor_contract::RunId;
use salvor_contract::StepName;

use crate::digest::Digest;
use crate::digest::name_of;

/// Length of an operation's id: it fits into the names of cloud resources (63 characters on RDS) with a prefix.
const OPERATION_LENGTH: usize = 26;

/// Length of a run's id: 50 bits, typed by people, unique among the runs of one environment.
const RUN_LENGTH: usize = 10;

/// The id of the run that applies this change set under this approval in this environment.
pub fn run_id(lineage: &str, change_set: &Digest, approval: &str) -> RunId {
    let digest = Digest::of_parts(&[
        b"salvor/run/1",
        lineage.as_bytes(),
        change_set.as_str().as_bytes(),
        approval.as_bytes(),
    ]);
    RunId::new(name_of(&digest, RUN_LENGTH))
}

/// The id of one attempt of one step of a run. `inputs` is the digest of the operation's inputs.
pub fn operation_id(run: &RunId, step: &StepName, attempt: u32, inputs: &Digest) -> OperationId {
    let digest = Digest::of_parts(&[
        b"salvor/1",
        run.as_str().as_bytes(),
        step.as_str().as_bytes(),
        &attempt.to_be_bytes(),
        inputs.as_str().as_bytes(),
    ]);
    OperationId::new(name_of(&digest, OPERATION_LENGTH))
}

/// The name under which a notification is performed: that of a step, and one that no step of a plan can have.
///
/// `place` is that of the notification in the change set, `event` and `about` are what happened, `since` tells
/// it from the same thing happening again.
pub fn notification_name(
    place: usize,
    event: &str,
    about: Option<&StepName>,
    since: u64,
) -> StepName {
    let about = about.map_or("", StepName::as_str);
    StepName::new(format!("notify/{place}/{event}/{about}/{since}"))
}

/// Event and step of a notification's name; `None` for the name of a step.
pub fn notification_of(name: &StepName) -> Option<(&str, Option<&str>)> {
    let mut parts = name.as_str().strip_prefix("notify/")?.split('/').skip(1);
    let event = parts.next()?;
    Some((event, parts.next().filter(|about| !about.is_empty())))
}

#[cfg(test)]
mod tests {
    use super::operation_id;
    use super::run_id;
    use crate::digest::Digest;

    /// These values are a format: a change of them orphans what running recoveries have made.
    #[test]
    fn names_never_change() {
        let change_set = Digest::of_bytes(b"change set");
        let run = run_id("lineage", &change_set, "nonce");
        let op = operation_id(&run, &"metadata".into(), 1, &Digest::of_bytes(b"inputs"));
        assert_eq!(
            (run.as_str(), op.as_str()),
            ("ujengf4dt3", "z64vd526lw65itg5icdmrki4hf")
        );
        assert_ne!(run_id("lineage", &change_set, "other"), run);
        assert_ne!(
            operation_id(&run, &"metadata".into(), 2, &Digest::of_bytes(b"inputs")),
            op
        );
    }
}
