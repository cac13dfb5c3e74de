//! How far back the versions of a prefix tell its state, and whether their times can be trusted.

use jiff::Timestamp;
use serde::Deserialize;
use serde::Serialize;

use crate::versions::Version;

/// What is known of the history of a prefix.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct History {
    /// The first moment whose state is known for sure.
    pub(crate) from: Option<Timestamp>,
    /// The newest version or marker.
    pub(crate) newest: Option<Timestamp>,
    /// Objects now.
    pub(crate) objects: u64,
    /// Their bytes.
    pub(crate) bytes: u64,
    /// All versions and markers.
    pub(crate) versions: u64,
    /// Keys whose latest version is not the newest by its time.
    pub(crate) disordered: u64,
    /// Versions that were replaced by another.
    pub(crate) replaced: u64,
    /// Those of them that have, to the second, the time of the one that replaced them.
    pub(crate) replaced_at_once: u64,
}

impl History {
    /// Takes one more version, with the one before it in the listing.
    ///
    /// A version with the id `null` was written without versioning: what it replaced is gone, so nothing is
    /// known before it. Else the history begins with the oldest version.
    pub(crate) fn take(
        &mut self,
        version: &Version,
        newer: Option<&Version>,
        nulls: &mut Option<Timestamp>,
    ) {
        let at = version.entry.modified;
        if let Some(newer) = newer.filter(|newer| newer.entry.key == version.entry.key) {
            self.disordered += u64::from(version.is_latest);
            self.replaced += 1;
            let at_once = newer.entry.modified.as_second() == at.as_second();
            self.replaced_at_once += u64::from(at_once);
        }
        self.versions += 1;
        if version.is_latest && !version.is_marker {
            self.objects += 1;
            self.bytes += version.entry.size;
        }
        self.newest = self.newest.max(Some(at));
        self.from = Some(self.from.map_or(at, |from| from.min(at)));
        if version.entry.version.as_deref() == Some("null") {
            *nulls = (*nulls).max(Some(at));
        }
    }
}

impl History {
    /// Why the times cannot be trusted, where the history shows it.
    ///
    /// versitygw's POSIX back end moves a replaced object aside and then tells the time of that move as the
    /// time of its version. Such a history is consistent for no moment, so none is offered.
    pub(crate) fn doubt(&self) -> Option<String> {
        if self.disordered > 0 {
            return Some(format!(
                "{} objects have a latest version that is not the newest by its time",
                self.disordered
            ));
        }
        (self.replaced > 0 && self.replaced == self.replaced_at_once).then(|| {
            "every replaced version has the time of the one that replaced it: the service does not tell when \
             versions were written"
                .to_owned()
        })
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::History;
    use crate::versions::Version;
    use crate::versions::tests::version;

    #[test]
    fn nothing_is_known_before_a_version_without_history() {
        let mut history = History::default();
        let mut nulls = None;
        let first = version("a", 10, false);
        history.take(&first, None, &mut nulls);
        let mut null = version("b", 20, false);
        null.entry.version = Some("null".to_owned());
        history.take(&null, Some(&first), &mut nulls);
        assert_eq!(history.from, Timestamp::new(10, 0).ok());
        assert_eq!(nulls, Timestamp::new(20, 0).ok());
    }

    #[test]
    fn times_that_cannot_be_right_are_doubted() {
        let check = |times: &[(i64, bool)], expected: bool| {
            let mut history = History::default();
            let mut newer: Option<Version> = None;
            for (second, is_latest) in times {
                let mut version = version("a", *second, false);
                version.is_latest = *is_latest;
                history.take(&version, newer.as_ref(), &mut None);
                newer = Some(version);
            }
            assert_eq!(history.doubt().is_some(), expected, "{times:?}");
        };
        check(&[(30, true)], false);
        check(&[(30, true), (20, false), (10, false)], false);
        check(&[(30, true), (30, false), (10, false)], false);
        check(&[(30, true), (30, false)], true);
        check(&[(30, false), (20, true)], true);
    }
}
