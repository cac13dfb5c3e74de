//! A run that is begun on one machine and finished from another: nothing but the store and the plan is common to them.

use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;

use serde_json::Value;
use serde_json::json;

use crate::store::Reach;
use crate::store::Store;
use crate::support::Said;
use crate::support::ended;

/// Work before a question, work that is under way for a while, a question, work after it.
pub const PLAN: &str = r#"
[steps.load]
uses = "simulated.run"
with = { target = "loaded", value = 1, class = "named" }
[steps.index]
uses  = "simulated.run"
needs = ["load"]
with  = { target = "indexed", value = 2, class = "named", takes = "3s" }
[steps.review]
uses  = "manual"
needs = ["index"]
with  = { ask = "Is it well?", evidence = "text", role = "lead" }
[steps.open]
uses  = "simulated.run"
needs = ["review"]
with  = { target = "opened", value = "{{steps.review.answer}}", class = "named" }
[scenarios.full]
goal = ["open"]
"#;

/// A plan's folder on a machine of its own, with its own home.
pub struct Machine {
    folder: tempfile::TempDir,
    /// What the plan recovers: reached from every machine.
    world: PathBuf,
    reach: Reach,
    prefix: String,
    plan: String,
}

impl Machine {
    /// The first machine, with a world of its own.
    pub fn new(reach: &Reach, prefix: &str, plan: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let world = folder.path().join("world.json");
        std::fs::write(&world, json!({}).to_string()).expect("the test's folder");
        Self::at(folder, world, reach, prefix, plan)
    }

    /// Another machine, which reaches the same world, and the same state as `reach` says.
    pub fn reached_by(&self, reach: &Reach) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self::at(folder, self.world.clone(), reach, &self.prefix, &self.plan)
    }

    fn at(
        folder: tempfile::TempDir,
        world: PathBuf,
        reach: &Reach,
        prefix: &str,
        plan: &str,
    ) -> Self {
        let head = format!(
            "format = 1\n{}[plan]\nname = \"shop\"\ntitle = \"Recover the shop\"\n[providers.simulated]\nworld = {:?}\n",
            reach.plan_line(prefix),
            world.display().to_string()
        );
        std::fs::write(folder.path().join("plan.toml"), format!("{head}{plan}"))
            .expect("the test's folder");
        Self {
            folder,
            world,
            reach: reach.clone(),
            prefix: prefix.to_owned(),
            plan: plan.to_owned(),
        }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_salvor"));
        command
            .args(arguments)
            .current_dir(self.path())
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", self.path())
            .env("TZ", "UTC")
            .env("SALVOR_OPERATOR", "kim")
            .envs(self.reach.variables())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs a command to its end.
    pub fn salvor(&self, arguments: &[&str]) -> Said {
        ended(self.command(arguments).spawn().expect("salvor starts"))
    }

    /// What the world counts as effects: the steps, in the order in which they had them.
    pub fn effects(&self) -> Vec<String> {
        let world = std::fs::read(&self.world).expect("it is there");
        let world: Value = serde_json::from_slice(&world).expect("the world is JSON");
        let effects = world["effects"].as_array().cloned().unwrap_or_default();
        let step = |effect: &Value| effect["step"].as_str().unwrap_or_default().to_owned();
        effects.iter().map(step).collect()
    }

    fn runs(&self) -> Vec<Value> {
        let said = self.salvor(&["runs", "--json"]);
        serde_json::from_str(&said.stdout).unwrap_or_default()
    }

    /// Begins the run, and kills it while its second step is under way. Gives the id of the run.
    pub fn begin_and_kill(&self) -> String {
        let mut apply = self.command(&["apply", "--no-input"]);
        let mut apply = apply.spawn().expect("salvor starts");
        while !self.effects().iter().any(|step| step == "index") {
            let gone = apply.try_wait().expect("it is the test's own");
            assert!(gone.is_none(), "it ended early: {}", ended(apply).all());
            std::thread::yield_now();
        }
        apply.kill().expect("it is the test's own");
        apply.wait().expect("it was killed");
        let runs = self.runs();
        let [run] = runs.as_slice() else {
            panic!("{runs:?}");
        };
        run["run"].as_str().expect("a run has an id").to_owned()
    }
}

fn finished_elsewhere(store: &Store) {
    let one = Machine::new(store.reach(), "shop", PLAN);
    let run = one.begin_and_kill();
    assert!(store.keys("shop/").len() > 3);
    let two = one.reached_by(store.reach());
    let three = one.reached_by(store.reach());
    // The first machine is gone, with all that it had beside the plan. Its world is what is recovered, and stays.
    std::fs::remove_dir_all(one.path().join(".salvor")).expect("it has local files");
    let resume = two.command(&["resume", &run, "--no-input"]).spawn();
    let mut resume = resume.expect("salvor starts");
    while three.salvor(&["answer", &run, "--text", "yes"]).code != Some(0) {
        let gone = resume.try_wait().expect("it is the test's own");
        assert!(gone.is_none(), "it ended early: {}", ended(resume).all());
    }
    ended(resume).ends_with(0);
    assert_eq!(two.effects(), ["load", "index", "open"]);
    for machine in [&two, &three] {
        machine.salvor(&["journal", "check", &run]).ends_with(0);
        machine
            .salvor(&["report", &run])
            .ends_with(0)
            .says("All of its 4 steps are done");
    }
    assert!(
        !three.path().join(".salvor").exists(),
        "it only looked and answered"
    );
    assert!(
        !two.path()
            .join(".salvor/runs")
            .join(&run)
            .join("scratch")
            .exists()
    );
    let inbox = store.keys(&format!("shop/runs/{run}/inbox/"));
    assert_eq!(inbox, Vec::<String>::new());
    // Nobody holds the lock: the next run begins at once.
    three.salvor(&["resume", &run]).ends_with(4).says("is over");
}

#[test]
fn a_run_whose_machine_is_gone_is_finished_from_another_on_minio() {
    if let Some(store) = Store::minio() {
        finished_elsewhere(&store);
    }
}

#[test]
fn a_run_whose_machine_is_gone_is_finished_from_another_on_versitygw() {
    if let Some(store) = Store::versitygw() {
        finished_elsewhere(&store);
    }
}

#[test]
fn a_saved_change_set_is_applied_once_whichever_machine_does_it() {
    let Some(store) = Store::versitygw() else {
        return;
    };
    let plan = r#"
[steps.load]
uses = "simulated.run"
with = { target = "loaded", value = 1, class = "named" }
[scenarios.full]
goal = ["load"]
"#;
    let one = Machine::new(store.reach(), "once", plan);
    let two = one.reached_by(store.reach());
    let saved = one.path().join("saved.changeset");
    let shown = saved.display().to_string();
    one.salvor(&["plan", "--out", &shown]).ends_with(0);
    std::fs::copy(&saved, two.path().join("saved.changeset")).expect("a copy");
    two.salvor(&["apply", "saved.changeset", "--no-input"])
        .ends_with(0);
    one.salvor(&["apply", "saved.changeset", "--no-input"])
        .ends_with(4)
        .says("was applied already, as run");
    assert_eq!(one.effects(), ["load"]);
}
