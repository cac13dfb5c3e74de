//! What `check` found in the forms that services for pull requests read: SARIF 2.1.0 and the commands of GitHub's workflows.

use serde_json::Value;
use serde_json::json;

use crate::plan_file::Code;
use crate::report::check_report::CheckReport;
use crate::report::check_report::Finding;
use crate::report::check_report::Level;
use crate::report::check_report::Spot;

/// As SARIF: one run, a rule for each kind of problem, a result for each problem.
pub fn check_sarif(report: &CheckReport) -> Value {
    let rules: Vec<Value> = Code::ALL
        .iter()
        .map(|code| {
            json!({
                "id": code.to_string(),
                "shortDescription": { "text": code.summary() },
            })
        })
        .collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "salvor",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            } },
            "columnKind": "unicodeCodePoints",
            "results": report.problems.iter().map(sarif_result).collect::<Vec<Value>>(),
        }],
    })
}

fn sarif_result(finding: &Finding) -> Value {
    let index = Code::ALL
        .iter()
        .position(|code| code.to_string() == finding.code);
    let mut result = json!({
        "ruleId": finding.code,
        "ruleIndex": index,
        "level": match finding.severity {
            Level::Error => "error",
            Level::Warning => "warning",
        },
        "message": { "text": words(finding) },
    });
    if let Some(at) = &finding.at {
        result["locations"] = json!([{ "physicalLocation": physical(at) }]);
    }
    if !finding.related.is_empty() {
        result["relatedLocations"] = finding
            .related
            .iter()
            .map(|spot| json!({ "physicalLocation": physical(spot), "message": { "text": spot.text } }))
            .collect();
    }
    if let Some(edit) = &finding.edit {
        result["fixes"] = json!([{
            "description": { "text": edit.at.text },
            "artifactChanges": [{
                "artifactLocation": { "uri": uri(&edit.at.file) },
                "replacements": [{
                    "deletedRegion": region(&edit.at),
                    "insertedContent": { "text": edit.becomes },
                }],
            }],
        }]);
    }
    result
}

fn physical(spot: &Spot) -> Value {
    json!({ "artifactLocation": { "uri": uri(&spot.file) }, "region": region(spot) })
}

fn region(spot: &Spot) -> Value {
    json!({
        "startLine": spot.line,
        "startColumn": spot.column,
        "endLine": spot.end_line,
        "endColumn": spot.end_column,
    })
}

/// A path as a URI reference: relative to where the program ran, as services expect it.
fn uri(path: &str) -> String {
    let path = path.strip_prefix("./").unwrap_or(path);
    let mut text = String::from(if path.starts_with('/') { "file://" } else { "" });
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                text.push(char::from(byte));
            }
            _ => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text
}

/// All that is said of a problem, a line each.
fn words(finding: &Finding) -> String {
    let mut lines = vec![finding.message.clone()];
    let label = finding.at.iter().map(|at| at.text.clone());
    lines.extend(label.filter(|text| !text.is_empty()));
    lines.extend(finding.notes.iter().map(|note| format!("note: {note}")));
    lines.extend(finding.help.iter().map(|help| format!("help: {help}")));
    lines.join("\n")
}

/// As workflow commands, a line each: GitHub shows them beside the lines of a pull request.
pub fn check_github(report: &CheckReport) -> String {
    let mut text = String::new();
    for finding in &report.problems {
        let command = match finding.severity {
            Level::Error => "error",
            Level::Warning => "warning",
        };
        let mut properties = Vec::new();
        if let Some(at) = &finding.at {
            properties.push(("file", at.file.clone()));
            properties.push(("line", at.line.to_string()));
            properties.push(("endLine", at.end_line.to_string()));
            properties.push(("col", at.column.to_string()));
            properties.push(("endColumn", at.end_column.to_string()));
        }
        properties.push(("title", finding.code.clone()));
        let properties: Vec<String> = properties
            .into_iter()
            .map(|(name, value)| {
                let value = escaped(&value).replace(':', "%3A").replace(',', "%2C");
                format!("{name}={value}")
            })
            .collect();
        let properties = properties.join(",");
        text.push_str(&format!(
            "::{command} {properties}::{}\n",
            escaped(&words(finding))
        ));
    }
    text
}

fn escaped(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}
