//! The schema: permitted elements, their attributes and children.

use std::{collections::BTreeMap, sync::LazyLock};

use serde::Deserialize;

use crate::catalogue::{AuthenticationStrategy, EngineVersion};

/// The namespace of everything that is permitted.
pub(super) const CORE: &str = "http://activemq.apache.org/schema/core";

/// Source: the published schema files for 5.17 to 5.19, which differ in few attributes only.
///
/// Left out: the broker's `start`, which no schema file has, and the elements `connectionFilter`,
/// `localUri`, `objectName` and `uri` of a network connector, whose only content would be Spring beans.
static SCHEMA: LazyLock<Schema> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../../data/activemq-schema.json"))
        .expect("the built-in schema is well-formed; a test reads it")
});

/// The built-in schema.
pub(super) fn schema() -> &'static Schema {
    &SCHEMA
}

/// The schemas of all versions in one. A version without a schema of its own has that of the nearest version.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Schema {
    #[serde(rename = "source")]
    _source: String,
    types: BTreeMap<String, Restriction>,
    elements: BTreeMap<String, ElementType>,
}

/// An element that stands for an object of the engine.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ElementType {
    /// The authentication strategy that permits the element; none: all of them.
    strategy: Option<AuthenticationStrategy>,
    #[serde(default)]
    attributes: BTreeMap<String, Attribute>,
    #[serde(default)]
    pub(super) collections: BTreeMap<String, Collection>,
}

/// An element for a property of the object around it, which holds one or more elements.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Collection {
    pub(super) elements: Vec<String>,
    /// Whether it may hold more than one element.
    #[serde(default)]
    pub(super) many: bool,
    /// Whether the collection and its content are required.
    #[serde(default)]
    pub(super) required: bool,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Attribute {
    Plain(String),
    #[serde(rename_all = "camelCase")]
    Detailed {
        r#type: String,
        since: Option<EngineVersion>,
        #[serde(default)]
        required: bool,
    },
}

/// A type that the schema derives from a built-in one.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Restriction {
    pub(super) base: String,
    #[serde(default)]
    pub(super) enumeration: Vec<String>,
    pub(super) min_inclusive: Option<i64>,
    pub(super) max_inclusive: Option<i64>,
}

/// A place in a document.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place<'s> {
    /// In an element for an object.
    Element(&'s ElementType),
    /// In an element for a property.
    Collection(&'s Collection),
}

impl Schema {
    /// The root of a document.
    pub(super) fn broker(&self) -> Place<'_> {
        Place::Element(&self.elements["broker"])
    }

    /// The place of the child with this name; none if it is not permitted here.
    pub(super) fn child<'s>(&'s self, place: Place<'s>, name: &str) -> Option<Place<'s>> {
        match place {
            Place::Element(element) => element.collections.get(name).map(Place::Collection),
            Place::Collection(collection) => {
                let listed = collection.elements.iter().any(|element| element == name);
                listed.then(|| Place::Element(&self.elements[name]))
            }
        }
    }

    /// The restrictions of a type; none for a built-in one.
    pub(super) fn restriction(&self, r#type: &str) -> Option<&Restriction> {
        self.types.get(r#type)
    }
}

impl<'s> Place<'s> {
    /// Whether a configuration of that strategy may have the element.
    pub(super) fn for_strategy(self, strategy: AuthenticationStrategy) -> bool {
        match self {
            Self::Element(element) => element.strategy.is_none_or(|only| only == strategy),
            Self::Collection(_) => true,
        }
    }

    /// The type of the attribute with this name; none if no version has it here.
    pub(super) fn type_of(self, attribute: &str) -> Option<&'s str> {
        self.attribute(attribute).map(|attribute| match attribute {
            Attribute::Plain(r#type) | Attribute::Detailed { r#type, .. } => r#type.as_str(),
        })
    }

    /// Whether the attribute is permitted in that version.
    pub(super) fn permits(self, attribute: &str, version: EngineVersion) -> bool {
        self.attribute(attribute).is_some_and(|attribute| match attribute {
            Attribute::Plain(_) => true,
            Attribute::Detailed { since, .. } => since.is_none_or(|since| since <= version),
        })
    }

    /// The required attributes.
    pub(super) fn required_attributes(self) -> impl Iterator<Item = &'s str> {
        self.attributes().filter_map(|(name, attribute)| {
            matches!(attribute, Attribute::Detailed { required: true, .. }).then_some(name.as_str())
        })
    }

    fn attribute(self, name: &str) -> Option<&'s Attribute> {
        match self {
            Self::Element(element) => element.attributes.get(name),
            Self::Collection(_) => None,
        }
    }

    fn attributes(self) -> impl Iterator<Item = (&'s String, &'s Attribute)> {
        let element = match self {
            Self::Element(element) => Some(element),
            Self::Collection(_) => None,
        };
        element.into_iter().flat_map(|element| &element.attributes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUILT_IN: &[&str] = &["boolean", "double", "integer", "long", "short", "string"];

    fn version(text: &str) -> EngineVersion {
        text.parse().expect("a version")
    }

    #[test]
    fn the_schema_is_complete_in_itself() {
        let schema = schema();
        assert_eq!(schema.elements.len(), 65);
        for (name, element) in &schema.elements {
            for attribute in element.attributes.keys() {
                let r#type = Place::Element(element).type_of(attribute).expect("it is listed");
                assert!(
                    BUILT_IN.contains(&r#type) || schema.types.contains_key(r#type),
                    "{name} {attribute}: {type}"
                );
            }
            for (collection, what) in &element.collections {
                assert!(!what.elements.is_empty(), "{name} {collection}");
                for element in &what.elements {
                    assert!(
                        schema.elements.contains_key(element),
                        "{name} {collection}: {element}"
                    );
                }
            }
        }
        for (name, restriction) in &schema.types {
            assert!(BUILT_IN.contains(&restriction.base.as_str()), "{name}");
        }
    }

    #[test]
    fn each_version_has_its_own_attributes() {
        let schema = schema();
        let broker = schema.broker();
        let entry = Place::Element(&schema.elements["policyEntry"]);
        // version, broker's maxUncommittedCount, policyEntry's advisoryForDispatched
        for (text, uncommitted, dispatched) in [
            ("5.15", false, false),
            ("5.17", false, false),
            ("5.18", false, true),
            ("5.19", true, true),
            ("6.2", true, true),
        ] {
            assert_eq!(broker.permits("maxUncommittedCount", version(text)), uncommitted, "{text}");
            assert_eq!(entry.permits("advisoryForDispatched", version(text)), dispatched, "{text}");
            assert!(broker.permits("schedulerSupport", version(text)), "{text}");
        }
    }

    #[test]
    fn what_the_service_owns_is_not_permitted() {
        let schema = schema();
        let broker = schema.broker();
        for own in ["brokerName", "dataDirectory", "start", "useJmx", "transportConnectorURIs"] {
            assert!(!broker.permits(own, version("5.19")), "{own}");
        }
        for own in ["managementContext", "sslContext", "bean", "ioExceptionHandler"] {
            assert!(schema.child(broker, own).is_none(), "{own}");
        }
        for own in ["runtimeConfigurationPlugin", "bean", "jaasAuthenticationPlugin"] {
            assert!(!schema.elements.contains_key(own), "{own}");
        }
        let connector = Place::Element(&schema.elements["networkConnector"]);
        assert!(!connector.permits("password", version("5.19")));
        let kaha = Place::Element(&schema.elements["kahaDB"]);
        assert!(!kaha.permits("directory", version("5.19")));
    }
}
