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
use crate::plan_file::Code;
use crate::plan_file::Problem;
use crate::plan_file::Problems;

impl Plan {
    pub(super) fn choose(
        &self,
        name: Option<&str>,
        problems: &mut Problems,
    ) -> Option<&ScenarioDeclaration> {
        let known = || {
            let names: Vec<&str> = self
                .scenarios
                .iter()
                .map(|s| s.name.name.as_str())
                .collect();
            format!("there are `{}`", names.join("`, `"))
        };
        match (name, self.scenarios.as_slice()) {
            (None, [only]) => Some(only),
            (None, _) => {
                problems.push(
                    Problem::error(Code::UnknownScenario, "no scenario was chosen").help(known()),
                );
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
                input.matches(&value)?;
                Ok(value)
            });
            match value {
                Ok(value) => values.set(&input.name, value),
                Err(why) => problems.push(
                    Problem::error(
                        input_code(input, &why),
                        format!("input `{}`: {why}", input.name),
                    )
                    .at(
                        input.at,
                        if input.help.is_empty() {
                            "defined here"
                        } else {
                            &input.help
                        },
                    )
                    .help(match why.starts_with("scenario `") {
                        true => "leave it out, or choose another scenario".to_owned(),
                        false => how_to_give(input),
                    }),
                ),
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
    ) -> Result<Value, String> {
        let name = input.name.as_str();
        let by_operator = || -> Option<Result<Value, String>> {
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
        if let Some(node) = scenario.inputs.get(name) {
            let fixed = input.takes.of_node(node)?;
            return match by_operator().transpose()? {
                Some(other) if other != fixed => Err(format!(
                    "scenario `{}` fixes it to {fixed}, and {other} was given",
                    scenario.name.name
                )),
                Some(_) | None => Ok(fixed),
            };
        }
        match (by_operator(), &input.default) {
            (Some(value), _) => value,
            (None, Some(default)) => Ok(default.clone()),
            (None, None) if input.is_optional => Ok(Value::Null),
            (None, None) => Err("it is missing".to_owned()),
        }
    }
}

fn input_code(input: &Input, why: &str) -> Code {
    if why == "it is missing" {
        Code::MissingInput
    } else if why.starts_with("scenario `") {
        Code::FixedInput
    } else {
        match input.takes {
            InputType::Secret => Code::SecretAsText,
            InputType::Time => Code::TimeWithoutZone,
            InputType::Duration => Code::BadDuration,
            InputType::String
            | InputType::Integer
            | InputType::Number
            | InputType::Boolean
            | InputType::Enum(_)
            | InputType::List(_)
            | InputType::Map(_)
            | InputType::Size
            | InputType::Url
            | InputType::Version
            | InputType::File => Code::BadValue,
        }
    }
}

fn how_to_give(input: &Input) -> String {
    let example = input.example.as_deref().unwrap_or(match &input.takes {
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
