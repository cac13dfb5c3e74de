//! Reads one file of a plan as text, and tells where in it that cannot go on. What the text says is for others.

use std::io::Read as _;
use std::path::Path;

use crate::plan_file::code::Code;

/// The longest file that is read.
pub const FILE_MAX_BYTES: u64 = 1024 * 1024;

/// Why a file was not read. There is no help where its name is what can be wrong.
pub(super) struct Unread {
    /// The kind of problem.
    pub(super) code: Code,
    /// What is wrong with the file, a fragment.
    pub(super) why: String,
    /// One imperative sentence.
    pub(super) help: Option<&'static str>,
}

/// The text of a file.
pub(super) fn read_text(path: &Path) -> Result<String, Unread> {
    let nowhere = |why: String| Unread {
        code: Code::FileNotReadable,
        why,
        help: None,
    };
    let failed = |error: std::io::Error| match error.kind() == std::io::ErrorKind::NotFound {
        true => nowhere("there is no such file".to_owned()),
        false => nowhere(error.to_string()),
    };
    let metadata = std::fs::metadata(path).map_err(failed)?;
    if !metadata.is_file() {
        return Err(nowhere("this is not a file".to_owned()));
    }
    let file = std::fs::File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    file.take(FILE_MAX_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() as u64 > FILE_MAX_BYTES {
        let at = place_of(&bytes, bytes.len() - 1);
        return Err(Unread {
            code: Code::FileTooLarge,
            why: format!("longer than {FILE_MAX_BYTES} bytes, which end at {at}"),
            help: Some(
                "put parts of it into files of their own, which `include` in plan.toml names",
            ),
        });
    }
    String::from_utf8(bytes).map_err(|error| {
        let first = error.utf8_error().valid_up_to();
        let at = place_of(error.as_bytes(), first);
        let byte = error.as_bytes().get(first).copied().unwrap_or_default();
        Unread {
            code: Code::FileNotReadable,
            why: format!("{at} is 0x{byte:02X}, which is not UTF-8 text"),
            help: Some("save the file as UTF-8, or write what stands there in letters of ASCII"),
        }
    })
}

/// The line of a byte and which of its bytes it is, both counted from 1: `line 3, byte 8`.
fn place_of(bytes: &[u8], index: usize) -> String {
    let before = bytes.get(..index).unwrap_or_default();
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    let behind = before.iter().rev().take_while(|byte| **byte != b'\n');
    format!("line {line}, byte {}", behind.count() + 1)
}

#[cfg(test)]
mod tests {
    use super::FILE_MAX_BYTES;
    use super::read_text;

    fn check(bytes: &[u8], expected: &str) {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("plan.toml");
        std::fs::write(&path, bytes).expect("written");
        let said = match read_text(&path) {
            Ok(text) => format!("{} bytes", text.len()),
            Err(unread) => unread.why,
        };
        assert_eq!(said, expected);
    }

    #[test]
    fn what_is_no_text_is_told_with_its_first_byte() {
        check(
            b"a\nb = \"\xFC\"\n",
            "line 2, byte 6 is 0xFC, which is not UTF-8 text",
        );
        check(
            b"a\n\n\xC3",
            "line 3, byte 1 is 0xC3, which is not UTF-8 text",
        );
    }

    #[test]
    fn what_is_too_long_is_told_with_its_last_line() {
        let length = usize::try_from(FILE_MAX_BYTES).expect("it fits");
        let mut lines = vec![b'\n'; length];
        check(&lines, "1048576 bytes");
        lines.push(b'a');
        check(
            &lines,
            "longer than 1048576 bytes, which end at line 1048577, byte 1",
        );
    }
}
