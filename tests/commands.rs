//! `docs/commands.md` knows every verb and every option, and the verbs that only print do print.
//! `UPDATE=1 cargo test --test commands` writes its tables of options anew.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use clap::CommandFactory as _;
use salvor::cli::arguments::Arguments;

/// The visible commands that do something, by the words that call them.
fn verbs() -> Vec<(String, clap::Command)> {
    let mut root = Arguments::command();
    root.build();
    let mut verbs = Vec::new();
    let mut open: Vec<(String, clap::Command)> = Vec::new();
    let visible = |command: &clap::Command, before: &str| -> Vec<(String, clap::Command)> {
        command
            .get_subcommands()
            .filter(|inner| !inner.is_hide_set() && inner.get_name() != "help")
            .map(|inner| (format!("{before}{}", inner.get_name()), inner.clone()))
            .collect()
    };
    open.extend(visible(&root, ""));
    while let Some((name, command)) = open.pop() {
        let inner = visible(&command, &format!("{name} "));
        if inner.is_empty() {
            verbs.push((name, command));
        } else {
            open.extend(inner);
        }
    }
    verbs.sort_by(|one, other| one.0.cmp(&other.0));
    verbs
}

fn options(command: &clap::Command) -> String {
    let mut rows = String::new();
    for argument in command.get_arguments() {
        let id = argument.get_id().as_str();
        if argument.is_hide_set() || id == "help" || id == "version" {
            continue;
        }
        let value: Vec<String> = argument
            .get_value_names()
            .unwrap_or_default()
            .iter()
            .map(ToString::to_string)
            .collect();
        let takes_value = argument.get_action().takes_values();
        let mut name = match argument.get_long() {
            Some(long) if takes_value => format!("--{long} {}", value.join(" ")),
            Some(long) => format!("--{long}"),
            None => value.join(" "),
        };
        if let Some(short) = argument.get_short() {
            let _ = write!(name, "`, `-{short}");
        }
        let help = argument.get_long_help().or(argument.get_help());
        let mut meaning = help.map(ToString::to_string).unwrap_or_default();
        if !meaning.is_empty() && !meaning.ends_with('.') {
            meaning.push('.');
        }
        let words: Vec<String> = argument
            .get_possible_values()
            .iter()
            .filter(|word| !word.is_hide_set() && takes_value)
            .map(|word| format!("`{}`", word.get_name()))
            .collect();
        if !words.is_empty() {
            let _ = write!(meaning, " One of {}.", words.join(", "));
        }
        let defaults: Vec<String> = argument
            .get_default_values()
            .iter()
            .filter(|_| takes_value)
            .map(|value| format!("`{}`", value.to_string_lossy()))
            .collect();
        if !defaults.is_empty() {
            let _ = write!(meaning, " Left out: {}.", defaults.join(", "));
        }
        if argument.is_required_set() {
            meaning.push_str(" Required.");
        }
        let meaning = meaning.replace('\n', " ").replace('|', "\\|");
        let _ = writeln!(rows, "| `{name}` | {} |", meaning.trim());
    }
    if rows.is_empty() {
        return "It takes no options.\n".to_owned();
    }
    format!("| option | meaning |\n|---|---|\n{rows}")
}

#[test]
fn every_verb_and_option_is_documented() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/commands.md");
    let text = std::fs::read_to_string(&path).expect("the document is there");
    let mut made = text.clone();
    let verbs = verbs();
    assert!(verbs.len() > 10, "{} verbs", verbs.len());
    for (name, command) in &verbs {
        assert!(
            text.contains(&format!("\n## `{name}`\n")),
            "docs/commands.md has no section `{name}`"
        );
        let begin = format!("<!-- options: {name} -->\n");
        let from = made.find(&begin).map(|at| at + begin.len());
        let from = from.unwrap_or_else(|| panic!("`{name}` has no place for its options"));
        let length = made[from..]
            .find("<!-- end -->")
            .expect("the place is closed");
        made.replace_range(from..from + length, &format!("\n{}\n", options(command)));
    }
    let sections = text.matches("<!-- options: ").count();
    assert_eq!(
        sections,
        verbs.len(),
        "a section of a verb that is not there"
    );
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &made).expect("docs/ can be written");
    } else {
        assert!(
            made == text,
            "docs/commands.md is not up to date: run `UPDATE=1 cargo test --test commands`"
        );
    }
}

#[test]
fn every_exit_code_is_documented() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/commands.md");
    let text = std::fs::read_to_string(path).expect("the document is there");
    use salvor::cli::exit::Exit;
    for exit in [
        Exit::Ok,
        Exit::Bug,
        Exit::Usage,
        Exit::InvalidPlan,
        Exit::Refused,
        Exit::StepFailed,
        Exit::Negative,
        Exit::Changes,
        Exit::Interrupted,
    ] {
        let row = format!("\n| {} | ", exit.code());
        assert!(text.contains(&row), "{exit:?} is not in the table");
    }
}

#[test]
fn completions_and_the_manual_name_the_verbs() {
    let printed = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_salvor"))
            .args(arguments)
            .output()
            .expect("the binary was built for this test");
        assert!(output.status.success(), "{arguments:?}");
        String::from_utf8(output.stdout).expect("text")
    };
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let completions = printed(&["completions", shell]);
        for verb in ["check", "apply", "--detailed-exitcode"] {
            let verb = verb.trim_start_matches('-');
            assert!(
                completions.contains(verb),
                "{shell} does not complete {verb}"
            );
        }
    }
    let manual = printed(&["man"]);
    assert!(manual.starts_with(".ie"), "it is roff: {manual}");
    for verb in ["salvor\\-check", "salvor\\-apply"] {
        assert!(manual.contains(verb), "{verb} is not in the manual");
    }
}
