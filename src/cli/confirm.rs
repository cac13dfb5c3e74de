//! Asks for the fingerprints of what is destroyed, before anything begins.

use std::collections::BTreeSet;
use std::io::IsTerminal as _;

use salvor_contract::Effect;

use crate::change_set::Change;
use crate::change_set::ChangeSet;
use crate::cli::output;

/// Why what is destroyed was not confirmed.
#[derive(Debug, thiserror::Error)]
pub enum ConfirmError {
    /// Nobody can be asked, and a fingerprint was not given.
    #[error("what is destroyed was not confirmed: {missing}")]
    Missing {
        /// The fingerprints, with what each stands for.
        missing: String,
    },
    /// Something else was typed.
    #[error("`{typed}` is not the fingerprint {expected}: nothing was done")]
    Wrong {
        /// What was typed.
        typed: String,
        /// What was expected.
        expected: String,
    },
}

/// What was confirmed.
pub struct Confirmed {
    /// The fingerprints.
    pub fingerprints: Vec<String>,
    /// Somebody was waited for: the world may be another one since.
    pub was_asked: bool,
}

/// The fingerprints of everything that the change set destroys, each given by a flag or typed now.
pub fn confirm(
    change_set: &ChangeSet,
    given: &[String],
    may_ask: bool,
) -> Result<Confirmed, ConfirmError> {
    let mut confirmed = BTreeSet::new();
    let mut was_asked = false;
    let mut missing = Vec::new();
    let destroyed = change_set.steps.iter().flat_map(|step| {
        let verb = verb_of(&step.change);
        step.confirm.iter().map(move |destroyed| (verb, destroyed))
    });
    for (verb, destroyed) in destroyed {
        let fingerprint = &destroyed.fingerprint;
        if confirmed.contains(fingerprint) {
            continue;
        }
        if given.contains(fingerprint) {
            confirmed.insert(fingerprint.clone());
        } else if may_ask && std::io::stdin().is_terminal() {
            was_asked = true;
            output::progress(&format!("This {verb} {}.", destroyed.what));
            output::prompt(&format!("Type its fingerprint to go on ({fingerprint}): "));
            let mut typed = String::new();
            // End of input is an empty line, which is not the fingerprint.
            let _ = std::io::stdin().read_line(&mut typed);
            let typed = typed.trim().to_owned();
            if typed != *fingerprint {
                return Err(ConfirmError::Wrong {
                    typed,
                    expected: fingerprint.clone(),
                });
            }
            confirmed.insert(typed);
        } else {
            missing.push(format!("{} ({fingerprint})", destroyed.what));
        }
    }
    if missing.is_empty() {
        Ok(Confirmed {
            fingerprints: confirmed.into_iter().collect(),
            was_asked,
        })
    } else {
        Err(ConfirmError::Missing {
            missing: missing.join("; "),
        })
    }
}

/// What the change does to what is lost.
fn verb_of(change: &Change) -> &'static str {
    let effect = match change {
        Change::Seen(preview) => preview.effect,
        Change::Unseen { effect, .. } => *effect,
    };
    match effect {
        Effect::Replace => "replaces",
        Effect::Delete => "deletes",
        Effect::Create
        | Effect::Change
        | Effect::Nothing
        | Effect::Read
        | Effect::Ask
        | Effect::Run => "destroys",
    }
}
