//! Plans and applies of layered steps that do nothing: what the engine itself costs.

use std::fs;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::ensure;
use salvor_testbed::Part;
use tempfile::TempDir;

use crate::layers::Layers;
use crate::layers::Work;
use crate::measure::Contender;
use crate::measure::in_turn;
use crate::peer::Peer;
use crate::peer::Peers;
use crate::plan_folder;
use crate::plan_folder::PlanFolder;
use crate::table;

/// Steps of a layer.
pub const WIDTH: usize = 32;

/// The plan of 1,000 steps, against terraform.
pub fn plan_1000(peers: &Peers) -> Result<()> {
    let layers = Layers {
        steps: 1_000,
        width: WIDTH,
    };
    let folder = plan_of(layers, Work::Nothing, 16)?;
    let terraform = terraform(peers, layers, Work::Nothing)?;
    let mut contenders = vec![Contender::new("salvor plan", || {
        Ok(folder.salvor(&["plan"]))
    })];
    if let Some((peer, folder)) = &terraform {
        contenders.push(Contender::new(format!("{} plan", peer.version), || {
            let mut command = peer.command();
            command
                .args(["plan", "-input=false"])
                .current_dir(folder.path());
            Ok(command)
        }));
    }
    table::heading(&format!(
        "plan of 1,000 layered steps ({} edges)",
        layers.edges()
    ));
    let all = in_turn(contenders, 0, 3)?;
    table::contenders(&all);
    table::aim("wall seconds", 0.015, table::wall(&all[0]));
    table::aim("CPU seconds", 0.015, table::cpu(&all[0]));
    Ok(())
}

/// The plan of 10,000 steps, and of 1,000 in the same run to tell whether it grows with the steps.
pub fn plan_10000(_: &Peers) -> Result<()> {
    let [small, large] = [1_000, 10_000].map(|steps| Layers {
        steps,
        width: WIDTH,
    });
    let (small, large) = (
        plan_of(small, Work::Nothing, 16)?,
        plan_of(large, Work::Nothing, 16)?,
    );
    table::heading("plan of 10,000 layered steps");
    let all = in_turn(
        vec![
            Contender::new("salvor plan of 10,000", || Ok(large.salvor(&["plan"]))),
            Contender::new("salvor plan of 1,000", || Ok(small.salvor(&["plan"]))),
            Contender::new("salvor check of 10,000", || Ok(large.salvor(&["check"]))),
        ],
        1,
        7,
    )?;
    table::contenders(&all);
    table::aim("wall seconds", 0.2, table::wall(&all[0]));
    table::aim("CPU seconds", 0.2, table::cpu(&all[0]));
    table::aim("MiB", 32.0, table::peak_mebibytes(&all[0]));
    table::aim(
        "CPU of 10,000 steps over ten times 1,000",
        1.0,
        table::cpu(&all[0]) / table::cpu(&all[1]) / 10.0,
    );
    Ok(())
}

/// The durable apply of 1,000 steps, against `make -j16`, which keeps no record, and terraform.
pub fn apply(peers: &Peers) -> Result<()> {
    let layers = Layers {
        steps: 1_000,
        width: WIDTH,
    };
    let narrow = plan_of(layers, Work::Nothing, 16)?;
    let wide = plan_of(layers, Work::Nothing, 64)?;
    let make = make(peers, layers, Work::Nothing)?;
    let mut contenders = vec![
        Contender::new("salvor apply, 16 at once", || narrow.fresh_apply()),
        Contender::new("salvor apply, 64 at once", || wide.fresh_apply()),
    ];
    if let Some((peer, folder)) = &make {
        contenders.push(Contender::new(format!("{} -j16", peer.version), || {
            let mut command = peer.command();
            command.arg("-j16").current_dir(folder.path());
            Ok(command)
        }));
    }
    table::heading("durable apply of 1,000 layered steps that do nothing");
    let all = in_turn(contenders, 1, 5)?;
    table::contenders(&all);
    table::aim("wall seconds, 16 at once", 0.1, table::wall(&all[0]));
    table::aim("CPU seconds, 16 at once", 0.1, table::cpu(&all[0]));
    table::aim("wall seconds, 64 at once", 0.1, table::wall(&all[1]));

    // Once: it takes minutes.
    if let Some((peer, folder)) = terraform(peers, layers, Work::Nothing)? {
        let contenders = vec![
            Contender::new("salvor apply, 16 at once", || narrow.fresh_apply()),
            Contender::new(format!("{} apply", peer.version), || {
                let mut command = peer.command();
                command
                    .args(["apply", "-input=false", "-auto-approve", "-parallelism=16"])
                    .current_dir(folder.path());
                Ok(command)
            }),
        ];
        table::contenders(&in_turn(contenders, 0, 1)?);
    }
    Ok(())
}

/// A folder with the plan of a graph.
///
/// # Errors
/// It cannot be made.
pub fn plan_of(layers: Layers, work: Work, parallel: usize) -> Result<PlanFolder> {
    let mut files = layers.plan(work, parallel);
    files.push(("world.json".to_owned(), layers.world().to_owned()));
    PlanFolder::with(&files)
}

/// A folder in which terraform was initialised with a graph, when the machine has terraform.
///
/// # Errors
/// It cannot be made.
pub fn terraform(peers: &Peers, layers: Layers, work: Work) -> Result<Option<(Peer, TempDir)>> {
    let Some(peer) = peers.get(Part::Terraform, "terraform", &["version"]) else {
        return Ok(None);
    };
    let folder = plan_folder::folder()?;
    fs::write(folder.path().join("main.tf"), layers.terraform(work)).context("write main.tf")?;
    let made = peer
        .unmeasured()
        .args(["init", "-input=false"])
        .current_dir(folder.path())
        .output()?;
    ensure!(
        made.status.success(),
        "terraform init: {}",
        String::from_utf8_lossy(&made.stderr)
    );
    Ok(Some((peer, folder)))
}

/// A folder with the makefile of a graph, when the machine has make.
///
/// # Errors
/// It cannot be made.
pub fn make(peers: &Peers, layers: Layers, work: Work) -> Result<Option<(Peer, TempDir)>> {
    let Some(peer) = peers.get(Part::Make, "make", &["--version"]) else {
        return Ok(None);
    };
    let folder = plan_folder::folder()?;
    fs::write(folder.path().join("Makefile"), layers.makefile(work))
        .context("write the makefile")?;
    Ok(Some((peer, folder)))
}
