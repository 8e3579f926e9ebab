//! AWS's signing test suite, requests signed by botocore, and what must be refused.

use std::borrow::Cow;

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use brokerd_domain::Timestamp;
use percent_encoding::percent_decode_str;
use proptest::prelude::*;
use secrecy::SecretString;
use serde::Deserialize;

use sha2::{Digest, Sha256};

use super::{request::string_to_sign, *};

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

#[derive(Deserialize)]
struct SuiteCase {
    name: String,
    normalize: bool,
    omit_session_token: bool,
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: String,
    canonical_request: String,
    string_to_sign: String,
}

#[derive(Debug, Clone, Deserialize)]
struct Recorded {
    operation: String,
    method: String,
    path: String,
    query: String,
    headers: Vec<(String, String)>,
    body: String,
}

impl Recorded {
    /// What [`authenticate`] says of this request, sent at the moment it was signed.
    fn authenticate(&self) -> Result<Claim, SignatureError> {
        let headers = header_map(&self.headers);
        let request = Request {
            method: &self.method,
            path: &self.path,
            query: &self.query,
            headers: &headers,
            authority: None,
            body: self.body.as_bytes(),
        };
        authenticate(&request, "mq", at("20260930T035216Z"))
    }

    fn header(&mut self, name: &str) -> &mut String {
        let found = self.headers.iter_mut().find(|(n, _)| n == name);
        &mut found.expect("the header is there").1
    }
}

fn at(text: &str) -> Timestamp {
    Timestamp::from_micros(AmzDate::parse(text).expect("a date").seconds() * 1_000_000)
}

fn header_map(headers: &[(String, String)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("header name");
        map.append(name, HeaderValue::from_bytes(value.as_bytes()).expect("header value"));
    }
    map
}

/// The whole pipeline, for the one access key that exists.
fn authenticate(
    request: &Request<'_>,
    service: &str,
    now: Timestamp,
) -> Result<Claim, SignatureError> {
    let claim = Claim::read(request.headers, &[service], now)?;
    if claim.access_key_id != "AKIDEXAMPLE" {
        return Err(SignatureError::UnknownKey);
    }
    let secret = SecretString::from(SECRET);
    let key = SigningKey::derive(&secret, claim.date.day(), claim.region.as_str(), service);
    claim.verify(request, &key)?;
    Ok(claim)
}

fn recorded() -> Vec<Recorded> {
    serde_json::from_str(include_str!("../../../tests/fixtures/botocore_requests.json"))
        .expect("fixture")
}

#[test]
fn requests_of_the_signing_test_suite_are_authentic() {
    let cases: Vec<SuiteCase> =
        serde_json::from_str(include_str!("../../../tests/fixtures/sigv4_suite.json"))
            .expect("fixture");
    let mut verified = 0;
    // Paths that are signed as they are belong to S3.
    for case in cases.iter().filter(|c| c.normalize) {
        let name = &case.name;
        let (path, query) = case.target.split_once('?').unwrap_or((&case.target, ""));
        // The suite encodes paths once: what it calls the path is our path before the last encoding.
        let path: Cow<'_, str> = percent_decode_str(path).decode_utf8().expect("UTF-8");
        let headers = header_map(&case.headers);
        let request = Request {
            method: &case.method,
            path: &path,
            query,
            headers: &headers,
            authority: None,
            body: case.body.as_bytes(),
        };
        let outcome = authenticate(&request, "service", at("20150830T123600Z"));
        if case.omit_session_token {
            let refused = outcome.expect_err("an unsigned x-amz-security-token");
            assert!(matches!(refused, SignatureError::Unsigned(_)), "{name}: {refused}");
            continue;
        }
        let claim = outcome.unwrap_or_else(|e| panic!("{name}: {e}"));
        let hash = hex::encode(Sha256::digest(request.body));
        let canonical = canonical::request(&request, &claim.signed_headers, &hash).expect(name);
        assert_eq!(String::from_utf8_lossy(&canonical), case.canonical_request, "{name}");
        let to_sign = string_to_sign(&claim.date, "us-east-1", "service", &canonical);
        assert_eq!(to_sign, case.string_to_sign, "{name}");
        verified += 1;
    }
    assert_eq!(verified, 30);
}

#[test]
fn paths_are_encoded_once_more_than_they_were_sent() {
    // The suite's "double-url-encode" case, with the signature it records.
    let authorization = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20210511/us-east-2/lambda/aws4_request, SignedHeaders=host;x-amz-date, Signature=4b93abbcc68be32bd64c18e2c71150660ab4c29bbd6c32a383a7517a88fc1804";
    let headers = header_map(&[
        ("host".to_owned(), "lambda.us-east-2.amazonaws.com".to_owned()),
        ("x-amz-date".to_owned(), "20210511T154045Z".to_owned()),
        ("authorization".to_owned(), authorization.to_owned()),
    ]);
    let request = Request {
        method: "POST",
        path: "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-west-2%3A892717189312%3Afunction%3Amy-rusty-fun/invocations",
        query: "",
        headers: &headers,
        authority: None,
        body: b"",
    };
    let canonical =
        canonical::request(&request, "host;x-amz-date", &hex::encode(Sha256::digest(b"")))
            .expect("canonical request");
    assert!(
        String::from_utf8_lossy(&canonical).contains("/functions/arn%253Aaws%253Alambda%253A"),
        "the colons are encoded twice"
    );
    let date = AmzDate::parse("20210511T154045Z").expect("date");
    assert!(
        string_to_sign(&date, "us-east-2", "lambda", &canonical)
            .ends_with("684dbb3c92a8b6b1e452e23e523c1ea941c713a4c13500bb9f3bdad1e19afaf7")
    );
}

#[test]
fn requests_signed_by_botocore_are_authentic() {
    let requests = recorded();
    assert!(requests.iter().any(|r| r.path.contains("%3A")), "ARNs in paths are covered");
    for request in requests {
        let claim = request.authenticate().unwrap_or_else(|e| panic!("{}: {e}", request.operation));
        assert_eq!(claim.region.as_str(), "eu-central-1");
    }
}

#[test]
fn a_signature_of_another_key_is_refused() {
    let request = &recorded()[0];
    let headers = header_map(&request.headers);
    let claim = Claim::read(&headers, &["mq"], at("20260930T035216Z")).expect("well formed");
    let wrong = SigningKey::derive(&"another".into(), "20260930", "eu-central-1", "mq");
    let request = Request {
        method: &request.method,
        path: &request.path,
        query: &request.query,
        headers: &headers,
        authority: None,
        body: request.body.as_bytes(),
    };
    assert_eq!(claim.verify(&request, &wrong), Err(SignatureError::Mismatch));
}

#[test]
fn clocks_may_be_off_by_a_quarter_of_an_hour_both_ways() {
    let headers = header_map(&recorded()[0].headers);
    let read = |now| Claim::read(&headers, &["mq"], at(now));
    assert!(read("20260930T033716Z").is_ok());
    assert!(read("20260930T040716Z").is_ok());
    assert_eq!(
        read("20260930T040717Z").expect_err("expired").to_string(),
        "Signature expired: 20260930T035216Z is now earlier than 20260930T035217Z (20260930T040717Z - 15 min.)"
    );
    assert_eq!(
        read("20260930T033715Z").expect_err("too early").to_string(),
        "Signature not yet current: 20260930T035216Z is still later than 20260930T035215Z (20260930T033715Z + 15 min.)"
    );
}

#[test]
fn the_credential_must_be_scoped_to_this_service_and_day() {
    for (from, to, text) in [
        ("/mq/", "/s3/", "Credential should be scoped to correct service: 'mq'."),
        (
            "aws4_request",
            "aws4",
            "Credential should be scoped with a valid terminator: 'aws4_request'.",
        ),
        ("eu-central-1", "EU_1", "Credential should be scoped to a valid region."),
        (
            "20260930/",
            "20260929/",
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '20260929' != '20260930', from '20260930T035216Z'.",
        ),
    ] {
        let mut request = recorded().remove(0);
        let changed = request.header("authorization").replace(from, to);
        *request.header("authorization") = changed;
        let refused = request.authenticate().expect_err(text);
        assert_eq!(refused.to_string(), text);
        assert_eq!(refused.code(), "InvalidSignatureException");
    }
}

#[test]
fn headers_that_matter_must_be_signed() {
    let mut request = recorded().remove(0);
    request.headers.push(("x-amz-security-token".to_owned(), "smuggled".to_owned()));
    let refused = request.authenticate().expect_err("an unsigned x-amz header");
    assert_eq!(
        refused.to_string(),
        "'x-amz-security-token' must be a 'SignedHeader' in the AWS Authorization."
    );
    let mut request = recorded().remove(0);
    let changed = request.header("authorization").replace("content-type;host;", "content-type;");
    *request.header("authorization") = changed;
    assert!(matches!(request.authenticate(), Err(SignatureError::Unsigned(_))));
}

#[test]
fn a_declared_payload_hash_must_be_that_of_the_body() {
    let credentials = Credentials {
        access_key_id: "AKIDEXAMPLE".to_owned(),
        secret: SECRET.into(),
        region: "us-east-1".to_owned(),
        service: "mq".to_owned(),
    };
    let now = at("20260930T035216Z");
    let actual = hex::encode(Sha256::digest(b"{}"));
    for (declared, accepted) in [
        (actual.as_str(), true),
        ("UNSIGNED-PAYLOAD", false),
        ("STREAMING-UNSIGNED-PAYLOAD-TRAILER", false),
        ("", false),
    ] {
        let mut headers = header_map(&[
            ("host".to_owned(), "localhost".to_owned()),
            ("x-amz-content-sha256".to_owned(), declared.to_owned()),
        ]);
        let target = Request {
            method: "POST",
            path: "/v1/brokers",
            query: "",
            headers: &headers,
            authority: None,
            body: b"{}",
        };
        let signed = sign(&target, &credentials, now);
        headers.extend(signed);
        let request = Request {
            headers: &headers,
            method: "POST",
            path: "/v1/brokers",
            query: "",
            authority: None,
            body: b"{}",
        };
        assert_eq!(authenticate(&request, "mq", now).is_ok(), accepted, "{declared}");
    }
}

#[test]
fn http_2_requests_are_signed_over_their_authority() {
    let credentials = Credentials {
        access_key_id: "AKIDEXAMPLE".to_owned(),
        secret: SECRET.into(),
        region: "us-east-1".to_owned(),
        service: "mq".to_owned(),
    };
    let now = at("20260930T035216Z");
    let empty = HeaderMap::new();
    let mut request = Request {
        method: "GET",
        path: "/v1/brokers",
        query: "",
        headers: &empty,
        authority: Some("mq.example:443"),
        body: b"",
    };
    let headers: HeaderMap = sign(&request, &credentials, now).into_iter().collect();
    request.headers = &headers;
    assert!(authenticate(&request, "mq", now).is_ok());
    request.authority = Some("mq.example:444");
    assert_eq!(authenticate(&request, "mq", now), Err(SignatureError::Mismatch));
}

/// `text` with one bit flipped; none if that is no text any more.
fn flipped(text: &str, position: prop::sample::Index, bit: u8) -> Option<String> {
    let mut bytes = text.as_bytes().to_vec();
    let index = position.index(bytes.len());
    bytes[index] ^= 1 << bit;
    String::from_utf8(bytes).ok()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_flipped_bit_is_refused(
        which in any::<prop::sample::Index>(),
        part in 0..7,
        position in any::<prop::sample::Index>(),
        bit in 0u8..8,
    ) {
        let requests = recorded();
        let mut request = which.get(&requests).clone();
        let original = request.clone();
        let slot = match part {
            0 => &mut request.method,
            1 => &mut request.path,
            2 => &mut request.query,
            3 => &mut request.body,
            4 => request.header("host"),
            5 => request.header("x-amz-date"),
            _ => request.header("authorization"),
        };
        prop_assume!(!slot.is_empty());
        let Some(changed) = flipped(slot, position, bit) else { return Ok(()) };
        prop_assume!(part < 4 || HeaderValue::from_str(&changed).is_ok());
        *slot = changed;
        // `%3A` and `%3a` are the same query: nothing was changed.
        let pairs = |q: &str| crate::http::query::pairs(q).collect::<Vec<_>>();
        prop_assume!(part != 2 || pairs(&request.query) != pairs(&original.query));
        prop_assert!(request.authenticate().is_err(), "{:?}", request);
    }

    #[test]
    fn no_authorization_header_makes_the_parser_panic(text in "[ -~]{0,200}") {
        let headers = header_map(&[
            ("authorization".to_owned(), format!("AWS4-HMAC-SHA256 {text}")),
            ("x-amz-date".to_owned(), text),
        ]);
        prop_assert!(Claim::read(&headers, &["mq"], at("20260930T035216Z")).is_err());
    }
}
