//! A runbook in Markdown as its steps, and a shell that is given their commands in their order.

use std::path::Path;
use std::process::Command;

/// What is typed before the first step, or at one.
#[derive(Debug, PartialEq, Eq)]
pub struct Typed {
    /// The step; empty before the first.
    pub step: String,
    /// Its commands.
    pub commands: String,
}

/// The blocks of a runbook, each with the step that it stands under.
pub fn typed(markdown: &str) -> Vec<Typed> {
    let (mut found, mut step, mut open) = (Vec::<Typed>::new(), String::new(), None::<String>);
    for line in markdown.lines() {
        if let Some(fence) = &open {
            match line == fence {
                true => open = None,
                false => {
                    let block = found.last_mut().expect("a block is open");
                    block.commands.push_str(line);
                    block.commands.push('\n');
                }
            }
        } else if let Some(fence) = line.strip_suffix("sh").filter(|it| it.starts_with("```")) {
            open = Some(fence.to_owned());
            let commands = String::new();
            found.push(Typed {
                step: step.clone(),
                commands,
            });
        } else if let Some(rest) = line.strip_prefix("- [ ] `") {
            let name = rest.split('`').next().unwrap_or_default();
            name.clone_into(&mut step);
        }
    }
    assert!(open.is_none(), "a block is not closed:\n{markdown}");
    found
}

/// What a block printed, and how its last command ended.
#[derive(Debug)]
pub struct Printed {
    pub exit: i32,
    pub text: String,
}

/// Gives the blocks to one shell after each other, as a person pastes them. A command that lacks a variable ends the
/// shell, so that fewer come back.
pub fn paste(blocks: &[&Typed], shell: impl Fn(&str) -> Command) -> Vec<Printed> {
    let mut script = String::new();
    for block in blocks {
        script.push_str(&block.commands);
        script.push_str("\necho \"<<ended $?>>\"\n");
    }
    let output = shell(&format!("exec 2>&1\n{script}"))
        .output()
        .expect("a shell can be started");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let parts = text.split("<<ended ");
    let mut printed: Vec<Printed> = Vec::new();
    let mut before = String::new();
    for part in parts {
        match part.split_once(">>\n") {
            Some((exit, rest)) => {
                printed.push(Printed {
                    exit: exit.parse().expect("an exit code"),
                    text: std::mem::replace(&mut before, rest.to_owned()),
                });
            }
            None => part.clone_into(&mut before),
        }
    }
    assert_eq!(
        printed.len(),
        blocks.len(),
        "the shell ended early:\n{text}"
    );
    printed
}

/// A shell in a folder, with the programs of one folder before all others.
pub fn shell_in(folder: &Path, programs: &Path, script: &str) -> Command {
    let script = format!("export PATH='{}':\"$PATH\"\n{script}", programs.display());
    let mut shell = Command::new("bash");
    shell.args(["-c", &script]).current_dir(folder);
    shell
}

/// What a shell printed that must succeed.
pub fn must(mut shell: Command) -> String {
    let output = shell.output().expect("bash can be started");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{shell:?} failed:\n{said}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn a_block_stands_under_its_step() {
    let text = "```sh\nA=1\n```\n- [ ] `one`: x\n````sh\n```\nls\n````\n- [ ] `two`: y\n";
    let block = |step: &str, commands: &str| Typed {
        step: step.to_owned(),
        commands: commands.to_owned(),
    };
    assert_eq!(typed(text), [block("", "A=1\n"), block("one", "```\nls\n")]);
}
