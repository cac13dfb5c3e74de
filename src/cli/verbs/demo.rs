//! `salvor demo`: the whole story in seconds, on a small world in a file.
//!
//! A disaster happens, a recovery is planned and applied, killed half-way, resumed and reported. Every line
//! that begins with `$` is a real command of this binary, run as a process of its own, as a person would.

use std::path::PathBuf;
use std::process::ExitStatus;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use jiff::Timestamp;
use jiff::ToSpan as _;
use serde_json::json;
use tokio::process::Command;

use crate::cli::exit::Exit;
use crate::cli::output;
use crate::cli::refusal::Refusal;
use crate::journal::Environment;
use crate::journal::StateFolder;
use crate::journal::Status;
use crate::surroundings::Surroundings;

const PLAN: &str = include_str!("../../../plans/demo/plan.toml");
const TEMPLATE: &str = include_str!("../../../plans/demo/shop.conf.hbs");

/// How often the journal is looked at while another process writes it.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// After so long without the awaited change the demo gives up.
const PATIENCE: Duration = Duration::from_secs(60);

/// Tells the story in a folder of its own, which is kept.
pub async fn demo(surroundings: &Surroundings) -> anyhow::Result<Exit> {
    let name = format!("salvor-demo-{}", &surroundings.randomness.token()[..8]);
    let folder = std::env::temp_dir().join(name);
    let story = Story {
        folder,
        surroundings,
    };
    story.set_up()?;
    story.tell("A shop runs on a database, a search index and a bucket of photos. Here is its recovery plan.");
    story.run(&["check", "."]).await?;

    story.disaster()?;
    story.tell(
        "The disaster: an engineer deletes the cluster. Database, index and photos are gone.",
    );
    story.tell("What would a recovery do, from which moment, and what would be lost?");
    story.run(&["plan", ".", "--out", "shop.changeset"]).await?;

    story.tell(
        "The change set is reviewed and applied. Half-way, the machine that runs salvor dies.",
    );
    story.apply_and_kill().await?;

    story.tell(
        "Another process takes over. What was under way is found again, nothing is done twice.",
    );
    story.resume_and_answer().await?;

    story.tell("The report, from the journal alone.");
    let run = story.run_id().await?;
    story.run(&["report", &run]).await?;
    story.prove_nothing_was_repeated()?;
    story.tell(&format!(
        "All of it is in {}: the plan, the world, the journal.",
        story.folder.display()
    ));
    Ok(Exit::Ok)
}

struct Story<'a> {
    folder: PathBuf,
    surroundings: &'a Surroundings,
}

impl Story<'_> {
    fn set_up(&self) -> anyhow::Result<()> {
        std::fs::create_dir_all(&self.folder)?;
        self.write("plan.toml", PLAN)?;
        self.write("shop.conf.hbs", TEMPLATE)?;
        self.write(
            "shop.conf",
            "[database]\nhost = \"orders.simulated\"\npool = 20\n",
        )?;
        self.write_world("available")
    }

    fn disaster(&self) -> anyhow::Result<()> {
        self.write_world("lost")
    }

    /// The world a minute ago, with last night's backups.
    fn write_world(&self, state: &str) -> anyhow::Result<()> {
        let now = self.surroundings.clock.now();
        let ago = |span: jiff::Span| -> anyhow::Result<Timestamp> { Ok(now.checked_sub(span)?) };
        let (newest, night, born) = (ago(4.minutes())?, ago(9.hours())?, ago(4000.hours())?);
        let content = |rows: u64, bytes: u64| json!({ "rows": rows, "bytes": bytes, "data-until": newest, "created": born, "state": state });
        let mut orders = content(50_000, 3_200_000_000);
        orders["rows-per-hour"] = json!(120);
        orders["pitr-from"] = json!(ago(168.hours())?);
        let nightly = |rows: u64, bytes: u64| json!([{ "id": "nightly", "at": night, "rows": rows, "bytes": bytes }]);
        let world = json!({
            "databases": { "orders": orders },
            "indices": { "catalogue": content(9_000, 48_000_000) },
            "objects": { "photos": content(2_000, 1_100_000_000) },
            "deployments": { "web": { "replicas": 3 } },
            "backups": {
                "databases/orders": nightly(48_900, 3_150_000_000),
                "indices/catalogue": nightly(9_000, 48_000_000),
                "objects/photos": nightly(2_000, 1_100_000_000),
            },
        });
        self.write("world.json", &serde_json::to_string_pretty(&world)?)
    }

    /// Applies the change set in another process, and kills it while the database is being restored.
    async fn apply_and_kill(&self) -> anyhow::Result<()> {
        let arguments = ["apply", "shop.changeset", "--no-input"];
        self.show_command(&arguments);
        let mut child = self.command(&arguments)?.spawn()?;
        self.until("the database is being restored", || async {
            let state = self.run_state().await?;
            let orders = state.status(&"orders".into());
            let catalogue = state.status(&"catalogue".into());
            Some(orders == Status::Intended && catalogue == Status::Succeeded)
        })
        .await?;
        child.start_kill()?;
        let status = child.wait().await?;
        output::progress(&format!("(killed: {status})"));
        Ok(())
    }

    /// Goes on in a new process, and answers its question from yet another one.
    async fn resume_and_answer(&self) -> anyhow::Result<()> {
        let run = self.run_id().await?;
        let arguments = ["resume", &run, "--no-input"];
        self.show_command(&arguments);
        let mut child = self.command(&arguments)?.spawn()?;
        self.until("the last step asks", || async {
            Some(self.run_state().await?.status(&"review".into()) == Status::Asked)
        })
        .await?;
        self.run(&["answer", &run, "review", "--text", "order 50017 was placed"])
            .await?;
        expect_success(child.wait().await?, "resume")
    }

    fn prove_nothing_was_repeated(&self) -> anyhow::Result<()> {
        let world: serde_json::Value =
            serde_json::from_slice(&std::fs::read(self.folder.join("world.json"))?)?;
        let effects = world["effects"].as_array().cloned().unwrap_or_default();
        let mut operations: Vec<String> = effects
            .iter()
            .map(|effect| effect["operation"].to_string())
            .collect();
        operations.sort();
        let all = operations.len();
        operations.dedup();
        if all != operations.len() {
            return Err(Refusal::new(Exit::Bug, "an effect was repeated in the world").into());
        }
        self.tell(&format!(
            "The world counts its effects: {all} operations, each of them once."
        ));
        Ok(())
    }

    async fn run(&self, arguments: &[&str]) -> anyhow::Result<()> {
        self.show_command(arguments);
        let status = self.command(arguments)?.status().await?;
        expect_success(status, arguments.first().copied().unwrap_or_default())
    }

    fn command(&self, arguments: &[&str]) -> anyhow::Result<Command> {
        let mut command = Command::new(std::env::current_exe().context("cannot find this binary")?);
        command
            .args(arguments)
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .kill_on_drop(true);
        Ok(command)
    }

    async fn run_id(&self) -> anyhow::Result<String> {
        let state = self.run_state().await.context("the run is not there")?;
        Ok(state.run.to_string())
    }

    /// The newest run, when there is one that can be read at this moment.
    async fn run_state(&self) -> Option<crate::journal::RunState> {
        let place = StateFolder::new(self.folder.join(".salvor"));
        let state = Environment::open_existing(Arc::new(place)).await.ok()?;
        let newest = state.runs().await.ok()?.pop()?;
        newest.state.ok()
    }

    /// Waits until something holds; what cannot be told yet does not hold.
    async fn until<F: Future<Output = Option<bool>>>(
        &self,
        what: &str,
        holds: impl Fn() -> F,
    ) -> anyhow::Result<()> {
        let clock = self.surroundings.clock.as_ref();
        let began = clock.elapsed();
        while !holds().await.unwrap_or(false) {
            if clock.elapsed().saturating_sub(began) > PATIENCE {
                anyhow::bail!("the demo waited in vain until {what}");
            }
            clock.sleep(LOOK_EVERY).await;
        }
        Ok(())
    }

    fn write(&self, name: &str, text: &str) -> anyhow::Result<()> {
        let path = self.folder.join(name);
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    }

    fn tell(&self, text: &str) {
        output::progress(&format!("\n# {text}"));
    }

    fn show_command(&self, arguments: &[&str]) {
        let words = arguments.iter().map(|word| quoted(word));
        output::progress(&format!("$ salvor {}", words.collect::<Vec<_>>().join(" ")));
    }
}

fn quoted(word: &str) -> String {
    if word.contains(' ') {
        format!("'{word}'")
    } else {
        word.to_owned()
    }
}

fn expect_success(status: ExitStatus, verb: &str) -> anyhow::Result<()> {
    if status.success() {
        return Ok(());
    }
    anyhow::bail!("salvor {verb} ended with {status}")
}
