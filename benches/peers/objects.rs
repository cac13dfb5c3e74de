//! Objects between a folder and an S3 server, and within the server: what a client pays for each.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::ensure;
use salvor_testbed::Part;
use salvor_testbed::Versitygw;
use tempfile::TempDir;

use crate::measure::Contender;
use crate::measure::Measured;
use crate::measure::in_turn;
use crate::peer::Peer;
use crate::peer::Peers;
use crate::plan_folder;
use crate::plan_folder::PlanFolder;
use crate::table;

/// Objects of one size.
struct Load {
    title: &'static str,
    folders: usize,
    files: usize,
    bytes: usize,
    rounds: usize,
}

const SMALL: Load = Load {
    title: "10,000 objects of 16 KiB",
    folders: 100,
    files: 100,
    bytes: 16 << 10,
    rounds: 2,
};

const LARGE: Load = Load {
    title: "4 objects of 512 MiB",
    folders: 1,
    files: 4,
    bytes: 512 << 20,
    rounds: 2,
};

/// How much is made at once.
const BLOCK_BYTES: usize = 1 << 20;

const PLAN: &str = r#"format = 1
[plan]
name = "sync"
title = "Sync"
[inputs]
endpoint = { type = "string" }
source = { type = "string" }
target = { type = "string" }
access-key = { type = "secret", default = "env:AWS_ACCESS_KEY_ID" }
secret-key = { type = "secret", default = "env:AWS_SECRET_ACCESS_KEY" }
[providers.objects]
endpoint = "{{inputs.endpoint}}"
access-key = "{{inputs.access-key}}"
secret-key = "{{inputs.secret-key}}"
[steps.sync]
uses = "objects.sync"
with = { source = "{{inputs.source}}", target = "{{inputs.target}}" }
[scenarios.full]
goal = ["sync"]
"#;

/// Where objects are.
#[derive(Clone, Debug)]
enum Place {
    Folder(PathBuf),
    Bucket(String),
}

/// One of the tools.
enum Tool {
    Salvor(PlanFolder),
    Rclone(Peer),
    S5cmd(Peer),
    Awscli(Peer),
}

/// The server, the data and the tools.
struct Bench {
    server: Versitygw,
    _server_folder: TempDir,
    folder: TempDir,
}

/// Many small objects.
pub fn small(peers: &Peers) -> Result<()> {
    let rows = Bench::of(&SMALL)?.rows(&SMALL, peers)?;
    let objects = (SMALL.folders * SMALL.files) as f64;
    for (what, salvor) in &rows {
        let (aim, unit) = match *what {
            "no change" => (0.05, "CPU seconds"),
            _ => (0.1, "CPU milliseconds an object"),
        };
        let found = match *what {
            "no change" => table::cpu(salvor),
            _ => table::cpu(salvor) * 1e3 / objects,
        };
        table::aim(&format!("{what}, {unit}"), aim, found);
        table::aim(&format!("{what}, MiB"), 64.0, table::peak_mebibytes(salvor));
    }
    Ok(())
}

/// Few large objects.
pub fn large(peers: &Peers) -> Result<()> {
    let rows = Bench::of(&LARGE)?.rows(&LARGE, peers)?;
    let gigabytes = (LARGE.folders * LARGE.files * LARGE.bytes) as f64 / 1e9;
    for (what, salvor) in &rows {
        let aim = match *what {
            "put" => Some(0.8),
            "get" => Some(0.5),
            _ => None,
        };
        if let Some(aim) = aim {
            let found = table::cpu(salvor) / gigabytes;
            table::aim(&format!("{what}, CPU seconds a GB"), aim, found);
        }
        table::aim(&format!("{what}, MiB"), 64.0, table::peak_mebibytes(salvor));
    }
    Ok(())
}

impl Bench {
    fn of(load: &Load) -> Result<Bench> {
        let server_folder = plan_folder::folder()?;
        let server = Versitygw::builder()
            .directory(server_folder.path())
            .start()?;
        let folder = plan_folder::folder()?;
        let source = folder.path().join("source");
        let mut bits = 0x9e37_79b9_7f4a_7c15_u64;
        for place in 0..load.folders * load.files {
            let sub = source.join(format!("{:03}", place / load.files));
            fs::create_dir_all(&sub).context("make a folder")?;
            let path = sub.join(format!("object-{:05}", place % load.files));
            let mut file = fs::File::create(path).context("make a file")?;
            let mut left = load.bytes;
            while left > 0 {
                let block = noise(&mut bits, left.min(BLOCK_BYTES));
                file.write_all(&block).context("write a file")?;
                left -= block.len();
            }
        }
        Ok(Bench {
            server,
            _server_folder: server_folder,
            folder,
        })
    }

    /// Puts, gets, copies and repeats, each by every tool. Returns what salvor's cost.
    fn rows(&self, load: &Load, peers: &Peers) -> Result<Vec<(&'static str, Measured)>> {
        let source = Place::Folder(self.folder.path().join("source"));
        let filled = Place::Bucket("filled".to_owned());
        let tools = tools(peers)?;
        self.server.create_bucket("filled")?;
        if let Some((_, first)) = tools.first() {
            self.unmeasured(first, &source, &filled)?;
        }
        let to_bucket = |name: &str| Place::Bucket(format!("new-{name}"));
        let to_folder = |name: &str| Place::Folder(self.folder.path().join(format!("new-{name}")));
        let mut rows = Vec::new();
        for (what, from, to) in [
            ("put", &source, &to_bucket as &dyn Fn(&str) -> Place),
            ("get", &filled, &to_folder),
            ("server-side copy", &filled, &to_bucket),
        ] {
            table::heading(&format!("{}: {what}", load.title));
            let contenders = tools.iter().map(|(name, tool)| {
                let to = to(name);
                Contender::new(tool.says(), move || {
                    self.empty(&to)?;
                    Ok(self.command(tool, from, &to))
                })
            });
            let all = in_turn(contenders.collect(), 0, load.rounds)?;
            table::contenders(&all);
            rows.extend(all.into_iter().next().map(|salvor| (what, salvor)));
            // The next row need not find room for what this one made.
            for (name, _) in &tools {
                self.empty(&to(name))?;
            }
        }
        table::heading(&format!("{}: no change", load.title));
        for (name, tool) in &tools {
            self.empty(&to_bucket(name))?;
            self.unmeasured(tool, &source, &to_bucket(name))?;
        }
        let contenders = tools.iter().map(|(name, tool)| {
            let (source, to) = (&source, to_bucket(name));
            Contender::new(tool.says(), move || Ok(self.command(tool, source, &to)))
        });
        let all = in_turn(contenders.collect(), 0, load.rounds)?;
        table::contenders(&all);
        rows.extend(all.into_iter().next().map(|salvor| ("no change", salvor)));
        Ok(rows)
    }

    /// Makes a place that has nothing in it.
    fn empty(&self, place: &Place) -> Result<()> {
        let path = match place {
            Place::Folder(path) => path.clone(),
            Place::Bucket(name) => self.server.data_dir().join(name),
        };
        if path.exists() {
            fs::remove_dir_all(&path).with_context(|| format!("remove {}", path.display()))?;
        }
        match place {
            Place::Folder(_) => Ok(()),
            Place::Bucket(name) => self.server.create_bucket(name),
        }
    }

    fn unmeasured(&self, tool: &Tool, from: &Place, to: &Place) -> Result<()> {
        let done = self
            .command(tool, from, to)
            .output()
            .context("fill a bucket")?;
        ensure!(
            done.status.success(),
            "{}",
            String::from_utf8_lossy(&done.stderr)
        );
        Ok(())
    }

    fn command(&self, tool: &Tool, from: &Place, to: &Place) -> Command {
        let server = &self.server;
        let endpoint = server.endpoint();
        let mut command = match tool {
            Tool::Salvor(folder) => {
                let mut command = folder.salvor(&["apply", "--no-input"]);
                command.arg("-i").arg(format!("endpoint={endpoint}"));
                command.arg("-i").arg(format!("source={}", from.url()));
                command.arg("-i").arg(format!("target={}", to.url()));
                command
            }
            Tool::Rclone(peer) => {
                let mut command = peer.command();
                command
                    .args([
                        "copy",
                        "--config",
                        "",
                        "--fast-list",
                        "--s3-no-check-bucket",
                    ])
                    .args(["--transfers", "16", "--checkers", "16"])
                    .args([from.for_rclone(), to.for_rclone()])
                    .env("RCLONE_CONFIG_S_TYPE", "s3")
                    .env("RCLONE_CONFIG_S_PROVIDER", "Other")
                    .env("RCLONE_CONFIG_S_ENDPOINT", &endpoint)
                    .env("RCLONE_CONFIG_S_ENV_AUTH", "true");
                command
            }
            Tool::S5cmd(peer) => {
                let mut command = peer.command();
                let from = match from {
                    Place::Folder(path) => format!("{}/", path.display()),
                    Place::Bucket(name) => format!("s3://{name}/*"),
                };
                command
                    .args(["--endpoint-url", &endpoint, "sync", &from])
                    .arg(to.for_aws());
                command
            }
            Tool::Awscli(peer) => {
                let mut command = peer.command();
                command
                    .args([
                        "--endpoint-url",
                        &endpoint,
                        "s3",
                        "sync",
                        "--only-show-errors",
                    ])
                    .args([from.for_aws(), to.for_aws()]);
                command
            }
        };
        command
            .env("AWS_ACCESS_KEY_ID", server.access_key())
            .env("AWS_SECRET_ACCESS_KEY", server.secret_key())
            .env("AWS_REGION", server.region())
            .env("AWS_EC2_METADATA_DISABLED", "true");
        command
    }
}

impl Place {
    fn url(&self) -> String {
        match self {
            Place::Folder(path) => format!("file://{}/", path.display()),
            Place::Bucket(name) => format!("s3://{name}/"),
        }
    }

    fn for_aws(&self) -> String {
        match self {
            Place::Folder(path) => format!("{}/", path.display()),
            Place::Bucket(name) => format!("s3://{name}/"),
        }
    }

    fn for_rclone(&self) -> String {
        match self {
            Place::Folder(path) => path.display().to_string(),
            Place::Bucket(name) => format!("S:{name}"),
        }
    }
}

impl Tool {
    fn says(&self) -> String {
        match self {
            Tool::Salvor(_) => "salvor apply".to_owned(),
            Tool::Rclone(peer) => peer.version.clone(),
            Tool::S5cmd(peer) => format!("s5cmd {}", peer.version),
            Tool::Awscli(peer) => peer.version.clone(),
        }
    }
}

/// The tools of this machine, salvor first.
fn tools(peers: &Peers) -> Result<Vec<(&'static str, Tool)>> {
    let mut tools = vec![(
        "salvor",
        Tool::Salvor(PlanFolder::with(&[("plan.toml", PLAN)])?),
    )];
    let rclone = peers.get(Part::Rclone, "rclone", &["version"]);
    tools.extend(rclone.map(|peer| ("rclone", Tool::Rclone(peer))));
    let s5cmd = peers.get(Part::S5cmd, "s5cmd", &["version"]);
    tools.extend(s5cmd.map(|peer| ("s5cmd", Tool::S5cmd(peer))));
    let awscli = peers.get(Part::Awscli, "aws", &["--version"]);
    tools.extend(awscli.map(|peer| ("awscli", Tool::Awscli(peer))));
    Ok(tools)
}

/// Bytes that do not compress.
fn noise(bits: &mut u64, length: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        *bits ^= *bits << 13;
        *bits ^= *bits >> 7;
        *bits ^= *bits << 17;
        bytes.extend_from_slice(&bits.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}
