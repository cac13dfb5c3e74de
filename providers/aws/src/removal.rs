//! Removing what a run made, and nothing else: what does not carry its mark is left alone.

use salvor_aws_client::Failure;
use salvor_aws_client::of_request;
use salvor_contract::Call;
use salvor_contract::Error;
use salvor_contract::Removal;

use crate::client::Service;
use crate::database;
use crate::database::Database;
use crate::made::Looks as _;
use crate::made::Made as _;
use crate::made::gone;
use crate::made::until;
use crate::mark::Mark;
use crate::mark::Whose;
use crate::requests::modify;
use crate::settings::Settings;
use crate::snapshots;
use crate::state::State;
use crate::subject::Kind;
use crate::subject::Subject;

/// Removes a database with its instances and its automated backups, without a last snapshot.
pub(crate) async fn remove_database(
    service: &Service,
    target: &Subject,
    mark: &Mark,
    call: &Call<'_>,
) -> Result<Removal, Error> {
    let subject = target;
    let watched = database::Watched { service, subject };
    let Some(found) = watched.look().await? else {
        return Ok(Removal::NothingThere);
    };
    if let Whose::Others(whose) = mark.whose(&found.tags) {
        return Ok(Removal::NotOurs(format!("{target}, {whose}")));
    }
    let what = format!("{target} ({})", found.resource_id);
    if found.state() != State::Going {
        unprotect(service, &found, call).await?;
        for (member, _) in &found.members {
            let instance = Subject {
                kind: Kind::Instance,
                name: member.clone(),
            };
            delete(service, &instance)
                .await
                .map_err(Failure::of_change)?;
            let subject = &instance;
            gone(&database::Watched { service, subject }, call).await?;
        }
        delete(service, target).await.map_err(Failure::of_change)?;
    }
    gone(&watched, call).await?;
    Ok(Removal::Removed(what))
}

/// Removes a snapshot.
pub(crate) async fn remove_snapshot(
    service: &Service,
    target: &Subject,
    mark: &Mark,
    call: &Call<'_>,
) -> Result<Removal, Error> {
    let subject = target;
    let watched = snapshots::Watched { service, subject };
    let Some(found) = watched.look().await? else {
        return Ok(Removal::NothingThere);
    };
    let what = format!("snapshot {}", target.name);
    if let Whose::Others(whose) = mark.whose(&found.tags) {
        return Ok(Removal::NotOurs(format!("{what}, {whose}")));
    }
    if found.state() != State::Going {
        let doing = format!("remove the {what}");
        let changes = &service.changes;
        let sent = match target.kind {
            Kind::Instance => changes
                .delete_db_snapshot()
                .db_snapshot_identifier(&target.name)
                .send()
                .await
                .map(|_| ())
                .map_err(|error| of_request(&doing, error)),
            Kind::Cluster => changes
                .delete_db_cluster_snapshot()
                .db_cluster_snapshot_identifier(&target.name)
                .send()
                .await
                .map(|_| ())
                .map_err(|error| of_request(&doing, error)),
        };
        sent.map_err(Failure::of_change)?;
    }
    gone(&watched, call).await?;
    Ok(Removal::Removed(what))
}

/// The protection was the original's; the copy has it because all settings were taken over.
async fn unprotect(service: &Service, found: &Database, call: &Call<'_>) -> Result<(), Error> {
    if found.settings.deletion_protection != Some(true) {
        return Ok(());
    }
    let off = Settings {
        deletion_protection: Some(false),
        ..Settings::default()
    };
    modify(service, &found.subject, &off)
        .await
        .map_err(Failure::of_change)?;
    let subject = &found.subject;
    let is_off = |seen: &Database| seen.settings.deletion_protection != Some(true);
    until(&database::Watched { service, subject }, is_off, None, call).await?;
    Ok(())
}

async fn delete(service: &Service, target: &Subject) -> Result<(), Failure> {
    let doing = format!("remove the {target}");
    let sent = match target.kind {
        Kind::Instance => service
            .changes
            .delete_db_instance()
            .db_instance_identifier(&target.name)
            .skip_final_snapshot(true)
            .delete_automated_backups(true)
            .send()
            .await
            .map(|_| ())
            .map_err(|error| of_request(&doing, error)),
        Kind::Cluster => service
            .changes
            .delete_db_cluster()
            .db_cluster_identifier(&target.name)
            .skip_final_snapshot(true)
            .delete_automated_backups(true)
            .send()
            .await
            .map(|_| ())
            .map_err(|error| of_request(&doing, error)),
    };
    match sent {
        Err(failure)
            if failure.is("DBInstanceNotFound") || failure.is("DBClusterNotFoundFault") =>
        {
            Ok(())
        }
        sent => sent,
    }
}
