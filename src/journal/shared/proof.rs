//! Tries out whether a shared store honours its conditions, on keys that nobody else has.
//!
//! A store that ignores a condition answers as if all were well, and two operators work on one environment. So this
//! is done before a process writes for the first time, and by `salvor doctor`, which also lets several writers race.

use futures::future::join_all;
use salvor_contract::SharedError;
use salvor_contract::StoredObject;
use salvor_contract::VersionTag;

use crate::journal::place::Examined;
use crate::journal::shared::patient::Patient;
use crate::journal::shared::patient::unreadable;
use crate::journal::storage::StorageError;

/// How many races `doctor` runs, and how many writers each has.
const RACES: usize = 8;
const RACERS: usize = 8;

/// Tries out the conditions and stops at the first that does not hold.
pub(super) async fn prove(patient: &Patient, token: String) -> Result<(), StorageError> {
    let trial = Trial::new(patient, &token);
    // A store that does not answer, or lets nobody in, is told as that and not as one that is not fit.
    patient
        .list(&format!("{}/", trial.folder))
        .await
        .map_err(unreadable)?;
    let examined = trial.conditions().await;
    let removed = trial.remove().await;
    let wrong = examined.into_iter().chain([removed]).find_map(|one| {
        let Examined { what, wrong } = one;
        wrong.map(|wrong| (what, wrong))
    });
    match wrong {
        None => Ok(()),
        Some((what, wrong)) => Err(StorageError::Unfit {
            what: format!(
                "{} is not fit for state: it was expected that {what}, and {wrong}",
                patient.address("")
            ),
        }),
    }
}

/// The same, further on after what does not hold, with races.
pub(super) async fn examine(patient: &Patient, token: &str) -> Vec<Examined> {
    let mut trial = Trial::new(patient, token);
    let mut examined = trial.conditions().await;
    // Without an answer to the first there is nothing to try.
    if examined.iter().all(|one| one.wrong.is_none()) {
        examined.push(trial.races().await);
    }
    examined.push(trial.remove().await);
    examined
}

/// Keys of one trial.
struct Trial<'a> {
    patient: &'a Patient,
    folder: String,
    keys: Vec<String>,
}

impl<'a> Trial<'a> {
    fn new(patient: &'a Patient, token: &str) -> Self {
        let folder = format!("doctor/{token}");
        Self {
            keys: vec![format!("{folder}/object")],
            patient,
            folder,
        }
    }

    /// One after the other what locks and journals rest on, up to the first request that fails for another reason.
    async fn conditions(&self) -> Vec<Examined> {
        let mut examined = Vec::new();
        let store = self.patient.store();
        let key = self.keys[0].as_str();
        let first = store.create(key, b"first".to_vec()).await;
        examined.push(Examined::of(
            "an object can be made",
            first.as_ref().map(drop).map_err(SharedError::to_string),
        ));
        let Ok(first) = first else { return examined };
        let again = store.create(key, b"second".to_vec()).await;
        examined.push(Examined::of(
            "making it again is refused",
            refused(again.map(drop)),
        ));
        examined.push(Examined::of(
            "what was written is read",
            read(store.get(key).await, b"first", &first),
        ));
        let second = store.replace(key, b"third".to_vec(), &first).await;
        examined.push(Examined::of(
            "who saw its last version replaces it",
            second.as_ref().map(drop).map_err(SharedError::to_string),
        ));
        let Ok(second) = second else { return examined };
        let stale = store.replace(key, b"fourth".to_vec(), &first).await;
        examined.push(Examined::of(
            "who saw an older version is refused",
            refused(stale.map(drop)),
        ));
        examined.push(Examined::of(
            "what was replaced is read",
            read(store.get(key).await, b"third", &second),
        ));
        let listed = store.list(&format!("{}/", self.folder)).await;
        examined.push(Examined::of(
            "what was written is listed",
            match listed {
                Ok(names) if names == ["object"] => Ok(()),
                Ok(names) => Err(format!("the listing has {names:?}")),
                Err(error) => Err(error.to_string()),
            },
        ));
        examined
    }

    /// A store that looks first and writes then lets several through.
    async fn races(&mut self) -> Examined {
        let what = format!("of {RACERS} that make one object at once one does, {RACES} times");
        let store = self.patient.store();
        for race in 0..RACES {
            let key = format!("{}/race-{race}", self.folder);
            self.keys.push(key.clone());
            let racers = (0..RACERS).map(|racer| store.create(&key, vec![b'a' + racer as u8]));
            let results = join_all(racers).await;
            let winners = results.iter().filter(|result| result.is_ok()).count();
            let other = results.iter().find_map(|result| match result {
                Ok(_) | Err(SharedError::Conflict) => None,
                Err(error) => Some(error.to_string()),
            });
            match (winners, other) {
                (1, _) => {}
                // One that heard nothing may have made it.
                (0, Some(error)) => return Examined::of(what, Err(error)),
                (winners, _) => return Examined::of(what, Err(format!("{winners} did"))),
            }
        }
        Examined::of(what, Ok(()))
    }

    async fn remove(&self) -> Examined {
        let mut removed = Ok(());
        for key in &self.keys {
            removed = removed.and(self.patient.delete(key).await);
        }
        Examined::of(
            "what was tried is removed",
            removed.map_err(|error| error.to_string()),
        )
    }
}

fn refused(result: Result<(), SharedError>) -> Result<(), String> {
    match result {
        Err(SharedError::Conflict) => Ok(()),
        Ok(()) => Err("it went through: the store ignores the condition".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

fn read(
    found: Result<Option<StoredObject>, SharedError>,
    bytes: &[u8],
    tag: &VersionTag,
) -> Result<(), String> {
    match found {
        Ok(Some(found)) if found.bytes == bytes && found.tag == *tag => Ok(()),
        Ok(Some(_)) => Err("something else was read".to_owned()),
        Ok(None) => Err("nothing was there".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}
