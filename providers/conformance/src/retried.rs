//! Checks of a step that is tried again: an attempt failed half-way, and the next one goes on under its own id.

use salvor_contract::Class;
use salvor_contract::Effect;
use salvor_contract::Operation;
use salvor_contract::Outcome;
use salvor_contract::Probe;
use salvor_contract::Removal;

use crate::action::Check;
use crate::case::next_attempt;
use crate::interruption::cut;
use crate::interruption::spread;

/// How many awaits are tried at most: each costs a whole operation on a real server.
const AWAITS_MAX: usize = 5;

impl<Count, Reset> Check<'_, Count, Reset>
where
    Count: AsyncFn() -> u64,
    Reset: AsyncFn(),
{
    /// Leaves the operation at some of its awaits, the end among them, and has the next attempt go on from there.
    ///
    /// What carries a mark or is a state is there once afterwards, and goes with the second attempt's removal. A
    /// token is another one for each attempt: the service does what it is asked for again.
    pub(crate) async fn is_tried_again(&mut self, whole: &Outcome, polls: usize) {
        if self.class == Class::Unkeyed {
            // Only a person can say that it may be tried again.
            return;
        }
        for at in spread(polls + 1, AWAITS_MAX) {
            (self.case.reset)().await;
            let first = self.case.operation.clone();
            let next = next_attempt(&first);
            let when = format!("tried again after await {at} of {polls}");
            let call = self.surroundings.call();
            let provider = self.provider;
            self.within(&when, cut(provider.perform(&first, &call), at))
                .await;
            let settle = self.case.settle;
            let settle = settle.unwrap_or_else(|| self.kind.settle.duration());
            call.clock.sleep(settle).await;
            if !self.goes_on(&next, whole, &when).await {
                return;
            }
        }
        if self.kind.effect == Effect::Create && self.class == Class::Named {
            let next = next_attempt(&self.case.operation);
            self.goes_with(&next).await;
        }
    }

    /// Has the next attempt end the work. False when it is of no use to look further.
    async fn goes_on(&mut self, next: &Operation, whole: &Outcome, when: &str) -> bool {
        let call = self.surroundings.call();
        let resumer = self.resumer;
        let found = self.within(when, resumer.probe(next, &call)).await;
        if let Some(Ok(Probe::Conflict { found })) = found {
            self.report.add(format!(
                "{when}, probe takes what the earlier attempt made for another's: {found}"
            ));
        }
        let call = self.surroundings.call();
        let outcome = match self.within(when, resumer.perform(next, &call)).await {
            Some(Ok(outcome)) => outcome,
            Some(Err(error)) => {
                self.report.add(format!("{when}, perform failed: {error}"));
                return false;
            }
            None => return false,
        };
        if matches!(self.class, Class::Named | Class::Convergent) {
            self.demand_equal(whole, &outcome, when);
            self.demand_effects(self.effects, when).await;
        }
        self.demand_found_of(next, &outcome, when).await;
        true
    }

    async fn goes_with(&mut self, next: &Operation) {
        let call = self.surroundings.call();
        let resumer = self.resumer;
        let when = "removed by the attempt that ended it";
        match self.within(when, resumer.remove(next, &call)).await {
            Some(Ok(Removal::Removed(_))) | None => {}
            Some(found) => self.report.add(format!("{when}: {found:?}")),
        }
        self.demand_effects(0, when).await;
    }
}
