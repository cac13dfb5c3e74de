//! Sleeping steps against the schedule that nobody can beat by much: how long slots stand idle.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::collections::BinaryHeap;
use std::time::Duration;

use anyhow::Result;

use crate::graph::WIDTH;
use crate::graph::make;
use crate::graph::plan_of;
use crate::graph::terraform;
use crate::layers::Layers;
use crate::layers::Work;
use crate::measure::Contender;
use crate::measure::in_turn;
use crate::peer::Peers;
use crate::table;

/// 200 steps that sleep, four at once.
pub fn slots_4(peers: &Peers) -> Result<()> {
    run(peers, 4)
}

/// The same, ten at once.
pub fn slots_10(peers: &Peers) -> Result<()> {
    run(peers, 10)
}

/// The same, with more slots than a layer has steps.
pub fn slots_64(peers: &Peers) -> Result<()> {
    run(peers, 64)
}

fn run(peers: &Peers, slots: usize) -> Result<()> {
    let layers = Layers {
        steps: 200,
        width: WIDTH,
    };
    let terraform = terraform(peers, layers, Work::Sleep)?;
    let make = make(peers, layers, Work::Sleep)?;
    let folder = plan_of(layers, Work::Sleep, slots)?;
    let mut contenders = vec![Contender::new("salvor apply", || folder.fresh_apply())];
    if let Some((peer, folder)) = &make {
        contenders.push(Contender::new(peer.version.clone(), move || {
            let mut command = peer.command();
            command.arg(format!("-j{slots}")).current_dir(folder.path());
            Ok(command)
        }));
    }
    if let Some((peer, folder)) = &terraform {
        contenders.push(Contender::new(
            format!("{} apply", peer.version),
            move || {
                for state in ["terraform.tfstate", "terraform.tfstate.backup"] {
                    // It is not there before the first run.
                    let _ = std::fs::remove_file(folder.path().join(state));
                }
                let mut command = peer.command();
                command
                    .args(["apply", "-input=false", "-auto-approve"])
                    .arg(format!("-parallelism={slots}"))
                    .current_dir(folder.path());
                Ok(command)
            },
        ));
    }
    let ideal = makespan(layers, slots);
    table::heading(&format!(
        "makespan of 200 sleeping steps, {slots} slots; ideal list schedule {:.3} s",
        ideal.as_secs_f64()
    ));
    let all = in_turn(contenders, 0, 3)?;
    table::contenders(&all);
    for measured in &all {
        let ratio = table::wall(measured) / ideal.as_secs_f64();
        table::aim(&format!("{}, over the ideal", measured.name), 1.01, ratio);
    }
    Ok(())
}

/// How long the steps take when slots are filled at once, with the longest path left first, and nothing else
/// takes time.
fn makespan(layers: Layers, slots: usize) -> Duration {
    let mut followers = vec![Vec::new(); layers.steps];
    let mut waits_for = vec![0_usize; layers.steps];
    for (step, waits) in waits_for.iter_mut().enumerate() {
        let needs = layers.needs(step);
        *waits = needs.len();
        for before in needs {
            followers[before].push(step);
        }
    }
    let mut left = vec![Duration::ZERO; layers.steps];
    for step in (0..layers.steps).rev() {
        let behind = followers[step].iter().map(|next| left[*next]).max();
        left[step] = layers.sleep(step) + behind.unwrap_or_default();
    }
    let rank = |step: usize| (Reverse(left[step]), step);
    let mut ready: BTreeSet<_> = (0..layers.steps)
        .filter(|step| waits_for[*step] == 0)
        .map(rank)
        .collect();
    let mut running = BinaryHeap::new();
    let mut at = Duration::ZERO;
    loop {
        while running.len() < slots
            && let Some((_, step)) = ready.pop_first()
        {
            running.push(Reverse((at + layers.sleep(step), step)));
        }
        let Some(Reverse((ends, step))) = running.pop() else {
            return at;
        };
        at = ends;
        for next in &followers[step] {
            waits_for[*next] -= 1;
            if waits_for[*next] == 0 {
                ready.insert(rank(*next));
            }
        }
    }
}
