//! Chooses for every store of a plan what is done with it, and collects what a reader must know about it.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use jiff::Timestamp;
use salvor_contract::ChosenPoint;
use salvor_contract::Period;
use salvor_contract::PointId;
use salvor_contract::RecoveryPoint;
use salvor_contract::StoreName;

use crate::change_set::Asked;
use crate::change_set::ChangeSet;
use crate::change_set::Choice;
use crate::change_set::LaterRule;
use crate::change_set::REJECTED_MAX;
use crate::change_set::Rejected;
use crate::change_set::StoreSelection;
use crate::change_set::Warning;
use crate::graph::Graph;
use crate::model::instance::Instance;
use crate::model::instance::Store;
use crate::model::instance::StoreClass;
use crate::recovery_points::compare;
use crate::recovery_points::rule::Judged;
use crate::recovery_points::rule::Rule;
use crate::recovery_points::rule::Wanted;
use crate::recovery_points::rule::belongs;
use crate::recovery_points::rule::choose;
use crate::recovery_points::sets::Member;
use crate::recovery_points::sets::choose_backup;
use crate::recovery_points::sets::is_continuous;
use crate::recovery_points::words::between;
use crate::recovery_points::words::moment_words;
use crate::survey::Surveyed;
use crate::survey::touched_stores;

/// What the operator asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// The moment or backup to go back to.
    pub asked: Asked,
    /// The goal that was resolved before: set when a change set is looked at again.
    pub goal: Option<Timestamp>,
    /// Points that the operator named, by store: the id of one, or a moment in its place.
    pub points: BTreeMap<StoreName, PointId>,
    /// Points that a change set fixed, by store.
    pub pinned: BTreeMap<StoreName, ChosenPoint>,
}

impl Request {
    /// Asks for this, and leaves the points to the selection.
    pub fn new(asked: Asked) -> Self {
        Self {
            asked,
            goal: None,
            points: BTreeMap::new(),
            pinned: BTreeMap::new(),
        }
    }

    /// Asks for exactly what a change set fixed, to see whether it still holds.
    pub fn again(approved: &ChangeSet) -> Self {
        let mut again = Self::new(approved.asked.clone());
        again.goal = Some(approved.goal);
        for selection in &approved.selections {
            let store = selection.store.clone();
            match &selection.choice {
                Choice::Restore(point) => {
                    again.pinned.insert(store, point.clone());
                }
                Choice::Later(LaterRule {
                    point: Some(point), ..
                }) => {
                    again.points.insert(store, point.clone());
                }
                Choice::Later(_) | Choice::Leave | Choice::Impossible => {}
            }
        }
        again
    }
}

/// What is done with every store.
#[derive(Clone, Debug, PartialEq)]
pub struct Selected {
    /// The moment to which the stores are brought.
    pub goal: Timestamp,
    /// One for each store, in the order of their names.
    pub selections: Vec<StoreSelection>,
    /// What a reader must know about points and pairs of stores.
    pub warnings: Vec<Warning>,
}

/// Chooses what is done with every store of the plan in this run.
pub fn select(plan: &Instance, graph: &Graph, surveyed: &Surveyed, request: &Request) -> Selected {
    let touched = touched_stores(plan, graph);
    let goal = request
        .goal
        .unwrap_or_else(|| goal_of(&request.asked, surveyed));
    let together = choose_together(plan, graph, surveyed, request, &touched, goal);
    let selections: Vec<StoreSelection> = plan
        .stores
        .iter()
        .map(|(name, store)| {
            let mut selection = StoreSelection {
                store: name.clone(),
                title: store.title.clone(),
                class: store.class,
                choice: Choice::Leave,
                reason: String::new(),
                rejected: Vec::new(),
                rejected_more: 0,
                loses: None,
                behind_goal: None,
                rpo: store.rpo.or(plan.scenario.rpo),
            };
            if !touched.contains(name) {
                selection.reason = why_left(store);
                return selection;
            }
            let named = named_moment(name, request, surveyed);
            let wanted = match named {
                Some(_) => Ok(Wanted::Nearest),
                None => wanted(name, request, &together),
            };
            if let Some(after) = store
                .known_after
                .as_ref()
                .filter(|step| graph.contains(step))
            {
                selection.reason = format!("chosen after `{after}`: {}", rule_words(&wanted));
                selection.choice = Choice::Later(LaterRule {
                    after: after.clone(),
                    not_after: goal,
                    not_before: oldest_kept(store, surveyed.at),
                    point: request.points.get(name).cloned(),
                    backup: match &wanted {
                        Ok(Wanted::Backup(backup)) => Some((*backup).to_owned()),
                        Ok(Wanted::Nearest | Wanted::Point(_) | Wanted::Pinned(_)) | Err(_) => None,
                    },
                    allow_partial: store.allow_partial,
                    behind_max: skew_max(plan, name)
                        .filter(|_| is_moment_of_backup(&request.asked)),
                });
                return selection;
            }
            let judged = match (surveyed.stores.get(name), wanted) {
                (Some(Ok(points)), Ok(wanted)) => choose(
                    &Rule {
                        goal: named
                            .or_else(|| together.moments.get(name).copied())
                            .unwrap_or(goal),
                        not_before: oldest_kept(store, surveyed.at),
                        wanted,
                        allow_partial: store.allow_partial,
                    },
                    points,
                ),
                (Some(Ok(_)), Err(reason)) => refused(reason),
                (Some(Err(unseen)), _) => refused(format!("it could not be seen: {unseen}")),
                (None, _) => refused("it has no kind, so no provider knows its points".to_owned()),
            };
            settle(&mut selection, judged, goal);
            if let Some(moment) = named {
                let words = moment_words(moment);
                selection.reason = format!("{}; {words} was named for it", selection.reason);
            }
            selection
        })
        .collect();
    let warnings = compare::warnings(plan, &selections, surveyed, goal, &request.asked);
    Selected {
        goal,
        selections,
        warnings,
    }
}

/// The moment that was asked for. The newest that there is, and a backup whose moment nobody can tell, are
/// resolved to the time of the survey, once.
fn goal_of(asked: &Asked, surveyed: &Surveyed) -> Timestamp {
    match asked {
        Asked::Latest => surveyed.at,
        Asked::At(moment) => *moment,
        Asked::Backup(backup) => {
            let points = surveyed
                .stores
                .values()
                .filter_map(|seen| seen.as_ref().ok())
                .flatten();
            let moments = points
                .filter(|point| belongs(point, backup))
                .map(|point| point.reach.latest());
            moments.max().unwrap_or(surveyed.at)
        }
    }
}

/// What the sets say of stores that must be brought back together with others.
#[derive(Default)]
struct Together {
    /// The backup id of a store, or why there is none.
    backups: BTreeMap<StoreName, Result<String, String>>,
    /// Members that reach any moment of a window, and have no points of a backup id.
    continuous: BTreeSet<StoreName>,
    /// The moment to which these follow their set, where it is known.
    moments: BTreeMap<StoreName, Timestamp>,
}

fn choose_together(
    plan: &Instance,
    graph: &Graph,
    surveyed: &Surveyed,
    request: &Request,
    touched: &BTreeSet<StoreName>,
    goal: Timestamp,
) -> Together {
    let mut chosen = Together::default();
    for (set_name, set) in &plan.sets {
        let is_free = |store: &&StoreName| {
            touched.contains(*store)
                && !request.points.contains_key(*store)
                && !request.pinned.contains_key(*store)
                && !chosen.backups.contains_key(*store)
                && !chosen.moments.contains_key(*store)
        };
        let members: Vec<&StoreName> = set.members.iter().filter(is_free).collect();
        let seen = |name: &StoreName| visible(plan, graph, surveyed, name);
        let (continuous, dated): (Vec<&StoreName>, Vec<&StoreName>) = members
            .iter()
            .partition(|name| seen(name).is_some_and(|member| is_continuous(member.points)));
        chosen
            .continuous
            .extend(continuous.iter().copied().cloned());
        let visible: Vec<Member<'_>> = dated.iter().filter_map(|name| seen(name)).collect();
        let followers: Vec<Member<'_>> = continuous.iter().filter_map(|name| seen(name)).collect();
        let is_asked = matches!(request.asked, Asked::Backup(_));
        if is_asked || members.len() < 2 || visible.is_empty() {
            continue;
        }
        let backup = choose_backup(goal, &visible, &followers, set.skew_max);
        if let Ok((_, moment)) = &backup {
            let follow = continuous.into_iter().cloned();
            chosen.moments.extend(follow.map(|store| (store, *moment)));
        }
        let backup = backup
            .map(|(id, _)| id)
            .map_err(|reason| format!("no backup of set `{set_name}` can be used: {reason}"));
        for store in dated {
            chosen.backups.insert(store.clone(), backup.clone());
        }
    }
    chosen
}

/// A store as a member of its set, unless it could not be seen or is known only during the run.
fn visible<'a>(
    plan: &'a Instance,
    graph: &Graph,
    surveyed: &'a Surveyed,
    name: &StoreName,
) -> Option<Member<'a>> {
    let (name, store) = plan.stores.get_key_value(name)?;
    let known_after = store.known_after.as_ref();
    let is_later = known_after.is_some_and(|step| graph.contains(step));
    let points: &[RecoveryPoint] = surveyed.stores.get(name)?.as_ref().ok()?;
    (!is_later).then_some(Member {
        store: name,
        points,
        allow_partial: store.allow_partial,
    })
}

/// The moment that the operator named for a store, where that is not the id of one of its points.
fn named_moment(name: &StoreName, request: &Request, surveyed: &Surveyed) -> Option<Timestamp> {
    let named = request.points.get(name)?;
    let points = surveyed.stores.get(name)?.as_ref().ok()?;
    let is_id = points.iter().any(|point| point.id == *named);
    named
        .as_str()
        .parse()
        .ok()
        .filter(|_| !is_id && !request.pinned.contains_key(name))
}

fn wanted<'a>(
    name: &StoreName,
    request: &'a Request,
    together: &'a Together,
) -> Result<Wanted<'a>, String> {
    if let Some(pinned) = request.pinned.get(name) {
        return Ok(Wanted::Pinned(pinned));
    }
    if let Some(point) = request.points.get(name) {
        return Ok(Wanted::Point(point));
    }
    match (&request.asked, together.backups.get(name)) {
        (Asked::Backup(_), _) if together.continuous.contains(name) => Ok(Wanted::Nearest),
        (Asked::Backup(backup), _) => Ok(Wanted::Backup(backup)),
        (Asked::Latest | Asked::At(_), Some(Ok(backup))) => Ok(Wanted::Backup(backup)),
        (Asked::Latest | Asked::At(_), Some(Err(reason))) => Err(reason.clone()),
        (Asked::Latest | Asked::At(_), None) => Ok(Wanted::Nearest),
    }
}

fn rule_words(wanted: &Result<Wanted<'_>, String>) -> String {
    match wanted {
        Ok(Wanted::Nearest) | Err(_) => "the newest usable one not after the goal".to_owned(),
        Ok(Wanted::Point(point)) => format!("{point}, as named by the operator"),
        Ok(Wanted::Backup(backup)) => format!("its point of backup {backup}"),
        Ok(Wanted::Pinned(pinned)) => format!("{}, as fixed in the change set", pinned.point.id),
    }
}

/// The goal is a moment that the points of a set must lie near. The newest that there is has no such moment: its
/// goal is the time of the survey, from which a weekly set may be days away.
fn is_moment_of_backup(asked: &Asked) -> bool {
    match asked {
        Asked::At(_) | Asked::Backup(_) => true,
        Asked::Latest => false,
    }
}

fn skew_max(plan: &Instance, name: &StoreName) -> Option<Period> {
    plan.sets
        .values()
        .filter(|set| set.members.contains(name))
        .filter_map(|set| set.skew_max)
        .min()
}

/// The oldest moment that a stated point may have: what a provider sees is there, whatever the plan says.
fn oldest_kept(store: &Store, now: Timestamp) -> Option<Timestamp> {
    let kept = store.backup.kept().filter(|_| store.is_stated)?;
    now.checked_sub(kept.duration()).ok()
}

fn refused(reason: String) -> Judged {
    Judged {
        chosen: Err(reason),
        rejected: Vec::new(),
    }
}

fn settle(selection: &mut StoreSelection, judged: Judged, goal: Timestamp) {
    match judged.chosen {
        Ok(chosen) => {
            selection.reason = chosen.reason;
            selection.behind_goal = Some(between(chosen.point.at, goal));
            selection.choice = Choice::Restore(chosen.point);
        }
        Err(reason) => {
            selection.reason = reason;
            selection.choice = Choice::Impossible;
        }
    }
    let listed: Vec<Rejected> = judged.rejected.iter().take(REJECTED_MAX).cloned().collect();
    selection.rejected_more = (judged.rejected.len() - listed.len()) as u64;
    selection.rejected = listed;
}

fn why_left(store: &Store) -> String {
    let because = match store.class {
        StoreClass::Ephemeral => "ephemeral",
        StoreClass::External => "external",
        StoreClass::InGit => "in version control",
        StoreClass::Rebuildable => "rebuildable, and no step of this scenario restores it",
        StoreClass::Authoritative | StoreClass::Replicated | StoreClass::Key => {
            "no step of this scenario restores it"
        }
    };
    match &store.why {
        Some(why) => format!("{because}, {why}"),
        None => because.to_owned(),
    }
}
