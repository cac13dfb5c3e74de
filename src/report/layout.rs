//! Columns and wrapping for a terminal, measured in columns of text. No colour, no tables' borders.

use unicode_width::UnicodeWidthChar;
use unicode_width::UnicodeWidthStr;

/// Text that came from a service or a plan, without what could move the cursor of a terminal.
pub(super) fn plain(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_control() && c != '\n' {
                '\u{fffd}'
            } else {
                c
            }
        })
        .collect()
}

/// The same for a text that must not begin a line of its own: what a person or a service wrote in several lines could
/// be read as one of ours.
pub(super) fn one_line(text: &str) -> String {
    plain(&text.replace(['\n', '\r', '\t'], " "))
}

/// Rows with all columns but the last padded to a common width and the last one wrapped under itself. A
/// column is never given more than `column_max`; what is longer moves the rest of its row to the next line.
pub(super) fn rows(rows: &[Vec<String>], indent: usize, width: usize) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let column_max = width / 2;
    let widths: Vec<usize> = (0..columns)
        .map(|column| {
            let cells = rows
                .iter()
                .filter_map(|row| row.get(column))
                .map(|cell| cell.width());
            cells
                .filter(|width| *width <= column_max)
                .max()
                .unwrap_or(0)
        })
        .collect();
    let mut text = String::new();
    for row in rows {
        let mut line = " ".repeat(indent);
        let mut at = indent;
        for (column, cell) in row.iter().enumerate() {
            if column + 1 == row.len() {
                text.push_str(&wrapped(&line, cell, at, width));
                break;
            }
            line.push_str(cell);
            let pad = (widths[column] + 2).saturating_sub(cell.width());
            at += widths[column] + 2;
            if pad >= 2 || cell.width() <= widths[column] {
                line.push_str(&" ".repeat(pad));
            } else {
                text.push_str(line.trim_end());
                text.push('\n');
                line = " ".repeat(at);
            }
        }
    }
    text
}

/// A text behind a first line's beginning, wrapped at words, further lines indented by `hang` columns.
pub(super) fn wrapped(begin: &str, text: &str, hang: usize, width: usize) -> String {
    let mut result = String::new();
    let mut line = begin.to_owned();
    let mut is_begun = false;
    for word in text.split_whitespace() {
        let space = usize::from(is_begun);
        if is_begun && line.width() + space + word.width() > width {
            result.push_str(line.trim_end());
            result.push('\n');
            line = " ".repeat(hang);
            line.push_str(word);
            continue;
        }
        if is_begun {
            line.push(' ');
        }
        line.push_str(word);
        is_begun = true;
    }
    result.push_str(line.trim_end());
    result.push('\n');
    result
}

/// The first columns of a text, with an ellipsis when something is cut off.
pub(super) fn cut(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let mut used = 1;
    let kept = text.chars().take_while(|c| {
        used += c.width().unwrap_or(0);
        used <= columns
    });
    let mut short: String = kept.collect();
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use super::cut;
    use super::rows;

    #[test]
    fn columns_are_padded_and_the_last_one_wraps_under_itself() {
        let table = [["a", "one", "words that do not fit"], ["bbb", "four", "x"]];
        let table: Vec<Vec<String>> = table
            .iter()
            .map(|row| row.iter().map(|cell| (*cell).to_owned()).collect())
            .collect();
        assert_eq!(
            rows(&table, 2, 26),
            "  a    one   words that do\n             not fit\n  bbb  four  x\n"
        );
        assert_eq!(cut("abcdef", 4), "abc…");
    }
}
