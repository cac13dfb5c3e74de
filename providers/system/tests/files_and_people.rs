//! Rendered files, and steps that people do.

use salvor_conformance::Case;
use salvor_conformance::Report;
use salvor_conformance::Surroundings;
use salvor_conformance::check_action;
use salvor_conformance::cut;
use salvor_conformance::operation;
use salvor_contract::Answer;
use salvor_contract::Effect;
use salvor_contract::Operation;
use salvor_contract::Preview;
use salvor_contract::Provider;
use salvor_contract::Removal;
use salvor_system::System;
use serde_json::Value;
use serde_json::json;

fn render(inputs: Value) -> Operation {
    operation(
        "system.render",
        serde_json::from_value(inputs).expect("an object"),
    )
}

fn bench(template: &str) -> Surroundings {
    let surroundings = Surroundings::virtual_time();
    std::fs::write(surroundings.plan_dir().join("values.hbs"), template).expect("a new file");
    surroundings
}

fn host(target: &str) -> Operation {
    render(json!({
        "template": "values.hbs",
        "values": { "host": "<db>", "ports": [1, 2] },
        "target": target,
    }))
}

const TEMPLATE: &str = "host: {{host}}\n{{#each ports}}- {{this}}\n{{/each}}";

#[tokio::test]
async fn a_file_is_previewed_written_and_kept_when_it_is_right() {
    let surroundings = bench(TEMPLATE);
    let call = surroundings.call();
    let system = System::new();
    let target = surroundings.plan_dir().join("out/values.yaml");
    let operation = host("out/values.yaml");
    let preview: Preview = system.preview(&operation, &call).await.expect("a preview");
    assert_eq!(preview.effect, Effect::Create);
    assert_eq!(
        preview.text[0].after.as_deref(),
        Some("host: <db>\n- 1\n- 2\n")
    );
    assert!(!target.exists());
    system.perform(&operation, &call).await.expect("written");
    assert_eq!(
        std::fs::read_to_string(&target).expect("it is there"),
        "host: <db>\n- 1\n- 2\n"
    );
    let preview = system.preview(&operation, &call).await.expect("a preview");
    assert_eq!((preview.effect, preview.text.len()), (Effect::Nothing, 0));
}

#[tokio::test]
async fn an_old_file_is_shown_copied_and_never_removed() {
    let surroundings = bench(TEMPLATE);
    let call = surroundings.call();
    let system = System::new();
    let target = surroundings.plan_dir().join("values.yaml");
    std::fs::write(&target, "host: old\n").expect("a new file");
    let operation = host("values.yaml");
    let preview = system.preview(&operation, &call).await.expect("a preview");
    assert_eq!(preview.effect, Effect::Change);
    assert_eq!(preview.text[0].before.as_deref(), Some("host: old\n"));
    assert!(preview.destroys.is_empty());
    system.perform(&operation, &call).await.expect("written");
    let copy = std::fs::read_to_string(surroundings.scratch_dir().join("previous"));
    assert_eq!(copy.expect("a copy"), "host: old\n");
    let removal = system.remove(&operation, &call).await.expect("an answer");
    assert!(matches!(removal, Removal::NotOurs(_)), "{removal:?}");
    assert!(target.exists());
}

#[tokio::test]
async fn a_file_that_was_edited_since_is_not_removed() {
    let surroundings = bench(TEMPLATE);
    let call = surroundings.call();
    let system = System::new();
    let operation = host("values.yaml");
    system.perform(&operation, &call).await.expect("written");
    let target = surroundings.plan_dir().join("values.yaml");
    std::fs::write(&target, "edited\n").expect("it can be edited");
    let removal = system.remove(&operation, &call).await.expect("an answer");
    assert!(matches!(removal, Removal::NotOurs(_)), "{removal:?}");
}

#[tokio::test]
async fn a_template_says_what_is_missing_and_cannot_reach_out() {
    for (template, target, expected) in [
        ("ok\n{{nothere}}", "x", "values.hbs:2:"),
        ("{{> secrets}}", "x", "values.hbs:1:"),
        ("{{log 1}}", "x", "values.hbs:1:"),
        ("ok", "../x", "the target ../x leaves the plan's folder"),
    ] {
        let surroundings = bench(template);
        let operation = host(target);
        let error = System::new()
            .preview(&operation, &surroundings.call())
            .await;
        let error = error.expect_err(template).to_string();
        assert!(error.starts_with(expected), "{template}: {error}");
    }
    let surroundings = bench("ok");
    let outside = render(json!({ "template": "/etc/passwd", "target": "x" }));
    let error = System::new()
        .preview(&outside, &surroundings.call())
        .await
        .expect_err("outside");
    assert_eq!(
        error.to_string(),
        "the template /etc/passwd is not below the plan's folder"
    );
}

#[tokio::test]
async fn rendering_conforms() -> Result<(), Report> {
    let surroundings = bench(TEMPLATE);
    let target = surroundings.plan_dir().join("values.yaml");
    let case = Case::new(
        host("values.yaml"),
        async || u64::from(target.exists()),
        async || {
            // Not there is what is wanted.
            let _ = std::fs::remove_file(&target);
            let _ = std::fs::remove_dir_all(surroundings.scratch_dir());
        },
    );
    check_action(&System::new(), &surroundings, case).await
}

#[tokio::test]
async fn a_rendering_that_was_cut_off_anywhere_leaves_nothing_after_its_removal() {
    let surroundings = bench(TEMPLATE);
    let call = surroundings.call();
    let system = System::new();
    let operation = host("values.yaml");
    let names = || {
        let entries = std::fs::read_dir(surroundings.plan_dir()).expect("readable");
        let names = entries.map(|entry| entry.expect("an entry").file_name());
        names.collect::<Vec<_>>()
    };
    let mut was_beside = false;
    for polls in 0..5 {
        cut(system.perform(&operation, &call), polls).await;
        was_beside |= names().len() == 2 && !surroundings.plan_dir().join("values.yaml").exists();
        system.remove(&operation, &call).await.expect("removed");
        assert_eq!(names(), ["values.hbs"], "cut off at await {polls}");
    }
    assert!(was_beside, "no cut met the file beside its place");
}

#[tokio::test]
async fn asking_a_person_conforms() -> Result<(), Report> {
    let surroundings = Surroundings::virtual_time();
    let inputs = json!({ "ask": "Is the index complete?", "evidence": "text", "role": "search" });
    let with = serde_json::from_value(inputs).expect("an object");
    let answer = Answer {
        text: "yes, 41 shards".to_owned(),
        by: "kim".to_owned(),
        role: Some("search".to_owned()),
        at: surroundings.clock.now(),
        file: None,
    };
    let ask = Operation {
        answer: Some(answer),
        ..operation("system.manual", with)
    };
    let case = Case::new(ask, async || 0, async || {});
    check_action(&System::new(), &surroundings, case).await
}

#[tokio::test]
async fn a_question_without_an_answer_is_refused_with_what_to_do() {
    let surroundings = Surroundings::virtual_time();
    let inputs = json!({ "ask": "Move the DNS record", "commands": ["nsupdate -k key zone"] });
    let with = serde_json::from_value(inputs).expect("an object");
    let ask = operation("system.manual", with);
    let preview = System::new()
        .preview(&ask, &surroundings.call())
        .await
        .expect("a question");
    assert_eq!(
        preview.summary,
        "Move the DNS record\n  $ nsupdate -k key zone"
    );
    let error = System::new()
        .perform(&ask, &surroundings.call())
        .await
        .expect_err("no answer");
    assert_eq!(error.to_string(), "nobody has answered");
}
