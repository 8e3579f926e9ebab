//! One rule for every text of a request, in its path, its query or its body: it has no U+0000, because PostgreSQL
//! stores none and no member of the service can have one.
//!
//! Paths and bodies that are not UTF-8, or have lone surrogates, are refused as a whole. All other rules of a member
//! are the domain's.

use axum::{
    extract::{FromRequestParts, RawPathParams, rejection::RawPathParamsRejection},
    http::request::Parts,
};
use brokerd_domain::Error;
use serde_json::Value;

use super::{query::Query, refusal::bad_request_at};

const NUL: char = '\0';

fn refusal(place: &str) -> Error {
    let message = "Text must not contain the character [U+0000].";
    if place.is_empty() {
        return Error::bad_request_overall(format!("The request is invalid. {message}"));
    }
    let message = format!("Value for [{place}] is invalid. {message}");
    bad_request_at(place.to_owned(), message)
}

/// Checks the parameters of the path and of the query.
///
/// # Errors
/// A 400 that names the parameter.
pub(crate) async fn check_target(parts: &mut Parts) -> Result<(), Error> {
    match RawPathParams::from_request_parts(parts, &()).await {
        Ok(params) => {
            if let Some((name, _)) = params.iter().find(|(_, value)| value.contains(NUL)) {
                return Err(refusal(name));
            }
        }
        Err(RawPathParamsRejection::InvalidUtf8InPathParam(_)) => {
            return Err(Error::bad_request_overall(
                "The path of the request is not valid UTF-8 text.",
            ));
        }
        // A path without parameters.
        Err(_) => {}
    }
    match Query::of(parts).pairs().find(|(n, v)| n.contains(NUL) || v.contains(NUL)) {
        Some((name, _)) if name.contains(NUL) => Err(refusal("")),
        Some((name, _)) => Err(refusal(name)),
        None => Ok(()),
    }
}

/// Checks the strings and the names of a JSON document, if it is one.
///
/// # Errors
/// A 400 that names the member, `users[0].username`; of a name, the object that has it.
pub(crate) fn check_json(body: &[u8]) -> Result<(), Error> {
    // As itself it is forbidden in JSON; written like this it may still be an escaped backslash and digits.
    let escaped = b"\\u0000";
    if !body.windows(escaped.len()).any(|window| window == escaped) {
        return Ok(());
    }
    let Ok(value) = serde_json::from_slice::<Value>(body) else { return Ok(()) };
    find(&value, "").map_or(Ok(()), |place| Err(refusal(&place)))
}

fn find(value: &Value, place: &str) -> Option<String> {
    match value {
        Value::String(text) => text.contains(NUL).then(|| place.to_owned()),
        Value::Array(items) => {
            items.iter().enumerate().find_map(|(n, item)| find(item, &format!("{place}[{n}]")))
        }
        Value::Object(members) => members.iter().find_map(|(name, member)| {
            if name.contains(NUL) {
                return Some(place.to_owned());
            }
            let dot = if place.is_empty() { "" } else { "." };
            find(member, &format!("{place}{dot}{name}"))
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

/// Checks a text that came encoded in another one.
///
/// # Errors
/// A 400 on `attribute`.
pub(crate) fn check(attribute: &str, text: &str) -> Result<(), Error> {
    if text.contains(NUL) { Err(refusal(attribute)) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(body: &str) -> (Option<String>, String) {
        let error = check_json(body.as_bytes()).expect_err(body);
        (error.attribute.map(Into::into), error.message)
    }

    #[test]
    fn u_0000_is_found_wherever_it_is() {
        for (body, place) in [
            (r#"{"a": "\u0000"}"#, "a"),
            (r#"{"a": {"b": ["x", {"c": "x\u0000y"}]}}"#, "a.b[1].c"),
            (r#"{"tags": {"a\u0000": "x"}}"#, "tags"),
            (r#"{"nobody": {"knows": "\\\u0000"}}"#, "nobody.knows"),
        ] {
            let (attribute, message) = refused(body);
            assert_eq!(attribute.as_deref(), Some(place), "{body}");
            assert_eq!(
                message,
                format!(
                    "Value for [{place}] is invalid. Text must not contain the character [U+0000]."
                )
            );
        }
        assert_eq!(refused(r#"{"\u0000": 1}"#).0, None);
    }

    #[test]
    fn what_only_looks_like_it_is_not() {
        for body in ["", "{}", r#"{"a": "\\u0000"}"#, r#"{"a": "\u0001"}"#, r#"{"a": "\u0000"#] {
            assert_eq!(check_json(body.as_bytes()), Ok(()), "{body}");
        }
    }
}
