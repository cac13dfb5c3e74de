//! Texts that nobody would write, as values of a plan: each is read or refused. `tests/fuzz` has the plan as a whole,
//! and templates and conditions alone.

use proptest::prelude::any;
use proptest::prelude::prop;
use proptest::prelude::proptest;
use proptest::strategy::Strategy;
use salvor::model::read;

use crate::provider::registry;

/// Texts made of the pieces that the parsers look for.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "{{",
        "}}",
        "{{{",
        "}}}",
        "{{{{",
        "}}}}",
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
        "steps",
        "date",
        "lookup",
        "default",
        "join",
        "x",
        "=",
        "@",
        "this",
        "..",
        "1",
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
        "in",
        "not",
        "and",
        "{{inputs.x}}",
        "{{text steps.a.b}}",
        "{{date x '%Y'}}",
        "{{lookup a (default b 1) \"c\"}}",
    ]);
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

    #[test]
    fn any_value_in_a_step_is_read_or_refused(text in pieces(), other in any::<String>()) {
        let dir = tempfile::tempdir().expect("a folder");
        let quoted = |text: &str| toml::Value::from(text).to_string();
        let plan = format!(
            "format = 1\nplan = {{ name = \"p\", title = {} }}\n[steps.a]\nuses = \"manual\"\nwhen = {}\nwith = {{ ask = {}, role = {} }}\n{}\n",
            quoted(&other), quoted(&text), quoted(&text), quoted(&other), other.replace(['\r', '\n'], " "),
        );
        std::fs::write(dir.path().join("plan.toml"), plan).expect("written");
        let reading = read(dir.path(), &registry());
        let _ = reading.report("p", salvor::plan_file::Look::Plain);
    }
}
