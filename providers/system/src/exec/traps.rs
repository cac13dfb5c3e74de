//! What goes wrong with programs that people run from runbooks.

use salvor_contract::CommandLine;
use salvor_contract::Condition;
use salvor_contract::Trap;

pub(super) fn of_programs() -> Vec<Trap> {
    vec![
        Trap {
            id: "exec-unkeyed",
            when: Condition::InputMissing("class"),
            message: "without a class an interrupted program is never started again by itself: a person must \
                          say what became of it; declare `class`, and a `probe` that finds out",
            source: "AWS Builders' Library, Making retries safe with idempotent APIs",
        },
        Trap {
            id: "exec-hidden-failure",
            when: Condition::Always,
            message: "an exit code of 0 says what the program thinks of itself: check the result in a step of its \
                          own",
            source: "POSIX.1-2024, exit: what a program says of itself is its own choice",
        },
        Trap {
            id: "exec-shell",
            when: Condition::Runs(
                "argv",
                CommandLine {
                    programs: &["sh", "bash", "dash", "zsh", "ksh"],
                    has: &[" | "],
                    lacks: &["pipefail"],
                },
            ),
            message: "a pipeline in a shell's text ends as its last program does, whatever happened before it; \
                          values that are put into the text are read as text of the shell: run each program in a \
                          step of its own, or give the text to `bash` (`sh` of Debian 12 has no pipefail), begin it \
                          with `set -euo pipefail`, and give values as arguments or environment",
            source: "POSIX.1-2024, Shell Command Language, 2.9.2 Pipelines; experiment with dash 0.5.12",
        },
        Trap {
            id: "exec-psql-goes-on",
            when: Condition::Runs(
                "argv",
                CommandLine {
                    programs: &["psql"],
                    has: &["-f", "--file"],
                    lacks: &["ON_ERROR_STOP"],
                },
            ),
            message: "psql goes on after an error in a file and exits 0: give `--set=ON_ERROR_STOP=1`, and \
                          `--single-transaction` where nothing may be left half done",
            source: "https://www.postgresql.org/docs/current/app-psql.html, ON_ERROR_STOP",
        },
        Trap {
            id: "exec-psql-reads-on",
            when: Condition::Runs(
                "argv",
                CommandLine {
                    programs: &["psql"],
                    has: &[],
                    lacks: &[
                        "-c",
                        "--command",
                        "-f",
                        "--file",
                        "-l",
                        "--list",
                        "ON_ERROR_STOP",
                    ],
                },
            ),
            message: "psql reads what it is to do from its input, goes on after an error in it and exits 0: give \
                          `--set=ON_ERROR_STOP=1`, and `--single-transaction` where nothing may be left half done",
            source: "https://www.postgresql.org/docs/current/app-psql.html, ON_ERROR_STOP",
        },
        Trap {
            id: "exec-pg-restore-goes-on",
            when: Condition::Runs(
                "argv",
                CommandLine {
                    programs: &["pg_restore"],
                    has: &["-d", "--dbname"],
                    lacks: &["-e", "--exit-on-error", "-1", "--single-transaction"],
                },
            ),
            message: "pg_restore goes on after an error and leaves what it could restore: give `--exit-on-error` \
                          or `--single-transaction`, or restore with a store of kind `postgres.dumps`",
            source: "https://www.postgresql.org/docs/current/app-pgrestore.html, --exit-on-error",
        },
        Trap {
            id: "exec-pg-restore-clean",
            when: Condition::Runs(
                "argv",
                CommandLine {
                    programs: &["pg_restore"],
                    has: &["-c", "--clean"],
                    lacks: &[],
                },
            ),
            message: "pg_restore drops what is there before it knows that the dump can be read to its end: \
                          restore into a new database, and say with `destroys` what is lost",
            source: "https://www.postgresql.org/docs/current/app-pgrestore.html, --clean",
        },
    ]
}
