//! Checks of one operation: previewed, done, done again, removed; `interrupted` has the rest.

use salvor_contract::ActionKind;
use salvor_contract::Class;
use salvor_contract::Destroys;
use salvor_contract::Idempotency;
use salvor_contract::Judgement;
use salvor_contract::Operation;
use salvor_contract::Outcome;
use salvor_contract::Probe;
use salvor_contract::Provider;

use crate::case::Case;
use crate::case::stranger;
use crate::report::Report;
use crate::surroundings::Surroundings;
use crate::typing::fits;

/// Checks one operation in all the ways in which the engine may call for it.
///
/// It resets the world before each of its parts and leaves it as the last part left it.
///
/// # Errors
/// A [`Report`] of all that does not conform.
pub async fn check_action<Count, Reset>(
    provider: &dyn Provider,
    surroundings: &Surroundings,
    case: Case<'_, Count, Reset>,
) -> Result<(), Report>
where
    Count: AsyncFn() -> u64,
    Reset: AsyncFn(),
{
    let mut report = Report::on(format!("the action `{}`", case.operation.action));
    let tells = provider.description();
    let Some(kind) = tells
        .actions
        .iter()
        .find(|kind| kind.name == case.operation.action.as_str())
    else {
        report.add("it is not in the description");
        return report.into_result();
    };
    let class = case.class.unwrap_or_else(|| class_of(kind, &case));
    let mut check = Check {
        provider,
        resumer: case.second.unwrap_or(provider),
        surroundings,
        kind,
        class,
        effects: case.effects.unwrap_or(u64::from(class != Class::Read)),
        case,
        report,
    };
    check.previews().await;
    check.probes_before().await;
    if let Some((outcome, polls)) = check.performs().await {
        check.cuts(&outcome, polls).await;
        check.stops(&outcome, polls).await;
        check.cannot_record(&outcome).await;
        check.is_tried_again(&outcome, polls).await;
    }
    check.is_late().await;
    check.removes().await;
    check.tells_no_secret();
    check.report.into_result()
}

fn class_of<Count, Reset>(kind: &ActionKind, case: &Case<'_, Count, Reset>) -> Class {
    match kind.idempotency {
        Idempotency::Fixed(class) => class,
        Idempotency::Declared(input) => case
            .operation
            .with
            .get(input)
            .and_then(|word| serde_json::from_value(word.clone()).ok())
            .unwrap_or(Class::Unkeyed),
    }
}

/// One operation under check.
pub(crate) struct Check<'a, Count, Reset> {
    pub(crate) provider: &'a dyn Provider,
    /// Makes the calls after an interruption.
    pub(crate) resumer: &'a dyn Provider,
    pub(crate) surroundings: &'a Surroundings,
    pub(crate) kind: &'a ActionKind,
    pub(crate) class: Class,
    /// What `count` gives after one whole operation.
    pub(crate) effects: u64,
    pub(crate) case: Case<'a, Count, Reset>,
    pub(crate) report: Report,
}

impl<Count, Reset> Check<'_, Count, Reset>
where
    Count: AsyncFn() -> u64,
    Reset: AsyncFn(),
{
    /// A call that hangs is a problem like any other.
    pub(crate) async fn within<T>(
        &mut self,
        what: &str,
        call: impl Future<Output = T>,
    ) -> Option<T> {
        let result = tokio::time::timeout(self.case.patience, call).await.ok();
        let patience = self.case.patience;
        self.report.demand(result.is_some(), || {
            format!("{what} did not return within {patience:?}")
        });
        result
    }

    /// No value of a secret of the surroundings may stand in what is shown or written down.
    fn demand_no_secret(&mut self, what: &str, text: &str) {
        if let Some(reference) = self.surroundings.secrets.found_in(text) {
            self.report
                .add(format!("{what} shows the secret {reference}"));
        }
    }

    /// The same for all that was told so far, the problems found among it: they quote errors.
    fn tells_no_secret(&mut self) {
        let progress = &self.surroundings.progress;
        let told = format!("{:?} {:?}", progress.updates(), progress.names());
        self.demand_no_secret("progress", &told);
        let problems = self.report.problems().join("\n");
        self.demand_no_secret("an error or a finding", &problems);
    }

    /// Demands that the effect has happened this often by now.
    pub(crate) async fn demand_effects(&mut self, expected: u64, when: &str) {
        let count = (self.case.count)().await;
        self.report.demand(count == expected, || {
            format!("{when}: {expected} effects expected, {count} counted")
        });
    }

    pub(crate) fn demand_equal(&mut self, expected: &Outcome, found: &Outcome, when: &str) {
        let mut names: Vec<&str> = expected.outputs.iter().map(|(name, _)| name).collect();
        names.extend(found.outputs.iter().map(|(name, _)| name));
        names.sort_unstable();
        names.dedup();
        for name in names {
            let (one, other) = (expected.outputs.get(name), found.outputs.get(name));
            let may_vary = self.case.varying.iter().any(|varying| varying == name);
            self.report.demand(one == other || may_vary, || {
                format!("{when}: output `{name}` was {one:?} and is {other:?}")
            });
        }
    }

    async fn previews(&mut self) {
        (self.case.reset)().await;
        let before = (self.case.count)().await;
        let provider = self.provider;
        let surroundings = self.surroundings;
        let other = stranger(&self.case.operation);
        let mut previews = Vec::new();
        for operation in [
            &self.case.operation.clone(),
            &self.case.operation.clone(),
            &other,
        ] {
            let call = surroundings.call();
            match self
                .within("preview", provider.preview(operation, &call))
                .await
            {
                Some(Ok(preview)) => previews.push(preview),
                Some(Err(error)) => self.report.add(format!("preview failed: {error}")),
                None => {}
            }
        }
        self.demand_effects(before, "after previews, which only read")
            .await;
        let Some(first) = previews.first() else {
            return;
        };
        self.demand_no_secret("preview", &format!("{first:?}"));
        for preview in &previews {
            self.report.demand(preview.facts == first.facts, || {
                format!(
                    "two previews of an unchanged world have other facts: {:?} and {:?}",
                    first.facts, preview.facts
                )
            });
            self.report.demand(preview.effect == first.effect, || {
                "two previews of an unchanged world have other effects".to_owned()
            });
        }
        let may_destroy = self.kind.destroys != Destroys::Never;
        self.report
            .demand(may_destroy || first.destroys.is_empty(), || {
                "preview says that it destroys, the description says that it never does".to_owned()
            });
        for destroyed in &first.destroys {
            let tail = destroyed.fingerprint.rsplit_once('/').map(|(_, tail)| tail);
            let is_good =
                tail.is_some_and(|t| t.len() >= 4 && t.chars().all(|c| c.is_ascii_hexdigit()));
            self.report.demand(is_good, || {
                format!("fingerprint `{}` is not NAME/HEX", destroyed.fingerprint)
            });
        }
        self.report.demand(!first.summary.trim().is_empty(), || {
            "preview has no summary".to_owned()
        });
        for (name, _) in first.known.iter() {
            self.report
                .demand(self.kind.outputs.iter().any(|o| o.name == name), || {
                    format!("preview knows the output `{name}`, which is not declared")
                });
        }
    }

    async fn probes_before(&mut self) {
        (self.case.reset)().await;
        let before = (self.case.count)().await;
        let call = self.surroundings.call();
        let operation = self.case.operation.clone();
        match self
            .within("probe", self.provider.probe(&operation, &call))
            .await
        {
            Some(Ok(found)) => {
                let is_keyed = matches!(self.class, Class::Token | Class::Named | Class::Fenced);
                let is_good = match found {
                    Probe::Absent => true,
                    Probe::CannotTell { .. } | Probe::Done(_) => !is_keyed,
                    Probe::InFlight { .. } | Probe::Conflict { .. } => false,
                };
                self.report.demand(is_good, || {
                    format!("probe before anything was done finds {found:?}")
                });
            }
            Some(Err(error)) => self.report.add(format!("probe failed: {error}")),
            None => {}
        }
        self.demand_effects(before, "after a probe, which only reads")
            .await;
    }

    /// Performs, probes, performs again, observes. Gives the outcome and the number of polls it took.
    async fn performs(&mut self) -> Option<(Outcome, usize)> {
        (self.case.reset)().await;
        let operation = self.case.operation.clone();
        let (provider, resumer) = (self.provider, self.resumer);
        let surroundings = self.surroundings;
        let call = surroundings.call();
        let performed = crate::interruption::counted(provider.perform(&operation, &call));
        let (outcome, polls) = match self.within("perform", performed).await? {
            (Ok(outcome), polls) => (outcome, polls),
            (Err(error), _) => {
                self.report.add(format!("perform failed: {error}"));
                return None;
            }
        };
        self.demand_effects(self.effects, "after perform").await;
        self.demand_declared(&outcome);
        self.demand_no_secret("the outcome", &format!("{outcome:?}"));
        self.demand_found(&outcome, "after perform").await;
        if self.class != Class::Unkeyed {
            match self
                .within("perform again", resumer.perform(&operation, &call))
                .await
            {
                Some(Ok(again)) => self.demand_equal(&outcome, &again, "performed again"),
                Some(Err(error)) => self.report.add(format!("perform again failed: {error}")),
                None => {}
            }
            self.demand_effects(self.effects, "after performing twice with one id")
                .await;
        }
        match self
            .within("observe", resumer.observe(&operation, &outcome, &call))
            .await
        {
            Some(Ok(findings)) => {
                for finding in findings.iter().filter(|f| f.judgement == Judgement::Failed) {
                    self.report
                        .add(format!("observe after perform: {finding:?}"));
                }
            }
            Some(Err(error)) => self.report.add(format!("observe failed: {error}")),
            None => {}
        }
        self.demand_effects(self.effects, "after observe, which only reads")
            .await;
        Some((outcome, polls))
    }

    fn demand_declared(&mut self, outcome: &Outcome) {
        for output in &self.kind.outputs {
            let name = output.name;
            match outcome.outputs.get(name) {
                None => {
                    self.report
                        .add(format!("the declared output `{name}` is missing"));
                }
                Some(value) => self.report.demand(fits(value, &output.gives), || {
                    format!("output `{name}` is {value}, declared as {:?}", output.gives)
                }),
            }
        }
        for (name, _) in outcome.outputs.iter() {
            self.report
                .demand(self.kind.outputs.iter().any(|o| o.name == name), || {
                    format!("output `{name}` is not declared")
                });
        }
        for finding in outcome
            .findings
            .iter()
            .filter(|f| f.judgement == Judgement::Failed)
        {
            self.report.add(format!("perform found: {finding:?}"));
        }
    }

    /// Demands that a probe finds the operation done.
    pub(crate) async fn demand_found(&mut self, outcome: &Outcome, when: &str) {
        let operation = self.case.operation.clone();
        self.demand_found_of(&operation, outcome, when).await;
    }

    /// The same of another attempt.
    pub(crate) async fn demand_found_of(
        &mut self,
        operation: &Operation,
        outcome: &Outcome,
        when: &str,
    ) {
        let call = self.surroundings.call();
        match self
            .within("probe", self.resumer.probe(operation, &call))
            .await
        {
            Some(Ok(Probe::Done(found))) => self.demand_equal(outcome, &found, "probed"),
            Some(Ok(found)) => {
                // What the engine may do about a finding that is not `Done`: read again, set again, ask a person.
                let is_good = match found {
                    Probe::Absent => matches!(self.class, Class::Read | Class::Convergent),
                    Probe::CannotTell { .. } => {
                        matches!(self.class, Class::Read | Class::Convergent | Class::Unkeyed)
                    }
                    Probe::Done(_) | Probe::InFlight { .. } | Probe::Conflict { .. } => false,
                };
                let class = self.class;
                self.report.demand(is_good, || {
                    format!("{when}, probe of class {class:?} finds {found:?}, not `Done`")
                });
            }
            Some(Err(error)) => self.report.add(format!("{when}, probe failed: {error}")),
            None => {}
        }
    }
}
