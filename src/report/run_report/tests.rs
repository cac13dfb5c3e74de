//! Reports of made-up runs with a made-up clock, byte for byte, and what holds for every run.
//!
//! `UPDATE=1 cargo test reports_are_as_ever` writes the golden files anew.

mod world;

use std::path::Path;

use proptest::prelude::*;
use salvor_contract::Finding;
use salvor_contract::Judgement;
use serde_json::json;

use crate::execution::sample;
use crate::journal::Body;
use crate::journal::FailureKind;
use crate::journal::chain::Chain;
use crate::report::Look;
use crate::report::Report;
use crate::report::change_set_text;
use crate::report::run_report::tests::world::answered;
use crate::report::run_report::tests::world::asked;
use crate::report::run_report::tests::world::chain;
use crate::report::run_report::tests::world::done;
use crate::report::run_report::tests::world::failed;
use crate::report::run_report::tests::world::intent;
use crate::report::run_report::tests::world::recovered;
use crate::report::run_report::tests::world::resumed;
use crate::report::run_report::tests::world::shop;
use crate::report::run_report::tests::world::stopped;

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
fn a_store_that_steps_only_ask_about_is_not_back() {
    let mut change_set = shop();
    for step in &mut change_set.steps {
        if step.name.as_str() == "orders" {
            (step.role, step.store) = (None, None);
            let ask = json!({"$template": "Is {{stores.orders.point.id}} the newest one?"});
            step.with.set("ask", ask);
        }
    }
    let text = Report::of(&change_set, &recovered()).text();
    for line in [
        "  Orders database: looked at, and not changed.\n",
        "  Product photos: looked at, and not changed.\n",
    ] {
        assert!(text.contains(line), "`{line}` is missing in\n{text}");
    }
    for said in ["of orders: ", "of photos: "] {
        assert!(!text.contains(said), "`{said}` is in\n{text}");
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

#[test]
fn the_path_of_thousands_of_steps_is_found() {
    let names: Vec<String> = (0..5_000).map(|place| format!("step-{place}")).collect();
    let steps = names.iter().map(|name| sample::step(name, &[])).collect();
    let mut change_set = sample::change_set(steps);
    change_set.limits.parallel = 10;
    let (mut bodies, mut now) = (Vec::new(), 1);
    for together in names.chunks(10) {
        bodies.extend(together.iter().map(|name| (now, intent(name, 1))));
        bodies.extend(together.iter().map(|name| (now + 1, done(name, 1, &[]))));
        now += 1;
    }
    let report = Report::of(&change_set, &chain(bodies));
    assert_eq!(report.deciding.len(), 500);
}

#[test]
fn checks_that_failed_were_checks() {
    let missing = |step: &str, judgements: &[Judgement]| Body::Failed {
        step: step.into(),
        op: Some(format!("{step}-1").as_str().into()),
        kind: FailureKind::Finding,
        what: "rows: expected 9, found 1".to_owned(),
        hint: None,
        findings: judgements
            .iter()
            .map(|judgement| Finding {
                subject: "rows".to_owned(),
                expected: "9".to_owned(),
                observed: "1".to_owned(),
                judgement: *judgement,
            })
            .collect(),
        again: false,
    };
    let chain = chain(vec![
        (1, intent("stop", 1)),
        (2, done("stop", 1, &[])),
        (3, intent("orders", 1)),
        (4, missing("orders", &[Judgement::Failed])),
        (5, intent("search", 1)),
        // The same words of another step are another finding.
        (
            6,
            missing(
                "search",
                &[
                    Judgement::Failed,
                    Judgement::Failed,
                    Judgement::Inconclusive,
                ],
            ),
        ),
        (
            7,
            Body::Aborted {
                by: "robin".to_owned(),
                why: "enough".to_owned(),
            },
        ),
    ]);
    let text = Report::of(&shop(), &chain).text();
    for line in [
        "  4 things were checked: 0 as expected, 3 not as expected, 1 could not be found out; 9 points are not proved.\n",
        "  orders failed: rows: expected 9, found 1\n",
        "  search failed: rows: expected 9, found 1\n  search: rows: expected 9, found 1\n  search: rows could not be found out: 1\n",
        "  Orders database: not back. It was to come back as it was on 2026-04-06 at 03:20:00 UTC; what is in it now was not looked at.\n",
        "  Search index: not back, and from which moment was never chosen.\n",
    ] {
        assert!(text.contains(line), "`{line}` is missing in\n{text}");
    }
    assert!(!text.contains("nothing was checked"), "{text}");
}

#[test]
fn a_step_that_waits_for_its_next_try_was_begun() {
    let chain = chain(vec![
        (1, intent("stop", 1)),
        (2, failed("stop", 1, "busy", true)),
    ]);
    let text = Report::of(&shop(), &chain).text();
    for line in [
        "  0 of its 6 steps are done; 1 begun and not done, 5 not begun.\n",
        "  stop was begun and is not done\n",
    ] {
        assert!(text.contains(line), "`{line}` is missing in\n{text}");
    }
}

#[test]
fn a_line_of_somebody_else_is_not_one_of_the_report() {
    let forged = "ok\n\nProved\n  all rows";
    let chain = chain(vec![
        (1, asked("review")),
        (2, answered("review", forged)),
        (3, intent("review", 1)),
        (4, done("review", 1, &[("rows\nProved", "1")])),
    ]);
    let text = Report::of(&shop(), &chain).text();
    let proved = text.lines().filter(|line| line.starts_with("Proved"));
    assert_eq!(proved.count(), 1, "{text}");
    assert!(text.contains("ok  Proved   all rows"), "{text}");
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
        // Columns of single words are not squeezed until a word is broken.
        "thead th{white-space:nowrap}td{min-width:4.5rem}",
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
