//! A graph of layered steps, and how salvor, terraform and make are told it.
//!
//! Each step of a layer waits for three of the layer before: 1,000 steps have 2,904 edges.

use std::fmt::Write as _;
use std::time::Duration;

/// How many steps of the layer before a step waits for.
const NEEDS: usize = 3;

/// How many steps of salvor's plan stand in one file.
const STEPS_OF_A_FILE: usize = 5_000;

/// Why writing to a text does not fail.
const TAKES_ALL: &str = "a text takes all";

/// A graph of layered steps.
#[derive(Clone, Copy, Debug)]
pub struct Layers {
    /// How many steps.
    pub steps: usize,
    /// How many of them a layer has. One makes a chain.
    pub width: usize,
}

/// What each step does.
#[derive(Clone, Copy, Debug)]
pub enum Work {
    /// Nothing that takes time.
    Nothing,
    /// It runs the program `sleep`, each step for [`Layers::sleep`].
    Sleep,
}

impl Layers {
    /// The steps that this one waits for.
    pub fn needs(self, step: usize) -> Vec<usize> {
        let (layer, place) = (step / self.width, step % self.width);
        let Some(before) = layer.checked_sub(1) else {
            return Vec::new();
        };
        (0..NEEDS.min(self.width))
            .map(|next| before * self.width + (place + next) % self.width)
            .collect()
    }

    /// How many edges there are.
    pub fn edges(self) -> usize {
        (0..self.steps).map(|step| self.needs(step).len()).sum()
    }

    /// How long a step sleeps: 200 to 600 ms, without an order.
    pub fn sleep(self, step: usize) -> Duration {
        Duration::from_millis(200 + 50 * (step as u64 * 7 % 9))
    }

    /// The plan of salvor as files and their texts: a file may have 1 MiB. Without work a step reads a fact of a small
    /// world file and compares it.
    pub fn plan(self, work: Work, parallel: usize) -> Vec<(String, String)> {
        let mut has_follower = vec![false; self.steps];
        let mut files = Vec::new();
        for first in (0..self.steps).step_by(STEPS_OF_A_FILE) {
            let mut text = String::new();
            for step in first..self.steps.min(first + STEPS_OF_A_FILE) {
                let needs = self.needs(step);
                for before in &needs {
                    has_follower[*before] = true;
                }
                let needs = list(needs.iter().map(|before| format!("\"s{before}\"")));
                let does = self.does(work, step);
                writeln!(text, "[steps.s{step}]\nneeds = [{needs}]\n{does}").expect(TAKES_ALL);
            }
            files.push((format!("steps-{first}.toml"), text));
        }
        let goals = (0..self.steps).filter(|step| !has_follower[*step]);
        let goals = list(goals.map(|step| format!("\"s{step}\"")));
        let include = list(files.iter().map(|(name, _)| format!("\"{name}\"")));
        let text = format!(
            "format = 1\ninclude = [{include}]\n[plan]\nname = \"layers\"\ntitle = \"Layers\"\n\
             [limits]\nparallel = {parallel}\n[providers.simulated]\n[scenarios.full]\ngoal = [{goals}]\n"
        );
        files.push(("plan.toml".to_owned(), text));
        files
    }

    fn does(self, work: Work, step: usize) -> String {
        match work {
            Work::Nothing => "uses = \"simulated.check\"\n\
                              with = { fact = \"deployments/web/replicas\", equals = 3 }"
                .to_owned(),
            Work::Sleep => format!(
                "uses = \"system.exec\"\nexpect = \"{}ms\"\n\
                 with = {{ argv = [\"sleep\", \"{}\"], class = \"read\" }}",
                self.sleep(step).as_millis(),
                self.sleep(step).as_secs_f64(),
            ),
        }
    }

    /// The world file of [`Layers::plan`].
    pub fn world(self) -> &'static str {
        r#"{"deployments":{"web":{"replicas":3}}}"#
    }

    /// The configuration of terraform: resources of its built-in provider.
    pub fn terraform(self, work: Work) -> String {
        let mut text = String::new();
        for step in 0..self.steps {
            let needs = self.needs(step);
            let needs = list(
                needs
                    .iter()
                    .map(|before| format!("terraform_data.s{before}")),
            );
            let does = match work {
                Work::Nothing => String::new(),
                Work::Sleep => format!(
                    "  provisioner \"local-exec\" {{\n    command = \"sleep {}\"\n  }}\n",
                    self.sleep(step).as_secs_f64()
                ),
            };
            writeln!(
                text,
                "resource \"terraform_data\" \"s{step}\" {{\n  depends_on = [{needs}]\n{does}}}"
            )
            .expect(TAKES_ALL);
        }
        text
    }

    /// The makefile.
    pub fn makefile(self, work: Work) -> String {
        let names: Vec<String> = (0..self.steps).map(|step| format!("s{step}")).collect();
        let names = names.join(" ");
        let mut text = format!("all: {names}\n.PHONY: all {names}\n");
        for step in 0..self.steps {
            let needs = self.needs(step);
            let needs: Vec<String> = needs.iter().map(|before| format!("s{before}")).collect();
            let does = match work {
                Work::Nothing => "true".to_owned(),
                Work::Sleep => format!("sleep {}", self.sleep(step).as_secs_f64()),
            };
            writeln!(text, "s{step}: {}\n\t@{does}", needs.join(" ")).expect(TAKES_ALL);
        }
        text
    }
}

fn list(items: impl Iterator<Item = String>) -> String {
    items.collect::<Vec<_>>().join(", ")
}
