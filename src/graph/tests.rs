//! The graph against its rules: closure, order, cycles, longest paths, and that drawings say it all.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::any;
use proptest::prop_assert;
use proptest::prop_assert_eq;
use proptest::proptest;
use salvor_contract::Effect;
use salvor_contract::StepName;

use crate::graph::Graph;
use crate::graph::GraphError;
use crate::graph::Picture;
use crate::graph::dot;
use crate::graph::mermaid;
use crate::graph::samples::names;
use crate::graph::samples::plan;
use crate::graph::samples::step;
use crate::graph::svg;
use crate::graph::text;
use crate::model::instance::Instance;
use crate::model::instance::Step;

fn with(needs: &[&str], references: &[&str], after: &[&str]) -> Step {
    Step {
        needs: names(needs).into_iter().collect(),
        references: names(references).into_iter().collect(),
        after: names(after).into_iter().collect(),
        ..step("simulated.run")
    }
}

fn finally(needs: &[&str], after: &[&str]) -> Step {
    Step {
        finally: true,
        ..with(needs, &[], after)
    }
}

fn order(plan: &Instance) -> Vec<String> {
    let graph = Graph::of(plan).expect("a plan without a cycle");
    graph.steps().iter().map(StepName::to_string).collect()
}

fn calabi() -> Instance {
    plan(
        vec![
            ("infra", with(&[], &[], &[])),
            ("metadata", with(&["infra"], &[], &[])),
            ("stop", with(&["infra"], &[], &[])),
            ("pipelines", with(&["stop"], &["metadata"], &[])),
            ("search", with(&["infra"], &[], &["metadata"])),
            (
                "start",
                Step {
                    finally: true,
                    ..with(&["pipelines"], &["stop"], &[])
                },
            ),
            ("smoke", with(&["pipelines"], &[], &["search", "start"])),
        ],
        &["smoke"],
    )
}

#[test]
fn a_run_is_the_goal_and_all_that_it_needs_and_what_ends_it() {
    assert_eq!(
        order(&calabi()),
        ["infra", "metadata", "stop", "pipelines", "start", "smoke"]
    );
    let mut full = calabi();
    full.scenario.goal = names(&["smoke", "search"]);
    assert_eq!(
        order(&full),
        [
            "infra",
            "metadata",
            "search",
            "stop",
            "pipelines",
            "start",
            "smoke"
        ]
    );
    let graph = Graph::of(&full).expect("no cycle");
    let smoke = StepName::from("smoke");
    assert_eq!(graph.needs(&smoke), [&StepName::from("pipelines")]);
    assert_eq!(
        graph.after(&smoke),
        [&StepName::from("search"), &StepName::from("start")]
    );
}

#[test]
fn a_finally_step_comes_only_with_the_steps_that_it_is_about() {
    let steps = |goal: &[&str]| {
        order(&plan(
            vec![
                ("a", with(&[], &[], &[])),
                ("b", with(&[], &[], &[])),
                ("undo-a", finally(&["a"], &[])),
                ("undo-both", finally(&["a", "b"], &[])),
                ("tell", finally(&[], &[])),
                ("undo-undo-a", finally(&["undo-a"], &[])),
                ("tidy", finally(&[], &["b", "undo-both"])),
            ],
            goal,
        ))
    };
    assert_eq!(steps(&["a"]), ["a", "tell", "undo-a", "undo-undo-a"]);
    assert_eq!(steps(&["b"]), ["b", "tell", "tidy"]);
    assert_eq!(
        steps(&["a", "b"]),
        [
            "a",
            "b",
            "tell",
            "undo-a",
            "undo-both",
            "tidy",
            "undo-undo-a"
        ]
    );
}

#[test]
fn a_finally_step_comes_for_the_outputs_it_uses_and_brings_nothing_along() {
    let steps = |goal: &[&str]| {
        order(&plan(
            vec![
                ("stop", with(&[], &[], &[])),
                ("restore", with(&["stop"], &[], &[])),
                (
                    "start",
                    Step {
                        finally: true,
                        ..with(&["restore"], &["stop"], &[])
                    },
                ),
                ("undo-absent", finally(&["absent"], &[])),
                ("undo-one", finally(&["absent", "restore"], &[])),
                ("tidy-absent", finally(&[], &["absent"])),
            ],
            goal,
        ))
    };
    assert_eq!(steps(&["stop"]), ["stop", "start"]);
    assert_eq!(
        steps(&["restore"]),
        ["stop", "restore", "start", "undo-one"]
    );
    assert_eq!(
        steps(&["start"]),
        ["stop", "restore", "start", "undo-one"],
        "as a goal it brings along what it needs"
    );
}

#[test]
fn a_needed_step_whose_condition_does_not_hold_counts_as_done_and_its_output_is_missed() {
    let mut plan = plan(vec![("b", with(&["absent"], &[], &["absent"]))], &["b"]);
    assert_eq!(order(&plan), ["b"]);
    plan.steps.insert("b".into(), with(&[], &["absent"], &[]));
    assert_eq!(
        Graph::of(&plan).map_err(|error| error.to_string()),
        Err("step `b` uses an output of `absent`, which is not part of this run".to_owned())
    );
    plan.scenario.goal = names(&["absent"]);
    assert!(matches!(Graph::of(&plan), Err(GraphError::Empty { .. })));
}

#[test]
fn a_cycle_is_named_from_its_first_step_back_to_it() {
    let plan = plan(
        vec![
            ("a", with(&["b"], &[], &[])),
            ("b", with(&[], &[], &["c"])),
            ("c", with(&[], &["b"], &[])),
            ("z", with(&["a", "c"], &[], &[])),
        ],
        &["z"],
    );
    let error = Graph::of(&plan).expect_err("b and c wait for each other");
    assert_eq!(
        error.to_string(),
        "these steps wait for each other: b → c → b"
    );
}

#[test]
fn the_critical_path_is_the_longest_one_and_unknown_lengths_stand_on_it() {
    let graph = Graph::of(&calabi()).expect("no cycle");
    let minutes = |name: &StepName| {
        Duration::from_secs(
            60 * match name.as_str() {
                "metadata" => 12,
                "pipelines" => 7,
                "stop" => 1,
                _ => 0,
            },
        )
    };
    let path = graph.critical_path(minutes);
    assert_eq!(
        path.steps,
        names(&["infra", "metadata", "pipelines", "start", "smoke"])
    );
    assert_eq!(path.length, Duration::from_secs(19 * 60));
    let remaining: Vec<u64> = graph
        .remaining(minutes)
        .iter()
        .map(|d| d.as_secs() / 60)
        .collect();
    assert_eq!(remaining, [19, 19, 8, 7, 0, 0]);
}

#[test]
fn a_drawing_leaves_out_what_other_edges_say_and_escapes_what_a_plan_says() {
    let mut plan = calabi();
    plan.steps.insert(
        "smoke".into(),
        with(&["pipelines", "infra"], &[], &["start"]),
    );
    plan.steps.get_mut("smoke").expect("there").title = "Is \"it\" <up> & well?".to_owned();
    let graph = Graph::of(&plan).expect("no cycle");
    let critical = graph.critical_path(|_| Duration::ZERO).steps;
    let picture = Picture::of(&graph, &plan, |_| Some(Effect::Run), &critical);
    assert_eq!(
        text(&picture),
        "sample · full\n\n  \
           1 * infra      run  simulated.run\n  \
           2 * metadata   run  simulated.run  after infra\n      \
               stop       run  simulated.run  after infra\n  \
           3 * pipelines  run  simulated.run  after metadata, stop\n  \
           4 * start      run  simulated.run  after pipelines  also when the run fails\n  \
           5 * smoke      run  simulated.run  after (start)\n\n\
         * on the critical path: infra → metadata → pipelines → start → smoke\n\
         (name): goes first when both are in the run, but is not needed\n"
    );
    let svg = svg(&picture);
    assert_eq!(svg.matches("<g>").count(), graph.len());
    assert!(
        svg.contains("Is &quot;it&quot; &lt;up&gt; &amp; well?"),
        "{svg}"
    );
    let dot = dot(&picture);
    assert!(
        dot.contains("\"start\" -> \"smoke\" [style=dashed, penwidth=2, color=\"#0f172a\"];"),
        "{dot}"
    );
    assert!(!dot.contains("\"infra\" -> \"smoke\""), "{dot}");
    let mermaid = mermaid(&picture);
    assert!(mermaid.contains("s4[\"<b>start</b>"), "{mermaid}");
    assert!(
        mermaid.contains("Is #quot;it#quot; #lt;up#gt; #amp; well?"),
        "{mermaid}"
    );
}

#[test]
fn boxes_of_a_level_do_not_touch() {
    let named: Vec<String> = (0..40).map(|i| format!("s{i:02}")).collect();
    let steps = named.iter().enumerate().map(|(i, name)| {
        let needs: Vec<&str> = (0..i)
            .filter(|j| (i * 7 + j * 3) % 11 == 0)
            .map(|j| named[j].as_str())
            .collect();
        (name.as_str(), with(&needs, &[], &[]))
    });
    let goal: Vec<&str> = named.iter().map(String::as_str).collect();
    let plan = plan(steps.collect(), &goal);
    let graph = Graph::of(&plan).expect("no cycle");
    let picture = Picture::of(&graph, &plan, |_| None, &[]);
    let layout = crate::graph::layout::layout(&picture);
    for (i, one) in layout.boxes.iter().enumerate() {
        assert!(one.0 >= 0.0 && one.0 + 216.0 <= layout.width && one.1 + 58.0 <= layout.height);
        for other in layout.boxes.iter().skip(i + 1) {
            assert!(
                one.1 != other.1 || (one.0 - other.0).abs() >= 216.0,
                "{one:?} and {other:?}"
            );
        }
    }
}

#[test]
fn ten_thousand_steps_make_a_graph() {
    let named: Vec<String> = (0..10_000).map(|i| format!("s{i:05}")).collect();
    let steps = named.iter().enumerate().map(|(i, name)| {
        let needs: Vec<&str> = (1..=3)
            .filter_map(|back| i.checked_sub(back * 7))
            .map(|j| named[j].as_str())
            .collect();
        (name.as_str(), with(&needs, &[], &[]))
    });
    let goal: Vec<&str> = named.iter().map(String::as_str).collect();
    let graph = Graph::of(&plan(steps.collect(), &goal)).expect("no cycle");
    assert_eq!(graph.len(), 10_000);
    assert_eq!(graph.levels().len(), 10_000_usize.div_ceil(7));
}

/// The longest chain from a step on, by trying them all.
fn longest(graph: &Graph, step: &StepName, takes: &BTreeMap<StepName, u64>) -> u64 {
    let rest = graph
        .followers(step)
        .into_iter()
        .map(|next| longest(graph, next, takes))
        .max();
    takes[step] + rest.unwrap_or(0)
}

proptest! {
    #[test]
    fn any_plan_has_an_order_or_a_cycle(
        edges in vec((0_usize..9, 0_usize..9, 0_u8..4), 0..18),
        finally in vec(any::<bool>(), 9),
        goal in vec(0_usize..9, 1..3),
        lengths in vec(0_u64..5, 9),
    ) {
        let name = |i: usize| StepName::new(format!("s{i}"));
        let mut steps: Vec<Step> = (0..9).map(|i| Step { finally: finally[i], ..step("simulated.run") }).collect();
        for (from, to, how) in edges {
            let list = match how {
                0 => &mut steps[to].after,
                1 => &mut steps[to].references,
                _ => &mut steps[to].needs,
            };
            // Mostly acyclic.
            if from < to || how == 3 {
                list.insert(name(from));
            }
        }
        let mut sample = plan(Vec::new(), &[]);
        sample.scenario.goal = goal.iter().map(|i| name(*i)).collect();
        sample.steps = steps.iter().cloned().enumerate().map(|(i, step)| (name(i), step)).collect();
        // The closure by repetition until nothing changes.
        let mut members: BTreeSet<StepName> = sample.scenario.goal.iter().cloned().collect();
        loop {
            let before = members.len();
            for (own, step) in &sample.steps {
                let hard: BTreeSet<StepName> = step.needs.union(&step.references).cloned().collect();
                if members.contains(own) {
                    members.extend(hard);
                }
            }
            if members.len() == before {
                break;
            }
        }
        loop {
            let before = members.len();
            for (own, step) in sample.steps.iter().filter(|(_, step)| step.finally) {
                let comes = if !step.references.is_empty() {
                    step.references.is_subset(&members)
                } else if !step.needs.is_empty() {
                    step.needs.is_subset(&members)
                } else {
                    step.after.is_empty() || !step.after.is_disjoint(&members)
                };
                if comes {
                    members.insert(own.clone());
                }
            }
            if members.len() == before {
                break;
            }
        }
        match Graph::of(&sample) {
            Ok(graph) => {
                let place: BTreeMap<&StepName, usize> = graph.steps().iter().enumerate().map(|(i, n)| (n, i)).collect();
                prop_assert_eq!(graph.steps().iter().cloned().collect::<BTreeSet<_>>(), members.clone());
                prop_assert_eq!(graph.len(), members.len());
                for own in graph.steps() {
                    let step = &sample.steps[own];
                    for before in step.needs.iter().chain(&step.references).chain(&step.after) {
                        if members.contains(before) {
                            prop_assert!(place[before] < place[own]);
                        }
                    }
                }
                let takes: BTreeMap<StepName, u64> = (0..9).map(|i| (name(i), lengths[i])).collect();
                let path = graph.critical_path(|step| Duration::from_secs(takes[step]));
                let best = graph.steps().iter().map(|step| longest(&graph, step, &takes)).max();
                prop_assert_eq!(Some(path.length.as_secs()), best);
                prop_assert_eq!(path.steps.iter().map(|step| takes[step]).sum::<u64>(), path.length.as_secs());
                for pair in path.steps.windows(2) {
                    prop_assert!(graph.followers(&pair[0]).contains(&&pair[1]));
                }
            }
            Err(GraphError::Cycle { path }) => {
                prop_assert!(path.len() > 1 && path.first() == path.last());
                for pair in path.windows(2) {
                    let step = &sample.steps[&pair[0]];
                    let mut waits = step.needs.iter().chain(&step.references).chain(&step.after);
                    prop_assert!(waits.any(|other| other == &pair[1]));
                }
            }
            Err(other) => prop_assert!(false, "{other}"),
        }
    }
}
