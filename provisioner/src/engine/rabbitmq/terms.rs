//! Texts as Erlang terms.

use std::fmt::Write as _;

/// An Erlang binary.
pub(super) fn binary(value: &str) -> String {
    format!("<<{}>>", text(value))
}

/// An Erlang string of the UTF-8 that is sent as it is.
pub(super) fn octets(value: &str) -> String {
    text(&value.bytes().map(char::from).collect::<String>())
}

/// An Erlang string.
pub(super) fn text(value: &str) -> String {
    let mut out = String::from("\"");
    for c in value.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            ' '..='~' => out.push(c),
            // Writing to a String can't fail.
            c => drop(write!(out, "\\x{{{:x}}}", u32::from(c))),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_escaped() {
        assert_eq!(octets("\u{e4}"), "\"\\x{c3}\\x{a4}\"");
        assert_eq!(text("a\"b\\c\n\u{e4}"), "\"a\\\"b\\\\c\\x{a}\\x{e4}\"");
    }
}
