//! The recovery points in what a survey saw: windows of continuous backups, and snapshots.

use salvor_contract::Error;
use salvor_contract::PointId;
use salvor_contract::PointState;
use salvor_contract::Reach;
use salvor_contract::RecoveryPoint;
use salvor_contract::Size;
use salvor_contract::Survey;
use salvor_contract::Values;
use serde::Deserialize;
use serde::Serialize;

use crate::settings::Settings;
use crate::snapshots::Snapshot;
use crate::state::State;
use crate::state::of_backups;
use crate::state::of_snapshot;
use crate::store::Backups;
use crate::store::Seen;
use crate::store::Window;

/// What a restore needs to know of its point.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Details {
    /// `snapshot`, `pitr`, `retained` or `replicated`.
    pub from: Source,
    /// The snapshot's identifier; of one that is shared its ARN.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<String>,
    /// The ARN of the snapshot, or of replicated backups.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arn: Option<String>,
    pub resource_id: String,
    pub region: String,
    pub engine: String,
    pub engine_version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allocated_storage: Option<i32>,
    pub encrypted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kms_key: Option<String>,
    /// The settings of the original.
    pub settings: Settings,
}

/// What a restore is made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Source {
    Snapshot,
    Pitr,
    Retained,
    Replicated,
}

/// The recovery points.
pub(crate) fn points(seen: &Survey) -> Result<Vec<RecoveryPoint>, Error> {
    let seen: Seen = Seen::deserialize(&seen.0).map_err(|error| {
        Error::refused(format!("not a survey of {}: {error}", crate::store::NAME))
    })?;
    let original = seen.database.as_ref().map(|database| &database.settings);
    let windows = seen
        .windows
        .iter()
        .filter_map(|window| of_window(window, original, &seen.region));
    let snapshots = seen
        .snapshots
        .iter()
        .filter_map(|snapshot| of_one_snapshot(snapshot, original, &seen.region));
    Ok(windows.chain(snapshots).collect())
}

fn of_window(window: &Window, original: Option<&Settings>, region: &str) -> Option<RecoveryPoint> {
    // Without its ends nothing can be chosen in it; the first automated backup is still to come.
    let (from, to) = (window.from?, window.to?);
    let (source, arn, title) = match &window.of {
        Backups::Present => (Source::Pitr, None, "PITR".to_owned()),
        Backups::Retained => (
            Source::Retained,
            None,
            format!("PITR of the deleted {}", window.resource_id),
        ),
        Backups::Replicated { arn, from } => (
            Source::Replicated,
            Some(arn.clone()),
            format!("PITR replicated from {from}"),
        ),
    };
    let id = match &window.of {
        Backups::Present | Backups::Retained => format!("pitr:{}", window.resource_id),
        Backups::Replicated { from, .. } => format!("pitr:{from}:{}", window.resource_id),
    };
    let details = Details {
        from: source,
        snapshot: None,
        arn,
        resource_id: window.resource_id.clone(),
        region: region.to_owned(),
        engine: window.engine.clone(),
        engine_version: window.engine_version.clone(),
        allocated_storage: window.allocated_gib,
        encrypted: window.is_encrypted,
        kms_key: window.kms_key.clone(),
        settings: settings_of(original, &Settings::default()),
    };
    Some(RecoveryPoint {
        id: PointId::new(id),
        reach: Reach::Window {
            from: from.min(to),
            to,
        },
        state: state(of_backups(&window.status), &window.status),
        size: None,
        objects: None,
        expires: None,
        set: None,
        title,
        details: Values::of(&details),
    })
}

fn of_one_snapshot(
    snapshot: &Snapshot,
    original: Option<&Settings>,
    region: &str,
) -> Option<RecoveryPoint> {
    let is_shared = snapshot.origin == "shared";
    let name = match is_shared {
        true => &snapshot.arn,
        false => &snapshot.name,
    };
    let details = Details {
        from: Source::Snapshot,
        snapshot: Some(name.clone()),
        arn: Some(snapshot.arn.clone()),
        resource_id: snapshot.resource_id.clone(),
        region: region.to_owned(),
        engine: snapshot.engine.clone(),
        engine_version: snapshot.engine_version.clone(),
        allocated_storage: snapshot.allocated_gib,
        encrypted: snapshot.is_encrypted,
        kms_key: snapshot.kms_key.clone(),
        settings: settings_of(original, &told(snapshot, region)),
    };
    let copied = match &snapshot.copy_of {
        Some(_) => ", a copy",
        None => "",
    };
    Some(RecoveryPoint {
        id: PointId::new(name),
        // One that is being taken has no moment yet.
        reach: Reach::Moment(snapshot.at?),
        state: state(of_snapshot(&snapshot.status), &snapshot.status),
        size: snapshot.bytes.map(Size),
        objects: None,
        expires: None,
        set: None,
        title: format!("{} snapshot {}{copied}", snapshot.origin, snapshot.name),
        details: Values::of(&details),
    })
}

/// What a snapshot tells of settings. An option group belongs to a region: a copy from another one names what is not here.
fn told(snapshot: &Snapshot, region: &str) -> Settings {
    let mut settings = snapshot.settings.clone();
    let source = snapshot.copy_of.as_deref().unwrap_or_default();
    let is_from_elsewhere = source.split(':').nth(3).is_some_and(|from| from != region);
    if is_from_elsewhere {
        settings.option_group = None;
    }
    settings
}

/// The settings that a restored database is to have: the original's, and of what is not told there any more what the
/// snapshot tells. A zone may be what was lost, so it is not among them; the key is that of the point.
fn settings_of(original: Option<&Settings>, snapshot: &Settings) -> Settings {
    let mut settings = match original {
        Some(original) => original.over(snapshot),
        None => snapshot.clone(),
    };
    settings.availability_zone = None;
    settings.kms_key = None;
    settings
}

fn state(state: State, status: &str) -> PointState {
    match state {
        State::Ready => PointState::Usable,
        State::Busy => PointState::Pending,
        State::Failed => PointState::Failed(status.to_owned()),
        State::Going => PointState::Failed(format!("{status}: it is being removed")),
        State::Unknown => PointState::Unknown(format!("status `{status}`")),
    }
}

#[cfg(test)]
mod tests {
    use salvor_contract::PointState;
    use salvor_contract::Reach;
    use salvor_contract::Survey;
    use serde_json::json;

    use super::points;

    fn snapshot(name: &str, status: &str, origin: &str) -> serde_json::Value {
        json!({
            "name": name, "arn": format!("arn:aws:rds:us-east-1:1:snapshot:{name}"), "database": "app",
            "resource_id": "db-A", "origin": origin, "status": status, "percent": 100,
            "at": "2026-04-05T02:00:00Z", "engine": "postgres", "engine_version": "16.4", "allocated_gib": 100,
            "bytes": null, "is_encrypted": true, "kms_key": "arn:k", "copy_of": null,
            "settings": {"port": 5432, "allocated-storage": 90}, "tags": {},
        })
    }

    #[test]
    fn a_window_and_snapshots_become_points_with_their_states() {
        let seen = json!({
            "region": "us-east-1",
            "database": {"resource_id": "db-A", "status": "available",
                         "settings": {"class": "db.m5.large", "availability-zone": "us-east-1a", "kms-key": "arn:k",
                                      "allocated-storage": 100}},
            "windows": [{"of": "present", "resource_id": "db-A", "status": "active",
                         "from": "2026-03-30T02:00:00Z", "to": "2026-04-06T01:55:00Z", "engine": "postgres",
                         "engine_version": "16.4", "allocated_gib": 100, "is_encrypted": true, "kms_key": "arn:k"}],
            "snapshots": [snapshot("rds:app-1", "available", "automated"), snapshot("app-2", "creating", "manual"),
                          snapshot("app-3", "failed", "manual"), snapshot("app-4", "reticulating", "manual")],
        });
        let points = points(&Survey(seen)).expect("points");
        let states: Vec<(&str, &PointState)> = points
            .iter()
            .map(|point| (point.id.as_str(), &point.state))
            .collect();
        assert_eq!(
            states,
            [
                ("pitr:db-A", &PointState::Usable),
                ("rds:app-1", &PointState::Usable),
                ("app-2", &PointState::Pending),
                ("app-3", &PointState::Failed("failed".to_owned())),
                (
                    "app-4",
                    &PointState::Unknown("status `reticulating`".to_owned())
                ),
            ]
        );
        assert!(matches!(points[0].reach, Reach::Window { .. }));
        let settings = points[1].details.get("settings").expect("settings");
        assert_eq!(
            settings,
            &json!({"class": "db.m5.large", "port": 5432, "allocated-storage": 100})
        );
    }
}
