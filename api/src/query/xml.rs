//! XML as answers have it: elements and texts, no attributes but the namespace of the root.

use std::fmt::{Display, Write as _};

/// The content of an element, well formed whatever the texts are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Xml(String);

impl Xml {
    /// What `fill` writes.
    pub(crate) fn new(fill: impl FnOnce(&mut Self)) -> Self {
        let mut xml = Self::default();
        fill(&mut xml);
        xml
    }

    /// A document with this root element.
    pub(crate) fn document(name: &str, namespace: &str, fill: impl FnOnce(&mut Self)) -> String {
        let mut xml = Self(format!("<{name} xmlns=\"{namespace}\">"));
        fill(&mut xml);
        xml.close(name);
        xml.0
    }

    /// An element with a text.
    pub(crate) fn text(&mut self, name: &str, value: impl Display) {
        self.open(name);
        // Writing to a text does not fail.
        let _ = write!(Escaping(&mut self.0), "{value}");
        self.close(name);
    }

    /// An element with a text, if there is one.
    pub(crate) fn optional(&mut self, name: &str, value: Option<impl Display>) {
        if let Some(value) = value {
            self.text(name, value);
        }
    }

    /// An element with elements.
    pub(crate) fn element(&mut self, name: &str, fill: impl FnOnce(&mut Self)) {
        self.open(name);
        fill(self);
        self.close(name);
    }

    /// A list: an element with a `member` for each item.
    pub(crate) fn list<T>(
        &mut self,
        name: &str,
        items: impl IntoIterator<Item = T>,
        mut each: impl FnMut(&mut Self, T),
    ) {
        self.element(name, |xml| {
            for item in items {
                xml.element("member", |xml| each(xml, item));
            }
        });
    }

    /// A list of texts.
    pub(crate) fn texts<T: Display>(&mut self, name: &str, items: impl IntoIterator<Item = T>) {
        self.element(name, |xml| {
            for item in items {
                xml.text("member", item);
            }
        });
    }

    /// The text.
    pub(crate) fn into_text(self) -> String {
        self.0
    }

    /// What another one has.
    pub(crate) fn append(&mut self, other: &Self) {
        self.0.push_str(&other.0);
    }

    fn open(&mut self, name: &str) {
        self.0.push('<');
        self.0.push_str(name);
        self.0.push('>');
    }

    fn close(&mut self, name: &str) {
        self.0.push_str("</");
        self.0.push_str(name);
        self.0.push('>');
    }
}

/// Escapes what is written.
struct Escaping<'a>(&'a mut String);

impl std::fmt::Write for Escaping<'_> {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        for c in text.chars() {
            match c {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                // A parser would make a line feed of it.
                '\r' => self.0.push_str("&#xD;"),
                '\t' | '\n' => self.0.push(c),
                // XML 1.0 can't have these at all.
                c if c.is_ascii_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => {
                    self.0.push(char::REPLACEMENT_CHARACTER);
                }
                c => self.0.push(c),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn elements_lists_and_texts_are_written() {
        let document = Xml::document("ListXResponse", "https://example/", |xml| {
            xml.element("ListXResult", |xml| {
                xml.list("Users", ["a", "b"], |xml, name| xml.text("UserName", name));
                xml.texts("Names", [1, 2]);
                xml.list("None", [0; 0], |_, _| {});
                xml.optional("Marker", None::<&str>);
                xml.optional("Path", Some("/"));
            });
        });
        assert_eq!(
            document,
            "<ListXResponse xmlns=\"https://example/\"><ListXResult>\
             <Users><member><UserName>a</UserName></member><member><UserName>b</UserName></member></Users>\
             <Names><member>1</member><member>2</member></Names><None></None><Path>/</Path>\
             </ListXResult></ListXResponse>"
        );
    }

    proptest! {
        #[test]
        fn every_text_is_read_back_by_a_parser(text in ".{0,40}|[\r\n\t<>&\"' ]{0,10}") {
            let document = Xml::document("a", "b", |xml| xml.text("c", &text));
            let read = roxmltree::Document::parse(&document).expect("XML");
            let element = read.root_element().first_element_child().expect("an element");
            let is_kept = |c: char| c == '\t' || c == '\n' || c == '\r' || !(c.is_ascii_control() || matches!(c, '\u{fffe}' | '\u{ffff}'));
            let expected: String =
                text.chars().map(|c| if is_kept(c) { c } else { '\u{fffd}' }).collect();
            prop_assert_eq!(element.text().unwrap_or_default(), expected);
        }
    }
}
