//! What a provider refuses of inputs whatever the world looks like.

use crate::error::Error;
use crate::values::Values;

/// An input that would be refused whenever it is used. It is said when the plan is read, long before the step's turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputRefusal {
    /// The name of the input.
    pub input: &'static str,
    /// What is refused and why; a fragment like the words of an [`Error`].
    pub what: String,
    /// What the author can do, one imperative sentence.
    pub hint: Option<String>,
    /// The input holds a secret: nothing shows the line on which it stands.
    pub is_secret: bool,
}

impl InputRefusal {
    /// The refusal of an input that is written as text, by what reads it; none when it is not there, or known later.
    pub fn of_text<'w, T>(
        with: &'w Values,
        input: &'static str,
        read: impl FnOnce(&'w str) -> Result<T, Error>,
    ) -> Option<Self> {
        let error = read(with.text(input)?).err()?;
        Some(Self::of(input, &error))
    }

    /// The refusal of an input that the call would end with.
    pub fn of(input: &'static str, error: &Error) -> Self {
        Self {
            input,
            what: error.to_string(),
            hint: error.hint().map(str::to_owned),
            is_secret: false,
        }
    }
}
