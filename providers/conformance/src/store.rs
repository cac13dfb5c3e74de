//! Checks of what a provider reports about a store.

use std::collections::BTreeSet;

use salvor_contract::Output;
use salvor_contract::Provider;
use salvor_contract::Reach;
use salvor_contract::RecoveryPoint;
use salvor_contract::StoreRequest;
use salvor_contract::Survey;

use crate::report::Report;
use crate::surroundings::Surroundings;
use crate::typing::fits;

/// Surveys an unchanged store twice and takes its recovery points twice: all must be equal, ids unique,
/// windows not reversed, details declared, and a survey must survive being written down.
///
/// The world must not change of itself meanwhile; a store whose window grows with the clock is checked
/// with virtual time.
///
/// # Errors
/// A [`Report`] of all that does not conform.
pub async fn check_store(
    provider: &dyn Provider,
    surroundings: &Surroundings,
    store: &StoreRequest,
) -> Result<(), Report> {
    let mut report = Report::on(format!(
        "the store `{}` of kind {}",
        store.store, store.kind
    ));
    let kinds = &provider.description().stores;
    let kind = kinds.iter().find(|kind| kind.name == store.kind.as_str());
    report.demand(kind.is_some(), || {
        "its kind is not in the description".to_owned()
    });
    let declared = kind.map_or(&[][..], |kind| kind.details.as_slice());
    let first = provider.survey(store, &surroundings.call()).await;
    let second = provider.survey(store, &surroundings.call()).await;
    match (first, second) {
        (Ok(first), Ok(second)) => {
            report.demand(first == second, || {
                "two surveys of an unchanged world differ".to_owned()
            });
            points(provider, store, &first, declared, &mut report);
        }
        (first, second) => {
            for error in [first.err(), second.err()].into_iter().flatten() {
                report.add(format!("the survey failed: {error}"));
            }
        }
    }
    report.into_result()
}

fn points(
    provider: &dyn Provider,
    store: &StoreRequest,
    seen: &Survey,
    declared: &[Output],
    report: &mut Report,
) {
    let text = serde_json::to_string(seen).expect("a survey is plain JSON");
    let back: Survey = serde_json::from_str(&text).expect("it was written just now");
    let points = match provider.recovery_points(store, seen) {
        Ok(points) => points,
        Err(error) => {
            report.add(format!("no recovery points from its own survey: {error}"));
            return;
        }
    };
    match provider.recovery_points(store, &back) {
        Ok(again) => report.demand(again == points, || {
            "recovery points differ when the survey was written down and read back".to_owned()
        }),
        Err(error) => report.add(format!("a survey that was written down fails: {error}")),
    }
    let mut ids = BTreeSet::new();
    for point in &points {
        report.demand(ids.insert(&point.id), || {
            format!("two recovery points have the id `{}`", point.id)
        });
        report.demand(!point.title.trim().is_empty(), || {
            format!("recovery point `{}` has no title", point.id)
        });
        if let Reach::Window { from, to } = point.reach {
            report.demand(from <= to, || {
                format!("the window of `{}` ends before it begins", point.id)
            });
        }
        details(point, declared, report);
    }
}

/// A plan is checked against what is declared: what a point has beside it could never be referred to.
fn details(point: &RecoveryPoint, declared: &[Output], report: &mut Report) {
    for (name, value) in point.details.iter() {
        let known = declared.iter().find(|detail| detail.name == name);
        report.demand(known.is_some(), || {
            format!(
                "recovery point `{}` has the detail `{name}`, which its kind does not declare",
                point.id
            )
        });
        if let Some(known) = known {
            report.demand(value.is_null() || fits(value, &known.gives), || {
                format!(
                    "detail `{name}` of recovery point `{}` is {value}, declared as {:?}",
                    point.id, known.gives
                )
            });
        }
    }
}
