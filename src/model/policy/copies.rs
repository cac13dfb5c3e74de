//! Copies against the plan's rule of them, and against what is said to verify them.

use std::collections::BTreeSet;

use salvor_contract::StepName;

use crate::model::check_case::CaseCheck;
use crate::model::instance::StoreClass;
use crate::model::instance::StoreRole;
use crate::model::members::members;
use crate::model::order::leave_out;
use crate::model::plan::Named;
use crate::model::policy::numbers::Policy;
use crate::model::policy::places::Place;
use crate::model::policy::places::Posture;
use crate::model::policy::places::Said;
use crate::model::posture::CopiesRule;
use crate::plan_file::Code;
use crate::plan_file::Problem;
use crate::plan_file::Problems;

impl Policy<'_, '_> {
    /// The rule of copies for each store whose truth is nowhere else.
    pub(super) fn copies(&self, problems: &mut Problems) {
        let policies = &self.judged.resolution.plan.policies;
        for posture in self.postures() {
            let is_judged = posture.store.class == StoreClass::Authoritative;
            if !is_judged || posture.is_open() {
                continue;
            }
            let name = posture.name();
            let Some(at) = posture.store.posture.copies_at else {
                let rule = policies.copies.as_ref().map(|(_, at)| *at);
                if let Some(rule) = rule.or(policies.accounts_apart) {
                    problems.push(
                        Problem::warning(
                            Code::TooFewCopies,
                            format!("the plan does not say where the copies of `{name}` are"),
                        )
                        .at(posture.store.name.at, "its copies cannot be counted")
                        .and_at(rule, "demanded here")
                        .help(format!(
                            "write copies = [{{ site = \"…\", medium = \"…\" }}] in [stores.{name}]"
                        )),
                    );
                }
                continue;
            };
            if let Some((rule, rule_at)) = &policies.copies
                && let lacks = lacks(posture, rule)
                && !lacks.is_empty()
            {
                let problem = Problem::warning(
                    Code::TooFewCopies,
                    format!("the copies of `{name}` do not hold {}", rule.text),
                )
                .at(at, words_of(&lacks))
                .and_at(*rule_at, "demanded here")
                .note("the live data is the first copy; what the plan does not say is not counted");
                let help = self.what_to_say(&lacks).into_iter();
                problems.push(help.fold(problem, Problem::help));
            }
            let is_apart = |place: &Place| place.account.differs(&posture.live.account);
            if let Some(rule_at) = policies.accounts_apart
                && !posture.copies.iter().any(|(place, _)| is_apart(place))
            {
                problems.push(
                    Problem::warning(
                        Code::TooFewCopies,
                        format!("no copy of `{name}` is in another account"),
                    )
                    .at(at, "who gets into its account can delete all of them")
                    .and_at(rule_at, "demanded here")
                    .help("write `account` in the store and in its copies"),
                );
            }
        }
    }

    /// What is said to verify a copy must touch its store: a drill by restoring or verifying it, a scenario by
    /// verifying it, for one that restores proves the copy only when it is too late.
    pub(super) fn proofs(&self, check: &CaseCheck<'_, '_, '_>, problems: &mut Problems) {
        for posture in self.postures() {
            for proof in posture
                .copies
                .iter()
                .filter_map(|(_, c)| c.verified.as_ref())
            {
                let Some(within) = self.run_named(check, &proof.name) else {
                    continue;
                };
                let is_drill = self.judged.resolution.plan.drill(&proof.name).is_some();
                let is_touched = within.iter().any(|step| {
                    let step = self.judged.steps.get(step);
                    let store = step.and_then(|step| step.store.as_ref());
                    store.is_some_and(|(role, store)| {
                        let proves = match role {
                            StoreRole::Restore => is_drill,
                            StoreRole::Verify => true,
                            StoreRole::Backup => false,
                        };
                        proves && store.as_str() == posture.name()
                    })
                });
                if !is_touched {
                    problems.push(
                        Problem::warning(
                            Code::NotVerified,
                            format!("`{}` does not prove `{}`", proof.name, posture.name()),
                        )
                        .at(proof.at, "neither restores nor verifies it")
                        .help("name a drill that restores or verifies the store, or a scenario that verifies it"),
                    );
                }
            }
        }
    }

    /// The steps of a drill or scenario; `None` when it cannot be run in this case.
    fn run_named(&self, check: &CaseCheck<'_, '_, '_>, name: &str) -> Option<BTreeSet<StepName>> {
        let plan = self.judged.resolution.plan;
        let drill = plan.drill(name);
        let scenario = match drill {
            Some(drill) => plan
                .moved(drill)
                .or_else(|| plan.scenario(&drill.scenario.name).cloned()),
            None => plan.scenario(name).cloned(),
        };
        let scenario = scenario?;
        if !check.can_be_chosen(&scenario) {
            return None;
        }
        let Some(drill) = drill else {
            return Some(check.run_of(&scenario));
        };
        let names = |named: &[Named]| -> BTreeSet<StepName> {
            named
                .iter()
                .map(|named| StepName::new(&named.name))
                .collect()
        };
        let left_out = names(&drill.leave_out);
        let goals = names(match drill.only.as_slice() {
            [] => &scenario.goal,
            only => only,
        });
        let mut steps = self.judged.steps.clone();
        leave_out(&mut steps, &left_out);
        Some(members(&steps, goals.difference(&left_out)))
    }
}

/// One thing that copies lack.
struct Lack {
    what: What,
    words: String,
}

#[derive(Clone, Copy)]
enum What {
    Copies,
    Media,
    OffSite,
    Locked,
    Verified,
}

fn words_of(lacks: &[Lack]) -> String {
    let words: Vec<&str> = lacks.iter().map(|lack| lack.words.as_str()).collect();
    words.join(", ")
}

/// What the copies lack.
fn lacks(posture: &Posture<'_>, rule: &CopiesRule) -> Vec<Lack> {
    let copies = &posture.copies;
    let media: BTreeSet<&str> = posture
        .places()
        .filter_map(|place| match &place.medium {
            Said::Now(medium) => Some(medium.as_str()),
            Said::Nothing | Said::Later => None,
        })
        .collect();
    let live = &posture.live.site;
    let off_site = copies.iter().filter(|(place, _)| place.site.differs(live));
    let locked = copies.iter().filter(|(_, copy)| copy.is_locked);
    let unverified = copies
        .iter()
        .filter(|(_, copy)| copy.verified.is_none())
        .count();
    let counts = [
        (What::Copies, copies.len() + 1, rule.copies, "copies"),
        (What::Media, media.len(), rule.media, "media"),
        (
            What::OffSite,
            off_site.count(),
            rule.off_site,
            "off its site",
        ),
        (
            What::Locked,
            locked.count(),
            rule.locked,
            "immutable or offline",
        ),
    ];
    let mut lacks: Vec<Lack> = counts
        .into_iter()
        .filter(|(_, count, least, _)| count < least)
        .map(|(what, count, least, of)| Lack {
            what,
            words: format!("{count} of {least} {of}"),
        })
        .collect();
    if rule.unverified.is_some_and(|most| unverified > most) {
        lacks.push(Lack {
            what: What::Verified,
            words: format!("{unverified} not verified"),
        });
    }
    lacks
}

impl Policy<'_, '_> {
    /// What to write for each thing that is lacking, where it is so.
    fn what_to_say(&self, lacks: &[Lack]) -> Vec<String> {
        let drills = &self.judged.resolution.plan.drills;
        let words = lacks.iter().map(|lack| match lack.what {
            What::Copies => "add the copies that there are: { site = \"…\", medium = \"…\" }".to_owned(),
            What::Media => "say the `medium` of the store and of each copy".to_owned(),
            What::OffSite => "name a copy with another `site` than the store's".to_owned(),
            What::Locked => {
                "write `immutable = true` in a copy that nobody can delete, or `offline = true`".to_owned()
            }
            What::Verified => match drills.first() {
                Some(drill) => format!(
                    "write `verified = \"{}\"` in each copy that this drill restores",
                    drill.name.name
                ),
                None => "write a drill that restores it: [drills.monthly] with `scenario` and `every`, and name it in \
                         each copy: `verified = \"monthly\"`"
                    .to_owned(),
            },
        });
        words.collect()
    }
}
