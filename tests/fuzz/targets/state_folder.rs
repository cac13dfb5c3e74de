//! The small files of a state folder that are read back: its lineage, who holds its lock, answers that were left.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use salvor::journal::Environment;
use salvor::journal::StateFolder;
use salvor::journal::lock::Claim;
use salvor::journal::lock::Holder;
use salvor::report::runs_json;
use salvor::report::runs_text;
use salvor::surroundings::Randomness;
use salvor_contract::Clock;
use salvor_contract::RunId;

use super::Bound;
use super::Target;
use super::done;
use super::unpack;

/// State folders. What stands first is the lineage; `# file: NAME` begins another file.
pub const TARGET: Target = Target {
    name: "state_folder",
    check,
    besides: &[],
    words: &[
        "\n# file: lineage\n",
        "\n# file: locks/lineage\n",
        "\n# file: runs/run/inbox/a.json\n",
        "\n# file: runs/run/journal\n",
        "{",
        "}",
        "\"run\":\"run\"",
        "\"holder\":",
        "\"text\":\"\"",
        "\"by\":\"a\"",
        "..",
        "/",
        "\0",
        "\n",
        "lineage",
        "\"file\":[\"a\",\"b\"]",
        "null",
        "\u{202e}",
        "\\u0000",
    ],
    count: 250,
    size_max: 16 * 1024,
    memory: Bound {
        base: 128 << 10,
        per_byte: 60,
    },
    work: Bound {
        base: 1_000,
        per_byte: 4,
    },
};

fn check(input: &[u8]) -> bool {
    let folder = tempfile::tempdir().expect("a folder");
    unpack(input, "lineage", folder.path());
    let run = RunId::new("run");
    done(async {
        let place = Arc::new(StateFolder::new(folder.path().to_owned()));
        let Ok(state) = Environment::open_existing(place).await else {
            return false;
        };
        let lineage = state.lineage().to_owned();
        if let Ok(answers) = state.answers(&run).await {
            for (step, answer) in answers {
                let text = serde_json::to_string(&answer).expect("an answer has a form in JSON");
                let again = serde_json::from_str(&text).expect("what was written is read");
                assert_eq!(answer, again, "{step}");
            }
        }
        if let Ok(runs) = state.runs().await {
            let _ = (runs_text(&runs), runs_json(&runs));
        }
        let lock = state.lock(Arc::new(Still), Arc::new(Zeros));
        let _ = lock.look().await;
        if let Ok(guard) = lock.acquire(claim()).await {
            guard.release().await.expect("it is ours");
            let path = folder.path().join("locks").join(&lineage);
            let below = path
                .parent()
                .expect("below locks")
                .canonicalize()
                .expect("it is there");
            let locks = folder
                .path()
                .join("locks")
                .canonicalize()
                .expect("it is there");
            assert_eq!(below, locks, "the lock lies elsewhere");
        }
        true
    })
}

fn claim() -> Claim {
    Claim {
        run: RunId::new("run"),
        holder: Holder::of_this_process("a"),
        since: Timestamp::UNIX_EPOCH,
    }
}

/// No randomness: the lock of a folder takes none.
struct Zeros;

impl Randomness for Zeros {
    fn bits(&self) -> u64 {
        0
    }
}

/// A clock that stands.
struct Still;

#[async_trait]
impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }

    async fn sleep(&self, _: Duration) {}
}
