//! What a program prints, kept within a limit: the beginning and the end of it, and the last line.

use std::collections::VecDeque;

use crate::redaction::Redaction;

/// Half of what is kept of one stream; 64 KiB in all.
const HALF: usize = 32 * 1024;

/// What is kept of one line, in bytes, for progress.
const LINE_MAX: usize = 300;

/// The beginning and the end of a stream.
#[derive(Debug, Default)]
pub(crate) struct Captured {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    left_out: u64,
    line: Vec<u8>,
}

impl Captured {
    /// Takes the next bytes; gives the last whole line in them that is not blank.
    pub(crate) fn take(&mut self, bytes: &[u8]) -> Option<String> {
        let (head, rest) = bytes.split_at(bytes.len().min(HALF - self.head.len()));
        self.head.extend_from_slice(head);
        self.tail.extend(rest);
        let over = self.tail.len().saturating_sub(HALF);
        self.tail.drain(..over);
        self.left_out += over as u64;
        let mut last = None;
        // A program that writes no lines may write much: its bytes are not looked at one by one.
        if !bytes.contains(&b'\n') && !bytes.contains(&b'\r') {
            let room = LINE_MAX.saturating_sub(self.line.len());
            self.line.extend_from_slice(&bytes[..bytes.len().min(room)]);
            return None;
        }
        for byte in bytes {
            // A carriage return alone is how progress bars begin their line again.
            if matches!(byte, b'\n' | b'\r') {
                let line = plain(&self.line);
                last = Some(line).filter(|line| !line.is_empty()).or(last);
                self.line.clear();
            } else if self.line.len() < LINE_MAX {
                self.line.push(*byte);
            }
        }
        last
    }

    /// All that was kept, as text without secrets, with the number of bytes that are missing in the middle.
    pub(crate) fn text(&self, redaction: &Redaction) -> String {
        let tail: Vec<u8> = self.tail.iter().copied().collect();
        if self.left_out == 0 {
            let bytes = [self.head.as_slice(), tail.as_slice()].concat();
            return redaction.whole(&String::from_utf8_lossy(&bytes));
        }
        format!(
            "{}\n… {} bytes left out …\n{}",
            redaction.before_cut(&String::from_utf8_lossy(&self.head)),
            self.left_out,
            redaction.after_cut(&String::from_utf8_lossy(&tail)),
        )
    }

    /// True when nothing is missing.
    pub(crate) fn is_whole(&self) -> bool {
        self.left_out == 0
    }
}

/// A line without control characters, which could steer the terminal that shows it.
pub(crate) fn plain(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let shown: String = text.chars().filter(|c| !c.is_control()).collect();
    shown.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::Captured;
    use super::HALF;
    use crate::redaction::Redaction;

    #[test]
    fn beginning_and_end_are_kept() {
        let mut captured = Captured::default();
        captured.take(&vec![b'a'; HALF]);
        captured.take(&[b'z'; 1000]);
        captured.take(&vec![b'c'; HALF]);
        let text = captured.text(&Redaction::default());
        assert!(text.starts_with("aaa") && text.ends_with("ccc"));
        assert!(text.contains("\n… 1000 bytes left out …\n") && !text.contains('z'));
        assert!(!captured.is_whole());
    }

    #[test]
    fn the_last_line_is_given_without_what_could_steer_a_terminal() {
        let mut captured = Captured::default();
        assert_eq!(captured.take(b"one\n\x1b[31mtw"), Some("one".to_owned()));
        assert_eq!(captured.take(b"o\x07\n\n"), Some("[31mtwo".to_owned()));
        assert_eq!(captured.take(b"rest"), None);
    }
}
