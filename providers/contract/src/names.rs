//! The names and ids that travel between the core and providers, one type each.
//!
//! They are parsed where a person writes them; inside, a name is never a bare `String`, so two of
//! them cannot be swapped in a call.

use std::borrow::Borrow;
use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

// One shape for six names: the alternative is the same forty lines six times.
macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Wraps a text that its source has checked already.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

name! {
    /// The full name of a store kind or an action kind: `postgres.pitr`, `system.exec`.
    ///
    /// The part before the first dot names the provider.
    KindName
}

name! {
    /// The name of a step in a plan.
    StepName
}

name! {
    /// The name of a store in a plan.
    StoreName
}

name! {
    /// The id of a run, derived from lineage, change set and approval.
    RunId
}

name! {
    /// The id of one operation: one attempt of one step in one run.
    ///
    /// 26 characters, lower-case letters and digits, the first a letter: it fits into the names of
    /// cloud resources. It is derived, not random, so a run whose journal was lost finds what it made.
    OperationId
}

name! {
    /// The id of a recovery point, unique within its store; it never changes once it was reported.
    PointId
}

impl KindName {
    /// The name of the provider that offers this kind.
    pub fn provider(&self) -> &str {
        self.0.split('.').next().unwrap_or_default()
    }
}
