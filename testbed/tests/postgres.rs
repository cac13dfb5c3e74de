//! Every version of PostgreSQL that can be had starts, archives, is backed up, crashes and recovers.

use anyhow::Result;
use salvor_testbed::Postgres;
use salvor_testbed::PostgresVersion;
use salvor_testbed::WalInBackup;
use salvor_testbed::require;

/// Archives and backs up, starts the backup beside the source, then crashes the source and starts it again.
fn check(version: PostgresVersion) -> Result<()> {
    let builder = Postgres::builder(version)
        .archive()
        .wal_segment_mebibytes(1);
    let Some(mut source) = require(builder.start()) else {
        return Ok(());
    };
    let major = source.psql("postgres", "show server_version_num")?;
    assert!(major.starts_with(&version.major().to_string()), "{major}");
    source.psql(
        "postgres",
        "create table t(id int); insert into t select generate_series(1, 3)",
    )?;

    let backup = source.directory().join("backups/first");
    source.base_backup(&backup, WalInBackup::Included)?;
    source.psql("postgres", "insert into t values (4)")?;
    let segment = source.archive_all()?;
    let archived = source.archive_dir().expect("it archives").join(&segment);
    assert_eq!(std::fs::metadata(&archived)?.len(), 1 << 20, "{segment}");

    let copy = Postgres::builder(version).existing_data(&backup).start()?;
    assert_ne!(copy.port(), source.port());
    assert_eq!(copy.psql("postgres", "select count(*) from t")?, "3");
    assert_eq!(copy.psql("postgres", "show archive_mode")?, "off");
    drop(copy);

    source.kill()?;
    assert!(!source.is_running()?);
    assert!(source.psql("postgres", "select 1").is_err());
    source.start()?;
    assert_eq!(source.psql("postgres", "select count(*) from t")?, "4");
    source.stop()?;
    assert!(!source.is_running()?);
    Ok(())
}

#[test]
fn postgresql_15_archives_is_backed_up_and_recovers_from_a_crash() -> Result<()> {
    check(PostgresVersion::V15)
}

#[test]
fn postgresql_16_archives_is_backed_up_and_recovers_from_a_crash() -> Result<()> {
    check(PostgresVersion::V16)
}

#[test]
fn postgresql_18_archives_is_backed_up_and_recovers_from_a_crash() -> Result<()> {
    check(PostgresVersion::V18)
}

#[test]
fn settings_reach_the_server_as_they_are_written() -> Result<()> {
    let builder = Postgres::builder(PostgresVersion::V15)
        .wal_segment_mebibytes(1)
        .setting("cluster_name", "it's \\ 100%")
        .setting("max_connections", "7");
    let Some(server) = require(builder.start()) else {
        return Ok(());
    };
    assert_eq!(
        server.psql("postgres", "show cluster_name")?,
        "it's \\ 100%"
    );
    assert_eq!(server.psql("postgres", "show max_connections")?, "7");
    let error = server
        .psql("postgres", "select 1; select nothing")
        .expect_err("no such column");
    assert!(
        format!("{error:#}").contains("column \"nothing\" does not exist"),
        "{error:#}"
    );
    let error = server
        .wait_until_archived("000000010000000000000001")
        .expect_err("it does not archive");
    assert!(
        format!("{error:#}").contains("does not archive"),
        "{error:#}"
    );
    Ok(())
}

#[test]
fn a_kept_cluster_is_found_again() -> Result<()> {
    let folder = tempfile::Builder::new()
        .prefix("salvor-testbed-kept-")
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .tempdir()?;
    let builder = Postgres::builder(PostgresVersion::V15)
        .directory(folder.path())
        .wal_segment_mebibytes(1);
    let Some(first) = require(builder.clone().start()) else {
        return Ok(());
    };
    first.psql("postgres", "create table kept()")?;
    drop(first);
    let second = builder.start()?;
    assert_eq!(second.psql("postgres", "select count(*) from kept")?, "0");
    Ok(())
}

#[test]
fn a_whole_segment_is_noted_before_the_switch_returns() -> Result<()> {
    // The wait for the archiver rests on this, so it is checked where the note stays: the archiver fails.
    for version in PostgresVersion::ALL {
        let builder = Postgres::builder(version)
            .wal_segment_mebibytes(1)
            .setting("archive_mode", "on")
            .setting("archive_command", "test %f = nothing");
        let Some(server) = require(builder.start()) else {
            return Ok(());
        };
        let note = server.switch_wal()? + ".ready";
        assert!(
            server
                .data_dir()
                .join("pg_wal/archive_status")
                .join(note)
                .exists()
        );
    }
    Ok(())
}
