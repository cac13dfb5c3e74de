//! Plans: from the text to the graph of each scenario, and all that is drawn and told of them.

use std::collections::BTreeMap;

use salvor::graph::Graph;
use salvor::graph::Picture;
use salvor::graph::dot;
use salvor::graph::mermaid;
use salvor::graph::svg;
use salvor::graph::text;
use salvor::model::GivenInputs;
use salvor::model::Plan;
use salvor::model::inputs::Input;
use salvor::model::inputs::InputType;
use salvor::model::read;
use salvor::plan_file::Look;
use salvor::plan_file::show;
use salvor::report::CheckReport;
use salvor::report::Runbook;
use salvor::report::check_github;
use salvor::report::check_sarif;
use salvor::report::runbook_html;
use salvor::report::runbook_markdown;

use super::Bound;
use super::Target;
use super::registry;
use super::unpack;

/// Plans.
pub const TARGET: Target = Target {
    name: "plan",
    check,
    besides: &["plans", "tests/broken-plans", "tests/literal-documents"],
    words: &[
        "[",
        "]",
        "[[",
        "]]",
        "=",
        ".",
        ",",
        "{",
        "}",
        "\"",
        "'",
        "\"\"\"",
        "'''",
        "#",
        "\n",
        "\\",
        "\\u0000",
        "true",
        "1979-05-27T07:32:00Z",
        "inf",
        "nan",
        "format = 1\n",
        "include = [\"a.toml\"]\n",
        "[plan]\n",
        "[inputs]\n",
        "[stores.a]\n",
        "[steps.a]\n",
        "[steps.b]\n",
        "[scenarios.a]\n",
        "[variants.a]\n",
        "[groups.a]\n",
        "[sets.a]\n",
        "[tables.a]\n",
        "[drills.a]\n",
        "[[invariants]]\n",
        "[[notify]]\n",
        "[limits]\n",
        "[providers.simulated]\n",
        "name = \"a\"\n",
        "title = \"A\"\n",
        "kind = \"simulated.database\"\n",
        "kind = \"manual\"\n",
        "uses = \"manual\"\n",
        "uses = \"exec\"\n",
        "restore = \"a\"\n",
        "verify = \"a\"\n",
        "needs = [\"a\"]\n",
        "after = [\"b\"]\n",
        "when = \"a == b\"\n",
        "finally = true\n",
        "goal = [\"a\"]\n",
        "with = { ask = \"{{steps.a.answer}}\" }\n",
        "with = { argv = [\"a\"] }\n",
        "rpo = \"5m\"\n",
        "known = { after = \"a\" }\n",
        "backup = { schedule = \"@daily\", keep = { daily = 3 } }\n",
        "a = { type = \"enum\", of = [\"a\", \"b\"] }\n",
        "a = { type = \"string\", pattern = \"a*\" }\n",
        "by = \"a\"\n",
        "offers = [\"a\"]\n",
        "files = { a = \"a.toml\" }\n",
        "\n# file: a.toml\n",
        "[offers]\n",
        "{{inputs.a}}",
        "{{lookup tables.a inputs.a \"a\"}}",
        "destroys = \"all\"\n",
        "isolate = { suffix = \"-x\" }\n",
        "scenario = \"a\"\n",
        "every = \"90d\"\n",
        "members = [\"a\"]\n",
        "é",
        "\u{202e}",
        "\u{feff}",
        "\r\n",
    ],
    count: 400,
    size_max: 24 * 1024,
    memory: Bound {
        base: 8 << 20,
        per_byte: 1_000,
    },
    work: Bound {
        base: 600_000,
        per_byte: 400,
    },
};

fn check(input: &[u8]) -> bool {
    let folder = tempfile::tempdir().expect("a folder");
    unpack(input, "plan.toml", folder.path());
    let reading = read(folder.path(), registry());
    let told = reading.report("plan", Look::Coloured);
    assert_eq!(
        told.errors == 0,
        reading.plan.is_some(),
        "errors and no plan, or neither\n{}",
        told.text
    );
    let report = CheckReport::of(&reading, "plan");
    let _ = (check_github(&report), check_sarif(&report));
    if let Some(plan) = &reading.plan {
        for scenario in &plan.scenarios {
            run_through(plan, &scenario.name.name);
        }
        for drill in &plan.drills {
            let _ = plan.drill_instance(drill, &given(plan));
        }
    }
    reading.plan.is_some()
}

/// What `graph` and `runbook` do with a scenario of a plan that `check` takes.
fn run_through(plan: &Plan, scenario: &str) {
    let instance = match plan.instance(Some(scenario), &given(plan)) {
        Ok(instance) => instance,
        Err(problems) => {
            assert!(!problems.is_empty(), "no instance, and nothing is said");
            show(&problems, &plan.sources, Look::Plain);
            return;
        }
    };
    let graph = Graph::of(&instance).expect("a plan without errors has an order");
    let takes = |name: &_| instance.steps[name].expect.unwrap_or_default().duration();
    let critical = graph.critical_path(takes);
    let effect = |kind: &_| registry().action(kind).map(|kind| kind.effect);
    let picture = Picture::of(&graph, &instance, effect, &critical.steps);
    let _ = (
        text(&picture),
        dot(&picture),
        mermaid(&picture),
        svg(&picture),
    );
    let files = |_: &str| Ok("{{name}}: {{#each list}}{{this}}{{/each}}".to_owned());
    if let Ok(runbook) = Runbook::of(&instance, &graph, &BTreeMap::new(), registry(), &files) {
        let _ = (runbook_markdown(&runbook), runbook_html(&runbook));
    }
}

/// A value for each input: its example, else a word of its type.
fn given(plan: &Plan) -> GivenInputs {
    let flags = plan.inputs.iter().filter(|input| input.default.is_none());
    GivenInputs {
        flags: flags
            .map(|input| (input.name.clone(), word(input)))
            .collect(),
        ..GivenInputs::default()
    }
}

fn word(input: &Input) -> String {
    if let Some(example) = &input.example {
        return example.clone();
    }
    match &input.takes {
        InputType::String | InputType::List(_) => "a",
        InputType::Integer | InputType::Number | InputType::Size => "1",
        InputType::Boolean => "true",
        InputType::Enum(words) => words.first().map_or("", String::as_str),
        InputType::Map(_) => "a=1",
        InputType::Duration => "5m",
        InputType::Time => "2026-04-06T01:30:00Z",
        InputType::Url => "https://localhost/a",
        InputType::Version => "1.0",
        InputType::File => "a.toml",
        InputType::Secret => "env:A",
    }
    .to_owned()
}
