//! Addresses of places: `s3://bucket/prefix/` and `file:///folder/`, parsed once.
//!
//! A place is always a folder: a prefix without a slash at its end gets one, because `s3://b/ml`
//! would otherwise take in `s3://b/ml-old/` as well.

use std::path::Component;
use std::path::Path;
use std::path::PathBuf;

use salvor_contract::Error;

use crate::failure::one_line;
use crate::key::Holder;
use crate::key::check;

/// Where a place is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Location {
    /// A folder of the local file system.
    Tree {
        /// The absolute path, without `..`.
        path: PathBuf,
    },
    /// A prefix in a bucket.
    Bucket {
        /// The bucket.
        bucket: String,
        /// The prefix: empty, or with a slash at its end.
        prefix: String,
    },
}

impl Location {
    /// Parses the address of a folder. Relative `file://` paths are below `plan_dir`.
    pub(crate) fn parse(url: &str, plan_dir: &Path) -> Result<Self, Error> {
        let refuse = |why: &str| {
            Error::refused_with(
                format!("`{}` is not an address of objects: {why}", one_line(url)),
                "Write s3://bucket/prefix/, file:///absolute/folder/ or file://folder/of/the/plan/.",
            )
        };
        if url.chars().any(char::is_control) {
            return Err(refuse("it has a control character"));
        }
        if let Some(rest) = url.strip_prefix("s3://") {
            let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
            if bucket.is_empty() {
                return Err(refuse("it has no bucket"));
            }
            if !bucket
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '/'))
                || bucket.starts_with('.')
            {
                return Err(refuse(
                    "the bucket's name has a character that no bucket has",
                ));
            }
            let prefix = prefix.trim_end_matches('/');
            if prefix.is_empty() {
                return Ok(Self::Bucket {
                    bucket: bucket.to_owned(),
                    prefix: String::new(),
                });
            }
            check(prefix, Holder::Bucket).map_err(|error| refuse(&error.to_string()))?;
            return Ok(Self::Bucket {
                bucket: bucket.to_owned(),
                prefix: format!("{prefix}/"),
            });
        }
        if let Some(rest) = url.strip_prefix("file://") {
            let path = plan_dir.join(rest);
            if rest.is_empty() {
                return Err(refuse("it has no path"));
            }
            if path.components().any(|part| part == Component::ParentDir) {
                return Err(refuse("it has a `..` segment"));
            }
            if !path.is_absolute() {
                return Err(refuse("the folder of the plan is not an absolute path"));
            }
            return Ok(Self::Tree {
                path: path.components().collect(),
            });
        }
        Err(refuse("it begins with neither s3:// nor file://"))
    }

    /// The address as it is shown and compared: with a slash at its end.
    pub(crate) fn url(&self) -> String {
        match self {
            Self::Tree { path } => {
                let text = path.display().to_string();
                format!("file://{}/", text.trim_end_matches('/'))
            }
            Self::Bucket { bucket, prefix } => format!("s3://{bucket}/{prefix}"),
        }
    }

    /// True when one of the two places lies within the other, or they are the same.
    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        let (one, two) = (self.url(), other.url());
        one.starts_with(&two) || two.starts_with(&one)
    }
}

/// The address of one object, split into the address of its folder and its name.
pub(crate) fn split_object(url: &str) -> Result<(&str, &str), Error> {
    let scheme_end = url.find("://").map_or(0, |at| at + 3);
    let refuse = || {
        Error::refused_with(
            format!("`{}` does not name one object", one_line(url)),
            "Write s3://bucket/key or file:///folder/name, without a slash at the end.",
        )
    };
    let slash = url[scheme_end..].rfind('/').ok_or_else(refuse)? + scheme_end;
    let (folder, name) = (&url[..=slash], &url[slash + 1..]);
    if name.is_empty() {
        return Err(refuse());
    }
    Ok((folder, name))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::Location;
    use super::split_object;

    fn check(url: &str, expected: Option<&str>) {
        let found = Location::parse(url, Path::new("/plans/calabi"))
            .ok()
            .map(|location| location.url());
        assert_eq!(found.as_deref(), expected, "{url}");
    }

    #[test]
    fn addresses_are_folders() {
        check("s3://b", Some("s3://b/"));
        check("s3://b/", Some("s3://b/"));
        check("s3://b/ml", Some("s3://b/ml/"));
        check("s3://b/ml//", Some("s3://b/ml/"));
        check("file:///var/x", Some("file:///var/x/"));
        check("file:///", Some("file:///"));
        check("file://data/x/", Some("file:///plans/calabi/data/x/"));
        for bad in [
            "",
            "s3://",
            "s3:///a",
            "s3://b/../c",
            "s3://b/a\nb",
            "file://",
            "file://../x",
            "file:///a/../b",
            "gs://b/",
            "/tmp/x",
            "b/c",
            "s3://b c/",
            "s3://../x",
        ] {
            check(bad, None);
        }
    }

    #[test]
    fn places_within_each_other_overlap() {
        let parse = |url| Location::parse(url, Path::new("/")).expect("a good address");
        assert!(parse("s3://b/a").overlaps(&parse("s3://b/a/c")));
        assert!(parse("s3://b/").overlaps(&parse("s3://b/a/c")));
        assert!(!parse("s3://b/a").overlaps(&parse("s3://b/a-old")));
        assert!(!parse("file:///b/").overlaps(&parse("s3://b/")));
    }

    #[test]
    fn an_object_has_a_folder_and_a_name() {
        assert_eq!(
            split_object("s3://b/x/y.gz").ok(),
            Some(("s3://b/x/", "y.gz"))
        );
        assert_eq!(split_object("s3://b/y").ok(), Some(("s3://b/", "y")));
        assert_eq!(split_object("file:///t/y").ok(), Some(("file:///t/", "y")));
        assert!(split_object("s3://b/x/").is_err());
        assert!(split_object("s3://b").is_err());
    }
}
