//! `salvor journal check`: proves the chain of a run's records, or says which record breaks it.

use crate::cli::arguments::JournalCheck;
use crate::cli::exit::Exit;
use crate::cli::load;
use crate::cli::output;
use crate::journal::chain;
use crate::registry::Registry;
use crate::surroundings::Surroundings;

/// Checks the journal of a run.
pub async fn check(
    arguments: &JournalCheck,
    registry: &Registry,
    surroundings: &Surroundings,
) -> anyhow::Result<Exit> {
    let choice = &arguments.choice;
    let state = load::existing_state(&choice.plan_dir, registry, surroundings).await?;
    let run = load::run_id_of(&state, choice).await?;
    let seen = state.seen_head(&run).await?;
    let check = chain::check(&*state.read(&run)?, seen.as_ref()).await?;
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
    let mut is_in_place = check.problems.is_empty();
    if let Some(hash) = &arguments.head {
        let place = chain::place_of(&*state.read(&run)?, hash).await?;
        output::result(&match place {
            Some(seq) => format!("  {hash} is record {seq}"),
            None => format!(
                "  {hash} is no record of it: records were cut off, or it is of another journal"
            ),
        });
        is_in_place &= place.is_some();
    }
    Ok(if is_in_place {
        Exit::Ok
    } else {
        Exit::Negative
    })
}
