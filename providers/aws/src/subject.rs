//! Which database is meant: an instance or a cluster, by its identifier.

use salvor_contract::Error;
use serde::Deserialize;
use serde::Serialize;

/// The two things that RDS keeps databases in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// A DB instance.
    Instance,
    /// An Aurora or Multi-AZ DB cluster.
    Cluster,
}

/// A database by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Subject {
    pub kind: Kind,
    pub name: String,
}

impl Kind {
    /// How it is called in a sentence.
    pub(crate) const fn noun(self) -> &'static str {
        match self {
            Self::Instance => "instance",
            Self::Cluster => "cluster",
        }
    }
}

impl Subject {
    /// The one that is given of `instance` and `cluster`.
    ///
    /// # Errors
    /// [`Error::Refused`] when it is none or both.
    pub(crate) fn of(instance: Option<&str>, cluster: Option<&str>) -> Result<Self, Error> {
        let (kind, name) = match (instance, cluster) {
            (Some(name), None) => (Kind::Instance, name),
            (None, Some(name)) => (Kind::Cluster, name),
            (None, None) | (Some(_), Some(_)) => {
                return Err(Error::refused_with(
                    "exactly one of `instance` and `cluster` is needed",
                    "Give `instance` for a DB instance, `cluster` for an Aurora cluster.",
                ));
            }
        };
        let name = name.to_owned();
        Ok(Self { kind, name })
    }

    /// Another one of the same kind.
    pub(crate) fn named(&self, name: &str) -> Self {
        Self {
            kind: self.kind,
            name: name.to_owned(),
        }
    }
}

impl std::fmt::Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.kind.noun(), self.name)
    }
}

/// Refuses what RDS would not take as a new identifier, or would take for another one: it stores them in lower case.
///
/// Amazon RDS API Reference, `RestoreDBInstanceToPointInTime`, `TargetDBInstanceIdentifier`; snapshots have up to 255
/// characters (`CreateDBSnapshot`).
pub(crate) fn check_identifier(text: &str, length_max: usize) -> Result<(), Error> {
    let fits = text.len() <= length_max
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        && !text.ends_with('-')
        && !text.contains("--");
    if fits {
        return Ok(());
    }
    Err(Error::refused_with(
        format!("`{text}` is not an identifier of RDS"),
        format!(
            "Use lower-case letters, digits and single hyphens, a letter first, no hyphen last, {length_max} characters at \
             most."
        ),
    ))
}

/// The longest identifier of an instance or a cluster.
pub(crate) const DATABASE_MAX: usize = 63;
/// The longest identifier of a snapshot.
pub(crate) const SNAPSHOT_MAX: usize = 255;

#[cfg(test)]
mod tests {
    use super::DATABASE_MAX;
    use super::Subject;
    use super::check_identifier;

    #[test]
    fn an_identifier_is_what_rds_stores_unchanged() {
        let long = "a".repeat(64);
        for (text, is_good) in [
            ("app", true),
            ("calabi-acme-restore", true),
            ("a1", true),
            ("", false),
            ("App", false),
            ("1app", false),
            ("app-", false),
            ("a--b", false),
            ("a_b", false),
            (long.as_str(), false),
        ] {
            assert_eq!(
                check_identifier(text, DATABASE_MAX).is_ok(),
                is_good,
                "{text}"
            );
        }
    }

    #[test]
    fn exactly_one_database_is_meant() {
        assert!(Subject::of(Some("a"), None).is_ok());
        assert!(Subject::of(None, Some("a")).is_ok());
        assert!(Subject::of(None, None).is_err());
        assert!(Subject::of(Some("a"), Some("b")).is_err());
    }
}
