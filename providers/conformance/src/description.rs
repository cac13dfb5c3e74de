//! Checks of what a provider tells about itself: names, references between its parts, honesty of classes.

use std::collections::BTreeSet;

use salvor_contract::ActionKind;
use salvor_contract::Class;
use salvor_contract::Condition;
use salvor_contract::Description;
use salvor_contract::Destroys;
use salvor_contract::Effect;
use salvor_contract::Fields;
use salvor_contract::Idempotency;
use salvor_contract::IdentityTemplate;
use salvor_contract::Isolation;
use salvor_contract::Output;
use salvor_contract::Provider;
use salvor_contract::StoreKind;
use salvor_contract::Type;
use serde_json::Value;

use crate::report::Report;

/// What plans can refer to of every recovery point, whatever its kind.
const EVERY_POINT_HAS: [&str; 3] = ["id", "at", "title"];

/// Checks a provider's description.
///
/// # Errors
/// A [`Report`] of all that does not conform.
pub fn check_description(provider: &dyn Provider) -> Result<(), Report> {
    let tells = provider.description();
    let mut report = Report::on(format!("the description of `{}`", tells.name));
    report.demand(is_name(tells.name), || {
        "the provider's name is not lower-case letters, digits and hyphens".to_owned()
    });
    report.demand(!tells.summary.is_empty(), || "no summary".to_owned());
    let once = serde_json::to_string(tells);
    let again = serde_json::to_string(provider.description());
    match (once, again) {
        (Ok(once), Ok(again)) => report.demand(once == again, || {
            "two calls of `description` differ".to_owned()
        }),
        (Err(error), _) | (_, Err(error)) => {
            report.add(format!("it cannot be written as JSON: {error}"));
        }
    }
    check_fields("the configuration", &tells.config, &mut report);
    check_names(
        "store kind",
        tells.stores.iter().map(|k| k.name),
        tells,
        &mut report,
    );
    check_names(
        "action",
        tells.actions.iter().map(|k| k.name),
        tells,
        &mut report,
    );
    let mut traps = BTreeSet::new();
    for store in &tells.stores {
        check_store_kind(store, tells, &mut report);
    }
    for action in &tells.actions {
        check_action_kind(action, tells, &mut report);
        for trap in &action.traps {
            report.demand(traps.insert((action.name, trap.id)), || {
                format!("`{}`: two traps have the id `{}`", action.name, trap.id)
            });
        }
    }
    report.into_result()
}

fn check_names(
    what: &str,
    names: impl Iterator<Item = &'static str>,
    tells: &Description,
    report: &mut Report,
) {
    let mut seen = BTreeSet::new();
    for name in names {
        report.demand(seen.insert(name), || {
            format!("two {what}s have the name `{name}`")
        });
        let rest = name
            .strip_prefix(tells.name)
            .and_then(|rest| rest.strip_prefix('.'));
        report.demand(
            rest.is_some_and(|rest| rest.split('.').all(is_name)),
            || format!("the {what} `{name}` is not named `{}.…`", tells.name),
        );
    }
}

fn check_fields(of: &str, fields: &Fields, report: &mut Report) {
    for field in fields.iter() {
        let name = &field.name;
        report.demand(is_name(name), || {
            format!("{of}: input `{name}` is not lower-case letters, digits and hyphens")
        });
        report.demand(!field.help.trim().is_empty(), || {
            format!("{of}: input `{name}` has no help")
        });
        report.demand(!field.is_required || field.default.is_none(), || {
            format!("{of}: input `{name}` is required and has a default")
        });
        let is_secret = name.contains("password") || name.contains("secret-key");
        report.demand(!is_secret || field.takes == Type::Secret, || {
            format!("{of}: input `{name}` is not of the type secret")
        });
    }
}

fn check_store_kind(store: &StoreKind, tells: &Description, report: &mut Report) {
    let of = format!("store kind `{}`", store.name);
    report.demand(!store.summary.is_empty(), || format!("{of}: no summary"));
    check_fields(&of, &store.with, report);
    report.demand(!store.identity.is_empty(), || {
        format!("{of}: nothing names it in the world, so a drill cannot keep away from it")
    });
    for template in &store.identity {
        check_template(&of, template, &store.with, &[&store.with], tells, report);
    }
    check_outputs(&of, "detail", &store.details, report);
    for detail in &store.details {
        report.demand(!EVERY_POINT_HAS.contains(&detail.name), || {
            format!(
                "{of}: every recovery point has `{}`, a detail of this name is never seen",
                detail.name
            )
        });
    }
    for (role, named) in [
        ("restore", store.restore),
        ("backup", store.backup),
        ("verify", store.verify),
    ] {
        if let Some(named) = named {
            report.demand(tells.actions.iter().any(|a| a.name == named), || {
                format!("{of}: its {role} names `{named}`, which is not an action")
            });
        }
    }
}

fn check_outputs(of: &str, what: &str, outputs: &[Output], report: &mut Report) {
    let mut seen = BTreeSet::new();
    for output in outputs {
        report.demand(seen.insert(output.name), || {
            format!("{of}: two {what}s have the name `{}`", output.name)
        });
        report.demand(is_name(output.name) && !output.help.is_empty(), || {
            format!("{of}: {what} `{}` has a bad name or no help", output.name)
        });
    }
}

fn check_action_kind(action: &ActionKind, tells: &Description, report: &mut Report) {
    let of = format!("action `{}`", action.name);
    report.demand(!action.summary.is_empty(), || format!("{of}: no summary"));
    check_fields(&of, &action.with, report);
    let stores: Vec<&Fields> = tells
        .stores
        .iter()
        .filter(|s| [s.restore, s.backup, s.verify].contains(&Some(action.name)))
        .map(|s| &s.with)
        .collect();
    for template in action.reads.iter().chain(&action.writes) {
        check_template(&of, template, &action.with, &stores, tells, report);
    }
    check_outputs(&of, "output", &action.outputs, report);
    report.demand(!action.deadline.duration().is_zero(), || {
        format!("{of}: its deadline is zero")
    });
    report.demand(action.settle < action.deadline, || {
        format!("{of}: it settles no sooner than its deadline")
    });
    report.demand(action.asks == (action.effect == Effect::Ask), || {
        format!("{of}: `asks` and the effect `ask` go together")
    });
    check_effect(&of, action, report);
    check_references(&of, action, &stores, tells, report);
}

/// Effect, class, targets and isolation have to tell the same story.
fn check_effect(of: &str, action: &ActionKind, report: &mut Report) {
    let is_writing = match action.effect {
        Effect::Create | Effect::Change | Effect::Replace | Effect::Delete => true,
        Effect::Nothing | Effect::Read | Effect::Ask | Effect::Run => false,
    };
    report.demand(!is_writing || !action.writes.is_empty(), || {
        format!("{of}: it writes and names no target in `writes`")
    });
    let touches_nothing = matches!(action.effect, Effect::Read | Effect::Nothing);
    report.demand(!touches_nothing || action.writes.is_empty(), || {
        format!("{of}: it only reads, yet names what it writes")
    });
    report.demand(
        !touches_nothing || action.destroys == Destroys::Never,
        || format!("{of}: it only reads, yet can destroy"),
    );
    let is_read_class = action.idempotency == Idempotency::Fixed(Class::Read);
    report.demand(!touches_nothing || is_read_class, || {
        format!("{of}: it only reads, yet its class is not `read`")
    });
    report.demand(
        !is_read_class || touches_nothing || action.effect == Effect::Ask,
        || format!("{of}: its class is `read`, yet it has an effect"),
    );
    let not_needed = action.isolation == Isolation::NotNeeded;
    report.demand(
        !not_needed || !(is_writing || action.effect == Effect::Run),
        || format!("{of}: it has an effect and says that it needs no isolation"),
    );
}

fn check_references(
    of: &str,
    action: &ActionKind,
    stores: &[&Fields],
    tells: &Description,
    report: &mut Report,
) {
    let demand_input = |report: &mut Report, name: &str, by: &str| {
        report.demand(action.with.get(name).is_some(), || {
            format!("{of}: {by} names the input `{name}`, which it does not have")
        });
    };
    if let Idempotency::Declared(input) = action.idempotency {
        demand_input(report, input, "the declared class");
    }
    if let Destroys::IfPresentWhen(input, value) = action.destroys {
        demand_input(report, input, "what it destroys");
        check_condition(of, action, input, value, report);
    }
    for file in &action.files {
        demand_input(report, file.input(), "a file that it reads");
    }
    if let Isolation::Rename(inputs) = &action.isolation {
        inputs
            .iter()
            .for_each(|name| demand_input(report, name, "isolation"));
    }
    for trap in &action.traps {
        let by = format!("trap `{}`", trap.id);
        match trap
            .when
            .input()
            .map(|input| (input, input.strip_prefix("store.")))
        {
            Some((_, Some(name))) => {
                let is_known = stores.iter().any(|fields| fields.get(name).is_some());
                report.demand(is_known, || {
                    format!("{of}: {by} names the input `{name}`, which no store of it has")
                });
            }
            Some((input, None)) => demand_input(report, input, &by),
            None => {}
        }
        if let Condition::StoreIs(name) = &trap.when {
            report.demand(tells.stores.iter().any(|kind| kind.name == *name), || {
                format!("{of}: {by} names the kind `{name}`, which there is not")
            });
        }
    }
    for trap in &action.traps {
        let texts = [trap.message, trap.advice, trap.source];
        report.demand(!texts.contains(&""), || {
            format!("{of}: trap `{}` has no message, advice or source", trap.id)
        });
    }
    for permission in &action.permissions {
        report.demand(
            !permission.name.is_empty() && !permission.why.is_empty(),
            || format!("{of}: a permission has no name or no reason"),
        );
    }
    for command in &action.by_hand {
        report.demand(
            command.matches("{{").count() == command.matches("}}").count(),
            || format!("{of}: braces do not match in `{command}`"),
        );
        for path in paths(command) {
            let known = match path.split_once('.') {
                Some(("with", rest)) => action.with.get(head(rest)).is_some(),
                Some(("config", rest)) => tells.config.get(head(rest)).is_some(),
                Some(("store", rest)) => stores.iter().any(|f| f.get(head(rest)).is_some()),
                Some(_) | None => true,
            };
            report.demand(known, || {
                format!("{of}: `{path}` in `{command}` is not an input")
            });
        }
    }
}

/// An input that was left out must mean that what exists is kept, and the value must be one that it takes.
fn check_condition(of: &str, action: &ActionKind, input: &str, value: &str, report: &mut Report) {
    let Some(field) = action.with.get(input) else {
        return;
    };
    let is_word = |words: &[String]| words.iter().any(|word| word == value);
    let is_taken = matches!(&field.takes, Type::OneOf(words) if is_word(words));
    report.demand(is_taken || field.takes == Type::Text, || {
        format!("{of}: it destroys when `{input}` is `{value}`, which the input does not take")
    });
    let value = Value::from(value);
    report.demand(field.default.as_ref() != Some(&value), || {
        format!("{of}: it destroys when `{input}` is {value}, which is its default")
    });
}

fn check_template(
    of: &str,
    template: &IdentityTemplate,
    with: &Fields,
    stores: &[&Fields],
    tells: &Description,
    report: &mut Report,
) {
    let (opened, closed) = (template.name.matches('{'), template.name.matches('}'));
    report.demand(opened.count() == closed.count(), || {
        format!("{of}: a brace is not closed in `{}`", template.name)
    });
    for name in template.names() {
        let known = match name.split_once('.') {
            Some(("config", field)) => tells.config.get(field).is_some(),
            Some(("store", field)) => {
                !stores.is_empty() && stores.iter().all(|fields| fields.get(field).is_some())
            }
            Some(_) => false,
            None => with.get(name).is_some(),
        };
        report.demand(known, || {
            format!("{of}: `{{{name}}}` in `{}` is not an input", template.name)
        });
    }
}

/// The words with a dot inside `{{ }}`: references to values.
fn paths(command: &str) -> impl Iterator<Item = &str> {
    command
        .split("{{")
        .skip(1)
        .filter_map(|part| part.split_once("}}").map(|(inside, _)| inside))
        .flat_map(|inside| inside.split(|c: char| c.is_whitespace() || "()#^&~|".contains(c)))
        .filter(|word| word.contains('.') && !word.starts_with(['"', '\'']))
}

fn head(path: &str) -> &str {
    path.split(['.', '[', '/']).next().unwrap_or(path)
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}
