//! From the text of a plan and a simulated world to the change set that `plan` shows and `apply` performs.

#[path = "planning/calabi.rs"]
mod calabi;
#[path = "planning/guards.rs"]
mod guards;
#[path = "planning/holding.rs"]
mod holding;
#[path = "planning/setting.rs"]
mod setting;
