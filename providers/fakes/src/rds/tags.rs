//! Turns tags and events into what is said of them.

use std::collections::BTreeMap;

use super::Elements;
use super::Event;
use super::Rds;
use super::describe::name_in;
use super::refuse;
use super::shape;
use crate::operation::Refusal;
use crate::query::Parameters;
use crate::query::invalid_value;
use crate::xml::Element;

impl Rds {
    pub(super) fn list_tags(&mut self, parameters: Parameters<'_>) -> Result<Elements, Refusal> {
        let tags = self.tags_of(parameters.required("ResourceName")?)?;
        Ok(vec![shape::tags(tags)])
    }

    pub(super) fn add_tags(&mut self, parameters: Parameters<'_>) -> Result<Elements, Refusal> {
        let added = parameters.tags("Tags");
        self.tags_of(parameters.required("ResourceName")?)?
            .extend(added);
        Ok(Vec::new())
    }

    fn tags_of(&mut self, arn: &str) -> Result<&mut BTreeMap<String, String>, Refusal> {
        let kind = arn.split(':').nth(5).unwrap_or_default();
        let id = name_in(arn);
        let message = format!("{arn} not found.");
        let (tags, code) = match kind {
            "db" => {
                let found = self.instances.get_mut(id).map(|it| &mut it.tags);
                (found, "DBInstanceNotFound")
            }
            "cluster" => {
                let found = self.clusters.get_mut(id).map(|it| &mut it.tags);
                (found, "DBClusterNotFoundFault")
            }
            "snapshot" => {
                let found = self.snapshots.get_mut(id).map(|it| &mut it.tags);
                (found, "DBSnapshotNotFound")
            }
            "cluster-snapshot" => {
                let found = self.cluster_snapshots.get_mut(id).map(|it| &mut it.tags);
                (found, "DBClusterSnapshotNotFoundFault")
            }
            _ => return Err(invalid_value(format!("Invalid resource name: {arn}"))),
        };
        tags.ok_or_else(|| refuse(code, message))
    }

    pub(super) fn describe_events(
        &mut self,
        parameters: Parameters<'_>,
    ) -> Result<Elements, Refusal> {
        let source = parameters.text("SourceIdentifier");
        let source_type = parameters.text("SourceType");
        let is_wanted = |event: &&Event| {
            source.is_none_or(|source| source == event.source)
                && source_type.is_none_or(|source_type| source_type == event.source_type)
        };
        let element = |event: &Event| {
            Element::new("Event")
                .with("SourceIdentifier", &event.source)
                .with("SourceType", &event.source_type)
                .with("Message", &event.message)
                .list(
                    "EventCategories",
                    [Element::text("EventCategory", &event.category)],
                )
                .moment("Date", event.moment)
        };
        let events = self.events.iter().filter(is_wanted).map(element);
        Ok(vec![Element::new("Events").children(events)])
    }
}
