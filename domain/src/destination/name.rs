//! Which destination of a broker is meant.

use serde::{Deserialize, Serialize};

use super::kind::DestinationKind;
use crate::{
    catalogue::EngineType,
    kernel::{Error, required},
};

/// The longest name, in bytes.
///
/// Source: a short string of AMQP 0-9-1; ActiveMQ has no limit, and its names are far shorter.
const MAX_NAME_LENGTH: usize = 255;
/// The virtual host that every broker has.
const DEFAULT_VIRTUAL_HOST: &str = "/";

/// A destination, as it was named.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DestinationInput {
    /// The name of a [`super::DestinationKind`].
    pub kind: Option<String>,
    /// The name.
    pub name: Option<String>,
    /// The virtual host.
    pub virtual_host: Option<String>,
}

/// A destination of a broker, named as its engine has it: can only be built valid for the engine.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Destination {
    /// What it is.
    pub kind: DestinationKind,
    /// The name.
    pub name: String,
    /// Its virtual host; none in ActiveMQ.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub virtual_host: Option<String>,
}

impl Destination {
    /// Reads which one a caller means.
    ///
    /// # Errors
    /// A 400 on the member at fault.
    pub fn parse(engine: EngineType, input: DestinationInput) -> Result<Self, Error> {
        let kind = parse_kind(engine, &required("kind", input.kind)?)?;
        let name = required("name", input.name)?;
        check_text("name", &name)?;
        if engine == EngineType::ActiveMq {
            check_single(&name)?;
        }
        let virtual_host = parse_virtual_host(engine, input.virtual_host)?;
        let virtual_host = match engine {
            EngineType::ActiveMq => None,
            EngineType::RabbitMq => {
                Some(virtual_host.unwrap_or_else(|| DEFAULT_VIRTUAL_HOST.to_owned()))
            }
        };
        Ok(Self { kind, name, virtual_host })
    }
}

/// The kind of a destination that the engine has.
///
/// # Errors
/// A 400 on `kind`.
pub(super) fn parse_kind(engine: EngineType, kind: &str) -> Result<DestinationKind, Error> {
    let kind = DestinationKind::parse(kind)?;
    if engine == EngineType::RabbitMq && kind == DestinationKind::Topic {
        return Err(Error::bad_request(
            "kind",
            "A RabbitMQ broker has no destinations of kind [TOPIC]. Valid values: [QUEUE].",
        ));
    }
    Ok(kind)
}

/// A virtual host, where the engine has some.
///
/// # Errors
/// A 400 on `virtualHost`.
pub(super) fn parse_virtual_host(
    engine: EngineType,
    virtual_host: Option<String>,
) -> Result<Option<String>, Error> {
    let Some(name) = virtual_host else { return Ok(None) };
    if engine == EngineType::ActiveMq {
        return Err(Error::bad_request("virtualHost", "ActiveMQ has no virtual hosts."));
    }
    check_text("virtualHost", &name)?;
    Ok(Some(name))
}

fn check_text(attribute: &'static str, text: &str) -> Result<(), Error> {
    if text.is_empty() || text.len() > MAX_NAME_LENGTH {
        return Err(Error::bad_request(
            attribute,
            format!("[{attribute}] must be [1] to [{MAX_NAME_LENGTH}] bytes long in UTF-8."),
        ));
    }
    if text.chars().any(char::is_control) {
        return Err(Error::bad_request(
            attribute,
            format!("[{attribute}] must not contain control characters."),
        ));
    }
    Ok(())
}

/// ActiveMQ reads several destinations, patterns and options out of a name.
///
/// Source: "Composite Destinations", "Wildcards" and "Destination Options" of ActiveMQ's documentation.
fn check_single(name: &str) -> Result<(), Error> {
    let is_wild = name.split(['.', '/']).any(|part| matches!(part, "*" | ">"));
    if is_wild || name.contains([',', '?']) {
        return Err(Error::bad_request(
            "name",
            "[name] must be that of one destination, without wildcards, commas and options.",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(
        engine: EngineType,
        kind: &str,
        name: &str,
        virtual_host: Option<&str>,
    ) -> Result<Destination, Error> {
        let text = |text: &str| Some(text.to_owned());
        let virtual_host = virtual_host.map(str::to_owned);
        Destination::parse(
            engine,
            DestinationInput { kind: text(kind), name: text(name), virtual_host },
        )
    }

    #[test]
    fn a_queue_of_rabbitmq_is_in_a_virtual_host() {
        let queue = parsed(EngineType::RabbitMq, "queue", "a,b?c.*", None).expect("a name");
        assert_eq!((queue.name.as_str(), queue.virtual_host.as_deref()), ("a,b?c.*", Some("/")));
        let queue = parsed(EngineType::RabbitMq, "QUEUE", "q", Some("x")).expect("a name");
        assert_eq!(queue.virtual_host.as_deref(), Some("x"));
        let topic = parsed(EngineType::RabbitMq, "TOPIC", "t", None).expect_err("no topics");
        assert_eq!(topic.attribute.as_deref(), Some("kind"));
    }

    #[test]
    fn a_name_of_activemq_is_that_of_one_destination() {
        for name in ["orders", "a.b>c", "a b", "ä", "DLQ.*x", "queue://x"] {
            assert!(parsed(EngineType::ActiveMq, "TOPIC", name, None).is_ok(), "{name}");
        }
        for name in ["a,b", "a?b=c", "a.*", ">", "*.b", "a/>", "", "a\tb", &"a".repeat(256)] {
            let refused = parsed(EngineType::ActiveMq, "QUEUE", name, None).expect_err(name);
            assert_eq!(refused.attribute.as_deref(), Some("name"), "{name}");
        }
        let refused = parsed(EngineType::ActiveMq, "QUEUE", "q", Some("/")).expect_err("none");
        assert_eq!(refused.attribute.as_deref(), Some("virtualHost"));
    }

    #[test]
    fn what_is_missing_is_named() {
        for (input, attribute) in [
            (DestinationInput::default(), "kind"),
            (DestinationInput { kind: Some("QUEUE".into()), ..Default::default() }, "name"),
        ] {
            let refused = Destination::parse(EngineType::RabbitMq, input).expect_err("refused");
            assert_eq!(refused.attribute.as_deref(), Some(attribute));
        }
    }
}
