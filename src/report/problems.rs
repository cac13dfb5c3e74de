//! What keeps a change set from being applied, each sentence once, with all that it is about.

use crate::diff::DiffProblem;
use crate::diff::Subject;

/// One sentence for a reader, and what to do.
pub(super) struct Told {
    /// `stores `iam`, `kms`: must be brought back and cannot be: …`.
    pub sentence: String,
    /// What to do: of several the same once.
    pub hints: Vec<String>,
}

/// The problems in their order, those that say the same of several stores or steps as one.
pub(super) fn told(problems: &[DiffProblem]) -> Vec<Told> {
    let mut groups: Vec<Vec<&DiffProblem>> = Vec::new();
    for problem in problems {
        let is_same = |group: &&mut Vec<&DiffProblem>| {
            let kind = |problem: &DiffProblem| std::mem::discriminant(&problem.subject);
            group[0].what == problem.what && kind(group[0]) == kind(problem)
        };
        match groups.iter_mut().find(is_same) {
            Some(group) => group.push(problem),
            None => groups.push(vec![problem]),
        }
    }
    groups.iter().map(|group| one(group)).collect()
}

fn one(group: &[&DiffProblem]) -> Told {
    let mut hints: Vec<String> = Vec::new();
    for hint in group.iter().filter_map(|problem| problem.hint.as_ref()) {
        if !hints.contains(hint) {
            hints.push(hint.clone());
        }
    }
    let sentence = match group {
        [only] => only.to_string(),
        all => {
            let names: Vec<String> = all.iter().map(|problem| quoted(&problem.subject)).collect();
            let (what, names) = (&all[0].what, names.join(", "));
            match all[0].subject {
                Subject::Store(_) => format!("stores {names}: {what}"),
                Subject::Step(_) => format!("steps {names}: {what}"),
            }
        }
    };
    Told { sentence, hints }
}

fn quoted(subject: &Subject) -> String {
    match subject {
        Subject::Store(name) => format!("`{name}`"),
        Subject::Step(name) => format!("`{name}`"),
    }
}

#[cfg(test)]
mod tests {
    use salvor_contract::StepName;
    use salvor_contract::StoreName;

    use super::told;
    use crate::diff::DiffProblem;
    use crate::diff::Subject;

    #[test]
    fn what_is_said_of_several_stores_is_said_once() {
        let store = |name: &str| Subject::Store(StoreName::new(name));
        let problem = |subject: Subject, what: &str, hint: &str| DiffProblem {
            subject,
            what: what.to_owned(),
            hint: Some(hint.to_owned()),
        };
        let problems = [
            problem(store("iam"), "not stated", "state it"),
            problem(store("kms"), "gone", "look"),
            problem(store("log"), "not stated", "state it"),
            problem(Subject::Step(StepName::new("log")), "not stated", "ask"),
        ];
        let said: Vec<(String, Vec<String>)> = told(&problems)
            .into_iter()
            .map(|told| (told.sentence, told.hints))
            .collect();
        let expected = [
            ("stores `iam`, `log`: not stated", "state it"),
            ("store `kms`: gone", "look"),
            ("step `log`: not stated", "ask"),
        ];
        let expected = expected.map(|(told, hint)| (told.to_owned(), vec![hint.to_owned()]));
        assert_eq!(said, expected);
    }
}
