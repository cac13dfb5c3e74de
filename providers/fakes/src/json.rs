//! Turns the document of a call of AWS's JSON protocol into typed values, and results into its answers.
//!
//! The protocol: <https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html>.

use serde_json::Value;

use crate::http::Answer;
use crate::operation::Refusal;

/// The fields of a call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields<'a>(pub(crate) &'a Value);

impl<'a> Fields<'a> {
    /// Returns a value where it was sent.
    pub(crate) fn value(self, name: &str) -> Option<&'a Value> {
        self.0.get(name)
    }

    /// Returns a text where it was sent.
    pub(crate) fn text(self, name: &str) -> Option<&'a str> {
        self.value(name)?.as_str()
    }

    /// Returns a text.
    ///
    /// # Errors
    /// It was not sent.
    pub(crate) fn required(self, name: &str) -> Result<&'a str, Refusal> {
        self.text(name).ok_or_else(|| invalid(name))
    }

    /// Returns a whole number.
    ///
    /// # Errors
    /// It was not sent.
    pub(crate) fn number(self, name: &str) -> Result<i64, Refusal> {
        self.value(name)
            .and_then(Value::as_i64)
            .ok_or_else(|| invalid(name))
    }
}

fn invalid(name: &str) -> Refusal {
    let message =
        format!("1 validation error detected: Value at '{name}' failed to satisfy constraint");
    Refusal::new(400, "ValidationException", message)
}

/// Returns the answer to an action.
pub(crate) fn answer(result: &Value) -> Answer {
    Answer::new(200, "application/x-amz-json-1.1", result.to_string())
}
