//! Chooses one backup id for stores that are backed up together and must be brought back together.
//!
//! The id is the newest one of which every store has a usable point not after the goal, with the moments of
//! these points no further apart than the set allows.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use jiff::Timestamp;
use salvor_contract::Period;
use salvor_contract::Reach;
use salvor_contract::RecoveryPoint;
use salvor_contract::StoreName;

use crate::recovery_points::rule::Rule;
use crate::recovery_points::rule::Wanted;
use crate::recovery_points::rule::choose;
use crate::recovery_points::rule::judge;
use crate::recovery_points::words::between;
use crate::recovery_points::words::length_words;

/// A store of a set, as far as it can be seen.
pub(super) struct Member<'a> {
    pub store: &'a StoreName,
    pub points: &'a [RecoveryPoint],
    pub allow_partial: bool,
}

/// True of a store that was seen and reaches windows only, none of them of a backup id.
pub(super) fn is_continuous(points: &[RecoveryPoint]) -> bool {
    let is_window = |point: &RecoveryPoint| matches!(point.reach, Reach::Window { .. });
    !points.is_empty()
        && points
            .iter()
            .all(|point| is_window(point) && point.set.is_none())
}

/// The newest backup id that serves all members, and the newest moment of its points: the moment to which the
/// `followers` come back, which reach any moment and have no points of an id.
///
/// # Errors
/// Why there is none: what is wrong with the newest that there is.
pub(super) fn choose_backup(
    goal: Timestamp,
    members: &[Member<'_>],
    followers: &[Member<'_>],
    skew_max: Option<Period>,
) -> Result<(String, Timestamp), String> {
    let groups: Vec<BTreeMap<&str, Vec<&RecoveryPoint>>> = members.iter().map(grouped).collect();
    let ids: BTreeSet<&str> = groups
        .iter()
        .flat_map(|group| group.keys().copied())
        .collect();
    let mut ids: Vec<(Timestamp, &str)> = ids
        .into_iter()
        .filter_map(|id| {
            let points = groups.iter().filter_map(|group| group.get(id)).flatten();
            points
                .map(|point| point.reach.latest())
                .max()
                .map(|latest| (latest, id))
        })
        .collect();
    ids.sort_by(|one, other| other.cmp(one));
    let mut first_reason = None;
    for (_, id) in &ids {
        let served = moments_of(goal, id, members, &groups)
            .and_then(|moments| together(moments, goal, followers, skew_max));
        match served {
            Ok(moment) => return Ok(((*id).to_owned(), moment)),
            // That a backup lies after the goal says nothing about the set.
            Err(Refusal::AfterGoal) => {}
            Err(Refusal::Because(reason)) => {
                first_reason.get_or_insert(format!("backup {id}: {reason}"));
            }
        }
    }
    Err(first_reason.unwrap_or_else(|| match ids.len() {
        0 => "there is no backup that holds all of its stores".to_owned(),
        n => format!("all {n} backups lie after the goal"),
    }))
}

enum Refusal {
    AfterGoal,
    Because(String),
}

/// The moments of a backup's points, one for each member.
fn moments_of(
    goal: Timestamp,
    id: &str,
    members: &[Member<'_>],
    groups: &[BTreeMap<&str, Vec<&RecoveryPoint>>],
) -> Result<Vec<Timestamp>, Refusal> {
    let mut moments = Vec::with_capacity(members.len());
    for (member, group) in members.iter().zip(groups) {
        let points = group
            .get(id)
            .ok_or_else(|| Refusal::Because(format!("`{}` has no point of it", member.store)))?;
        let rule = Rule {
            goal,
            not_before: None,
            wanted: Wanted::Backup(id),
            allow_partial: member.allow_partial,
        };
        let judged: Vec<Result<Timestamp, String>> =
            points.iter().map(|point| judge(&rule, point)).collect();
        if let Some(best) = judged.iter().filter_map(|one| one.as_ref().ok()).max() {
            moments.push(*best);
            continue;
        }
        if points.iter().all(|point| point.reach.latest() > goal) {
            return Err(Refusal::AfterGoal);
        }
        let reason = judged.into_iter().find_map(Result::err).unwrap_or_default();
        return Err(Refusal::Because(format!("`{}`: {reason}", member.store)));
    }
    Ok(moments)
}

/// The newest of these moments, when the followers reach it as near as the set allows.
fn together(
    mut moments: Vec<Timestamp>,
    goal: Timestamp,
    followers: &[Member<'_>],
    skew_max: Option<Period>,
) -> Result<Timestamp, Refusal> {
    let last = moments.iter().max().copied().unwrap_or(goal);
    for follower in followers {
        let rule = Rule {
            goal: last,
            not_before: None,
            wanted: Wanted::Nearest,
            allow_partial: follower.allow_partial,
        };
        let chosen = choose(&rule, follower.points).chosen;
        let chosen =
            chosen.map_err(|reason| Refusal::Because(format!("`{}`: {reason}", follower.store)))?;
        moments.push(chosen.point.at);
    }
    let first = moments.iter().min().copied().unwrap_or(goal);
    let skew = between(first, last);
    match skew_max.filter(|limit| skew > *limit) {
        Some(limit) => Err(Refusal::Because(format!(
            "its points lie {} apart, the set allows {}",
            length_words(skew.duration()),
            length_words(limit.duration())
        ))),
        None => Ok(last),
    }
}

fn grouped<'a>(member: &Member<'a>) -> BTreeMap<&'a str, Vec<&'a RecoveryPoint>> {
    let mut groups: BTreeMap<&str, Vec<&RecoveryPoint>> = BTreeMap::new();
    for point in member.points {
        if let Some(set) = &point.set {
            groups.entry(set).or_default().push(point);
        }
    }
    groups
}
