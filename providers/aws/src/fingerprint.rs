//! What an operator types to confirm the loss of a thing.

use sha2::Digest;
use sha2::Sha256;

/// The name of a database and digits of its resource id, which no other database has ever had.
pub(crate) fn fingerprint(name: &str, resource_id: &str) -> String {
    let digest = Sha256::digest(resource_id.as_bytes());
    let digits: String = digest[..3]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("{name}/{digits}")
}
