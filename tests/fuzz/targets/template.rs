//! Texts with `{{ }}`, and conditions: what is read says the same when it was written and read again.

use salvor::model::Condition;
use salvor::template::Missing;
use salvor::template::Template;
use salvor::template::render_partial;
use salvor::template::unrendered;
use serde_json::Value;
use serde_json::json;

use super::Bound;
use super::Target;

/// Templates and conditions.
pub const TARGET: Target = Target {
    name: "template",
    check,
    besides: &[],
    words: &[
        "{{",
        "}}",
        "{{{",
        "}}}",
        "{{{{",
        "}}}}",
        "\\{{",
        "#",
        "/",
        "else",
        "^",
        "~",
        "(",
        ")",
        "[",
        "]",
        ".",
        " ",
        "\"",
        "'",
        "\\",
        "!",
        "--",
        ">",
        "*",
        "&",
        "|",
        "as",
        "inputs",
        "inputs.a",
        "inputs.b",
        "run.started",
        "steps",
        "date ",
        "lookup ",
        "default ",
        "join ",
        "text ",
        "=",
        "@",
        "this",
        "..",
        "-",
        ",",
        "é",
        "\n",
        "\t",
        "true",
        "null",
        ":",
        "$(",
        "`date`",
        "==",
        "!=",
        " in ",
        "not ",
        " and ",
        " or ",
        "%Y",
        "%",
        "{{inputs.a}}",
        "{{date run.started \"%Y%m%d\"}}",
        "{{lookup tables.t inputs.a \"b\"}}",
        "{{default inputs.x \"none\"}}",
        "{{join inputs.l \",\"}}",
        "{{text inputs.n}}",
        "{{inputs.secret}}",
        "$template",
        "\u{202e}",
    ],
    count: 3_000,
    size_max: 16 * 1024,
    memory: Bound {
        base: 256 << 10,
        per_byte: 400,
    },
    work: Bound {
        base: 2_000,
        per_byte: 20,
    },
};

fn check(input: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(input) else {
        return false;
    };
    match Condition::parse(text) {
        Ok(_) => {}
        Err(error) => assert!(text.get(error.at.clone()).is_some(), "{error:?}"),
    }
    let template = match Template::parse(text) {
        Ok(template) => template,
        Err(error) => {
            assert!(text.get(error.at.clone()).is_some(), "{error:?}");
            return false;
        }
    };
    let written = template.to_string();
    let again = Template::parse(&written).expect("what was written is read");
    assert_eq!(again.to_string(), written, "written twice");
    assert_eq!(again.is_single(), template.is_single());
    let paths = |template: &Template| -> Vec<Vec<String>> {
        template
            .references()
            .into_iter()
            .map(|reference| reference.path)
            .collect()
    };
    assert_eq!(paths(&again), paths(&template));
    let facts = facts();
    let said = |template: &Template| template.render(&facts, Missing::Refuse).ok();
    assert_eq!(said(&again), said(&template), "{written}");
    if template.is_known(&facts) {
        let tree = unrendered(&template);
        let value = render_partial(&tree, &facts).ok();
        assert_eq!(value, said(&template));
    }
    let _ = template.render(&facts, Missing::Put(&|unknown| unknown.path.join(".")));
    true
}

fn facts() -> Value {
    json!({
        "inputs": {
            "a": "b", "b": "{{inputs.a}}", "n": 7, "f": 1.5, "l": ["x", "y"], "m": {"k": "v"}, "t": true,
            "secret": {"secret": [{"from": "env:A"}]}, "none": null,
        },
        "tables": {"t": {"b": {"b": "5m"}}},
        "run": {"id": "r", "started": "2026-04-06T01:30:00Z", "goal": "2026-04-06T01:30:00Z", "scenario": "full"},
        "steps": {"a": {"endpoint": "db.internal"}},
    })
}
