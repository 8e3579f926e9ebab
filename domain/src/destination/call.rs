//! What is asked of an engine.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{kind::DestinationKind, name::Destination, page::DestinationPosition};
use crate::broker::{Broker, BrokerOperation};
use crate::kernel::Error;

/// What is asked of the engine of a broker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "call", rename_all = "camelCase")]
pub enum EngineCall {
    /// Which destinations there are.
    List(ListCall),
    /// What waits in one.
    Browse(BrowseCall),
    /// To take a message.
    Publish(PublishCall),
    /// To drop the messages of one.
    Purge(Destination),
    /// To delete one.
    Delete(Destination),
    /// To take a message through the broker's own endpoint, and to give it back.
    Test,
}

/// The kind of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EngineCallKind {
    /// [`EngineCall::List`].
    List,
    /// [`EngineCall::Browse`].
    Browse,
    /// [`EngineCall::Publish`].
    Publish,
    /// [`EngineCall::Purge`].
    Purge,
    /// [`EngineCall::Delete`].
    Delete,
    /// [`EngineCall::Test`].
    Test,
}

impl EngineCallKind {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::List, Self::Browse, Self::Publish, Self::Purge, Self::Delete, Self::Test];

    /// Its name, in records and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Browse => "browse",
            Self::Publish => "publish",
            Self::Purge => "purge",
            Self::Delete => "delete",
            Self::Test => "test",
        }
    }

    /// The kind of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// Whether it changes what the owner has, so that it must not be done twice.
    pub const fn is_write(self) -> bool {
        match self {
            Self::List | Self::Browse | Self::Test => false,
            Self::Publish | Self::Purge | Self::Delete => true,
        }
    }

    /// Whether it may be begun again when nobody knows what became of it.
    pub const fn is_repeatable(self) -> bool {
        matches!(self, Self::List | Self::Browse)
    }
}

impl EngineCall {
    /// Its kind.
    pub const fn kind(&self) -> EngineCallKind {
        match self {
            Self::List(_) => EngineCallKind::List,
            Self::Browse(_) => EngineCallKind::Browse,
            Self::Publish(_) => EngineCallKind::Publish,
            Self::Purge(_) => EngineCallKind::Purge,
            Self::Delete(_) => EngineCallKind::Delete,
            Self::Test => EngineCallKind::Test,
        }
    }
}

impl Broker {
    /// Whether the engine may be asked now.
    ///
    /// # Errors
    /// A 409 in the states in which it may not serve.
    pub fn check_engine_call(&self) -> Result<(), Error> {
        self.check_state(BrokerOperation::UseDestinations)
    }
}

/// Which destinations are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListCall {
    /// Of that kind; none: of every kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<DestinationKind>,
    /// Whose names contain that, whatever the letter case of ASCII.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name_contains: Option<String>,
    /// Of that virtual host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub virtual_host: Option<String>,
    /// Those of the engine and of brokerd itself, too.
    #[serde(default)]
    pub internal: bool,
    /// Those after this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<DestinationPosition>,
    /// At most so many.
    pub most: u32,
}

impl ListCall {
    /// Whether it asks for what has this name, as far as the name tells.
    pub fn is_about(&self, name: &str) -> bool {
        let wanted = self.name_contains.as_deref().unwrap_or_default();
        let contains =
            |name: &str| name.to_ascii_lowercase().contains(&wanted.to_ascii_lowercase());
        (self.internal || !is_internal(name)) && (wanted.is_empty() || contains(name))
    }
}

/// Whether the engine or brokerd has it for itself.
///
/// Sources: `AdvisorySupport` and "Statistics plugin" of ActiveMQ; "Queue names" of RabbitMQ's documentation.
pub(super) fn is_internal(name: &str) -> bool {
    ["ActiveMQ.Advisory.", "ActiveMQ.Statistics.", "ActiveMQ.Scheduler.", "amq.", "brokerd."]
        .iter()
        .any(|prefix| name.starts_with(prefix))
}

/// Whose messages are looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BrowseCall {
    /// The destination.
    pub destination: Destination,
    /// At most so many messages.
    pub most: u32,
}

/// A body, as a caller or an engine has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum MessageBody {
    /// A text.
    Text(String),
    /// Bytes, in base64.
    Base64(String),
}

/// The value of a property of a message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum PropertyValue {
    /// A truth.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// Another number.
    Double(f64),
    /// A text.
    Text(String),
}

/// A message to be published.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PublishCall {
    /// Where to.
    pub destination: Destination,
    /// The body.
    pub body: MessageBody,
    /// The media type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// What else it tells.
    #[serde(default)]
    pub properties: BTreeMap<String, PropertyValue>,
    /// Whether it outlives the engine's process.
    pub persistent: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        broker::{Generation, Intent},
        catalogue::EngineType,
        example,
        kernel::ErrorKind,
    };

    #[test]
    fn kinds_have_names_and_what_changes_something_is_a_write() {
        for kind in EngineCallKind::ALL {
            assert_eq!(EngineCallKind::named(kind.as_str()), Some(kind));
        }
        assert_eq!(EngineCallKind::named("LIST"), None);
        let writes: Vec<_> = EngineCallKind::ALL.into_iter().filter(|k| k.is_write()).collect();
        assert_eq!(
            writes,
            [EngineCallKind::Publish, EngineCallKind::Purge, EngineCallKind::Delete]
        );
        assert!(writes.iter().all(|kind| !kind.is_repeatable()));
    }

    #[test]
    fn names_are_found_by_a_part_and_internal_ones_only_if_they_are_asked_for() {
        let call = |wanted: Option<&str>, internal| ListCall {
            kind: None,
            name_contains: wanted.map(str::to_owned),
            virtual_host: None,
            internal,
            after: None,
            most: 20,
        };
        let part = call(Some("Order"), false);
        assert!(part.is_about("new-ORDERS") && !part.is_about("ordr"));
        for internal in ["ActiveMQ.Advisory.Connection", "amq.gen-x", "brokerd.test.1"] {
            assert!(!call(None, false).is_about(internal), "{internal}");
            assert!(call(None, true).is_about(internal), "{internal}");
        }
        assert!(call(None, false).is_about("amqp"));
    }

    #[test]
    fn an_engine_is_asked_only_where_it_serves() {
        let mut broker = example::broker(EngineType::RabbitMq);
        let refused = broker.check_engine_call().expect_err("still being created");
        assert_eq!(refused.kind, ErrorKind::Conflict);
        assert_eq!(
            refused.message,
            "Broker [orders] can't be asked for destinations while in state [CREATION_IN_PROGRESS]"
        );
        broker.status.observed_generation = Some(Generation(1));
        assert_eq!(broker.check_engine_call(), Ok(()));
        broker.intent = Intent::Delete;
        assert!(broker.check_engine_call().is_err());
    }

    #[test]
    fn a_call_is_read_as_it_was_written() {
        let destination = Destination {
            kind: DestinationKind::Queue,
            name: "q".to_owned(),
            virtual_host: Some("/".to_owned()),
        };
        let properties = [
            ("a".to_owned(), PropertyValue::Boolean(true)),
            ("b".to_owned(), PropertyValue::Integer(-5)),
            ("c".to_owned(), PropertyValue::Double(1.5)),
            ("d".to_owned(), PropertyValue::Text("5".to_owned())),
        ];
        let publish = PublishCall {
            destination: destination.clone(),
            body: MessageBody::Base64("AA==".to_owned()),
            content_type: None,
            properties: properties.into(),
            persistent: true,
        };
        for call in [EngineCall::Publish(publish), EngineCall::Purge(destination), EngineCall::Test]
        {
            let text = serde_json::to_string(&call).expect("JSON");
            assert_eq!(serde_json::from_str::<EngineCall>(&text).expect("a call"), call);
        }
    }
}
