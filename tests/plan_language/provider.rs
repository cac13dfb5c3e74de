//! Providers that only describe themselves: what the language needs to know of a provider is data.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use salvor::registry::Registry;
use salvor_contract::ActionKind;
use salvor_contract::Call;
use salvor_contract::Class;
use salvor_contract::Condition;
use salvor_contract::Description;
use salvor_contract::Destroys;
use salvor_contract::Effect;
use salvor_contract::Error;
use salvor_contract::Fields;
use salvor_contract::Idempotency;
use salvor_contract::IdentityTemplate;
use salvor_contract::InputRefusal;
use salvor_contract::KindName;
use salvor_contract::Operation;
use salvor_contract::Outcome;
use salvor_contract::Output;
use salvor_contract::Period;
use salvor_contract::Preview;
use salvor_contract::Probe;
use salvor_contract::Provider;
use salvor_contract::RecoveryPoint;
use salvor_contract::Removal;
use salvor_contract::Secret;
use salvor_contract::Size;
use salvor_contract::StoreKind;
use salvor_contract::StoreRequest;
use salvor_contract::Survey;
use salvor_contract::Trap;
use salvor_contract::Type;
use salvor_contract::Values;
use schemars::JsonSchema;
use serde::Deserialize;

#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "only its schema is read")]
struct Config {
    /// The region.
    region: String,
    /// Where to reach it.
    endpoint: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "only its schema is read")]
struct Database {
    /// The instance.
    instance: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[expect(dead_code, reason = "only its schema is read")]
struct Restore {
    /// The new instance.
    target: String,
    class: Option<Machine>,
    password: Option<Secret>,
    publicly_accessible: Option<bool>,
    tags: Option<BTreeMap<String, String>>,
    settle: Option<Period>,
    memory: Option<Size>,
    until: Option<jiff::Timestamp>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Machine {
    Small,
    Large,
}

#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "only its schema is read")]
struct Overwrite {
    /// The instance.
    instance: String,
}

#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "only its schema is read")]
struct Scale {
    /// The deployment.
    deployment: String,
    /// How many.
    replicas: u32,
}

#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "only its schema is read")]
struct Manual {
    /// The question.
    ask: String,
    /// What is asked for.
    evidence: Option<String>,
    /// Who answers.
    role: Option<String>,
    expects: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "only its schema is read")]
struct Stated {
    /// Where its backups are.
    place: String,
    /// The moment.
    at: Option<jiff::Timestamp>,
}

#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "only its schema is read")]
struct Exec {
    /// The program and its arguments.
    argv: Vec<String>,
    /// Its environment.
    env: Option<BTreeMap<String, Secret>>,
    /// The class.
    idempotency: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "only its schema is read")]
struct Check {
    /// The address.
    url: String,
    /// What is expected.
    json: Option<BTreeMap<String, serde_json::Value>>,
}

#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "only its schema is read")]
struct Message {
    /// The text.
    text: String,
}

struct Described(Description);

/// The providers `cloud` and `system`.
pub fn registry() -> Registry {
    let restore = ActionKind {
        outputs: vec![
            Output::new("endpoint", Type::Text, "where it is reached"),
            Output::new("port", Type::Integer, "its port"),
        ],
        writes: vec![IdentityTemplate::new(
            "database",
            "{config.region}/{target}",
        )],
        effect: Effect::Create,
        destroys: Destroys::IfPresent,
        idempotency: Idempotency::Fixed(Class::Named),
        traps: vec![Trap {
            id: "cloud-default-network",
            when: Condition::InputMissing("class"),
            message: "without `class` the service takes its smallest",
            advice: "name a `class`",
            source: "the service's documentation",
        }],
        ..ActionKind::reading(
            "cloud.restore",
            "Restores an instance.",
            Fields::of::<Restore>(),
        )
    };
    let overwrite = ActionKind {
        effect: Effect::Replace,
        writes: vec![IdentityTemplate::new(
            "database",
            "{config.region}/{instance}",
        )],
        destroys: Destroys::IfPresent,
        idempotency: Idempotency::Fixed(Class::Token),
        ..ActionKind::reading(
            "cloud.overwrite",
            "Restores over an instance.",
            Fields::of::<Overwrite>(),
        )
    };
    let backup = ActionKind {
        outputs: vec![Output::new("id", Type::Text, "the backup's id")],
        ..ActionKind::reading("cloud.backup", "Takes a backup.", Fields::none())
    };
    let scale = ActionKind {
        effect: Effect::Change,
        outputs: vec![
            Output::new("previous", Type::Integer, "the number before"),
            Output::new("token", Type::Secret, "a secret"),
        ],
        writes: vec![IdentityTemplate::new("deployment", "{deployment}")],
        idempotency: Idempotency::Fixed(Class::Convergent),
        ..ActionKind::reading("cloud.scale", "Scales a deployment.", Fields::of::<Scale>())
    };
    let report = ActionKind {
        reads: vec![IdentityTemplate::new(
            "database",
            "{config.region}/{instance}",
        )],
        ..ActionKind::reading(
            "cloud.report",
            "Reports on an instance.",
            Fields::of::<Overwrite>(),
        )
    };
    let cloud = Description {
        name: "cloud",
        summary: "A cloud.",
        config: Fields::of::<Config>(),
        stores: vec![StoreKind {
            name: "cloud.database",
            summary: "A database.",
            with: Fields::of::<Database>(),
            identity: Vec::new(),
            details: vec![
                Output::new("version", Type::Text, "of the engine"),
                Output::new("rows", Type::Integer, "how many"),
            ],
            is_stated: false,
            restore: Some("cloud.restore"),
            backup: Some("cloud.backup"),
            verify: None,
        }],
        actions: vec![restore, overwrite, backup, scale, report],
    };
    let exec = ActionKind {
        idempotency: Idempotency::Declared("idempotency"),
        ..ActionKind::reading("system.exec", "Runs a program.", Fields::of::<Exec>())
    };
    let system = Description {
        name: "system",
        summary: "Programs, people, HTTP.",
        config: Fields::none(),
        stores: vec![StoreKind {
            name: "system.manual",
            summary: "Something that no provider looks at.",
            with: Fields::of::<Stated>(),
            identity: Vec::new(),
            details: vec![Output::new("place", Type::Text, "where its backups are")],
            is_stated: true,
            restore: Some("system.manual"),
            backup: Some("system.manual"),
            verify: Some("system.manual"),
        }],
        actions: vec![
            exec,
            ActionKind {
                asks: true,
                effect: Effect::Ask,
                outputs: vec![Output::new("answer", Type::Text, "what was answered")],
                ..ActionKind::reading("system.manual", "Asks a person.", Fields::of::<Manual>())
            },
            ActionKind::reading("system.http-check", "Asks a server.", Fields::of::<Check>()),
            ActionKind::reading("system.notify", "Tells somebody.", Fields::of::<Message>()),
        ],
    };
    let providers: [Arc<dyn Provider>; 2] =
        [Arc::new(Described(cloud)), Arc::new(Described(system))];
    Registry::new(providers)
}

fn nothing<T>() -> Result<T, Error> {
    Err(Error::refused("this provider only describes itself"))
}

#[async_trait]
impl Provider for Described {
    fn description(&self) -> &Description {
        &self.0
    }

    fn refusals(&self, kind: &KindName, with: &Values) -> Vec<InputRefusal> {
        let url = with
            .text("url")
            .filter(|_| kind.as_str() == "system.http-check");
        let refused = match url {
            Some(url) if url.starts_with("secret:") => Error::refused("a secret is no address"),
            Some(url) if !url.contains("://") => {
                Error::refused_with(format!("{url} is not a URL"), "begin it with https://")
            }
            Some(_) | None => return Vec::new(),
        };
        vec![InputRefusal::of("url", &refused)]
    }

    fn keeps_state(&self, address: &str) -> Option<Result<(), Error>> {
        let rest = address
            .strip_prefix("s3://")
            .filter(|_| self.0.name == "cloud")?;
        Some(match rest.is_empty() {
            true => Err(Error::refused_with(
                "it has no bucket",
                "Write s3://bucket/prefix.",
            )),
            false => Ok(()),
        })
    }

    async fn survey(&self, _: &StoreRequest, _: &Call<'_>) -> Result<Survey, Error> {
        nothing()
    }

    fn recovery_points(&self, _: &StoreRequest, _: &Survey) -> Result<Vec<RecoveryPoint>, Error> {
        nothing()
    }

    async fn preview(&self, _: &Operation, _: &Call<'_>) -> Result<Preview, Error> {
        nothing()
    }

    async fn perform(&self, _: &Operation, _: &Call<'_>) -> Result<Outcome, Error> {
        nothing()
    }

    async fn probe(&self, _: &Operation, _: &Call<'_>) -> Result<Probe, Error> {
        nothing()
    }

    async fn remove(&self, _: &Operation, _: &Call<'_>) -> Result<Removal, Error> {
        nothing()
    }
}
