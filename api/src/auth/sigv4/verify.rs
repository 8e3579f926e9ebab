//! The verifying side.

use axum::http::HeaderMap;
use brokerd_domain::{Region, Timestamp};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::{
    authorization, canonical,
    date::{self, AmzDate},
    key::SigningKey,
    request::{Request, TERMINATOR, string_to_sign},
};
use crate::auth::error::SignatureError;

/// How far a client's clock may be off, both ways.
pub const SKEW_SECONDS: i64 = 15 * 60;

/// The header in which clients may declare the hash of the body.
const PAYLOAD_HASH: &str = "x-amz-content-sha256";

/// The signer of a request according to its headers, proved only by [`Claim::verify`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Whose key signed.
    pub access_key_id: String,
    /// The region of the credential scope.
    pub region: Region,
    /// When it was signed.
    pub date: AmzDate,
    /// The service of the credential scope: one of those that [`Claim::read`] was given.
    pub service: String,
    pub(super) signed_headers: String,
    signature: String,
}

impl Claim {
    /// Reads the headers and makes the checks that need no secret. `services` are those that may be signed for.
    ///
    /// # Errors
    /// Every variant but `UnknownKey`, `Mismatch` and `Unsigned`.
    pub fn read(
        headers: &HeaderMap,
        services: &[&str],
        now: Timestamp,
    ) -> Result<Self, SignatureError> {
        let parts = authorization::parse(headers)?;
        let date = date::of_request(headers)?;
        if !services.contains(&parts.service) {
            return Err(wrong_service(services));
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
            service: parts.service.to_owned(),
            signed_headers: parts.signed_headers.to_owned(),
            signature: parts.signature.to_owned(),
        })
    }

    /// Makes the checks that need no body: all of them if the body's hash is declared. `request.body` is ignored.
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

fn wrong_service(services: &[&str]) -> SignatureError {
    let names: Vec<String> = services.iter().map(|service| format!("'{service}'")).collect();
    let names = names.join(" or ");
    SignatureError::Scope(format!("Credential should be scoped to correct service: {names}."))
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
