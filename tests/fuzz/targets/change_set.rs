//! Saved change sets: nothing but the bytes that were written is taken.

use salvor::change_set::ChangeSet;
use salvor::change_set::from_bytes;
use salvor::change_set::to_bytes;
use salvor::digest::Digest;
use salvor::report::Look;
use salvor::report::change_set_markdown;
use salvor::report::change_set_text;

use super::Bound;
use super::Target;

/// Saved change sets: a file as it is, or what is inside, whose digest is then made right.
pub const TARGET: Target = Target {
    name: "change_set",
    check,
    besides: &[],
    words: &[
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "\"",
        "null",
        "true",
        "false",
        "{}",
        "[]",
        "\"\"",
        "\"format\":1",
        "\"$template\"",
        "\"$secret\":\"env:A\"",
        "\\u0000",
        "\\ud800",
        "\"steps\":[]",
        "\"needs\":[\"a\"]",
        "é",
        " ",
        "\n",
    ],
    count: 1_000,
    size_max: 64 * 1024,
    memory: Bound {
        base: 256 << 10,
        per_byte: 60,
    },
    work: Bound {
        base: 1_000,
        per_byte: 4,
    },
};

fn check(input: &[u8]) -> bool {
    let is_taken = demand_exact(input);
    let body = input.strip_suffix(b"\n").unwrap_or(input);
    let body = match body
        .windows(14)
        .position(|window| window == b"\"change-set\":{")
    {
        Some(at) => body[at + 13..]
            .strip_suffix(b"}")
            .unwrap_or(&body[at + 13..]),
        None => body,
    };
    let head = format!(
        "{{\"digest\":\"{}\",\"change-set\":",
        Digest::of_bytes(body)
    );
    demand_exact(&[head.as_bytes(), body, b"}\n"].concat()) || is_taken
}

fn demand_exact(file: &[u8]) -> bool {
    let Ok(change_set) = from_bytes(file) else {
        return false;
    };
    let written = to_bytes(&change_set).expect("what was read can be written");
    assert!(written == file, "other bytes than those that were read");
    told(&change_set);
    true
}

fn told(change_set: &ChangeSet) {
    let look = Look {
        width: 100,
        zone: None,
        with_details: true,
    };
    let _ = (
        change_set_text(change_set, &[], &look),
        change_set_markdown(change_set, &[], &look),
    );
}
