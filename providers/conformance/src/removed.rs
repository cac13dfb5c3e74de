//! Checks of what an operation leaves to others: a stranger's call on its target, and its removal.

use salvor_contract::Class;
use salvor_contract::Effect;
use salvor_contract::Error;
use salvor_contract::Probe;
use salvor_contract::Removal;

use crate::action::Check;
use crate::case::stranger;

impl<Count, Reset> Check<'_, Count, Reset>
where
    Count: AsyncFn() -> u64,
    Reset: AsyncFn(),
{
    /// What another run asks for on the same target is refused and left alone; what is ours goes, once.
    pub(crate) async fn removes(&mut self) {
        (self.case.reset)().await;
        let operation = self.case.operation.clone();
        let other = stranger(&operation);
        let call = self.surroundings.call();
        let (provider, resumer) = (self.provider, self.resumer);
        if let Some(Err(error)) = self
            .within("perform", provider.perform(&operation, &call))
            .await
        {
            self.report.add(format!("perform failed: {error}"));
            return;
        }
        let makes = self.kind.effect == Effect::Create;
        if makes && self.class == Class::Named && !self.case.shared_target {
            match self
                .within("perform by another run", resumer.perform(&other, &call))
                .await
            {
                Some(Ok(_)) => self
                    .report
                    .add("another run's operation adopted what it did not make"),
                Some(Err(Error::Refused { .. })) | None => {}
                Some(Err(error @ (Error::Transient { .. } | Error::Unknown { .. }))) => {
                    self.report.add(format!(
                        "a target that another run made is {error:?}, not refused"
                    ))
                }
            }
            match self
                .within("probe by another run", resumer.probe(&other, &call))
                .await
            {
                Some(Ok(Probe::Conflict { .. })) | None => {}
                Some(found) => self.report.add(format!(
                    "probe for a target that another run made gives {found:?}, not `Conflict`"
                )),
            }
        }
        match self
            .within("remove by another run", resumer.remove(&other, &call))
            .await
        {
            Some(Ok(Removal::Removed(what))) => {
                self.report
                    .add(format!("another run removed what it did not make: {what}"));
            }
            Some(Ok(Removal::NotOurs(_) | Removal::NothingThere)) | None => {}
            Some(Err(error)) => self
                .report
                .add(format!("remove by another run failed: {error}")),
        }
        self.demand_effects(self.effects, "after another run's calls")
            .await;
        let removal = self
            .within("remove", resumer.remove(&operation, &call))
            .await;
        match removal {
            Some(Ok(Removal::Removed(_))) | None => {}
            Some(Ok(left)) => self.report.demand(!makes, || {
                format!("what was created is not removed: {left:?}")
            }),
            Some(Err(error)) => self.report.add(format!("remove failed: {error}")),
        }
        if makes {
            self.demand_effects(0, "after remove").await;
            match self
                .within("remove again", resumer.remove(&operation, &call))
                .await
            {
                Some(Ok(Removal::NothingThere)) | None => {}
                Some(found) => self.report.add(format!(
                    "remove after remove gives {found:?}, not `NothingThere`"
                )),
            }
        }
    }
}
