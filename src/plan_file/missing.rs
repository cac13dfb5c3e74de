//! What to say to somebody who named a plan that is not there. Looks at the names beside it, and at nothing else.

use std::path::Path;

use crate::plan_file::names::similar;

/// What to do: the plan that was probably meant, the plans that there are, or how to begin one.
pub(super) fn advice(path: &Path) -> String {
    // A folder without a plan may hold folders with one; a name that leads nowhere is like one beside it.
    let place = if path.is_dir() {
        path
    } else {
        match path.parent() {
            Some(parent) if parent != Path::new("") => parent,
            Some(_) | None => Path::new("."),
        }
    };
    let plans = plans_in(place);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let shown = |plan: &str| match place == Path::new(".") {
        true => plan.to_owned(),
        false => place.join(plan).display().to_string(),
    };
    let begin = "begin one with `salvor init FOLDER --store KIND`";
    match similar(&name, plans.iter().map(String::as_str)) {
        Some(plan) => format!("did you mean `{}`? Or {begin}", shown(plan)),
        None if plans.is_empty() => format!("name the folder of a plan, or {begin}"),
        None => {
            let names: Vec<String> = plans.iter().take(5).map(|plan| shown(plan)).collect();
            format!("there are plans in {}; or {begin}", names.join(", "))
        }
    }
}

/// The folders that hold a plan, and the plans among the files, by name.
fn plans_in(place: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(place) else {
        return Vec::new();
    };
    let mut names: Vec<String> = entries
        .filter_map(Result::ok)
        .filter(|entry| {
            entry.path().join("plan.toml").is_file() || entry.file_name() == "plan.toml"
        })
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}
