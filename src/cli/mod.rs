//! The command line: the only place that prints, reads the environment and asks for the time.

pub mod arguments;
mod confirm;
pub mod exit;
mod guard;
mod load;
mod others;
mod output;
mod part;
mod people;
mod planning;
mod refusal;
mod screen;
pub mod surroundings;
mod verbs;
mod watch;

use std::cell::LazyCell;
use std::path::Path;
use std::path::PathBuf;

use clap::CommandFactory as _;
use clap::Parser as _;

use crate::builtin_providers::registry;
use crate::cli::arguments::Arguments;
use crate::cli::arguments::JournalVerb;
use crate::cli::arguments::Verb;
use crate::cli::exit::Exit;

/// Runs the command that the process was started with, and says how it ended.
pub fn main() -> Exit {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let is_help = !error.use_stderr();
            // Help that nobody reads any more is no error.
            let _ = error.print();
            return if is_help { Exit::Ok } else { Exit::Usage };
        }
    };
    let exit = run(arguments.verb).unwrap_or_else(|error| {
        let (exit, hint) = refusal::judge(&error);
        output::progress(&format!("error: {error:#}"));
        if let Some(hint) = hint {
            output::progress(&format!("   = help: {hint}"));
        }
        exit
    });
    match (exit, output::lost()) {
        (Exit::Ok | Exit::Changes, Some(error)) => {
            output::progress(&format!("error: the result was not written: {error}"));
            Exit::Bug
        }
        (exit, _) => exit,
    }
}

fn run(verb: Verb) -> anyhow::Result<Exit> {
    let runtime = || {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
    };
    // Made when a verb first asks for it: what stands between salvor and each program that it runs does not.
    let registry = LazyCell::new(registry);
    let around = |path: &Path| surroundings::real(absolute(&load::folder_of(path)));
    match verb {
        Verb::Init(init) => verbs::init::init(&init, &registry),
        Verb::Import(import) => verbs::import::import(&import),
        Verb::Check(check) => verbs::check::check(&check, &registry, &around(&check.choice.plan)),
        Verb::Kinds(kinds) => verbs::kinds::kinds(&kinds, &registry),
        Verb::Graph(graph) => verbs::graph::graph(&graph, &registry),
        Verb::Plan(plan) => runtime()?.block_on(verbs::plan::plan(
            &plan,
            &registry,
            &around(&plan.choice.plan),
        )),
        Verb::Apply(apply) => {
            let folder = apply.plan_dir.as_ref().unwrap_or(&apply.choice.plan);
            runtime()?.block_on(verbs::apply::apply(&apply, &registry, &around(folder)))
        }
        Verb::Resume(resume) => {
            let around = around(&resume.choice.plan_dir);
            runtime()?.block_on(verbs::resume::resume(&resume, &registry, &around))
        }
        Verb::Abort(abort) => {
            let around = around(&abort.choice.plan_dir);
            runtime()?.block_on(verbs::resume::abort(&abort, &registry, &around))
        }
        Verb::Answer(answer) => {
            let around = around(&answer.choice.plan_dir);
            runtime()?.block_on(verbs::answer::answer(&answer, &registry, &around))
        }
        Verb::Runs(runs) => {
            let around = around(&runs.plan_dir);
            runtime()?.block_on(verbs::runs::runs(&runs, &registry, &around))
        }
        Verb::Show(show) => {
            let around = around(&show.choice.plan_dir);
            runtime()?.block_on(verbs::runs::show(&show, &registry, &around))
        }
        Verb::Report(report) => {
            let around = around(&report.choice.plan_dir);
            runtime()?.block_on(verbs::runs::report(&report, &registry, &around))
        }
        Verb::Doctor(doctor) => {
            let around = around(&doctor.plan);
            runtime()?.block_on(verbs::doctor::doctor(&doctor, &registry, &around))
        }
        Verb::Runbook(runbook) => verbs::runbook::runbook(&runbook, &registry),
        Verb::Journal(JournalVerb::Check(arguments)) => {
            let around = around(&arguments.choice.plan_dir);
            runtime()?.block_on(verbs::journal::check(&arguments, &registry, &around))
        }
        Verb::Schema { subject } => verbs::schema::print(subject, &registry),
        Verb::Completions { shell } => {
            // Into memory first: the generator does not survive a reader that goes away.
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "salvor", &mut script);
            output::result_text(&String::from_utf8_lossy(&script));
            Ok(Exit::Ok)
        }
        Verb::Man => {
            let mut page = Vec::new();
            clap_mangen::Man::new(Arguments::command()).render(&mut page)?;
            output::result_text(&String::from_utf8_lossy(&page));
            Ok(Exit::Ok)
        }
        Verb::Demo => runtime()?.block_on(verbs::demo::demo(&around(Path::new(".")))),
        Verb::Guard(child) => guard::guard(&child).map_err(unstarted),
        Verb::Become(child) => Err(unstarted(guard::become_program(&child))),
        Verb::End { signal } => Err(unstarted(guard::end_by(signal))),
    }
}

fn unstarted(error: std::io::Error) -> anyhow::Error {
    anyhow::Error::from(error).context("the program cannot be started")
}

/// The folder as seen from the root, so that what is stored in a run means the same from anywhere.
fn absolute(folder: &Path) -> PathBuf {
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned())
}
