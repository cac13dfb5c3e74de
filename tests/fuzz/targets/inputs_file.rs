//! Files of inputs, and the same texts as flags: what is taken means the same when it is given once more.

use std::sync::OnceLock;

use salvor::model::Plan;
use salvor::model::inputs::InputType;
use salvor::model::read;
use salvor::plan_file::Look;
use salvor::plan_file::show;

use super::Bound;
use super::Target;
use super::registry;

/// Files of inputs for a plan that has an input of each type.
pub const TARGET: Target = Target {
    name: "inputs_file",
    check,
    besides: &[],
    words: &[
        "string",
        "integer",
        "number",
        "boolean",
        "enum",
        "list",
        "map",
        "duration",
        "size",
        "time",
        "url",
        "version",
        "file",
        "secret",
        "deep",
        " = ",
        "\"",
        "'",
        "\"\"\"",
        "[",
        "]",
        "{",
        "}",
        ",",
        "\n",
        "true",
        "inf",
        "nan",
        "0x7f",
        "1979-05-27",
        "07:32:00",
        "1979-05-27T07:32:00",
        "2026-04-06T01:30:00Z",
        "-9999-01-01T00:00:00Z",
        "5m",
        "99999999w",
        "1h-1m",
        "16EiB",
        "-1KiB",
        "env:A",
        "file:/a",
        "file:../a",
        "https://",
        "file:///a",
        "/../a",
        "../a",
        "\\u0000",
        "$x",
        "\"$template\" = 1",
        "é",
        "\u{202e}",
        "\r\n",
    ],
    count: 300,
    size_max: 16 * 1024,
    memory: Bound {
        base: 2 << 20,
        per_byte: 1_000,
    },
    work: Bound {
        base: 200_000,
        per_byte: 100,
    },
};

fn check(input: &[u8]) -> bool {
    let plan = plan();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("given.toml");
    std::fs::write(&file, input).expect("written");
    let read = plan.read_inputs(&file);
    let is_taken = read.is_ok();
    match read {
        Err((problems, sources)) => {
            assert!(!problems.is_empty(), "refused, and nothing is said");
            show(&problems, &sources, Look::Plain);
        }
        Ok(values) => {
            for (name, value) in values.iter() {
                let takes = &plan.input(name).expect("only inputs of the plan").takes;
                let again = takes.of_json(value);
                assert_eq!(again.as_ref(), Ok(value), "{name}: given once more");
            }
        }
    }
    let Ok(text) = str::from_utf8(input) else {
        return is_taken;
    };
    for text in text.lines().chain([text]) {
        for input in &plan.inputs {
            given_as_flag(&input.takes, text);
        }
    }
    is_taken
}

fn given_as_flag(takes: &InputType, text: &str) {
    if let Ok(value) = takes.of_text(text) {
        let again = takes.of_json(&value);
        assert_eq!(
            again.as_ref(),
            Ok(&value),
            "{takes:?}: {text:?} given once more"
        );
    }
}

fn plan() -> &'static Plan {
    static PLAN: OnceLock<Plan> = OnceLock::new();
    PLAN.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("plan.toml"), TEXT).expect("written");
        let reading = read(folder.path(), registry());
        let told = reading.report("plan", Look::Plain).text;
        reading.plan.unwrap_or_else(|| panic!("{told}"))
    })
}

const TEXT: &str = r#"
format = 1
plan   = { name = "all", title = "An input of each type" }

[inputs]
string   = { type = "string" }
integer  = { type = "integer" }
number   = { type = "number" }
boolean  = { type = "boolean" }
enum     = { type = "enum", of = ["new", "old"] }
list     = { type = "list", of = "string" }
map      = { type = "map", of = "integer" }
duration = { type = "duration" }
size     = { type = "size" }
time     = { type = "time" }
url      = { type = "url" }
version  = { type = "version" }
file     = { type = "file" }
secret   = { type = "secret" }

[steps.ask]
uses = "manual"
with = { ask = "Done?", role = "operator" }

[scenarios.full]
goal = ["ask"]
"#;
