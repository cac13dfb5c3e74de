//! What can be typed: verbs and their options. The doc comments are the help texts.

use std::path::PathBuf;

use clap::Args;
use clap::Parser;
use clap::Subcommand;
use clap::ValueEnum;
use jiff::Timestamp;

use crate::model::moment;
use crate::plan_file::Code;
use crate::plan_file::similar;

/// Disaster recovery that is planned, rehearsed and proved.
///
/// Exit codes: 0 ok · 1 bug · 2 usage · 3 plan not valid · 4 refused · 5 step failed, run can be resumed
/// · 6 verdict negative · 10 something to do (plan --detailed-exitcode) · 130 interrupted, run can be resumed.
#[derive(Debug, Parser)]
#[command(
    name = "salvor",
    version,
    propagate_version = true,
    max_term_width = 100
)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Write a starter plan for chosen kinds of stores.
    Init(Init),
    /// Make the draft of a plan of a runbook in Markdown, and list what could not be placed.
    Import(Import),
    /// Find everything that is wrong with a plan without contacting anything.
    Check(Check),
    /// List the kinds of stores and actions, or tell all about one.
    Kinds(Kinds),
    /// Show the steps of a scenario in their order.
    Graph(Graph),
    /// Look at the world and show what a recovery would do, from which moment, and what would be lost.
    Plan(Plan),
    /// Do what a plan or a saved change set says.
    Apply(Apply),
    /// Go on with a run, after any crash, from any machine that reaches its state.
    Resume(Resume),
    /// Give a run up: `finally` steps run, nothing else starts.
    Abort(Abort),
    /// Answer the question of a manual step.
    Answer(Answer),
    /// List the runs of a plan's state folder.
    Runs(Runs),
    /// Show a run, or one of its steps.
    Show(Show),
    /// Report a run: what was done, what was proved, what was lost, how long it took.
    Report(Report),
    /// Write a plan down for a person without the tool: every step with the commands that do it.
    Runbook(Runbook),
    /// Try out whether the place of a plan's state does what runs rely on.
    Doctor(Doctor),
    /// Look at a journal itself.
    #[command(subcommand)]
    Journal(JournalVerb),
    /// Print a JSON Schema, for editors and programs.
    Schema {
        /// Of what.
        #[arg(value_enum, default_value_t = SchemaSubject::Plan)]
        subject: SchemaSubject,
    },
    /// Print the completions of a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual page.
    Man,
    /// See the whole story in seconds: a small world, a disaster, a recovery that is killed and resumed.
    Demo,
    /// Stand between salvor and a program, so that both end together. Used by salvor itself.
    #[command(name = crate::cli::guard::GUARD_VERB, hide = true)]
    Guard(Child),
    /// Become another program that dies with its parent. Used by salvor itself.
    #[command(name = crate::cli::guard::BECOME_VERB, hide = true)]
    Become(Child),
    /// End by a signal, as a program did. Used by salvor itself.
    #[command(name = crate::cli::guard::END_VERB, hide = true)]
    End {
        /// The number of the signal.
        signal: i32,
    },
}

/// A program that is to end with the process that started it.
#[derive(Args, Debug)]
pub struct Child {
    /// The id of the process that starts it.
    pub parent: i32,
    /// The program and its arguments.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub arguments: Vec<std::ffi::OsString>,
}

/// Which plan, and with which inputs.
#[derive(Args, Clone, Debug)]
pub struct PlanChoice {
    /// The folder of the plan, or its plan.toml.
    #[arg(default_value = ".")]
    pub plan: PathBuf,
    /// Give an input; may be repeated. Without it: the environment (SALVOR_INPUT_NAME), else --inputs, else the default.
    #[arg(short, long = "input", value_name = "NAME=VALUE")]
    pub inputs: Vec<String>,
    /// A TOML file of inputs; may be repeated, later ones win.
    #[arg(long = "inputs", value_name = "FILE")]
    pub input_files: Vec<PathBuf>,
}

/// Which scenario.
#[derive(Args, Clone, Debug)]
pub struct ScenarioChoice {
    /// The scenario; may be left out when the plan has one.
    #[arg(short, long)]
    pub scenario: Option<String>,
}

/// To which moment.
#[derive(Args, Clone, Debug)]
pub struct GoalChoice {
    /// Recover to this moment, RFC 3339 with its zone: 2026-04-06T03:30+02:00. Left out: the latest.
    #[arg(long, value_name = "TIME", value_parser = parse_time, conflicts_with = "backup")]
    pub at: Option<Timestamp>,
    /// Recover from this backup id.
    #[arg(long, value_name = "ID")]
    pub backup: Option<String>,
    /// Take this recovery point for a store, or the one of this moment; may be repeated.
    #[arg(long = "point", value_name = "STORE=ID|TIME")]
    pub points: Vec<String>,
}

fn parse_time(text: &str) -> Result<Timestamp, String> {
    moment(text).map_err(|unfit| unfit.to_string())
}

/// Arguments of `init`.
#[derive(Args, Debug)]
pub struct Init {
    /// The folder of the new plan; made when it is not there. A plan that is in it is never overwritten.
    pub folder: PathBuf,
    /// A kind of store that the plan recovers, such as postgres.pitr; may be repeated. `salvor kinds` lists them.
    #[arg(long = "store", value_name = "[NAME=]KIND", required = true)]
    pub stores: Vec<String>,
}

/// Arguments of `import`.
#[derive(Args, Debug)]
pub struct Import {
    /// The document.
    pub document: PathBuf,
    /// The folder of the new plan; made when it is not there. A plan that is in it is never overwritten.
    #[arg(long, value_name = "FOLDER")]
    pub out: PathBuf,
}

/// Arguments of `check`.
#[derive(Args, Debug)]
pub struct Check {
    /// Which plan.
    #[command(flatten)]
    pub choice: PlanChoice,
    /// In which form the problems are told.
    #[arg(long, value_enum, default_value_t = CheckForm::Text)]
    pub format: CheckForm,
    /// Warnings with this code end with 3, as errors do; `warnings` means all of them. May be repeated.
    #[arg(long, value_name = "CODE", value_parser = parse_denied)]
    pub deny: Vec<Denied>,
}

/// Warnings that somebody does not want to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    /// All.
    All,
    /// Those with this code.
    Only(Code),
}

fn parse_denied(text: &str) -> Result<Denied, String> {
    if text == "warnings" {
        return Ok(Denied::All);
    }
    let names = Code::ALL.map(|code| code.to_string());
    match names.iter().position(|name| name == text) {
        Some(at) => Ok(Denied::Only(Code::ALL[at])),
        None => Err(match similar(text, names.iter().map(String::as_str)) {
            Some(name) => format!("no problem has this code; did you mean `{name}`?"),
            None => "no problem has this code: it stands in brackets before each".to_owned(),
        }),
    }
}

/// The forms of what `check` found.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum CheckForm {
    /// For people.
    Text,
    /// For a program; `salvor schema check` has its shape.
    Json,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// Workflow commands of GitHub, for the lines of a pull request.
    Github,
}

/// Arguments of `kinds`.
#[derive(Args, Debug)]
pub struct Kinds {
    /// A kind, such as postgres.pitr.
    pub kind: Option<String>,
}

/// Arguments of `graph`.
#[derive(Args, Debug)]
pub struct Graph {
    /// Which plan.
    #[command(flatten)]
    pub choice: PlanChoice,
    /// Which scenario.
    #[command(flatten)]
    pub scenario: ScenarioChoice,
    /// In which form.
    #[arg(long, value_enum, default_value_t = GraphForm::Text)]
    pub format: GraphForm,
}

/// The forms of a graph.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum GraphForm {
    /// Lines for a terminal.
    Text,
    /// Graphviz.
    Dot,
    /// Mermaid, for Markdown.
    Mermaid,
    /// A picture.
    Svg,
}

/// Arguments of `runbook`.
#[derive(Args, Debug)]
pub struct Runbook {
    /// Which plan.
    #[command(flatten)]
    pub choice: PlanChoice,
    /// Which scenario.
    #[command(flatten)]
    pub scenario: ScenarioChoice,
    /// A saved change set of this plan: its inputs, its scenario and the recovery points that it chose.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["inputs", "input_files", "scenario"])]
    pub change_set: Option<PathBuf>,
    /// In which form.
    #[arg(long, value_enum, default_value_t = RunbookForm::Markdown)]
    pub format: RunbookForm,
}

/// The forms of a runbook.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum RunbookForm {
    /// Markdown.
    Markdown,
    /// One HTML page.
    Html,
}

/// Arguments of `plan`.
#[derive(Args, Debug)]
pub struct Plan {
    /// Which plan.
    #[command(flatten)]
    pub choice: PlanChoice,
    /// Which scenario.
    #[command(flatten)]
    pub scenario: ScenarioChoice,
    /// To which moment.
    #[command(flatten)]
    pub goal: GoalChoice,
    /// Save the change set, for `apply`.
    #[arg(short, long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// In which form the change set is shown.
    #[arg(long, value_enum, default_value_t = PlanForm::Text)]
    pub format: PlanForm,
    /// The same as `--format json`.
    #[arg(long, conflicts_with = "format")]
    pub json: bool,
    /// Show what is different from a change set that was saved before, as the one approved last.
    #[arg(long, value_name = "FILE")]
    pub against: Option<PathBuf>,
    /// Exit with 10 when something is to be done, with 0 when not.
    #[arg(long)]
    pub detailed_exitcode: bool,
    /// How long the saved change set may be applied.
    #[arg(long, value_name = "LENGTH", default_value = "24h")]
    pub valid: salvor_contract::Period,
}

/// The forms of a change set.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum PlanForm {
    /// For a terminal.
    Text,
    /// For the pull request in which it is approved.
    Markdown,
    /// For a program, with the problems that keep it from being applied.
    Json,
}

/// Arguments of `apply`.
#[derive(Args, Debug)]
pub struct Apply {
    /// Which plan.
    #[command(flatten)]
    pub choice: PlanChoice,
    /// Which scenario.
    #[command(flatten)]
    pub scenario: ScenarioChoice,
    /// To which moment.
    #[command(flatten)]
    pub goal: GoalChoice,
    /// The plan's folder, when a saved change set is applied that does not lie beside it.
    #[arg(long, value_name = "FOLDER")]
    pub plan_dir: Option<PathBuf>,
    /// A fingerprint of something that is destroyed, instead of typing it; may be repeated.
    #[arg(long = "confirm", value_name = "FINGERPRINT")]
    pub confirmed: Vec<String>,
    /// Begin although nobody knows what became of a step of this run; may be repeated.
    #[arg(long, value_name = "RUN")]
    pub despite: Vec<String>,
    /// Take up what this run of the saved change set did, whose journal is lost: each step is looked for before it is
    /// done. What nobody can tell is unknown, and decided by `salvor resume`. The run is named, as its first line and
    /// each notification did, since the world is not held against the change set any more.
    #[arg(long, value_name = "RUN")]
    pub adopt: Option<String>,
    /// Do not ask anything: what would have to be confirmed must be given by --confirm, and questions of manual
    /// steps are answered by `salvor answer`.
    #[arg(long)]
    pub no_input: bool,
}

/// Which run.
#[derive(Args, Clone, Debug)]
pub struct RunChoice {
    /// The run; the beginning of its id is enough when only one begins so.
    pub run: String,
    /// The folder of the plan whose state has the run.
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    pub plan_dir: PathBuf,
}

/// Arguments of `resume`.
#[derive(Args, Debug)]
pub struct Resume {
    /// Which run.
    #[command(flatten)]
    pub choice: RunChoice,
    /// Try a failed step again; may be repeated.
    #[arg(long, value_name = "STEP")]
    pub retry: Vec<String>,
    /// Decide that a step whose outcome is unknown succeeded; may be repeated.
    #[arg(long, value_name = "STEP")]
    pub succeeded: Vec<String>,
    /// An output of a step that is declared done; may be repeated.
    #[arg(long = "output", value_name = "STEP.NAME=VALUE")]
    pub outputs: Vec<String>,
    /// Why the decision is right; required with --succeeded, and to retry a step whose outcome is unknown.
    #[arg(long, value_name = "TEXT")]
    pub why: Option<String>,
    /// Go on although this newer run has begun to change the environment; may be repeated.
    #[arg(long, value_name = "RUN")]
    pub despite: Vec<String>,
    /// Do not ask anything on the terminal.
    #[arg(long)]
    pub no_input: bool,
}

/// Arguments of `abort`.
#[derive(Args, Debug)]
pub struct Abort {
    /// Which run.
    #[command(flatten)]
    pub choice: RunChoice,
    /// Why.
    #[arg(long, value_name = "TEXT", default_value = "given up by the operator")]
    pub why: String,
    /// Give it up although this final step waits for one whose outcome is unknown, and is not run; may be repeated.
    #[arg(long, value_name = "STEP")]
    pub leave: Vec<String>,
    /// Perform the final steps although this newer run has begun to change the environment; may be repeated.
    #[arg(long, value_name = "RUN")]
    pub despite: Vec<String>,
}

/// Arguments of `answer`.
#[derive(Args, Debug)]
pub struct Answer {
    /// Which run.
    #[command(flatten)]
    pub choice: RunChoice,
    /// The step that asks; left out when only one does.
    pub step: Option<String>,
    /// The words of the answer.
    #[arg(long, value_name = "TEXT")]
    pub text: Option<String>,
    /// A file that is the evidence: its name and digest are recorded.
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// In which role you answer. Left out, the report tells that it was not said.
    #[arg(long)]
    pub role: Option<String>,
}

/// Arguments of `runs`.
#[derive(Args, Debug)]
pub struct Runs {
    /// The folder of the plan.
    #[arg(default_value = ".")]
    pub plan_dir: PathBuf,
    /// Print them as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `show`.
#[derive(Args, Debug)]
pub struct Show {
    /// Which run.
    #[command(flatten)]
    pub choice: RunChoice,
    /// Only this step, with all that is known of it.
    pub step: Option<String>,
}

/// Arguments of `report`.
#[derive(Args, Debug)]
pub struct Report {
    /// Which run.
    #[command(flatten)]
    pub choice: RunChoice,
    /// In which form.
    #[arg(long, value_enum, default_value_t = ReportForm::Text)]
    pub format: ReportForm,
}

/// The forms of a report.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum ReportForm {
    /// For a terminal.
    Text,
    /// For a ticket or a wiki.
    Markdown,
    /// One page with a picture of the course: no network, for a phone, a screen or paper.
    Html,
    /// For a program.
    Json,
}

/// Arguments of `doctor`.
#[derive(Args, Debug)]
pub struct Doctor {
    /// The folder of the plan, or its plan.toml.
    #[arg(default_value = ".")]
    pub plan: PathBuf,
    /// Print what was tried as JSON.
    #[arg(long)]
    pub json: bool,
}

/// What there is a schema of.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum SchemaSubject {
    /// plan.toml.
    Plan,
    /// A file that a plan includes.
    IncludedFile,
    /// The file of one value of a variant.
    VariantFile,
    /// The file of a group.
    GroupFile,
    /// A saved change set, and what `plan --json` prints.
    ChangeSet,
    /// One line of a journal.
    Journal,
    /// What `report --format json` prints.
    Report,
    /// What `check --format json` prints.
    Check,
    /// What `doctor --json` prints.
    Doctor,
}

/// Verbs on a journal.
#[derive(Debug, Subcommand)]
pub enum JournalVerb {
    /// Verify the chain of a run's records.
    Check(JournalCheck),
}

/// Arguments of `journal check`.
#[derive(Args, Debug)]
pub struct JournalCheck {
    /// Which run.
    #[command(flatten)]
    pub choice: RunChoice,
    /// A record that the journal must have: the hash that a report or a log tells, or its first 12 digits or more.
    #[arg(long, value_name = "HASH", value_parser = parse_hash)]
    pub head: Option<String>,
}

fn parse_hash(text: &str) -> Result<String, String> {
    let is_hash = (12..=64).contains(&text.len())
        && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    match is_hash {
        true => Ok(text.to_owned()),
        false => Err("a hash is 12 to 64 of the digits 0 to 9 and a to f".to_owned()),
    }
}
