//! Texts that nobody would write: whatever is given, it is read or refused, and what is read is written back.

use proptest::prelude::any;
use proptest::prelude::prop;
use proptest::prelude::proptest;
use proptest::strategy::Strategy;
use salvor::model::Condition;
use salvor::model::read;
use salvor::template::Template;

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
    #[test]
    fn a_template_is_read_and_written_back_or_refused(text in pieces()) {
        if let Ok(template) = Template::parse(&text) {
            let written = template.to_string();
            let again = Template::parse(&written);
            assert_eq!(again.as_ref().map(ToString::to_string).ok(), Some(written.clone()), "{text:?} {written:?}");
            let references = |t: &Template| t.references().into_iter().map(|r| r.path).collect::<Vec<_>>();
            assert_eq!(again.as_ref().map(references).ok(), Some(references(&template)), "{text:?}");
        }
    }

    #[test]
    fn places_of_template_errors_lie_in_the_text(text in pieces()) {
        if let Err(error) = Template::parse(&text) {
            assert!(text.get(error.at.clone()).is_some(), "{text:?} {error:?}");
        }
    }

    #[test]
    fn a_condition_is_read_or_refused(text in pieces()) {
        if let Err(error) = Condition::parse(&text) {
            assert!(text.get(error.at.clone()).is_some(), "{text:?} {error:?}");
        }
    }
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
