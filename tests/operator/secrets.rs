//! Secrets go to the program that is given them, and nowhere else.

use std::path::Path;

use serde_json::json;

use crate::support::Folder;

/// Tells what it was given, once in a file that only the test reads and once where salvor listens.
const LEAK: &str = r#"
tr '\0' '\n' < /proc/self/environ > given
printf '%s' "$PW"; printf '%s' "$PW" >&2
exit 3
"#;

fn files_below(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        match entry.path() {
            path if path.is_dir() => files_below(&path, found),
            path => found.push(path),
        }
    }
}

/// Where one of these texts can be read, beside the files that are meant to hold it.
fn leaks(folder: &Folder, texts: &[String], said: &[String]) -> Vec<String> {
    let mut files = Vec::new();
    files_below(folder.path(), &mut files);
    files.retain(|path| !path.ends_with("given") && !path.ends_with("password"));
    let read = |path: &std::path::PathBuf| {
        let bytes = std::fs::read(path).expect("a file");
        (
            path.display().to_string(),
            String::from_utf8_lossy(&bytes).into_owned(),
        )
    };
    let said = said
        .iter()
        .map(|said| ("a command".to_owned(), said.clone()));
    let all = files.iter().map(read).chain(said);
    let holds = |text: &str| texts.iter().any(|secret| text.contains(secret));
    all.filter(|(_, text)| holds(text))
        .map(|(place, _)| place)
        .collect()
}

#[test]
fn only_the_program_that_is_given_a_secret_has_it() {
    let steps = r#"
[inputs]
one = { type = "secret", default = "env:ONE" }
two = { type = "secret", default = "file:password" }
[steps.load]
uses = "exec"
with = { argv = ["/bin/sh", "./leak"], class = "convergent", secrets = { PW = "{{inputs.one}}:{{inputs.two}}" } }
"#;
    let folder = Folder::of_steps(steps, &["load"], &json!({}));
    let (one, two) = ("q\"uo'te\\$(x)\nsecond+line/==", "p%20&=<ü>canary");
    folder.write("leak", LEAK);
    folder.write("password", &format!("{two}\n"));
    let mut said = Vec::new();
    let mut salvor = |arguments: &[&str], code: i32| {
        let mut command = folder.command(arguments);
        command
            .env("ONE", one)
            .env("AWS_SECRET_ACCESS_KEY", "cloud-canary")
            .env("PGPASSWORD", "postgres-canary")
            .env("SALVOR_OTHER", "own-canary");
        let output = command.output().expect("the binary starts");
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text).into_owned();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {text}");
        said.push(text);
    };
    salvor(&["check"], 0);
    salvor(&["plan", "--out", "saved"], 0);
    salvor(&["plan", "--json"], 0);
    salvor(&["apply", "--no-input", "saved"], 5);
    let run = folder.run_id();
    salvor(&["resume", &run, "--retry", "load"], 5);
    for form in ["text", "markdown", "html", "json"] {
        salvor(&["report", &run, "--format", form], 0);
    }
    salvor(&["show", &run], 0);
    salvor(&["show", &run, "load"], 0);
    salvor(&["abort", &run], 0);
    let json = |text: &str| json!(text).to_string().trim_matches('"').to_owned();
    let secrets = [
        one,
        two,
        "cloud-canary",
        "postgres-canary",
        "own-canary",
        "second+line",
        "canary",
    ];
    let mut texts: Vec<String> = secrets.iter().map(|text| (*text).to_owned()).collect();
    texts.extend([json(one), json(two)]);
    assert_eq!(leaks(&folder, &texts, &said), Vec::<String>::new());
    let given = folder.read("given");
    assert!(given.contains(&format!("PW={one}:{two}")), "{given}");
    for foreign in ["cloud-canary", "postgres-canary", "own-canary", "ONE="] {
        assert!(!given.contains(foreign), "{given}");
    }
}
