//! Turns calls of AWS STS into who calls: always the same one.

use crate::aws::ACCOUNT;
use crate::http::Answer;
use crate::operation::Refusal;
use crate::query;
use crate::xml::Element;

/// The version of the API, which every call names.
pub(crate) const VERSION: &str = "2011-06-15";

const NAME_SPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// The actions that this fake answers.
pub const ACTIONS: [&str; 1] = ["GetCallerIdentity"];

/// Answers a call.
pub(crate) fn answer(action: &str) -> Result<Answer, Refusal> {
    if action != ACTIONS[0] {
        return Err(crate::aws::unknown_action(action, VERSION));
    }
    let result = Element::new("GetCallerIdentityResult")
        .with("UserId", "AIDAFAKE")
        .with("Account", ACCOUNT)
        .with("Arn", format!("arn:aws:iam::{ACCOUNT}:user/fake"));
    Ok(query::answer(action, NAME_SPACE, result))
}
