//! Signature Version 4, the verifying side, without any I/O.
//!
//! The pipeline: [`Claim::read`] takes the `Authorization` header apart and checks everything that
//! needs no secret (scope, clock skew); the caller then looks up the secret of
//! [`Claim::access_key_id`]; [`Claim::verify`] computes the signature again and compares.
//!
//! Source: "Create a signed AWS API request" and "Troubleshoot Signature Version 4 signing" of the
//! IAM user guide, AWS's signing test suite, and what botocore signs. Two rules are easily missed: the
//! path is percent-encoded *once more* than it was sent, because that is what clients of every
//! service but S3 do; and every `x-amz-*` header that is present must be signed.
//!
//! Canonical requests hold session tokens and are never logged.

mod authorization;
mod canonical;
mod date;
mod key;
mod request;
mod sign;
mod verify;

pub use super::error::SignatureError;
pub use date::AmzDate;
pub use key::SigningKey;
pub use request::Request;
pub use sign::{Credentials, sign};
pub use verify::{Claim, SKEW_SECONDS};

#[cfg(test)]
mod tests;
