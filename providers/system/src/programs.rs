//! What goes wrong with programs that people take out of runbooks, whoever runs them: a step or a person.

use salvor_contract::CommandLine;
use salvor_contract::Condition;
use salvor_contract::Trap;
use salvor_contract::Word;

/// Traps of programs that the list of words `argv` runs. Nobody reads what they print, so an exit code that says
/// nothing counts as well.
pub(crate) fn traps_of_argv(argv: &'static str) -> Vec<Trap> {
    let all = everywhere().into_iter().chain(unread());
    traps(all, |line| Condition::Runs(argv, line))
}

/// Traps of programs in the lines that a person types, who does not see either what a program is fed that fails.
pub(crate) fn traps_of_lines(lines: &'static str) -> Vec<Trap> {
    let all = everywhere().into_iter().chain([psql_reads_on(true)]);
    traps(all, |line| Condition::Types(lines, line))
}

/// Lines that wait for what another began.
const WAITS: &[CommandLine] = &[CommandLine {
    verb: &["wait"],
    ..CommandLine::of(&["kubectl"])
}];

/// Lines that look at the state itself.
const LOOKS: &[CommandLine] = &[
    CommandLine {
        verb: &["get"],
        ..CommandLine::of(&["kubectl"])
    },
    CommandLine {
        has: &[Word::Is("--describe")],
        ..CommandLine::of(&["kafka-consumer-groups.sh", "kafka-consumer-groups"])
    },
];

/// Lines that take the jobs of an earlier try away.
const DELETES_JOBS: &[CommandLine] = &[CommandLine {
    verb: &["delete", "job"],
    ..CommandLine::of(&["kubectl"])
}];

/// What goes wrong with words, whoever reads them.
pub(crate) fn traps_of_words(id: &'static str, input: &'static str) -> Trap {
    Trap {
        id,
        when: Condition::Says(input, ".rds.amazonaws.com"),
        message: "the endpoint of an RDS instance has a part that AWS chose, and the instance that was restored has \
                  another one than the instance that it stands in for",
        advice: "let the step that restores it answer with Endpoint.Address, and refer to that: {{steps.NAME.answer}}",
        source: "https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_Endpoint.html",
    }
}

/// Id, the line that steps into it, what happens, what to do, where that was read.
type Known = (
    &'static str,
    CommandLine,
    &'static str,
    &'static str,
    &'static str,
);

fn traps(
    known: impl IntoIterator<Item = Known>,
    when: impl Fn(CommandLine) -> Condition,
) -> Vec<Trap> {
    let trap = |(id, line, message, advice, source)| Trap {
        id,
        when: when(line),
        message,
        advice,
        source,
    };
    known.into_iter().map(trap).collect()
}

/// What goes wrong whoever looks.
fn everywhere() -> impl IntoIterator<Item = Known> {
    of_postgres()
        .into_iter()
        .chain(of_clouds())
        .chain(of_clusters())
        .chain(of_backups())
}

fn of_postgres() -> [Known; 3] {
    [
        (
            "psql-goes-on",
            CommandLine {
                has: &[Word::Is("-f"), Word::Is("--file")],
                lacks: &[&[Word::Holds("ON_ERROR_STOP")]],
                ..CommandLine::of(&["psql"])
            },
            "psql goes on after an error in a file and exits 0",
            "give `--set=ON_ERROR_STOP=1`, and `--single-transaction` where nothing may be left half done",
            "https://www.postgresql.org/docs/current/app-psql.html, ON_ERROR_STOP",
        ),
        (
            "pg-restore-goes-on",
            CommandLine {
                has: &[Word::Is("-d"), Word::Is("--dbname")],
                lacks: &[&[
                    Word::Is("-e"),
                    Word::Is("--exit-on-error"),
                    Word::Is("-1"),
                    Word::Is("--single-transaction"),
                ]],
                ..CommandLine::of(&["pg_restore"])
            },
            "pg_restore goes on after an error and leaves what it could restore",
            "give `--exit-on-error` or `--single-transaction`, or restore with a store of kind `postgres.dumps`",
            "https://www.postgresql.org/docs/current/app-pgrestore.html, --exit-on-error",
        ),
        (
            "pg-restore-clean",
            CommandLine {
                has: &[Word::Is("-c"), Word::Is("--clean")],
                ..CommandLine::of(&["pg_restore"])
            },
            "pg_restore drops what is there before it knows that the dump can be read to its end",
            "restore into a new database, and say with `destroys` what is lost",
            "https://www.postgresql.org/docs/current/app-pgrestore.html, --clean",
        ),
    ]
}

fn of_clouds() -> [Known; 3] {
    [
        (
            "rds-restore-defaults",
            CommandLine {
                verb: &["rds"],
                has: &[
                    Word::Is("restore-db-instance-from-db-snapshot"),
                    Word::Is("restore-db-instance-to-point-in-time"),
                ],
                lacks: &[
                    &[Word::Is("--db-subnet-group-name")],
                    &[Word::Is("--vpc-security-group-ids")],
                    &[Word::Is("--db-parameter-group-name")],
                    &[Word::Is("--multi-az"), Word::Is("--no-multi-az")],
                ],
                ..CommandLine::of(&["aws"])
            },
            "what a restore does not say is not taken from the old instance: RDS takes the default subnet group, the \
             default security group, the default parameter group and one zone",
            "say --db-subnet-group-name, --vpc-security-group-ids, --db-parameter-group-name and --multi-az or \
             --no-multi-az",
            "https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_RestoreDBInstanceToPointInTime.html",
        ),
        (
            "cloud-sql-clone-of-the-living",
            CommandLine {
                verb: &["sql", "instances", "clone"],
                lacks: &[&[Word::Is("--source-instance-deletion-time")]],
                ..CommandLine::of(&["gcloud"])
            },
            "a clone names a source that is there: one that was deleted is found only with \
             --source-instance-deletion-time",
            "write the second command down beside the first",
            "https://cloud.google.com/sdk/gcloud/reference/sql/instances/clone, --source-instance-deletion-time",
        ),
        (
            "snapshot-over-an-open-index",
            CommandLine {
                has: &[Word::Holds("/_restore")],
                lacks: &[&[Word::Holds("rename_pattern")]],
                ..CommandLine::of(&["curl"])
            },
            "an open index of the same name refuses the restore, and a fresh cluster does not know the repository",
            "register it first, restore under another name by `rename_pattern`, then move the alias",
            "https://docs.opensearch.org/latest/api-reference/snapshots/restore-snapshot, open indexes; \
             elastic/elasticsearch#45336",
        ),
    ]
}

fn of_clusters() -> [Known; 6] {
    [
        (
            "helm-gives-up",
            CommandLine {
                has: &[Word::Is("--timeout")],
                // With `--wait` its exit code tells; with jobs of hooks it ends before they do.
                lacks: &[&[
                    Word::Is("--wait"),
                    Word::Is("--atomic"),
                    Word::Is("--wait-for-jobs"),
                ]],
                goes_on: true,
                unless: WAITS,
                ..CommandLine::of(&["helm"])
            },
            "helm ends at its `--timeout` while the jobs that it started go on, and a second try meets a release that is \
             pending",
            "let a step of `wait` right after it look at the jobs, so that a run that is resumed finds them again",
            "https://helm.sh/docs/helm/helm_upgrade, --timeout; helm/helm#4558",
        ),
        (
            "log-as-a-check",
            CommandLine {
                verb: &["logs"],
                unless: LOOKS,
                ..CommandLine::of(&["kubectl"])
            },
            "`kubectl logs` ends with 0 whatever the log says, and its tail is what was written last, not what is",
            "look at the state itself, as `kafka-consumer-groups.sh --describe` does for the lag of consumers",
            "https://kubernetes.io/docs/reference/kubectl/generated/kubectl_logs",
        ),
        (
            "scaled-to-zero",
            CommandLine {
                verb: &["scale"],
                has: &[Word::Is("--replicas=0")],
                // All of a namespace at zero is a fence, and stays so until the release is deployed again.
                lacks: &[&[Word::Is("--all")]],
                takes_away: true,
                ..CommandLine::of(&["kubectl"])
            },
            "what is scaled to zero stays there when the run fails",
            "let the step put out the number of before, and scale back to that number in a step that says `finally = \
             true`",
            "https://kubernetes.io/docs/reference/kubectl/generated/kubectl_scale, --current-replicas",
        ),
        (
            "helm-values-in-part",
            CommandLine {
                verb: &["get", "values"],
                lacks: &[&[Word::Is("--all"), Word::Flag('a')]],
                ..CommandLine::of(&["helm"])
            },
            "without `--all` only what was given by hand is recorded, and neither way chart and version",
            "record `helm get values --all`, and what `helm list` says of chart and version",
            "https://helm.sh/docs/helm/helm_get_values, --all",
        ),
        (
            "velero-newest-of-schedule",
            CommandLine {
                has: &[Word::Holds("scheduleName: "), Word::Is("--from-schedule")],
                lacks: &[&[Word::Holds("backupName: "), Word::Is("--from-backup")]],
                ..CommandLine::of(&["kubectl", "velero"])
            },
            "a schedule stands for its newest backup, whatever moment everything else is brought to",
            "name the backup, and state its moment as the store's point, so that the skew is judged",
            "https://velero.io/docs/main/api-types/restore, scheduleName",
        ),
        (
            "manifest-without-name",
            CommandLine {
                has: &[Word::Holds("\nmetadata:\nname:")],
                ..CommandLine::of(&["kubectl"])
            },
            "nothing stands below `metadata:`, `name` stands beside it: the object has no name, and the API server \
             refuses it",
            "indent what belongs to `metadata` and `spec`",
            "https://kubernetes.io/docs/concepts/overview/working-with-objects, required fields",
        ),
    ]
}

fn of_backups() -> [Known; 4] {
    [
        (
            "any-backup-will-do",
            CommandLine {
                has: &[Word::Holds(".spec.storageLocation")],
                lacks: &[&[
                    Word::Holds("schedule-name"),
                    Word::Holds("scheduleName"),
                    Word::Holds(".metadata.name =="),
                ]],
                ..CommandLine::of(&["jq"])
            },
            "any backup of the location counts, also one that is not the wanted one: what waits for it goes on too early",
            "ask for the backup by its name, or for those of its schedule: velero.io/schedule-name",
            "https://velero.io/docs/main/api-types/backup, metadata.labels",
        ),
        (
            "markers-of-a-first-try",
            CommandLine {
                has: &[Word::Holds("restoreFromBackup.inPlace=true")],
                unless: DELETES_JOBS,
                ..CommandLine::of(&["helm"])
            },
            "the jobs of an in-place restore stay behind as markers: a second try finds them, restores nothing and ends well",
            "delete them in a line before it: kubectl delete job hopsfs-inplace-restore-ID restore-native-backup-ID \
             setup-mysqld-dont-remove-ID --ignore-not-found",
            "Hopsworks documentation, disaster recovery, in-place restore: running it again",
        ),
        (
            "velero-writes-where-it-restores",
            CommandLine {
                verb: &["backup-location", "create"],
                lacks: &[&[Word::Is("--access-mode")]],
                ..CommandLine::of(&["velero"])
            },
            "Velero overwrites and deletes files of a location that it may write to: during a restore that takes backups \
             away, and under a lock of the whole bucket its own backups fail",
            "say --access-mode=ReadOnly until the restore is done, and lock versions, never the bucket",
            "https://velero.io/docs/main/disaster-case, read-only mode; velero/velero-plugin-for-aws, object lock",
        ),
        (
            "hold-by-who-may-append",
            CommandLine {
                has: &[
                    Word::Is("put-object-legal-hold"),
                    Word::Is("put-object-retention"),
                ],
                lacks: &[&[Word::Is("--profile")]],
                ..CommandLine::of(&["aws"])
            },
            "who may only append to a bucket of backups may place no hold: the line fails with the role that writes them",
            "name the role for it, which nobody else has: --profile NAME",
            "https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-managing.html, permissions",
        ),
    ]
}

/// What goes wrong where nobody reads what is printed.
fn unread() -> [Known; 3] {
    [
        (
            "shell-pipe",
            CommandLine {
                has: &[Word::Holds(" | ")],
                lacks: &[&[Word::Holds("pipefail")]],
                ..CommandLine::of(&["sh", "bash", "dash", "zsh", "ksh"])
            },
            "a pipeline in a shell's text ends as its last program does, whatever happened before it; values that are \
             put into the text are read as text of the shell",
            "run each program in a step of its own, or give the text to `bash` (`sh` of Debian 12 has no pipefail), \
             begin it with `set -euo pipefail`, and give values as arguments or environment",
            "POSIX.1-2024, Shell Command Language, 2.9.2 Pipelines; experiment with dash 0.5.12",
        ),
        psql_reads_on(false),
        (
            "curl-ends-well",
            CommandLine {
                lacks: &[&[
                    Word::Flag('f'),
                    Word::Is("--fail"),
                    Word::Is("--fail-with-body"),
                    Word::Is("-w"),
                    Word::Is("--write-out"),
                ]],
                ..CommandLine::of(&["curl"])
            },
            "curl ends with 0 when the server refuses",
            "give `--fail-with-body`, or look by `http.check`",
            "https://curl.se/docs/manpage.html, --fail",
        ),
    ]
}

/// A person sees what psql prints, and not that what feeds it has failed.
fn psql_reads_on(is_fed: bool) -> Known {
    (
        "psql-reads-on",
        CommandLine {
            lacks: &[&[
                Word::Flag('c'),
                Word::Is("--command"),
                Word::Is("-f"),
                Word::Is("--file"),
                Word::Is("-l"),
                Word::Is("--list"),
                Word::Holds("ON_ERROR_STOP"),
            ]],
            is_fed,
            ..CommandLine::of(&["psql"])
        },
        "psql reads what it is to do from its input, goes on after an error in it and exits 0",
        "give `--set=ON_ERROR_STOP=1`, and `--single-transaction` where nothing may be left half done",
        "https://www.postgresql.org/docs/current/app-psql.html, ON_ERROR_STOP",
    )
}
