//! The bytes of an object while they are read: checked, and their errors told as ours.

use aws_sdk_s3::error::DisplayErrorContext;
use aws_sdk_s3::primitives::ByteStream;
use futures::StreamExt;
use futures::stream;
use md5::Digest;
use md5::Md5;
use salvor_contract::Error;

use crate::entry::hex;
use crate::failure::one_line;
use crate::place::Body;

/// The bytes of an answer, with what goes wrong on the way as errors of the contract.
pub(crate) fn body_of(body: ByteStream, address: String) -> Body<'static> {
    stream::try_unfold((body, address), |(mut body, address)| async move {
        match body.try_next().await {
            Ok(Some(chunk)) => Ok(Some((chunk, (body, address)))),
            Ok(None) => Ok(None),
            Err(error) => {
                let text = DisplayErrorContext(&error).to_string();
                if text.contains("checksum mismatch") {
                    Err(damaged(&address))
                } else {
                    Err(Error::transient(format!(
                        "reading {address} broke off: {}",
                        one_line(&error.to_string())
                    )))
                }
            }
        }
    })
    .boxed()
}

/// The same bytes, with an error at the end when they do not have this MD5: for objects without a checksum
/// that the SDK would check.
pub(crate) fn checked(body: Body<'static>, md5: &str, address: String) -> Body<'static> {
    let state = (body, Md5::new(), md5.to_owned(), address);
    stream::try_unfold(state, |(mut body, mut hash, md5, address)| async move {
        match body.next().await.transpose()? {
            Some(chunk) => {
                hash.update(&chunk);
                Ok(Some((chunk, (body, hash, md5, address))))
            }
            None if hex(&hash.finalize()) == md5 => Ok(None),
            None => Err(damaged(&address)),
        }
    })
    .boxed()
}

fn damaged(address: &str) -> Error {
    Error::refused_with(
        format!("{address} is damaged: its bytes do not have its checksum"),
        "Take another recovery point, or another version of the object.",
    )
}
