//! SHA-256 of bytes and of files, as hexadecimal digits.

use std::path::Path;

use salvor_contract::Error;
use sha2::Digest;
use sha2::Sha256;
use tokio::io::AsyncReadExt;

/// Of these bytes.
pub(crate) fn of_bytes(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

/// Of a whole file, read in parts.
///
/// # Errors
/// [`Error::Refused`] when it cannot be read.
pub(crate) async fn of_file(path: &Path) -> Result<String, Error> {
    let unreadable = |error: std::io::Error| {
        Error::refused(format!("{} cannot be read: {error}", path.display()))
    };
    let mut file = tokio::fs::File::open(path).await.map_err(unreadable)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 256 * 1024];
    loop {
        let length = file.read(&mut buffer).await.map_err(unreadable)?;
        if length == 0 {
            return Ok(hexadecimal(&hasher.finalize()));
        }
        hasher.update(&buffer[..length]);
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::of_bytes;

    // FIPS 180-4, appendix B.1 of its predecessor: the message "abc".
    #[test]
    fn a_known_message_has_its_known_digest() {
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(of_bytes(b"abc"), expected);
    }
}
