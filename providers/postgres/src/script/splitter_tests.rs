//! The splitter against texts in which a semicolon or a backslash is not what it seems.

use proptest::prelude::prop;
use proptest::prelude::proptest;
use proptest::prop_assert_eq;
use proptest::strategy::Strategy;

use super::Splitter;
use crate::script::piece::Fed;
use crate::script::piece::ScriptError;

/// The statements of a script; rows are given as `row:` and their end as `end`.
fn split(script: &[u8]) -> Result<Vec<String>, ScriptError> {
    let mut splitter = Splitter::default();
    let mut seen = Vec::new();
    for line in script.split_inclusive(|b| *b == b'\n') {
        match splitter.feed(line)? {
            Fed::Statements(statements) => {
                seen.extend(
                    statements
                        .into_iter()
                        .map(|s| format!("{}:{}", s.line, s.text)),
                );
            }
            Fed::Row(row) => seen.push(format!("row:{}", String::from_utf8_lossy(row).trim_end())),
            Fed::RowsEnd => seen.push("end".into()),
        }
    }
    splitter.end()?;
    Ok(seen)
}

fn check(script: &str, expected: &[&str]) {
    assert_eq!(split(script.as_bytes()).expect("a good script"), expected);
}

#[test]
fn semicolons_in_quotes_comments_and_bodies_end_nothing() {
    check(
        "select 'a;''b', \"c;\"\"d\", E'e\\';f' /* ; /* ; */ ; */ ; -- ;\nselect 2;\n",
        &["1:select 'a;''b', \"c;\"\"d\", E'e\\';f'", "2:select 2"],
    );
    check(
        "create function f() returns int as $_$ begin; $$ ; $_$ language plpgsql;select a$b$c;\n",
        &[
            "1:create function f() returns int as $_$ begin; $$ ; $_$ language plpgsql",
            "1:select a$b$c",
        ],
    );
    check(
        "CREATE OR REPLACE FUNCTION g() RETURNS int\nBEGIN ATOMIC\n SELECT CASE WHEN true THEN 1 END;\n SELECT 2;\nEND;\nSELECT 3;\n",
        &[
            "1:CREATE OR REPLACE FUNCTION g() RETURNS int\nBEGIN ATOMIC\nSELECT CASE WHEN true THEN 1 END;\nSELECT 2;\nEND",
            "6:SELECT 3",
        ],
    );
    check(
        "create rule r as on insert to t do (select 1; select 2);\n",
        &["1:create rule r as on insert to t do (select 1; select 2)"],
    );
}

#[test]
fn rows_are_given_as_they_are_until_their_end() {
    check(
        "COPY public.t (a, b) FROM stdin;\n1\tit's; \\N\n\\.x\n\\.\nSELECT 1;\n",
        &[
            "1:COPY public.t (a, b) FROM stdin",
            "row:1\tit's; \\N",
            "row:\\.x",
            "end",
            "5:SELECT 1",
        ],
    );
}

#[test]
fn a_command_for_psql_is_refused_wherever_it_stands() {
    for (script, line, word) in [
        ("\\! id\n", 1, "\\!"),
        ("select 1;\n  \\copy t from program 'id'\n", 2, "\\copy"),
        ("select 1 \\gexec\n", 1, "\\gexec"),
        ("select 'a' \\; \\! id\n", 1, "\\;"),
        ("select 1\n\\restrict x\n", 2, "\\restrict"),
        ("\\connect postgres\n", 1, "\\connect"),
        ("COPY t FROM stdin;\n\\.\n\\i /etc/passwd\n", 3, "\\i"),
    ] {
        assert_eq!(
            split(script.as_bytes()),
            Err(ScriptError::MetaCommand {
                line,
                command: word.into()
            }),
            "{script}"
        );
    }
    check(
        "\\restrict abc\nselect 1;\n\\unrestrict abc\n",
        &["2:select 1"],
    );
    check(
        "select '\\! id', $$\n\\! id\n$$;\n",
        &["1:select '\\! id', $$\n\\! id\n$$"],
    );
}

#[test]
fn a_script_that_was_cut_off_is_refused() {
    for script in [
        "select 1",
        "select 'a",
        "select $$a\n;",
        "/* a",
        "COPY t FROM stdin;\n1\n",
        "--\n-- PostgreSQL database dump\n--\nselect 1;\n",
    ] {
        let error = split(script.as_bytes()).expect_err("cut off");
        assert!(
            matches!(
                error,
                ScriptError::CutOff { .. } | ScriptError::NoTail { .. }
            ),
            "{script}: {error}"
        );
    }
    check(
        "--\n-- PostgreSQL database dump\n--\n\n--\n-- PostgreSQL database dump complete\n--\n\n",
        &[],
    );
}

/// Texts of a statement without anything that ends it.
fn fragment() -> impl Strategy<Value = String> {
    let quoted = "[a-z;\\\\\"$ (]{0,8}".prop_map(|text| format!("'{text}'"));
    let named = "[a-z;\\\\'$ (]{1,8}".prop_map(|text| format!("\"{text}\""));
    let escaped = "[a-z;\"$ (]{0,8}".prop_map(|text| format!("E'{text}\\''"));
    let dollar = "[a-z;\\\\'\" (\\n]{0,8}".prop_map(|text| format!("$q${text}$q$"));
    let group = "[a-z; ]{0,8}".prop_map(|text| format!("({text})"));
    proptest::prop_oneof![
        quoted,
        named,
        escaped,
        dollar,
        group,
        "[b-d]{1,4}",
        proptest::strategy::Just("/* ; ' */".to_owned()),
        proptest::strategy::Just("-- ; ' \\\n".to_owned()),
    ]
}

proptest! {
    #[test]
    fn as_many_statements_come_out_as_went_in(
        statements in prop::collection::vec(prop::collection::vec(fragment(), 1..6), 1..6)
    ) {
        let script: String = statements
            .iter()
            .map(|parts| format!("select {} ;\n", parts.join(" ")))
            .collect();
        prop_assert_eq!(split(script.as_bytes()).expect("a good script").len(), statements.len());
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
        let _ = split(&bytes);
    }
}
