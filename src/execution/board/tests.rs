//! What may start when, by needs, by length and by the limits.

use std::time::Duration;

use salvor_contract::Identity;
use salvor_contract::StepName;
use serde_json::json;

use super::Board;
use super::Phase;
use crate::change_set::PlannedStep;
use crate::execution::sample::change_set;
use crate::execution::sample::lasting;
use crate::execution::sample::step;

fn board(steps: Vec<PlannedStep>) -> Board {
    Board::new(&change_set(steps))
}

/// Takes what may start, all of it.
fn taken(board: &mut Board) -> Vec<String> {
    std::iter::from_fn(|| board.take(Duration::ZERO))
        .map(|name| name.to_string())
        .collect()
}

fn name(text: &str) -> StepName {
    StepName::new(text)
}

#[test]
fn a_step_starts_when_all_that_it_needs_has_succeeded() {
    let mut board = board(vec![step("a", &[]), step("b", &[]), step("c", &["a", "b"])]);
    assert_eq!(taken(&mut board), ["a", "b"]);
    board.ended(&name("a"), Phase::Succeeded);
    assert!(taken(&mut board).is_empty());
    board.ended(&name("b"), Phase::Succeeded);
    assert_eq!(taken(&mut board), ["c"]);
}

#[test]
fn the_longest_path_goes_first() {
    let mut board = board(vec![
        lasting(step("short", &[]), 1),
        lasting(step("long", &[]), 2),
        lasting(step("tail", &["long"]), 100),
    ]);
    assert_eq!(taken(&mut board), ["long", "short"]);
    let seconds = Duration::from_secs;
    let left = board.critical_path_left(Duration::ZERO);
    assert_eq!(left.at(Duration::ZERO), seconds(102));
    assert_eq!(left.at(seconds(1)), seconds(101));
    // What lasts longer than predicted does not eat up the time of what follows.
    assert_eq!(left.at(seconds(60)), seconds(100));
}

#[test]
fn a_failed_need_is_never_started_and_an_after_is() {
    let mut late = step("late", &[]);
    late.after = vec![name("broken")];
    let mut board = board(vec![step("broken", &[]), step("child", &["broken"]), late]);
    assert_eq!(taken(&mut board), ["broken"]);
    board.ended(&name("broken"), Phase::Failed);
    assert_eq!(taken(&mut board), ["late"]);
    assert_eq!(board.phase(&name("child")), Phase::NotStarted);
}

#[test]
fn limits_hold_for_all_for_providers_and_for_targets() {
    let mut steps: Vec<PlannedStep> = ["a", "b", "c", "d"].map(|name| step(name, &[])).into();
    steps[0].writes = vec![Identity::new("file", "x")];
    steps[1].writes = vec![Identity::new("file", "x")];
    let mut set = change_set(steps);
    set.limits.parallel = 3;
    let mut board = Board::new(&set);
    assert_eq!(taken(&mut board), ["a", "c", "d"]);
    board.ended(&name("c"), Phase::Succeeded);
    assert!(
        taken(&mut board).is_empty(),
        "the target of b is still written"
    );
    board.ended(&name("a"), Phase::Succeeded);
    assert_eq!(taken(&mut board), ["b"]);

    set.limits.providers.insert("simulated".to_owned(), 1);
    assert_eq!(taken(&mut Board::new(&set)), ["a"]);
}

#[test]
fn a_step_that_asks_takes_no_slot() {
    let mut asking = step("ask", &[]);
    asking.asks = true;
    let mut set = change_set(vec![asking, step("work", &[])]);
    set.limits.parallel = 1;
    assert_eq!(taken(&mut Board::new(&set)), ["ask", "work"]);
}

fn with_finally() -> Vec<PlannedStep> {
    let mut start = step("start", &["stop", "load"]);
    start.finally = true;
    start
        .with
        .set("replicas", json!({"$template": "{{steps.stop.previous}}"}));
    vec![
        step("stop", &[]),
        step("load", &["stop"]),
        start,
        step("smoke", &["start"]),
    ]
}

#[test]
fn finally_runs_after_a_failure_when_what_it_refers_to_is_there() {
    let mut board = board(with_finally());
    assert_eq!(taken(&mut board), ["stop"]);
    board.ended(&name("stop"), Phase::Succeeded);
    assert_eq!(taken(&mut board), ["load"]);
    board.ended(&name("load"), Phase::Failed);
    board.wind_down();
    assert_eq!(taken(&mut board), ["start"]);
    board.ended(&name("start"), Phase::Succeeded);
    assert_eq!(board.phase(&name("smoke")), Phase::NotStarted);
}

#[test]
fn finally_does_not_run_when_there_is_nothing_to_finish() {
    let mut board = board(with_finally());
    assert_eq!(taken(&mut board), ["stop"]);
    board.ended(&name("stop"), Phase::Failed);
    board.wind_down();
    assert!(taken(&mut board).is_empty());
    assert_eq!(board.phase(&name("start")), Phase::NotStarted);
}

#[test]
fn finally_does_not_run_while_an_outcome_is_unknown() {
    let mut board = board(with_finally());
    assert_eq!(taken(&mut board), ["stop"]);
    board.ended(&name("stop"), Phase::Succeeded);
    assert_eq!(taken(&mut board), ["load"]);
    board.ended(&name("load"), Phase::Unknown);
    board.wind_down();
    assert!(taken(&mut board).is_empty());
}

#[test]
fn a_step_that_is_done_keeps_its_place_when_what_it_needs_failed_since() {
    let mut board = board(vec![
        step("a", &[]),
        step("b", &["a"]),
        step("c", &["b"]),
        step("d", &["c"]),
    ]);
    let names = ["a", "b", "c"].map(name);
    let phases = [Phase::Failed, Phase::Succeeded, Phase::Running];
    let stands: Vec<(&StepName, Phase)> = names.iter().zip(phases).collect();
    board.take_over(&stands, Duration::ZERO);
    assert_eq!(board.phase(&name("b")), Phase::Succeeded);
    assert_eq!(board.phase(&name("d")), Phase::Waiting);
    board.ended(&name("c"), Phase::Succeeded);
    assert_eq!(taken(&mut board), ["d"]);
}

#[test]
fn nothing_starts_after_a_stop() {
    let mut board = board(with_finally());
    board.stop();
    assert!(taken(&mut board).is_empty());
}
