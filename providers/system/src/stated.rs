//! `system.manual` as a kind of store: something that can be lost and that no provider looks at.
//!
//! Where its backups are and from which moment it is brought back is what an operator says. So it takes part in
//! the selection, the skew and the objectives, and a report names its point as stated, not as seen.

use jiff::Timestamp;
use salvor_contract::Call;
use salvor_contract::Error;
use salvor_contract::Fields;
use salvor_contract::IdentityTemplate;
use salvor_contract::InputRefusal;
use salvor_contract::Output;
use salvor_contract::PointId;
use salvor_contract::PointState;
use salvor_contract::Reach;
use salvor_contract::RecoveryPoint;
use salvor_contract::StoreKind;
use salvor_contract::StoreRequest;
use salvor_contract::Survey;
use salvor_contract::Type;
use salvor_contract::Values;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use crate::expression::whole;
use crate::manual;

/// The full name.
pub(crate) const NAME: &str = "system.manual";

/// `with` of a store of this kind.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Stated {
    /// Where its backups are, for people: `RDS snapshots of app-1, us-east-1`.
    place: String,
    /// The moment to which it can be brought back. Left out, nobody has stated one yet.
    at: Option<Timestamp>,
    /// The first moment of a window of point-in-time recovery that ends `at`.
    from: Option<Timestamp>,
    /// How its keeper calls the recovery point: the name of a snapshot, a backup id.
    id: Option<String>,
    /// A regular expression that the whole `id` must match.
    id_pattern: Option<String>,
    /// The backup id under which it was taken together with other stores.
    set: Option<String>,
}

/// What it tells of itself.
pub(crate) fn kind() -> StoreKind {
    StoreKind {
        name: NAME,
        summary: "Something that no provider looks at: an operator states its recovery point.",
        with: Fields::of::<Stated>(),
        identity: vec![IdentityTemplate::new("stated", "{place}")],
        details: vec![Output::new(
            "place",
            Type::Text,
            "Where its backups are, as the plan says it.",
        )],
        is_stated: true,
        restore: Some(manual::NAME),
        backup: Some(manual::NAME),
        verify: Some(manual::NAME),
    }
}

/// Takes down what was stated, when it has the form of a recovery point.
pub(crate) fn survey(store: &StoreRequest, call: &Call<'_>) -> Result<Survey, Error> {
    let stated: Stated = store.with.parse()?;
    let Some(at) = stated.at else {
        return Err(Error::refused_with(
            "nobody has stated its recovery point",
            format!("look at {}, and say the moment in `with.at`", stated.place),
        ));
    };
    if let Some(problem) = problem(&stated, at, call.clock.now()) {
        return Err(Error::refused_with(
            format!("what was stated of it cannot be: {problem}"),
            format!("look at {} again", stated.place),
        ));
    }
    Ok(Survey(json!({ "at": at, "from": stated.from })))
}

fn problem(stated: &Stated, at: Timestamp, now: Timestamp) -> Option<String> {
    if at > now {
        return Some(format!("{at} has not come yet"));
    }
    if let Some(from) = stated.from.filter(|from| *from > at) {
        return Some(format!(
            "its window begins at {from} and ends before, at {at}"
        ));
    }
    let (id, pattern) = (stated.id.as_ref()?, stated.id_pattern.as_ref()?);
    match whole("id-pattern", pattern) {
        Err(error) => Some(error.to_string()),
        Ok(pattern) if pattern.is_match(id) => None,
        Ok(_) => Some(format!("the id `{id}` does not match {pattern}")),
    }
}

/// What no statement could make good.
pub(crate) fn refusals(with: &Values) -> Vec<InputRefusal> {
    let pattern = InputRefusal::of_text(with, "id-pattern", |text| whole("id-pattern", text));
    Vec::from_iter(pattern)
}

/// The one point that was stated.
pub(crate) fn recovery_points(store: &StoreRequest) -> Result<Vec<RecoveryPoint>, Error> {
    let stated: Stated = store.with.parse()?;
    let Some(at) = stated.at else {
        return Ok(Vec::new());
    };
    let id = stated.id.unwrap_or_else(|| at.to_string());
    Ok(vec![RecoveryPoint {
        title: format!("{id}, as stated: {}", stated.place),
        id: PointId::new(id),
        reach: match stated.from {
            Some(from) => Reach::Window { from, to: at },
            None => Reach::Moment(at),
        },
        state: PointState::Usable,
        size: None,
        objects: None,
        expires: None,
        set: stated.set,
        details: Values::new().with("place", stated.place),
    }])
}
