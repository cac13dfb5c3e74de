//! `objects.restore` and `objects.sync`: from inputs to a sync, and from a sync to what is told of it.

use salvor_contract::Call;
use salvor_contract::Counts;
use salvor_contract::Destroyed;
use salvor_contract::Effect;
use salvor_contract::Error;
use salvor_contract::Finding;
use salvor_contract::Judgement;
use salvor_contract::Operation;
use salvor_contract::Outcome;
use salvor_contract::Preview;
use salvor_contract::Probe;
use salvor_contract::Removal;
use salvor_contract::Size;
use salvor_contract::Values;
use schemars::JsonSchema;
use serde::Deserialize;
use sha2::Digest;
use sha2::Sha256;

use crate::claim;
use crate::client::Clients;
use crate::config::Config;
use crate::entry::hex;
use crate::pace::told;
use crate::place::Held;
use crate::place::Place;
use crate::source::Scope;
use crate::source::Source;
use crate::store::Dated;
use crate::store::Whole;
use crate::sync::Depth;
use crate::sync::Surplus;
use crate::sync::Sync;
use crate::sync::Tally;
use crate::sync::still_allowed;
use crate::versions::Versioning;

/// The inputs of `objects.restore`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Restore {
    /// Where the objects go: s3://bucket/prefix/ or file:///folder/. For objects.versions it may be the store's
    /// own address: then objects are brought back in place.
    pub(crate) target: String,
    /// Deletes what the target has and the recovery point does not.
    #[serde(default)]
    pub(crate) delete: bool,
}

/// The inputs of `objects.sync`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct SyncInputs {
    /// Where the objects come from: s3://bucket/prefix/ or file:///folder/.
    pub(crate) source: String,
    /// Where they go.
    pub(crate) target: String,
    /// Deletes what the target has and the source does not.
    #[serde(default)]
    pub(crate) delete: bool,
}

/// A sync and what the recovery point promised of its source.
pub(crate) struct Planned {
    sync: Sync,
    /// The digest of the listing that was seen when the point was surveyed.
    promised: Option<String>,
    /// The one object, where it is one.
    file: Option<String>,
}

/// Opens the places of a sync or of a restore.
pub(crate) async fn plan(
    clients: &Clients,
    operation: &Operation,
    call: &Call<'_>,
) -> Result<Planned, Error> {
    let config: Config = operation.config.parse()?;
    let (source, target, delete) = if operation.action.as_str() == "objects.restore" {
        let inputs: Restore = operation.with.parse()?;
        let source = of_point(clients, operation, call).await?;
        (source, inputs.target, inputs.delete)
    } else {
        let inputs: SyncInputs = operation.with.parse()?;
        let place = Place::open_with(clients, &inputs.source, &config, call).await?;
        let scope = Scope::All;
        (Source { place, scope }, inputs.target, inputs.delete)
    };
    let target = Place::open_with(clients, &target, &config, call).await?;
    if last_name(&target.url()).starts_with('-') {
        // `s3://bucket/prod/` with `-drill` behind it would be a folder inside of production.
        return Err(Error::refused_with(
            format!("the last folder of {} begins with a hyphen", target.url()),
            "Write the target without a slash at its end, so that a drill renames it and not a folder in it.",
        ));
    }
    let is_in_place = matches!(source.scope, Scope::AsOf(_)) && source.place.url() == target.url();
    if source.place.location.overlaps(&target.location) && !is_in_place {
        return Err(Error::refused_with(
            format!("{} and {} overlap", source.place.url(), target.url()),
            "Choose a target outside of the source.",
        ));
    }
    let promised = match (&source.scope, &operation.point) {
        (Scope::All | Scope::Only(_), Some(chosen)) => {
            chosen.point.details.text("digest").map(str::to_owned)
        }
        (Scope::All | Scope::Only(_) | Scope::AsOf(_), _) => None,
    };
    Ok(Planned {
        file: match &source.scope {
            Scope::Only(key) => Some(key.clone()),
            Scope::All | Scope::AsOf(_) => None,
        },
        promised,
        sync: Sync {
            source,
            target,
            surplus: if delete {
                Surplus::IsDeleted
            } else {
                Surplus::Stays
            },
            concurrency: config.concurrency(),
        },
    })
}

/// The objects that a recovery point stands for.
pub(crate) async fn of_point(
    clients: &Clients,
    operation: &Operation,
    call: &Call<'_>,
) -> Result<Source, Error> {
    let (Some(store), Some(chosen)) = (&operation.store, &operation.point) else {
        return Err(Error::refused(
            "a restore needs a store and a recovery point of it",
        ));
    };
    let config: Config = store.config.parse()?;
    let url = match store.kind.as_str() {
        "objects.dated" => store.with.parse::<Dated>()?.url,
        _ => store.with.parse::<Whole>()?.url,
    };
    let mut place = Place::open_with(clients, &url, &config, call).await?;
    if store.kind.as_str() == "objects.versions" {
        return Ok(Source {
            place,
            scope: Scope::AsOf(chosen.at),
        });
    }
    let details = &chosen.point.details;
    match details.text("folder") {
        Some("") | None => {}
        Some(folder) => place = place.below(folder)?,
    }
    let scope = match details.text("file") {
        Some(file) => Scope::Only(file.to_owned()),
        None => Scope::All,
    };
    Ok(Source { place, scope })
}

impl Planned {
    pub(crate) async fn preview(&self, call: &Call<'_>) -> Result<Preview, Error> {
        let sync = &self.sync;
        let tally = self.tally(Depth::Content, call).await?;
        let url = sync.target.url();
        let deleted = self.deleted(&tally);
        let effect = if tally.created + tally.overwritten + deleted == 0 {
            Effect::Nothing
        } else if tally.target.objects == 0 {
            Effect::Create
        } else {
            Effect::Change
        };
        let mut summary = format!(
            "{url}: {} objects to write ({}), {} unchanged, {} to delete",
            grouped(tally.created + tally.overwritten),
            Size(tally.bytes),
            grouped(tally.unchanged),
            grouped(deleted)
        );
        let mut preview = Preview::new(effect, String::new());
        preview.facts = Values::new()
            .with("source", tally.source.digest.as_str())
            .with("objects", tally.source.objects);
        if tally.overwritten + deleted > 0 {
            let keeps = keeps_versions(&sync.target, &mut preview.unknown).await?;
            if keeps {
                summary.push_str("; the bucket keeps the old versions");
            } else {
                preview.effect = Effect::Replace;
                preview.facts.set("target", tally.target.digest.as_str());
                preview.destroys.push(Destroyed {
                    what: format!(
                        "{url}: {} objects are overwritten ({}), {} are deleted ({})",
                        grouped(tally.overwritten),
                        Size(tally.overwritten_bytes),
                        grouped(deleted),
                        Size(if deleted > 0 { tally.surplus_bytes } else { 0 })
                    ),
                    fingerprint: fingerprint(&sync.target).await?,
                });
            }
        }
        if tally.surplus > 0 && sync.surplus == Surplus::Stays {
            preview.unknown.push(format!(
                "{} objects of {url} are not in the source and stay, since `delete` is false",
                grouped(tally.surplus)
            ));
        }
        preview.summary = summary;
        preview.counts = Counts {
            created: Some(tally.created),
            overwritten: Some(tally.overwritten),
            deleted: Some(deleted),
            unchanged: Some(tally.unchanged),
            bytes: Some(Size(tally.bytes)),
        };
        preview.known = self.outputs(&tally);
        Ok(preview)
    }

    pub(crate) async fn perform(
        &self,
        operation: &Operation,
        call: &Call<'_>,
    ) -> Result<Outcome, Error> {
        still_allowed(call)?;
        let tally = self.tally(Depth::Listing, call).await?;
        still_allowed(call)?;
        if tally.target.objects == 0 && tally.created > 0 {
            claim::claim(&self.sync.target, operation).await?;
        }
        claim::record(&self.sync.target, operation, call).await?;
        self.sync.run(&tally, call).await?;
        Ok(Outcome {
            outputs: self.outputs(&tally),
            findings: claim::release(&self.sync.target)
                .await
                .into_iter()
                .collect(),
        })
    }

    pub(crate) async fn probe(&self, call: &Call<'_>) -> Result<Probe, Error> {
        let tally = self.tally(Depth::Content, call).await?;
        let is_left = claim::is_there(&self.sync.target).await?;
        if tally.created + tally.overwritten + self.deleted(&tally) == 0 && !is_left {
            return Ok(Probe::Done(Outcome::of(self.outputs(&tally))));
        }
        // Part of it may be there, or all and the claim too. To send it again writes only the rest, so nothing is
        // written twice.
        Ok(Probe::Absent)
    }

    pub(crate) async fn observe(&self, call: &Call<'_>) -> Result<Vec<Finding>, Error> {
        let tally = self.tally(Depth::Content, call).await?;
        let left = tally.created + tally.overwritten;
        let deleted = self.deleted(&tally);
        Ok(vec![Finding {
            subject: format!("objects of {}", self.sync.target.url()),
            expected: format!("{} objects as in the source", grouped(tally.source.objects)),
            observed: format!(
                "{} are the same, {} are missing, {} differ, {} are too many",
                grouped(tally.unchanged),
                grouped(tally.created),
                grouped(tally.overwritten),
                grouped(deleted)
            ),
            judgement: Judgement::of(left + deleted == 0),
        }])
    }

    pub(crate) async fn remove(&self, operation: &Operation) -> Result<Removal, Error> {
        claim::remove(&self.sync.target, operation).await
    }

    async fn tally(&self, depth: Depth, call: &Call<'_>) -> Result<Tally, Error> {
        let sync = &self.sync;
        let paces = [&sync.source.place.pace, &sync.target.pace];
        let tally = told(&paces, call, sync.tally(depth)).await?;
        let url = sync.source.place.url();
        if let Some(file) = &self.file
            && tally.source.objects == 0
        {
            return Err(Error::refused(format!(
                "{} is not there",
                sync.source.place.address(file)
            )));
        }
        if let Some(promised) = &self.promised
            && *promised != tally.source.digest
        {
            return Err(Error::refused_with(
                format!("{url} is not what it was when this recovery point was chosen"),
                "Plan again, and find out who writes to old backups.",
            ));
        }
        if sync.surplus == Surplus::IsDeleted && tally.source.objects == 0 && tally.surplus > 0 {
            return Err(Error::refused_with(
                format!(
                    "{url} is empty: with `delete` this would remove all of {}",
                    sync.target.url()
                ),
                "Check the address of the source.",
            ));
        }
        Ok(tally)
    }

    fn deleted(&self, tally: &Tally) -> u64 {
        match self.sync.surplus {
            Surplus::Stays => 0,
            Surplus::IsDeleted => tally.surplus,
        }
    }

    fn outputs(&self, tally: &Tally) -> Values {
        let url = self.sync.target.url();
        let file = self.file.as_deref().unwrap_or_default();
        Values::new()
            .with("file", format!("{url}{file}"))
            .with("url", url)
            .with("objects", tally.source.objects)
            .with("bytes", tally.source.bytes)
    }
}

/// True when overwriting and deleting in this place loses nothing. Where it cannot be found out, it loses.
pub(crate) async fn keeps_versions(
    place: &Place,
    unknown: &mut Vec<String>,
) -> Result<bool, Error> {
    let Held::Bucket(bucket) = &place.holder else {
        return Ok(false);
    };
    match bucket.versioning().await {
        Ok(versioning) => Ok(versioning == Versioning::Enabled),
        Err(error @ Error::Refused { .. }) => {
            unknown.push(format!("whether the bucket keeps old versions: {error}"));
            Ok(false)
        }
        Err(error @ (Error::Transient { .. } | Error::Unknown { .. })) => Err(error),
    }
}

/// What an operator types to confirm: the last name of the address, and digits that depend on all of it and
/// on the service or the device that holds it.
pub(crate) async fn fingerprint(place: &Place) -> Result<String, Error> {
    let url = place.url();
    let holder = match &place.holder {
        Held::Bucket(bucket) => bucket.service.endpoint.clone(),
        Held::Tree(tree) => tree.mark().await?,
    };
    let digest = hex(&Sha256::digest(format!("{holder}\0{url}")));
    let name = last_name(&url);
    Ok(format!("{name}/{}", &digest[..4]))
}

fn last_name(url: &str) -> &str {
    let bare = url.trim_end_matches('/');
    bare.rsplit('/').next().unwrap_or(bare)
}

/// A number with its thousands apart: `18,199`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn thousands_stand_apart() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (18_199, "18,199"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(grouped(number), text);
        }
    }
}
