//! The actions that look: check, wait, verify.

use salvor_contract::Call;
use salvor_contract::Error;
use salvor_contract::Finding;
use salvor_contract::Judgement;
use salvor_contract::Operation;
use salvor_contract::Outcome;
use salvor_contract::PointState;
use salvor_contract::Values;
use serde_json::Value;

use crate::inputs;
use crate::place::Place;
use crate::previewing::expectation;
use crate::previewing::fact;
use crate::source;

/// Compares one fact with what is expected.
pub(crate) fn check(
    place: &Place,
    operation: &Operation,
    call: &Call<'_>,
) -> Result<Outcome, Error> {
    let check: inputs::Check = operation.with.parse()?;
    let seen = fact(&place.look(call.clock.now())?, &check.fact)?;
    let number = seen.as_ref().and_then(Value::as_f64);
    let is_good = seen.is_some()
        && check
            .equals
            .as_ref()
            .is_none_or(|value| seen.as_ref() == Some(value))
        && check
            .at_least
            .is_none_or(|least| number.is_some_and(|number| number >= least))
        && check
            .at_most
            .is_none_or(|most| number.is_some_and(|number| number <= most));
    Ok(found(Finding {
        subject: check.fact.clone(),
        expected: expectation(&check),
        observed: words(seen.as_ref()),
        judgement: Judgement::of(is_good),
    }))
}

/// Looks until one fact has the value that is waited for, or one that means failure.
pub(crate) async fn wait(
    place: &Place,
    operation: &Operation,
    call: &Call<'_>,
) -> Result<Outcome, Error> {
    let wait: inputs::Wait = operation.with.parse()?;
    loop {
        let seen = fact(&place.look(call.clock.now())?, &wait.fact)?;
        let has_failed = seen
            .as_ref()
            .is_some_and(|seen| wait.fails_when.contains(seen));
        if has_failed || seen.as_ref() == Some(&wait.until) {
            return Ok(found(Finding {
                subject: wait.fact.clone(),
                expected: wait.until.to_string(),
                observed: words(seen.as_ref()),
                judgement: Judgement::of(!has_failed),
            }));
        }
        let last = words(seen.as_ref());
        let Err(error) = call.pause(wait.every.duration(), &wait.fact).await else {
            continue;
        };
        // It only reads, so the outcome is not unknown. A stop is not the world's fault; a deadline is.
        if call.stop.is_cancelled() {
            return Err(Error::transient(format!("{error}; last seen: {last}")));
        }
        return Ok(found(Finding {
            subject: wait.fact.clone(),
            expected: wait.until.to_string(),
            observed: format!("{last} at the deadline"),
            judgement: Judgement::Failed,
        }));
    }
}

/// Looks whether the chosen point is there and whole.
pub(crate) fn verify(
    place: &Place,
    operation: &Operation,
    call: &Call<'_>,
) -> Result<Outcome, Error> {
    let rows_min = operation.with.parse::<inputs::Verify>()?.rows_min;
    let chosen = source::point(operation)?;
    let now = call.clock.now();
    let world = place.look(now)?;
    let content = source::restored(&world, operation, now)?;
    let (shelf, name) = source::source(operation)?;
    let backups = world
        .backups
        .get(&shelf.key(&name))
        .map(Vec::as_slice)
        .unwrap_or_default();
    let backup = backups
        .iter()
        .find(|backup| backup.id == chosen.point.id.as_str());
    let state = backup.map_or(PointState::Usable, |backup| backup.state.clone());
    Ok(Outcome {
        outputs: Values::new(),
        findings: vec![
            Finding {
                subject: format!("rows in {}", chosen.point.title),
                expected: format!("at least {rows_min}"),
                observed: content.rows.to_string(),
                judgement: Judgement::of(content.rows >= rows_min),
            },
            Finding {
                subject: format!("state of {}", chosen.point.title),
                expected: "usable".to_owned(),
                observed: match &state {
                    PointState::Usable => "usable".to_owned(),
                    PointState::Pending => "pending".to_owned(),
                    PointState::Partial(why) => format!("partial: {why}"),
                    PointState::Failed(why) => format!("failed: {why}"),
                    PointState::Unknown(why) => format!("unknown: {why}"),
                },
                judgement: Judgement::of(state == PointState::Usable),
            },
        ],
    })
}

fn found(finding: Finding) -> Outcome {
    Outcome {
        outputs: Values::new(),
        findings: vec![finding],
    }
}

fn words(value: Option<&Value>) -> String {
    value.map_or_else(|| "nothing there".to_owned(), Value::to_string)
}
