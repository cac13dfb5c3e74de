//! What the file system answered, as one of the contract's three errors; what a service answered is known to
//! [`salvor_aws_client`].

use std::io;

use salvor_contract::Error;

pub(crate) use salvor_aws_client::Failure;
pub(crate) use salvor_aws_client::of_request;
pub(crate) use salvor_aws_client::one_line;

/// What a failed call of the file system means.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the standard library's list of kinds grows; the rest says that a path is not what it should be"
)]
pub(crate) fn of_file(doing: &str, error: &io::Error) -> Error {
    let what = format!("failed to {doing}: {error}");
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            Error::refused_with(what, "Make room on the file system and run it again.")
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            Error::refused_with(what, "Check the owner and the mode of the folder.")
        }
        io::ErrorKind::Interrupted
        | io::ErrorKind::TimedOut
        | io::ErrorKind::ResourceBusy
        | io::ErrorKind::StaleNetworkFileHandle => Error::transient(what),
        _ => Error::refused(what),
    }
}
