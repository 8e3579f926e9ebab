//! Texts of others as Spring's values.
//!
//! Sources: `XBeanNamespaceHandler.getValue` of xbean-spring; "Literal Expressions" of Spring's
//! expression language.

/// The attribute's value that Spring reads as this text. A leading `#` is doubled, else it would name a
/// bean.
pub(super) fn attribute(text: &str) -> String {
    let text = property(text);
    if text.starts_with('#') { format!("#{text}") } else { text }
}

/// The same for the property of a plain bean, which can't name another by `#`. What Spring would take
/// for an expression becomes one whose value is the text.
pub(super) fn property(text: &str) -> String {
    if text.contains("#{") || text.contains("${") {
        let quoted = text.replace('\'', "''").replace("#{", "#'+'{").replace("${", "$'+'{");
        format!("#{{'{quoted}'}}")
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_no_references_and_no_expressions() {
        for (text, value) in [
            ("plain & <simple> \"'", "plain & <simple> \"'"),
            ("a#b$c{d}", "a#b$c{d}"),
            ("#leading", "##leading"),
            ("#null", "##null"),
            ("a#{b}", "##{'a#'+'{b}'}"),
            ("#{it's}'}", "##{'#'+'{it''s}''}'}"),
            ("${x}$${", "##{'$'+'{x}$$'+'{'}"),
        ] {
            assert_eq!(attribute(text), value);
        }
        for (text, value) in [("#leading", "#leading"), ("a#{b}", "#{'a#'+'{b}'}")] {
            assert_eq!(property(text), value);
        }
    }
}
