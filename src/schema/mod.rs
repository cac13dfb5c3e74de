//! JSON Schemas of what people write and of what salvor writes, made from the types that read and write it.
//!
//! The plan's schema comes from the tables of keys and from the kinds of the providers; the others from the
//! persisted Rust types. Nothing here is written by hand a second time. A schema says less than `salvor check`
//! does: it knows shapes, not references.

mod fields;
mod plan;

use schemars::JsonSchema;
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::Value;
use serde_json::json;

use crate::change_set::ChangeSet;
use crate::diff::Computed;
use crate::digest::Digest;
use crate::journal::Body;
use crate::journal::record::head_schema;
use crate::registry::Registry;
use crate::report::CheckReport;
use crate::report::DoctorReport;
use crate::report::Report;

/// What there is a schema of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// `plan.toml`, read as JSON.
    Plan,
    /// A file that a plan includes.
    IncludedFile,
    /// The file of one value of a variant.
    VariantFile,
    /// The file of a group.
    GroupFile,
    /// A saved change set, and `plan --json`.
    ChangeSet,
    /// One line of a journal.
    Journal,
    /// `report --format json`.
    Report,
    /// `check --format json`.
    Check,
    /// `doctor --json`.
    Doctor,
}

impl Subject {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Plan,
        Self::IncludedFile,
        Self::VariantFile,
        Self::GroupFile,
        Self::ChangeSet,
        Self::Journal,
        Self::Report,
        Self::Check,
        Self::Doctor,
    ];

    /// Its name, also of its file: `schemas/NAME.schema.json`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::IncludedFile => "included-file",
            Self::VariantFile => "variant-file",
            Self::GroupFile => "group-file",
            Self::ChangeSet => "change-set",
            Self::Journal => "journal",
            Self::Report => "report",
            Self::Check => "check",
            Self::Doctor => "doctor",
        }
    }
}

/// The schema of a subject, for the kinds of these providers.
pub fn schema(subject: Subject, registry: &Registry) -> Value {
    match subject {
        Subject::Plan => plan::schema(registry),
        Subject::IncludedFile | Subject::VariantFile | Subject::GroupFile => {
            plan::schema_of_file(registry, subject.name())
        }
        Subject::ChangeSet => change_set(),
        Subject::Journal => journal(),
        Subject::Report => of_type::<Report>("The report of a run."),
        Subject::Check => of_type::<CheckReport>("What `check` found."),
        Subject::Doctor => of_type::<DoctorReport>("What `doctor` tried out."),
    }
}

/// The file of a change set, as `change_set::save` writes it.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
#[expect(dead_code, reason = "only its schema is read")]
struct Saved {
    /// The digest over the bytes of the change set as they stand in this file.
    digest: Digest,
    /// The change set.
    change_set: ChangeSet,
}

fn generator() -> SchemaGenerator {
    SchemaGenerator::new(SchemaSettings::draft2020_12().for_serialize())
}

fn of_type<T: JsonSchema>(title: &str) -> Value {
    let mut schema = generator().into_root_schema_for::<T>();
    schema.insert("title".to_owned(), json!(title));
    for_readers(schema.to_value())
}

/// The saved file, or the change set and what keeps it from being applied, as `plan --json` prints them.
fn change_set() -> Value {
    let mut generator = generator();
    let either = [
        generator.subschema_for::<Saved>(),
        generator.subschema_for::<Computed>(),
    ];
    for_readers(json!({
        "$schema": plan::DIALECT,
        "title": "A change set: everything that a run will do.",
        "anyOf": either,
        "$defs": generator.take_definitions(true)
    }))
}

/// Descriptions are doc comments; what links there stands here as a word.
fn for_readers(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let members = members.into_iter().map(|(key, value)| {
                let value = match value.as_str() {
                    Some(text) if key == "description" => {
                        Value::from(text.replace("[`", "`").replace("`]", "`"))
                    }
                    Some(_) | None => for_readers(value),
                };
                (key, value)
            });
            Value::Object(members.collect())
        }
        Value::Array(items) => items.into_iter().map(for_readers).collect(),
        value @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => value,
    }
}

/// A line is the members that every record has, and the members `type` and `body` of one kind of record.
fn journal() -> Value {
    let mut generator = generator();
    let head = head_schema(&mut generator).to_value();
    let bodies = Body::json_schema(&mut generator).to_value();
    let mut required: Vec<Value> = head["required"].as_array().cloned().unwrap_or_default();
    required.extend(["type", "body", "hash"].map(Value::from));
    let spilled = json!({
        "description": "A body that is too long for a line: the digest of the blob that holds it.",
        "type": "object",
        "properties": { "$blob": { "type": "string" } },
        "required": ["$blob"],
        "additionalProperties": false
    });
    let lines = bodies["oneOf"].as_array().into_iter().flatten().map(|body| {
        let mut properties = head["properties"].clone();
        properties["type"] = body["properties"]["type"].clone();
        properties["body"] = json!({ "anyOf": [body["properties"]["body"], spilled] });
        properties["hash"] = json!({
            "description": "SHA-256 over the hash of the record before it and this line without this member.",
            "type": "string"
        });
        json!({
            "description": body["description"],
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": false
        })
    });
    for_readers(json!({
        "$schema": plan::DIALECT,
        "title": "One line of a journal: a record.",
        "oneOf": lines.collect::<Vec<Value>>(),
        "$defs": generator.take_definitions(true)
    }))
}
