//! The commands for a person, filled with inputs as a plan gives them.

use handlebars::Context;
use handlebars::Handlebars;
use handlebars::Helper;
use handlebars::HelperResult;
use handlebars::Output;
use handlebars::RenderContext;
use salvor_contract::Provider;
use salvor_system::System;
use serde_json::Value;
use serde_json::json;

fn quote(
    helper: &Helper<'_>,
    _: &Handlebars<'_>,
    _: &Context,
    _: &mut RenderContext<'_, '_>,
    out: &mut dyn Output,
) -> HelperResult {
    let word = helper
        .param(0)
        .and_then(|p| p.value().as_str())
        .unwrap_or_default();
    out.write(&format!("'{word}'"))?;
    Ok(())
}

fn check(action: &str, with: Value, expected: &[&str]) {
    let system = System::new();
    let kinds = &system.description().actions;
    let kind = kinds
        .iter()
        .find(|kind| kind.name == action)
        .expect("an action");
    let mut handlebars = Handlebars::new();
    handlebars.set_strict_mode(true);
    handlebars.register_escape_fn(handlebars::no_escape);
    handlebars.register_helper("q", Box::new(quote));
    handlebars.register_helper("json", Box::new(quote));
    let values = json!({ "with": with });
    let commands: Vec<String> = kind
        .by_hand
        .iter()
        .map(|template| {
            handlebars
                .render_template(template, &values)
                .expect(template)
        })
        .collect();
    assert_eq!(commands, expected);
}

#[test]
fn commands_are_filled_also_when_inputs_are_left_out() {
    check(
        "system.exec",
        json!({ "argv": ["ls", "-l"] }),
        &["'ls' '-l' "],
    );
    check(
        "system.exec",
        json!({ "argv": ["ls"], "dir": "x" }),
        &["cd 'x' && 'ls' "],
    );
    check(
        "system.http-check",
        json!({ "url": "http://x" }),
        &["", "", "curl -sS -i -X GET 'http://x'"],
    );
    check(
        "system.http-check",
        json!({ "url": "http://x", "method": "HEAD" }),
        &["", "", "curl -sS -i -X HEAD 'http://x'"],
    );
    check(
        "system.wait",
        json!({ "exec": { "argv": ["ls"] } }),
        &["watch -- 'ls' "],
    );
    check(
        "system.wait",
        json!({ "http": { "url": "http://x" } }),
        &["watch curl -sS 'http://x'"],
    );
    check("system.manual", json!({ "ask": "Sure?" }), &["# Sure?", ""]);
    check(
        "system.manual",
        json!({ "ask": "Sure?", "commands": ["ls", "true"] }),
        &["# Sure?", "ls\ntrue\n"],
    );
}
