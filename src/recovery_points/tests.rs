//! The selection against its rules, and against a model that tries every moment.

mod points;
mod properties;
mod sets;
mod stores;

use std::collections::BTreeMap;

use jiff::Timestamp;
use salvor_contract::KindName;
use salvor_contract::PointId;
use salvor_contract::PointState;
use salvor_contract::Reach;
use salvor_contract::RecoveryPoint;
use salvor_contract::StoreName;
use salvor_contract::Values;

use crate::change_set::Asked;
use crate::change_set::Choice;
use crate::graph::Graph;
use crate::graph::samples;
use crate::model::instance::Instance;
use crate::model::instance::Step;
use crate::model::instance::Store;
use crate::model::instance::StoreClass;
use crate::model::instance::StoreRole;
use crate::recovery_points::Request;
use crate::recovery_points::Rule;
use crate::recovery_points::Selected;
use crate::recovery_points::Wanted;
use crate::recovery_points::choose;
use crate::recovery_points::select;
use crate::survey::Surveyed;

pub(super) fn time(text: &str) -> Timestamp {
    text.parse().expect("a moment")
}

pub(super) fn point(id: &str, reach: Reach) -> RecoveryPoint {
    RecoveryPoint {
        id: PointId::new(id),
        reach,
        state: PointState::Usable,
        size: None,
        objects: None,
        expires: None,
        set: None,
        title: id.to_owned(),
        details: Values::new(),
    }
}

pub(super) fn dump(id: &str, at: &str) -> RecoveryPoint {
    point(id, Reach::Moment(time(at)))
}

pub(super) fn window(id: &str, from: &str, to: &str) -> RecoveryPoint {
    point(
        id,
        Reach::Window {
            from: time(from),
            to: time(to),
        },
    )
}

pub(super) const GOAL: &str = "2026-04-06T01:30:00Z";
pub(super) const NOW: &str = "2026-04-06T02:04:00Z";

pub(super) fn nearest(goal: &str) -> Rule<'static> {
    Rule {
        goal: time(goal),
        not_before: None,
        wanted: Wanted::Nearest,
        allow_partial: false,
    }
}

/// The chosen point's id with its moment and the reason, or why there is none.
#[track_caller]
pub(super) fn check(rule: &Rule<'_>, points: &[RecoveryPoint], expected: &str) {
    let judged = choose(rule, points);
    let said = match judged.chosen {
        Ok(chosen) => format!(
            "{} at {}: {}",
            chosen.point.point.id, chosen.point.at, chosen.reason
        ),
        Err(reason) => format!("none: {reason}"),
    };
    assert_eq!(said, expected);
}

pub(super) fn store(class: StoreClass) -> Store {
    Store {
        title: String::new(),
        kind: Some(KindName::new("simulated.database")),
        is_stated: false,
        class,
        with: Values::new(),
        rpo: None,
        why: None,
        backup: crate::model::instance::BackupPolicy::default(),
        known_after: None,
        allow_partial: false,
    }
}

/// A plan that restores each of these stores, and what is seen of them.
pub(super) fn world(stores: Vec<(&str, Vec<RecoveryPoint>)>) -> (Instance, Surveyed) {
    let names: Vec<String> = stores
        .iter()
        .map(|(name, _)| format!("restore-{name}"))
        .collect();
    let steps = stores.iter().zip(&names).map(|((name, _), step)| {
        let restore = Step {
            store: Some((StoreRole::Restore, StoreName::from(*name))),
            ..samples::step("simulated.restore")
        };
        (step.as_str(), restore)
    });
    let goal: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut plan = samples::plan(steps.collect(), &goal);
    let mut seen = BTreeMap::new();
    for (name, points) in stores {
        plan.stores
            .insert(name.into(), store(StoreClass::Authoritative));
        seen.insert(StoreName::from(name), Ok(points));
    }
    (
        plan,
        Surveyed {
            at: time(NOW),
            stores: seen,
        },
    )
}

pub(super) fn selected(plan: &Instance, surveyed: &Surveyed, asked: Asked) -> Selected {
    let graph = Graph::of(plan).expect("no cycle");
    select(plan, &graph, surveyed, &Request::new(asked))
}

/// A line for each store and each warning.
pub(super) fn lines(selected: &Selected) -> Vec<String> {
    let stores = selected
        .selections
        .iter()
        .map(|selection| match &selection.choice {
            Choice::Restore(chosen) => format!(
                "{}: {} behind {}",
                selection.store,
                chosen.point.id,
                selection.behind_goal.unwrap_or_default()
            ),
            Choice::Later(rule) => format!(
                "{}: later after {}: {}",
                selection.store, rule.after, selection.reason
            ),
            Choice::Leave => format!("{}: left: {}", selection.store, selection.reason),
            Choice::Impossible => format!("{}: impossible: {}", selection.store, selection.reason),
        });
    let warnings = selected
        .warnings
        .iter()
        .map(|warning| format!("{}: {}", warning.about, warning.message));
    stores.chain(warnings).collect()
}
