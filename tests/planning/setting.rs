//! A plan in a folder, a world in memory, and a clock that stands still: what every test here needs.

use std::fs;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use salvor::diff::Commission;
use salvor::diff::Computed;
use salvor::diff::VALID;
use salvor::diff::compute;
use salvor::graph::Graph;
use salvor::model;
use salvor::model::GivenInputs;
use salvor::plan_file::Look as ProblemLook;
use salvor::plan_file::show;
use salvor::recovery_points::Request;
use salvor::registry::Registry;
use salvor::report::Look;
use salvor::report::change_set_text;
use salvor::surroundings::Randomness;
use salvor::surroundings::Surroundings;
use salvor::survey::Reading;
use salvor::survey::survey;
use salvor_contract::Clock;
use salvor_contract::Error;
use salvor_contract::KindName;
use salvor_contract::Launcher;
use salvor_contract::SecretReference;
use salvor_contract::Secrets;
use salvor_contract::secret::SecretString;
use salvor_simulated::Simulated;
use salvor_simulated::World;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// The moment at which every test looks at its world.
pub const NOW: &str = "2026-04-06T02:04:00Z";

/// A plan and its world.
pub struct Setting {
    folder: TempDir,
    world: Arc<Mutex<World>>,
    registry: Registry,
    now: Timestamp,
}

impl Setting {
    /// A plan of this text in a world of this JSON.
    pub fn new(plan: &str, world: &str) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        fs::write(folder.path().join("plan.toml"), plan).expect("a new file");
        let world = Arc::new(Mutex::new(World::parse(world).expect("a good world")));
        let provider = Arc::new(Simulated::in_memory(Arc::clone(&world)));
        Self {
            folder,
            world,
            registry: Registry::new([provider as _]),
            now: time(NOW),
        }
    }

    /// Changes the world.
    pub fn change(&self, change: impl FnOnce(&mut World)) {
        change(&mut self.world.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Lets time pass.
    pub fn at(mut self, now: &str) -> Self {
        self.now = time(now);
        self
    }

    /// The change set of a scenario.
    pub async fn plan(&self, scenario: &str, request: Request) -> Computed {
        let read = model::read(self.folder.path(), &self.registry);
        let look = ProblemLook::Plain;
        let shown = show(&read.problems, &read.sources, look);
        let plan = read.plan.unwrap_or_else(|| panic!("{shown}"));
        let mut instance = plan
            .instance(Some(scenario), &GivenInputs::default())
            .unwrap_or_else(|problems| panic!("{}", show(&problems, &read.sources, look)));
        // A plan cannot say yet that a store is brought back by another action than its kind's own.
        for step in instance
            .steps
            .values_mut()
            .filter(|step| step.title.starts_with("Overwrite"))
        {
            step.action = KindName::new("simulated.overwrite");
        }
        let graph = Graph::of(&instance).expect("no cycle");
        let surroundings = Surroundings {
            clock: Arc::new(Still(self.now)),
            secrets: Arc::new(NoSecrets),
            randomness: Arc::new(NoChance),
            launcher: Launcher::default(),
            plan_dir: self.folder.path().to_owned(),
        };
        let scratch = self.folder.path().join("scratch");
        let stop = CancellationToken::new();
        let reading = Reading {
            registry: &self.registry,
            surroundings: &surroundings,
            scratch: &scratch,
            stop: &stop,
        };
        let surveyed = survey(&instance, &graph, &reading).await;
        let commission = Commission {
            tool: "0.1.0".into(),
            lineage: "lineage".into(),
            nonce: "nonce".into(),
            valid: VALID,
            request,
            history: [].into(),
        };
        compute(&instance, &graph, &surveyed, &commission, &reading).await
    }
}

/// What a person sees, with the digest of the change set replaced: it covers digests of files.
pub fn shown(computed: &Computed) -> String {
    let look = Look {
        width: 110,
        zone: None,
        with_details: false,
    };
    let text = change_set_text(&computed.change_set, &computed.problems, &look);
    text.replace(computed.change_set.digest().short(), "DIGEST")
}

/// The problems, a line each.
pub fn problems(computed: &Computed) -> Vec<String> {
    computed.problems.iter().map(ToString::to_string).collect()
}

/// A moment.
pub fn time(text: &str) -> Timestamp {
    text.parse().expect("a moment")
}

/// A clock that always shows one moment; waiting passes no time.
struct Still(Timestamp);

#[async_trait]
impl Clock for Still {
    fn now(&self) -> Timestamp {
        self.0
    }

    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }

    async fn sleep(&self, _: Duration) {
        tokio::task::yield_now().await;
    }
}

struct NoSecrets;

#[async_trait]
impl Secrets for NoSecrets {
    async fn resolve(&self, reference: &SecretReference) -> Result<SecretString, Error> {
        Err(Error::refused(format!("there is no secret {reference}")))
    }
}

struct NoChance;

impl Randomness for NoChance {
    fn bits(&self) -> u64 {
        4
    }
}
