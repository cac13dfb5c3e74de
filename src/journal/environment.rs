//! The state of an environment, wherever it lies: its lineage, its runs, its lock and its inboxes.
//!
//! What a run is, and whether its journal is trusted, is judged here, the same for every [`Place`].

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use futures::StreamExt as _;
use salvor_contract::Answer;
use salvor_contract::Clock;
use salvor_contract::RunId;
use salvor_contract::StepName;

use crate::journal::chain;
use crate::journal::chain::Chain;
use crate::journal::chain::ChainError;
use crate::journal::chain::Fold;
use crate::journal::file::blocking;
use crate::journal::file::place::make_folder;
use crate::journal::lock::EnvironmentLock;
use crate::journal::place::Place;
use crate::journal::place::is_plain;
use crate::journal::record::Line;
use crate::journal::state::Head;
use crate::journal::state::RunState;
use crate::journal::storage::Storage;
use crate::journal::storage::StorageError;
use crate::journal::writer::Proved;
use crate::surroundings::Randomness;

/// How many journals are read at once. In a shared place each takes some requests.
const AT_ONCE: usize = 16;

/// The state of an environment.
#[derive(Clone)]
pub struct Environment {
    place: Arc<dyn Place>,
    lineage: String,
    /// False when there is no state yet, and this is only looked at.
    is_there: bool,
}

/// A run of an environment.
#[derive(Debug)]
pub struct Listed {
    /// The run.
    pub run: RunId,
    /// What its journal adds up to, or why it cannot be read.
    pub state: Result<RunState, ChainError>,
}

impl Environment {
    /// Opens the state at a place, and makes it with a new lineage when it is not there.
    ///
    /// # Errors
    /// When the place is not fit, or cannot be made.
    pub async fn open(
        place: Arc<dyn Place>,
        randomness: &dyn Randomness,
    ) -> Result<Self, StorageError> {
        let lineage = place.open(&randomness.token()).await?;
        Ok(Self {
            place,
            lineage,
            is_there: true,
        })
    }

    /// Opens the state at a place for reading only; makes nothing.
    ///
    /// # Errors
    /// [`StorageError::Missing`] when it is not there, [`StorageError::Unfit`] when its lineage is damaged.
    pub async fn open_existing(place: Arc<dyn Place>) -> Result<Self, StorageError> {
        let lineage = place.lineage().await?;
        Ok(Self {
            place,
            lineage,
            is_there: true,
        })
    }

    /// The state for reading only: as it is, or, where there is none yet, one that nobody has made, without runs and
    /// with a lineage of its own.
    ///
    /// # Errors
    /// As [`Environment::open_existing`], except that it may be missing.
    pub async fn to_look(
        place: Arc<dyn Place>,
        randomness: &dyn Randomness,
    ) -> Result<Self, StorageError> {
        match Self::open_existing(Arc::clone(&place)).await {
            Err(StorageError::Missing { .. }) => Ok(Self {
                place,
                lineage: randomness.token(),
                is_there: false,
            }),
            opened => opened,
        }
    }

    /// The same state, which has no runs, for the environment of this id: its own is lost.
    ///
    /// # Errors
    /// When the id cannot be one, or cannot be written.
    pub async fn with_lineage(self, lineage: &str) -> Result<Self, StorageError> {
        if !is_plain(lineage) {
            return Err(StorageError::Unfit {
                what: format!("{lineage:?} is not the id of an environment"),
            });
        }
        if self.lineage == lineage {
            return Ok(self);
        }
        let lineage = self.place.set_lineage(&self.lineage, lineage).await?;
        Ok(Self { lineage, ..self })
    }

    /// The environment's id.
    pub fn lineage(&self) -> &str {
        &self.lineage
    }

    /// Where its state is, as it is shown.
    pub fn shown(&self) -> String {
        self.place.shown()
    }

    /// Where the journal of a run is, as it is shown.
    pub fn shown_run(&self, run: &RunId) -> String {
        self.place.shown_run(run)
    }

    /// True when processes of other machines may write its state.
    pub fn is_shared(&self) -> bool {
        self.place.is_shared()
    }

    /// Makes sure that what is written is safe; see [`Place::fit`].
    ///
    /// # Errors
    /// When it is not, with the reason.
    pub async fn fit(&self) -> Result<(), StorageError> {
        self.place.fit().await
    }

    /// The storage of a new run, held for writing.
    ///
    /// # Errors
    /// When the text cannot be the id of a run, or see [`Place::create`].
    pub async fn create(&self, run: &RunId) -> Result<Arc<dyn Storage>, StorageError> {
        named(run)?;
        self.place.create(run).await
    }

    /// The storage of a run, for reading.
    ///
    /// # Errors
    /// When the text cannot be the id of a run: it may come from a command line.
    pub fn read(&self, run: &RunId) -> Result<Arc<dyn Storage>, StorageError> {
        named(run)?;
        Ok(self.place.read(run))
    }

    /// The environment's lock.
    pub fn lock(
        &self,
        clock: Arc<dyn Clock>,
        randomness: Arc<dyn Randomness>,
    ) -> Arc<dyn EnvironmentLock> {
        self.place.lock(&self.lineage, clock, randomness)
    }

    /// The last record of a run that was seen, kept apart from its journal. To be asked before the journal is
    /// read: whoever writes it may go on meanwhile.
    ///
    /// # Errors
    /// When the text cannot be the id of a run.
    pub async fn seen_head(&self, run: &RunId) -> Result<Option<Head>, StorageError> {
        named(run)?;
        self.place.seen_head(&self.lineage, run).await
    }

    /// The ids of all runs, by name. What is in their journals is not looked at.
    ///
    /// # Errors
    /// When the runs cannot be listed.
    pub async fn run_ids(&self) -> Result<Vec<RunId>, StorageError> {
        if !self.is_there {
            return Ok(Vec::new());
        }
        let mut names = self.place.run_names().await?;
        names.retain(|name| is_plain(name));
        names.sort();
        Ok(names.into_iter().map(RunId::new).collect())
    }

    /// What something says of each run, in the order of their names.
    async fn of_each<T>(
        &self,
        asked: impl AsyncFn(&RunId) -> T,
    ) -> Result<Vec<(RunId, T)>, StorageError> {
        let asked = &asked;
        let answers = self.run_ids().await?.into_iter().map(|run| async move {
            let answer = asked(&run).await;
            (run, answer)
        });
        Ok(futures::stream::iter(answers)
            .buffered(AT_ONCE)
            .collect()
            .await)
    }

    /// All runs, newest last; those that cannot be read come first, by name.
    ///
    /// # Errors
    /// When the runs cannot be listed.
    pub async fn runs(&self) -> Result<Vec<Listed>, StorageError> {
        let states = self.of_each(async |run| self.state_of(run).await).await?;
        let mut runs: Vec<Listed> = states
            .into_iter()
            .map(|(run, state)| Listed { run, state })
            .collect();
        runs.sort_by_key(|listed| listed.state.as_ref().ok().map(|state| state.opening.at));
        Ok(runs)
    }

    /// The newest runs of a plan, newest first, at most `count`. Of the others only the first record is read:
    /// there may be thousands. Runs whose journals are not trusted are left out.
    ///
    /// # Errors
    /// When the runs cannot be listed.
    pub async fn newest(&self, plan: &str, count: usize) -> Result<Vec<RunState>, StorageError> {
        let firsts = self.of_each(async |run| self.first_of(run).await).await?;
        let mut begun: Vec<_> = firsts
            .into_iter()
            .filter_map(|(run, first)| first.ok().map(|first| (run, first)))
            .filter(|(_, first)| first.opening.plan == plan)
            .map(|(run, first)| (first.opening.at, run))
            .collect();
        begun.sort_unstable_by(|one, other| other.cmp(one));
        let mut newest = Vec::with_capacity(count);
        for (_, run) in begun {
            if newest.len() == count {
                break;
            }
            newest.extend(self.state_of(&run).await.ok());
        }
        Ok(newest)
    }

    /// The runs that are not over, and those of which that cannot be told.
    ///
    /// # Errors
    /// When the runs cannot be listed.
    pub async fn open_runs(&self) -> Result<Vec<Listed>, StorageError> {
        // The last record tells, so that the journals of the many that are over are not read.
        let judged = self
            .of_each(
                async |run| match chain::is_closed(&*self.place.read(run)).await {
                    true => None,
                    false => Some(self.state_of(run).await),
                },
            )
            .await?;
        let mut open = Vec::new();
        for (run, state) in judged {
            match state {
                // The second is a crash before the first record: nothing was begun.
                None | Some(Err(ChainError::Empty)) => {}
                Some(Ok(folded)) if folded.phase.is_over() => {}
                Some(state) => open.push(Listed { run, state }),
            }
        }
        Ok(open)
    }

    /// How long the journal of each run is: what is the same twice saw no run go on in between.
    ///
    /// # Errors
    /// When the runs cannot be listed, or a length cannot be told.
    pub async fn lengths(&self) -> Result<BTreeMap<RunId, u64>, StorageError> {
        let lengths = self.of_each(async |run| self.place.length(run).await);
        let lengths = lengths.await?.into_iter();
        lengths
            .map(|(run, length)| Ok((run, length?)))
            .collect::<Result<BTreeMap<_, _>, _>>()
    }

    /// The runs that were opened after this one, and those of which that cannot be told.
    ///
    /// # Errors
    /// When the runs cannot be listed.
    pub async fn runs_since(&self, this: &RunState) -> Result<Vec<Listed>, StorageError> {
        let firsts = self.of_each(async |run| self.first_of(run).await).await?;
        let mut newer = Vec::new();
        for (run, first) in firsts {
            let is_meant = match &first {
                Ok(first) => first.opening.at > this.opening.at,
                Err(ChainError::Empty) => false,
                Err(_) => true,
            };
            if run != this.run && is_meant {
                let state = self.state_of(&run).await;
                newer.push(Listed { run, state });
            }
        }
        Ok(newer)
    }

    async fn first_of(&self, run: &RunId) -> Result<RunState, ChainError> {
        chain::read_first(&*self.place.read(run), run).await
    }

    /// What the proved journal of a run adds up to; it must be of this environment.
    async fn state_of(&self, run: &RunId) -> Result<RunState, ChainError> {
        let seen = self.seen_head(run).await?;
        let Fold { state, .. } = chain::fold(&*self.read(run)?, run, drop).await?;
        self.refuse_other(&state, seen).await?;
        Ok(state)
    }

    /// Where looks at the world may put files.
    pub fn look_scratch(&self) -> PathBuf {
        self.place.local().join("scratch")
    }

    /// Makes the folder where operations of a run may put files: what they make in it is out of the reach of others.
    ///
    /// # Errors
    /// When the text cannot be the id of a run, or the folder cannot be made.
    pub async fn make_scratch(&self, run: &RunId) -> Result<(), StorageError> {
        let folder = self.scratch(run)?;
        blocking(move || make_folder(&folder)).await
    }

    /// Where operations of a run may put files, once it is made.
    ///
    /// # Errors
    /// When the text cannot be the id of a run.
    pub fn scratch(&self, run: &RunId) -> Result<PathBuf, StorageError> {
        named(run)?;
        Ok(scratch_below(self.place.local(), run))
    }

    /// Removes what is of use only while a run goes on: files of operations, which may hold what nobody should
    /// keep, and the space set aside for the last records.
    ///
    /// # Errors
    /// When they cannot be removed. What is not there is fine.
    pub async fn clear(&self, run: &RunId) -> Result<(), StorageError> {
        named(run)?;
        self.place.clear(run).await
    }

    /// Clears the runs that are over and were killed before they did so themselves; says what stayed, and why.
    /// Runs that cannot be read are left alone. Only for whoever holds the environment's lock.
    pub async fn sweep(&self) -> Vec<StorageError> {
        let mut stayed = Vec::new();
        for name in self.place.uncleared().await {
            let run = RunId::new(name);
            if (self.state_of(&run).await).is_ok_and(|state| state.phase.is_over()) {
                stayed.extend(self.clear(&run).await.err());
            }
        }
        stayed
    }

    /// Reads and proves the journal of a run, which must be of this environment.
    ///
    /// # Errors
    /// See [`ChainError`].
    pub async fn chain(&self, run: &RunId) -> Result<Chain, ChainError> {
        let seen = self.seen_head(run).await?;
        let chain = chain::read(&*self.read(run)?, run).await?;
        self.refuse_other(&chain.state, seen).await?;
        Ok(chain)
    }

    /// Holds the journal of an existing run for writing, and proves it. It must be of this environment.
    ///
    /// # Errors
    /// See [`Place::hold`] and [`ChainError`].
    pub async fn prove(&self, run: &RunId) -> Result<Proved, ChainError> {
        let seen = self.seen_head(run).await?;
        let proved = Proved::read(self.place.hold(run).await?, run).await?;
        self.refuse_other(proved.state(), seen).await?;
        Ok(proved)
    }

    /// Refuses a whole chain that is of another environment, or that is not what was seen before.
    async fn refuse_other(&self, state: &RunState, seen: Option<Head>) -> Result<(), ChainError> {
        if state.opening.lineage != self.lineage {
            return Err(ChainError::Foreign {
                expected: format!("environment {}", self.lineage),
                found: format!("environment {}", state.opening.lineage),
            });
        }
        let Some(Head { seq, hash }) = seen else {
            return Ok(());
        };
        let found = match state.head.seq.cmp(&seq) {
            Ordering::Less => None,
            Ordering::Equal => Some(state.head.hash.clone()),
            Ordering::Greater => {
                let lines = self.read(&state.run)?.load(seq).await?.lines;
                let line = lines.first().and_then(|line| Line::parse(line).ok());
                line.map(|(line, _)| line.hash)
            }
        };
        match found {
            Some(found) if found == hash => Ok(()),
            Some(_) => Err(ChainError::Damaged {
                seq,
                what: chain::NOT_AS_SEEN.to_owned(),
            }),
            None => Err(ChainError::Damaged {
                seq,
                what: chain::SEEN_AND_GONE.to_owned(),
            }),
        }
    }

    /// Leaves an answer for the process that works on a run. It counts once that process has recorded it.
    ///
    /// # Errors
    /// [`StorageError::Unfit`] when there is one already that was not taken yet.
    pub async fn put_answer(
        &self,
        run: &RunId,
        step: &StepName,
        answer: &Answer,
        randomness: &dyn Randomness,
    ) -> Result<(), StorageError> {
        named(run)?;
        named_step(step)?;
        let text = serde_json::to_vec(answer).expect("our own types serialise to JSON");
        let token = randomness.token();
        if !self.place.put_answer(run, step, &text, &token).await? {
            let what =
                format!("step {step} was answered already, and the answer is not recorded yet");
            return Err(StorageError::Unfit { what });
        }
        Ok(())
    }

    /// The answers that were left and are not removed yet.
    ///
    /// # Errors
    /// When the inbox, or an answer in it, cannot be read.
    pub async fn answers(&self, run: &RunId) -> Result<BTreeMap<StepName, Answer>, StorageError> {
        named(run)?;
        let left = self.place.answers(run).await?.into_iter();
        let understood = left.map(|(step, bytes)| {
            let answer = serde_json::from_slice(&bytes).map_err(|error| StorageError::Unfit {
                what: format!("the answer to {step} in {}: {error}", self.shown_run(run)),
            })?;
            Ok((StepName::new(step), answer))
        });
        understood.collect()
    }

    /// Removes an answer from the inbox: after it was recorded, not before.
    ///
    /// # Errors
    /// When it cannot be removed. One that is not there is fine.
    pub async fn remove_answer(&self, run: &RunId, step: &StepName) -> Result<(), StorageError> {
        named(run)?;
        named_step(step)?;
        self.place.remove_answer(run, step).await
    }
}

/// Where the operations of a run may put files, below a folder of this machine.
pub(super) fn scratch_below(local: &std::path::Path, run: &RunId) -> PathBuf {
    local.join("runs").join(run.as_str()).join("scratch")
}

fn named(run: &RunId) -> Result<(), StorageError> {
    match is_plain(run.as_str()) {
        true => Ok(()),
        false => Err(StorageError::Missing {
            what: format!("run {run:?}"),
        }),
    }
}

fn named_step(step: &StepName) -> Result<(), StorageError> {
    match is_plain(step.as_str()) {
        true => Ok(()),
        false => Err(StorageError::Missing {
            what: format!("step {step:?}"),
        }),
    }
}

#[cfg(test)]
mod tests;
