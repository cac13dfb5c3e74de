//! Makes the operation of a step: chooses its point, renders its inputs, records its intent.
//!
//! An operation that an earlier process intended is made again from the same records, and must come out
//! the same to the byte: its inputs' digest is compared with the one in the intent.

use salvor_contract::ChosenPoint;
use salvor_contract::Destroyed;
use salvor_contract::Destroys;
use salvor_contract::Error;
use salvor_contract::KindName;
use salvor_contract::Operation;
use salvor_contract::OperationId;
use salvor_contract::Provider;
use salvor_contract::RunId;
use salvor_contract::StepName;
use salvor_contract::StoreRequest;
use serde_json::Value;

use crate::change_set::PlannedStep;
use crate::change_set::PointSource;
use crate::diff::changed_files;
use crate::digest::Digest;
use crate::execution::engine::Engine;
use crate::execution::operate::Operator;
use crate::execution::send::Doubt;
use crate::execution::watcher::End;
use crate::execution::watcher::Event;
use crate::journal::Body;
use crate::journal::FailureKind;
use crate::journal::JournalError;
use crate::journal::RunState;
use crate::journal::names::operation_id;
use crate::journal::state::Attempt;
use crate::recovery_points::Chosen;
use crate::recovery_points::choose_later;
use crate::registry::Registry;
use crate::survey::Reading;
use crate::template;

/// Why a step has no operation: a reason that fails the step, or one that ends the process's part.
pub(super) enum NoOperation {
    Failed(FailureKind, Error),
    Stopped,
    Journal(JournalError),
}

impl From<JournalError> for NoOperation {
    fn from(error: JournalError) -> Self {
        Self::Journal(error)
    }
}

impl From<Error> for NoOperation {
    fn from(error: Error) -> Self {
        Self::Failed(FailureKind::Preparation, error)
    }
}

impl Engine<'_> {
    /// Begins a step that no process has begun.
    pub(super) async fn begin(&self, step: &PlannedStep) -> Result<End, JournalError> {
        let attempt = self
            .journal
            .with_state(|state| state.step(&step.name).next_attempt());
        let prepared = match self.operation(step, attempt).await {
            Ok(operation) if self.may_be_done(step, attempt) => Ok(operation),
            Ok(operation) => self
                .destroys_what_was_confirmed(step, &operation)
                .await
                .map(|()| operation),
            Err(why) => Err(why),
        };
        let mut operation = match prepared {
            Ok(operation) => operation,
            Err(NoOperation::Stopped) => return Ok(End::LeftRunning),
            Err(NoOperation::Journal(error)) => return Err(error),
            // What was asked of the provider ended because of the stop: the step is as it was.
            Err(NoOperation::Failed(..)) if self.stop.is_cancelled() => {
                return Ok(End::LeftRunning);
            }
            Err(NoOperation::Failed(kind, error)) => {
                return self.not_begun(&step.name, kind, &error).await;
            }
        };
        let intent = Body::Intent {
            step: step.name.clone(),
            attempt,
            op: operation.id.clone(),
            class: step.class,
            inputs: inputs_digest(&operation),
        };
        operation.token = self.record(intent).await?;
        self.watcher.saw(Event::Started {
            step: &step.name,
            attempt,
        });
        let operator = self.operator(step, operation);
        match self.may_be_done(step, attempt) {
            true => self.find_again(&operator).await,
            false => self.send(&operator, Doubt::None, 0).await,
        }
    }

    /// Takes up a step that an earlier process had begun.
    pub(super) async fn take_up(
        &self,
        step: &PlannedStep,
        open: Attempt,
    ) -> Result<End, JournalError> {
        let mut operation = match self.operation(step, open.number).await {
            Ok(operation) => operation,
            Err(NoOperation::Stopped) => return Ok(End::LeftRunning),
            Err(NoOperation::Journal(error)) => return Err(error),
            Err(NoOperation::Failed(..)) if self.stop.is_cancelled() => {
                return Ok(End::LeftRunning);
            }
            Err(NoOperation::Failed(_, error)) => {
                return self.lost(step, &open, &error.to_string()).await;
            }
        };
        if inputs_digest(&operation) != open.inputs {
            return self
                .lost(step, &open, "its inputs cannot be made again as they were")
                .await;
        }
        operation.id = open.op;
        operation.token = open.token;
        operation.service_name = open.name;
        self.find_again(&self.operator(step, operation)).await
    }

    async fn operation(&self, step: &PlannedStep, attempt: u32) -> Result<Operation, NoOperation> {
        self.provider(&step.action)?;
        self.files_are_as_reviewed(step)?;
        self.points_referred_to(step).await?;
        let point = self.point(step).await?;
        let facts = self.facts(&step.references());
        let mut operation = made(self.registry, step, self.run_id(), attempt, &facts)?;
        operation.point = point;
        if step.asks {
            operation.answer = Some(self.ask(&operation, step).await?);
        }
        let inputs = inputs_digest(&operation);
        operation.id = operation_id(&operation.run, &step.name, attempt, &inputs);
        let earlier = self
            .journal
            .with_state(|state| state.step(&step.name).mark_before(attempt, &inputs));
        operation.mark = earlier.unwrap_or_else(|| operation.id.clone());
        Ok(operation)
    }

    /// Refuses a step whose template or program is another one than the change set was made from.
    fn files_are_as_reviewed(&self, step: &PlannedStep) -> Result<(), Error> {
        match changed_files([step], &self.surroundings.plan_dir).first() {
            None => Ok(()),
            Some(delta) => Err(Error::refused_with(
                format!("it is not what was reviewed: {delta}"),
                "Put the file back as it was and retry the step, or make a new plan.",
            )),
        }
    }

    /// Refuses an operation that would destroy something whose fingerprint nobody typed: what is there may have
    /// changed since the change set was made, and what a template names is known only now.
    pub(super) async fn destroys_what_was_confirmed(
        &self,
        step: &PlannedStep,
        operation: &Operation,
    ) -> Result<(), NoOperation> {
        let is_typed = |fingerprint: &String| {
            self.journal
                .with_state(|state| state.confirmed.contains_key(fingerprint))
        };
        if let Some(destroyed) = (step.confirm.iter()).find(|it| !is_typed(&it.fingerprint)) {
            return Err(unconfirmed(destroyed).into());
        }
        let kind = self.registry.action(&operation.action);
        match kind.map(|kind| kind.destroys) {
            Some(Destroys::Never) | None => return Ok(()),
            Some(Destroys::IfPresent | Destroys::IfPresentWhen(_, _)) => {}
        }
        let provider = self.provider(&operation.action)?;
        let preview = self
            .reading()
            .ask(async |call| provider.preview(operation, &call).await)
            .await?;
        match (preview.destroys.iter()).find(|it| !is_typed(&it.fingerprint)) {
            None => Ok(()),
            Some(destroyed) => Err(unconfirmed(destroyed).into()),
        }
    }

    pub(super) fn reading(&self) -> Reading<'_> {
        Reading {
            registry: self.registry,
            surroundings: self.surroundings,
            scratch: &self.scratch_root,
            stop: &self.stop,
        }
    }

    /// The recovery point of a step, chosen now when the change set could only fix the rule.
    async fn point(&self, step: &PlannedStep) -> Result<Option<ChosenPoint>, NoOperation> {
        let (rule, store) = match (&step.point, &step.store) {
            (PointSource::None, _) => return Ok(None),
            (PointSource::Pinned(point), _) => return Ok(Some(point.clone())),
            (PointSource::Later(rule), Some(store)) => (rule, store),
            (PointSource::Later(_), None) => {
                return Err(
                    Error::refused("a point is to be chosen for a step without a store").into(),
                );
            }
        };
        // Two steps of one store, and one that refers to it, may begin at once: the point is chosen once.
        let _one_at_a_time = self.choosing.lock().await;
        let chosen = |state: &RunState| Some(state.chosen.get(&store.store)?.point.clone());
        if let Some(chosen) = self.journal.with_state(chosen) {
            return Ok(Some(chosen));
        }
        let store = &rendered(self.registry, store, &self.facts(&step.references()))?;
        let points = self.reading().points_of(store).await;
        let points = points.map_err(|unseen| Error::Refused {
            what: unseen.what,
            hint: unseen.hint,
        })?;
        let Chosen { point, reason, .. } =
            choose_later(rule, &points).chosen.map_err(Error::refused)?;
        let body = Body::Chosen {
            store: store.store.clone(),
            step: step.name.clone(),
            point: point.clone(),
            reason,
        };
        self.record(body).await?;
        Ok(Some(point))
    }

    /// Chooses the points that the step's inputs refer to and that no step of their stores has chosen yet: a file
    /// that names a backup is rendered before the step that restores it.
    async fn points_referred_to(&self, step: &PlannedStep) -> Result<(), NoOperation> {
        for name in step.stores_referred_to() {
            let is_of_it = |other: &&PlannedStep| {
                let store = other.store.as_ref().filter(|store| store.store == name);
                store.is_some() && matches!(other.point, PointSource::Later(_))
            };
            if let Some(other) = self.change_set.steps.iter().find(is_of_it) {
                self.point(other).await?;
            }
        }
        Ok(())
    }

    pub(super) fn provider(&self, action: &KindName) -> Result<&dyn Provider, Error> {
        let provider = self.registry.provider(action.provider());
        let provider = provider
            .ok_or_else(|| Error::refused(format!("no provider here performs {action}")))?;
        Ok(provider.as_ref())
    }

    fn operator<'a>(&'a self, step: &'a PlannedStep, operation: Operation) -> Operator<'a> {
        Operator {
            provider: self
                .provider(&step.action)
                .expect("the operation was not made without one"),
            scratch: self.scratch_root.join(operation.mark.as_str()),
            operation,
            step,
            surroundings: self.surroundings,
            journal: self.journal,
            watcher: self.watcher,
            stop: self.stop.clone(),
        }
    }

    /// Records that a step failed before an operation was intended for it.
    pub(super) async fn not_begun(
        &self,
        step: &StepName,
        kind: FailureKind,
        error: &Error,
    ) -> Result<End, JournalError> {
        let body = Body::Failed {
            step: step.clone(),
            op: None,
            kind,
            what: error.to_string(),
            hint: error.hint().map(str::to_owned),
            findings: Vec::new(),
            again: false,
        };
        self.record(body).await?;
        self.watcher.saw(Event::Ended {
            step,
            end: End::Failed,
            why: &error.to_string(),
        });
        Ok(End::Failed)
    }

    async fn lost(
        &self,
        step: &PlannedStep,
        open: &Attempt,
        why: &str,
    ) -> Result<End, JournalError> {
        let body = Body::Unknown {
            step: step.name.clone(),
            op: open.op.clone(),
            why: why.to_owned(),
            under_way: false,
        };
        self.record(body).await?;
        self.watcher.saw(Event::Ended {
            step: &step.name,
            end: End::Unknown,
            why,
        });
        Ok(End::Unknown)
    }
}

/// The operation of a step as these facts make it: without its point, its answer and its id.
pub(super) fn made(
    registry: &Registry,
    step: &PlannedStep,
    run: RunId,
    attempt: u32,
    facts: &Value,
) -> Result<Operation, Error> {
    let kind = registry.action(&step.action);
    let takes = kind.map(|kind| kind.with.clone()).unwrap_or_default();
    let with = template::render_values(&step.with, &takes, facts)
        .map_err(|error| Error::refused(format!("cannot render the inputs: {error}")))?;
    let store = step.store.as_ref();
    let store = store.map(|store| rendered(registry, store, facts));
    Ok(Operation {
        id: OperationId::new(""),
        mark: OperationId::new(""),
        run,
        step: step.name.clone(),
        attempt,
        token: 0,
        action: step.action.clone(),
        with,
        config: step.config.clone(),
        store: store.transpose()?,
        point: None,
        service_name: None,
        answer: None,
    })
}

/// The store as its provider takes it. What is known only after a step stands in a change set as a template.
fn rendered(
    registry: &Registry,
    store: &StoreRequest,
    facts: &Value,
) -> Result<StoreRequest, Error> {
    let kind = registry.store(&store.kind);
    let takes = kind.map(|kind| kind.with.clone()).unwrap_or_default();
    let with = template::render_values(&store.with, &takes, facts).map_err(|error| {
        Error::refused(format!(
            "cannot render the inputs of `{}`: {error}",
            store.store
        ))
    })?;
    Ok(StoreRequest {
        with,
        ..store.clone()
    })
}

/// What the intent pins: everything that the provider is given, apart from ids.
fn inputs_digest(operation: &Operation) -> Digest {
    let Operation {
        action,
        with,
        config,
        store,
        point,
        answer,
        ..
    } = operation;
    Digest::of_value(&(action, with, config, store, point, answer))
}

fn unconfirmed(destroyed: &Destroyed) -> Error {
    Error::refused_with(
        format!(
            "it would destroy {}, which nobody confirmed",
            destroyed.what
        ),
        "Make a new plan, and confirm what it destroys.",
    )
}
