//! The three ways in which a call to a provider can end without its result.

use crate::quantity::Period;

/// Why a call gave no result. There are three ways, and the engine does a different thing for each.
///
/// Messages are lower-case fragments without a full stop, fit to be read after "error:". They carry
/// no secret and no raw response of a service.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The service, or the provider itself, said no, and nothing was changed. Asking again without
    /// a change of the request is of no use.
    #[error("{what}")]
    Refused {
        /// What was refused and why.
        what: String,
        /// What the operator can do, one imperative sentence.
        hint: Option<String>,
    },
    /// Nothing was changed, and the same call may go through later: throttling, a connection that
    /// could not be made, a resource that is busy.
    #[error("{what}")]
    Transient {
        /// What happened.
        what: String,
        /// The earliest moment to try again, counted from now, where the service said one.
        retry_after: Option<Period>,
    },
    /// The call may have had its effect or may not: a lost answer, a deadline that passed with the
    /// work still going on. Never for a call that only reads.
    #[error("{what}")]
    Unknown {
        /// What is not known, and what was last seen.
        what: String,
    },
}

impl Error {
    /// A refusal without a hint.
    pub fn refused(what: impl Into<String>) -> Self {
        Self::Refused {
            what: what.into(),
            hint: None,
        }
    }

    /// A refusal that tells the operator what to do.
    pub fn refused_with(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Refused {
            what: what.into(),
            hint: Some(hint.into()),
        }
    }

    /// A failure that may pass by itself.
    pub fn transient(what: impl Into<String>) -> Self {
        Self::Transient {
            what: what.into(),
            retry_after: None,
        }
    }

    /// An outcome that is not known.
    pub fn unknown(what: impl Into<String>) -> Self {
        Self::Unknown { what: what.into() }
    }

    /// The same error of an action that only reads: what is not known of it changed nothing.
    #[must_use]
    pub fn of_reading(self) -> Self {
        match self {
            Self::Unknown { what } => Self::transient(what),
            Self::Refused { .. } | Self::Transient { .. } => self,
        }
    }

    /// What the operator can do, where the error says it.
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Refused { hint, .. } => hint.as_deref(),
            Self::Transient { .. } | Self::Unknown { .. } => None,
        }
    }
}
