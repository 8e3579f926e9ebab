//! One HTTP request and its answer, and what becomes of it: whether to ask again is decided here.

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, StatusCode, Uri};
use http_body_util::Full;
use rustls::ClientConfig;

use super::source::NotFetched;
use crate::https::{self, BodyError};

/// The largest answer that is read, in bytes: the largest secret of the service, 65,536 bytes, takes six times as
/// many as JSON at most.
const MAX_BYTES: usize = 400_000;

/// Codes by which the services ask for less, or for another time, whatever the status.
///
/// Source: `THROTTLING_ERRORS` and `TRANSIENT_ERRORS` of the official SDK's retry classifier; the two of wrong clocks
/// pass when the clocks are right.
const RETRYABLE_CODES: [&str; 21] = [
    "BandwidthLimitExceeded",
    "EC2ThrottledException",
    "InternalError",
    "InternalServiceError",
    "LimitExceededException",
    "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException",
    "RequestExpired",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "RequestTimeTooSkewed",
    "RequestTimeout",
    "RequestTimeoutException",
    "ServiceUnavailable",
    "SlowDown",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
    "TransactionInProgressException",
];

/// Sends a request to the scheme, host and port of `to`, and gives back the body of a 200.
pub(super) async fn exchange(
    service: &'static str,
    client: &Arc<ClientConfig>,
    to: &Uri,
    request: Request<Full<Bytes>>,
) -> Result<Bytes, NotFetched> {
    let away = |error: &dyn std::fmt::Display| {
        NotFetched::Transient(format!("{service} can't be asked: {error}"))
    };
    let answer = https::send(client, to, request).await.map_err(|error| away(&error))?;
    let answer = match answer.read(MAX_BYTES).await {
        Ok(answer) => answer,
        Err(BodyError::TooLarge) => {
            let why = format!("{service} answered more than {MAX_BYTES} bytes");
            return Err(NotFetched::Invalid(why));
        }
        Err(ended @ BodyError::Ended(_)) => return Err(away(&ended)),
    };
    match answer.status() {
        StatusCode::OK => Ok(answer.into_body()),
        status => Err(refusal(service, status, answer.body())),
    }
}

/// What an answer means that is no 200. Its text is not quoted: it may be long, and may be HTML.
fn refusal(service: &str, status: StatusCode, body: &[u8]) -> NotFetched {
    let code = code(body);
    let suffix = code.as_deref().map(|code| format!(" ({code})")).unwrap_or_default();
    let why = format!("{service} answered {status}{suffix}");
    let passes = status.is_server_error()
        || [StatusCode::TOO_MANY_REQUESTS, StatusCode::REQUEST_TIMEOUT].contains(&status)
        || code.is_some_and(|code| RETRYABLE_CODES.contains(&code.as_str()));
    if passes { NotFetched::Transient(why) } else { NotFetched::Invalid(why) }
}

/// The error code in an answer, as both JSON and XML have it, without its namespace.
fn code(body: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(body);
    let word = |rest: &str| {
        let rest = rest.trim_start_matches([':', '"', ' ', '>']);
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && !"._#".contains(c));
        let word = &rest[..end.unwrap_or(rest.len()).min(80)];
        word.rsplit('#').next().unwrap_or(word).to_owned()
    };
    let found = ["__type\"", "<Code", "\"code\""]
        .iter()
        .find_map(|mark| text.split_once(mark).map(|(_, rest)| word(rest)));
    found.filter(|code| !code.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_tell_their_code() {
        for (body, expected) in [
            (
                r#"{"__type":"ResourceNotFoundException","Message":"x"}"#,
                Some("ResourceNotFoundException"),
            ),
            (r#"{"__type":"com.amazon.coral#Throttling"}"#, Some("Throttling")),
            ("<Error><Code>NoSuchKey</Code></Error>", Some("NoSuchKey")),
            ("<html>", None),
            ("", None),
            ("\"__type\"", None),
        ] {
            assert_eq!(code(body.as_bytes()).as_deref(), expected, "{body}");
        }
        let long = format!("<Code>{}ä</Code>", "x".repeat(79));
        assert_eq!(code(long.as_bytes()).map(|code| code.len()), Some(79));
    }

    #[test]
    fn what_passes_is_told_from_what_stays() {
        let json = |code: &str| format!(r#"{{"__type":"{code}"}}"#);
        for (status, body, passes) in [
            (500, String::new(), true),
            (503, "<Error><Code>SlowDown</Code></Error>".to_owned(), true),
            (429, String::new(), true),
            (408, String::new(), true),
            (400, json("ThrottlingException"), true),
            (400, json("com.amazonaws#RequestLimitExceeded"), true),
            (403, "<Error><Code>RequestTimeTooSkewed</Code></Error>".to_owned(), true),
            (400, json("ResourceNotFoundException"), false),
            (400, json("AccessDeniedException"), false),
            (403, "<Error><Code>AccessDenied</Code></Error>".to_owned(), false),
            (404, "<Error><Code>NoSuchBucket</Code></Error>".to_owned(), false),
            (301, "<Error><Code>PermanentRedirect</Code></Error>".to_owned(), false),
            (404, "<html>Throttling</html>".to_owned(), false),
        ] {
            let status = StatusCode::from_u16(status).expect("a status");
            let refused = refusal("s3", status, body.as_bytes());
            let transient = matches!(refused, NotFetched::Transient(_));
            assert_eq!(transient, passes, "{status} {body}: {refused}");
        }
    }
}
