//! Validates a document of permitted elements, with the messages of the service's validator (Xerces).

use std::collections::BTreeSet;

use super::{
    document::ActiveMqElement,
    schema::{CORE, Collection, Place, Schema, schema as built_in},
    value,
};

/// The maximum number of messages of one error.
pub(super) const MAX_MESSAGES: usize = 20;

/// Checks values, numbers of elements and uniqueness against the schema.
pub(super) fn schema(broker: &ActiveMqElement) -> Result<(), Vec<String>> {
    let schema = built_in();
    let mut validator = Validator { schema, messages: Vec::new() };
    validator.element(broker, schema.broker());
    let mut messages = validator.messages;
    messages.truncate(MAX_MESSAGES);
    if messages.is_empty() { Ok(()) } else { Err(messages) }
}

struct Validator<'s> {
    schema: &'s Schema,
    messages: Vec<String>,
}

impl<'s> Validator<'s> {
    fn element(&mut self, element: &ActiveMqElement, place: Place<'s>) {
        if self.messages.len() >= MAX_MESSAGES {
            return;
        }
        self.attributes(element, place);
        match place {
            Place::Element(kind) => {
                for (name, collection) in &kind.collections {
                    let found = element.elements().filter(|child| child.name == *name).count();
                    if found > 1 && !collection.many {
                        self.messages.push(one_too_many(name));
                    }
                    if found == 0 && collection.required {
                        self.messages.push(incomplete(element, [name.as_str()]));
                    }
                }
            }
            Place::Collection(collection) => self.collection(element, collection),
        }
        for child in element.elements() {
            if let Some(inside) = self.schema.child(place, &child.name) {
                self.element(child, inside);
            }
        }
        if element.has_text() {
            self.messages.push(text_where_none_may_be(&element.name, place));
        }
        match element.name.as_str() {
            "policyMap" => self.policies(element),
            "broker" => self.connectors(element),
            _ => {}
        }
    }

    fn attributes(&mut self, element: &ActiveMqElement, place: Place<'_>) {
        for (name, value) in &element.attributes {
            let Some(kind) = place.type_of(name) else { continue };
            if let Some(fault) = value::fault(self.schema, kind, value) {
                self.messages.push(format!(
                    "cvc-attribute.3: The value '{}' of attribute '{name}' on element '{}' is not \
                     valid with respect to its type, '{kind}'.",
                    value::shortened(value),
                    element.name
                ));
                self.messages.push(fault);
            }
        }
        for name in place.required_attributes() {
            if element.attribute(name).is_none() {
                self.messages.push(format!(
                    "cvc-complex-type.4: Attribute '{name}' must appear on element '{}'.",
                    element.name
                ));
            }
        }
    }

    fn collection(&mut self, element: &ActiveMqElement, collection: &Collection) {
        let mut elements = element.elements();
        if elements.next().is_none() && collection.required {
            let expected = collection.elements.iter().map(String::as_str);
            self.messages.push(incomplete(element, expected));
        }
        if let (false, Some(second)) = (collection.many, elements.next()) {
            self.messages.push(one_too_many(&second.name));
        }
    }

    /// No two policies may be for the same queues, and no two for the same topics.
    fn policies(&mut self, map: &ActiveMqElement) {
        for (attribute, constraint) in [("queue", "uniqueQueue"), ("topic", "uniqueTopic")] {
            let entries = map.elements().flat_map(ActiveMqElement::elements);
            for value in repeated(entries.filter_map(|entry| entry.attribute(attribute))) {
                self.messages.push(format!(
                    "cvc-identity-constraint.4.1: Duplicate unique value [{}] declared for identity \
                     constraint \"{constraint}\" of element \"policyMap\".",
                    value::shortened(value)
                ));
            }
        }
    }

    /// Each transport connector has a name of its own.
    fn connectors(&mut self, broker: &ActiveMqElement) {
        let all = || {
            broker
                .elements()
                .filter(|child| child.name == "transportConnectors")
                .flat_map(ActiveMqElement::elements)
        };
        for _ in all().filter(|connector| connector.attribute("name").is_none()) {
            self.messages.push(
                "cvc-identity-constraint.4.2.1.a: Element \"broker\" has no value for the key \
                 \"transportConnectorName\"."
                    .to_owned(),
            );
        }
        for name in repeated(all().filter_map(|connector| connector.attribute("name"))) {
            self.messages.push(format!(
                "cvc-identity-constraint.4.2.2: Duplicate key value [{}] declared for identity \
                 constraint \"transportConnectorName\" of element \"broker\".",
                value::shortened(name)
            ));
        }
    }
}

/// The values that were there before, as often as they come again.
fn repeated<'v>(values: impl Iterator<Item = &'v str>) -> impl Iterator<Item = &'v str> {
    let mut seen = BTreeSet::new();
    values.filter(move |value| !seen.insert(*value))
}

fn one_too_many(name: &str) -> String {
    format!(
        "cvc-complex-type.2.4.d: Invalid content was found starting with element '{name}'. No child \
         element is expected at this point."
    )
}

pub(super) fn incomplete<'n>(
    element: &ActiveMqElement,
    expected: impl IntoIterator<Item = &'n str>,
) -> String {
    let expected: Vec<String> =
        expected.into_iter().map(|name| format!("\"{CORE}\":{name}")).collect();
    format!(
        "cvc-complex-type.2.4.b: The content of element '{}' is not complete. One of '{{{}}}' is \
         expected.",
        element.name,
        expected.join(", ")
    )
}

fn text_where_none_may_be(name: &str, place: Place<'_>) -> String {
    if matches!(place, Place::Element(kind) if kind.collections.is_empty()) {
        format!(
            "cvc-complex-type.2.1: Element '{name}' must have no character or element information \
             item [children], because the type's content type is empty."
        )
    } else {
        format!(
            "cvc-complex-type.2.3: Element '{name}' cannot have character [children], because the \
             type's content type is element-only."
        )
    }
}
