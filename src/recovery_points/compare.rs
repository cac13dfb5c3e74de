//! What a reader must know about the chosen points, alone and against each other.
//!
//! Stores that come back to different moments are never called consistent, however near the moments are.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use salvor_contract::ChosenPoint;
use salvor_contract::PointState;
use salvor_contract::Reach;
use salvor_contract::RecoveryPoint;
use salvor_contract::StoreName;

use crate::change_set::Asked;
use crate::change_set::Choice;
use crate::change_set::StoreSelection;
use crate::change_set::Warning;
use crate::model::instance::Instance;
use crate::model::instance::Invariant;
use crate::recovery_points::words::between;
use crate::recovery_points::words::length_words;
use crate::recovery_points::words::moment_words;
use crate::survey::Surveyed;

/// A point that its keeper removes within this time is named: longer than a change set is good for.
const EXPIRY_NEAR: Duration = Duration::from_secs(48 * 3600);

/// All warnings about the selections.
pub(super) fn warnings(
    plan: &Instance,
    selections: &[StoreSelection],
    surveyed: &Surveyed,
    goal: Timestamp,
    asked: &Asked,
) -> Vec<Warning> {
    let restored: BTreeMap<&StoreName, &ChosenPoint> = selections
        .iter()
        .filter_map(|selection| match &selection.choice {
            Choice::Restore(point) => Some((&selection.store, point)),
            Choice::Later(_) | Choice::Leave | Choice::Impossible => None,
        })
        .collect();
    let mut warnings = Vec::new();
    if goal > surveyed.at {
        let ahead = length_words(between(surveyed.at, goal).duration());
        warnings.push(warning(
            "goal",
            format!("the goal lies {ahead} after the survey"),
        ));
    }
    if matches!(asked, Asked::At(_)) {
        warnings.extend(
            restored
                .iter()
                .filter_map(|(store, point)| short_window(store, point, goal)),
        );
    }
    warnings.extend(skew(&restored));
    for invariant in &plan.invariants {
        warnings.extend(broken(invariant, selections, &restored, surveyed));
    }
    for (store, point) in &restored {
        warnings.extend(expiry(store, point, surveyed.at));
        let points = surveyed
            .stores
            .get(*store)
            .and_then(|seen| seen.as_ref().ok());
        warnings.extend(points.and_then(|points| shrunk(store, point, points)));
    }
    warnings
}

fn short_window(store: &StoreName, chosen: &ChosenPoint, goal: Timestamp) -> Option<Warning> {
    match chosen.point.reach {
        Reach::Window { to, .. } if chosen.at == to && to < goal => {
            let short = length_words(between(to, goal).duration());
            Some(warning(
                "goal",
                format!(
                    "`{store}` reaches only {}, {short} before the moment that was asked for",
                    moment_words(to)
                ),
            ))
        }
        Reach::Window { .. } | Reach::Moment(_) => None,
    }
}

/// Each store that comes back to an older moment than the newest does, against that newest one. The skew of
/// any other pair is the difference of two of these lines.
fn skew(restored: &BTreeMap<&StoreName, &ChosenPoint>) -> Vec<Warning> {
    let newest = restored.iter().rev().max_by_key(|(_, point)| point.at);
    let Some((newest_store, newest)) = newest else {
        return Vec::new();
    };
    let mut older: Vec<(&&StoreName, &&ChosenPoint)> = restored
        .iter()
        .filter(|(_, point)| point.at < newest.at)
        .collect();
    older.sort_by_key(|(store, point)| (point.at, **store));
    let messages = older.into_iter().map(|(store, point)| {
        let apart = length_words(between(point.at, newest.at).duration());
        let mut message = format!(
            "`{newest_store}` is {apart} newer than `{store}`: what `{newest_store}` got after {} is not in `{store}`",
            moment_words(point.at)
        );
        if let Some(set) = point.point.set.as_ref().filter(|set| newest.point.set.as_ref() == Some(set)) {
            message.push_str(&format!("; both are of backup {set}, which is not one moment"));
        }
        warning("skew", message)
    });
    messages.collect()
}

fn broken(
    invariant: &Invariant,
    selections: &[StoreSelection],
    restored: &BTreeMap<&StoreName, &ChosenPoint>,
    surveyed: &Surveyed,
) -> Option<Warning> {
    let is_later = |name: &StoreName| {
        selections.iter().any(|selection| {
            &selection.store == name && matches!(selection.choice, Choice::Later(_))
        })
    };
    match invariant {
        Invariant::References { from, to } if is_later(from) || is_later(to) => Some(warning(
            "invariant",
            format!(
                "whether `{to}` is as new as `{from}`, which refers to it, is known only during the run"
            ),
        )),
        Invariant::References { from, to } => match (restored.get(from), restored.get(to)) {
            (Some(one), Some(other)) if other.at < one.at => Some(warning(
                "invariant",
                format!(
                    "`{from}` refers to `{to}`, which is brought back to {}, {} before `{from}`: references made in between lead nowhere",
                    moment_words(other.at),
                    length_words(between(other.at, one.at).duration())
                ),
            )),
            (None, Some(other)) => Some(warning(
                "invariant",
                format!(
                    "`{from}` refers to `{to}` and stays as it is, while `{to}` goes back to {}: newer references lead nowhere",
                    moment_words(other.at)
                ),
            )),
            (Some(_), Some(_) | None) | (None, None) => None,
        },
        Invariant::Outlives { store, than, by } => {
            let store_from = oldest(surveyed, store)?;
            let than_from = oldest(surveyed, than)?;
            // A point of `than` is whole only when `store` goes back that far and by the margin further.
            let whole_from = store_from.checked_add(by.duration()).ok()?;
            (than_from < whole_from).then(|| {
                let chosen = restored.get(than).filter(|point| point.at < whole_from);
                let chosen = chosen.map(|_| "; the chosen point is one of these").unwrap_or_default();
                warning(
                    "invariant",
                    format!(
                        "`{store}` goes back to {}, `{than}` to {}: points of `{than}` before {} may miss parts in `{store}`{chosen}",
                        moment_words(store_from),
                        moment_words(than_from),
                        moment_words(whole_from)
                    ),
                )
            })
        }
    }
}

fn oldest(surveyed: &Surveyed, store: &StoreName) -> Option<Timestamp> {
    let points = surveyed.stores.get(store)?.as_ref().ok()?;
    let usable = points
        .iter()
        .filter(|point| point.state == PointState::Usable);
    usable
        .map(|point| match point.reach {
            Reach::Moment(moment) => moment,
            Reach::Window { from, .. } => from,
        })
        .min()
}

fn expiry(store: &StoreName, chosen: &ChosenPoint, now: Timestamp) -> Option<Warning> {
    let expires = chosen.point.expires?;
    let title = &chosen.point.title;
    if expires <= now {
        let since = moment_words(expires);
        return Some(warning(
            "expiry",
            format!("`{store}`: {title} expired at {since} and may vanish at any moment"),
        ));
    }
    let left = between(now, expires).duration();
    (left <= EXPIRY_NEAR).then(|| {
        warning(
            "expiry",
            format!("`{store}`: {title} expires in {}", length_words(left)),
        )
    })
}

/// A backup that is less than half of the one before is more often an empty dump than a smaller store.
fn shrunk(store: &StoreName, chosen: &ChosenPoint, points: &[RecoveryPoint]) -> Option<Warning> {
    let Reach::Moment(at) = chosen.point.reach else {
        return None;
    };
    let size = chosen.point.size?;
    let earlier = points
        .iter()
        .filter_map(|point| match (point.reach, point.size) {
            (Reach::Moment(other), Some(size))
                if other < at && point.state == PointState::Usable =>
            {
                Some((other, size))
            }
            (Reach::Moment(_) | Reach::Window { .. }, _) => None,
        });
    let (_, before) = earlier.max_by_key(|(other, _)| *other)?;
    (size.0.saturating_mul(2) < before.0).then(|| {
        warning(
            "size",
            format!(
                "`{store}`: {} holds {size}, the one before it {before}: look whether it is whole",
                chosen.point.title
            ),
        )
    })
}

fn warning(about: &str, message: String) -> Warning {
    Warning {
        about: about.to_owned(),
        message,
    }
}
