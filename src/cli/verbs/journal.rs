//! `salvor journal check`: proves the chain of a run's records, or says which record breaks it.

use crate::cli::arguments::RunChoice;
use crate::cli::exit::Exit;
use crate::cli::load;
use crate::cli::output;
use crate::cli::refusal::Refusal;
use crate::journal::chain;
use crate::registry::Registry;

/// Checks the journal of a run.
pub async fn check(choice: &RunChoice, registry: &Registry) -> anyhow::Result<Exit> {
    let state = load::existing_state(&choice.plan_dir, registry).await?;
    // A damaged journal cannot be looked up by its content: the beginning of its id is matched by name.
    let runs = state.runs().await?;
    let mut found = runs
        .iter()
        .filter(|run| run.run.as_str().starts_with(&choice.run));
    let run = match (found.next(), found.next()) {
        (Some(run), None) => run.run.clone(),
        (Some(_), Some(_)) => {
            let what = format!("more than one run begins with `{}`", choice.run);
            return Err(Refusal::new(Exit::Usage, what)
                .hint("`salvor runs` lists them.")
                .into());
        }
        (None, _) => {
            let what = format!(
                "there is no run `{}` in {}",
                choice.run,
                state.path().display()
            );
            return Err(Refusal::new(Exit::Refused, what)
                .hint("`salvor runs` lists them.")
                .into());
        }
    };
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
