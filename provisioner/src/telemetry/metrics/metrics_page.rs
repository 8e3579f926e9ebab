//! The text in which engines tell their figures: that of Prometheus, and OpenMetrics.
//!
//! Source: "Exposition formats" of Prometheus, the OpenMetrics specification 1.0.

use std::borrow::Cow;

/// The page is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {0} of the page is not a number")]
pub(super) struct InvalidPage(usize);

/// A figure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Figure<'a> {
    /// Its name, with suffixes such as `_total`.
    pub(super) name: &'a str,
    /// What is between the braces.
    labels: &'a str,
    /// Its value.
    pub(super) value: f64,
}

impl<'a> Figure<'a> {
    /// The value of a label.
    pub(super) fn label(&self, name: &str) -> Option<Cow<'a, str>> {
        self.labels().find(|(label, _)| *label == name).map(|(_, value)| unescaped(value))
    }

    /// The names of labels and their values as they are written.
    fn labels(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        let mut rest = self.labels;
        std::iter::from_fn(move || {
            let (name, value, after) = label(rest)?;
            rest = after;
            Some((name, value))
        })
    }
}

/// The figures of a page in their order. What comes after a line that is none is not read.
pub(super) fn figures(page: &str) -> impl Iterator<Item = Result<Figure<'_>, InvalidPage>> {
    let mut lines = page.lines().enumerate();
    std::iter::from_fn(move || {
        loop {
            let (number, line) = lines.next()?;
            let line = line.trim_matches([' ', '\t', '\r']);
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let figure = figure(line).ok_or(InvalidPage(number + 1));
            if figure.is_err() {
                lines = "".lines().enumerate();
            }
            return Some(figure);
        }
    })
}

/// `name{label="value",…} value timestamp # exemplar`, of which all but name and value may be missing.
fn figure(line: &str) -> Option<Figure<'_>> {
    let end = line.find(|c: char| !is_name(c)).unwrap_or(line.len());
    let (name, rest) = line.split_at(end);
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let rest = rest.trim_start();
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(inside) => braced(inside)?,
        None => ("", rest),
    };
    let value = rest.split_ascii_whitespace().next()?.parse().ok()?;
    Some(Figure { name, labels, value })
}

const fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == ':'
}

/// What is between the braces, the first of which is gone already, and what is behind them.
fn braced(inside: &str) -> Option<(&str, &str)> {
    let mut rest = inside;
    while let Some((_, _, after)) = label(rest) {
        rest = after;
    }
    let after = rest.trim_start().strip_prefix('}')?;
    let labels = inside.get(..inside.len() - rest.len())?;
    Some((labels, after))
}

/// The first label, its value as it is written, and what is behind its comma.
fn label(text: &str) -> Option<(&str, &str, &str)> {
    let text = text.trim_start();
    let (name, rest) = text.split_once('=')?;
    let name = name.trim_end();
    if name.is_empty() || !name.chars().all(is_name) {
        return None;
    }
    let value = rest.trim_start().strip_prefix('"')?;
    let mut is_escaped = false;
    let end = value.find(|c| {
        let is_end = c == '"' && !is_escaped;
        is_escaped = c == '\\' && !is_escaped;
        is_end
    })?;
    let after = value.get(end + 1..)?.trim_start();
    Some((name, value.get(..end)?, after.strip_prefix(',').unwrap_or(after)))
}

/// The value of a label: `\\`, `\"` and `\n` stand for what can't be written.
fn unescaped(value: &str) -> Cow<'_, str> {
    if !value.contains('\\') {
        return Cow::Borrowed(value);
    }
    let mut text = String::with_capacity(value.len());
    let mut characters = value.chars();
    while let Some(c) = characters.next() {
        match (c, if c == '\\' { characters.next() } else { None }) {
            ('\\', Some('n')) => text.push('\n'),
            ('\\', Some(other @ ('\\' | '"'))) => text.push(other),
            ('\\', Some(other)) => text.extend(['\\', other]),
            (other, _) => text.push(other),
        }
    }
    Cow::Owned(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A name, labels with their values, a value.
    type Read = (String, Vec<(String, String)>, String);

    fn read(page: &str) -> Vec<Read> {
        figures(page)
            .map(|figure| {
                let figure = figure.expect("a figure");
                let labels = figure
                    .labels()
                    .map(|(name, _)| {
                        (name.to_owned(), figure.label(name).expect("its value").into_owned())
                    })
                    .collect();
                (figure.name.to_owned(), labels, figure.value.to_string())
            })
            .collect()
    }

    fn one(line: &str) -> Read {
        let mut all = read(line);
        assert_eq!(all.len(), 1, "{line}");
        all.remove(0)
    }

    fn with(name: &str, labels: &[(&str, &str)], value: &str) -> Read {
        let labels = labels.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        (name.to_owned(), labels, value.to_owned())
    }

    #[test]
    fn figures_are_read_with_their_labels_and_comments_are_not() {
        let page = "# HELP a {x} says \"what\"\n# TYPE a gauge\n\na 1\n a:b_2{} 2.5 \r\n\
                    c_total{q=\"x\",p=\"y, z}\"} 3e2 1395066363000\n\
                    d{ q = \"\\\"\\\\\\n\\t\" , } -4 # {trace=\"1\"} 0.5\n# EOF\n";
        assert_eq!(
            read(page),
            [
                with("a", &[], "1"),
                with("a:b_2", &[], "2.5"),
                with("c_total", &[("q", "x"), ("p", "y, z}")], "300"),
                with("d", &[("q", "\"\\\n\\t")], "-4"),
            ]
        );
        assert_eq!(read(""), []);
    }

    #[test]
    fn values_may_be_none_and_without_end() {
        for (text, value) in
            [("NaN", "NaN"), ("+Inf", "inf"), ("-Inf", "-inf"), ("1E-3", "0.001"), ("+7", "7")]
        {
            assert_eq!(one(&format!("a {text}")), with("a", &[], value));
        }
    }

    #[test]
    fn names_of_any_language_are_values_of_labels() {
        let line = "m{queue=\"ünïcode 🐇\",vhost=\"/\"} 1";
        assert_eq!(one(line), with("m", &[("queue", "ünïcode 🐇"), ("vhost", "/")], "1"));
    }

    #[test]
    fn what_is_no_figure_ends_the_reading_and_is_told_with_its_line() {
        for wrong in [
            "<html>",
            "a",
            "a{",
            "a{} ",
            "a{b} 1",
            "a{b=c} 1",
            "a{b=\"c} 1",
            "a{b=\"c\"",
            "a{b=\"c\\\"} 1",
            "a{=\"c\"} 1",
            "a{b=\"c\"} x",
            "1a 1",
            "{a=\"b\"} 1",
            "a 1,5",
            "a{b c=\"d\"} 1",
        ] {
            let page = format!("x 1\n{wrong}\ny 1\n");
            let read: Vec<_> = figures(&page).collect();
            assert_eq!(read.len(), 2, "{wrong}");
            assert_eq!(read[1], Err(InvalidPage(2)), "{wrong}");
        }
    }

    #[test]
    fn a_page_that_is_cut_off_anywhere_is_read_or_refused() {
        let page = "a{b=\"c\\\\\",d=\"ü\"} 1 2 # {x=\"y\"} 3\nb 2\n";
        for end in (0..page.len()).filter(|end| page.is_char_boundary(*end)) {
            assert!(figures(&page[..end]).count() <= 2);
        }
    }
}
