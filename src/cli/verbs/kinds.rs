//! `salvor kinds`: what the providers of this binary offer, for whoever writes a plan.

use std::fmt::Write as _;

use salvor_contract::ActionKind;
use salvor_contract::Fields;
use salvor_contract::Idempotency;
use salvor_contract::Output;
use salvor_contract::StoreKind;
use salvor_contract::Trap;
use salvor_contract::Type;

use crate::cli::arguments::Kinds;
use crate::cli::exit::Exit;
use crate::cli::output;
use crate::cli::refusal::Refusal;
use crate::plan_file::similar;
use crate::registry::Registry;

/// Lists all kinds, or tells all about one.
pub fn kinds(arguments: &Kinds, registry: &Registry) -> anyhow::Result<Exit> {
    let text = match &arguments.kind {
        None => list(registry),
        Some(name) => one(name, registry)?,
    };
    output::result_text(&text);
    Ok(Exit::Ok)
}

fn list(registry: &Registry) -> String {
    let (stores, actions) = (registry.stores(), registry.actions());
    let names = stores
        .iter()
        .map(|kind| kind.name)
        .chain(actions.iter().map(|kind| kind.name));
    let width = names.map(str::len).max().unwrap_or(0);
    let mut text = "Stores\n".to_owned();
    for kind in stores {
        let _ = writeln!(text, "  {:width$}  {}", kind.name, kind.summary);
    }
    text.push_str("\nActions\n");
    for kind in actions {
        let _ = writeln!(text, "  {:width$}  {}", kind.name, kind.summary);
    }
    text.push_str("\nAll about one: salvor kinds NAME\n");
    text
}

fn one(name: &str, registry: &Registry) -> anyhow::Result<String> {
    let store = registry.full_store_name(name);
    let action = registry.full_action_name(name);
    let store = store.and_then(|name| registry.store(&name)).map(store_text);
    let action = action
        .and_then(|name| registry.action(&name))
        .map(action_text);
    // One name may be a kind of store and one of action: `manual`.
    let texts: Vec<String> = store.into_iter().chain(action).collect();
    if !texts.is_empty() {
        return Ok(texts.join("\n"));
    }
    let stores = registry.stores();
    let actions = registry.actions();
    let known = stores
        .iter()
        .map(|kind| kind.name)
        .chain(actions.iter().map(|kind| kind.name));
    let hint = match similar(name, known) {
        Some(near) => format!("Did you mean `{near}`?"),
        None => "`salvor kinds` lists them.".to_owned(),
    };
    Err(
        Refusal::new(Exit::Usage, format!("there is no kind `{name}`"))
            .hint(hint)
            .into(),
    )
}

fn store_text(kind: &StoreKind) -> String {
    let mut text = format!("{} · store\n{}\n", kind.name, kind.summary);
    inputs(&mut text, &kind.with);
    outputs(
        &mut text,
        "Recovery points, beside id, at and title",
        &kind.details,
    );
    for (word, action) in [
        ("restore", kind.restore),
        ("backup", kind.backup),
        ("verify", kind.verify),
    ] {
        if let Some(action) = action {
            let _ = writeln!(
                text,
                "\n{word} = \"…\" performs {action}: salvor kinds {action}"
            );
        }
    }
    text
}

fn action_text(kind: &ActionKind) -> String {
    let mut text = format!("{} · action\n{}\n", kind.name, kind.summary);
    inputs(&mut text, &kind.with);
    outputs(&mut text, "Outputs", &kind.outputs);
    let class = match kind.idempotency {
        Idempotency::Fixed(class) => format!("{class:?}").to_lowercase(),
        Idempotency::Declared(input) => format!("as the input `{input}` declares"),
    };
    let _ = writeln!(
        text,
        "\nIdempotency class: {class} · deadline {}",
        kind.deadline
    );
    if !kind.permissions.is_empty() {
        text.push_str("\nPermissions\n");
        for permission in &kind.permissions {
            let _ = writeln!(text, "  {}: {}", permission.name, permission.why);
        }
    }
    if !kind.traps.is_empty() {
        text.push_str("\nTraps\n");
        for Trap {
            message,
            advice,
            source,
            ..
        } in &kind.traps
        {
            let _ = writeln!(text, "  {message}: {advice} ({source})");
        }
    }
    text
}

fn outputs(text: &mut String, title: &str, outputs: &[Output]) {
    if outputs.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n{title}");
    for output in outputs {
        let _ = writeln!(
            text,
            "  {} ({}): {}",
            output.name,
            type_words(&output.gives),
            output.help
        );
    }
}

fn inputs(text: &mut String, fields: &Fields) {
    if fields.is_empty() {
        return;
    }
    text.push_str("\nInputs\n");
    for field in fields.iter() {
        let must = if field.is_required {
            "required"
        } else {
            "optional"
        };
        let default = field
            .default
            .as_ref()
            .map(|value| format!(", else {value}"))
            .unwrap_or_default();
        let _ = writeln!(
            text,
            "  {} ({}, {must}{default}): {}",
            field.name,
            type_words(&field.takes),
            field.help
        );
    }
}

fn type_words(takes: &Type) -> String {
    match takes {
        Type::Text => "text".to_owned(),
        Type::Integer => "whole number".to_owned(),
        Type::Number => "number".to_owned(),
        Type::Boolean => "true or false".to_owned(),
        Type::Period => "length of time".to_owned(),
        Type::Size => "bytes".to_owned(),
        Type::Time => "moment with its zone".to_owned(),
        Type::Secret => "secret, by reference".to_owned(),
        Type::OneOf(words) => format!("one of {}", words.join(", ")),
        Type::List(of) => format!("list of {}", type_words(of)),
        Type::Map(of) => format!("table of {}", type_words(of)),
        Type::Table(fields) => {
            let names: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
            format!("table with {}", names.join(", "))
        }
        Type::Any => "anything".to_owned(),
    }
}
