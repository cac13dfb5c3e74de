//! `objects.copy`: one object to one address.
//!
//! The copy carries the run in its metadata (in an extended attribute when it is a file), so that the
//! run, and no other, can take it away again.

use salvor_contract::Call;
use salvor_contract::Counts;
use salvor_contract::Destroyed;
use salvor_contract::Effect;
use salvor_contract::Error;
use salvor_contract::Operation;
use salvor_contract::Outcome;
use salvor_contract::Preview;
use salvor_contract::Probe;
use salvor_contract::Removal;
use salvor_contract::Size;
use salvor_contract::Values;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::actions::fingerprint;
use crate::actions::keeps_versions;
use crate::client::Clients;
use crate::compare::Sameness;
use crate::compare::by_content;
use crate::compare::by_listing;
use crate::config::Config;
use crate::entry::Entry;
use crate::location::split_object;
use crate::place::Held;
use crate::place::Place;
use crate::sync::still_allowed;
use crate::transfer::RUN_MARK;
use crate::transfer::transfer;

/// The inputs of `objects.copy`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct CopyInputs {
    /// The object: s3://bucket/key or file:///folder/name.
    pub(crate) source: String,
    /// The address that it gets, name included.
    pub(crate) target: String,
}

/// One object and its new address.
pub(crate) struct Copy {
    from: Place,
    from_key: String,
    to: Place,
    to_key: String,
}

/// What is at both addresses.
struct Looked {
    source: Entry,
    target: Option<Entry>,
    is_same: bool,
}

impl Copy {
    pub(crate) async fn plan(
        clients: &Clients,
        operation: &Operation,
        call: &Call<'_>,
    ) -> Result<Self, Error> {
        let config: Config = operation.config.parse()?;
        let inputs: CopyInputs = operation.with.parse()?;
        let (from, from_key) = split_object(&inputs.source)?;
        let (to, to_key) = split_object(&inputs.target)?;
        let from = Place::open_with(clients, from, &config, call).await?;
        let to = Place::open_with(clients, to, &config, call).await?;
        if (from.url(), from_key) == (to.url(), to_key) {
            return Err(Error::refused("source and target are the same object"));
        }
        Ok(Self {
            from,
            from_key: from_key.to_owned(),
            to,
            to_key: to_key.to_owned(),
        })
    }

    pub(crate) async fn preview(&self) -> Result<Preview, Error> {
        let looked = self.look().await?;
        let address = self.to.address(&self.to_key);
        let size = Size(looked.source.size);
        let mut preview = match (&looked.target, looked.is_same) {
            (Some(_), true) => Preview::new(
                Effect::Nothing,
                format!("{address}: is there already, {size}"),
            ),
            (Some(_), false) => Preview::new(
                Effect::Replace,
                format!(
                    "{address}: is replaced by {size} from {}",
                    self.from.address(&self.from_key)
                ),
            ),
            (None, _) => Preview::new(
                Effect::Create,
                format!(
                    "{address}: {size} from {}",
                    self.from.address(&self.from_key)
                ),
            ),
        };
        preview.facts.set("source", identity(&looked.source));
        if let Some(target) = looked.target.as_ref().filter(|_| !looked.is_same) {
            if keeps_versions(&self.to, &mut preview.unknown).await? {
                preview.effect = Effect::Change;
                preview
                    .summary
                    .push_str("; the bucket keeps the old version");
            } else {
                preview.facts.set("target", identity(target));
                let place = fingerprint(&self.to).await?;
                let digits = place.rsplit('/').next().unwrap_or_default();
                preview.destroys.push(Destroyed {
                    what: format!("{address}: {}", Size(target.size)),
                    fingerprint: format!("{}/{digits}", self.to_key),
                });
            }
        }
        preview.counts = Counts {
            created: Some(u64::from(looked.target.is_none())),
            overwritten: Some(u64::from(looked.target.is_some() && !looked.is_same)),
            deleted: Some(0),
            unchanged: Some(u64::from(looked.is_same)),
            bytes: Some(Size(if looked.is_same {
                0
            } else {
                looked.source.size
            })),
        };
        preview.known = self.outputs(&looked.source);
        Ok(preview)
    }

    pub(crate) async fn perform(
        &self,
        operation: &Operation,
        call: &Call<'_>,
    ) -> Result<Outcome, Error> {
        still_allowed(call)?;
        let looked = self.look().await?;
        still_allowed(call)?;
        if !looked.is_same {
            let run = operation.run.as_str();
            transfer(
                &self.from,
                &self.to,
                &looked.source,
                &self.to_key,
                Some(run),
            )
            .await
            // The answer may be lost and the object written.
            .map_err(|error| match error {
                Error::Transient { what, .. } => Error::unknown(what),
                Error::Refused { .. } | Error::Unknown { .. } => error,
            })?;
            if let Held::Tree(tree) = &self.to.holder {
                tree.sync().await?;
            }
        }
        Ok(Outcome::of(self.outputs(&looked.source)))
    }

    pub(crate) async fn probe(&self) -> Result<Probe, Error> {
        let looked = self.look().await?;
        if looked.is_same {
            Ok(Probe::Done(Outcome::of(self.outputs(&looked.source))))
        } else {
            Ok(Probe::Absent)
        }
    }

    pub(crate) async fn remove(&self, operation: &Operation) -> Result<Removal, Error> {
        let address = self.to.address(&self.to_key);
        let (found, mark) = match &self.to.holder {
            Held::Bucket(bucket) => match bucket.head(&self.to_key, None).await? {
                None => (false, None),
                Some(head) => (true, head.metadata.get(RUN_MARK).cloned()),
            },
            Held::Tree(tree) => match tree.attribute(&self.to_key, RUN_MARK).await? {
                None => (false, None),
                Some(mark) => (true, mark),
            },
        };
        if !found {
            return Ok(Removal::NothingThere);
        }
        if mark.as_deref() != Some(operation.run.as_str()) {
            return Ok(Removal::NotOurs(format!(
                "{address} carries no mark of this run"
            )));
        }
        self.to.delete(&self.to_key).await?;
        Ok(Removal::Removed(address))
    }

    async fn look(&self) -> Result<Looked, Error> {
        let Some(source) = self.from.head(&self.from_key).await? else {
            return Err(Error::refused_with(
                format!("{} is not there", self.from.address(&self.from_key)),
                "Check the address of the source.",
            ));
        };
        let source = Entry {
            version: None,
            ..source
        };
        let target = self.to.head(&self.to_key).await?;
        let is_same = match &target {
            None => false,
            Some(target) => match by_listing(&self.from, &self.to, &source, target) {
                Sameness::Same => true,
                Sameness::Different => false,
                Sameness::Open => by_content(&self.from, &self.to, &source, target).await?,
            },
        };
        Ok(Looked {
            source,
            target,
            is_same,
        })
    }

    fn outputs(&self, source: &Entry) -> Values {
        Values::new()
            .with("url", format!("{}{}", self.to.url(), self.to_key))
            .with("bytes", source.size)
    }
}

fn identity(entry: &Entry) -> String {
    match &entry.etag {
        Some(etag) => format!("{} {etag}", entry.size),
        None => format!("{} {}", entry.size, entry.modified),
    }
}
