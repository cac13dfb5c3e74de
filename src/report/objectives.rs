//! The objectives of a change set, each with what can be said of it before the run.

use std::collections::BTreeMap;
use std::time::Duration;

use salvor_contract::Period;
use salvor_contract::StepName;
use salvor_contract::StoreName;

use crate::change_set::ChangeSet;
use crate::change_set::Choice;
use crate::change_set::PlannedStep;
use crate::change_set::StoreSelection;
use crate::recovery_points::length_words;

/// What can be said of an objective before the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Outlook {
    /// It will be missed.
    Missed,
    /// There is no point to bring the store back from.
    NoPoint,
    /// It will be met, by what is known now.
    Met,
    /// Only the run can tell.
    Later,
}

impl Outlook {
    /// In words that stand before the names of stores.
    fn of_stores(self) -> &'static str {
        match self {
            Self::Missed => "MISSED by",
            Self::NoPoint => "NO POINT for",
            Self::Met => "met by",
            Self::Later => "known only during the run for",
        }
    }

    /// In words that stand alone.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Missed => "MISSED",
            Self::NoPoint => "NO POINT",
            Self::Met => "met",
            Self::Later => "known only during the run",
        }
    }
}

/// The RPO of each store that has one, and what can be said of it.
pub(super) fn rpo_outlooks(
    change_set: &ChangeSet,
) -> impl Iterator<Item = (&StoreName, Period, Outlook)> {
    let is_held = |selection: &&StoreSelection| selection.choice != Choice::Leave;
    let selections = change_set.selections.iter().filter(is_held);
    selections.filter_map(|selection| {
        let rpo = selection.rpo?;
        Some((&selection.store, rpo, rpo_outlook(rpo, selection)))
    })
}

/// How far a store's point lies before the goal is held against its RPO.
fn rpo_outlook(rpo: Period, selection: &StoreSelection) -> Outlook {
    match (&selection.choice, selection.behind_goal) {
        (Choice::Restore(_), Some(behind)) if behind <= rpo => Outlook::Met,
        (Choice::Restore(_), Some(_)) => Outlook::Missed,
        (Choice::Later(_), _) => Outlook::Later,
        (Choice::Restore(_) | Choice::Leave | Choice::Impossible, _) => Outlook::NoPoint,
    }
}

/// What can be said of the time: what is known of the critical path is held against the RTO.
pub(super) fn rto_outlook(change_set: &ChangeSet, rto: Period) -> Outlook {
    let length = change_set.forecast.length;
    if known_length(change_set) > rto.duration() {
        Outlook::Missed
    } else if length.is_some() {
        Outlook::Met
    } else {
        Outlook::Later
    }
}

/// The length of the critical path, as far as it is known.
fn known_length(change_set: &ChangeSet) -> Duration {
    let known = on_path(change_set).filter_map(|step| step.predicted.as_ref());
    let sum = known.fold(Duration::ZERO, |sum, predicted| {
        sum.saturating_add(predicted.length.duration())
    });
    change_set.forecast.length.map_or(sum, Period::duration)
}

fn on_path(change_set: &ChangeSet) -> impl Iterator<Item = &PlannedStep> {
    let path = &change_set.forecast.critical_path;
    let steps = change_set.steps.iter();
    steps.filter(|step| path.contains(&step.name))
}

/// Each objective with its verdict.
pub(super) fn objective_rows(change_set: &ChangeSet) -> Vec<Vec<String>> {
    let mut by_rpo: BTreeMap<Period, BTreeMap<Outlook, Vec<String>>> = BTreeMap::new();
    for (store, rpo, outlook) in rpo_outlooks(change_set) {
        let mut name = store.to_string();
        let selection = change_set.selections.iter().find(|s| s.store == *store);
        if let (Outlook::Missed, Some(behind)) = (outlook, selection.and_then(|s| s.behind_goal)) {
            name.push_str(&format!(" ({})", words(behind)));
        }
        let by_outlook = by_rpo.entry(rpo).or_default();
        by_outlook.entry(outlook).or_default().push(name);
    }
    let mut table: Vec<Vec<String>> = Vec::new();
    for (rpo, by_outlook) in &by_rpo {
        let said = by_outlook.iter();
        let said =
            said.map(|(outlook, stores)| format!("{} {}", outlook.of_stores(), stores.join(", ")));
        let said: Vec<String> = said.collect();
        table.push(vec![format!("RPO {}", words(*rpo)), said.join("; ")]);
    }
    let rto = change_set.scenario.rto;
    let name = rto.map_or_else(|| "time".to_owned(), |rto| format!("RTO {}", words(rto)));
    table.push(vec![name, rto_words(change_set, rto)]);
    table
}

fn rto_words(change_set: &ChangeSet, rto: Option<Period>) -> String {
    let forecast = &change_set.forecast;
    let path: Vec<&str> = forecast
        .critical_path
        .iter()
        .map(|name| name.as_str())
        .collect();
    let mut sources: Vec<&str> = on_path(change_set)
        .filter_map(|step| step.predicted.as_ref())
        .map(|predicted| predicted.from.as_str())
        .collect();
    sources.sort_unstable();
    sources.dedup();
    let verdict = match rto.map(|rto| rto_outlook(change_set, rto)) {
        Some(Outlook::Missed) => "MISSED: ",
        Some(Outlook::NoPoint | Outlook::Met | Outlook::Later) | None => "",
    };
    let known = known_length(change_set);
    let amount = match (forecast.length, known.is_zero()) {
        (Some(length), _) => format!("about {}", words(length)),
        (None, false) => format!("at least {}", length_words(known)),
        (None, true) => "not known".to_owned(),
    };
    let mut said = format!("{verdict}{amount}: {}", path.join(" → "));
    if !sources.is_empty() {
        said.push_str(&format!("; from {}", sources.join(", ")));
    }
    let is_on_path = |name: &&StepName| forecast.critical_path.contains(*name);
    let without: Vec<&str> = forecast
        .no_data
        .iter()
        .filter(is_on_path)
        .map(|name| name.as_str())
        .collect();
    if !without.is_empty() {
        said.push_str(&format!("; no data for {}", without.join(", ")));
    }
    said
}

fn words(period: Period) -> String {
    length_words(period.duration())
}
