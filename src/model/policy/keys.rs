//! Keys apart from what they open, and stores that are needed to bring themselves back.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use salvor_contract::StepName;

use crate::model::instance::StoreRole;
use crate::model::order::reaches;
use crate::model::plan::Named;
use crate::model::policy::numbers::Policy;
use crate::model::policy::places::Place;
use crate::model::policy::places::Posture;
use crate::model::policy::places::Said;
use crate::model::policy::places::readable;
use crate::model::posture::CopyDeclaration;
use crate::plan_file::Code;
use crate::plan_file::Position;
use crate::plan_file::Problem;
use crate::plan_file::Problems;

impl Policy<'_, '_> {
    /// A copy is opened by another key than the live data, and that key lies elsewhere as well.
    pub(super) fn keys_apart(&self, problems: &mut Problems) {
        let Some(rule) = self.judged.resolution.plan.policies.keys_apart else {
            return;
        };
        for posture in self.postures() {
            for (place, copy) in &posture.copies {
                if let Some(key) = &copy.key {
                    self.key_apart(posture, place, key, rule, problems);
                }
            }
        }
    }

    fn key_apart(
        &self,
        posture: &Posture<'_>,
        place: &Place,
        key: &Named,
        rule: Position,
        problems: &mut Problems,
    ) {
        let Some(opener) = self.posture(&key.name) else {
            return;
        };
        let name = posture.name();
        let live = posture.store.posture.key.as_ref();
        if let Some(live) = live.filter(|live| live.name == key.name) {
            problems.push(
                Problem::warning(
                    Code::KeyNotApart,
                    format!("`{}` opens `{name}` and its copy", key.name),
                )
                .at(key.at, "who loses it loses both")
                .and_at(live.at, "opens the live data")
                .and_at(rule, "demanded here")
                .help("encrypt the copy with a key of its own"),
            );
        }
        if opener.is_open() || posture.is_open() {
            return;
        }
        if opener.places().any(|at| at.is_apart_from(place)) {
            return;
        }
        let lacks = |at: &Place, other: &Place| {
            let has_account = at.account != Said::Nothing || other.account == Said::Nothing;
            at.site == Said::Nothing || !has_account
        };
        if opener.places().any(|at| lacks(at, place)) {
            problems.push(
                Problem::warning(
                    Code::KeyNotApart,
                    format!("the plan does not say where `{}` is", key.name),
                )
                .at(key.at, "whether it lies with the copy cannot be judged")
                .and_at(rule, "demanded here")
                .help(format!(
                    "write `site` and `account` in [stores.{}], and in its copies",
                    key.name
                )),
            );
        } else if opener.places().any(|at| lacks(place, at)) {
            problems.push(
                Problem::warning(
                    Code::KeyNotApart,
                    format!("the plan does not say where the copy of `{name}` is"),
                )
                .at(
                    key.at,
                    format!("whether `{}` lies with it cannot be judged", key.name),
                )
                .and_at(rule, "demanded here")
                .help("write `site` and `account` in the copy"),
            );
        } else {
            problems.push(
                Problem::warning(
                    Code::KeyNotApart,
                    format!("`{}` lies with the copy of `{name}` that it opens", key.name),
                )
                .at(key.at, "one site and one account hold both")
                .and_at(opener.store.name.at, "it has no other place")
                .and_at(rule, "demanded here")
                .help("keep the key in another account or site, or a copy of it there: copies = [{ site = \"…\" }]"),
            );
        }
    }

    /// Stores all of whose copies need the store itself, over others or at once.
    pub(super) fn circles(&self, problems: &mut Problems) {
        let postures: Vec<&Posture<'_>> = self.postures().collect();
        let at_hand = readable(&postures, |posture| posture.copies.is_empty(), |_| true);
        for posture in postures.iter().filter(|p| !at_hand.contains(p.name())) {
            let Some(path) = circle(&postures, posture.name()) else {
                continue;
            };
            let needs = posture.copies.iter().flat_map(|(_, copy)| copy.needs());
            let mut missing = needs.filter(|need| !at_hand.contains(need.name.as_str()));
            if let Some(need) = missing.next() {
                problems.push(
                    Problem::error(
                        Code::NeededByItself,
                        format!("`{}` is needed to bring itself back", posture.name()),
                    )
                    .at(need.at, "no copy can be read without it")
                    .note(path.join(" → "))
                    .help("keep what opens or reaches a copy where it is not lost with the store: in another store, or in a copy that needs nothing"),
                );
            }
        }
    }

    /// In a run that brings back a store and what opens its copies, that one comes first.
    pub(super) fn openers_first(&self, within: &BTreeSet<StepName>, problems: &mut Problems) {
        let restores: Vec<(&StepName, &Posture<'_>)> = self.restores(within).collect();
        let mut by_store: BTreeMap<&str, Vec<&StepName>> = BTreeMap::new();
        for (step, posture) in &restores {
            by_store.entry(posture.name()).or_default().push(step);
        }
        let steps = &self.judged.steps;
        for (step, posture) in &restores {
            for need in needed_by_all(posture) {
                let openers = by_store.get(need.name.as_str()).into_iter().flatten();
                for first in openers.copied().filter(|first| first != step) {
                    if !reaches(steps, within, step, first) {
                        let is_first = reaches(steps, within, first, step);
                        self.report_order((step, first), is_first, need, problems);
                    }
                }
            }
        }
    }

    fn report_order(
        &self,
        (step, first): (&StepName, &StepName),
        is_before: bool,
        need: &Named,
        problems: &mut Problems,
    ) {
        let declared = |name: &StepName| self.judged.resolution.steps.get(name.as_str());
        let (Some(late), Some(early)) = (declared(step), declared(first)) else {
            return;
        };
        let label = match is_before {
            true => format!("goes before `{first}`"),
            false => format!("does not wait for `{first}`"),
        };
        let problem = Problem::error(
            Code::NeededByItself,
            format!(
                "`{step}` needs `{}`, which `{first}` brings back",
                need.name
            ),
        )
        .at(late.name.at, label)
        .and_at(early.name.at, "brings it back")
        .and_at(need.at, "needed to read the copy");
        problems.push(match late.needs.last() {
            _ if is_before => problem.help(format!("let `{first}` go first")),
            Some(last) => problem.fix(
                last.at,
                "",
                format!("\"{}\", \"{first}\"", last.name),
                format!("let it need `{first}`"),
            ),
            None => problem.help(format!("write needs = [\"{first}\"]")),
        });
    }

    /// The steps of a run that restore a store, with its places.
    pub(super) fn restores<'s>(
        &'s self,
        within: &'s BTreeSet<StepName>,
    ) -> impl Iterator<Item = (&'s StepName, &'s Posture<'s>)> {
        within.iter().filter_map(|name| {
            let (role, store) = self.judged.steps.get(name)?.store.as_ref()?;
            let posture = self.posture(store.as_str())?;
            (*role == StoreRole::Restore).then_some((name, posture))
        })
    }
}

/// What every copy of a store needs, each name once, where the first copy says it.
fn needed_by_all<'p>(posture: &Posture<'p>) -> Vec<&'p Named> {
    let mut found: Vec<&Named> = Vec::new();
    let first = posture.copies.first();
    for need in first.into_iter().flat_map(|(_, copy)| copy.needs()) {
        let needs_it = |copy: &CopyDeclaration| copy.needs().any(|other| other.name == need.name);
        let is_new = found.iter().all(|other| other.name != need.name);
        if is_new && posture.copies.iter().all(|(_, copy)| needs_it(copy)) {
            found.push(need);
        }
    }
    found
}

/// A way over what copies need from a store back to it.
fn circle<'p>(postures: &[&'p Posture<'_>], start: &'p str) -> Option<Vec<&'p str>> {
    let mut seen = BTreeSet::new();
    let mut open = vec![vec![start]];
    while let Some(path) = open.pop() {
        let last = path.last().copied()?;
        let posture = postures.iter().find(|posture| posture.name() == last);
        let copies = posture.map(|posture| posture.copies.as_slice());
        for (_, copy) in copies.unwrap_or_default() {
            for need in copy.needs() {
                let mut longer = path.clone();
                longer.push(&need.name);
                if need.name == start {
                    return Some(longer);
                }
                if seen.insert(&need.name) {
                    open.push(longer);
                }
            }
        }
    }
    None
}
