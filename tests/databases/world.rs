//! A copy of the plan, a production database at a fake of RDS, and salvor as a person starts it.

use std::path::Path;
use std::process::Command;
use std::process::Output;

use jiff::Timestamp;
use jiff::ToSpan as _;
use salvor_fakes::Aws;
use salvor_fakes::Course;
use salvor_fakes::rds::Courses;
use salvor_fakes::rds::Instance;
use salvor_fakes::rds::RestoreWindow;
use salvor_fakes::rds::Snapshot;
use tempfile::TempDir;

/// The plan's folder and the service that it recovers at.
pub struct World {
    pub aws: Aws,
    folder: TempDir,
}

/// How a command ended, with what it said.
pub struct Said(Output);

impl Said {
    /// Both streams.
    pub fn all(&self) -> String {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        format!(
            "{}\n{}\n{}",
            self.0.status,
            text(&self.0.stdout),
            text(&self.0.stderr)
        )
    }

    /// Fails unless it ended with this code.
    #[track_caller]
    pub fn ends_with(self, code: i32) -> Self {
        assert_eq!(self.0.status.code(), Some(code), "{}", self.all());
        self
    }

    /// Fails unless it said these words.
    #[track_caller]
    pub fn says(self, words: &str) -> Self {
        assert!(
            self.all().contains(words),
            "`{words}` is missing in\n{}",
            self.all()
        );
        self
    }

    /// What is to be typed to confirm.
    #[track_caller]
    pub fn fingerprint(&self) -> String {
        // Wherever the table breaks its lines.
        let all = self.all();
        let words: Vec<&str> = all.split_whitespace().collect();
        let typing = words
            .windows(2)
            .find(|pair| pair[0] == "typing")
            .expect(&all);
        typing[1].to_owned()
    }
}

/// The instance of the plan's example, of which no setting is a default.
pub fn shop() -> Instance {
    Instance {
        class: "db.r6g.large".to_owned(),
        restore_window: Some(RestoreWindow {
            earliest: now() - 168.hours(),
            latest: now() - 5.minutes(),
        }),
        multi_az: true,
        has_deletion_protection: true,
        kms_key: Some("arn:aws:kms:us-east-1:123456789012:key/shop".to_owned()),
        ..Instance::new("shop")
    }
}

/// The age of a recovery point is counted from the time of day, as in every command.
#[expect(
    clippy::disallowed_methods,
    reason = "the window of a database follows the present"
)]
pub fn now() -> Timestamp {
    Timestamp::now()
}

impl World {
    pub fn new() -> Self {
        let aws = Aws::start().expect("a port");
        aws.rds(|rds| {
            let shop = shop();
            let window = shop.restore_window.expect("it has one");
            rds.add_snapshot(Snapshot::new(
                "rds:shop-today",
                &shop,
                window.latest - 2.hours(),
            ));
            rds.add_instance(shop);
            // Every wait is real time here: what is made is there at the second look.
            rds.courses = quick();
        });
        let folder = tempfile::tempdir().expect("a folder");
        let plan = Path::new(env!("CARGO_MANIFEST_DIR")).join("plans/rds");
        for file in ["plan.toml", "example.inputs.toml"] {
            std::fs::copy(plan.join(file), folder.path().join(file)).expect("a file of the plan");
        }
        Self { aws, folder }
    }

    /// Runs salvor with the environment that the AWS SDK reads.
    pub fn salvor(&self, arguments: &[&str]) -> Said {
        let output = Command::new(env!("CARGO_BIN_EXE_salvor"))
            .current_dir(self.folder.path())
            .args(arguments)
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("TZ", "UTC")
            .env("SALVOR_OPERATOR", "kim")
            .env("AWS_ENDPOINT_URL", self.aws.endpoint())
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .output()
            .expect("salvor can be started");
        Said(output)
    }

    /// Plans and applies a scenario, with what has to be confirmed.
    pub fn apply(&self, scenario: &str, more: &[&str]) -> Said {
        let inputs = ["--inputs", "example.inputs.toml", "--scenario", scenario];
        self.salvor(&[&["apply", ".", "--no-input"], &inputs[..], more].concat())
    }
}

fn quick() -> Courses {
    let at_once = || Course::at("available");
    Courses {
        restored_instance: at_once(),
        created_instance: at_once(),
        restored_cluster: at_once(),
        snapshot: at_once(),
        modified: at_once(),
        renamed: at_once(),
        ..Courses::default()
    }
}
