//! Patterns for events that are JSON: `{ $.a.b = "x" && ($.c[0] > 1 || $.d NOT EXISTS) }`.

use serde_json::Value;

use super::{
    comparison::Comparison,
    scanner::{InvalidPattern, Scanner, invalid},
};

#[derive(Debug, Clone)]
pub(super) struct JsonPattern(Expression);

#[derive(Debug, Clone)]
enum Expression {
    All(Vec<Self>),
    Any(Vec<Self>),
    Condition(Vec<Step>, Predicate),
}

/// A step into a value.
#[derive(Debug, Clone)]
enum Step {
    Member(String),
    Element(usize),
    /// Every member or element.
    Every,
}

#[derive(Debug, Clone)]
enum Predicate {
    Compares(Comparison),
    Is(Value),
    Exists,
    NotExists,
}

impl JsonPattern {
    pub(super) fn parse(text: &str) -> Result<Self, InvalidPattern> {
        let mut scanner = Scanner::new(text);
        scanner.expect("{")?;
        let expression = any(&mut scanner, 0)?;
        scanner.expect("}")?;
        scanner.skip_space();
        if scanner.is_at_end() {
            Ok(Self(expression))
        } else {
            Err(invalid("there is something behind [}]"))
        }
    }

    /// Whether the text is JSON for which the pattern holds.
    pub(super) fn matches(&self, text: &str) -> bool {
        let text = text.trim_start();
        if !text.starts_with(['{', '[']) {
            return false;
        }
        serde_json::from_str::<Value>(text).is_ok_and(|value| self.0.holds_for(&value))
    }
}

impl Expression {
    fn holds_for(&self, value: &Value) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds_for(value)),
            Self::Any(parts) => parts.iter().any(|part| part.holds_for(value)),
            Self::Condition(path, predicate) => predicate.holds_for(&selected(value, path)),
        }
    }
}

impl Predicate {
    fn holds_for(&self, values: &[&Value]) -> bool {
        match self {
            Self::Exists => !values.is_empty(),
            Self::NotExists => values.is_empty(),
            Self::Is(expected) => values.contains(&expected),
            Self::Compares(comparison) => values.iter().any(|value| compares(comparison, value)),
        }
    }
}

fn compares(comparison: &Comparison, value: &Value) -> bool {
    match value {
        Value::String(text) => comparison.holds_for(text),
        Value::Number(number) => number
            .as_f64()
            .is_some_and(|value| comparison.holds_for_number(value, &number.to_string())),
        Value::Bool(is) => comparison.holds_for_text(if *is { "true" } else { "false" }),
        Value::Array(elements) => elements.iter().any(|element| compares(comparison, element)),
        Value::Null | Value::Object(_) => false,
    }
}

fn selected<'a>(value: &'a Value, path: &[Step]) -> Vec<&'a Value> {
    let mut values = vec![value];
    for step in path {
        values = values
            .into_iter()
            .flat_map(|value| -> Vec<&Value> {
                match (step, value) {
                    (Step::Member(name), Value::Object(members)) => {
                        members.get(name).into_iter().collect()
                    }
                    (Step::Element(at), Value::Array(elements)) => {
                        elements.get(*at).into_iter().collect()
                    }
                    (Step::Every, Value::Array(elements)) => elements.iter().collect(),
                    (Step::Every, Value::Object(members)) => members.values().collect(),
                    _ => Vec::new(),
                }
            })
            .collect();
    }
    values
}

fn any(scanner: &mut Scanner<'_>, depth: u32) -> Result<Expression, InvalidPattern> {
    scanner.alternatives(depth, condition, [Expression::Any, Expression::All])
}

fn condition(scanner: &mut Scanner<'_>, depth: u32) -> Result<Expression, InvalidPattern> {
    scanner.skip_space();
    if scanner.take("(") {
        let inner = any(scanner, depth + 1)?;
        scanner.expect(")")?;
        return Ok(inner);
    }
    let path = path(scanner)?;
    let predicate = if scanner.take_word("IS") {
        let values = [("NULL", Value::Null), ("TRUE", true.into()), ("FALSE", false.into())];
        let is = values.into_iter().find(|(word, _)| scanner.take_word(word));
        let (_, value) = is.ok_or_else(|| invalid("IS is followed by NULL, TRUE or FALSE"))?;
        Predicate::Is(value)
    } else if scanner.take_word("NOT") {
        if !scanner.take_word("EXISTS") {
            return Err(invalid("NOT is followed by EXISTS"));
        }
        Predicate::NotExists
    } else if scanner.take_word("EXISTS") {
        Predicate::Exists
    } else {
        Predicate::Compares(Comparison::read(scanner, "{}()")?)
    };
    Ok(Expression::Condition(path, predicate))
}

/// `$.a.b[0].*['c d']`.
fn path(scanner: &mut Scanner<'_>) -> Result<Vec<Step>, InvalidPattern> {
    if !scanner.take("$") {
        return Err(invalid("a selector begins with [$]"));
    }
    let mut steps = Vec::new();
    loop {
        if scanner.take(".") {
            if scanner.take("*") {
                steps.push(Step::Every);
                continue;
            }
            let name = scanner.take_while(|c| c.is_alphanumeric() || "_-:@$".contains(c));
            if name.is_empty() {
                return Err(invalid("the name of a member is missing"));
            }
            steps.push(Step::Member(name.to_owned()));
        } else if scanner.take("[") {
            let quote = scanner.peek().filter(|c| ['\'', '"'].contains(c));
            if let Some(quote) = quote {
                scanner.take(quote.encode_utf8(&mut [0; 4]));
                steps.push(Step::Member(scanner.quoted(quote)?));
            } else if scanner.take("*") {
                steps.push(Step::Every);
            } else {
                let index = scanner.take_while(|c| c.is_ascii_digit());
                let index = index.parse().map_err(|_| invalid("an index is not a number"))?;
                steps.push(Step::Element(index));
            }
            scanner.expect("]")?;
        } else {
            return Ok(steps);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENT: &str = r#"{
        "eventType": "UpdateTrail", "status": 404, "size": 1.5, "ok": true, "none": null,
        "list": ["one", "two", 3], "code": "400",
        "user": {"id": "i-1", "roles": [{"name": "admin"}, {"name": "ops"}], "a b": 1, "a-b": 2}
    }"#;

    #[test]
    fn conditions_are_about_selected_values() {
        for (pattern, matches) in [
            (r#"{ $.eventType = "UpdateTrail" }"#, true),
            ("{ $.eventType = UpdateTrail }", true),
            ("{$.eventType=Update*}", true),
            ("{ $.eventType = update* }", false),
            ("{ $.eventType != UpdateTrail }", false),
            ("{ $.eventType != Other }", true),
            ("{ $.eventType = %^Up.*l$% }", true),
            ("{ $.missing != Other }", false),
            ("{ $.missing = * }", false),
            ("{ $.eventType = * }", true),
            ("{ $.status = 404 }", true),
            ("{ $.status = 4* }", true),
            ("{ $.status > 403 }", true),
            ("{ $.status >= 405 }", false),
            ("{ $.status < 404.5 }", true),
            ("{ $.status <= 404 }", true),
            ("{ $.code = 400 }", true),
            ("{ $.code > 399 }", true),
            ("{ $.size = 1.5 }", true),
            ("{ $.size > 1e1 }", false),
            ("{ $.ok IS TRUE }", true),
            ("{ $.ok is false }", false),
            ("{ $.ok = true }", true),
            ("{ $.none IS NULL }", true),
            ("{ $.none = x }", false),
            ("{ $.missing IS NULL }", false),
            ("{ $.missing NOT EXISTS }", true),
            ("{ $.none NOT EXISTS }", false),
            ("{ $.none EXISTS }", true),
            ("{ $.list[1] = two }", true),
            ("{ $.list[2] = 3 }", true),
            ("{ $.list[3] NOT EXISTS }", true),
            ("{ $.list[*] = one }", true),
            ("{ $.list = one }", true),
            ("{ $.user.id = i-1 }", true),
            ("{ $.user.roles[1].name = ops }", true),
            ("{ $.user.roles[*].name = ops }", true),
            ("{ $.user.* = i-1 }", true),
            ("{ $.user['a b'] = 1 }", true),
            (r#"{ $.user["a b"] = 1 }"#, true),
            ("{ $.user.a-b = 2 }", true),
            ("{ $.eventType.x NOT EXISTS }", true),
        ] {
            let parsed = JsonPattern::parse(pattern).expect(pattern);
            assert_eq!(parsed.matches(EVENT), matches, "{pattern}");
        }
    }

    #[test]
    fn conditions_are_combined_and_binds_closer_than_or() {
        for (pattern, matches) in [
            ("{ $.status = 404 && $.ok IS TRUE }", true),
            ("{ $.status = 1 && $.ok IS TRUE }", false),
            ("{ $.status = 1 || $.ok IS TRUE }", true),
            ("{ $.ok IS TRUE || $.status = 1 && $.status = 2 }", true),
            ("{ ($.ok IS TRUE || $.status = 1) && $.status = 2 }", false),
            ("{ ($.ok IS TRUE) && (($.status = 404)) }", true),
            ("{$.status=404&&$.ok IS TRUE}", true),
        ] {
            let parsed = JsonPattern::parse(pattern).expect(pattern);
            assert_eq!(parsed.matches(EVENT), matches, "{pattern}");
        }
    }

    #[test]
    fn only_json_is_matched() {
        let pattern = JsonPattern::parse("{ $.a NOT EXISTS }").expect("a pattern");
        assert!(pattern.matches("{}") && pattern.matches(" [1]"));
        assert!(!pattern.matches("text") && !pattern.matches("{") && !pattern.matches("\"a\""));
    }
}
