//! The shell variables that stand for what is not known when a runbook is written.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::report::runbook::shell::named;
use crate::report::runbook::shell::slot;

/// The variables by name. One name stands for one fact, whatever the names of steps and outputs run into.
#[derive(Default)]
pub(super) struct Variables {
    by_name: RefCell<BTreeMap<String, Fact>>,
}

/// What a variable holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fact {
    /// The names along its path.
    pub(super) path: Vec<String>,
    /// The format of a moment, where it is wanted in one.
    pub(super) format: Option<String>,
}

impl Variables {
    /// The text that stands for a fact.
    pub(super) fn slot(&self, path: &[String], format: Option<&str>) -> String {
        slot(&self.name(Fact {
            path: path.to_vec(),
            format: format.map(str::to_owned),
        }))
    }

    fn name(&self, fact: Fact) -> String {
        let mut by_name = self.by_name.borrow_mut();
        let plain = fact.variable();
        let mut name = plain.clone();
        let mut number = 1;
        while by_name.get(&name).is_some_and(|taken| *taken != fact) {
            number += 1;
            name = format!("{plain}_{number}");
        }
        by_name.insert(name.clone(), fact);
        name
    }

    /// Every fact that has a variable, by its name.
    pub(super) fn all(&self) -> BTreeMap<String, Fact> {
        self.by_name.borrow().clone()
    }
}

impl Fact {
    /// `steps.metadata.endpoint` is `METADATA_ENDPOINT`.
    fn variable(&self) -> String {
        let mut words = match self.path.as_slice() {
            [root, rest @ ..] if root == "steps" || root == "stores" => rest.to_vec(),
            path => path.to_vec(),
        };
        if let Some(format) = &self.format {
            words.push(format.replace('%', ""));
        }
        named(&words)
    }

    /// The path as words.
    pub(super) fn names(&self) -> Vec<&str> {
        self.path.iter().map(String::as_str).collect()
    }
}

/// The variables that a text takes the values of: `$NAME` and `${NAME:?}`.
pub(super) fn used(text: &str) -> BTreeSet<String> {
    let names = text.split('$').skip(1).map(|rest| {
        let rest = rest.strip_prefix('{').unwrap_or(rest);
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        rest.split(|c| !is_part(c)).next().unwrap_or_default()
    });
    names
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

/// The variables without which the commands of a text end: `${NAME:?}`.
pub(super) fn demanded(text: &str) -> BTreeSet<String> {
    let parts = text.split("${").skip(1);
    parts
        .filter_map(|part| part.split_once(":?}"))
        .filter(|(name, _)| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
        .map(|(name, _)| name.to_owned())
        .collect()
}

/// Whether a text of commands gives the variable a value.
pub(super) fn is_assigned(text: &str, name: &str) -> bool {
    text.lines().any(|line| {
        line.trim_start()
            .strip_prefix(name)
            .is_some_and(|rest| rest.starts_with('='))
    })
}

#[cfg(test)]
mod tests {
    use super::Variables;
    use super::demanded;
    use super::is_assigned;
    use super::used;

    fn path(text: &str) -> Vec<String> {
        text.split('.').map(str::to_owned).collect()
    }

    #[track_caller]
    fn check(variables: &Variables, fact: &str, format: Option<&str>, expected: &str) {
        variables.slot(&path(fact), format);
        let all = variables.all();
        let found = all
            .iter()
            .find(|(_, known)| known.path == path(fact) && known.format.as_deref() == format);
        assert_eq!(found.map(|(name, _)| name.as_str()), Some(expected));
    }

    #[test]
    fn each_fact_has_a_variable_of_its_own() {
        let variables = Variables::default();
        check(
            &variables,
            "steps.metadata.endpoint",
            None,
            "METADATA_ENDPOINT",
        );
        check(
            &variables,
            "stores.run-log.point.id",
            None,
            "RUN_LOG_POINT_ID",
        );
        check(&variables, "run.id", None, "RUN_ID");
        check(&variables, "run.started", Some("%Y%m%d"), "RUN_STARTED_YMD");
        check(&variables, "steps.1st.id", None, "_1ST_ID");
        check(&variables, "steps.a-b.c", None, "A_B_C");
        check(&variables, "steps.a.b-c", None, "A_B_C_2");
        check(&variables, "steps.a-b.c", None, "A_B_C");
    }

    #[test]
    fn a_text_tells_what_it_takes_and_gives() {
        let names = |text: &str| used(text).into_iter().collect::<Vec<_>>().join(" ");
        assert_eq!(names("a $B \"${C:?}\" ${D} $(e) $"), "B C D");
        let names = |text: &str| demanded(text).into_iter().collect::<Vec<_>>().join(" ");
        assert_eq!(names("a $B \"${C:?}\" ${D}/${E_1:?}"), "C E_1");
        assert!(is_assigned("x\n  A=1", "A"));
        assert!(!is_assigned("BA=1 A=2\nAB=1", "A"));
    }
}
