//! Answers: the words of `salvor answer`, the file that it leaves, and whether a step takes it.

use clap::Parser as _;
use salvor::cli::arguments::Arguments;
use salvor::cli::surroundings::real;
use salvor::survey::Reading;
use salvor_contract::Answer;
use salvor_contract::KindName;
use salvor_contract::Operation;
use salvor_contract::OperationId;
use salvor_contract::RunId;
use salvor_contract::StepName;
use salvor_contract::Values;
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use super::Bound;
use super::Target;
use super::done;
use super::registry;

/// Answers.
pub const TARGET: Target = Target {
    name: "answer",
    check,
    besides: &[],
    words: &[
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "\"",
        "null",
        "\"with\":",
        "\"answer\":",
        "\"flags\":[",
        "\"ask\":\"a\"",
        "\"evidence\":\"file\"",
        "\"evidence\":\"screenshot\"",
        "\"expects\":\"",
        "(a*)*",
        "[0-9]{1,1000}",
        "(?:a{100}){100}",
        "\\\\p{L}",
        "\"role\":\"a\"",
        "\"--text\"",
        "\"--file\"",
        "\"--role\"",
        "\"--plan-dir\"",
        "\"--\"",
        "\"--text=\"",
        "\\u0000",
        "\\ud83d\\ude00",
        "é",
        "\u{202e}",
        " ",
        "\\n",
    ],
    count: 1_000,
    size_max: 16 * 1024,
    // A regular expression may take what its library allows: 10 MiB compiled, and as much again on the way.
    memory: Bound {
        base: 64 << 20,
        per_byte: 2_000,
    },
    work: Bound {
        base: 400_000,
        per_byte: 40,
    },
};

#[derive(Deserialize)]
struct Answered {
    with: Option<Values>,
    answer: Option<Answer>,
    flags: Option<Vec<String>>,
}

fn check(input: &[u8]) -> bool {
    let Ok(answered) = serde_json::from_slice::<Answered>(input) else {
        return false;
    };
    if let Some(flags) = answered.flags {
        let words = ["salvor", "answer"]
            .map(str::to_owned)
            .into_iter()
            .chain(flags);
        if let Err(error) = Arguments::try_parse_from(words) {
            let _ = error.to_string();
        }
    }
    let Some(answer) = answered.answer else {
        return false;
    };
    let written = serde_json::to_vec(&answer).expect("an answer has a form in JSON");
    let again: Answer = serde_json::from_slice(&written).expect("what was written is read");
    assert_eq!(again, answer);
    judge(answered.with.unwrap_or_default(), answer)
}

/// Has the provider judge the answer before it is left, and when it is taken: both say the same.
fn judge(with: Values, answer: Answer) -> bool {
    let operation = Operation {
        id: OperationId::new("op"),
        mark: OperationId::new("op"),
        run: RunId::new("run"),
        step: StepName::new("ask"),
        attempt: 1,
        token: 1,
        service_name: None,
        action: KindName::new("system.manual"),
        with,
        config: Values::new(),
        store: None,
        point: None,
        answer: Some(answer),
    };
    let provider = registry().provider("system").expect("it is built in");
    let folder = std::env::temp_dir();
    let surroundings = real(folder.clone());
    let reading = Reading {
        registry: registry(),
        surroundings: &surroundings,
        scratch: &folder,
        stop: &CancellationToken::new(),
    };
    let previewed = done(reading.ask(async |call| provider.preview(&operation, &call).await));
    let performed = done(reading.ask(async |call| provider.perform(&operation, &call).await));
    let probed = done(reading.ask(async |call| provider.probe(&operation, &call).await));
    for said in [
        previewed.as_ref().err(),
        performed.as_ref().err(),
        probed.as_ref().err(),
    ] {
        let words = said.map(ToString::to_string).unwrap_or_default();
        assert!(!words.contains("panicked"), "{words}");
    }
    assert_eq!(
        previewed.is_ok(),
        performed.is_ok(),
        "{previewed:?} {performed:?}"
    );
    performed.is_ok()
}
