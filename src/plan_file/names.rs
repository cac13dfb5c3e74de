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

/// The known names that are most like a written one, when any is like it at all. Several are equally near.
pub fn nearest<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let written: Vec<char> = written.to_lowercase().chars().collect();
    let letters = letters_of(&written);
    let allowed = 1 + written.len() / 4;
    let mut name_chars = Vec::new();
    let mut close: Vec<(usize, &str)> = known
        .into_iter()
        .filter_map(|name| {
            name_chars.clear();
            name_chars.extend(name.chars().flat_map(char::to_lowercase));
            // Most names are no likely ones, which is told without comparing them letter by letter.
            let others = letters_of(&name_chars);
            let missing = (letters & !others)
                .count_ones()
                .max((others & !letters).count_ones());
            let longer = name_chars.len().abs_diff(written.len());
            if (missing as usize).max(longer) > allowed {
                return None;
            }
            let distance = distance(&written, &name_chars);
            (distance <= allowed && distance < name.chars().count()).then_some((distance, name))
        })
        .collect();
    close.sort_unstable();
    close.dedup();
    let Some((least, _)) = close.first().copied() else {
        return Vec::new();
    };
    close
        .into_iter()
        .take_while(|(distance, _)| *distance == least)
        .map(|(_, name)| name)
        .collect()
}

/// The known name that is most like a written one, when one is like it at all.
pub fn similar<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    nearest(written, known).first().copied()
}

/// The characters of a name as a set of bits; several may share one.
fn letters_of(name: &[char]) -> u64 {
    let bits = name.iter().map(|c| 1 << (u32::from(*c) % 64));
    bits.fold(0, |all, bit| all | bit)
}

/// How many characters must be put in, left out, changed or swapped with their neighbour.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut previous: Vec<usize> = (0..=b.len()).collect();
    let (mut before, mut row) = (previous.clone(), previous.clone());
    for (i, x) in a.iter().enumerate() {
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let changed = previous[j] + usize::from(x != y);
            let mut best = changed.min(previous[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                best = best.min(before[j - 1] + 1);
            }
            row[j + 1] = best;
        }
        std::mem::swap(&mut before, &mut previous);
        std::mem::swap(&mut previous, &mut row);
    }
    previous[b.len()]
}

/// Characters that make a text look like another: controls, marks of direction, ends of lines that are none,
/// invisible ones. A plan refuses them; a page and a terminal show that they are there.
pub fn is_deceptive(c: char) -> bool {
    (c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
        || matches!(
            u32::from(c),
            0x00AD
                | 0x061C
                | 0x180E
                | 0x200B..=0x200F
                | 0x2028..=0x202E
                | 0x2060..=0x206F
                | 0xFEFF
                | 0xE0000..=0xE007F
        )
}

/// What a deceptive character does to the text around it.
pub(super) fn deceives_by(c: char) -> &'static str {
    match u32::from(c) {
        0x061C | 0x200E..=0x200F | 0x202A..=0x202E | 0x2066..=0x2069 => {
            "turns the direction of what follows"
        }
        0x00..=0x9F => "acts on a terminal instead of being shown",
        _ => "is there and is not seen",
    }
}

#[cfg(test)]
mod tests {
    use super::is_name;
    use super::nearest;

    #[test]
    fn a_near_miss_is_recognised_and_a_stranger_is_not() {
        let known = ["metadata", "pipelines", "search"];
        assert_eq!(nearest("metdata", known), ["metadata"]);
        assert_eq!(nearest("serach", known), ["search"]);
        assert_eq!(nearest("redis", known), Vec::<&str>::new());
        assert_eq!(nearest("no-b", ["no-a", "no-c"]), ["no-a", "no-c"]);
    }

    #[test]
    fn names_are_plain() {
        assert!(is_name("pre-upgrade-2"));
        for bad in ["", "-a", "A", "a_b", "a.b", "é", "аpp"] {
            assert!(!is_name(bad), "{bad}");
        }
    }
}
