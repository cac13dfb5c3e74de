//! One operation to be checked, and how its world is counted and put back.

use std::time::Duration;

use salvor_contract::Class;
use salvor_contract::KindName;
use salvor_contract::Operation;
use salvor_contract::OperationId;
use salvor_contract::Provider;
use salvor_contract::RunId;
use salvor_contract::StepName;
use salvor_contract::StoreName;
use salvor_contract::StoreRequest;
use salvor_contract::Values;

/// An operation together with its world.
///
/// `count` tells how often the effect has happened since the last `reset`. For the class `Convergent`,
/// whose calls may be repeated, count states that were reached, not calls that were made.
pub struct Case<'a, Count, Reset> {
    pub(crate) operation: Operation,
    pub(crate) count: Count,
    pub(crate) reset: Reset,
    pub(crate) effects: Option<u64>,
    pub(crate) class: Option<Class>,
    pub(crate) varying: Vec<String>,
    pub(crate) second: Option<&'a dyn Provider>,
    pub(crate) cuts: usize,
    pub(crate) patience: Duration,
    pub(crate) prompt: Duration,
    pub(crate) shared_target: bool,
    pub(crate) late_success: bool,
    pub(crate) settle: Option<Duration>,
}

impl<'a, Count, Reset> Case<'a, Count, Reset>
where
    Count: AsyncFn() -> u64,
    Reset: AsyncFn(),
{
    /// A case with the usual expectations: one effect (none for class `Read`), the class that the kind
    /// declares, 24 cuts at most, 5 minutes of the runtime's time for each call.
    pub fn new(operation: Operation, count: Count, reset: Reset) -> Self {
        Self {
            operation,
            count,
            reset,
            effects: None,
            class: None,
            varying: Vec::new(),
            second: None,
            cuts: 24,
            patience: Duration::from_secs(300),
            prompt: Duration::from_secs(20),
            shared_target: false,
            late_success: false,
            settle: None,
        }
    }

    /// Expects `count` to give this number after one whole operation.
    #[must_use]
    pub fn with_effects(mut self, effects: u64) -> Self {
        self.effects = Some(effects);
        self
    }

    /// Checks by this class, not by the declared one.
    #[must_use]
    pub fn of_class(mut self, class: Class) -> Self {
        self.class = Some(class);
        self
    }

    /// Lets this output differ between two calls of the same operation.
    #[must_use]
    pub fn output_varies(mut self, name: &str) -> Self {
        self.varying.push(name.to_owned());
        self
    }

    /// Makes the calls after an interruption on this other instance, which stands for the process that
    /// resumes: so state that only the first one held is missed.
    #[must_use]
    pub fn resumed_by(mut self, second: &'a dyn Provider) -> Self {
        self.second = Some(second);
        self
    }

    /// Cuts the operation off at this many of its awaits at most, evenly spread.
    #[must_use]
    pub fn cut_at_most(mut self, cuts: usize) -> Self {
        self.cuts = cuts;
        self
    }

    /// Gives each call this much of the runtime's time before it counts as hanging.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Waits only this long before a probe after an interruption, in place of the kind's settle window: for
    /// servers of which the test knows that they answer by then.
    #[must_use]
    pub fn settling_within(mut self, settle: Duration) -> Self {
        self.settle = Some(settle);
        self
    }

    /// Two operations may work on the same target one after the other: no conflict is demanded.
    #[must_use]
    pub fn on_a_shared_target(mut self) -> Self {
        self.shared_target = true;
        self
    }

    /// The operation waits for nothing, so it may succeed although its deadline has passed.
    #[must_use]
    pub fn may_succeed_late(mut self) -> Self {
        self.late_success = true;
        self
    }
}

/// An operation of this action with these inputs and ids that fit into any service's names.
pub fn operation(action: &str, with: Values) -> Operation {
    Operation {
        id: OperationId::from("a2345678bcdefghijklmnopqrs"),
        mark: OperationId::from("a2345678bcdefghijklmnopqrs"),
        run: RunId::from("r7kq4m"),
        step: StepName::from("step"),
        attempt: 1,
        token: 17,
        action: KindName::from(action),
        with,
        config: Values::new(),
        store: None,
        point: None,
        service_name: None,
        answer: None,
    }
}

/// A store of this kind with these inputs.
pub fn store(kind: &str, with: Values) -> StoreRequest {
    StoreRequest {
        store: StoreName::from("store"),
        kind: KindName::from(kind),
        with,
        config: Values::new(),
    }
}

/// The same work asked for by another run: another id, another run, a later token.
pub(crate) fn stranger(operation: &Operation) -> Operation {
    Operation {
        id: OperationId::from("z2345678bcdefghijklmnopqrs"),
        mark: OperationId::from("z2345678bcdefghijklmnopqrs"),
        run: RunId::from("r0ther"),
        token: operation.token + 1000,
        ..operation.clone()
    }
}

/// The step tried again after this operation failed: another id, a later token, the mark that it had.
pub(crate) fn next_attempt(operation: &Operation) -> Operation {
    Operation {
        id: OperationId::from("n2345678bcdefghijklmnopqrs"),
        attempt: operation.attempt + 1,
        token: operation.token + 100,
        service_name: None,
        ..operation.clone()
    }
}
