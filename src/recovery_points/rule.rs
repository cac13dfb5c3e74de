//! Chooses one recovery point of one store and says of every other why not.
//!
//! ```text
//!            ├──── window ────┤                ●  ●       ●   moments
//!                     ▲ goal                      ▲ goal
//!                     chosen: the goal itself     chosen: the newest not after it
//! ```
//!
//! Of windows and moments the one that comes nearest to the goal is chosen, so an old goal falls to the dated
//! backups by itself when the window does not reach back to it. It knows nothing of plans and classes.

use std::cmp::Reverse;

use jiff::Timestamp;
use salvor_contract::ChosenPoint;
use salvor_contract::PointId;
use salvor_contract::PointState;
use salvor_contract::Reach;
use salvor_contract::RecoveryPoint;

use crate::change_set::LaterRule;
use crate::change_set::Rejected;
use crate::recovery_points::words::between;
use crate::recovery_points::words::length_words;
use crate::recovery_points::words::moment_words;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rule<'a> {
    /// The moment to come near to and not to pass.
    pub goal: Timestamp,
    /// Points before this moment do not come into question: by the plan's numbers they are gone.
    pub not_before: Option<Timestamp>,
    /// Which points come into question.
    pub wanted: Wanted<'a>,
    /// Points that miss parts come into question.
    pub allow_partial: bool,
}

/// Which points come into question.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Wanted<'a> {
    /// All of them.
    Nearest,
    /// This one; it may lie after the goal, since somebody named it.
    Point(&'a PointId),
    /// Those of this backup id.
    Backup(&'a str),
    /// This one at exactly its moment: it was chosen before and must still be there.
    Pinned(&'a ChosenPoint),
}

/// What was found out about a store's points.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// The choice, or why there is none.
    pub chosen: Result<Chosen, String>,
    /// All other points, newest first.
    pub rejected: Vec<Rejected>,
}

/// A choice with its reason.
#[derive(Clone, Debug, PartialEq)]
pub struct Chosen {
    /// The point and the moment in its reach.
    pub point: ChosenPoint,
    /// Why this one.
    pub reason: String,
    /// Another point of the same kind and state brings back the same moment.
    pub is_tie: bool,
}

/// A point that could be chosen.
struct Candidate<'a> {
    point: &'a RecoveryPoint,
    at: Timestamp,
}

impl Candidate<'_> {
    /// Larger is better; equal ranks are a tie.
    fn rank(&self) -> (Timestamp, bool, bool) {
        let is_window = matches!(self.point.reach, Reach::Window { .. });
        (self.at, self.point.state == PointState::Usable, is_window)
    }
}

/// Chooses a point by a rule.
pub fn choose(rule: &Rule<'_>, points: &[RecoveryPoint]) -> Judged {
    let mut candidates = Vec::new();
    let mut refused: Vec<(&RecoveryPoint, String)> = Vec::new();
    for point in points {
        match judge(rule, point) {
            Ok(at) => candidates.push(Candidate { point, at }),
            Err(reason) => refused.push((point, reason)),
        }
    }
    candidates.sort_by(|one, other| {
        other
            .rank()
            .cmp(&one.rank())
            .then_with(|| one.point.id.cmp(&other.point.id))
    });
    let chosen = match candidates.split_first() {
        Some((best, rest)) => {
            let is_tie = rest.first().is_some_and(|next| next.rank() == best.rank());
            let reason = reason(rule, best, &refused);
            for other in rest {
                refused.push((other.point, passed_over(best, other)));
            }
            let point = ChosenPoint {
                point: best.point.clone(),
                at: best.at,
            };
            Ok(Chosen {
                point,
                reason,
                is_tie,
            })
        }
        None => Err(nothing(rule, points, &refused)),
    };
    refused.sort_by_key(|(point, _)| (Reverse(point.reach.latest()), point.id.clone()));
    let rejected = refused.into_iter().map(|(point, reason)| Rejected {
        point: point.id.clone(),
        title: point.title.clone(),
        reason,
    });
    Judged {
        chosen,
        rejected: rejected.collect(),
    }
}

/// Chooses a point during the run, by the rule that the change set fixed. Where a person would look twice,
/// it refuses: two points of the same moment, a point too far behind.
pub fn choose_later(rule: &LaterRule, points: &[RecoveryPoint]) -> Judged {
    let wanted = match (&rule.point, &rule.backup) {
        (Some(point), _) => Wanted::Point(point),
        (None, Some(backup)) => Wanted::Backup(backup),
        (None, None) => Wanted::Nearest,
    };
    let plain = Rule {
        goal: rule.not_after,
        not_before: rule.not_before,
        wanted,
        allow_partial: rule.allow_partial,
    };
    let mut judged = choose(&plain, points);
    if let Ok(chosen) = &judged.chosen {
        let behind = between(chosen.point.at, rule.not_after);
        let refusal =
            if chosen.is_tie && rule.point.is_none() {
                let at = moment_words(chosen.point.at);
                Some(format!(
                    "more than one point brings back {at}: name one with --point"
                ))
            } else {
                rule.behind_max.filter(|limit| behind > *limit).map(|limit| {
                format!(
                    "the best point, {}, lies {} before the goal; the change set accepts {}",
                    chosen.point.point.title,
                    length_words(behind.duration()),
                    length_words(limit.duration())
                )
            })
            };
        if let Some(refusal) = refusal {
            judged.chosen = Err(refusal);
        }
    }
    judged
}

/// The moment that a point would bring back, or why it does not come into question.
pub(super) fn judge(rule: &Rule<'_>, point: &RecoveryPoint) -> Result<Timestamp, String> {
    match rule.wanted {
        Wanted::Nearest => {}
        Wanted::Point(id) if point.id == *id => {}
        Wanted::Point(_) => return Err("another one was named".to_owned()),
        Wanted::Backup(backup) if belongs(point, backup) => {}
        Wanted::Backup(backup) => return Err(format!("not of backup {backup}")),
        Wanted::Pinned(pinned) if pinned.point.id == point.id => {}
        Wanted::Pinned(_) => return Err("another one is fixed in the change set".to_owned()),
    }
    match &point.state {
        PointState::Usable => {}
        PointState::Partial(_) if rule.allow_partial => {}
        PointState::Partial(missing) => {
            return Err(format!(
                "parts are missing, which the plan does not allow: {missing}"
            ));
        }
        PointState::Pending => return Err("still being made".to_owned()),
        PointState::Failed(why) => return Err(format!("failed: {why}")),
        PointState::Unknown(state) => {
            return Err(format!("its state is not known to this version: {state}"));
        }
    }
    if let Wanted::Pinned(pinned) = rule.wanted {
        return within(point.reach, pinned.at);
    }
    let latest = rule.goal.min(point.reach.latest());
    if let Some(oldest) = rule.not_before.filter(|oldest| latest < *oldest) {
        return Err(format!(
            "{} before the oldest that the plan keeps, {}",
            far(latest, oldest),
            moment_words(oldest)
        ));
    }
    match point.reach {
        Reach::Moment(moment) if moment <= rule.goal => Ok(moment),
        Reach::Moment(moment) => match rule.wanted {
            Wanted::Point(_) => Ok(moment),
            Wanted::Nearest | Wanted::Backup(_) | Wanted::Pinned(_) => {
                Err(format!("{} after the goal", far(rule.goal, moment)))
            }
        },
        Reach::Window { from, to } if from > to => Err("its window is empty".to_owned()),
        Reach::Window { from, .. } if rule.goal < from => Err(format!(
            "its window begins at {}, {} after the goal",
            moment_words(from),
            far(rule.goal, from)
        )),
        Reach::Window { to, .. } => Ok(rule.goal.min(to)),
    }
}

/// True when a point belongs to a backup id: it was taken under it, or it is called so itself.
pub(super) fn belongs(point: &RecoveryPoint, backup: &str) -> bool {
    point.set.as_deref() == Some(backup) || point.id.as_str() == backup
}

fn within(reach: Reach, at: Timestamp) -> Result<Timestamp, String> {
    match reach {
        Reach::Moment(moment) if moment == at => Ok(at),
        Reach::Moment(moment) => Err(format!(
            "it brings back {} now, not {}",
            moment_words(moment),
            moment_words(at)
        )),
        Reach::Window { from, to } if from <= at && at <= to => Ok(at),
        Reach::Window { from, to } => Err(format!(
            "its window, {} to {}, no longer holds {}",
            moment_words(from),
            moment_words(to),
            moment_words(at)
        )),
    }
}

fn reason(rule: &Rule<'_>, best: &Candidate<'_>, refused: &[(&RecoveryPoint, String)]) -> String {
    let mut reason = match (rule.wanted, best.point.reach) {
        (Wanted::Pinned(_), _) => "fixed in the change set".to_owned(),
        (Wanted::Point(_), Reach::Moment(moment)) if moment > rule.goal => {
            format!(
                "named by the operator; {} after the goal",
                far(rule.goal, moment)
            )
        }
        (Wanted::Point(_), _) => "named by the operator".to_owned(),
        (Wanted::Backup(backup), _) => format!("of backup {backup}"),
        (Wanted::Nearest, Reach::Window { from, to }) if to < rule.goal => format!(
            "its window ends at {}, {} before the goal ({} long)",
            moment_words(to),
            far(to, rule.goal),
            far(from, to)
        ),
        (Wanted::Nearest, Reach::Window { from, to }) => {
            format!(
                "inside its window ({}, up to {})",
                far(from, to),
                moment_words(to)
            )
        }
        (Wanted::Nearest, Reach::Moment(_)) => "newest usable one not after the goal".to_owned(),
    };
    if let PointState::Partial(missing) = &best.point.state {
        reason.push_str(&format!(
            "; parts are missing, which the plan allows: {missing}"
        ));
    }
    if rule.wanted == Wanted::Nearest {
        let (mut unusable, mut later, mut window_from) = (0, 0, None);
        for (point, _) in refused
            .iter()
            .filter(|(point, _)| point.reach.latest() > best.at)
        {
            match point.reach {
                Reach::Moment(at) if at > rule.goal => later += 1,
                Reach::Window { from, .. } if from > rule.goal => {
                    window_from =
                        Some(window_from.map_or(from, |other: Timestamp| other.min(from)));
                }
                Reach::Moment(_) | Reach::Window { .. } => unusable += 1,
            }
        }
        if let Some(from) = window_from {
            reason.push_str(&format!(
                "; the window goes back only to {}",
                moment_words(from)
            ));
        }
        if unusable > 0 {
            reason.push_str(&format!("; {unusable} newer cannot be used"));
        }
        if later > 0 {
            reason.push_str(&format!("; {later} after the goal"));
        }
    }
    reason
}

fn passed_over(best: &Candidate<'_>, other: &Candidate<'_>) -> String {
    if other.at < best.at {
        format!("brings back {} less", far(other.at, best.at))
    } else if other.rank() == best.rank() {
        "brings back the same moment; the first by name was taken".to_owned()
    } else {
        "brings back the same moment".to_owned()
    }
}

fn nothing(
    rule: &Rule<'_>,
    points: &[RecoveryPoint],
    refused: &[(&RecoveryPoint, String)],
) -> String {
    if points.is_empty() {
        return "it has no recovery points".to_owned();
    }
    let about = |is_it: &dyn Fn(&RecoveryPoint) -> bool| {
        refused
            .iter()
            .find(|(point, _)| is_it(point))
            .map(|(_, reason)| reason.clone())
    };
    let newest = || {
        let mut points: Vec<&RecoveryPoint> = points.iter().collect();
        points.sort_by_key(|point| (Reverse(point.reach.latest()), &point.id));
        let ids: Vec<&str> = points
            .iter()
            .take(3)
            .map(|point| point.id.as_str())
            .collect();
        ids.join(", ")
    };
    match rule.wanted {
        Wanted::Point(id) => match about(&|point| point.id == *id) {
            Some(reason) => format!("the named point {id} cannot be used: {reason}"),
            None => format!("it has no point {id}; the newest are {}", newest()),
        },
        Wanted::Pinned(pinned) => match about(&|point| point.id == pinned.point.id) {
            Some(reason) => format!(
                "the point {} can no longer be used: {reason}",
                pinned.point.id
            ),
            None => format!("the point {} is gone", pinned.point.id),
        },
        Wanted::Backup(backup) => match about(&|point| belongs(point, backup)) {
            Some(reason) => format!("its point of backup {backup} cannot be used: {reason}"),
            None => format!(
                "backup {backup} has no point of it; the newest points are {}",
                newest()
            ),
        },
        Wanted::Nearest => {
            let nearest = refused
                .iter()
                .min_by_key(|(point, _)| (nearness(rule.goal, point), &point.id));
            let nearest = nearest.map(|(point, why)| format!("{}: {why}", point.title));
            let goal = moment_words(rule.goal);
            match (points.len(), nearest.unwrap_or_default()) {
                (1, nearest) => format!("its only point cannot be used for {goal}: {nearest}"),
                (n, nearest) => {
                    format!("none of its {n} points can be used for {goal}; nearest: {nearest}")
                }
            }
        }
    }
}

fn nearness(goal: Timestamp, point: &RecoveryPoint) -> i128 {
    let distance = |moment: Timestamp| (moment.as_nanosecond() - goal.as_nanosecond()).abs();
    match point.reach {
        Reach::Moment(moment) => distance(moment),
        Reach::Window { from, to } => distance(from).min(distance(to)),
    }
}

fn far(earlier: Timestamp, later: Timestamp) -> String {
    length_words(between(earlier, later).duration())
}
