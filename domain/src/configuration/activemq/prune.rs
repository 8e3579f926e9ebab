//! Parses a document, and removes what the schema does not permit.

use std::fmt;

use roxmltree::{Document as Xml, Node as XmlNode, ParsingOptions};

use super::{
    document::{ActiveMqElement, Document, MAX_DOCUMENT_BYTES, Node, is_blank, too_large},
    schema::{CORE, Place, Schema, schema},
    value::shortened,
};
use crate::catalogue::{AuthenticationStrategy, EngineVersion};

/// The maximum depth of permitted elements. All but recovery policies, which can be nested, need less than a
/// third of it. Removed elements may have any depth, because they are not read.
const MAX_DEPTH: usize = 64;

/// The maximum number of attributes of a tag, because the parser compares each with every other. No element
/// of the schema has a hundred.
const MAX_ATTRIBUTES: usize = 512;

/// The maximum number of declared prefixes, because the parser copies those in scope into each element.
const MAX_PREFIXES: usize = 32;

/// An element or attribute that was removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SanitizationWarning {
    /// The element, or the element of the attribute.
    pub element_name: String,
    /// The attribute, if an attribute was removed.
    pub attribute_name: Option<String>,
    /// Why.
    pub reason: SanitizationWarningReason,
}

/// Why something was removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SanitizationWarningReason {
    /// The element is not permitted at its place.
    DisallowedElementRemoved,
    /// The element may not have the attribute.
    DisallowedAttributeRemoved,
    /// The engine would evaluate the attribute's value, or would not start with it.
    InvalidAttributeValueRemoved,
}

impl SanitizationWarningReason {
    /// The spelling of the service model.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DisallowedElementRemoved => "DISALLOWED_ELEMENT_REMOVED",
            Self::DisallowedAttributeRemoved => "DISALLOWED_ATTRIBUTE_REMOVED",
            Self::InvalidAttributeValueRemoved => "INVALID_ATTRIBUTE_VALUE_REMOVED",
        }
    }
}

impl fmt::Display for SanitizationWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (element, reason) = (&self.element_name, self.reason);
        match &self.attribute_name {
            None => write!(f, "element '{element}' is not permitted where it is"),
            Some(name) if reason == SanitizationWarningReason::InvalidAttributeValueRemoved => {
                write!(f, "the value of attribute '{name}' of element '{element}' can't be used")
            }
            Some(name) => write!(f, "attribute '{name}' of element '{element}' is not permitted"),
        }
    }
}

/// Parses a document and removes what the schema does not permit.
pub(super) fn prune(
    version: EngineVersion,
    strategy: AuthenticationStrategy,
    text: &str,
) -> Result<(Document, Vec<SanitizationWarning>), String> {
    let xml = parse(text)?;
    let root = xml.root_element();
    let (name, namespace) = (root.tag_name().name(), root.tag_name().namespace());
    if name != "broker" || namespace != Some(CORE) {
        let name = shortened(name);
        return Err(format!("cvc-elt.1: Cannot find the declaration of element '{name}'."));
    }
    let schema = schema();
    let mut pruner = Pruner { schema, version, strategy, warnings: Vec::new() };
    let broker = pruner.element(root, schema.broker(), 0)?;
    let (mut before, mut after) = (Vec::new(), Vec::new());
    for node in xml.root().children().filter(XmlNode::is_comment) {
        let side = if node < root { &mut before } else { &mut after };
        side.extend(comment(node));
    }
    Ok((Document { before, root: broker, after }, pruner.warnings))
}

/// Parses a text within limits of attributes and prefixes.
fn parse(text: &str) -> Result<Xml<'_>, String> {
    if text.len() > MAX_DOCUMENT_BYTES {
        return Err(too_large());
    }
    // No attribute's value can hold a '<', so that a tag's attributes are all before the next one.
    if text.split('<').any(|tag| assignments(tag) > MAX_ATTRIBUTES) {
        return Err(format!("An element has more than {MAX_ATTRIBUTES} attributes."));
    }
    if text.matches("xmlns:").count() > MAX_PREFIXES {
        return Err(format!("The document declares more than {MAX_PREFIXES} prefixes."));
    }
    let options = ParsingOptions { allow_dtd: false, ..ParsingOptions::default() };
    let xml = Xml::parse_with_options(text, options).map_err(|error| match error {
        roxmltree::Error::DtdDetected => "The document has a document type declaration.".to_owned(),
        error => {
            format!("The document is not well-formed: {}.", shortened(&error.to_string()))
        }
    })?;
    if xml.descendants().any(|node| node.is_pi()) {
        return Err("The document has a processing instruction.".to_owned());
    }
    let mut attributes = xml.descendants().flat_map(|node| node.attributes());
    if attributes
        .any(|a| a.value().contains('\u{fffd}') && refers_to_no_character(text.get(a.range())))
    {
        return Err("The document is not well-formed: a reference is to no character.".to_owned());
    }
    Ok(xml)
}

/// Whether the attribute has a character reference to no character, which the parser replaces.
fn refers_to_no_character(attribute: Option<&str>) -> bool {
    attribute.unwrap_or_default().split("&#").skip(1).filter_map(|rest| rest.split_once(';')).any(
        |(number, _)| {
            let code = match number.strip_prefix('x') {
                Some(hex) => u32::from_str_radix(hex, 16),
                None => number.parse(),
            };
            code.map_or(true, |code| char::from_u32(code).is_none())
        },
    )
}

/// The number of quoted values after an equals sign.
fn assignments(text: &str) -> usize {
    let mut found = 0;
    let mut after_equals = false;
    for byte in text.bytes() {
        match byte {
            b'=' => after_equals = true,
            b' ' | b'\t' | b'\n' | b'\r' => {}
            byte => {
                found += usize::from(after_equals && matches!(byte, b'"' | b'\''));
                after_equals = false;
            }
        }
    }
    found
}

struct Pruner<'s> {
    schema: &'s Schema,
    version: EngineVersion,
    strategy: AuthenticationStrategy,
    warnings: Vec<SanitizationWarning>,
}

impl<'s> Pruner<'s> {
    /// The permitted part of a permitted element.
    fn element(
        &mut self,
        xml: XmlNode<'_, '_>,
        place: Place<'s>,
        depth: usize,
    ) -> Result<ActiveMqElement, String> {
        if depth > MAX_DEPTH {
            return Err(format!("The document is nested more than {MAX_DEPTH} levels deep."));
        }
        let name = xml.tag_name().name();
        let attributes = self.attributes(xml, name, place);
        let mut nodes = Vec::new();
        for child in xml.children() {
            if child.is_element() {
                match self.child(child, place) {
                    Some(inside) => {
                        nodes.push(Node::Element(self.element(child, inside, depth + 1)?));
                    }
                    None => {
                        self.warn(
                            child.tag_name().name(),
                            None,
                            SanitizationWarningReason::DisallowedElementRemoved,
                        );
                        remove_indent(&mut nodes);
                    }
                }
            } else if child.is_comment() {
                match comment(child) {
                    Some(text) => nodes.push(Node::Comment(text)),
                    None => remove_indent(&mut nodes),
                }
            } else if let Some(text) = child.text() {
                // A carriage return that is still here was written as a reference.
                nodes.push(Node::Text(text.replace('\r', "\n")));
            }
        }
        if nodes.iter().all(|node| matches!(node, Node::Text(text) if is_blank(text))) {
            nodes.clear();
        }
        Ok(ActiveMqElement { name: name.to_owned(), attributes, nodes })
    }

    /// The schema of the child element at this place; none if it is not permitted.
    fn child(&self, child: XmlNode<'_, '_>, place: Place<'s>) -> Option<Place<'s>> {
        if child.tag_name().namespace() != Some(CORE) {
            return None;
        }
        self.schema
            .child(place, child.tag_name().name())
            .filter(|inside| inside.for_strategy(self.strategy))
    }

    /// The permitted attributes; the others are reported, sorted by name.
    fn attributes(
        &mut self,
        xml: XmlNode<'_, '_>,
        element: &str,
        place: Place<'s>,
    ) -> Vec<(String, String)> {
        let mut kept = Vec::new();
        let mut removed = Vec::new();
        for attribute in xml.attributes() {
            let (name, value) = (attribute.name(), attribute.value());
            if let Some(namespace) = attribute.namespace() {
                let name = match xml.lookup_prefix(namespace) {
                    Some(prefix) => format!("{prefix}:{name}"),
                    None => name.to_owned(),
                };
                removed.push((name, SanitizationWarningReason::DisallowedAttributeRemoved));
            } else if !place.permits(name, self.version) {
                let reason = SanitizationWarningReason::DisallowedAttributeRemoved;
                removed.push((name.to_owned(), reason));
            } else if is_evaluated(value) {
                let reason = SanitizationWarningReason::InvalidAttributeValueRemoved;
                removed.push((name.to_owned(), reason));
            } else {
                kept.push((name.to_owned(), value.to_owned()));
            }
        }
        removed.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        for (name, reason) in removed {
            self.warn(element, Some(name), reason);
        }
        kept
    }

    fn warn(
        &mut self,
        element: &str,
        attribute: Option<String>,
        reason: SanitizationWarningReason,
    ) {
        self.warnings.push(SanitizationWarning {
            element_name: element.to_owned(),
            attribute_name: attribute,
            reason,
        });
    }
}

/// Whether Spring would evaluate the value: as a placeholder, an expression or a bean name.
fn is_evaluated(value: &str) -> bool {
    has_expression(value) || value.trim_start().starts_with('#')
}

fn has_expression(text: &str) -> bool {
    text.contains("${") || text.contains("#{")
}

/// The text of a comment; none if it has an expression, because no stored document may have one.
fn comment(node: XmlNode<'_, '_>) -> Option<String> {
    let text = node.text().unwrap_or_default();
    (!has_expression(text)).then(|| text.to_owned())
}

/// Removes the white space before a removed element, so that no empty line is left.
fn remove_indent(nodes: &mut Vec<Node>) {
    if matches!(nodes.last(), Some(Node::Text(text)) if is_blank(text)) {
        nodes.pop();
    }
}
