//! The canonical form of a request.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};

use super::request::Request;
use crate::http::query;

const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
const PATH: &AsciiSet = &QUERY.remove(b'/');

/// The canonical request; none if a signed header is absent.
pub(super) fn request(
    request: &Request<'_>,
    signed_headers: &str,
    payload_hash: &str,
) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(1024);
    out.extend_from_slice(request.method.as_bytes());
    out.push(b'\n');
    for part in percent_encode(normalized(request.path).as_bytes(), PATH) {
        out.extend_from_slice(part.as_bytes());
    }
    out.push(b'\n');
    push_query(&mut out, request.query);
    out.push(b'\n');
    for name in signed_headers.split(';') {
        out.extend_from_slice(name.as_bytes());
        out.push(b':');
        push_values(&mut out, request, name)?;
        out.push(b'\n');
    }
    out.push(b'\n');
    out.extend_from_slice(signed_headers.as_bytes());
    out.push(b'\n');
    out.extend_from_slice(payload_hash.as_bytes());
    Some(out)
}

/// Without empty and dot segments, as RFC 3986 section 5.2.4 and repeated slashes are collapsed.
fn normalized(path: &str) -> Cow<'_, str> {
    if path.is_empty() {
        return Cow::Borrowed("/");
    }
    if !path.contains("//") && !path.contains("/.") {
        return Cow::Borrowed(path);
    }
    let mut segments = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            other => segments.push(other),
        }
    }
    let is_directory = path.ends_with('/') || path.ends_with("/.") || path.ends_with("/..");
    let mut out = String::with_capacity(path.len());
    for segment in &segments {
        out.push('/');
        out.push_str(segment);
    }
    if segments.is_empty() || is_directory {
        out.push('/');
    }
    Cow::Owned(out)
}

fn push_query(out: &mut Vec<u8>, query: &str) {
    let mut pairs: Vec<(String, String)> = query::pairs(query)
        .map(|(n, v)| {
            (percent_encode(&n, QUERY).to_string(), percent_encode(&v, QUERY).to_string())
        })
        .collect();
    pairs.sort();
    for (index, (name, value)) in pairs.iter().enumerate() {
        if index > 0 {
            out.push(b'&');
        }
        out.extend_from_slice(name.as_bytes());
        out.push(b'=');
        out.extend_from_slice(value.as_bytes());
    }
}

/// All values of a header, each trimmed and with runs of blanks made one, joined by commas.
fn push_values(out: &mut Vec<u8>, request: &Request<'_>, name: &str) -> Option<()> {
    let mut values = request.headers.get_all(name).iter().peekable();
    if values.peek().is_none() {
        let authority = request.authority.filter(|_| name == "host")?;
        out.extend_from_slice(authority.as_bytes());
        return Some(());
    }
    for (index, value) in values.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        let words = value.as_bytes().split(|b| matches!(b, b' ' | b'\t'));
        for (index, word) in words.filter(|w| !w.is_empty()).enumerate() {
            if index > 0 {
                out.push(b' ');
            }
            out.extend_from_slice(word);
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_normalised() {
        for (sent, expected) in [
            ("", "/"),
            ("/", "/"),
            ("/v1/brokers", "/v1/brokers"),
            ("/v1/brokers/", "/v1/brokers/"),
            ("//example//", "/example/"),
            ("/example/..", "/"),
            ("/a/b/../c", "/a/c"),
            ("/a/b/..", "/a/"),
            ("/./", "/"),
            ("/./example", "/example"),
            ("/../../x", "/x"),
            ("/.well-known/x", "/.well-known/x"),
            ("/a/...", "/a/..."),
        ] {
            assert_eq!(normalized(sent), expected, "{sent}");
        }
    }

    #[test]
    fn queries_are_decoded_once_sorted_and_encoded_again() {
        for (sent, expected) in [
            ("", ""),
            ("a", "a="),
            ("b=2&a=1", "a=1&b=2"),
            ("a=2&a=1", "a=1&a=2"),
            ("a-b=1&a=2", "a=2&a-b=1"),
            ("k=%7e%2F+%zz", "k=~%2F%2B%25zz"),
            ("&&a=b=c&", "a=b%3Dc"),
        ] {
            let mut out = Vec::new();
            push_query(&mut out, sent);
            assert_eq!(String::from_utf8_lossy(&out), expected, "{sent}");
        }
    }
}
