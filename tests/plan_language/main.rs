//! The plan language, from the text of a plan to an instance of it, and what is said of broken plans.

mod broken;
mod documentation;
mod forms;
mod hostile;
mod instances;
mod literal;
mod mutations;
mod parts;
mod plans;
mod provider;
mod telling;
mod transcript;
