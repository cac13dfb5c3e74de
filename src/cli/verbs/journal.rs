//! `salvor journal check`: proves the chain of a run's records, or says which record breaks it.

use crate::cli::arguments::RunChoice;
use crate::cli::exit::Exit;
use crate::cli::load;
use crate::cli::output;
use crate::journal::chain;
use crate::registry::Registry;

/// Checks the journal of a run.
pub async fn check(choice: &RunChoice, registry: &Registry) -> anyhow::Result<Exit> {
    let state = load::existing_state(&choice.plan_dir, registry).await?;
    let run = load::run_id_of(&state, choice).await?;
    let check = chain::check(&state.read(&run)?, None).await?;
    let head = check.head.map_or_else(
        || "none".to_owned(),
        |head| format!("{} {}", head.seq, head.hash),
    );
    output::result(&format!(
        "run {run}: {} records in place, head {head}",
        check.records
    ));
    if check.torn_bytes > 0 {
        output::result(&format!(
            "  {} bytes of a torn record after them; nobody was told that it is durable",
            check.torn_bytes
        ));
    }
    for problem in &check.problems {
        output::result(&format!("  record {}: {}", problem.seq, problem.what));
    }
    Ok(if check.problems.is_empty() {
        Exit::Ok
    } else {
        Exit::Negative
    })
}
