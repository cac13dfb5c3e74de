//! Turns what several resources have into the elements that they share.

use std::collections::BTreeMap;

use super::RestoreWindow;
use crate::xml::Element;

/// Returns the list of tags.
pub(super) fn tags(tags: &BTreeMap<String, String>) -> Element {
    let tag = |(key, value)| Element::new("Tag").with("Key", key).with("Value", value);
    Element::new("TagList").children(tags.iter().map(tag))
}

/// Returns the list of security groups.
pub(super) fn security_groups(groups: &[String]) -> Element {
    let membership = |group| {
        Element::new("VpcSecurityGroupMembership")
            .with("VpcSecurityGroupId", group)
            .with("Status", "active")
    };
    Element::new("VpcSecurityGroups").children(groups.iter().map(membership))
}

/// Returns the list of zones of a cluster.
pub(super) fn zones(region: &str) -> Element {
    let mut zones = Element::new("AvailabilityZones");
    for zone in ["a", "b", "c"] {
        zones = zones.with("AvailabilityZone", format!("{region}{zone}"));
    }
    zones
}

/// Adds the moments that can be restored, where there are any.
pub(super) fn restore_window(backup: Element, window: Option<RestoreWindow>) -> Element {
    let Some(RestoreWindow { earliest, latest }) = window else {
        return backup;
    };
    let window = Element::new("RestoreWindow")
        .moment("EarliestTime", earliest)
        .moment("LatestTime", latest);
    backup.child(window)
}
