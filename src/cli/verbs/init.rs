//! `salvor init`: a starter plan for chosen kinds of stores, made from what the kinds tell of themselves.
//!
//! Each required value becomes an input of the plan with its help, so that `plan` asks for what is missing;
//! each optional one stands there as a comment. The result passes `check`. An existing plan is never touched.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;
use salvor_contract::Condition;
use salvor_contract::Field;
use salvor_contract::Fields;
use salvor_contract::KindName;
use salvor_contract::StoreKind;
use salvor_contract::Trap;
use salvor_contract::Type;

use crate::cli::arguments::Init;
use crate::cli::exit::Exit;
use crate::cli::output;
use crate::cli::refusal::Refusal;
use crate::plan_file::is_name;
use crate::plan_file::similar;
use crate::registry::Registry;

/// Comments are broken at this column.
const WIDTH: usize = 100;

/// Writes the starter plan.
pub fn init(arguments: &Init, registry: &Registry) -> anyhow::Result<Exit> {
    let stores = chosen(&arguments.stores, registry)?;
    let folder = &arguments.folder;
    let text = starter(&plan_name(folder), &stores, registry);
    write_new(folder, &text)?;
    let shown = folder.display();
    output::progress(&format!(
        "next: read it, then `salvor check {shown}`, `salvor graph {shown}`, `salvor plan {shown}`"
    ));
    Ok(Exit::Ok)
}

/// Writes the plan.toml of a new plan and says so. A plan that is there is refused.
pub(super) fn write_new(folder: &Path, text: &str) -> anyhow::Result<()> {
    let path = folder.join("plan.toml");
    std::fs::create_dir_all(folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    // Never over what somebody wrote, also when it was written a moment ago.
    let opened = OpenOptions::new().write(true).create_new(true).open(&path);
    let mut file = opened.map_err(|error| {
        if error.kind() == std::io::ErrorKind::AlreadyExists {
            let what = format!("{} is there already", path.display());
            return Refusal::new(Exit::Refused, what)
                .hint("Name another folder.")
                .into();
        }
        anyhow::Error::from(error).context(format!("cannot write {}", path.display()))
    })?;
    file.write_all(text.as_bytes())
        .with_context(|| format!("cannot write {}", path.display()))?;
    output::result(&format!("wrote {}", path.display()));
    Ok(())
}

/// A store to write down.
struct Chosen<'a> {
    name: String,
    kind: &'a StoreKind,
}

/// The stores of the command line: `KIND`, or `NAME=KIND`.
fn chosen<'a>(written: &[String], registry: &'a Registry) -> anyhow::Result<Vec<Chosen<'a>>> {
    let mut stores: Vec<Chosen<'a>> = Vec::new();
    for text in written {
        let (name, kind) = match text.split_once('=') {
            Some((name, kind)) => (Some(name), kind),
            None => (None, text.as_str()),
        };
        let kind = known(kind, registry)?;
        let taken = |name: &str| stores.iter().any(|store| store.name == name);
        let name = match name {
            Some(name) if !is_name(name) => {
                let what = format!("`{name}` is not a name");
                return Err(Refusal::new(Exit::Usage, what)
                    .hint("Names are made of a-z, 0-9 and `-`, and begin with a letter or digit.")
                    .into());
            }
            Some(name) if taken(name) => {
                let what = format!("two stores are called `{name}`");
                return Err(Refusal::new(Exit::Usage, what)
                    .hint("Give each its own name.")
                    .into());
            }
            Some(name) => name.to_owned(),
            None => {
                let short = kind
                    .name
                    .split_once('.')
                    .map_or(kind.name, |(_, rest)| rest);
                let short = short.replace('.', "-");
                let numbered = (2..).map(|number| format!("{short}-{number}"));
                let mut names = std::iter::once(short.clone()).chain(numbered);
                names
                    .find(|name| !taken(name))
                    .expect("there are more numbers than stores")
            }
        };
        stores.push(Chosen { name, kind });
    }
    Ok(stores)
}

fn known<'a>(name: &str, registry: &'a Registry) -> anyhow::Result<&'a StoreKind> {
    let full = registry.full_store_name(name);
    if let Some(kind) = full.and_then(|name| registry.store(&name)) {
        return Ok(kind);
    }
    let kinds: Vec<&str> = registry.stores().iter().map(|kind| kind.name).collect();
    let hint = match similar(name, kinds.iter().copied()) {
        Some(other) => format!("Did you mean `{other}`?"),
        None => format!("There are {}.", kinds.join(", ")),
    };
    let what = format!("there is no kind of store `{name}`");
    Err(Refusal::new(Exit::Usage, what).hint(hint).into())
}

/// The folder's name, as far as a plan can be called so.
pub(super) fn plan_name(folder: &Path) -> String {
    let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let plain: String = name
        .to_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .take(63)
        .collect();
    let plain = plain.trim_matches('-');
    if is_name(plain) { plain } else { "recovery" }.to_owned()
}

/// The text of the plan.
fn starter(plan: &str, stores: &[Chosen<'_>], registry: &Registry) -> String {
    let mut inputs = Inputs::default();
    let mut body = String::new();
    for name in providers_of(stores, registry) {
        let Some(provider) = registry.provider(name) else {
            continue;
        };
        let _ = writeln!(body, "\n[providers.{name}]");
        inputs.table(&mut body, name, &provider.description().config, &[]);
    }
    for store in stores {
        let _ = writeln!(body, "\n[stores.{}]", store.name);
        comment(&mut body, store.kind.summary);
        let _ = writeln!(body, "title = {}", quoted(&store.name));
        let _ = writeln!(body, "kind  = {}", quoted(store.kind.name));
        body.push_str("class = \"authoritative\"\n");
        comment(
            &mut body,
            "How it is backed up: `check` holds this against the objectives below.",
        );
        body.push_str("backup = { schedule = \"0 2 * * *\", keep = { daily = 30 } }\n");
        let _ = writeln!(body, "\n[stores.{}.with]", store.name);
        inputs.table(&mut body, &store.name, &store.kind.with, &[]);
    }
    let mut restores = Vec::new();
    for store in stores {
        restores.extend(restore(&mut body, store, registry, &mut inputs));
    }
    let smoke = "smoke-url".to_owned();
    inputs.add(
        smoke,
        "type = \"url\"",
        "An address whose JSON answer tells that the data are back",
    );
    let goal = names_list(&restores);
    let drill = drill_keys(stores, registry);
    let declared = &inputs.declared;
    format!(
        "\
# A starter plan, written by `salvor init`. Everything in it is yours to change.
# Completion in an editor: `salvor schema > plan.schema.json`, and `#:schema plan.schema.json` as the first line.
format = 1

[plan]
name  = {name}
title = {title}

# What the operator gives: by `--input NAME=VALUE`, by a file (`--inputs FILE`), or by the environment
# (SALVOR_INPUT_NAME). What is the same each time can get a `default`.
[inputs]
{declared}{body}
# The recovery is not over before something says that it works.
[steps.smoke]
title = \"Does the system answer?\"
uses  = \"http.check\"
needs = {goal}
# Status 200 is green on an empty system too, so ask for a value that only restored data can give.
with  = {{ url = \"{{{{inputs.smoke-url}}}}\", json = {{ \"/count\" = \"> 0\" }}, within = \"5m\" }}

# A step that nobody can automate yet is a question to a person, and counts in the time like the others.
[steps.accept]
title = \"Somebody takes it over\"
uses  = \"manual\"
needs = [\"smoke\"]
with  = {{ ask = \"Is the system as it should be? What did you look at?\", evidence = \"text\", role = \"incident-commander\" }}

[scenarios.full]
title = \"Everything\"
goal  = [\"accept\"]
rpo   = \"25h\"                                 # how much data may be lost, as time
rto   = \"4h\"                                  # how long it may take

# The same recovery, rehearsed on targets of its own.
[drills.quarterly]
scenario = \"full\"
every    = \"90d\"
isolate  = {drill}
",
        name = quoted(plan),
        title = quoted(&format!("Recover {plan}")),
    )
}

/// The steps that prove and restore a store; gives the names of those that bring it back.
fn restore(
    body: &mut String,
    store: &Chosen<'_>,
    registry: &Registry,
    inputs: &mut Inputs,
) -> Option<String> {
    let name = &store.name;
    let action = registry.action(&KindName::new(store.kind.restore?))?;
    let verify = store
        .kind
        .verify
        .and_then(|v| registry.action(&KindName::new(v)));
    let proof = verify.filter(|action| action.with.iter().all(|field| !field.is_required));
    if let Some(proof) = proof {
        let _ = writeln!(body, "\n[steps.{name}-proof]");
        comment(body, proof.summary);
        let _ = writeln!(body, "verify = {}", quoted(name));
    }
    let _ = writeln!(body, "\n[steps.{name}-restore]");
    comment(body, action.summary);
    let _ = writeln!(body, "restore = {}", quoted(name));
    if proof.is_some() {
        let _ = writeln!(body, "needs   = [\"{name}-proof\"]");
    }
    if action.destroys != salvor_contract::Destroys::Never {
        comment(
            body,
            "Only with this line may it overwrite what is there; it is then confirmed by typing a fingerprint.",
        );
        body.push_str("# destroys = \"what is lost, in words\"\n");
    }
    let _ = writeln!(body, "\n[steps.{name}-restore.with]");
    inputs.table(
        body,
        &format!("{name}-restore"),
        &action.with,
        &action.traps,
    );
    Some(format!("{name}-restore"))
}

/// Providers of the stores and of the actions behind them, once each.
fn providers_of<'a>(stores: &[Chosen<'a>], registry: &Registry) -> Vec<&'a str> {
    let names: BTreeSet<&str> = stores
        .iter()
        .filter_map(|store| store.kind.name.split('.').next())
        .filter(|name| {
            registry
                .provider(name)
                .is_some_and(|p| !p.description().config.is_empty())
        })
        .collect();
    names.into_iter().collect()
}

/// How a drill keeps apart: by a suffix, as far as targets can take one.
fn drill_keys(stores: &[Chosen<'_>], registry: &Registry) -> String {
    let fixed: Vec<String> = stores
        .iter()
        .filter(|store| {
            let action = store
                .kind
                .restore
                .and_then(|name| registry.action(&KindName::new(name)));
            action.is_some_and(|a| matches!(a.isolation, salvor_contract::Isolation::Override(_)))
        })
        .map(|store| format!("{}-restore", store.name))
        .collect();
    if fixed.is_empty() {
        "{ suffix = \"-drill\" }".to_owned()
    } else {
        format!(
            "{{ suffix = \"-drill\", leave-out = {} }}",
            names_list(&fixed)
        )
    }
}

/// The inputs that the plan declares so far.
#[derive(Default)]
struct Inputs {
    declared: String,
}

impl Inputs {
    /// One line of `[inputs]`, with its help.
    fn add(&mut self, name: String, takes: &str, help: &str) {
        let help = quoted(help);
        let _ = writeln!(self.declared, "{name} = {{ {takes}, help = {help} }}");
    }

    /// A table of values: required ones, and those whose absence is a trap, become inputs of the plan, the
    /// others comments.
    fn table(&mut self, body: &mut String, prefix: &str, fields: &Fields, traps: &[Trap]) {
        let missed = |name: &str| {
            let is_missed =
                |trap: &Trap| matches!(trap.when, Condition::InputMissing(input) if input == name);
            traps.iter().any(is_missed)
        };
        let (required, optional): (Vec<&Field>, Vec<&Field>) = fields
            .iter()
            .partition(|field| field.is_required || missed(&field.name));
        for field in required {
            comment(body, &field.help);
            match input_type(&field.takes) {
                Some(takes) => {
                    let input = format!("{prefix}-{}", field.name);
                    let _ = writeln!(body, "{} = \"{{{{inputs.{input}}}}}\"", field.name);
                    self.add(input, &takes, &field.help);
                }
                None => {
                    let _ = writeln!(body, "{} = {}", field.name, empty(&field.takes));
                }
            }
        }
        for field in optional {
            comment(body, &field.help);
            let value = match &field.default {
                Some(value) => toml::Value::try_from(value)
                    .map_or_else(|_| empty(&field.takes), |value| value.to_string()),
                None => empty(&field.takes),
            };
            let _ = writeln!(body, "# {} = {value}", field.name);
        }
    }
}

/// The type of a plan's input for values of this type, where there is one.
fn input_type(takes: &Type) -> Option<String> {
    let name = match takes {
        Type::Text => "string",
        Type::Integer => "integer",
        Type::Number => "number",
        Type::Boolean => "boolean",
        Type::Period => "duration",
        Type::Size => "size",
        Type::Time => "time",
        Type::Secret => "secret",
        Type::OneOf(words) => {
            return Some(format!("type = \"enum\", of = {}", names_list(words)));
        }
        Type::List(inner) => {
            let Type::Text = inner.as_ref() else {
                return None;
            };
            return Some("type = \"list\", of = \"string\"".to_owned());
        }
        Type::Map(inner) => {
            let Type::Text = inner.as_ref() else {
                return None;
            };
            return Some("type = \"map\", of = \"string\"".to_owned());
        }
        Type::Table(_) | Type::Any => return None,
    };
    Some(format!("type = \"{name}\""))
}

/// A value that shows the type.
fn empty(takes: &Type) -> String {
    match takes {
        Type::Text | Type::Any => "\"\"".to_owned(),
        Type::Integer | Type::Number => "0".to_owned(),
        Type::Boolean => "false".to_owned(),
        Type::Period => "\"5m\"".to_owned(),
        Type::Size => "\"64MiB\"".to_owned(),
        Type::Time => "\"2026-04-06T01:30:00Z\"".to_owned(),
        Type::Secret => "\"env:NAME\"".to_owned(),
        Type::OneOf(words) => quoted(words.first().map_or("", String::as_str)),
        Type::List(_) => "[]".to_owned(),
        Type::Map(_) => "{}".to_owned(),
        Type::Table(fields) => {
            let entries: Vec<String> = fields
                .iter()
                .filter(|field| field.is_required)
                .map(|field| format!("{} = {}", field.name, empty(&field.takes)))
                .collect();
            if entries.is_empty() {
                "{}".to_owned()
            } else {
                format!("{{ {} }}", entries.join(", "))
            }
        }
    }
}

fn names_list(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| quoted(name)).collect();
    format!("[{}]", names.join(", "))
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// Comment lines of a text, broken between words.
fn comment(body: &mut String, text: &str) {
    let mut line = "#".to_owned();
    for word in text.split_whitespace() {
        if line.len() + 1 + word.len() > WIDTH && line.len() > 1 {
            let _ = writeln!(body, "{line}");
            line = "#".to_owned();
        }
        line.push(' ');
        line.push_str(word);
    }
    if line.len() > 1 {
        let _ = writeln!(body, "{line}");
    }
}
