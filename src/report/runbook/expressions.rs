//! What stands between the braces of the templates in [`salvor_contract::ActionKind::by_hand`], which tells what each
//! does.

use handlebars::Context;
use handlebars::Handlebars;
use handlebars::Helper;
use handlebars::HelperDef;
use handlebars::HelperResult;
use handlebars::JsonRender as _;
use handlebars::Output;
use handlebars::RenderContext;
use handlebars::RenderError;
use handlebars::RenderErrorReason;
use handlebars::Renderable as _;
use handlebars::ScopedJson;
use handlebars::StringOutput;
use handlebars::handlebars_helper;
use jiff::Timestamp;
use salvor_contract::Secret;
use salvor_contract::secret::SecretPart;
use salvor_contract::secret::SecretReference;
use serde_json::Value;
use serde_json::json;

use crate::report::runbook::shell::here_document;
use crate::report::runbook::shell::quoted;

/// Makes the expressions known.
pub(super) fn register(handlebars: &mut Handlebars<'static>) {
    handlebars.register_escape_fn(handlebars::no_escape);
    handlebars.register_helper("q", Box::new(Quoted));
    handlebars.register_helper("json", Box::new(AsJson));
    handlebars.register_helper("local", Box::new(AllLocal));
    handlebars.register_helper("path", Box::new(PathOf));
    handlebars.register_helper("folder", Box::new(FolderOf));
    handlebars.register_helper("ends", Box::new(EndsWith));
    handlebars.register_helper("utc", Box::new(InUtc));
    handlebars.register_helper("seconds", Box::new(InSeconds));
    handlebars.register_helper("env", Box::new(Environment));
    handlebars.register_helper("object", Box::new(AsObject));
    handlebars.register_helper("filled", Box::new(Filled));
    handlebars.register_helper("here", Box::new(Here));
}

handlebars_helper!(Quoted: |value: Json| word(value));
handlebars_helper!(AsJson: |value: Json| value.to_string());
handlebars_helper!(AllLocal: |*addresses| addresses.iter().all(|address| folder(address).is_some()));
handlebars_helper!(PathOf: |address: Json| match folder(address) {
    Some(path) => Value::from(path),
    None => address.clone(),
});
handlebars_helper!(FolderOf: |address: Json| match (folder(address), address.as_str()) {
    (Some(path), _) | (None, Some(path)) => Value::from(format!("{}/", path.trim_end_matches('/'))),
    (None, None) => address.clone(),
});
handlebars_helper!(EndsWith: |text: Json, end: str| {
    text.as_str().is_some_and(|text| text.ends_with(end))
});
handlebars_helper!(InUtc: |moment: Json| {
    let text = moment.as_str().unwrap_or_default();
    let moment: Option<Timestamp> = text.parse().ok();
    moment.map_or_else(|| text.to_owned(), |at| at.strftime("%Y-%m-%d %H:%M:%S%.6f+00").to_string())
});
handlebars_helper!(InSeconds: |length: Json| {
    let length: Option<salvor_contract::Period> = serde_json::from_value(length.clone()).ok();
    length.map_or(0, |length| length.duration().as_secs())
});
handlebars_helper!(Environment: |name: str, value: Json| {
    let is_given_already = word(value) == format!("\"${{{name}:?}}\"");
    match is_given_already || value.is_null() {
        true => String::new(),
        false => format!("{name}={} ", word(value)),
    }
});
handlebars_helper!(AsObject: |name: str, value: Json, more: Json| {
    let mut object = more.as_object().cloned().unwrap_or_default();
    object.insert(name.to_owned(), value.clone());
    Value::Object(object).to_string()
});

/// The path in a `file://` address.
fn folder(address: &Value) -> Option<&str> {
    address.as_str()?.strip_prefix("file://")
}

/// A value as one word. A secret is read where its reference says, and is not in the text.
fn word(value: &Value) -> String {
    if let Value::Object(_) = value
        && let Ok(secret) = serde_json::from_value::<Secret>(value.clone())
    {
        let parts = secret.parts().iter().map(|part| match part {
            SecretPart::Text(text) => quoted(text),
            SecretPart::From(SecretReference::Environment(name)) => format!("\"${{{name}:?}}\""),
            SecretPart::From(SecretReference::File(path)) => format!("\"$(cat {})\"", quoted(path)),
        });
        return parts.collect();
    }
    match value {
        Value::String(text) => quoted(text),
        Value::Null => quoted(""),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            quoted(&value.to_string())
        }
    }
}

/// `(filled TEMPLATE VALUES)`: strict, nothing escaped, as a file is made of a template of the plan.
struct Filled;

impl HelperDef for Filled {
    fn call_inner<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
    ) -> Result<ScopedJson<'rc>, RenderError> {
        let value = |at: usize| helper.param(at).map_or(&Value::Null, |it| it.value());
        let Some(template) = value(0).as_str() else {
            return Err(RenderErrorReason::Other("its template cannot be read".into()).into());
        };
        let mut handlebars = Handlebars::new();
        handlebars.set_strict_mode(true);
        handlebars.register_escape_fn(handlebars::no_escape);
        handlebars.unregister_helper("log");
        let nothing = json!({});
        let values = Some(value(1)).filter(|values| !values.is_null());
        let text = handlebars.render_template(template, values.unwrap_or(&nothing))?;
        Ok(ScopedJson::Derived(Value::from(text)))
    }
}

/// `{{#here " > " FILE}}…{{/here}}`: a here-document of what is inside, with the words behind its beginning.
struct Here;

impl HelperDef for Here {
    fn call<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        handlebars: &'reg Handlebars<'reg>,
        context: &'rc Context,
        render: &mut RenderContext<'reg, 'rc>,
        out: &mut dyn Output,
    ) -> HelperResult {
        let mut inside = StringOutput::new();
        if let Some(template) = helper.template() {
            template.render(handlebars, context, render, &mut inside)?;
        }
        let behind = helper.params().iter().map(|it| it.value().render());
        let behind: String = behind.collect();
        out.write(&here_document(&inside.into_string()?, &behind))?;
        Ok(())
    }
}
