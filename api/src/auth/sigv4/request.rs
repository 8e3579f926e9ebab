//! Parts that signing and verifying share.

use axum::http::HeaderMap;
use sha2::{Digest, Sha256};

use super::date::AmzDate;

pub(super) const ALGORITHM: &str = "AWS4-HMAC-SHA256";
pub(super) const TERMINATOR: &str = "aws4_request";

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

/// The text that is signed.
pub(super) fn string_to_sign(
    date: &AmzDate,
    region: &str,
    service: &str,
    canonical: &[u8],
) -> String {
    format!(
        "{ALGORITHM}\n{date}\n{}/{region}/{service}/{TERMINATOR}\n{}",
        date.day(),
        hex::encode(Sha256::digest(canonical))
    )
}
