//! Turns tags and events into what is said of them.

use std::collections::BTreeMap;

use jiff::ToSpan as _;

use super::Elements;
use super::Event;
use super::Rds;
use super::describe::name_in;
use super::describe::page;
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

    /// Without a beginning only the last hour is told of, in silence: `Duration` of `DescribeEvents` in the API reference.
    pub(super) fn describe_events(
        &mut self,
        parameters: Parameters<'_>,
    ) -> Result<Elements, Refusal> {
        let source = parameters.text("SourceIdentifier");
        let source_type = parameters.text("SourceType");
        let minutes: i64 = parameters.parsed("Duration")?.unwrap_or(60);
        let hour = self.now.saturating_sub(minutes.minutes());
        let hour = hour.map_err(|_| invalid_value("Duration is out of range"))?;
        let start = parameters.moment("StartTime")?.unwrap_or(hour);
        let end = parameters.moment("EndTime")?.unwrap_or(self.now);
        let is_wanted = |event: &Event| {
            source.is_none_or(|source| source == event.source)
                && source_type.is_none_or(|source_type| source_type == event.source_type)
                && (start..=end).contains(&event.moment)
        };
        // Events have no names, so they go by their places, which stay in order as text.
        let wanted: BTreeMap<String, &Event> = (0..)
            .zip(&self.events)
            .filter(|(_, event)| is_wanted(event))
            .map(|(place, event): (u32, _)| (format!("{place:08}"), event))
            .collect();
        let (places, marker) = page(wanted.keys().cloned().collect(), parameters)?;
        let events = places.iter().map(|place| element(wanted[place]));
        let list = Element::new("Events").children(events);
        Ok([list].into_iter().chain(marker).collect())
    }
}

fn element(event: &Event) -> Element {
    let category = Element::text("EventCategory", &event.category);
    Element::new("Event")
        .with("SourceIdentifier", &event.source)
        .with("SourceType", &event.source_type)
        .with("Message", &event.message)
        .list("EventCategories", [category])
        .moment("Date", event.moment)
}
