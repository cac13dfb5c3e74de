//! Chooses from which recovery point each store is brought back. Pure: the same points and the same question
//! give the same answer, at plan time and during a run.

mod compare;
mod loss;
mod rule;
mod select;
mod sets;
#[cfg(test)]
mod tests;
mod words;

pub use crate::recovery_points::loss::Loss;
pub use crate::recovery_points::rule::Chosen;
pub use crate::recovery_points::rule::Judged;
pub use crate::recovery_points::rule::Rule;
pub use crate::recovery_points::rule::Wanted;
pub use crate::recovery_points::rule::choose;
pub use crate::recovery_points::rule::choose_later;
pub use crate::recovery_points::select::Request;
pub use crate::recovery_points::select::Selected;
pub use crate::recovery_points::select::select;
pub use crate::recovery_points::words::between;
pub use crate::recovery_points::words::length_words;
pub use crate::recovery_points::words::moment_words;
