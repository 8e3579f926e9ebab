//! A small XML tree: read with all entities refused, written with everything escaped.

use std::fmt::{Display, Write as _};

/// How deep a document may be; the permitted schema needs no more than half of it.
const DEEPEST: usize = 32;

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
            let _ = write!(text, " {name}=\"{}\"", escaped(value));
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

fn escaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for c in value.chars() {
        match c {
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '"' => text.push_str("&quot;"),
            // Written as themselves they would come back as blanks.
            '\t' | '\n' | '\r' => {
                let _ = write!(text, "&#{};", u32::from(c));
            }
            c => text.push(c),
        }
    }
    text
}

/// Reads a document whose elements all are in `namespace` and have neither text nor attributes of
/// other namespaces. Comments are dropped, document type definitions refused.
pub(super) fn read(text: &str, namespace: &str) -> Result<Element, String> {
    let document = roxmltree::Document::parse(text).map_err(|e| e.to_string())?;
    convert(document.root_element(), namespace, 0)
}

fn convert(
    node: roxmltree::Node<'_, '_>,
    namespace: &str,
    depth: usize,
) -> Result<Element, String> {
    let name = node.tag_name().name();
    if node.tag_name().namespace() != Some(namespace) {
        return Err(format!("element {name} is not in the namespace {namespace}"));
    }
    if depth > DEEPEST {
        return Err(format!("element {name} is nested more than {DEEPEST} levels deep"));
    }
    let mut element = Element::new(name);
    for attribute in node.attributes() {
        if attribute.namespace().is_some() {
            return Err(format!("attribute {} of {name} is in a namespace", attribute.name()));
        }
        element.attributes.push((attribute.name().to_owned(), attribute.value().to_owned()));
    }
    for child in node.children() {
        if child.is_element() {
            element.children.push(convert(child, namespace, depth + 1)?);
        } else if child.is_pi()
            || child.text().is_some_and(|t| child.is_text() && !t.trim().is_empty())
        {
            return Err(format!("element {name} holds text or an instruction"));
        }
    }
    Ok(element)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let nasty = "a\"<b>&'\u{e4}\n\t{x}]]>";
        let tree = Element::new("broker")
            .with("xmlns", &"urn:x")
            .child(Element::new("queue").with("physicalName", &nasty));
        let mut expected = tree.clone();
        expected.attributes.clear();
        assert_eq!(read(&tree.document(), "urn:x"), Ok(expected));
    }

    #[test]
    fn tricks_of_xml_are_refused() {
        let bomb =
            "<!DOCTYPE b [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><b xmlns=\"u\" a=\"&x;\"/>";
        let deep = format!("{}{}", "<b xmlns=\"u\">".repeat(100), "</b>".repeat(100));
        for wrong in [
            bomb,
            &deep,
            "<b/>",
            "<b xmlns=\"u\"><c xmlns=\"other\"/></b>",
            "<b xmlns=\"u\" xmlns:p=\"q\" p:a=\"1\"/>",
            "<b xmlns=\"u\">text</b>",
            "<b xmlns=\"u\"><?php x?></b>",
            "<b xmlns=\"u\">",
        ] {
            assert!(read(wrong, "u").is_err(), "{wrong}");
        }
        assert!(read("<b xmlns=\"u\"> <!-- comment --> </b>", "u").is_ok());
    }
}
