//! Each scenario of the plan, from the check to the end.

use jiff::ToSpan as _;
use salvor_fakes::rds::Origin;
use salvor_fakes::rds::Snapshot;

use crate::world::World;
use crate::world::now;
use crate::world::shop;

const INPUTS: [&str; 2] = ["--inputs", "example.inputs.toml"];

#[test]
fn beside_the_old_one_with_every_setting_of_it() {
    let world = World::new();
    world.salvor(&["check", "."]).ends_with(0);
    world
        .salvor(&[&["plan", ".", "--scenario", "beside"], &INPUTS[..]].concat())
        .ends_with(0)
        .says("instance shop-restored: new");
    world.apply("beside", &[]).ends_with(0);
    world.aws.rds(|rds| {
        let restored = &rds.instances["shop-restored"];
        assert!(
            matches!(restored.origin, Some(Origin::Moment(..))),
            "{:?}",
            restored.origin
        );
        assert_eq!(restored.class, "db.r6g.large");
        assert!(restored.multi_az && restored.has_deletion_protection);
        assert_eq!(restored.security_groups, ["sg-shop"]);
        assert_eq!(restored.parameter_group, "shop-parameters");
    });
}

#[test]
fn the_age_of_the_moment_decides_between_pitr_and_snapshot() {
    let world = World::new();
    let long_ago = now() - (40 * 24).hours();
    world.aws.rds(|rds| {
        rds.add_snapshot(Snapshot::new("rds:shop-long-ago", &shop(), long_ago));
    });
    let later = (long_ago + 1.hours()).to_string();
    world.apply("beside", &["--at", &later]).ends_with(0);
    let origin = world
        .aws
        .rds(|rds| rds.instances["shop-restored"].origin.clone());
    assert_eq!(
        origin,
        Some(Origin::Snapshot("rds:shop-long-ago".to_owned()))
    );
}

#[test]
fn in_the_place_of_the_old_one_which_is_kept() {
    let world = World::new();
    let planned = world
        .salvor(&[&["plan", ".", "--scenario", "in-place"], &INPUTS[..]].concat())
        .ends_with(0)
        .says("is no longer reached by its name: it is kept as shop-replaced");
    world
        .apply("in-place", &["--confirm", &planned.fingerprint()])
        .ends_with(0);
    world.aws.rds(|rds| {
        assert_eq!(rds.instances["shop-replaced"].resource_id, "db-SHOP");
        assert!(rds.instances["shop"].origin.is_some());
        assert_eq!(rds.instances.len(), 2);
    });
}

#[test]
fn a_snapshot_before_an_upgrade_and_its_copy_bring_the_database_to_another_region() {
    let world = World::new();
    world.apply("upgrade", &[]).ends_with(0);
    let copy = world.aws.rds_in("us-west-2", |rds| {
        assert!(rds.instances.is_empty());
        rds.snapshots["shop-before-next"].clone()
    });
    assert_eq!(copy.source_region.as_deref(), Some("us-east-1"));
    // The region is lost.
    world.aws.rds(|rds| rds.instances.clear());
    world
        .salvor(&[&["plan", ".", "--scenario", "elsewhere"], &INPUTS[..]].concat())
        .ends_with(0)
        .says(
            "`security-groups` is named nowhere: AWS takes the default security group of the VPC",
        );
    world.apply("elsewhere", &[]).ends_with(0);
    world.aws.rds_in("us-west-2", |rds| {
        assert!(rds.instances["shop"].multi_az);
    });
}

#[test]
fn every_moment_of_two_weeks_is_kept() {
    let world = World::new();
    world.apply("keep", &[]).ends_with(0);
    let days = world
        .aws
        .rds(|rds| rds.instances["shop"].backup_retention_days);
    assert_eq!(days, 14);
    world
        .apply("keep", &[])
        .ends_with(0)
        .says("1 stay as they are: retention");
}

#[test]
fn the_commands_for_a_person_name_the_settings_of_the_original() {
    let world = World::new();
    for (scenario, words) in [
        (
            "beside",
            "aws rds restore-db-instance-to-point-in-time --region us-east-1",
        ),
        (
            "in-place",
            "--new-db-instance-identifier shop-replaced --apply-immediately",
        ),
        ("upgrade", "aws rds copy-db-snapshot --region us-west-2"),
        ("keep", "--backup-retention-period 14"),
    ] {
        world
            .salvor(&[&["runbook", ".", "--scenario", scenario], &INPUTS[..]].concat())
            .ends_with(0)
            .says(words);
    }
}
