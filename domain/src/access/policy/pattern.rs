//! Texts of a policy that requests are compared with: wildcards, variables, segments of ARNs.

use std::borrow::Cow;

use super::context::Context;

/// What a text of a policy may contain besides itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Syntax {
    /// `*` is any text and `?` any character.
    pub(super) wildcards: bool,
    /// `${key}` is a value of the request. From version 2012-10-17 on.
    pub(super) variables: bool,
    /// Letter case does not matter.
    pub(super) ignores_case: bool,
    /// What colons are to wildcards.
    pub(super) colons: Colons,
}

/// What colons are to wildcards. After the fifth colon of an ARN they are characters like any other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Colons {
    /// Characters like any other.
    Ordinary,
    /// They end the segments of an ARN in `Resource`: a `*` at the end of a segment may go on beyond it, other
    /// wildcards stay in theirs.
    ///
    /// Source: "Using wildcards in resource ARNs" of the IAM user guide.
    Resource,
    /// They end the segments of an ARN in a condition: wildcards stay in theirs. A `*` at the end of all of it
    /// matches what is left.
    ///
    /// Source: "ARN condition operators" of the IAM user guide.
    Arn,
}

/// A text of a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    pieces: Pieces,
    ignores_case: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Pieces {
    Fixed(Vec<Token>),
    WithVariables(Vec<Piece>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Token(Token),
    Variable { key: String, default: Option<String> },
}

/// One step of a match. `colon`: whether it may be a colon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    Char(char),
    Any { colon: bool },
    Many { colon: bool },
}

/// Why a text is no pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum InvalidPattern {
    #[error("has a variable without an end")]
    Unclosed,
    #[error("has a variable without a name")]
    Nameless,
    #[error("has a variable whose default value is not in single quotes")]
    Default,
}

impl Pattern {
    /// Reads a text of a policy.
    pub(super) fn parse(text: &str, syntax: Syntax) -> Result<Self, InvalidPattern> {
        let mut pieces = Vec::new();
        let mut colons = 0;
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            if syntax.variables && rest.starts_with("${") {
                let end = rest.find('}').ok_or(InvalidPattern::Unclosed)?;
                pieces.push(variable(&rest[2..end], syntax.ignores_case)?);
                rest = &rest[end + 1..];
                continue;
            }
            rest = &rest[c.len_utf8()..];
            let in_segment = syntax.colons != Colons::Ordinary && colons < 5;
            match c {
                '*' if syntax.wildcards => {
                    let ends_segment = syntax.colons == Colons::Resource && rest.starts_with(':');
                    let colon = !in_segment || rest.is_empty() || ends_segment;
                    pieces.push(Piece::Token(Token::Many { colon }));
                }
                '?' if syntax.wildcards => {
                    pieces.push(Piece::Token(Token::Any { colon: !in_segment }));
                }
                c => {
                    colons += usize::from(c == ':');
                    push(&mut pieces, c, syntax.ignores_case);
                }
            }
        }
        let fixed = pieces.iter().map(|piece| match piece {
            Piece::Token(token) => Some(*token),
            Piece::Variable { .. } => None,
        });
        let fixed: Option<Vec<Token>> = fixed.collect();
        let pieces = fixed.map_or(Pieces::WithVariables(pieces), Pieces::Fixed);
        Ok(Self { pieces, ignores_case: syntax.ignores_case })
    }

    /// Whether a text of the request matches. A variable without a value matches nothing.
    ///
    /// Source: "Policy variables with no value" of the IAM user guide. The value of a variable is text, also where it
    /// has wildcards: whoever chose it did not write the policy.
    pub(super) fn matches(&self, text: &str, context: &Context) -> bool {
        let Some(tokens) = self.resolved(context) else { return false };
        // Character by character, as the pattern was read, and without a copy of the text: most actions differ early.
        if self.ignores_case {
            matches(&tokens, text.chars().flat_map(char::to_lowercase))
        } else {
            matches(&tokens, text.chars())
        }
    }

    /// The condition keys that its variables name.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        let pieces = match &self.pieces {
            Pieces::Fixed(_) => &[],
            Pieces::WithVariables(pieces) => pieces.as_slice(),
        };
        pieces.iter().filter_map(|piece| match piece {
            Piece::Variable { key, .. } => Some(key.as_str()),
            Piece::Token(_) => None,
        })
    }

    /// The pattern with the values of the request; none if one is missing.
    fn resolved(&self, context: &Context) -> Option<Cow<'_, [Token]>> {
        let pieces = match &self.pieces {
            Pieces::Fixed(tokens) => return Some(Cow::Borrowed(tokens)),
            Pieces::WithVariables(pieces) => pieces,
        };
        let mut tokens = Vec::with_capacity(pieces.len());
        for piece in pieces {
            match piece {
                Piece::Token(token) => tokens.push(*token),
                Piece::Variable { key, default } => {
                    let value = context.single(key).or(default.as_deref())?;
                    let value = if self.ignores_case {
                        Cow::Owned(value.to_lowercase())
                    } else {
                        Cow::Borrowed(value)
                    };
                    tokens.extend(value.chars().map(Token::Char));
                }
            }
        }
        Some(Cow::Owned(tokens))
    }
}

/// Adds a character that stands for itself.
fn push(pieces: &mut Vec<Piece>, c: char, ignores_case: bool) {
    if ignores_case {
        pieces.extend(c.to_lowercase().map(|c| Piece::Token(Token::Char(c))));
    } else {
        pieces.push(Piece::Token(Token::Char(c)));
    }
}

/// What is between the braces of a variable: `key`, `key, 'default'`, or one of `*`, `?` and `$`, which are these
/// characters.
fn variable(text: &str, ignores_case: bool) -> Result<Piece, InvalidPattern> {
    if let Some(c) = ["*", "?", "$"].iter().find(|special| text == **special) {
        return Ok(Piece::Token(Token::Char(c.chars().next().unwrap_or_default())));
    }
    let (key, default) = match text.split_once(',') {
        Some((key, default)) => {
            let quoted = default.trim().strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
            let default = quoted.ok_or(InvalidPattern::Default)?;
            (key, Some(if ignores_case { default.to_lowercase() } else { default.to_owned() }))
        }
        None => (text, None),
    };
    if key.trim().is_empty() {
        return Err(InvalidPattern::Nameless);
    }
    Ok(Piece::Variable { key: key.trim().to_owned(), default })
}

/// Whether all of a text matches: all states that the tokens can be in are followed at once, so that the effort is
/// bounded by the product of both lengths, whatever the tokens are.
fn matches(tokens: &[Token], mut rest: impl Iterator<Item = char>) -> bool {
    let mut start = 0;
    while let Some(Token::Char(c)) = tokens.get(start) {
        if rest.next() != Some(*c) {
            return false;
        }
        start += 1;
    }
    let tokens = &tokens[start..];
    match tokens {
        [] => return rest.next().is_none(),
        [Token::Many { colon: true }] => return true,
        _ => {}
    }
    let mut states = States { entered: Vec::new(), round: 1, last: vec![0; tokens.len() + 1] };
    let mut now = Vec::new();
    states.enter(0, tokens);
    for c in rest {
        now.clear();
        std::mem::swap(&mut now, &mut states.entered);
        states.round += 1;
        for &state in &now {
            match tokens.get(state) {
                Some(Token::Char(expected)) if *expected == c => states.enter(state + 1, tokens),
                Some(Token::Any { colon }) if *colon || c != ':' => states.enter(state + 1, tokens),
                Some(Token::Many { colon }) if *colon || c != ':' => states.enter(state, tokens),
                _ => {}
            }
        }
        if states.entered.is_empty() {
            return false;
        }
    }
    states.entered.contains(&tokens.len())
}

/// The tokens that may come next, each once.
struct States {
    entered: Vec<usize>,
    round: usize,
    /// In which round each was entered last.
    last: Vec<usize>,
}

impl States {
    /// Enters a state, and those that are reached from it without a character.
    fn enter(&mut self, from: usize, tokens: &[Token]) {
        let mut state = from;
        loop {
            if self.last.get(state).is_none_or(|last| *last == self.round) {
                return;
            }
            self.last[state] = self.round;
            self.entered.push(state);
            match tokens.get(state) {
                Some(Token::Many { .. }) => state += 1,
                _ => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matched(pattern: &str, colons: Colons, text: &str) -> bool {
        let syntax = Syntax { wildcards: true, variables: true, ignores_case: false, colons };
        Pattern::parse(pattern, syntax).expect(pattern).matches(text, &Context::default())
    }

    #[test]
    fn wildcards_match_any_text_and_any_character() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("*", "a:b", true),
            ("?", "", false),
            ("?", "ä", true),
            ("a*c", "abbc", true),
            ("a*c", "abb", false),
            ("*a*b*", "xxaybzz", true),
            ("a?c*", "abcd", true),
            ("**", "x", true),
            ("a**b", "ab", true),
            ("${*}", "*", true),
            ("${*}", "x", false),
            ("a${?}b", "a?b", true),
            ("a${?}b", "axb", false),
            ("${$}{x}", "${x}", true),
            ("$x$", "$x$", true),
        ] {
            assert_eq!(matched(pattern, Colons::Ordinary, text), expected, "{pattern} on {text}");
        }
    }

    #[test]
    fn the_effort_is_bounded() {
        let pattern = "*a".repeat(1000) + "b";
        assert!(!matched(&pattern, Colons::Ordinary, &"a".repeat(2000)));
    }

    #[test]
    fn variables_have_an_end_and_a_name() {
        let syntax = Syntax {
            wildcards: false,
            variables: true,
            ignores_case: false,
            colons: Colons::Ordinary,
        };
        for (text, why) in [
            ("${aws:username", InvalidPattern::Unclosed),
            ("${}", InvalidPattern::Nameless),
            ("${, 'x'}", InvalidPattern::Nameless),
            ("${aws:username, x}", InvalidPattern::Default),
            ("${aws:username, \"x\"}", InvalidPattern::Default),
            ("${aws:username,}", InvalidPattern::Default),
        ] {
            assert_eq!(Pattern::parse(text, syntax), Err(why), "{text}");
        }
        let literally = Pattern::parse("${}", Syntax { variables: false, ..syntax }).expect("text");
        assert!(literally.matches("${}", &Context::default()));
    }
}
