//! Requests, and their checks.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;

use super::{
    call::{BrowseCall, ListCall, MessageBody, PropertyValue, PublishCall},
    kind::BodyEncoding,
    name::{Destination, DestinationInput, parse_kind, parse_virtual_host},
    page::DestinationPosition,
};
use crate::{
    catalogue::EngineType,
    kernel::{Error, required, text},
};

/// The most messages that are browsed at once.
pub const MAX_BROWSED_MESSAGES: u32 = 100;
/// How many are, where nothing is said.
const BROWSED: u32 = 20;
/// The longest body of a message that is published, in bytes.
pub const MAX_BODY_BYTES: usize = 256 << 10;
/// The most properties of a message.
pub const MAX_PROPERTIES: usize = 64;
/// The longest name of a property, in characters.
const MAX_PROPERTY_LENGTH: usize = 128;
/// The longest text of a property, and of a media type, in characters.
const MAX_VALUE_LENGTH: usize = 1024;
/// The longest part of a name that is looked for, in characters.
const MAX_PART_LENGTH: usize = 255;

/// The request of ListDestinations. How many are on a page is checked where all pages are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListInput {
    /// The name of a [`super::DestinationKind`].
    pub kind: Option<String>,
    /// A part of names.
    pub name_contains: Option<String>,
    /// The virtual host.
    pub virtual_host: Option<String>,
    /// `true` or `false`.
    pub include_internal: Option<String>,
}

impl ListCall {
    /// Reads which ones a caller asks for.
    ///
    /// # Errors
    /// A 400 on the parameter at fault.
    pub fn parse(
        engine: EngineType,
        input: ListInput,
        after: Option<DestinationPosition>,
        most: u32,
    ) -> Result<Self, Error> {
        let kind = input.kind.map(|kind| parse_kind(engine, &kind)).transpose()?;
        let name_contains = input.name_contains.filter(|part| !part.is_empty());
        let name_contains = name_contains
            .map(|part| text::line("nameContains", part, MAX_PART_LENGTH))
            .transpose()?;
        let internal = match input.include_internal.as_deref() {
            None | Some("false") => false,
            Some("true") => true,
            Some(other) => {
                return Err(Error::bad_request(
                    "includeInternal",
                    format!(
                        "Value [{other}] is invalid for [includeInternal]. Valid values: [true, false]."
                    ),
                ));
            }
        };
        let virtual_host = input.virtual_host.filter(|name| !name.is_empty());
        let virtual_host = parse_virtual_host(engine, virtual_host)?;
        Ok(Self { kind, name_contains, virtual_host, internal, after, most })
    }
}

/// The request of BrowseDestination.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BrowseInput {
    /// The destination.
    pub destination: DestinationInput,
    /// How many messages.
    pub max_results: Option<i64>,
}

impl BrowseCall {
    /// Reads what a caller wants to see.
    ///
    /// # Errors
    /// A 400 on the member at fault.
    pub fn parse(engine: EngineType, input: BrowseInput) -> Result<Self, Error> {
        let destination = Destination::parse(engine, input.destination)?;
        let most = match input.max_results {
            None => BROWSED,
            Some(wanted) => {
                let wanted = u32::try_from(wanted).ok();
                let wanted = wanted.filter(|wanted| (1..=MAX_BROWSED_MESSAGES).contains(wanted));
                wanted.ok_or_else(|| {
                    Error::bad_request(
                        "maxResults",
                        format!(
                            "[maxResults] must be an integer between [1] and [{MAX_BROWSED_MESSAGES}]."
                        ),
                    )
                })?
            }
        };
        Ok(Self { destination, most })
    }
}

/// The request of PublishToDestination.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PublishInput {
    /// The destination.
    pub destination: DestinationInput,
    /// The body.
    pub body: Option<String>,
    /// The name of a [`BodyEncoding`].
    pub body_encoding: Option<String>,
    /// The media type.
    pub content_type: Option<String>,
    /// Texts, numbers and truths.
    pub properties: Option<BTreeMap<String, Value>>,
    /// Whether it outlives the engine's process.
    pub persistent: Option<bool>,
}

impl PublishCall {
    /// Reads what a caller wants to publish.
    ///
    /// # Errors
    /// A 400 on the member at fault.
    pub fn parse(engine: EngineType, input: PublishInput) -> Result<Self, Error> {
        let destination = Destination::parse(engine, input.destination)?;
        let body = body(required("body", input.body)?, input.body_encoding.as_deref())?;
        let content_type = input.content_type.filter(|media_type| !media_type.is_empty());
        let content_type = content_type
            .map(|media_type| text::line("contentType", media_type, MAX_PART_LENGTH))
            .transpose()?;
        let properties = properties(input.properties.unwrap_or_default())?;
        let persistent = input.persistent.unwrap_or(true);
        Ok(Self { destination, body, content_type, properties, persistent })
    }
}

fn body(body: String, encoding: Option<&str>) -> Result<MessageBody, Error> {
    let encoding = encoding.map_or(Ok(BodyEncoding::Text), BodyEncoding::parse)?;
    let (bytes, body) = match encoding {
        BodyEncoding::Text => (body.len(), MessageBody::Text(body)),
        BodyEncoding::Base64 => {
            let decoded = STANDARD
                .decode(&body)
                .map_err(|_| Error::bad_request("body", "[body] is not valid base64."))?;
            (decoded.len(), MessageBody::Base64(body))
        }
    };
    if bytes > MAX_BODY_BYTES {
        return Err(Error::bad_request(
            "body",
            format!("[body] can be at most [{MAX_BODY_BYTES}] bytes long."),
        ));
    }
    Ok(body)
}

fn properties(input: BTreeMap<String, Value>) -> Result<BTreeMap<String, PropertyValue>, Error> {
    if input.len() > MAX_PROPERTIES {
        return Err(Error::bad_request(
            "properties",
            format!("A message can have at most [{MAX_PROPERTIES}] properties."),
        ));
    }
    let mut properties = BTreeMap::new();
    for (name, value) in input {
        let name = text::line("properties", name, MAX_PROPERTY_LENGTH)?;
        if name.is_empty() {
            return Err(Error::bad_request("properties", "A property must have a name."));
        }
        properties.insert(name, property(value)?);
    }
    Ok(properties)
}

fn property(value: Value) -> Result<PropertyValue, Error> {
    let invalid = || {
        Error::bad_request(
            "properties",
            "The value of a property must be a text, a number or a truth value.",
        )
    };
    match value {
        Value::Bool(truth) => Ok(PropertyValue::Boolean(truth)),
        Value::String(value) => {
            text::lines("properties", value, MAX_VALUE_LENGTH).map(PropertyValue::Text)
        }
        Value::Number(number) => number
            .as_i64()
            .map(PropertyValue::Integer)
            .or_else(|| number.as_f64().filter(|n| n.is_finite()).map(PropertyValue::Double))
            .ok_or_else(invalid),
        Value::Null | Value::Array(_) | Value::Object(_) => Err(invalid()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn queue() -> DestinationInput {
        DestinationInput {
            kind: Some("QUEUE".to_owned()),
            name: Some("orders".to_owned()),
            virtual_host: None,
        }
    }

    fn attribute<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
        result.expect_err("refused").attribute.expect("one member").into_owned()
    }

    #[test]
    fn a_list_is_asked_for_by_kind_part_and_virtual_host() {
        let input = ListInput {
            kind: Some("queue".to_owned()),
            name_contains: Some(String::new()),
            virtual_host: Some("/".to_owned()),
            include_internal: Some("true".to_owned()),
        };
        let call = ListCall::parse(EngineType::RabbitMq, input.clone(), None, 50).expect("valid");
        assert_eq!((call.name_contains, call.internal, call.most), (None, true, 50));
        let refused = ListCall::parse(EngineType::ActiveMq, input.clone(), None, 50);
        assert_eq!(attribute(refused), "virtualHost");
        for (wrong, blamed) in [
            (ListInput { kind: Some("X".into()), ..input.clone() }, "kind"),
            (ListInput { kind: Some("TOPIC".into()), ..input.clone() }, "kind"),
            (ListInput { include_internal: Some("1".into()), ..input.clone() }, "includeInternal"),
            (ListInput { name_contains: Some("\u{1}".into()), ..input }, "nameContains"),
        ] {
            let refused = ListCall::parse(EngineType::RabbitMq, wrong, None, 50);
            assert_eq!(attribute(refused), blamed);
        }
    }

    #[test]
    fn one_to_a_hundred_messages_are_browsed() {
        let browse = |max_results| {
            let input = BrowseInput { destination: queue(), max_results };
            BrowseCall::parse(EngineType::RabbitMq, input)
        };
        for (wanted, most) in [(None, 20), (Some(1), 1), (Some(100), 100)] {
            assert_eq!(browse(wanted).expect("valid").most, most);
        }
        for wrong in [0, 101, -1, i64::MAX] {
            assert_eq!(attribute(browse(Some(wrong))), "maxResults");
        }
    }

    #[test]
    fn a_message_is_persistent_unless_something_else_is_said() {
        let input = PublishInput {
            destination: queue(),
            body: Some(String::new()),
            properties: Some([("a".to_owned(), json!(1)), ("b".to_owned(), json!(0.5))].into()),
            ..PublishInput::default()
        };
        let call = PublishCall::parse(EngineType::ActiveMq, input.clone()).expect("valid");
        assert!(call.persistent);
        assert_eq!(call.properties["a"], PropertyValue::Integer(1));
        assert_eq!(call.properties["b"], PropertyValue::Double(0.5));
        let input = PublishInput { persistent: Some(false), ..input };
        assert!(!PublishCall::parse(EngineType::ActiveMq, input).expect("valid").persistent);
    }

    #[test]
    fn what_no_message_can_have_is_refused_by_name() {
        let input = PublishInput {
            destination: queue(),
            body: Some("AAA=".to_owned()),
            body_encoding: Some("BASE64".to_owned()),
            ..PublishInput::default()
        };
        assert!(PublishCall::parse(EngineType::RabbitMq, input.clone()).is_ok());
        let with = |properties: Value| {
            let Value::Object(properties) = properties else { panic!("an object") };
            PublishInput { properties: Some(properties.into_iter().collect()), ..input.clone() }
        };
        let many: serde_json::Map<_, _> = (0..65).map(|n| (n.to_string(), json!(n))).collect();
        let long = Some("a".repeat(MAX_BODY_BYTES + 1));
        for (wrong, blamed) in [
            (PublishInput { body: None, ..input.clone() }, "body"),
            (PublishInput { body: Some("?".into()), ..input.clone() }, "body"),
            (PublishInput { body: long, body_encoding: None, ..input.clone() }, "body"),
            (PublishInput { body_encoding: Some("HEX".into()), ..input.clone() }, "bodyEncoding"),
            (PublishInput { content_type: Some("a\nb".into()), ..input.clone() }, "contentType"),
            (with(json!({"a": null})), "properties"),
            (with(json!({"a": [1]})), "properties"),
            (with(json!({"": 1})), "properties"),
            (with(json!({"a": "x".repeat(1025)})), "properties"),
            (with(Value::Object(many)), "properties"),
        ] {
            assert_eq!(attribute(PublishCall::parse(EngineType::RabbitMq, wrong)), blamed);
        }
    }
}
