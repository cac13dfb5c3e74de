//! What a plan promises against what its own numbers allow: objectives, retention, invariants, interrupted
//! operations, traps of kinds, refused inputs, and where copies, keys and state are.

mod copies;
mod generations;
mod interrupted;
mod invariants;
mod keys;
mod left_undone;
mod lost_site;
mod numbers;
mod objectives;
mod places;
mod refusals;
mod retention;
mod returned;
mod sets;
mod traps;

use crate::model::check::Judged;
use crate::model::check_case::CaseCheck;
use crate::model::instantiate::Builder;
use crate::model::plan::ScenarioDeclaration;
use crate::model::policy::numbers::Policy;
use crate::plan_file::Problems;

/// Adds the problems of policies in one case.
pub fn check<'r, 'a>(
    judged: &'r Judged<'r, 'a>,
    builder: &'r Builder<'r, 'a>,
    problems: &mut Problems,
) {
    let policy = Policy::new(judged, builder, false);
    policy.schedules(problems);
    policy.windows(problems);
    policy.generations(problems);
    policy.invariants(problems);
    policy.chains(problems);
    policy.traps(problems);
    policy.refusals(problems);
    policy.places(problems);
    let check = CaseCheck { judged, builder };
    policy.posture_holds(&check, problems);
    for scenario in check.scenarios() {
        let within = check.run_of(&scenario);
        policy.objectives(&scenario, &within, problems);
        policy.durations(&scenario, &within, problems);
        policy.uneven(&within, problems);
        policy.sets_in_part(&scenario, &within, problems);
        policy.unkeyed(&scenario, &within, problems);
        policy.openers_first(&within, problems);
        policy.lost_sites(&scenario, &within, problems);
        let lost = policy.lost(&scenario).unwrap_or_default();
        policy.left_undone(&scenario, &within, &lost, problems);
    }
}

/// Adds the errors of policies with the inputs that were given: what `check` computed of defaults need not
/// hold of them. `scenario` is the one that is run.
pub fn check_given<'r, 'a>(
    judged: &'r Judged<'r, 'a>,
    builder: &'r Builder<'r, 'a>,
    scenario: &ScenarioDeclaration,
    problems: &mut Problems,
) {
    let policy = Policy::new(judged, builder, true);
    policy.schedules(problems);
    policy.invariants(problems);
    policy.refusals(problems);
    let check = CaseCheck { judged, builder };
    policy.posture_holds(&check, problems);
    policy.lost_sites(scenario, &check.run_of(scenario), problems);
}

impl Policy<'_, '_> {
    /// What holds of the stores whatever is run.
    fn posture_holds(&self, check: &CaseCheck<'_, '_, '_>, problems: &mut Problems) {
        self.copies(problems);
        self.proofs(check, problems);
        self.keys_apart(problems);
        self.circles(problems);
    }
}
