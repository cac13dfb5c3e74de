//! How the AWS SDK is configured, and what its errors mean: written once for the providers that use it.
//!
//! It opens no connection and knows no service: a provider makes its client of the [`SdkConfig`] that
//! [`Account::load`] gives.

mod account;
mod failure;

pub use aws_config::SdkConfig;

pub use crate::account::Account;
pub use crate::account::Keys;
pub use crate::account::is_loopback;
pub use crate::failure::Failure;
pub use crate::failure::of_request;
pub use crate::failure::one_line;
