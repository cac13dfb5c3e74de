//! Turns the fields of a form of AWS's Query protocol into typed values, and results into its answers.
//!
//! The protocol: <https://smithy.io/2.0/aws/protocols/aws-query-protocol.html>.

use std::collections::BTreeMap;
use std::str::FromStr;

use jiff::Timestamp;

use crate::http::Answer;
use crate::operation::REQUEST_ID;
use crate::operation::Refusal;
use crate::xml::Element;

/// The fields of a call. Lists are fields whose names end in `.1`, `.2` and so on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parameters<'a>(pub(crate) &'a BTreeMap<String, String>);

impl<'a> Parameters<'a> {
    /// Returns a text where it was sent.
    pub(crate) fn text(self, name: &str) -> Option<&'a str> {
        self.0.get(name).map(String::as_str)
    }

    /// Returns a text.
    ///
    /// # Errors
    /// It was not sent.
    pub(crate) fn required(self, name: &str) -> Result<&'a str, Refusal> {
        self.text(name).ok_or_else(|| {
            let message = format!("The request must contain the parameter {name}");
            Refusal::new(400, "MissingParameter", message)
        })
    }

    /// Returns a text, or this one where it was not sent.
    pub(crate) fn text_or(self, name: &str, otherwise: &str) -> String {
        self.text(name).unwrap_or(otherwise).to_owned()
    }

    /// Returns a yes or no, a number or a moment where it was sent.
    ///
    /// # Errors
    /// It is none.
    pub(crate) fn parsed<T: FromStr>(self, name: &str) -> Result<Option<T>, Refusal> {
        self.text(name)
            .map(|text| {
                let invalid =
                    |_: T::Err| invalid_value(format!("{text:?} is not a value of {name}"));
                text.parse().map_err(invalid)
            })
            .transpose()
    }

    /// Returns the texts of a list, in its order, whatever its members are called.
    pub(crate) fn list(self, name: &str) -> Vec<String> {
        let prefix = format!("{name}.");
        let mut members: Vec<(u32, String)> = self
            .0
            .iter()
            .filter_map(|(key, value)| {
                let mut rest = key.strip_prefix(&prefix)?.rsplit('.');
                Some((rest.next()?.parse().ok()?, value.clone()))
            })
            .collect();
        members.sort();
        members.into_iter().map(|(_, value)| value).collect()
    }

    /// Returns the fields of each member of a list of structures, in its order, whatever its members are called.
    pub(crate) fn structures(self, name: &str) -> Vec<BTreeMap<String, String>> {
        let prefix = format!("{name}.");
        let mut members: BTreeMap<u32, BTreeMap<String, String>> = BTreeMap::new();
        for (key, value) in self.0 {
            let Some(rest) = key.strip_prefix(&prefix) else {
                continue;
            };
            // RDS: `Tag.1.Key`; EC2: `1.Key`.
            let parts: Vec<&str> = rest.split('.').collect();
            let Some(place) = parts.iter().position(|part| part.parse::<u32>().is_ok()) else {
                continue;
            };
            let number = parts[place].parse().unwrap_or_default();
            members
                .entry(number)
                .or_default()
                .insert(parts[place + 1..].join("."), value.clone());
        }
        members.into_values().collect()
    }

    /// Returns a list of keys and values.
    pub(crate) fn tags(self, name: &str) -> BTreeMap<String, String> {
        let field =
            |tag: &BTreeMap<String, String>, name: &str| tag.get(name).cloned().unwrap_or_default();
        self.structures(name)
            .iter()
            .map(|tag| (field(tag, "Key"), field(tag, "Value")))
            .collect()
    }

    /// Returns a moment where it was sent.
    ///
    /// # Errors
    /// It is none.
    pub(crate) fn moment(self, name: &str) -> Result<Option<Timestamp>, Refusal> {
        self.parsed(name)
    }
}

/// Returns the refusal of a value.
pub(crate) fn invalid_value(message: impl Into<String>) -> Refusal {
    Refusal::new(400, "InvalidParameterValue", message)
}

/// Returns the refusal of parameters that do not go together.
pub(crate) fn invalid_combination(message: impl Into<String>) -> Refusal {
    Refusal::new(400, "InvalidParameterCombination", message)
}

/// Returns the answer to an action: its result in the envelope of the protocol.
pub(crate) fn answer(action: &str, name_space: &str, result: Element) -> Answer {
    let metadata = Element::new("ResponseMetadata").with("RequestId", REQUEST_ID);
    let body = Element::new(&format!("{action}Response"))
        .child(result)
        .child(metadata)
        .document(name_space);
    Answer::new(200, "text/xml", body)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::Parameters;

    #[test]
    fn lists_and_structures_are_read_in_their_order() {
        let fields: BTreeMap<String, String> = [
            ("Ids.VpcSecurityGroupId.2", "b"),
            ("Ids.VpcSecurityGroupId.10", "c"),
            ("Ids.VpcSecurityGroupId.1", "a"),
            ("Tags.Tag.1.Key", "k"),
            ("Tags.Tag.1.Value", "v"),
            ("Filters.Filter.1.Values.Value.1", "x"),
            ("Filters.Filter.1.Name", "n"),
        ]
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
        let parameters = Parameters(&fields);
        assert_eq!(parameters.list("Ids"), ["a", "b", "c"]);
        assert_eq!(parameters.tags("Tags")["k"], "v");
        let filters = parameters.structures("Filters");
        assert_eq!(filters[0]["Name"], "n");
        assert_eq!(filters[0]["Values.Value.1"], "x");
        parameters
            .parsed::<u32>("Tags.Tag.1.Key")
            .expect_err("k is no number");
    }
}
