//! Holds what a schedule leaves against the promises.

use std::collections::BTreeMap;

use salvor::journal::chain;
use salvor_contract::OperationId;
use salvor_simulated::world::WorkState;

use crate::ledger::Status;
use crate::ledger::place_of;
use crate::ledger::works_of;
use crate::plan::expected;
use crate::schedule::name;
use crate::shared::Shared;
use crate::violation::Rule;
use crate::violation::Violation;
use crate::wake::now_or_never;

/// What must hold when everything is over.
pub fn check_end(shared: &Shared) -> Result<(), Violation> {
    shared.sync();
    let broken = |rule, what: String| Err(Violation::new(rule, what));
    let view = shared.shelf.open();
    let read = now_or_never(chain::read(&view, &shared.run)).expect("memory answers at once");
    let chain = read.map_err(|error| {
        Violation::new(
            Rule::Chain,
            format!("it cannot be read at the end: {error}"),
        )
    })?;
    if !chain.state.phase.is_over() {
        return broken(
            Rule::End,
            format!("the run ends as {:?}", chain.state.phase),
        );
    }
    let lines = shared.shelf.text();
    let lines: Vec<&str> = lines.lines().collect();
    let mut world = shared.world();
    world.advance(shared.time.moment());
    let seen = shared.seen();
    for ((seq, hash), process) in &seen.acknowledged {
        let found = lines
            .get(*seq as usize)
            .is_some_and(|line| line.contains(hash.as_str()));
        if !found {
            let what = format!("record {seq} was acknowledged to process {process} and is gone");
            return broken(Rule::Chain, what);
        }
    }
    let mut done: BTreeMap<&str, usize> = BTreeMap::new();
    for (operation, facts) in &seen.ledger.operations {
        let place = place_of(&facts.step);
        let may_be_late = shared.schedule.steps[place].may_be_late();
        let effects = world.effects_of(&OperationId::new(operation.as_str()));
        let failed = facts.end.as_deref() == Some("failed") && facts.changed_nothing;
        if failed && effects > 0 && !may_be_late {
            let what = format!(
                "{} ({operation}) failed without a change, and it had its effect",
                facts.step
            );
            return broken(Rule::Truth, what);
        }
        let works = works_of(&world, operation);
        let is_done = |state: &&&WorkState| matches!(state, WorkState::Done | WorkState::Running);
        let count = works.iter().filter(is_done).count();
        *done.entry(facts.step.as_str()).or_default() += if may_be_late { 0 } else { count };
    }
    for (step, count) in done {
        let allowed = 1 + seen.ledger.step(step).reopened;
        if count > allowed {
            return broken(Rule::Once, format!("{step} was done {count} times"));
        }
    }
    if seen.ledger.last == "aborted" {
        return Ok(());
    }
    for place in 0..shared.schedule.steps.len() {
        let status = seen.ledger.step(&name(place)).status;
        if status != Status::Succeeded {
            return broken(
                Rule::End,
                format!("the run is finished, and s{place} is {status:?}"),
            );
        }
    }
    let values: BTreeMap<String, serde_json::Value> = world
        .values
        .iter()
        .map(|(name, held)| (name.clone(), held.value.clone()))
        .collect();
    let expected = expected(&shared.schedule);
    if values != expected {
        return broken(
            Rule::End,
            format!("the world is {values:?}, not {expected:?}"),
        );
    }
    Ok(())
}
