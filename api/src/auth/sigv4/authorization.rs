//! The grammar of the `Authorization` header.

use axum::http::{HeaderMap, header::AUTHORIZATION};

use super::request::ALGORITHM;
use crate::auth::error::SignatureError;

/// The header's parts, unchecked but for their form.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Parts<'a> {
    pub(super) access_key_id: &'a str,
    pub(super) date: &'a str,
    pub(super) region: &'a str,
    pub(super) service: &'a str,
    pub(super) terminator: &'a str,
    pub(super) signed_headers: &'a str,
    pub(super) signature: &'a str,
}

fn malformed(message: impl Into<String>) -> SignatureError {
    SignatureError::Malformed(message.into())
}

/// Reads `AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…`, the three in any order.
pub(super) fn parse(headers: &HeaderMap) -> Result<Parts<'_>, SignatureError> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next().ok_or(SignatureError::Missing)?;
    if values.next().is_some() {
        return Err(malformed("Request must contain only one Authorization header."));
    }
    let text =
        value.to_str().map_err(|_| malformed("Authorization header must be printable ASCII."))?;
    let text = text.trim();
    if text.is_empty() {
        return Err(SignatureError::Missing);
    }
    let (algorithm, rest) = text.split_once(' ').unwrap_or((text, ""));
    if algorithm != ALGORITHM {
        return Err(malformed(format!("Authorization header must begin with '{ALGORITHM}'.")));
    }
    let [mut credential, mut signed_headers, mut signature] = [None; 3];
    for pair in rest.split(',').map(str::trim).filter(|p| !p.is_empty()) {
        let (name, value) = pair.split_once('=').ok_or_else(|| {
            malformed("Authorization header holds something that is not a key=value pair.")
        })?;
        let slot = match name {
            "Credential" => &mut credential,
            "SignedHeaders" => &mut signed_headers,
            "Signature" => &mut signature,
            _ => return Err(malformed("Authorization header holds an unknown parameter.")),
        };
        if slot.replace(value).is_some() {
            return Err(malformed(format!("Authorization header holds '{name}' twice.")));
        }
    }
    let (Some(credential), Some(signed_headers), Some(signature)) =
        (credential, signed_headers, signature)
    else {
        return Err(malformed(missing(credential, signed_headers, signature)));
    };
    check_names(signed_headers)?;
    let mut scope = credential.split('/');
    let (Some(access_key_id), Some(date), Some(region), Some(service), Some(terminator), None) =
        (scope.next(), scope.next(), scope.next(), scope.next(), scope.next(), scope.next())
    else {
        return Err(malformed(
            "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term.",
        ));
    };
    if access_key_id.is_empty() || access_key_id.len() > 128 {
        return Err(malformed("Credential must begin with an access key ID."));
    }
    Ok(Parts { access_key_id, date, region, service, terminator, signed_headers, signature })
}

fn missing(credential: Option<&str>, headers: Option<&str>, signature: Option<&str>) -> String {
    [("Credential", credential), ("Signature", signature), ("SignedHeaders", headers)]
        .iter()
        .filter(|(_, value)| value.is_none())
        .map(|(name, _)| format!("Authorization header requires '{name}' parameter."))
        .collect::<Vec<_>>()
        .join(" ")
}

/// Names must be lower case, sorted and without repetition, as they enter the canonical request.
fn check_names(names: &str) -> Result<(), SignatureError> {
    let mut previous = "";
    for name in names.split(';') {
        let lower = name.bytes().all(|b| b.is_ascii_graphic() && !b.is_ascii_uppercase());
        if !lower || name <= previous {
            return Err(malformed(
                "SignedHeaders must be lower-case names, sorted and separated by semicolons.",
            ));
        }
        previous = name;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, value.parse().expect("header value"));
        headers
    }

    const GOOD: &str = "AWS4-HMAC-SHA256 Credential=AK/20150830/us-east-1/mq/aws4_request, SignedHeaders=host;x-amz-date, Signature=00";

    #[test]
    fn parts_are_found_in_any_order_with_or_without_spaces() {
        let expected = Parts {
            access_key_id: "AK",
            date: "20150830",
            region: "us-east-1",
            service: "mq",
            terminator: "aws4_request",
            signed_headers: "host;x-amz-date",
            signature: "00",
        };
        let turned = "AWS4-HMAC-SHA256 Signature=00,SignedHeaders=host;x-amz-date,Credential=AK/20150830/us-east-1/mq/aws4_request";
        for text in [GOOD, turned] {
            assert_eq!(parse(&headers(text)).as_ref(), Ok(&expected), "{text}");
        }
    }

    #[test]
    fn no_header_is_a_missing_token_and_everything_else_is_malformed() {
        assert_eq!(parse(&HeaderMap::new()), Err(SignatureError::Missing));
        for text in [
            "Basic Zm9vOmJhcg==",
            "AWS4-HMAC-SHA256",
            "AWS4-HMAC-SHA256 nonsense",
            "AWS4-HMAC-SHA256 Credential=AK/20150830/us-east-1/mq, SignedHeaders=host, Signature=0",
            "AWS4-HMAC-SHA256 Credential=/20150830/us-east-1/mq/aws4_request, SignedHeaders=host, Signature=0",
            "AWS4-HMAC-SHA256 Credential=A/20150830/us-east-1/mq/aws4_request, SignedHeaders=Host, Signature=0",
            "AWS4-HMAC-SHA256 Credential=A/20150830/us-east-1/mq/aws4_request, SignedHeaders=x;host, Signature=0",
            "AWS4-HMAC-SHA256 Credential=A/20150830/us-east-1/mq/aws4_request, SignedHeaders=host;host, Signature=0",
            "AWS4-HMAC-SHA256 Credential=A/20150830/us-east-1/mq/aws4_request, SignedHeaders=, Signature=0",
            "AWS4-HMAC-SHA256 Credential=A/20150830/us-east-1/mq/aws4_request, SignedHeaders=host",
            &format!("{GOOD}, Signature=00"),
            &format!("{GOOD}, More=00"),
        ] {
            let refused = parse(&headers(text)).expect_err(text);
            assert_eq!(refused.code(), "IncompleteSignatureException", "{text}");
        }
        let refused = parse(&headers("AWS4-HMAC-SHA256 SignedHeaders=host")).expect_err("partial");
        assert_eq!(
            refused.to_string(),
            "Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter."
        );
    }

    #[test]
    fn two_authorization_headers_are_refused() {
        let mut twice = headers(GOOD);
        twice.append(AUTHORIZATION, GOOD.parse().expect("header value"));
        assert_eq!(parse(&twice).expect_err("two").code(), "IncompleteSignatureException");
    }
}
