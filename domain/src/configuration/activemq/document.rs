//! The element tree of a configuration, and its serialisation.

use std::fmt::Write as _;

use super::schema::CORE;

/// The maximum size of a document in bytes, before and after serialisation: that of a request, because the
/// service does not publish its limit.
pub(super) const MAX_DOCUMENT_BYTES: usize = 1 << 20;

/// What is said of a document that is larger.
pub(super) fn too_large() -> String {
    format!("The document is larger than {MAX_DOCUMENT_BYTES} bytes.")
}

/// An element of a configuration; all of them are in ActiveMQ's namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActiveMqElement {
    /// The local name.
    pub name: String,
    /// Names and values, in document order.
    pub attributes: Vec<(String, String)>,
    pub(super) nodes: Vec<Node>,
}

/// A child node of an element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node {
    Element(ActiveMqElement),
    Comment(String),
    Text(String),
}

impl ActiveMqElement {
    /// The child elements, in document order.
    pub fn elements(&self) -> impl Iterator<Item = &Self> {
        self.nodes.iter().filter_map(|node| match node {
            Node::Element(element) => Some(element),
            Node::Comment(_) | Node::Text(_) => None,
        })
    }

    /// The value of the attribute with this name.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// Whether it has text other than white space.
    pub(super) fn has_text(&self) -> bool {
        self.nodes.iter().any(|node| matches!(node, Node::Text(text) if !is_blank(text)))
    }

    fn write(&self, text: &mut String, root: bool) {
        let mut attributes: Vec<(&str, &str)> =
            self.attributes.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        if root {
            attributes.push(("xmlns", CORE));
        }
        attributes.sort_unstable();
        // Writing to a String can't fail.
        let _ = write!(text, "<{}", self.name);
        for (name, value) in attributes {
            let _ = write!(text, " {name}=\"{}\"", xml_attribute_value(value));
        }
        if self.nodes.is_empty() {
            text.push_str("/>");
            return;
        }
        text.push('>');
        for node in &self.nodes {
            match node {
                Node::Element(element) => element.write(text, false),
                Node::Comment(comment) => write_comment(text, comment),
                Node::Text(layout) => text.push_str(layout),
            }
        }
        let _ = write!(text, "</{}>", self.name);
    }
}

/// A whole document: its root, and the comments around it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Document {
    pub(super) before: Vec<String>,
    pub(super) root: ActiveMqElement,
    pub(super) after: Vec<String>,
}

impl Document {
    pub(super) fn root(&self) -> &ActiveMqElement {
        &self.root
    }

    pub(super) fn into_root(self) -> ActiveMqElement {
        self.root
    }

    /// Serialises the document in the service's form: the XML declaration, attributes sorted by name with
    /// `xmlns` as one of them, no content between the tags of an empty element, a line feed at the end.
    pub(super) fn write(&self) -> String {
        let mut text =
            String::from("<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n");
        for comment in &self.before {
            write_comment(&mut text, comment);
            text.push('\n');
        }
        self.root.write(&mut text, true);
        text.push('\n');
        for comment in &self.after {
            write_comment(&mut text, comment);
            text.push('\n');
        }
        text
    }
}

/// Whether the text is only XML white space.
pub(super) fn is_blank(text: &str) -> bool {
    text.bytes().all(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r'))
}

/// The text, escaped as an attribute value in double quotes.
pub fn xml_attribute_value(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for c in value.chars() {
        match c {
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '"' => text.push_str("&quot;"),
            // Written as themselves they would come back as blanks.
            '\t' | '\n' | '\r' => {
                // Writing to a String can't fail.
                let _ = write!(text, "&#{};", u32::from(c));
            }
            c => text.push(c),
        }
    }
    text
}

fn write_comment(text: &mut String, comment: &str) {
    // Writing to a String can't fail.
    let _ = write!(text, "<!--{comment}-->");
}
