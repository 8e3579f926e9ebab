//! AWS JSON.
//!
//! Source: "AWS JSON 1.0 protocol" of the Smithy specification.

use serde_json::{Map, Number, Value as Json};

use super::value::{Members, Value, seconds};

/// Reads a body; none: it is no JSON object. An empty one has no members.
pub(crate) fn read(body: &[u8]) -> Option<Value> {
    if body.is_empty() {
        return Some(Value::Structure(Members::default()));
    }
    let json: Json = serde_json::from_slice(body).ok()?;
    json.is_object().then(|| value(json))
}

fn value(json: Json) -> Value {
    match json {
        Json::Null => Value::Absent,
        Json::Bool(is) => Value::Boolean(is),
        Json::Number(number) => match number.as_i64() {
            Some(number) => Value::Integer(number),
            None => Value::Double(number.as_f64().unwrap_or(f64::NAN)),
        },
        Json::String(text) => Value::Text(text),
        Json::Array(items) => Value::List(items.into_iter().map(value).collect()),
        Json::Object(members) => {
            let mut read = Members::default();
            for (name, member) in members {
                read.put(name, value(member));
            }
            Value::Structure(read)
        }
    }
}

/// The document of a value. Times are seconds since 1970.
pub(crate) fn written(value: &Value) -> Json {
    match value {
        Value::Absent => Json::Null,
        Value::Boolean(is) => Json::Bool(*is),
        Value::Integer(number) => Json::from(*number),
        Value::Double(number) => double(*number),
        Value::Text(text) | Value::Form(text) => Json::from(text.as_str()),
        Value::Moment(moment) => {
            let seconds = seconds(*moment);
            if seconds.fract() == 0.0 { Json::from(moment.as_seconds()) } else { double(seconds) }
        }
        Value::List(items) => items.iter().map(written).collect(),
        Value::Structure(members) => {
            let members = members.iter().map(|(name, value)| (name.to_owned(), written(value)));
            Json::Object(members.collect::<Map<_, _>>())
        }
    }
}

fn double(number: f64) -> Json {
    match Number::from_f64(number) {
        Some(number) => Json::Number(number),
        None if number.is_nan() => Json::from("NaN"),
        None if number > 0.0 => Json::from("Infinity"),
        None => Json::from("-Infinity"),
    }
}
