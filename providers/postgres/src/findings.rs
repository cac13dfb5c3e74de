//! Findings, made in one expression.

use salvor_contract::Finding;
use salvor_contract::Judgement;

/// A finding that passed or failed.
pub fn finding(
    subject: impl Into<String>,
    expected: impl Into<String>,
    observed: impl Into<String>,
    is_as_expected: bool,
) -> Finding {
    Finding {
        subject: subject.into(),
        expected: expected.into(),
        observed: observed.into(),
        judgement: if is_as_expected {
            Judgement::Passed
        } else {
            Judgement::Failed
        },
    }
}

/// A finding that could not be made.
pub fn inconclusive(
    subject: impl Into<String>,
    expected: impl Into<String>,
    why: impl Into<String>,
) -> Finding {
    Finding {
        subject: subject.into(),
        expected: expected.into(),
        observed: why.into(),
        judgement: Judgement::Inconclusive,
    }
}
