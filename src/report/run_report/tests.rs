//! Reports of made-up runs with a made-up clock, byte for byte, and what holds for every run.
//!
//! `UPDATE=1 cargo test reports_are_as_ever` writes the golden files anew.

use std::path::Path;

use jiff::SignedDuration;
use jiff::Timestamp;
use proptest::prelude::*;
use salvor_contract::Answer;
use salvor_contract::ChosenPoint;
use salvor_contract::Class;
use salvor_contract::Finding;
use salvor_contract::Judgement;
use salvor_contract::KindName;
use salvor_contract::Outcome;
use salvor_contract::Period;
use salvor_contract::PointState;
use salvor_contract::Reach;
use salvor_contract::RecoveryPoint;
use salvor_contract::StoreRequest;
use salvor_contract::Values;

use crate::change_set::ChangeSet;
use crate::change_set::Choice;
use crate::change_set::LaterRule;
use crate::change_set::PlannedStep;
use crate::change_set::PointSource;
use crate::change_set::StoreSelection;
use crate::digest::Digest;
use crate::execution::sample;
use crate::journal::Body;
use crate::journal::Decision;
use crate::journal::FailureKind;
use crate::journal::Found;
use crate::journal::Record;
use crate::journal::RunState;
use crate::journal::StopReason;
use crate::journal::Verdict;
use crate::journal::chain::Chain;
use crate::journal::lock::Holder;
use crate::model::instance::StoreClass;
use crate::report::Look;
use crate::report::Report;
use crate::report::change_set_text;

fn at(text: &str) -> Timestamp {
    text.parse().expect("a moment")
}

fn opened() -> Timestamp {
    at("2026-04-06T04:00:00Z")
}

fn holder(by: &str) -> Holder {
    Holder {
        by: by.to_owned(),
        host: "ops-1".to_owned(),
        boot: "boot".to_owned(),
        pid: 4711,
        started: 1,
    }
}

fn opening() -> Body {
    Body::Opened {
        lineage: "00".to_owned(),
        plan: "shop".to_owned(),
        scenario: "full".to_owned(),
        change_set: Digest::of_bytes(b"change set"),
        approval: "approval".to_owned(),
        goal: at("2026-04-06T03:20:00Z"),
        tool: "0.1.0".to_owned(),
        holder: holder("kim"),
    }
}

/// A journal of these records, each so many seconds after the opening of the run.
fn chain(bodies: Vec<(u64, Body)>) -> Chain {
    let mut records: Vec<Record> = Vec::new();
    let mut state: Option<RunState> = None;
    let mut epoch = 1;
    let opening = std::iter::once((0, opening()));
    for (seq, (second, body)) in (0_u64..).zip(opening.chain(bodies)) {
        epoch += u64::from(matches!(body, Body::Resumed { .. }));
        let record = Record {
            seq,
            prev: state
                .as_ref()
                .map_or_else(Digest::zero, |state| state.head.hash.clone()),
            run: "run".into(),
            epoch,
            nonce: format!("{seq:032}"),
            mono_ms: second * 1000,
            wall: opened()
                + SignedDuration::from_millis(i64::try_from(second * 1000).expect("short")),
            body,
        };
        let hash = record.line().0.hash;
        match &mut state {
            None => state = Some(RunState::begin(&record, &hash).expect("an opening")),
            Some(state) => state.apply(&record, &hash).expect("it may follow"),
        }
        records.push(record);
    }
    Chain {
        records,
        state: state.expect("it was opened"),
        torn_bytes: 0,
    }
}

fn intent(step: &str, attempt: u32) -> Body {
    Body::Intent {
        step: step.into(),
        attempt,
        op: format!("{step}-{attempt}").as_str().into(),
        class: Class::Named,
        inputs: Digest::of_bytes(b"inputs"),
    }
}

fn done(step: &str, attempt: u32, findings: &[(&str, &str)]) -> Body {
    let findings = findings.iter().map(|(subject, observed)| Finding {
        subject: (*subject).to_owned(),
        expected: (*observed).to_owned(),
        observed: (*observed).to_owned(),
        judgement: Judgement::Passed,
    });
    Body::Succeeded {
        step: step.into(),
        op: format!("{step}-{attempt}").as_str().into(),
        outcome: Outcome {
            findings: findings.collect(),
            ..Outcome::default()
        },
        adopted: false,
        took_ms: 0,
    }
}

fn failed(step: &str, attempt: u32, what: &str, again: bool) -> Body {
    Body::Failed {
        step: step.into(),
        op: Some(format!("{step}-{attempt}").as_str().into()),
        kind: FailureKind::Transient,
        what: what.to_owned(),
        hint: None,
        findings: Vec::new(),
        again,
    }
}

fn asked(step: &str) -> Body {
    Body::Asked {
        step: step.into(),
        question: "Does a test order go through?".to_owned(),
        role: Some("on-call".to_owned()),
        evidence: Some("text".to_owned()),
    }
}

fn answered(step: &str, text: &str) -> Body {
    Body::Answered {
        step: step.into(),
        answer: Answer {
            text: text.to_owned(),
            by: "robin".to_owned(),
            role: Some("on-call".to_owned()),
            at: opened(),
            file: Some(("ab".repeat(32), "order.png".to_owned())),
        },
    }
}

fn resumed() -> Body {
    Body::Resumed {
        holder: holder("robin"),
        why: "asked by robin".to_owned(),
        cut_bytes: 0,
    }
}

fn point(title: &str, moment: &str) -> ChosenPoint {
    ChosenPoint {
        point: RecoveryPoint {
            id: "p1".into(),
            reach: Reach::Moment(at(moment)),
            state: PointState::Usable,
            size: None,
            objects: None,
            expires: None,
            set: None,
            title: title.to_owned(),
            details: Values::new(),
        },
        at: at(moment),
    }
}

fn selection(store: &str, title: &str, choice: Choice) -> StoreSelection {
    StoreSelection {
        store: store.into(),
        title: title.to_owned(),
        class: StoreClass::Authoritative,
        choice,
        reason: "newest usable one not after the goal".to_owned(),
        rejected: Vec::new(),
        rejected_more: 0,
        loses: None,
        behind_goal: None,
        rpo: Some(Period::from_seconds(900)),
    }
}

/// A step that brings a store back.
fn restoring(mut step: PlannedStep, store: &str, point: PointSource) -> PlannedStep {
    step.store = Some(StoreRequest {
        store: store.into(),
        kind: KindName::new("simulated.database"),
        with: Values::new(),
        config: Values::new(),
    });
    step.point = point;
    step
}

/// A shop of four stores: one point is known, one only during the run, one store is only looked at, one left.
fn shop() -> ChangeSet {
    let orders = point("PITR of orders", "2026-04-06T03:20:00Z");
    let photos = point("snapshot nightly", "2026-04-05T18:30:00Z");
    let rule = LaterRule {
        after: "stop".into(),
        not_after: at("2026-04-06T03:20:00Z"),
        not_before: None,
        point: None,
        backup: None,
        allow_partial: false,
        behind_max: None,
    };
    let mut review = sample::step("review", &["start"]);
    review.asks = true;
    let mut look = sample::step("photos-there", &["stop"]);
    look.change = crate::change_set::Change::Unseen {
        effect: salvor_contract::Effect::Read,
        why: String::new(),
    };
    let mut change_set = sample::change_set(vec![
        sample::step("stop", &[]),
        restoring(
            sample::step("orders", &["stop"]),
            "orders",
            PointSource::Pinned(orders.clone()),
        ),
        restoring(
            sample::step("search", &["stop"]),
            "search",
            PointSource::Later(rule.clone()),
        ),
        restoring(look, "photos", PointSource::Pinned(photos.clone())),
        sample::step("start", &["orders", "search"]),
        review,
    ]);
    change_set.plan = "shop".to_owned();
    change_set.title = "Recover the shop".to_owned();
    change_set.goal = at("2026-04-06T03:20:00Z");
    change_set.surveyed = at("2026-04-06T03:26:00Z");
    change_set.scenario.rto = Some(Period::from_seconds(7200));
    let mut of_orders = selection("orders", "Orders database", Choice::Restore(orders));
    of_orders.behind_goal = Some(Period::ZERO);
    let mut sessions = selection("sessions", "", Choice::Leave);
    sessions.reason = "ephemeral, people log in again".to_owned();
    change_set.selections = vec![
        of_orders,
        selection("photos", "Product photos", Choice::Restore(photos)),
        selection("search", "Search index", Choice::Later(rule)),
        sessions,
    ];
    change_set
}

/// A run that is killed, taken up by another person, tries a step again, waits for a person, and ends well.
fn recovered() -> Chain {
    chain(vec![
        (1, intent("stop", 1)),
        (20, done("stop", 1, &[("replicas of web", "0")])),
        (21, intent("orders", 1)),
        (21, intent("photos-there", 1)),
        (
            22,
            Body::Chosen {
                store: "search".into(),
                step: "search".into(),
                point: point("snapshot 41", "2026-04-06T03:10:00Z"),
                reason: "the newest".to_owned(),
            },
        ),
        (22, intent("search", 1)),
        (40, done("photos-there", 1, &[("photos", "2000")])),
        (60, failed("search", 1, "busy <em>now</em>", true)),
        (120, intent("search", 2)),
        (300, done("search", 2, &[("rows of search", "9000")])),
        (960, resumed()),
        (
            961,
            Body::Probed {
                step: "orders".into(),
                op: "orders-1".into(),
                found: Found::InFlight { name: None },
            },
        ),
        (1800, done("orders", 1, &[("rows of orders", "50000")])),
        (1801, intent("start", 1)),
        (1860, done("start", 1, &[("replicas of web", "3")])),
        (1861, asked("review")),
        (2400, answered("review", "order 50017")),
        (2401, intent("review", 1)),
        (2402, done("review", 1, &[])),
        (
            2403,
            Body::Finished {
                verdict: Verdict::Green,
                summary: "6 of 6 steps done".to_owned(),
            },
        ),
    ])
}

/// A run in which one step fails for good, one cannot be found out, and a point is never chosen.
fn stopped() -> Chain {
    chain(vec![
        (1, intent("stop", 1)),
        (20, failed("stop", 1, "no route to host", false)),
        (
            21,
            Body::Halted {
                why: StopReason::Failure,
                detail: "1 step failed".to_owned(),
            },
        ),
        (600, resumed()),
        (
            601,
            Body::Decided {
                step: "stop".into(),
                decision: Decision::Retry,
                by: "robin".to_owned(),
                why: "the network is back".to_owned(),
            },
        ),
        (602, intent("stop", 2)),
        (620, done("stop", 2, &[])),
        (621, intent("orders", 1)),
        (
            8000,
            Body::Unknown {
                step: "orders".into(),
                op: "orders-1".into(),
                why: "no answer".to_owned(),
            },
        ),
        (
            8001,
            Body::Halted {
                why: StopReason::Unknown,
                detail: "what became of orders is not known".to_owned(),
            },
        ),
    ])
}

fn forms(report: &Report) -> [(&'static str, String); 4] {
    let json = serde_json::to_string_pretty(report).expect("a report is JSON");
    [
        ("txt", report.text()),
        ("md", report.markdown()),
        ("html", report.html()),
        ("json", json + "\n"),
    ]
}

#[test]
fn reports_are_as_ever() {
    let is_update = std::env::var_os("UPDATE").is_some();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/report");
    for (name, chain) in [("recovered", recovered()), ("stopped", stopped())] {
        for (form, made) in forms(&Report::of(&shop(), &chain)) {
            let path = folder.join(format!("{name}.{form}"));
            if is_update {
                std::fs::write(&path, &made).expect("the folder can be written");
            }
            let kept = std::fs::read_to_string(&path).expect("the golden file is there");
            assert_eq!(
                made,
                kept,
                "{} is not what is made: run `UPDATE=1 cargo test reports_are_as_ever`",
                path.display()
            );
        }
    }
}

#[test]
fn an_objective_is_met_only_once_the_store_is_back() {
    let text = Report::of(&shop(), &stopped()).text();
    for line in [
        "  RPO 15 min of orders: 0 s before the goal (open: it is not restored)\n",
        "  RPO 15 min of search: no point yet (open: its recovery point was not chosen)\n",
        "  RTO 2 h: 2 h 13 min so far (MISSED)\n",
        "  the RPO of search is open: its recovery point was not chosen\n",
    ] {
        assert!(text.contains(line), "`{line}` is missing in\n{text}");
    }
    assert!(!text.contains("(met)"), "{text}");
    let text = Report::of(&shop(), &recovered()).text();
    for line in [
        "  RPO 15 min of orders: 0 s before the goal (met)\n",
        "  RPO 15 min of search: 10 min before the goal (met)\n",
    ] {
        assert!(text.contains(line), "`{line}` is missing in\n{text}");
    }
}

#[test]
fn plan_and_report_say_the_same_loss() {
    let look = Look {
        width: 200,
        zone: None,
        with_details: false,
    };
    let planned = change_set_text(&shop(), &[], &look);
    let reported = Report::of(&shop(), &recovered()).text();
    for (store, begin, loses) in [
        ("orders", "  Orders database: PITR", Some("6 min")),
        ("photos", "  Product photos: snapshot", None),
        ("sessions", "  sessions: not restored;", None),
    ] {
        let row = planned.lines().find(|line| line.trim().starts_with(store));
        let row = row.expect("the plan names the store");
        assert!(
            row.contains(&format!("  {}  ", loses.unwrap_or("-"))),
            "{row}"
        );
        let line = reported.lines().find(|line| line.starts_with(begin));
        let line = line.expect("the report names the store");
        match loses {
            Some(loses) => assert!(line.contains(&format!("loses {loses},")), "{line}"),
            None => assert!(!line.contains("loses"), "{line}"),
        }
    }
}

#[test]
fn the_path_is_what_was_waited_for() {
    let names = |report: &Report| -> Vec<String> {
        report.deciding.iter().map(ToString::to_string).collect()
    };
    let report = Report::of(&shop(), &recovered());
    assert_eq!(names(&report), ["stop", "orders", "start", "review"]);

    // With one slot, a step waits for whoever has it, although it does not need it.
    let mut narrow = sample::change_set(vec![sample::step("a", &[]), sample::step("b", &[])]);
    let one_by_one = chain(vec![
        (1, intent("a", 1)),
        (50, done("a", 1, &[])),
        (50, intent("b", 1)),
        (90, done("b", 1, &[])),
    ]);
    assert_eq!(names(&Report::of(&narrow, &one_by_one)), ["b"]);
    narrow.limits.parallel = 1;
    assert_eq!(names(&Report::of(&narrow, &one_by_one)), ["a", "b"]);
}

/// Whether a page is one that a browser reads as it was meant: tags are closed in the order in which they were
/// opened, and nothing is fetched or run.
fn is_whole(page: &str) -> Result<(), String> {
    let (mut open, mut rest) = (Vec::new(), page);
    while let Some((_, after)) = rest.split_once('<') {
        let (tag, next) = after.split_once('>').ok_or("a tag is not closed")?;
        rest = next;
        if ["script", " src=", " href=", " on"]
            .iter()
            .any(|word| tag.contains(word))
        {
            return Err(format!("<{tag}> fetches or runs something"));
        }
        let name: String = tag
            .trim_start_matches('/')
            .chars()
            .take_while(char::is_ascii_alphanumeric)
            .collect();
        if tag.starts_with('/') {
            if open.pop() != Some(name.clone()) {
                return Err(format!("</{name}> closes something else"));
            }
        } else if !tag.ends_with('/') && !["!", "meta", "br", ""].contains(&name.as_str()) {
            open.push(name);
        }
    }
    let fetched = ["url(http", "@import"];
    match fetched.iter().find(|word| page.contains(**word)) {
        Some(word) => Err(format!("it has {word}")),
        None if open.is_empty() => Ok(()),
        None => Err(format!("{open:?} is open")),
    }
}

const HOSTILE: &str = "<script>x</script>\"' onload=y><svg/onload=z> `|` [a](b) \u{1b}[2J\u{202e}";

#[test]
fn what_comes_from_outside_stays_text() {
    let mut change_set = shop();
    change_set.title = HOSTILE.to_owned();
    for step in &mut change_set.steps {
        step.title = HOSTILE.to_owned();
    }
    for selection in &mut change_set.selections {
        selection.title = HOSTILE.to_owned();
        selection.reason = HOSTILE.to_owned();
    }
    let chain = chain(vec![
        (1, intent("stop", 1)),
        (2, done("stop", 1, &[(HOSTILE, HOSTILE)])),
        (3, intent("orders", 1)),
        (4, failed("orders", 1, HOSTILE, false)),
        (5, asked("review")),
        (6, answered("review", HOSTILE)),
    ]);
    let report = Report::of(&change_set, &chain);
    let page = report.html();
    assert_eq!(is_whole(&page), Ok(()));
    for (form, made) in forms(&report) {
        assert!(!made.contains('\u{1b}'), "{form}");
        let is_markup = match form {
            "md" | "html" => made.contains("<script") || made.contains("<svg/"),
            _ => false,
        };
        assert!(!is_markup, "{form}\n{made}");
    }
    assert!(!page.contains('\u{202e}'));
    assert!(!report.markdown().contains("[a](b)"));
}

#[test]
fn a_page_fits_a_phone_a_screen_and_paper() {
    let page = Report::of(&shop(), &recovered()).html();
    for what in [
        "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">",
        "overflow-wrap:anywhere",
        "@media(max-width:40rem)",
        "@media(prefers-color-scheme:dark)",
        "@media print",
        "role=\"img\" aria-labelledby=\"picture-title picture-what\" width=\"100%\"",
        "<title id=\"picture-title\">",
    ] {
        assert!(page.contains(what), "`{what}` is missing");
    }
    // Bars lie in the picture: places and widths are shares, and none ends beyond it.
    let picture = page
        .split("<svg class=\"picture\"")
        .nth(1)
        .expect("a picture");
    let picture = picture.split("</svg>").next().expect("its end");
    let share = |rect: &str, name: &str| -> f64 {
        let value = rect.split(&format!(" {name}=\"")).nth(1).expect("a place");
        let value = value.split('"').next().expect("its end");
        value.trim_end_matches('%').parse().expect("a number")
    };
    let bars: Vec<&str> = picture
        .split("<rect")
        .filter(|rect| rect.starts_with(" class=\"work\"") || rect.contains("url(#person)\""))
        .collect();
    assert_eq!(bars.len(), 8, "{bars:?}");
    for bar in bars {
        assert!(share(bar, "x") + share(bar, "width") <= 100.01, "{bar}");
    }
}

/// Records of a run of these steps, as far as it comes: each step begins when the ones before it have ended.
fn run_of(fates: &[u8], names: &[String]) -> Chain {
    let mut bodies = Vec::new();
    for ((second, name), fate) in (1_u64..).step_by(10).zip(names).zip(fates) {
        match fate % 6 {
            0 => continue,
            1 => bodies.push((second, intent(name, 1))),
            2 => {
                bodies.push((second, intent(name, 1)));
                bodies.push((second + 3, failed(name, 1, HOSTILE, true)));
                bodies.push((second + 4, intent(name, 2)));
                bodies.push((second + 5, done(name, 2, &[(HOSTILE, HOSTILE)])));
            }
            3 => {
                bodies.push((second, intent(name, 1)));
                bodies.push((second + 3, failed(name, 1, HOSTILE, false)));
            }
            4 => {
                bodies.push((second, asked(name)));
                bodies.push((second + 1, resumed()));
                bodies.push((second + 4, answered(name, HOSTILE)));
            }
            _ => bodies.push((
                second,
                Body::Skipped {
                    step: name.as_str().into(),
                    why: HOSTILE.to_owned(),
                },
            )),
        }
    }
    chain(bodies)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_step_stands_in_every_form(fates in proptest::collection::vec(any::<u8>(), 1..24)) {
        let names: Vec<String> = (0..fates.len()).map(|place| format!("step-{place}-of-many")).collect();
        let steps = names.iter().enumerate().map(|(place, name)| {
            let before = place.checked_sub(1).and_then(|before| names.get(before));
            let needs: Vec<&str> = before.map(String::as_str).into_iter().collect();
            sample::step(name, &needs)
        });
        let change_set = sample::change_set(steps.collect());
        let report = Report::of(&change_set, &run_of(&fates, &names));
        for (form, made) in forms(&report) {
            let mut rest = made.as_str();
            if form == "html" {
                prop_assert_eq!(is_whole(&made), Ok(()));
                // In the table as well as in the picture.
                rest = made.split("</svg>").last().expect("the table follows the picture");
            }
            for name in &names {
                prop_assert!(rest.contains(name.as_str()), "{} is missing in {}", name, form);
            }
        }
        for step in &report.steps {
            for span in &step.spans {
                prop_assert!(span.from_ms <= span.until_ms);
            }
        }
    }
}
