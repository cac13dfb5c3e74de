//! Reads the sections of a document into a [`Plan`](crate::model::Plan). Shapes were checked by `shape`: what is
//! missing or ill-typed here was reported there and is passed over.

mod inputs;
mod nodes;
mod rules;
mod steps;
mod stores;

pub use crate::model::sections::inputs::bad_value;
pub use crate::model::sections::inputs::inputs;
pub use crate::model::sections::inputs::literal;
pub use crate::model::sections::inputs::tables;
pub use crate::model::sections::nodes::named;
pub use crate::model::sections::rules::drills;
pub use crate::model::sections::rules::invariants;
pub use crate::model::sections::rules::limited;
pub use crate::model::sections::rules::limits;
pub use crate::model::sections::rules::notify;
pub use crate::model::sections::rules::policies;
pub use crate::model::sections::rules::scenarios;
pub use crate::model::sections::rules::sets;
pub use crate::model::sections::rules::variants;
pub use crate::model::sections::steps::steps;
pub use crate::model::sections::stores::stores;
