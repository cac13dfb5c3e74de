//! What the details of recovery points hold, as plans can refer to it.

use salvor_contract::Output;
use salvor_contract::Type;

/// What [`crate::dumps::Dump`] is written as, and its place.
pub(super) fn of_dumps() -> Vec<Output> {
    vec![
        Output::new("url", Type::Text, "Where the dumps are."),
        Output::new("key", Type::Text, "The key of the file, or of the folder."),
        Output::new(
            "format",
            Type::Text,
            "Its form: plain, plain-gzip, plain-zstd, custom or directory.",
        ),
        Output::new("size", Type::Integer, "Its bytes as stored."),
        Output::new("files", Type::Integer, "The number of its files."),
        Output::new("modified", Type::Time, "When it was last written."),
        Output::new(
            "etag",
            Type::Text,
            "The service's entity tag of the file, where it has one.",
        ),
    ]
}

/// What [`crate::pitr::points::Details`] are written as.
pub(super) fn of_base_backups() -> Vec<Output> {
    vec![
        Output::new("base-url", Type::Text, "Where the base backups are."),
        Output::new("wal-url", Type::Text, "Where the WAL is."),
        Output::new("base", Type::Text, "The folder of the base backup."),
        Output::new("manifest", Type::Text, "The checksum of its manifest."),
        Output::new("system-identifier", Type::Text, "The cluster."),
        Output::new("major", Type::Integer, "The major version of the server."),
        Output::new(
            "base-timeline",
            Type::Integer,
            "The timeline of the base backup.",
        ),
        Output::new("start", Type::Text, "Where in the log replay begins."),
        Output::new(
            "end",
            Type::Text,
            "Where in the log the base backup is consistent.",
        ),
        Output::new("timeline", Type::Integer, "The timeline to follow."),
        Output::new(
            "base-only",
            Type::Boolean,
            "Whether only the base backup itself can be brought back.",
        ),
    ]
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use salvor_contract::Output;
    use salvor_contract::Values;

    use crate::dump_name::Format;
    use crate::dumps::Dump;
    use crate::kinds::details::of_base_backups;
    use crate::kinds::details::of_dumps;
    use crate::pitr::points::Details;
    use crate::wal::segment::Lsn;
    use crate::wal::segment::Timeline;

    fn check(declared: &[Output], held: &Values) {
        let mut declared: Vec<&str> = declared.iter().map(|detail| detail.name).collect();
        declared.sort_unstable();
        let held: Vec<&str> = held.iter().map(|(name, _)| name).collect();
        assert_eq!(declared, held);
    }

    #[test]
    fn what_a_dump_holds_is_declared() {
        let dump = Dump {
            key: "a.dump".into(),
            format: Format::Custom,
            size: 100,
            files: 1,
            modified: Timestamp::UNIX_EPOCH,
            etag: None,
        };
        check(
            &of_dumps(),
            &Values::of(&dump).with("url", "file:///dumps/"),
        );
    }

    #[test]
    fn what_a_window_holds_is_declared() {
        let details = Details {
            base_url: "file:///base/".into(),
            wal_url: "file:///wal/".into(),
            base: "b".into(),
            manifest: "m".into(),
            system_identifier: "1".into(),
            major: 18,
            base_timeline: Timeline(1),
            start: Lsn(0),
            end: Lsn(0),
            timeline: Timeline(1),
            base_only: false,
        };
        check(&of_base_backups(), &Values::of(&details));
    }
}
