//! Stores whose recovery points an operator states.

use jiff::Timestamp;
use salvor_conformance::Surroundings;
use salvor_conformance::check_store;
use salvor_contract::Error;
use salvor_contract::Provider;
use salvor_contract::Reach;
use salvor_contract::RecoveryPoint;
use salvor_contract::StoreRequest;
use salvor_contract::Values;
use salvor_system::System;
use serde_json::Value;
use serde_json::json;

fn store(with: Value) -> StoreRequest {
    StoreRequest {
        store: "metadata".into(),
        kind: "system.manual".into(),
        with: serde_json::from_value(with).expect("a table"),
        config: Values::new(),
    }
}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .expect("a runtime")
        .block_on(work)
}

fn refusal(with: Value) -> String {
    let surroundings = Surroundings::virtual_time();
    let seen = run(async {
        System::new()
            .survey(&store(with), &surroundings.call())
            .await
    });
    match seen {
        Err(error @ Error::Refused { .. }) => error.to_string(),
        other => panic!("not refused: {other:?}"),
    }
}

/// The point of a store that conforms and has one only.
fn only_point(with: Value) -> RecoveryPoint {
    let (system, surroundings, stated) = (System::new(), Surroundings::virtual_time(), store(with));
    let mut points = run(async {
        check_store(&system, &surroundings, &stated)
            .await
            .expect("it conforms");
        let seen = system.survey(&stated, &surroundings.call()).await;
        let seen = seen.expect("what was stated");
        system.recovery_points(&stated, &seen).expect("a point")
    });
    assert_eq!(points.len(), 1);
    points.remove(0)
}

fn moment(text: &str) -> Timestamp {
    text.parse().expect("a moment")
}

#[test]
fn a_stated_point_conforms_and_is_the_only_one() {
    let point = only_point(json!({
        "place": "RDS snapshots of app-1",
        "at": "2020-04-05T02:00:00Z",
        "id": "rds:app-1-2020-04-05",
        "id-pattern": "rds:[a-z0-9-]+",
        "set": "nightly",
    }));
    assert_eq!(point.id.as_str(), "rds:app-1-2020-04-05");
    assert_eq!(point.set.as_deref(), Some("nightly"));
    assert_eq!(point.reach, Reach::Moment(moment("2020-04-05T02:00:00Z")));
}

#[test]
fn a_window_reaches_from_its_first_moment_to_its_last() {
    let point = only_point(json!({
        "place": "PITR of app-1",
        "from": "2020-04-01T00:00:00Z",
        "at": "2020-04-05T02:00:00Z",
    }));
    let (from, to) = (
        moment("2020-04-01T00:00:00Z"),
        moment("2020-04-05T02:00:00Z"),
    );
    assert_eq!(point.reach, Reach::Window { from, to });
}

#[test]
fn what_cannot_be_is_refused() {
    let place = "RDS snapshots of app-1";
    let nobody = refusal(json!({ "place": place }));
    assert_eq!(nobody, "nobody has stated its recovery point");
    let future = refusal(json!({ "place": place, "at": "2999-01-01T00:00:00Z" }));
    assert!(future.contains("has not come yet"), "{future}");
    let reversed = refusal(json!({
        "place": place, "from": "2020-04-05T02:00:01Z", "at": "2020-04-05T02:00:00Z",
    }));
    assert!(reversed.contains("ends before"), "{reversed}");
    let id = refusal(json!({
        "place": place, "at": "2020-04-05T02:00:00Z", "id": "today", "id-pattern": "rds:.+",
    }));
    assert!(id.contains("`today` does not match rds:.+"), "{id}");
}
