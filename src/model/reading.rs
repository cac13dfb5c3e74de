//! Reads a plan from its files: document, shapes, sections, checks.

use std::path::Path;

use crate::model::groups;
use crate::model::keys;
use crate::model::plan::Named;
use crate::model::plan::Only;
use crate::model::plan::Plan;
use crate::model::plan::ProviderConfig;
use crate::model::plan::StepDeclaration;
use crate::model::plan::StoreDeclaration;
use crate::model::plan::Variant;
use crate::model::plan::VariantPart;
use crate::model::sections;
use crate::model::shape::check_table;
use crate::model::state::StateDeclaration;
use crate::model::state::StateSettings;
use crate::plan_file::Code;
use crate::plan_file::Content;
use crate::plan_file::Document;
use crate::plan_file::Look;
use crate::plan_file::Problem;
use crate::plan_file::Problems;
use crate::plan_file::Sources;
use crate::plan_file::Table;
use crate::plan_file::read as read_document;
use crate::plan_file::show;
use crate::registry::Registry;

/// What came of reading a plan.
pub struct Reading {
    /// The plan, when it holds no errors.
    pub plan: Option<Plan>,
    /// All that is wrong or doubtful, in the order of the text.
    pub problems: Problems,
    /// The files, to show the problems in.
    pub sources: Sources,
    /// How much was checked.
    pub counts: Counts,
}

/// How much was checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Files.
    pub files: usize,
    /// Steps.
    pub steps: usize,
    /// Stores.
    pub stores: usize,
    /// Scenarios.
    pub scenarios: usize,
}

/// What `check` prints.
pub struct CheckText {
    /// The problems as text.
    pub text: String,
    /// The last line, without the time that it took: `plans/calabi: 2 errors, 1 warning`.
    pub verdict: String,
    /// What was checked: `17 steps, 9 stores, 6 scenarios`.
    pub checked: String,
    /// How many errors there are.
    pub errors: usize,
    /// How many warnings there are.
    pub warnings: usize,
}

impl Reading {
    /// What `check` prints of it. `shown` is the plan as it was named.
    pub fn report(&self, shown: &str, look: Look) -> CheckText {
        let count = |number: usize, one: &str| match number {
            1 => format!("1 {one}"),
            _ => format!("{number} {one}s"),
        };
        let (errors, warnings) = (self.problems.errors(), self.problems.warnings());
        let found = match (errors, warnings) {
            (0, 0) => "no problems".to_owned(),
            (_, 0) => count(errors, "error"),
            (0, _) => count(warnings, "warning"),
            (_, _) => format!("{}, {}", count(errors, "error"), count(warnings, "warning")),
        };
        let counts = self.counts;
        CheckText {
            text: show(&self.problems, &self.sources, look),
            verdict: format!("{shown}: {found}"),
            checked: format!(
                "{}, {}, {}",
                count(counts.steps, "step"),
                count(counts.stores, "store"),
                count(counts.scenarios, "scenario"),
            ),
            errors,
            warnings,
        }
    }
}

/// Where a plan keeps its state. The plan itself is neither understood nor checked: whoever only looks at its runs needs
/// nothing else of it, and one that is broken now still has them.
pub fn state_settings(path: &Path) -> StateSettings {
    let (document, _) = read_document(path);
    StateDeclaration::of(&document.root).settings
}

/// Reads a plan: a folder with `plan.toml`, or that file. Contacts nothing.
pub fn read(path: &Path, registry: &Registry) -> Reading {
    let (mut document, mut problems) = read_document(path);
    // An empty file is a plan that lacks everything, and is told so.
    let is_there = !document.root.entries.is_empty() || problems.errors() == 0;
    let is_newer = is_there && refuse_newer(&document, &mut problems);
    if !is_there || is_newer {
        return Reading {
            plan: None,
            problems: problems.sorted(),
            counts: Counts {
                files: document.sources.len(),
                ..Counts::default()
            },
            sources: document.sources,
        };
    }
    check_shapes(&document, &mut problems);
    let groups = document.group_files();
    groups::expand(&mut document, &mut problems);
    let plan = plan_of(document, registry, &mut problems);
    let counts = Counts {
        files: plan.sources.len(),
        steps: plan.steps.len(),
        stores: plan.stores.len(),
        scenarios: plan.scenarios.len(),
    };
    plan.check(&mut problems);
    let is_valid = problems.errors() == 0;
    let problems = match plan.is_whole {
        true => problems,
        false => problems.without_what_is_unread(),
    };
    let problems = problems
        .without_consequences()
        .without_edits_of(&groups)
        .without_repeats(&plan.sources)
        .sorted();
    Reading {
        sources: plan.sources.clone(),
        plan: is_valid.then_some(plan),
        problems,
        counts,
    }
}

fn refuse_newer(document: &Document, problems: &mut Problems) -> bool {
    let Some(node) = document.root.get("format") else {
        return false;
    };
    match node.content {
        Content::Integer(format) if format != keys::FORMAT => {
            problems.push(
                Problem::error(Code::NewerFormat, format!("format {format} is not known"))
                    .at(
                        node.at,
                        format!("this version reads format {}", keys::FORMAT),
                    )
                    .help("use a version of salvor that knows it"),
            );
            true
        }
        Content::Integer(_)
        | Content::Text(_)
        | Content::Float(_)
        | Content::Boolean(_)
        | Content::Time(_)
        | Content::List(_)
        | Content::Table(_) => false,
    }
}

fn check_shapes(document: &Document, problems: &mut Problems) {
    check_table(&document.root, keys::ROOT, "a plan", None, problems);
    for file in &document.variants {
        let owner = format!("variant `{}`", file.variant);
        check_table(
            &file.table,
            keys::VARIANT_FILE,
            &owner,
            Some(file.value_at),
            problems,
        );
    }
    for file in &document.groups {
        let owner = format!("group `{}`", file.group);
        check_table(
            &file.table,
            keys::GROUP_FILE,
            &owner,
            Some(file.group_at),
            problems,
        );
    }
}

fn plan_of(document: Document, registry: &Registry, problems: &mut Problems) -> Plan {
    let root = &document.root;
    let sources = &document.sources;
    let mut stores = sections::stores(root, None, sources, problems);
    let mut steps = sections::steps(root, None, sources, problems);
    let mut variants = sections::variants(root);
    for file in &document.variants {
        let Some(variant) = variants.iter_mut().find(|v| v.name.name == file.variant) else {
            continue;
        };
        let only = Only {
            variant: file.variant.clone(),
            input: variant.by.name.clone(),
            value: file.value.clone(),
        };
        stores.extend(sections::stores(
            &file.table,
            Some(&only),
            sources,
            problems,
        ));
        steps.extend(sections::steps(&file.table, Some(&only), sources, problems));
        let part = VariantPart {
            at: file.value_at,
            offers: file.table.table("offers").cloned().unwrap_or_default(),
        };
        variant.files.insert(file.value.clone(), part);
    }
    let plan = root.table("plan").cloned().unwrap_or_default();
    let text = |key: &str| plan.text(key).unwrap_or_default().to_owned();
    refuse_duplicates(&steps, &stores, &variants, problems);
    Plan {
        name: text("name"),
        title: text("title"),
        dir: sources.dir.clone(),
        registry: registry.clone(),
        state: StateDeclaration::of(root),
        inputs: sections::inputs(root, problems),
        tables: sections::tables(root, problems),
        providers: providers(root),
        stores,
        steps,
        variants,
        sets: sections::sets(root),
        scenarios: sections::scenarios(root),
        invariants: sections::invariants(root, problems),
        policies: sections::policies(root, problems),
        drills: sections::drills(root),
        notify: sections::notify(root),
        limits: sections::limits(root, problems),
        limited: sections::limited(root),
        is_whole: document.is_whole,
        sources: document.sources,
    }
}

fn providers(root: &Table) -> Vec<ProviderConfig> {
    sections::named(root, "providers")
        .map(|(entry, table)| ProviderConfig {
            provider: Named {
                name: entry.key.clone(),
                at: entry.key_at,
            },
            with: table.clone(),
        })
        .collect()
}

/// A step or store of the plan and one of a variant cannot have one name: the variant's would be hidden.
fn refuse_duplicates(
    steps: &[StepDeclaration],
    stores: &[StoreDeclaration],
    variants: &[Variant],
    problems: &mut Problems,
) {
    let same = |a: &Option<Only>, b: &Option<Only>| match (a, b) {
        (Some(a), Some(b)) => a.variant != b.variant || a.value == b.value,
        (_, _) => true,
    };
    let mut report = |what: &str, first: &Named, again: &Named| {
        problems.push(
            Problem::error(
                Code::Duplicate,
                format!("{what} `{}` is defined twice", again.name),
            )
            .at(again.at, "again here")
            .and_at(first.at, "first here")
            .help("give one of them another name, or take it out"),
        );
    };
    let mut by_name: std::collections::BTreeMap<&str, Vec<&StepDeclaration>> =
        std::collections::BTreeMap::new();
    for step in steps {
        let known = by_name.entry(&step.name.name).or_default();
        if let Some(first) = known.iter().find(|first| same(&first.only, &step.only)) {
            report("step", &first.name, &step.name);
        }
        known.push(step);
    }
    for (index, store) in stores.iter().enumerate() {
        let first = stores[..index]
            .iter()
            .find(|first| first.name.name == store.name.name && same(&first.only, &store.only));
        if let Some(first) = first {
            report("store", &first.name, &store.name);
        }
    }
    for variant in variants {
        if ["inputs", "tables", "steps", "stores", "sets", "run"]
            .contains(&variant.name.name.as_str())
        {
            problems.push(
                Problem::error(
                    Code::BadName,
                    format!("a variant cannot be named `{}`", variant.name.name),
                )
                .at(
                    variant.name.at,
                    "templates use this name for something else",
                )
                .help("give it another name"),
            );
        }
    }
}
