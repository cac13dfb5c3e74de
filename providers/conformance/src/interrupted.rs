//! Checks of an operation that is cut off, stopped or late, and then found again.

use salvor_contract::Class;
use salvor_contract::Error;
use salvor_contract::Outcome;
use salvor_contract::Probe;

use crate::action::Check;
use crate::interruption::Cut;
use crate::interruption::cut;
use crate::interruption::cut_at_once;
use crate::interruption::spread;

impl<Count, Reset> Check<'_, Count, Reset>
where
    Count: AsyncFn() -> u64,
    Reset: AsyncFn(),
{
    /// Cuts the operation off at its awaits, one after the other, and resumes it each time.
    pub(crate) async fn cuts(&mut self, whole: &Outcome, polls: usize) {
        // Twice at each await: while the request is on its way, and when its answer is there and unread.
        for moment in spread(2 * polls, self.case.cuts) {
            let (at, is_answered) = (moment / 2, moment % 2 == 1);
            (self.case.reset)().await;
            let operation = self.case.operation.clone();
            let call = self.surroundings.call();
            let how = if is_answered {
                "with its answer unread"
            } else {
                "at once"
            };
            let when = format!("cut off at await {at} of {polls} {how}");
            let provider = self.provider;
            let perform = provider.perform(&operation, &call);
            let dropped = if is_answered {
                self.within(&when, cut(perform, at)).await
            } else {
                self.within(&when, cut_at_once(perform, at)).await
            };
            match dropped {
                Some(Cut::Dropped) => self.resumes(whole, &when).await,
                // With real servers the number of polls differs from call to call.
                Some(Cut::Done(Ok(outcome))) => self.demand_equal(whole, &outcome, &when),
                Some(Cut::Done(Err(error))) => self.report.add(format!("{when}: {error}")),
                None => {}
            }
        }
    }

    /// Sets the stop signal at some of its awaits: before the first, and spread over the rest.
    pub(crate) async fn stops(&mut self, whole: &Outcome, polls: usize) {
        for at in spread(polls, 4) {
            (self.case.reset)().await;
            let operation = self.case.operation.clone();
            let call = self.surroundings.call();
            let when = format!("stopped at await {at} of {polls}");
            let provider = self.provider;
            let prompt = self.case.prompt;
            let stopped = async {
                let mut perform = std::pin::pin!(provider.perform(&operation, &call));
                if let Cut::Done(result) = cut(perform.as_mut(), at).await {
                    return Some(result);
                }
                call.stop.cancel();
                tokio::time::timeout(prompt, perform).await.ok()
            };
            let Some(result) = self.within(&when, stopped).await else {
                continue;
            };
            match result {
                Some(Ok(outcome)) => {
                    self.demand_equal(whole, &outcome, &when);
                    self.report.demand(at > 0 || self.class == Class::Read, || {
                        "stopped before it began, it began".to_owned()
                    });
                }
                Some(Err(error)) => {
                    self.demand_honest(&error, &when).await;
                    self.resumes(whole, &when).await;
                }
                None => self
                    .report
                    .add(format!("{when}, it did not return within {prompt:?}")),
            }
        }
    }

    /// Refuses to record the service's name of the operation, as a journal on a full disk does: the provider
    /// has to give up, and the operation is found again all the same.
    pub(crate) async fn cannot_record(&mut self, whole: &Outcome) {
        (self.case.reset)().await;
        let operation = self.case.operation.clone();
        let call = self.surroundings.call();
        let (provider, progress) = (self.provider, &self.surroundings.progress);
        let before = progress.names().len();
        progress.refuse_names(true);
        let when = "when its name could not be recorded";
        let result = self.within(when, provider.perform(&operation, &call)).await;
        progress.refuse_names(false);
        // A provider that has no name to tell is not touched by this.
        if progress.names().len() == before {
            return;
        }
        match result {
            Some(Ok(_)) => self.report.add(format!("{when}, it went on and succeeded")),
            Some(Err(error)) => {
                self.demand_honest(&error, when).await;
                self.resumes(whole, when).await;
            }
            None => {}
        }
    }

    /// Performs with a deadline that has passed.
    pub(crate) async fn is_late(&mut self) {
        (self.case.reset)().await;
        let operation = self.case.operation.clone();
        let mut call = self.surroundings.call();
        call.deadline = call.clock.elapsed();
        let provider = self.provider;
        let result = tokio::time::timeout(self.case.prompt, provider.perform(&operation, &call));
        match result.await {
            Ok(Ok(_)) => self.report.demand(self.case.late_success, || {
                "performed after its deadline, it succeeds".to_owned()
            }),
            Ok(Err(error)) => self.demand_honest(&error, "after its deadline").await,
            Err(_) => self
                .report
                .add("performed after its deadline, it does not return"),
        }
    }

    /// An error that says "nothing was changed" has to be true.
    async fn demand_honest(&mut self, error: &Error, when: &str) {
        match error {
            Error::Refused { .. } | Error::Transient { .. } => {
                self.demand_effects(
                    0,
                    &format!("{when}, with `{error}`, which says that nothing was changed"),
                )
                .await;
            }
            Error::Unknown { .. } => {}
        }
    }

    /// What the engine does on resume: it waits for the settle window, probes, and sends again what may be.
    async fn resumes(&mut self, whole: &Outcome, when: &str) {
        let operation = self.case.operation.clone();
        let resumer = self.resumer;
        let settle = self
            .case
            .settle
            .unwrap_or_else(|| self.kind.settle.duration());
        let call = self.surroundings.call();
        call.clock.sleep(settle).await;
        let before = (self.case.count)().await;
        let Some(found) = self
            .within(&format!("{when}, probe"), resumer.probe(&operation, &call))
            .await
        else {
            return;
        };
        let found = match found {
            Ok(found) => found,
            Err(error) => {
                self.report.add(format!("{when}, probe failed: {error}"));
                return;
            }
        };
        let is_final = match &found {
            Probe::Absent => {
                self.report
                    .demand(before == 0 || self.class == Class::Convergent, || {
                        format!("{when}, probe finds it absent with {before} effects counted")
                    });
                false
            }
            Probe::Done(outcome) => {
                self.demand_equal(whole, outcome, &format!("{when}, probed"));
                true
            }
            Probe::InFlight { .. } => false,
            Probe::CannotTell { .. } => {
                // A person decides: the engine sends it no second time.
                let is_keyed = matches!(self.class, Class::Token | Class::Named | Class::Fenced);
                self.report.demand(!is_keyed, || {
                    format!("{when}, probe of class {:?} finds {found:?}", self.class)
                });
                self.class == Class::Unkeyed
            }
            Probe::Conflict { .. } => {
                self.report
                    .add(format!("{when}, probe takes its own work for {found:?}"));
                return;
            }
        };
        if is_final {
            let count = (self.case.count)().await;
            let is_good = match found {
                Probe::Done(_) => count == self.effects,
                Probe::Absent
                | Probe::InFlight { .. }
                | Probe::Conflict { .. }
                | Probe::CannotTell { .. } => count <= self.effects,
            };
            let effects = self.effects;
            self.report.demand(is_good, || {
                format!("{when}, after the probe: {effects} effects expected, {count} counted")
            });
            if self.class == Class::Unkeyed {
                return;
            }
        }
        match self
            .within(
                &format!("{when}, perform again"),
                resumer.perform(&operation, &call),
            )
            .await
        {
            Some(Ok(outcome)) => {
                self.demand_equal(whole, &outcome, &format!("{when}, performed again"));
                self.demand_effects(self.effects, &format!("{when}, performed again"))
                    .await;
                self.demand_found(whole, &format!("{when}, performed again"))
                    .await;
            }
            Some(Err(error)) => self
                .report
                .add(format!("{when}, perform again failed: {error}")),
            None => {}
        }
    }
}
