//! Where a plan keeps its state: `state`, a folder or the address of a shared store with its configuration.
//!
//! A run is found by its plan alone, without inputs and whatever else is wrong with the plan. So nothing here is a
//! template, and the configuration stands beside the address and not in `[providers]`, which may take inputs.

use salvor_contract::Values;

use crate::model::check_case::CaseCheck;
use crate::model::sections::literal;
use crate::model::typed::Moment;
use crate::plan_file::Code;
use crate::plan_file::Content;
use crate::plan_file::Node;
use crate::plan_file::Problem;
use crate::plan_file::Problems;
use crate::plan_file::Table;

/// Where state is kept when the plan does not say it.
const DEFAULT: &str = ".salvor";

/// Where the state is.
#[derive(Clone, Debug, PartialEq)]
pub struct StateSettings {
    /// A folder, below the plan's when it is relative; or an address.
    pub at: String,
    /// The configuration of the store at an address; secrets as references.
    pub with: Values,
}

/// `state` of a plan.
#[derive(Clone, Debug)]
pub struct StateDeclaration {
    /// What it says, as far as it can be understood.
    pub settings: StateSettings,
    /// How it is written.
    pub written: Option<Node>,
}

impl StateSettings {
    /// True for the address of a shared store, false for a folder.
    pub fn is_address(&self) -> bool {
        self.at.contains("://")
    }
}

impl StateDeclaration {
    /// What the top of a plan says.
    pub(super) fn of(root: &Table) -> Self {
        let written = root.get("state").cloned();
        let (at, with) = written.as_ref().map_or((None, None), parts);
        let with = with.and_then(Node::table).into_iter();
        let mut values = Values::new();
        for entry in with.flat_map(|table| &table.entries) {
            // What is no value is told by the check.
            values.set(&entry.key, literal(&entry.value, &mut Problems::default()));
        }
        let settings = StateSettings {
            at: at.and_then(Node::text).unwrap_or(DEFAULT).to_owned(),
            with: values,
        };
        Self { settings, written }
    }
}

/// The address and the configuration.
fn parts(written: &Node) -> (Option<&Node>, Option<&Node>) {
    match written.table() {
        Some(table) => (table.get("at"), table.get("with")),
        None => (Some(written), None),
    }
}

impl CaseCheck<'_, '_, '_> {
    /// Adds what is wrong with `state`: an address that no provider of this build knows, and its configuration.
    pub(super) fn state(&self, problems: &mut Problems) {
        let plan = self.judged.resolution.plan;
        let Some(written) = &plan.state.written else {
            return;
        };
        let (Some(at), with) = parts(written) else {
            return;
        };
        if written.text().is_some() && refuse_templates(Some(at), problems) {
            return;
        }
        if !plan.state.settings.is_address() {
            if let Some(with) = with {
                problems.push(
                    Problem::error(Code::BadValue, "a folder takes no configuration")
                        .at(with.at, "of a store at an address")
                        .help("leave `with` out, or write the address of a store in `at`"),
                );
            }
            return;
        }
        let address = plan.state.settings.at.as_str();
        let mut kept = plan.registry.iter().filter_map(|provider| {
            let judged = provider.keeps_state(address)?;
            Some((provider, judged))
        });
        match kept.next() {
            None => problems.push(
                Problem::error(
                    Code::BadValue,
                    "no provider of this build keeps state there",
                )
                .at(at.at, "not an address that is known")
                .help("name a folder, or a prefix of an object store: s3://bucket/prefix"),
            ),
            Some((_, Err(refused))) => problems.push(
                Problem::error(Code::BadValue, refused.to_string())
                    .at(at.at, "no state can be kept here")
                    .help(refused.hint().unwrap_or("write another address").to_owned()),
            ),
            Some((provider, Ok(()))) => {
                let nothing = Table::default();
                let table = with.and_then(Node::table).unwrap_or(&nothing);
                if refuse_templates(with, problems) {
                    return;
                }
                let config = &provider.description().config;
                self.builder
                    .typing("`state`", Moment::BeforeRun)
                    .fields(table, config, written.at, problems);
            }
        }
    }
}

/// Refuses what would have to be rendered; true when there was any.
fn refuse_templates(with: Option<&Node>, problems: &mut Problems) -> bool {
    let mut found = false;
    let mut open: Vec<&Node> = with.into_iter().collect();
    while let Some(node) = open.pop() {
        match &node.content {
            Content::Text(text) if text.contains("{{") => {
                found = true;
                problems.push(
                    Problem::error(Code::BadValue, "`state` takes no template")
                        .at(node.at, "a run is found again without inputs")
                        .help("write the value itself; a secret as env:NAME or file:/path"),
                );
            }
            Content::Table(table) => open.extend(table.entries.iter().map(|entry| &entry.value)),
            Content::List(list) => open.extend(list),
            Content::Text(_)
            | Content::Integer(_)
            | Content::Float(_)
            | Content::Boolean(_)
            | Content::Time(_) => {}
        }
    }
    found
}
