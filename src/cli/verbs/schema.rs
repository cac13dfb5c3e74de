//! `salvor schema`: the JSON Schema of a plan, of what salvor writes, or of what it prints.

use crate::cli::arguments::SchemaSubject;
use crate::cli::exit::Exit;
use crate::cli::output;
use crate::registry::Registry;
use crate::schema::Subject;
use crate::schema::schema;

/// Prints a schema.
pub fn print(subject: SchemaSubject, registry: &Registry) -> anyhow::Result<Exit> {
    let subject = match subject {
        SchemaSubject::Plan => Subject::Plan,
        SchemaSubject::IncludedFile => Subject::IncludedFile,
        SchemaSubject::VariantFile => Subject::VariantFile,
        SchemaSubject::GroupFile => Subject::GroupFile,
        SchemaSubject::ChangeSet => Subject::ChangeSet,
        SchemaSubject::Journal => Subject::Journal,
        SchemaSubject::Report => Subject::Report,
        SchemaSubject::Check => Subject::Check,
        SchemaSubject::Doctor => Subject::Doctor,
    };
    let text = serde_json::to_string_pretty(&schema(subject, registry))?;
    output::result(&text);
    Ok(Exit::Ok)
}
