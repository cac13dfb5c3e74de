//! Turns runs and change sets into text for people and JSON for programs. Pure: it prints nothing.

mod change_set_markdown;
mod change_set_text;
mod check_forms;
mod check_report;
mod ending;
mod html;
mod layout;
mod objectives;
mod problems;
mod run_report;
mod runbook;
mod runs;
mod since;
mod wanted_answer;

pub use crate::report::change_set_markdown::change_set_markdown;
pub use crate::report::change_set_text::Look;
pub use crate::report::change_set_text::change_set_text;
pub use crate::report::check_forms::check_github;
pub use crate::report::check_forms::check_sarif;
pub use crate::report::check_report::CheckReport;
pub use crate::report::ending::ending;
pub use crate::report::ending::headline;
pub use crate::report::ending::left_undone;
pub use crate::report::ending::taken_up;
pub use crate::report::run_report::Report;
pub use crate::report::runbook::Runbook;
pub use crate::report::runbook::RunbookError;
pub use crate::report::runbook::runbook_html;
pub use crate::report::runbook::runbook_markdown;
pub use crate::report::runs::run_text;
pub use crate::report::runs::runs_json;
pub use crate::report::runs::runs_text;
pub use crate::report::runs::step_text;
pub use crate::report::since::since;
pub use crate::report::since::since_markdown;
pub use crate::report::since::since_text;
