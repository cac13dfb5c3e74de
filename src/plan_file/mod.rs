//! Turns the files of a plan into a [`Document`]: every key and value with its place in its file.
//!
//! Reads TOML with several problems a file, follows `include`, the files of variants and of groups, and
//! enforces limits of size and depth. It does not know what the keys mean, except those that name files.
//! Problems of this and of the next station are collected in [`Problems`] and shown by [`show`].

mod beside;
mod code;
mod document;
mod edit;
mod missing;
mod names;
mod node;
mod problem;
mod recovery;
mod show;
mod source;
mod text;

pub use crate::plan_file::code::Code;
pub use crate::plan_file::document::Document;
pub use crate::plan_file::document::GroupFile;
pub use crate::plan_file::document::VariantFile;
pub use crate::plan_file::document::read;
pub use crate::plan_file::document::read_inputs_file;
pub use crate::plan_file::edit::Edit;
pub use crate::plan_file::edit::Fix;
pub use crate::plan_file::names::NAME_LENGTH_MAX;
pub use crate::plan_file::names::is_deceptive;
pub use crate::plan_file::names::is_name;
pub use crate::plan_file::names::similar;
pub use crate::plan_file::node::Content;
pub use crate::plan_file::node::Entry;
pub use crate::plan_file::node::Node;
pub use crate::plan_file::node::Table;
pub use crate::plan_file::problem::Label;
pub use crate::plan_file::problem::Problem;
pub use crate::plan_file::problem::Problems;
pub use crate::plan_file::problem::Severity;
pub use crate::plan_file::show::Look;
pub use crate::plan_file::show::show;
pub use crate::plan_file::show::visible;
pub use crate::plan_file::source::FileId;
pub use crate::plan_file::source::Place;
pub use crate::plan_file::source::Position;
pub use crate::plan_file::source::SourceFile;
pub use crate::plan_file::source::Sources;
pub use crate::plan_file::text::FILE_MAX_BYTES;
