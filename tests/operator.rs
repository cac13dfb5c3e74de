//! What the person at the terminal sees and can do: every verb in every state of a run, through the binary.

#[path = "operator/adopting.rs"]
mod adopting;
#[path = "operator/against.rs"]
mod against;
#[path = "operator/asking.rs"]
mod asking;
#[path = "operator/bounding.rs"]
mod bounding;
#[path = "operator/confirming.rs"]
mod confirming;
#[path = "operator/damaged.rs"]
mod damaged;
#[path = "operator/deciding.rs"]
mod deciding;
#[path = "operator/doctoring.rs"]
mod doctoring;
#[path = "operator/files.rs"]
mod files;
#[path = "operator/giving_up.rs"]
mod giving_up;
#[path = "operator/hostile.rs"]
mod hostile;
#[path = "operator/looking.rs"]
mod looking;
#[path = "operator/many_steps.rs"]
mod many_steps;
#[path = "operator/others.rs"]
mod others;
#[path = "operator/outliving.rs"]
mod outliving;
#[path = "operator/panics.rs"]
mod panics;
#[path = "operator/places.rs"]
mod places;
#[path = "operator/racing.rs"]
mod racing;
#[path = "operator/refusing.rs"]
mod refusing;
#[path = "operator/retrying.rs"]
mod retrying;
#[path = "operator/stating.rs"]
mod stating;
#[path = "operator/secrets.rs"]
mod secrets;
#[path = "operator/streams.rs"]
mod streams;
mod support;
#[path = "operator/telling.rs"]
mod telling;
#[path = "operator/transcripts.rs"]
mod transcripts;
#[path = "operator/typing.rs"]
mod typing;
#[path = "operator/under_way.rs"]
mod under_way;
#[path = "../providers/system/tests/support/mod.rs"]
#[expect(dead_code, reason = "its own tests use more of its answers")]
mod web;
#[path = "operator/wishing.rs"]
mod wishing;
