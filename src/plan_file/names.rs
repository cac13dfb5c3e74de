//! The names that a plan gives, and suggestions for those that it gets wrong.

/// The longest name that a plan can give.
pub const NAME_LENGTH_MAX: usize = 63;

/// True for a name that a plan can give: `[a-z0-9][a-z0-9-]*`, at most [`NAME_LENGTH_MAX`] long.
///
/// Such a name is safe in a path, a resource name and an argument, and no two of them look alike.
pub fn is_name(text: &str) -> bool {
    text.len() <= NAME_LENGTH_MAX
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && text.bytes().next().is_some_and(|b| b != b'-')
}

/// The known name that is most like a written one, when one is like it at all.
pub fn similar<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = 1 + written.chars().count() / 4;
    let close = known
        .into_iter()
        .map(|name| (distance(written, name), name))
        .filter(|(distance, _)| *distance <= allowed)
        .min();
    close.map(|(_, name)| name)
}

/// How many characters must be put in, left out, changed or swapped with their neighbour.
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.to_lowercase().chars().collect();
    let b: Vec<char> = b.to_lowercase().chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut previous: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let changed = previous[j] + usize::from(x != y);
            let mut best = changed.min(previous[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                best = best.min(before[j - 1] + 1);
            }
            row.push(best);
        }
        before = previous;
        previous = row;
    }
    previous[b.len()]
}

/// Characters that make a text look like another: controls, marks of direction, invisible ones.
pub(super) fn is_deceptive(c: char) -> bool {
    (c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
        || matches!(
            u32::from(c),
            0x00AD
                | 0x061C
                | 0x180E
                | 0x200B..=0x200F
                | 0x202A..=0x202E
                | 0x2060..=0x2069
                | 0xFEFF
                | 0xE0000..=0xE007F
        )
}

#[cfg(test)]
mod tests {
    use super::is_name;
    use super::similar;

    #[test]
    fn a_near_miss_is_recognised_and_a_stranger_is_not() {
        let known = ["metadata", "pipelines", "search"];
        assert_eq!(similar("metdata", known), Some("metadata"));
        assert_eq!(similar("serach", known), Some("search"));
        assert_eq!(similar("redis", known), None);
    }

    #[test]
    fn names_are_plain() {
        assert!(is_name("pre-upgrade-2"));
        for bad in ["", "-a", "A", "a_b", "a.b", "é", "аpp"] {
            assert!(!is_name(bad), "{bad}");
        }
    }
}
