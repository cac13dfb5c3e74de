//! What `doctor` tried out, for people and for programs.

use schemars::JsonSchema;
use serde::Serialize;

use crate::journal::Examined;

/// What `doctor` tried out.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
#[serde(rename_all = "kebab-case")]
pub struct DoctorReport {
    /// The version of this form.
    pub format: u32,
    /// Where the state is.
    pub state: String,
    /// Whether all of it did what it must: then runs may be kept there.
    pub is_fit: bool,
    /// What was tried, in its order.
    pub tried: Vec<Tried>,
}

/// Something that the place of a state must do.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
#[serde(rename_all = "kebab-case")]
pub struct Tried {
    /// What it must do, in words.
    pub what: String,
    /// Why it is taken for not doing so; null when it did.
    pub wrong: Option<String>,
}

impl DoctorReport {
    /// What came of it.
    pub fn of(state: String, examined: Vec<Examined>) -> Self {
        let tried: Vec<Tried> = examined
            .into_iter()
            .map(|Examined { what, wrong }| Tried { what, wrong })
            .collect();
        Self {
            format: 1,
            state,
            is_fit: tried.iter().all(|tried| tried.wrong.is_none()),
            tried,
        }
    }

    /// A line for each, for the terminal.
    pub fn text(&self) -> String {
        let mut text = format!("state {}\n", self.state);
        for Tried { what, wrong } in &self.tried {
            text.push_str(&match wrong {
                None => format!("  ok      {what}\n"),
                Some(wrong) => format!("  failed  {what}: {wrong}\n"),
            });
        }
        text.push_str(match self.is_fit {
            true => "state can be kept here\n",
            false => "no state is kept here as long as that is so\n",
        });
        text
    }
}
