//! Times salvor and its peers on the same graph and the same data, in turn, and prints what each run cost.
//!
//! ```sh
//! cargo run -p salvor-testbed -- install --for bench
//! cargo bench --bench peers             # every row
//! cargo bench --bench peers -- start    # the rows whose name begins so
//! ```
//!
//! Every figure is of a whole process, as a person runs it: the release binary, wall and CPU seconds and peak
//! memory as the kernel counted them, with all children that were waited for. `docs/performance.md` has the table.
//! Nothing here judges: a peer that is not on the machine is named in the last lines, and the exit code is 1.

mod database;
mod dumps;
mod floor;
mod graph;
mod ideal;
mod layers;
mod measure;
mod moment;
mod objects;
mod peer;
mod plan_folder;
mod start;
mod table;

use std::process::ExitCode;

use anyhow::Result;

use crate::peer::Peers;

/// A row of the table: its name on the command line, and what measures it.
type Row = (&'static str, fn(&Peers) -> Result<()>);

const ROWS: [Row; 13] = [
    ("start", start::run),
    ("plan-1000", graph::plan_1000),
    ("plan-10000", graph::plan_10000),
    ("apply", graph::apply),
    ("chain", floor::chain),
    ("resume", floor::resume),
    ("makespan-4", ideal::slots_4),
    ("makespan-10", ideal::slots_10),
    ("makespan-64", ideal::slots_64),
    ("objects-small", objects::small),
    ("objects-large", objects::large),
    ("restore", dumps::restore),
    ("pitr", moment::pitr),
];

fn main() -> ExitCode {
    if let Some(exit) = measure::as_starter() {
        return exit;
    }
    // Cargo adds `--bench`.
    let wished: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with("--"))
        .collect();
    let is_wished =
        |name: &str| wished.is_empty() || wished.iter().any(|wish| name.starts_with(wish));
    table::line(&measure::machine());
    let peers = Peers::default();
    let mut failed = Vec::new();
    for (name, run) in ROWS.iter().filter(|(name, _)| is_wished(name)) {
        if let Err(error) = run(&peers) {
            table::line(&format!("ROW FAILED: {name}: {error:#}"));
            failed.push(*name);
        }
    }
    for what in peers.missing() {
        table::line(&format!("PEER MISSING: {what}"));
    }
    for name in &failed {
        table::line(&format!("ROW FAILED: {name}"));
    }
    match failed.is_empty() && peers.missing().is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}
