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
mod sign;

use axum::http::HeaderMap;
use brokerd_domain::{Region, Timestamp};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

pub(crate) use canonical::query_pairs;
pub use date::AmzDate;
pub use key::SigningKey;
pub use sign::{Credentials, sign};

/// How far a client's clock may be off, both ways.
pub const SKEW_SECONDS: i64 = 15 * 60;

/// The header in which clients may declare the hash of the body.
const PAYLOAD_HASH: &str = "x-amz-content-sha256";
const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const TERMINATOR: &str = "aws4_request";

/// A request as it came over the wire.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The method.
    pub method: &'a str,
    /// The path, percent-encoded as sent.
    pub path: &'a str,
    /// The query without its question mark, percent-encoded as sent.
    pub query: &'a str,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// The authority of the target, which stands for `host` in HTTP/2.
    pub authority: Option<&'a str>,
    /// The whole body.
    pub body: &'a [u8],
}

/// Why a request is not authentic, in the words of the service's gateway.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// No `Authorization` header.
    #[error("Missing Authentication Token")]
    Missing,
    /// The `Authorization` header, or the date that belongs to it, can't be read.
    #[error("{0}")]
    Malformed(String),
    /// Nobody has this access key.
    #[error("The security token included in the request is invalid.")]
    UnknownKey,
    /// The signature is another one.
    #[error(
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
    )]
    Mismatch,
    /// Signed for another service, day or purpose.
    #[error("{0}")]
    Scope(String),
    /// Signed too long ago, or too far in the future.
    #[error("{0}")]
    Skew(String),
    /// Something that must be signed is not.
    #[error("{0}")]
    Unsigned(String),
}

impl SignatureError {
    /// Signed for a region that there is not.
    pub(crate) fn invalid_region() -> Self {
        Self::Scope("Credential should be scoped to a valid region.".to_owned())
    }

    /// The exception's name.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Missing => "MissingAuthenticationTokenException",
            Self::Malformed(_) => "IncompleteSignatureException",
            Self::UnknownKey => "UnrecognizedClientException",
            Self::Mismatch | Self::Scope(_) | Self::Skew(_) | Self::Unsigned(_) => {
                "InvalidSignatureException"
            }
        }
    }

    /// The name used in metrics.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Malformed(_) => "malformed",
            Self::UnknownKey => "unknown-key",
            Self::Mismatch => "mismatch",
            Self::Scope(_) => "scope",
            Self::Skew(_) => "skew",
            Self::Unsigned(_) => "unsigned",
        }
    }

    /// Every value of [`SignatureError::reason`].
    pub const REASONS: &[&str] =
        &["missing", "malformed", "unknown-key", "mismatch", "scope", "skew", "unsigned"];
}

/// What a request says about who signed it; believed only after [`Claim::verify`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Whose key signed.
    pub access_key_id: String,
    /// The region of the credential scope.
    pub region: Region,
    /// When it was signed.
    pub date: AmzDate,
    service: String,
    signed_headers: String,
    signature: String,
}

impl Claim {
    /// Reads the headers and checks what needs no secret.
    ///
    /// # Errors
    /// Every variant but `UnknownKey`, `Mismatch` and `Unsigned`.
    pub fn read(
        headers: &HeaderMap,
        service: &str,
        now: Timestamp,
    ) -> Result<Self, SignatureError> {
        let parts = authorization::parse(headers)?;
        let date = date::of_request(headers)?;
        if parts.service != service {
            return Err(SignatureError::Scope(format!(
                "Credential should be scoped to correct service: '{service}'."
            )));
        }
        if parts.terminator != TERMINATOR {
            return Err(SignatureError::Scope(format!(
                "Credential should be scoped with a valid terminator: '{TERMINATOR}'."
            )));
        }
        let region = parts.region.parse().map_err(|_| SignatureError::invalid_region())?;
        if parts.date != date.day() {
            return Err(SignatureError::Scope(format!(
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{}' != '{}', from '{date}'.",
                parts.date.escape_debug(),
                date.day()
            )));
        }
        check_skew(&date, now)?;
        Ok(Self {
            access_key_id: parts.access_key_id.to_owned(),
            region,
            date,
            service: service.to_owned(),
            signed_headers: parts.signed_headers.to_owned(),
            signature: parts.signature.to_owned(),
        })
    }

    /// Checks what can be checked without the body, which is not looked at: everything, if its hash is declared.
    ///
    /// # Errors
    /// As [`Claim::verify`].
    pub fn verify_head(
        &self,
        request: &Request<'_>,
        key: &SigningKey,
    ) -> Result<(), SignatureError> {
        check_signed_headers(&self.signed_headers, request.headers)?;
        if !is_hash(self.signature.as_bytes()) {
            return Err(SignatureError::Mismatch);
        }
        let Some(declared) = request.headers.get(PAYLOAD_HASH) else { return Ok(()) };
        match declared.to_str() {
            Ok(declared) if is_hash(declared.as_bytes()) => {
                self.verify_payload(request, declared, key)
            }
            Ok(_) | Err(_) => Err(SignatureError::Mismatch),
        }
    }

    /// Computes the signature again and compares it in constant time.
    ///
    /// # Errors
    /// [`SignatureError::Mismatch`], or `Unsigned` when a header that must be signed is not.
    pub fn verify(&self, request: &Request<'_>, key: &SigningKey) -> Result<(), SignatureError> {
        check_signed_headers(&self.signed_headers, request.headers)?;
        let payload_hash = hex::encode(Sha256::digest(request.body));
        check_declared_payload(request.headers, &payload_hash)?;
        self.verify_payload(request, &payload_hash, key)
    }

    fn verify_payload(
        &self,
        request: &Request<'_>,
        payload_hash: &str,
        key: &SigningKey,
    ) -> Result<(), SignatureError> {
        let canonical = canonical::request(request, &self.signed_headers, payload_hash)
            .ok_or(SignatureError::Mismatch)?;
        let expected =
            key.sign(&string_to_sign(&self.date, self.region.as_str(), &self.service, &canonical));
        if bool::from(expected.as_bytes().ct_eq(self.signature.as_bytes())) {
            Ok(())
        } else {
            Err(SignatureError::Mismatch)
        }
    }
}

fn string_to_sign(date: &AmzDate, region: &str, service: &str, canonical: &[u8]) -> String {
    format!(
        "{ALGORITHM}\n{date}\n{}/{region}/{service}/{TERMINATOR}\n{}",
        date.day(),
        hex::encode(Sha256::digest(canonical))
    )
}

fn check_skew(date: &AmzDate, now: Timestamp) -> Result<(), SignatureError> {
    let now = AmzDate::from_seconds(now.as_seconds());
    let minutes = SKEW_SECONDS / 60;
    let earliest = AmzDate::from_seconds(now.seconds() - SKEW_SECONDS);
    let latest = AmzDate::from_seconds(now.seconds() + SKEW_SECONDS);
    if date.seconds() < earliest.seconds() {
        return Err(SignatureError::Skew(format!(
            "Signature expired: {date} is now earlier than {earliest} ({now} - {minutes} min.)"
        )));
    }
    if date.seconds() > latest.seconds() {
        return Err(SignatureError::Skew(format!(
            "Signature not yet current: {date} is still later than {latest} ({now} + {minutes} min.)"
        )));
    }
    Ok(())
}

/// Whether these are a SHA-256 as signatures have it.
fn is_hash(text: &[u8]) -> bool {
    text.len() == 64 && text.iter().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'))
}

fn check_signed_headers(signed: &str, headers: &HeaderMap) -> Result<(), SignatureError> {
    let is_signed = |name: &str| signed.split(';').any(|s| s == name);
    if !is_signed("host") {
        return Err(SignatureError::Unsigned(
            "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.".to_owned(),
        ));
    }
    match headers.keys().find(|n| n.as_str().starts_with("x-amz-") && !is_signed(n.as_str())) {
        None => Ok(()),
        Some(name) => Err(SignatureError::Unsigned(format!(
            "'{name}' must be a 'SignedHeader' in the AWS Authorization."
        ))),
    }
}

/// A body hash the client declares must be the body's; `UNSIGNED-PAYLOAD` and the streaming forms are
/// S3's and refused.
fn check_declared_payload(headers: &HeaderMap, actual: &str) -> Result<(), SignatureError> {
    let declared = headers.get_all(PAYLOAD_HASH);
    if declared.iter().all(|value| bool::from(value.as_bytes().ct_eq(actual.as_bytes()))) {
        Ok(())
    } else {
        Err(SignatureError::Mismatch)
    }
}

#[cfg(test)]
mod tests;
