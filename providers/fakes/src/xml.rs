//! Turns names and values into the XML of an answer.

use std::fmt::Display;
use std::fmt::Write as _;

use jiff::Timestamp;

/// An element with what is in it, as text.
#[derive(Clone, Debug)]
pub(crate) struct Element {
    name: String,
    content: String,
}

impl Element {
    /// Returns an element with nothing in it.
    pub(crate) fn new(name: &str) -> Element {
        Element {
            name: name.to_owned(),
            content: String::new(),
        }
    }

    /// Returns an element with this value.
    pub(crate) fn text(name: &str, value: impl Display) -> Element {
        Element {
            name: name.to_owned(),
            content: escaped(&value.to_string()),
        }
    }

    /// Adds an element with this value.
    pub(crate) fn with(self, name: &str, value: impl Display) -> Element {
        self.child(Element::text(name, value))
    }

    /// Adds an element with this value where there is one.
    pub(crate) fn maybe(self, name: &str, value: Option<impl Display>) -> Element {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// Adds a moment, to the second and with the zone `Z`.
    pub(crate) fn moment(self, name: &str, moment: Timestamp) -> Element {
        self.with(name, written(moment))
    }

    /// Adds a moment where there is one.
    pub(crate) fn maybe_moment(self, name: &str, moment: Option<Timestamp>) -> Element {
        self.maybe(name, moment.map(written))
    }

    /// Adds an element.
    pub(crate) fn child(mut self, child: Element) -> Element {
        child.write_to(&mut self.content);
        self
    }

    /// Adds these.
    pub(crate) fn children(self, children: impl IntoIterator<Item = Element>) -> Element {
        children.into_iter().fold(self, Element::child)
    }

    /// Adds an element that holds these.
    pub(crate) fn list(self, name: &str, items: impl IntoIterator<Item = Element>) -> Element {
        self.child(Element::new(name).children(items))
    }

    /// Returns it as a document, in this name space.
    pub(crate) fn document(&self, name_space: &str) -> String {
        let Element { name, content } = self;
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{name} xmlns=\"{name_space}\">{content}</{name}>\n"
        )
    }

    /// Returns it as a document without a name space.
    pub(crate) fn plain(&self) -> String {
        let Element { name, content } = self;
        format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{name}>{content}</{name}>\n")
    }

    fn write_to(&self, text: &mut String) {
        let Element { name, content } = self;
        // Writing to a string cannot fail.
        let _ = write!(text, "<{name}>{content}</{name}>");
    }
}

fn written(moment: Timestamp) -> jiff::fmt::strtime::Display<'static> {
    moment.strftime("%Y-%m-%dT%H:%M:%SZ")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::Element;

    #[test]
    fn values_are_escaped_and_elements_nest() {
        let inner = Element::new("Tag").with("Value", "a<b & \"c\"");
        let outer = Element::new("Answer")
            .list("Tags", [inner])
            .maybe("None", None::<u8>)
            .moment("At", jiff::Timestamp::UNIX_EPOCH);
        let expected = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Answer xmlns=\"n\"><Tags><Tag>\
            <Value>a&lt;b &amp; \"c\"</Value></Tag></Tags><At>1970-01-01T00:00:00Z</At></Answer>\n";
        assert_eq!(outer.document("n"), expected);
    }
}
