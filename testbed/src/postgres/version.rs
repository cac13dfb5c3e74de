//! The table of PostgreSQL's versions: which part has which.

use crate::parts::Part;

/// A major version that can be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PostgresVersion {
    /// Debian's, with contrib and TLS.
    V15,
    /// Of the wheel.
    V16,
    /// Of the wheel. `pg_verifybackup` crashes.
    V18,
}

impl PostgresVersion {
    /// All of them, oldest first.
    pub const ALL: [PostgresVersion; 3] = [
        PostgresVersion::V15,
        PostgresVersion::V16,
        PostgresVersion::V18,
    ];

    /// Returns the part that has it.
    pub fn part(self) -> Part {
        match self {
            PostgresVersion::V15 => Part::Postgres15,
            PostgresVersion::V16 => Part::Postgres16,
            PostgresVersion::V18 => Part::Postgres18,
        }
    }

    /// Returns the number of the major version.
    pub fn major(self) -> u32 {
        match self {
            PostgresVersion::V15 => 15,
            PostgresVersion::V16 => 16,
            PostgresVersion::V18 => 18,
        }
    }
}
