//! A server as of a moment, as the provider makes it, in one go less: nobody is let in before the moment is reached
//! (`hot_standby` is off, so the server takes no connection while it replays), and nothing is archived.

use crate::kinds::by_hand::aws;
use crate::kinds::by_hand::programs;

/// The folder of the server's programs: they are in no `PATH` where Debian packages them.
macro_rules! server_programs {
    () => {
        concat!(
            programs!(),
            "{{#unless config.bin}}{{#unless point.is-open}}/usr/lib/postgresql/{{point.details.major}}/bin/{{/unless}}{{/unless}}"
        )
    };
}

/// The folders that a base backup in an object store has lost, since they were empty, and what said how another server
/// ran.
macro_rules! folders {
    () => {
        "(cd {{q with.data}} &&\n\
         rm -f postmaster.pid postmaster.opts standby.signal current_logfiles &&\n\
         mkdir -p pg_commit_ts pg_dynshmem pg_logical/mappings pg_logical/snapshots pg_multixact/members \
         pg_multixact/offsets pg_notify pg_replslot pg_serial pg_snapshots pg_stat pg_stat_tmp pg_subtrans pg_tblspc \
         pg_twophase pg_wal/archive_status pg_xact &&\n\
         touch recovery.signal postgresql.conf pg_ident.conf &&\n\
         { test -s pg_hba.conf || printf '%s\\n' 'local all all peer' 'host all all 127.0.0.1/32 scram-sha-256' > pg_hba.conf; } &&\n\
         ! grep -in '^ *data_directory' postgresql.conf) &&\n"
    };
}

/// What the server reads last. Each target is cleared before the one that counts is given.
macro_rules! settings {
    () => {
        concat!(
            "cat {{#here \" >> \" (q with.data) \"/postgresql.auto.conf &&\"}}",
            "port = '{{with.port}}'\n",
            "listen_addresses = '{{with.listen}}'\n",
            "unix_socket_directories = '{{#if with.socket-dir}}{{with.socket-dir}}{{else}}{{with.data}}{{/if}}'\n",
            "archive_mode = 'off'\n",
            "hot_standby = 'off'\n",
            "max_logical_replication_workers = '0'\n",
            "recovery_target_name = ''\n",
            "recovery_target_xid = ''\n",
            "recovery_target_lsn = ''\n",
            "recovery_end_command = ''\n",
            "archive_cleanup_command = ''\n",
            "primary_conninfo = ''\n",
            "primary_slot_name = ''\n",
            "synchronous_standby_names = ''\n",
            "external_pid_file = ''\n",
            "restore_command = 'for z in \"\" .gz .zst; do {{#if (local store.wal)}}cp{{else}}",
            aws!("s3 cp --only-show-errors"),
            "{{/if}} \"{{folder store.wal}}%f$z\" \"%p$z\" && break; done; case \"$z\" in .gz) gunzip -f \"%p.gz\" ;; \
             .zst) zstd -dqf --rm \"%p.zst\" -o \"%p\" ;; esac; test -s \"%p\"'\n",
            "recovery_target_timeline = '{{#if point.is-open}}{{store.timeline}}{{else}}{{point.details.timeline}}{{/if}}'\n",
            "recovery_target_inclusive = 'on'\n",
            "recovery_target_action = 'promote'\n",
            "{{#if point.details.base-only}}recovery_target_time = ''\nrecovery_target = 'immediate'\n\
             {{else}}recovery_target = ''\nrecovery_target_time = '{{utc point.at}}'\n{{/if}}",
            "logging_collector = 'off'\nlog_destination = 'stderr'\nlc_messages = 'C'\n",
            "{{#each with.settings}}{{@key}} = '{{this}}'\n{{/each}}",
            "{{/here}}\n"
        )
    };
}

/// A server as of a moment.
pub const RESTORE_PITR: [&str; 7] = [
    "{{#if point.is-open}}# Of the base backups in {{store.base}} take the newest that ended before the moment.{{/if}}",
    "# {{with.data}} must not be there. When the server does not start, {{with.data}}/recovery.log says why: remove \
     {{with.data}}, and begin again.",
    concat!(
        "as_server() { if [ \"$(id -u)\" = 0 ]; then runuser -u \
         {{#if config.run-as}}{{q config.run-as}}{{else}}postgres{{/if}} -- \"$@\"; else \"$@\"; fi; }\n",
        "mkdir -m 700 {{q with.data}} &&\n",
        "{{#if (local store.base)}}cp -R {{q (folder store.base)}}{{q point.details.base}}/. {{q with.data}} &&\n{{else}}",
        aws!("s3 cp --recursive --only-show-errors"),
        "{{q (folder store.base)}}{{q point.details.base}}/ {{q with.data}} &&\n{{/if}}",
        server_programs!(),
        "pg_verifybackup --no-parse-wal {{q with.data}} &&\n",
        folders!(),
        settings!(),
        "{ [ \"$(id -u)\" != 0 ] || chown -R {{#if config.run-as}}{{q config.run-as}}{{else}}postgres{{/if}} {{q with.data}}; } &&\n",
        "as_server ",
        server_programs!(),
        "pg_ctl start --wait --timeout=86400 --pgdata={{q with.data}} --log={{q with.data}}/recovery.log &&\n",
        "until LC_ALL=C ",
        server_programs!(),
        "pg_controldata {{q with.data}} | grep 'in production'; do sleep 5; done &&\n",
        "grep 'recovery stopping' {{q with.data}}/recovery.log"
    ),
    "# The last line tells where it stopped: before the first transaction after the moment. It does not archive: give it \
     an archive of its own before it becomes production.",
    "{{#if told.host}}{{told.host}}={{#if (eq with.listen \"*\")}}127.0.0.1{{else}}{{q with.listen}}{{/if}}{{/if}}",
    "{{#if told.port}}{{told.port}}={{q with.port}}{{/if}}",
    "{{#if told.data}}{{told.data}}={{q with.data}}{{/if}}",
];

#[cfg(test)]
mod tests {
    use super::RESTORE_PITR;
    use crate::restore_pitr::copy::EMPTY;
    use crate::restore_pitr::settings::CLEARED;

    /// What the provider does to a copy, a person does too.
    #[test]
    fn no_folder_and_no_setting_is_forgotten() {
        let typed = RESTORE_PITR.concat();
        for folder in EMPTY {
            assert!(typed.contains(&format!(" {folder} ")), "{folder}");
        }
        for setting in CLEARED {
            assert!(typed.contains(&format!("\n{setting} = ''\n")), "{setting}");
        }
    }
}
