//! Turns snapshots and volumes into elements, and lists into the pages that pass a filter.

use std::collections::BTreeMap;

use super::Snapshot;
use super::Volume;
use crate::aws::ACCOUNT;
use crate::operation::Refusal;
use crate::query::Parameters;
use crate::query::invalid_value;
use crate::xml::Element;

impl Snapshot {
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        match name {
            "snapshot-id" => Some(&self.id),
            "volume-id" => Some(&self.volume),
            "status" => Some(self.course.status()),
            "description" => Some(&self.description),
            _ => None,
        }
    }

    pub(super) fn fields(&self, element: Element) -> Element {
        element
            .with("snapshotId", &self.id)
            .with("volumeId", &self.volume)
            .with("status", self.course.status())
            .moment("startTime", self.started)
            .with(
                "progress",
                format!("{}%", self.course.percent().unwrap_or(0)),
            )
            .with("ownerId", ACCOUNT)
            .with("description", &self.description)
            .with("volumeSize", self.size)
            .with("encrypted", self.kms_key.is_some())
            .maybe("kmsKeyId", self.kms_key.as_ref())
            .with("storageTier", "standard")
            .child(tag_set(&self.tags))
    }
}

impl Volume {
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        match name {
            "volume-id" => Some(&self.id),
            "snapshot-id" => Some(self.snapshot.as_deref().unwrap_or_default()),
            "status" => Some(self.course.status()),
            "availability-zone" => Some(&self.zone),
            _ => None,
        }
    }

    pub(super) fn fields(&self, element: Element) -> Element {
        element
            .with("volumeId", &self.id)
            .with("size", self.size)
            .with("snapshotId", self.snapshot.as_deref().unwrap_or_default())
            .with("availabilityZone", &self.zone)
            .with("status", self.course.status())
            .moment("createTime", self.created)
            .with("volumeType", &self.kind)
            .with("encrypted", self.kms_key.is_some())
            .maybe("kmsKeyId", self.kms_key.as_ref())
            .with("multiAttachEnabled", false)
            .child(tag_set(&self.tags))
    }
}

fn tag_set(tags: &BTreeMap<String, String>) -> Element {
    let item = |(key, value)| Element::new("item").with("key", key).with("value", value);
    Element::new("tagSet").children(tags.iter().map(item))
}

/// Returns the tags that a call gives to what it makes.
pub(super) fn specified_tags(parameters: Parameters<'_>, kind: &str) -> BTreeMap<String, String> {
    let is_of_kind =
        |it: &BTreeMap<String, String>| it.get("ResourceType").is_some_and(|text| text == kind);
    let specifications = parameters.structures("TagSpecification");
    let mine = specifications.into_iter().filter(is_of_kind);
    mine.flat_map(|fields| Parameters(&fields).tags("Tag"))
        .collect()
}

/// Returns whether something passes all filters: `tag:KEY`, `tag-key`, and fields of its own.
pub(super) fn passes<'a>(
    filters: &[BTreeMap<String, String>],
    tags: &BTreeMap<String, String>,
    field: impl Fn(&str) -> Option<&'a str>,
) -> Result<bool, Refusal> {
    for filter in filters {
        let name = filter.get("Name").map(String::as_str).unwrap_or_default();
        let values = Parameters(filter).list("Value");
        let is_met = if let Some(key) = name.strip_prefix("tag:") {
            tags.get(key).is_some_and(|value| values.contains(value))
        } else if name == "tag-key" {
            tags.keys().any(|key| values.contains(key))
        } else {
            let message = || invalid_value(format!("The filter '{name}' is invalid"));
            let value = field(name).ok_or_else(message)?;
            values.iter().any(|it| it == value)
        };
        if !is_met {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Returns one page of a list. A token is the number of the items before.
pub(super) fn paged(
    response: &str,
    list: &str,
    items: Vec<Element>,
    parameters: Parameters<'_>,
) -> Result<Element, Refusal> {
    let most: usize = parameters.parsed("MaxResults")?.unwrap_or(1000);
    let before: usize = parameters.parsed("NextToken")?.unwrap_or(0);
    let is_more = items.len() > before.saturating_add(most);
    let page = items.into_iter().skip(before).take(most);
    let next = is_more.then_some(before.saturating_add(most));
    Ok(Element::new(response)
        .list(list, page)
        .maybe("nextToken", next))
}
