//! What a provider tells and does: the words that the core and every provider share.
//!
//! A provider is a value of type [`Provider`]. What can be said as data stands in its
//! [`Description`]: the kinds of stores and actions, the types of their inputs and outputs, what
//! they read and write, how an interrupted call is found again, the commands a person would type.
//! The planner, the schema, the runbook and the drill guard read that data, so each is written
//! once. What must be done is a method: surveys and previews only read, `perform` does one
//! operation, `probe` finds it again.
//!
//! This crate depends on none of ours. It prints nothing, reads no environment and no clock.

pub mod call;
mod command;
pub mod error;
pub mod fields;
pub mod identity;
pub mod input_refusal;
pub mod kind;
pub mod names;
pub mod operation;
pub mod outcome;
pub mod point;
pub mod preview;
pub mod provider;
pub mod quantity;
pub mod secret;
pub mod shared;
pub mod trap;
pub mod values;

pub use crate::call::Call;
pub use crate::call::Clock;
pub use crate::call::Launcher;
pub use crate::call::Progress;
pub use crate::call::Secrets;
pub use crate::call::Unit;
pub use crate::call::Update;
pub use crate::error::Error;
pub use crate::fields::Field;
pub use crate::fields::Fields;
pub use crate::fields::Type;
pub use crate::identity::Identity;
pub use crate::identity::IdentityTemplate;
pub use crate::input_refusal::InputRefusal;
pub use crate::kind::ActionKind;
pub use crate::kind::Class;
pub use crate::kind::Description;
pub use crate::kind::Destroys;
pub use crate::kind::Effect;
pub use crate::kind::FileInput;
pub use crate::kind::Idempotency;
pub use crate::kind::Isolation;
pub use crate::kind::Output;
pub use crate::kind::Permission;
pub use crate::kind::StoreKind;
pub use crate::names::KindName;
pub use crate::names::OperationId;
pub use crate::names::PointId;
pub use crate::names::RunId;
pub use crate::names::StepName;
pub use crate::names::StoreName;
pub use crate::operation::Answer;
pub use crate::operation::ChosenPoint;
pub use crate::operation::Operation;
pub use crate::operation::StoreRequest;
pub use crate::outcome::Finding;
pub use crate::outcome::Judgement;
pub use crate::outcome::Outcome;
pub use crate::outcome::Probe;
pub use crate::outcome::Removal;
pub use crate::point::PointState;
pub use crate::point::Reach;
pub use crate::point::RecoveryPoint;
pub use crate::point::Survey;
pub use crate::preview::Counts;
pub use crate::preview::Destroyed;
pub use crate::preview::PROGRAM_FACTS;
pub use crate::preview::Preview;
pub use crate::preview::TextChange;
pub use crate::provider::Provider;
pub use crate::quantity::Period;
pub use crate::quantity::Size;
pub use crate::secret::Secret;
pub use crate::secret::SecretReference;
pub use crate::shared::SharedError;
pub use crate::shared::SharedStore;
pub use crate::shared::StoredObject;
pub use crate::shared::VersionTag;
pub use crate::trap::Afterwards;
pub use crate::trap::CommandLine;
pub use crate::trap::Condition;
pub use crate::trap::Judged;
pub use crate::trap::Trap;
pub use crate::trap::Word;
pub use crate::values::Values;
