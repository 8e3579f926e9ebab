//! A small XML tree for what is rendered: made of what is permitted and of what is ours, written with
//! everything escaped.

use std::fmt::{Display, Write as _};

use brokerd_domain::{ActiveMqElement, xml_attribute_value};

pub(super) const BEANS: &str = "http://www.springframework.org/schema/beans";

/// An element without text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Element {
    pub(super) name: String,
    /// In the order in which they are written.
    pub(super) attributes: Vec<(String, String)>,
    pub(super) children: Vec<Element>,
}

impl Element {
    pub(super) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), attributes: Vec::new(), children: Vec::new() }
    }

    /// An object of the engine as its configuration describes it.
    ///
    /// Of a property that is written more than once the engine would take the last; here its elements
    /// come together. One without elements is left out, because the engine would take it for a text.
    pub(super) fn object(permitted: &ActiveMqElement) -> Self {
        let mut object = Self::new(&permitted.name);
        object.attributes.clone_from(&permitted.attributes);
        for property in permitted.elements() {
            let mut values: Vec<Self> = property.elements().map(Self::object).collect();
            match object.children.iter_mut().find(|child| child.name == property.name) {
                Some(earlier) => earlier.children.append(&mut values),
                None if values.is_empty() => {}
                None => {
                    let mut child = Self::new(&property.name);
                    child.children = values;
                    object.children.push(child);
                }
            }
        }
        object
    }

    /// With this attribute, whatever value it had before.
    pub(super) fn with(mut self, name: &str, value: &dyn Display) -> Self {
        self.set(name, value);
        self
    }

    pub(super) fn child(mut self, child: Self) -> Self {
        self.children.push(child);
        self
    }

    /// `self` in an element of the given name, as ActiveMQ's properties are written.
    pub(super) fn inside(self, name: &str) -> Self {
        Self::new(name).child(self)
    }

    pub(super) fn set(&mut self, name: &str, value: &dyn Display) {
        let value = value.to_string();
        match self.attributes.iter_mut().find(|(n, _)| n == name) {
            Some((_, old)) => *old = value,
            None => self.attributes.push((name.to_owned(), value)),
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// Removes the children of that name and gives back what was in them.
    pub(super) fn take(&mut self, name: &str) -> Vec<Self> {
        let (taken, kept) =
            std::mem::take(&mut self.children).into_iter().partition(|c| c.name == name);
        self.children = kept;
        let taken: Vec<Self> = taken;
        taken.into_iter().flat_map(|element| element.children).collect()
    }

    /// The document, indented.
    pub(super) fn document(&self) -> String {
        let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        self.write(&mut text, 0);
        text
    }

    fn write(&self, text: &mut String, depth: usize) {
        // Writing to a String can't fail.
        let indent = depth * 2;
        let _ = write!(text, "{:indent$}<{}", "", self.name);
        for (name, value) in &self.attributes {
            let _ = write!(text, " {name}=\"{}\"", xml_attribute_value(value));
        }
        if self.children.is_empty() {
            text.push_str("/>\n");
            return;
        }
        text.push_str(">\n");
        for child in &self.children {
            child.write(text, depth + 1);
        }
        let _ = writeln!(text, "{:indent$}</{}>", "", self.name);
    }
}

#[cfg(test)]
mod tests {
    use brokerd_domain::{AuthenticationStrategy, EngineVersion, permitted_activemq};

    use super::*;

    const CORE: &str = "http://activemq.apache.org/schema/core";

    fn read(document: &str) -> Element {
        let version = EngineVersion::new(5, 19);
        let broker = permitted_activemq(version, AuthenticationStrategy::Simple, document);
        Element::object(&broker.expect("permitted"))
    }

    #[test]
    fn what_is_written_is_read_back() {
        let nasty = "a\"<b>&'\u{e4}\n\t{x}]]>";
        let tree = Element::new("broker")
            .with("xmlns", &CORE)
            .child(Element::new("queue").with("physicalName", &nasty).inside("destinations"));
        let mut expected = tree.clone();
        expected.attributes.clear();
        assert_eq!(read(&tree.document()), expected);
    }

    #[test]
    fn a_property_is_written_once_and_never_empty() {
        let inner = "<destinations/><destinations><queue physicalName=\"a\"/></destinations>\
                     <destinationPolicy/><destinations><topic physicalName=\"b\"/></destinations>";
        let broker = read(&format!("<broker xmlns=\"{CORE}\">{inner}</broker>"));
        let mut destinations = Element::new("destinations");
        let named = |name: &str, physical| Element::new(name).with("physicalName", &physical);
        destinations.children = vec![named("queue", "a"), named("topic", "b")];
        assert_eq!(broker.children, [destinations]);
    }
}
