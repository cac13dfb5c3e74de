//! Which steps of a plan make up a run, and in which order: the graph of one scenario.
//!
//! It knows names and edges only. What a step does, how long it takes and what it is called is given to the
//! functions that need it.

mod dot;
mod layout;
mod mermaid;
mod order;
mod paths;
mod picture;
#[cfg(test)]
pub(crate) mod samples;
mod svg;
#[cfg(test)]
mod tests;
mod text;

pub use crate::graph::dot::dot;
pub use crate::graph::mermaid::mermaid;
pub use crate::graph::order::Graph;
pub use crate::graph::order::GraphError;
pub use crate::graph::paths::CriticalPath;
pub use crate::graph::picture::Picture;
pub use crate::graph::picture::PictureEdge;
pub use crate::graph::picture::PictureStep;
pub use crate::graph::svg::svg;
pub use crate::graph::text::text;
