//! Templates inside JSON trees, where an unrendered one is the object `{"$template": "…"}`.
//!
//! Every other text in a tree is literal. What a rendering puts into a tree is literal as well.

use std::collections::BTreeSet;

use salvor_contract::Fields;
use salvor_contract::Type;
use salvor_contract::Values;
use serde_json::Map;
use serde_json::Value;

use crate::template::evaluate::Missing;
use crate::template::evaluate::Unknown;
use crate::template::evaluate::is_secret;
use crate::template::expression::Template;
use crate::template::expression::TemplateError;

/// The key of the object that an unrendered template is.
pub const KEY: &str = "$template";

/// A template as it stands in a tree.
pub fn unrendered(template: &Template) -> Value {
    let mut object = Map::new();
    object.insert(KEY.to_owned(), Value::String(template.to_string()));
    Value::Object(object)
}

/// True for a value that is an unrendered template.
pub fn is_template(tree: &Value) -> bool {
    text_of(tree).is_some()
}

/// The paths that the templates in a tree refer to.
///
/// Templates that cannot be read have none: they were refused when the plan was read.
pub fn references(tree: &Value) -> BTreeSet<Vec<String>> {
    match (text_of(tree), tree) {
        (Some(text), _) => Template::parse(text)
            .map(|template| template.references().into_iter().map(|r| r.path).collect())
            .unwrap_or_default(),
        (None, Value::Object(object)) => object.values().flat_map(references).collect(),
        (None, Value::Array(list)) => list.iter().flat_map(references).collect(),
        (None, Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => {
            BTreeSet::new()
        }
    }
}

/// Values with each template as the text that stands for it, for who only looks for words in them.
pub fn as_written(values: &Values) -> Values {
    fn written(tree: &Value) -> Value {
        match (text_of(tree), tree) {
            (Some(text), _) => Value::String(text.to_owned()),
            (None, Value::Object(object)) => {
                let entries = object.iter();
                Value::Object(entries.map(|(key, v)| (key.clone(), written(v))).collect())
            }
            (None, Value::Array(list)) => Value::Array(list.iter().map(written).collect()),
            (None, Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => {
                tree.clone()
            }
        }
    }
    let values = values.iter();
    values
        .map(|(name, value)| (name.to_owned(), written(value)))
        .collect()
}

/// The tree with every template rendered.
///
/// # Errors
/// When a fact is missing; names it and its place in the tree.
pub fn render(tree: &Value, facts: &Value) -> Result<Value, TemplateError> {
    walk(tree, "", &|template| {
        template.render(facts, Missing::Refuse)
    })
}

/// The tree with those templates rendered whose facts are all known; the others stay as they are.
///
/// # Errors
/// When a known fact has no form where it is put.
pub fn render_partial(tree: &Value, facts: &Value) -> Result<Value, TemplateError> {
    walk(tree, "", &|template| {
        if template.is_known(facts) {
            template.render(facts, Missing::Refuse)
        } else {
            Ok(unrendered(template))
        }
    })
}

/// The tree with every template rendered, and a text in the place of what is not known:
/// `(known after metadata: its endpoint)`. For previews only.
///
/// # Errors
/// When a known fact has no form where it is put.
pub fn render_with_placeholders(
    tree: &Value,
    facts: &Value,
    placeholder: &dyn Fn(Unknown<'_>) -> String,
) -> Result<Value, TemplateError> {
    walk(tree, "", &|template| {
        template.render(facts, Missing::Put(placeholder))
    })
}

/// The inputs of an action, rendered. A value that was left out (`null`) is left out, and a secret may
/// stand only where the action takes one.
///
/// # Errors
/// When a fact is missing, or a secret would be put where it could be read.
pub fn render_values(
    with: &Values,
    takes: &Fields,
    facts: &Value,
) -> Result<Values, TemplateError> {
    let mut rendered = Values::new();
    for (name, value) in with.iter() {
        let value = walk(value, name, &|template| {
            template.render(facts, Missing::Refuse)
        })?;
        let takes = takes.get(name).map_or(&Type::Any, |field| &field.takes);
        refuse_open_secrets(&value, takes, name)?;
        if !value.is_null() {
            rendered.set(name, value);
        }
    }
    Ok(rendered)
}

fn refuse_open_secrets(value: &Value, takes: &Type, place: &str) -> Result<(), TemplateError> {
    if is_secret(value) && *takes != Type::Secret {
        return Err(TemplateError {
            message: format!("`{place}` does not take a secret: it could be read there"),
            at: 0..0,
            place: place.to_owned(),
        });
    }
    match (value, takes) {
        (Value::Object(object), _) if !is_secret(value) => {
            object.iter().try_for_each(|(name, value)| {
                let takes = match takes {
                    Type::Map(values) => values,
                    Type::Table(fields) => fields.get(name).map_or(&Type::Any, |f| &f.takes),
                    Type::Text
                    | Type::Integer
                    | Type::Number
                    | Type::Boolean
                    | Type::Period
                    | Type::Size
                    | Type::Time
                    | Type::Secret
                    | Type::OneOf(_)
                    | Type::List(_)
                    | Type::Any => &Type::Any,
                };
                refuse_open_secrets(value, takes, &format!("{place}.{name}"))
            })
        }
        (Value::Array(list), Type::List(of)) => list
            .iter()
            .try_for_each(|value| refuse_open_secrets(value, of, place)),
        (Value::Array(list), _) => list
            .iter()
            .try_for_each(|value| refuse_open_secrets(value, &Type::Any, place)),
        (
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_),
            _,
        ) => Ok(()),
    }
}

fn text_of(tree: &Value) -> Option<&str> {
    match tree {
        Value::Object(object) if object.len() == 1 => object.get(KEY).and_then(Value::as_str),
        Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Array(_)
        | Value::Object(_) => None,
    }
}

fn walk(
    tree: &Value,
    place: &str,
    turn: &dyn Fn(&Template) -> Result<Value, TemplateError>,
) -> Result<Value, TemplateError> {
    if let Some(text) = text_of(tree) {
        return Template::parse(text)
            .and_then(|template| turn(&template))
            .map_err(|error| TemplateError {
                place: place.to_owned(),
                ..error
            });
    }
    let below = |name: &str| match place {
        "" => name.to_owned(),
        _ => format!("{place}.{name}"),
    };
    match tree {
        Value::Object(object) => object
            .iter()
            .map(|(name, value)| Ok((name.clone(), walk(value, &below(name), turn)?)))
            .collect::<Result<Map<String, Value>, TemplateError>>()
            .map(Value::Object),
        Value::Array(list) => list
            .iter()
            .enumerate()
            .map(|(index, value)| walk(value, &below(&index.to_string()), turn))
            .collect::<Result<Vec<Value>, TemplateError>>()
            .map(Value::Array),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(tree.clone()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use serde_json::json;

    use super::KEY;
    use super::references;
    use super::render;
    use super::render_partial;
    use super::render_values;
    use super::render_with_placeholders;
    use crate::template::Template;
    use salvor_contract::Fields;
    use salvor_contract::Values;

    fn facts() -> Value {
        json!({
            "inputs": {
                "tenant": "acme", "tier": "gold", "none": null, "tables": ["a", "b"], "evil": "{{run.id}}",
                "password": {"secret": [{"from": "env:PGPASSWORD"}]},
                "odd": {KEY: "{{run.id}}"},
            },
            "tables": {"tier": {"gold": {"rpo": "5m"}}},
            "steps": {"stop": {"replicas": 2}},
            "run": {"started": "2026-04-06T01:30:00Z"},
        })
    }

    #[track_caller]
    fn check(text: &str, expected: Value) {
        let rendered = render(&json!({"x": {KEY: text}}), &facts());
        assert_eq!(
            rendered.map(|tree| tree["x"].clone()),
            Ok(expected),
            "{text}"
        );
    }

    #[track_caller]
    fn refused(text: &str, expected: &str, at: &str) {
        let error = render(&json!({KEY: text}), &facts()).expect_err(text);
        assert_eq!((error.message.as_str(), &text[error.at]), (expected, at));
    }

    #[test]
    fn a_single_expression_keeps_its_type() {
        check("{{steps.stop.replicas}}", json!(2));
        check("{{inputs.tables}}", json!(["a", "b"]));
        check("{{inputs.tables.1}}", json!("b"));
        check("{{inputs.none}}", Value::Null);
        check("{{text steps.stop.replicas}}", json!("2"));
        check("r-{{steps.stop.replicas}}", json!("r-2"));
        check(
            "{{inputs.tenant}} {{inputs.tenant}}\n",
            json!("acme acme\n"),
        );
    }

    #[test]
    fn helpers_compute_what_paths_cannot_say() {
        check("{{lookup tables.tier inputs.tier \"rpo\"}}", json!("5m"));
        check("{{tables.tier.[gold].rpo}}", json!("5m"));
        check("{{date run.started '%Y%m%d%H%M'}}", json!("202604060130"));
        check("{{default inputs.none \"-\"}}", json!("-"));
        check("{{default stores.a.point.version 'none'}}", json!("none"));
        check("{{join inputs.tables ','}}", json!("a,b"));
        check(
            "{{lookup tables.tier (default inputs.none 'gold') \"rpo\"}}",
            json!("5m"),
        );
    }

    #[test]
    fn what_a_fact_says_is_never_rendered() {
        check("{{inputs.evil}}", json!("{{run.id}}"));
        check("x{{inputs.evil}}", json!("x{{run.id}}"));
        check("\\{{inputs.evil}}", json!("{{inputs.evil}}"));
        let odd = render(&json!({KEY: "{{inputs.odd}}"}), &facts()).expect_err("a hidden template");
        assert_eq!(odd.message, "the fact `inputs.odd` holds a key `$template`");
    }

    #[test]
    fn a_secret_stays_a_reference() {
        check(
            "postgres://app:{{inputs.password}}@{{inputs.tenant}}/x",
            json!({"secret": [{"text": "postgres://app:"}, {"from": "env:PGPASSWORD"}, {"text": "@acme/x"}]}),
        );
        refused(
            "{{inputs.password.secret}}",
            "`inputs.password.secret` is not known",
            "inputs.password.secret",
        );
    }

    #[test]
    fn a_secret_is_refused_where_the_action_takes_none() {
        let with = Values::new().with("url", json!({KEY: "u:{{inputs.password}}"}));
        let error = render_values(&with, &Fields::none(), &facts()).expect_err("an open place");
        assert_eq!(
            error.message,
            "`url` does not take a secret: it could be read there"
        );
    }

    #[test]
    fn errors_point_into_the_text() {
        refused(
            "a {{inputs.tennant}}",
            "`inputs.tennant` is not known",
            "inputs.tennant",
        );
        refused(
            "é {{frob inputs.tenant}}",
            "there is no helper `frob`; there are `date`, `default`, `join`, `lookup`, `text`",
            "frob",
        );
        refused(
            "x{{inputs.tables}}",
            "`inputs.tables` cannot stand inside a text: a list or table is no text",
            "inputs.tables",
        );
        refused(
            "x {{inputs.tenant",
            "these braces are not an expression",
            "{{inputs.tenant",
        );
        refused(
            "{{#if inputs.tenant}}a{{/if}}",
            "blocks, partials and decorators are not in the language: a plan says what, `when` and `[tables]` say which",
            "{{#if inputs.tenant}}",
        );
        refused(
            "{{tables.tier.[inputs.tier].rpo}}",
            "brackets hold a name, not a path: write {{lookup TABLE inputs.tier \"COLUMN\"}}",
            "tables.tier.[inputs.tier].rpo",
        );
        assert!(Template::parse(&"{{a (".repeat(5000)).is_err());
    }

    #[test]
    fn what_is_not_known_stays_a_template_or_becomes_a_placeholder() {
        let tree = json!({"a": {KEY: "{{inputs.tenant}}"}, "b": [{KEY: "x {{steps.db.endpoint}}/{{inputs.tenant}}"}]});
        let partial = render_partial(&tree, &facts()).expect("known facts fit");
        assert_eq!(
            partial,
            json!({"a": "acme", "b": [{KEY: "x {{steps.db.endpoint}}/{{inputs.tenant}}"}]})
        );
        let placed = render_with_placeholders(&tree, &facts(), &|unknown| {
            format!("(known after {}: its {})", unknown.path[1], unknown.path[2])
        });
        assert_eq!(
            placed.expect("known facts fit")["b"][0],
            json!("x (known after db: its endpoint)/acme")
        );
        let paths: Vec<String> = references(&partial)
            .into_iter()
            .map(|p| p.join("."))
            .collect();
        assert_eq!(paths, ["inputs.tenant", "steps.db.endpoint"]);
    }

    #[test]
    fn a_template_is_written_back_as_it_was_read() {
        for text in [
            "a {{inputs.b}} c",
            "\\{{inputs.b}}",
            "c:\\\\{{inputs.b}}",
            "{{lookup tables.t (default inputs.b \"x\") \"y\"}}",
            "{{inputs.[a b].c}}",
        ] {
            let template = Template::parse(text).expect(text);
            assert_eq!(template.to_string(), text);
        }
    }

    #[test]
    fn another_template_takes_the_place_of_a_path() {
        let text = "http://{{database.endpoint}}:{{database.port}}/{{inputs.x}}";
        let template = Template::parse(text).expect("good");
        let put = template.substitute(&|path| match path[1].as_str() {
            "endpoint" => Template::parse("{{steps.db.host}}.internal").ok(),
            "port" => Some(Template::literal("5432")),
            _ => None,
        });
        assert_eq!(
            put.to_string(),
            "http://{{steps.db.host}}.internal:5432/{{inputs.x}}"
        );
        assert!(!put.is_nested());
    }
}
