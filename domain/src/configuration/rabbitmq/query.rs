//! LDAP queries: the Erlang terms by which the LDAP plugin authorises.
//!
//! They are read and written anew, so that nothing but a query reaches the broker: a term that it
//! does not understand would keep it from booting, or refuse everybody.
//!
//! Source: "LDAP Support" of RabbitMQ's documentation, section "Authorisation".

use std::fmt;

/// How deep a term may be nested.
const MAX_DEPTH: usize = 32;

/// The longest atom that Erlang has.
const MAX_ATOM_LENGTH: usize = 255;

/// A term, as far as queries have them.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Term {
    Atom(String),
    Text(String),
    Tuple(Vec<Term>),
    List(Vec<Term>),
}

/// Reads a query that answers yes or no, and writes it on one line.
pub(super) fn truth(text: &str) -> Result<String, String> {
    let term = read(text)?;
    check(&term)?;
    Ok(term.to_string())
}

/// Reads a list of user tags, each with its query, and writes it on one line.
pub(super) fn tags(text: &str) -> Result<String, String> {
    let term = read(text)?;
    let Term::List(entries) = &term else {
        return Err("it must be a list of tags with their queries".to_owned());
    };
    for entry in entries {
        match entry {
            Term::Tuple(pair) if matches!(pair[..], [Term::Atom(_), _]) => check(&pair[1])?,
            other => return Err(format!("{other} is not a tag with its query")),
        }
    }
    Ok(term.to_string())
}

fn check(query: &Term) -> Result<(), String> {
    let wrong = || Err(format!("{query} is not a query"));
    let Term::Tuple(parts) = query else { return wrong() };
    let Some((Term::Atom(name), arguments)) = parts.split_first() else { return wrong() };
    match (name.as_str(), arguments) {
        ("constant", [Term::Atom(b)]) if b == "true" || b == "false" => Ok(()),
        ("exists", [Term::Text(_)]) => Ok(()),
        ("in_group" | "in_group_nested", [Term::Text(_)] | [Term::Text(_), Term::Text(_)]) => {
            Ok(())
        }
        ("in_group_nested", [Term::Text(_), Term::Text(_), Term::Atom(scope)])
            if scope == "subtree" || scope == "single_level" =>
        {
            Ok(())
        }
        ("not", [inner]) => check(inner),
        ("and" | "or", [Term::List(inner)]) => inner.iter().try_for_each(check),
        ("for", [Term::List(cases)]) => cases.iter().try_for_each(|case| match case {
            Term::Tuple(parts) => match &parts[..] {
                [Term::Atom(_), Term::Atom(_), inner] => check(inner),
                _ => Err(format!("{case} is not a case of a for-query")),
            },
            _ => Err(format!("{case} is not a case of a for-query")),
        }),
        ("equals", [left, right]) => check_text(left).and_then(|()| check_text(right)),
        ("match", [left, right]) => check_texts(left).and_then(|()| check_texts(right)),
        _ => wrong(),
    }
}

/// What a query compares.
fn check_text(query: &Term) -> Result<(), String> {
    match query {
        Term::Text(_) => Ok(()),
        Term::Tuple(parts) => match &parts[..] {
            [Term::Atom(name), Term::Text(_)] if name == "string" => Ok(()),
            [Term::Atom(name), Term::Text(_), Term::Text(_)] if name == "attribute" => Ok(()),
            _ => Err(format!("{query} is neither a string nor an attribute")),
        },
        _ => Err(format!("{query} is neither a string nor an attribute")),
    }
}

fn check_texts(query: &Term) -> Result<(), String> {
    match query {
        Term::List(queries) => queries.iter().try_for_each(check_text),
        other => check_text(other),
    }
}

fn read(text: &str) -> Result<Term, String> {
    let mut reader = Reader { rest: text };
    let term = reader.term(0)?;
    reader.skip_blanks();
    match reader.rest.strip_prefix('.').unwrap_or(reader.rest).trim() {
        "" => Ok(term),
        more => Err(format!("there is more after the query: {}", super::syntax::shortened(more))),
    }
}

fn atom(name: String) -> Result<Term, String> {
    if name.len() > MAX_ATOM_LENGTH {
        return Err(format!("a name has at most {MAX_ATOM_LENGTH} characters"));
    }
    Ok(Term::Atom(name))
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn skip_blanks(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn take(&mut self, wanted: char) -> bool {
        self.skip_blanks();
        match self.rest.strip_prefix(wanted) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn term(&mut self, depth: usize) -> Result<Term, String> {
        if depth == MAX_DEPTH {
            return Err(format!("it is nested more than {MAX_DEPTH} deep"));
        }
        if self.take('{') {
            return self.elements('}', depth).map(Term::Tuple);
        }
        if self.take('[') {
            return self.elements(']', depth).map(Term::List);
        }
        if self.take('"') {
            return self.quoted('"').map(Term::Text);
        }
        if self.take('\'') {
            return self.quoted('\'').and_then(atom);
        }
        let of_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '@';
        let end = self.rest.find(|c| !of_word(c)).unwrap_or(self.rest.len());
        if !self.rest.starts_with(|c: char| c.is_ascii_lowercase()) {
            return Err(match self.rest {
                "" => "it ends too early".to_owned(),
                rest => format!("[{}] is not a term", super::syntax::shortened(rest)),
            });
        }
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        atom(word.to_owned())
    }

    fn elements(&mut self, end: char, depth: usize) -> Result<Vec<Term>, String> {
        let mut elements = Vec::new();
        if self.take(end) {
            return Ok(elements);
        }
        loop {
            elements.push(self.term(depth + 1)?);
            if self.take(end) {
                return Ok(elements);
            }
            if !self.take(',') {
                return Err(format!("a comma or {end} is missing"));
            }
        }
    }

    fn quoted(&mut self, quote: char) -> Result<String, String> {
        let mut text = String::new();
        let mut characters = self.rest.char_indices();
        while let Some((at, c)) = characters.next() {
            match c {
                '\\' => match characters.next() {
                    Some((_, c @ ('\\' | '"' | '\''))) => text.push(c),
                    _ => return Err("a backslash may only stand before a quote or another".into()),
                },
                c if c == quote => {
                    self.rest = &self.rest[at + 1..];
                    return Ok(text);
                }
                ' '..='~' => text.push(c),
                _ => return Err("only printable ASCII characters are possible".to_owned()),
            }
        }
        Err(format!("a closing {quote} is missing"))
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sequence = |f: &mut fmt::Formatter<'_>, terms: &[Term]| {
            terms.iter().enumerate().try_for_each(|(at, term)| {
                if at > 0 {
                    f.write_str(",")?;
                }
                term.fmt(f)
            })
        };
        let quoted = |f: &mut fmt::Formatter<'_>, text: &str, quote: char| {
            write!(f, "{quote}")?;
            for c in text.chars() {
                if c == '\\' || c == quote {
                    f.write_str("\\")?;
                }
                write!(f, "{c}")?;
            }
            write!(f, "{quote}")
        };
        match self {
            // Quoted always: some words are the language's own.
            Self::Atom(name) => quoted(f, name, '\''),
            Self::Text(text) => quoted(f, text, '"'),
            Self::Tuple(terms) => {
                f.write_str("{")?;
                sequence(f, terms)?;
                f.write_str("}")
            }
            Self::List(terms) => {
                f.write_str("[")?;
                sequence(f, terms)?;
                f.write_str("]")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_read_and_written_on_one_line() {
        for (text, written) in [
            ("{constant, true}", "{'constant','true'}"),
            (" {in_group,\"cn=a,dc=b\"} . ", "{'in_group',\"cn=a,dc=b\"}"),
            (
                "{in_group_nested, \"cn=a\", \"uniqueMember\", subtree}",
                "{'in_group_nested',\"cn=a\",\"uniqueMember\",'subtree'}",
            ),
            (
                "{'and', [{'not', {exists, \"ou=${vhost}\"}},\n {equals, \"${username}\", {attribute, \"${user_dn}\", \"uid\"}}]}",
                "{'and',[{'not',{'exists',\"ou=${vhost}\"}},{'equals',\"${username}\",{'attribute',\"${user_dn}\",\"uid\"}}]}",
            ),
            (
                "{for, [{permission, configure, {match, {string, \"a\"}, [\"^b\\\\d\"]}}]}",
                "{'for',[{'permission','configure',{'match',{'string',\"a\"},[\"^b\\\\d\"]}}]}",
            ),
        ] {
            assert_eq!(truth(text).as_deref(), Ok(written));
            assert_eq!(truth(written).as_deref(), Ok(written), "what is written is read alike");
        }
        assert_eq!(
            tags("[{administrator, {in_group, \"cn=a\"}}, {management, {constant, true}}]")
                .as_deref(),
            Ok("[{'administrator',{'in_group',\"cn=a\"}},{'management',{'constant','true'}}]")
        );
    }

    #[test]
    fn other_terms_are_refused() {
        for text in [
            "",
            "true",
            "{constant, maybe}",
            "{constant, true",
            "{constant true}",
            "{constant, true}}",
            "{constant, true}. {constant, true}.",
            "{constant, True}",
            "{in_group, 7}",
            "{in_group, <<\"x\">>}",
            "{in_group, \"x}",
            "{in_group, \"\\x41\"}",
            "{in_group, \"ä\"}",
            "{in_group, fun() -> ok end}",
            "{'or', {constant, true}}",
            "{for, [{permission, {constant, true}}]}",
            "% comment",
        ] {
            assert!(truth(text).is_err(), "{text}");
        }
        assert!(tags("{constant, true}").is_err());
        assert!(tags("[{constant}]").is_err());
        let named = |length| format!("[{{{}, {{constant, true}}}}]", "x".repeat(length));
        assert!(tags(&named(255)).is_ok() && tags(&named(256)).is_err());
        let deep = format!("{}{{constant, true}}{}", "{'not', ".repeat(40), "}".repeat(40));
        assert!(truth(&deep).expect_err("too deep").contains("nested"));
    }
}
