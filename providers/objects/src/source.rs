//! What a sync reads: a whole place, one object of it, or its state as of a time.

use futures::StreamExt;
use futures::stream;
use jiff::Timestamp;
use salvor_contract::Error;

use crate::entry::Listing;
use crate::key::CLAIM;
use crate::place::Held;
use crate::place::Place;

/// Objects to bring to another place.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) place: Place,
    pub(crate) scope: Scope,
}

/// Which objects of a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// All of them.
    All,
    /// The one of this key.
    Only(String),
    /// All of them, as they were at a moment.
    AsOf(Timestamp),
}

impl Source {
    /// The objects in key order. The claim of an earlier run is not one of them.
    pub(crate) fn list(&self) -> Listing<'static> {
        let listing = match (&self.scope, &self.place.holder) {
            (Scope::All, _) => self.place.list(""),
            // The key itself sorts before all keys that begin with it.
            (Scope::Only(key), _) => self.place.list(key).take(1).boxed(),
            (Scope::AsOf(at), Held::Bucket(bucket)) => bucket.as_of(*at),
            (Scope::AsOf(_), Held::Tree(_)) => {
                let refusal = Error::refused_with(
                    format!(
                        "{} is a folder of files, which has no versions",
                        self.place.url()
                    ),
                    "Use a versioned bucket, or a store of the kind objects.dated.",
                );
                stream::iter([Err(refusal)]).boxed()
            }
        };
        let only = match &self.scope {
            Scope::Only(key) => Some(key.clone()),
            Scope::All | Scope::AsOf(_) => None,
        };
        without_claim(listing)
            .filter(move |entry| {
                let is_wanted = match (entry, &only) {
                    (Ok(entry), Some(key)) => entry.key == *key,
                    (Ok(_) | Err(_), _) => true,
                };
                std::future::ready(is_wanted)
            })
            .boxed()
    }
}

/// The objects of a target, which may be a folder that is still to be made.
pub(crate) async fn list_target(place: &Place) -> Result<Listing<'static>, Error> {
    if let Held::Tree(tree) = &place.holder
        && !tree.exists().await?
    {
        return Ok(stream::empty().boxed());
    }
    Ok(without_claim(place.list("")))
}

fn without_claim(listing: Listing<'static>) -> Listing<'static> {
    listing
        .filter(|entry| std::future::ready(!entry.as_ref().is_ok_and(|entry| entry.key == CLAIM)))
        .boxed()
}
