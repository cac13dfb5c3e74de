//! Chooses the scenario of an instance and the values of its inputs.
//!
//! What is wrong is collected: a person at 3 a.m. wants all missing inputs at once.

use salvor_contract::Values;
use serde_json::Value;

use crate::model::inputs::GivenInputs;
use crate::model::inputs::Input;
use crate::model::inputs::InputType;
use crate::model::plan::Plan;
use crate::model::plan::ScenarioDeclaration;
use crate::model::resolution::Case;
use crate::model::unfit::Unfit;
use crate::plan_file::Code;
use crate::plan_file::Problem;
use crate::plan_file::Problems;

impl Plan {
    pub(super) fn choose(
        &self,
        name: Option<&str>,
        problems: &mut Problems,
    ) -> Option<&ScenarioDeclaration> {
        match (name, self.scenarios.as_slice()) {
            (None, [only]) => Some(only),
            (None, _) => {
                let names = self.scenarios.iter().map(|s| s.name.name.as_str());
                let names: Vec<&str> = names.collect();
                let problem = Problem::error(Code::UnknownScenario, "no scenario was chosen");
                problems.push(match names.first() {
                    Some(first) => problem
                        .note(format!("there are `{}`", names.join("`, `")))
                        .help(format!("choose one: --scenario {first}")),
                    None => problem.help("write one: [scenarios.full] with goal = [\"…\"]"),
                });
                None
            }
            (Some(name), _) => {
                let found = self.scenario(name);
                if found.is_none() {
                    let names = self.scenarios.iter().map(|s| s.name.name.as_str());
                    let title = format!("unknown scenario `{name}`");
                    let problem = Problem::error(Code::UnknownScenario, title);
                    problems.push(problem.meant_elsewhere(name, names));
                }
                found
            }
        }
    }

    /// The values of the deciding inputs among these values.
    pub(super) fn case_of(&self, inputs: &Values) -> Case {
        self.deciding_inputs()
            .into_keys()
            .filter_map(|name| {
                let word = match inputs.get(&name)? {
                    Value::String(text) => text.clone(),
                    Value::Bool(value) => value.to_string(),
                    Value::Null | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                        return None;
                    }
                };
                Some((name, word))
            })
            .collect()
    }

    pub(super) fn input_values(
        &self,
        scenario: &ScenarioDeclaration,
        given: &GivenInputs,
        problems: &mut Problems,
    ) -> Values {
        self.refuse_unknown_inputs(given, problems);
        let mut values = Values::new();
        for input in &self.inputs {
            let value = self.input_value(input, scenario, given).and_then(|value| {
                input.matches(&value).map_err(Refusal::Unfit)?;
                Ok(value)
            });
            match value {
                Ok(value) => values.set(&input.name, value),
                Err(refusal) => problems.push(refusal.problem(input)),
            }
        }
        values
    }

    fn refuse_unknown_inputs(&self, given: &GivenInputs, problems: &mut Problems) {
        let flags = given.flags.keys().map(|name| (name.as_str(), "flag"));
        let file = given.file.iter().map(|(name, _)| (name, "inputs file"));
        let fixed = given.fixed.iter().map(|(name, _)| (name, "drill"));
        for (name, from) in flags.chain(file).chain(fixed) {
            if self.input(name).is_none() {
                let known: Vec<&str> = self.inputs.iter().map(|i| i.name.as_str()).collect();
                let problem = Problem::error(
                    Code::UnknownInput,
                    format!("unknown input `{name}`, given by {from}"),
                );
                problems.push(match known.is_empty() {
                    true => problem.help("the plan takes none"),
                    false => problem.meant_elsewhere(name, known),
                });
            }
        }
    }

    fn input_value(
        &self,
        input: &Input,
        scenario: &ScenarioDeclaration,
        given: &GivenInputs,
    ) -> Result<Value, Refusal> {
        let name = input.name.as_str();
        let by_operator = || -> Option<Result<Value, Unfit>> {
            if let Some(value) = given.fixed.get(name) {
                // As a change set writes down that it was left out.
                if value.is_null() && input.is_optional {
                    return Some(Ok(Value::Null));
                }
                return Some(input.takes.of_json(value));
            }
            let text = given
                .flags
                .get(name)
                .or_else(|| given.environment.get(name));
            match text {
                Some(text) => Some(input.takes.of_text(text)),
                None => given.file.get(name).map(|value| input.takes.of_json(value)),
            }
        };
        let given = by_operator().transpose().map_err(Refusal::Unfit);
        if let Some(node) = scenario.inputs.get(name) {
            let fixed = input.takes.of_node(node).map_err(Refusal::Unfit)?;
            return match given? {
                Some(other) if other != fixed => Err(Refusal::Fixed(format!(
                    "scenario `{}` fixes it to {fixed}, and {other} was given",
                    scenario.name.name
                ))),
                Some(_) | None => Ok(fixed),
            };
        }
        match (given?, &input.default) {
            (Some(value), _) => Ok(value),
            (None, Some(default)) => Ok(default.clone()),
            (None, None) if input.is_optional => Ok(Value::Null),
            (None, None) => Err(Refusal::Missing),
        }
    }
}

/// Why an input has no value.
enum Refusal {
    /// Nobody gave one.
    Missing,
    /// The scenario fixes another one.
    Fixed(String),
    /// What was given is not taken.
    Unfit(Unfit),
}

impl Refusal {
    fn problem(self, input: &Input) -> Problem {
        let (code, why) = match &self {
            Self::Missing => (Code::MissingInput, "it is missing"),
            Self::Fixed(why) => (Code::FixedInput, why.as_str()),
            Self::Unfit(unfit) => (unfit.code, unfit.why.as_str()),
        };
        let label = match input.help.as_str() {
            "" => "defined here",
            help => help,
        };
        let problem = Problem::error(code, format!("input `{}`: {why}", input.name));
        let problem = problem.at(input.at, label);
        match self {
            Self::Missing => problem.help(how_to_give(input, None)),
            Self::Fixed(_) => problem.help("leave it out, or choose another scenario"),
            Self::Unfit(unfit) => {
                // An example beside what was written would read as if it were that.
                let is_time = input.takes == InputType::Time && input.example.is_none();
                let meant = unfit.text_meant().or(is_time.then_some("TIME"));
                let help = how_to_give(input, meant);
                unfit.given(problem).help(help)
            }
        }
    }
}

fn how_to_give(input: &Input, meant: Option<&str>) -> String {
    let example = meant
        .or(input.example.as_deref())
        .unwrap_or(match &input.takes {
            InputType::Secret => "env:NAME",
            InputType::Duration => "5m",
            InputType::Time => "2026-04-06T01:30:00Z",
            InputType::Enum(words) => words.first().map_or("VALUE", String::as_str),
            InputType::Boolean => "true",
            InputType::String
            | InputType::Integer
            | InputType::Number
            | InputType::List(_)
            | InputType::Map(_)
            | InputType::Size
            | InputType::Url
            | InputType::Version
            | InputType::File => "VALUE",
        });
    format!(
        "give it with --input {}={example}, or in an inputs file",
        input.name
    )
}
