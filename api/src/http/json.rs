//! Request bodies. Unknown members are ignored, wrong types are refused by name.

use std::{fmt, marker::PhantomData};

use brokerd_domain::Error;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, MapAccess, Visitor, value::MapAccessDeserializer},
};
use serde_json::error::Category;

use super::{refusal::bad_request_at, text};

/// Reads a body that must be a JSON object. Unknown members are ignored.
///
/// # Errors
/// A 400 that names the member with a wrong type or with a text that no member can have, and never quotes its value,
/// which may be a password.
pub(crate) fn object<T: DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    text::check_json(body)?;
    let mut reader = serde_json::Deserializer::from_slice(body);
    let Object(value) = serde_path_to_error::deserialize(&mut reader).map_err(refusal)?;
    reader.end().map_err(|_| not_json())?;
    Ok(value)
}

fn not_json() -> Error {
    Error::bad_request_overall("Request body is not a valid JSON object.")
}

#[expect(clippy::needless_pass_by_value, reason = "the form that map_err takes")]
fn refusal(error: serde_path_to_error::Error<serde_json::Error>) -> Error {
    let path = error.path().to_string();
    let inner = error.inner();
    if inner.classify() != Category::Data || path == "." && !is_duplicate(inner) {
        return not_json();
    }
    let text = inner.to_string();
    if is_duplicate(inner) {
        let what = text.split(" at line ").next().unwrap_or_default();
        return Error::bad_request_overall(format!("Request body is invalid: {what}."));
    }
    let expected = text
        .rsplit_once("expected ")
        .map(|(_, rest)| rest.split(" at line ").next().unwrap_or(rest))
        .map_or("another value", |expected| match expected {
            "a sequence" => "an array",
            "a map" => "an object",
            "i32" | "i64" => "an integer",
            other => other,
        });
    let message = format!("Value for [{path}] is invalid. Expected {expected}.");
    bad_request_at(path, message)
}

fn is_duplicate(error: &serde_json::Error) -> bool {
    error.to_string().starts_with("duplicate field")
}

/// A value that must be a JSON object: serde alone takes an array of the members as well.
#[derive(Debug)]
pub(crate) struct Object<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Members<T> {
            type Value = T;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<T, A::Error> {
                T::deserialize(MapAccessDeserializer::new(members))
            }
        }
        deserializer.deserialize_map(Members(PhantomData)).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[derive(Debug, Default, Deserialize)]
    #[serde(default)]
    struct Inner {
        password: Option<String>,
        revision: Option<i32>,
    }

    #[derive(Debug, Default, Deserialize)]
    #[serde(default)]
    struct Outer {
        name: Option<String>,
        flag: Option<bool>,
        users: Option<Vec<Object<Inner>>>,
        tags: Option<BTreeMap<String, String>>,
    }

    fn refused(body: &str) -> (Option<String>, String) {
        let error = object::<Outer>(body.as_bytes()).expect_err(body);
        (error.attribute.map(Into::into), error.message)
    }

    #[test]
    fn unknown_members_and_nulls_are_as_if_absent() {
        let read: Outer =
            object(br#" {"name": null, "new": {"x": [1]}, "users": [{"more": 1}], "flag": true} "#)
                .expect("valid");
        assert_eq!((read.name, read.flag), (None, Some(true)));
        assert!(read.tags.is_none());
        assert_eq!(read.users.map(|u| u.len()), Some(1));
    }

    #[test]
    fn a_wrong_type_is_reported_with_its_member_and_without_its_value() {
        for (body, member, expected) in [
            (r#"{"name": 1}"#, "name", "a string"),
            (r#"{"flag": "true"}"#, "flag", "a boolean"),
            (r#"{"users": {}}"#, "users", "an array"),
            (r#"{"users": [["x"]]}"#, "users[0]", "an object"),
            (r#"{"users": [{}, {"password": 123456789}]}"#, "users[1].password", "a string"),
            (r#"{"users": [{"revision": 99999999999}]}"#, "users[0].revision", "an integer"),
            (r#"{"users": [{"revision": 1.5}]}"#, "users[0].revision", "an integer"),
            (r#"{"tags": {"team": null}}"#, "tags.team", "a string"),
        ] {
            let (attribute, message) = refused(body);
            assert_eq!(attribute.as_deref(), Some(member), "{body}");
            assert_eq!(message, format!("Value for [{member}] is invalid. Expected {expected}."));
        }
        assert_eq!(
            refused(r#"{"name": "a", "name": "b"}"#),
            (None, "Request body is invalid: duplicate field `name`.".to_owned())
        );
    }

    #[test]
    fn bodies_that_are_no_json_object_are_refused() {
        for body in [
            "",
            " ",
            "null",
            "[]",
            "[\"x\"]",
            "1",
            "\"x\"",
            "{",
            "{\"name\":\"a\"}}",
            "{'a':1}",
            "\u{feff}{}",
        ] {
            let expected = (None, "Request body is not a valid JSON object.".to_owned());
            assert_eq!(refused(body), expected, "{body}");
        }
        assert!(object::<Outer>(b"{\"name\":\"\xff\"}").is_err());
    }
}
