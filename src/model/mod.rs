//! Turns the written document into a valid plan, and a plan with inputs and a scenario into an [`Instance`].
//!
//! [`read`] collects all that is wrong with a plan, for every value of the inputs that decide what is part
//! of it; nothing is contacted. [`Plan::instance`] chooses a scenario and gives the inputs. Everything after
//! this station works on an [`Instance`]; nothing after it knows the text.

mod check;
mod check_case;
mod check_names;
mod check_posture;
mod choosing;
mod condition;
mod fitting;
mod given;
mod groups;
pub mod inputs;
pub mod instance;
mod instantiate;
pub mod keys;
pub mod members;
mod moment;
pub mod order;
pub mod plan;
mod policy;
pub mod posture;
mod reading;
mod resolution;
mod satisfiable;
mod scope;
mod schedule;
mod sections;
mod shape;
mod shell;
mod state;
mod targets;
mod typed;
mod unfit;
mod unused;

pub use crate::model::condition::Condition;
pub use crate::model::inputs::GivenInputs;
pub use crate::model::inputs::environment_name;
pub use crate::model::instance::Instance;
pub use crate::model::moment::moment;
pub use crate::model::plan::Drill;
pub use crate::model::plan::Plan;
pub use crate::model::reading::CheckText;
pub use crate::model::reading::Counts;
pub use crate::model::reading::Reading;
pub use crate::model::reading::read;
pub use crate::model::reading::state_settings;
pub use crate::model::shell::needs_a_shell;
pub use crate::model::state::StateDeclaration;
pub use crate::model::state::StateSettings;
