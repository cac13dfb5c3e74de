//! Texts with `{{ }}` in them: which facts they refer to, and what they say when the facts are known.
//!
//! The syntax is that of handlebars and is read by its parser; references are taken from the parsed
//! template. Rendering is ours, because three things are asked of it that a renderer to text cannot do: a
//! text that is one single expression keeps the type of its value, a secret becomes a composed reference
//! and never a text, and what is not known yet stays a template.
//!
//! There is no logic and no I/O: expressions are paths and the helpers `date`, `default`, `join`, `lookup`
//! and `text`. Blocks, partials and decorators are refused. What a fact says is never rendered again, so a
//! value that holds `{{` stays what it is.

mod evaluate;
mod expression;
mod parse;
mod tree;

pub use crate::template::evaluate::Missing;
pub use crate::template::evaluate::Unknown;
pub use crate::template::expression::Reference;
pub use crate::template::expression::Template;
pub use crate::template::expression::TemplateError;
pub use crate::template::tree::KEY;
pub use crate::template::tree::as_written;
pub use crate::template::tree::is_template;
pub use crate::template::tree::references;
pub use crate::template::tree::render;
pub use crate::template::tree::render_partial;
pub use crate::template::tree::render_values;
pub use crate::template::tree::render_with_placeholders;
pub use crate::template::tree::unrendered;
