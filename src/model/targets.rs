//! What steps read and write: two that write the same thing, and one that reads what another writes, need an order.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use salvor_contract::ActionKind;
use salvor_contract::Identity;
use salvor_contract::IdentityTemplate;
use salvor_contract::StepName;
use salvor_contract::Values;

use crate::model::check_case::CaseCheck;
use crate::model::order::are_ordered;
use crate::plan_file::Code;
use crate::plan_file::Position;
use crate::plan_file::Problem;
use crate::plan_file::Problems;
use crate::template::references;

impl CaseCheck<'_, '_, '_> {
    /// What a step writes, as far as its inputs are known.
    fn writes(&self, name: &StepName) -> Vec<Identity> {
        self.identities(name, |action| &action.writes)
    }

    /// What a step reads, as far as its inputs are known.
    fn reads(&self, name: &StepName) -> Vec<Identity> {
        self.identities(name, |action| &action.reads)
    }

    fn identities(
        &self,
        name: &StepName,
        templates: impl Fn(&ActionKind) -> &Vec<IdentityTemplate>,
    ) -> Vec<Identity> {
        let judged = self.judged;
        let Some(step) = judged.steps.get(name) else {
            return Vec::new();
        };
        let Some(action) = judged.resolution.plan.registry.action(&step.action) else {
            return Vec::new();
        };
        let nothing = Values::new();
        let config = judged
            .providers
            .get(step.action.provider())
            .unwrap_or(&nothing);
        let store = step
            .store
            .as_ref()
            .and_then(|(_, store)| judged.stores.get(store.as_str()))
            .map(|store| &store.with);
        let is_known = |field: &str| {
            step.with
                .get(field)
                .is_none_or(|value| references(value).is_empty())
        };
        let is_store_known = store.is_none_or(|store| {
            let mut values = store.iter();
            values.all(|(_, value)| references(value).is_empty())
        });
        templates(action)
            .iter()
            .filter(|template| {
                let inputs = template.inputs();
                inputs.iter().all(|input| is_known(input))
                    && inputs.iter().any(|input| step.with.get(input).is_some())
                    && is_store_known
            })
            .map(|template| template.fill(&step.with, store, config))
            .collect()
    }

    fn place_of(&self, name: &StepName) -> Option<Position> {
        let step = self.judged.resolution.steps.get(name.as_str())?;
        Some(step.name.at)
    }

    /// Two steps of one run that write the same thing must be ordered; else the last one wins by chance.
    pub fn duplicate_targets(&self, within: &BTreeSet<StepName>, problems: &mut Problems) {
        let mut writers: BTreeMap<Identity, Vec<&StepName>> = BTreeMap::new();
        for name in within {
            if let Some(target) = self.writes(name).into_iter().next() {
                writers.entry(target).or_default().push(name);
            }
        }
        for (target, names) in &writers {
            for (index, a) in names.iter().enumerate() {
                for b in &names[index + 1..] {
                    if are_ordered(&self.judged.steps, within, a, b) {
                        continue;
                    }
                    let (Some(first), Some(second)) = (self.place_of(a), self.place_of(b)) else {
                        continue;
                    };
                    problems.push(
                        Problem::error(
                            Code::DuplicateTarget,
                            format!("steps `{a}` and `{b}` write the same {}", target.kind),
                        )
                        .at(second.max(first), format!("writes {target}"))
                        .and_at(second.min(first), "so does this one")
                        .help("give one another target, or say which comes first with `needs`"),
                    );
                }
            }
        }
    }

    /// A step that reads what another of the run writes must come before it or after it; else what it finds is
    /// chance. Two that write the same thing are told of otherwise.
    pub(super) fn read_while_written(&self, within: &BTreeSet<StepName>, problems: &mut Problems) {
        let mut writers: BTreeMap<Identity, Vec<&StepName>> = BTreeMap::new();
        for name in within {
            for target in self.writes(name) {
                writers.entry(target).or_default().push(name);
            }
        }
        for reader in within {
            let own = self.writes(reader);
            for source in self.reads(reader) {
                for (target, names) in touching(&writers, &source) {
                    for writer in names {
                        let is_free = *writer != reader
                            && !own.contains(target)
                            && !are_ordered(&self.judged.steps, within, reader, writer);
                        if is_free {
                            self.report_read(reader, writer, &source, problems);
                        }
                    }
                }
            }
        }
    }

    fn report_read(
        &self,
        reader: &StepName,
        writer: &StepName,
        source: &Identity,
        problems: &mut Problems,
    ) {
        let (Some(at), Some(other)) = (self.place_of(reader), self.place_of(writer)) else {
            return;
        };
        let problem = Problem::warning(
            Code::ReadWhileWritten,
            format!(
                "step `{reader}` reads the {} that `{writer}` writes",
                source.kind
            ),
        )
        .at(at, format!("reads {source}"))
        .and_at(other, "writes it, before or after");
        let declared = self.judged.resolution.steps.get(reader.as_str());
        problems.push(match declared.and_then(|step| step.needs.last()) {
            Some(last) => problem.fix(
                last.at,
                "",
                format!("\"{}\", \"{writer}\"", last.name),
                format!("let it need `{writer}`, if it is to read what that one wrote"),
            ),
            None => problem.help(format!(
                "say which comes first: needs = [\"{writer}\"], or `after` where it need not come along"
            )),
        });
    }
}

/// The targets that are this, hold it, or lie in it: a name that ends with a slash holds all that begin with it.
fn touching<'w, 'n>(
    writers: &'w BTreeMap<Identity, Vec<&'n StepName>>,
    source: &Identity,
) -> Vec<(&'w Identity, &'w Vec<&'n StepName>)> {
    let named = |name: &str| Identity::new(source.kind.clone(), name);
    let name = source.name.as_str();
    let above = name.match_indices('/').map(|(index, _)| &name[..=index]);
    let above = above.filter(|above| *above != name).map(named);
    let mut found: Vec<(&Identity, &Vec<&StepName>)> = above
        .filter_map(|target| writers.get_key_value(&target))
        .collect();
    let below = writers
        .range(named(name)..)
        .take_while(|(target, _)| target.kind == source.kind && target.name.starts_with(name));
    found.extend(below.filter(|(target, _)| target.name == name || name.ends_with('/')));
    found
}
