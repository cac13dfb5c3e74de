//! Takes the secrets that a program was given out of what it prints.
//!
//! It knows the values as they were given, not what a program makes of them (base64, quoting): a program that
//! prints secrets is at fault, and this is the second line of defence. Values of three characters or less
//! stay: taking them out would blot out half of any text, and they guard nothing.

use std::collections::BTreeMap;

use salvor_contract::secret::ExposeSecret;
use salvor_contract::secret::SecretString;

/// Fewer characters of a secret are not recognised.
const RECOGNISED: usize = 4;

/// The secrets of one program, by the variables that hold them.
#[derive(Default)]
pub(crate) struct Redaction(BTreeMap<String, SecretString>);

impl Redaction {
    /// Of these secrets.
    pub(crate) fn of(secrets: &BTreeMap<String, SecretString>) -> Self {
        let known = secrets
            .iter()
            .filter(|(_, secret)| secret.expose_secret().len() >= RECOGNISED);
        Self(
            known
                .map(|(variable, secret)| (variable.clone(), secret.clone()))
                .collect(),
        )
    }

    /// A text with the name of the variable in the place of each secret.
    pub(crate) fn whole(&self, text: &str) -> String {
        self.0
            .iter()
            .fold(text.to_owned(), |text, (variable, secret)| {
                text.replace(secret.expose_secret(), &format!("<{variable}>"))
            })
    }

    /// The same for a text that goes on: also the beginning of a secret at its end is taken out.
    pub(crate) fn before_cut(&self, text: &str) -> String {
        let mut text = self.whole(text);
        for (variable, secret) in &self.0 {
            let starts = starts(secret.expose_secret());
            if let Some(start) = starts.rev().find(|start| text.ends_with(start)) {
                text.truncate(text.len() - start.len());
                text.push_str(&format!("<{variable}>"));
            }
        }
        text
    }

    /// The same for a text that began before: also the end of a secret at its beginning is taken out.
    pub(crate) fn after_cut(&self, text: &str) -> String {
        let mut text = self.whole(text);
        for (variable, secret) in &self.0 {
            let mut ends = ends(secret.expose_secret());
            if let Some(end) = ends.find(|end| text.starts_with(end)) {
                text.replace_range(..end.len(), &format!("<{variable}>"));
            }
        }
        text
    }
}

/// The beginnings of a secret that are long enough, shortest first.
fn starts(secret: &str) -> impl DoubleEndedIterator<Item = &str> {
    let cuts = secret
        .char_indices()
        .map(|(at, _)| at)
        .filter(|at| *at >= RECOGNISED);
    cuts.map(|at| &secret[..at])
}

/// The ends of a secret that are long enough, longest first.
fn ends(secret: &str) -> impl Iterator<Item = &str> {
    let cuts = secret.char_indices().map(|(at, _)| at).skip(1);
    cuts.map(|at| &secret[at..])
        .filter(|end| end.len() >= RECOGNISED)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::Redaction;

    #[test]
    fn whole_secrets_and_halves_at_a_cut_are_taken_out() {
        let secrets = BTreeMap::from([
            ("PW".to_owned(), "hunter22".into()),
            ("A".to_owned(), "x".into()),
        ]);
        let redaction = Redaction::of(&secrets);
        assert_eq!(
            redaction.whole("x is hunter22, hunter22x"),
            "x is <PW>, <PW>x"
        );
        assert_eq!(redaction.before_cut("it is hunter"), "it is <PW>");
        assert_eq!(redaction.before_cut("it is hun"), "it is hun");
        assert_eq!(redaction.after_cut("ter22 it is"), "<PW> it is");
    }
}
