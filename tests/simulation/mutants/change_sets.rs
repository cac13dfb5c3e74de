//! Change sets that are performed otherwise than they were reviewed.

use salvor::change_set::ChangeSet;
use salvor_contract::Class;
use salvor_contract::Period;

use crate::mutants::Mutant;

/// What is performed under this mutant.
pub fn performed(mutant: Mutant, reviewed: &ChangeSet) -> ChangeSet {
    let mut set = reviewed.clone();
    for step in &mut set.steps {
        match mutant {
            // What it refers to is still waited for: without it the step could not be prepared.
            Mutant::NeedsDropped => {
                let references = step.references();
                step.needs.retain(|need| references.contains(need));
            }
            Mutant::FinallyDropped => step.finally = false,
            Mutant::NoSettleWindow => step.settle = Period::ZERO,
            Mutant::TriesNotCounted => step.retry.attempts = u32::MAX,
            Mutant::UnkeyedTakenForNamed if step.class == Class::Unkeyed => {
                step.class = Class::Named
            }
            _ => {}
        }
    }
    set
}
