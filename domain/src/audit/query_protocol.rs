//! Calls and answers of the query protocol, which IAM and STS speak, as the JSON that their events have.

use roxmltree::{Document, Node};
use serde_json::{Map, Value};

/// How deep names may be nested.
const MAX_DEPTH: usize = 16;
/// The highest number of a member of a list.
const MAX_LIST_LENGTH: usize = 1000;

/// A name as events have it: `UserName` is `userName`.
pub(super) fn lower_first(name: &str) -> String {
    let mut letters = name.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_ascii_lowercase().to_string() + letters.as_str())
}

/// The parameters of a form: `Tags.member.1.Key=a` is `{"tags": [{"key": "a"}]}`. `Action` and `Version` are left out.
pub fn form_parameters<'a>(
    pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Map<String, Value> {
    let mut members = Value::Object(Map::new());
    for (name, value) in pairs {
        if name == "Action" || name == "Version" {
            continue;
        }
        let parts: Vec<&str> = name.split('.').filter(|part| *part != "member").collect();
        if parts.len() <= MAX_DEPTH {
            set(&mut members, &parts, value);
        }
    }
    match members {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

fn set(place: &mut Value, parts: &[&str], value: &str) {
    let Some((part, rest)) = parts.split_first() else {
        *place = value.into();
        return;
    };
    let number = part.parse::<usize>().ok().filter(|number| (1..=MAX_LIST_LENGTH).contains(number));
    if let Some(number) = number {
        if !place.is_array() {
            *place = Value::Array(Vec::new());
        }
        if let Value::Array(items) = place {
            if items.len() < number {
                items.resize(number, Value::Null);
            }
            set(&mut items[number - 1], rest, value);
        }
        return;
    }
    if !place.is_object() {
        *place = Value::Object(Map::new());
    }
    if let Value::Object(members) = place {
        set(members.entry(lower_first(part)).or_insert(Value::Null), rest, value);
    }
}

/// The members of an answer: those of `<CreateUserResponse><CreateUserResult>`. None: it is no answer of the protocol.
pub fn answer_of_query(xml: &str) -> Option<Map<String, Value>> {
    let document = Document::parse(xml).ok()?;
    let root = document.root_element();
    let result = format!("{}Result", root.tag_name().name().strip_suffix("Response")?);
    let result = root.children().find(|node| node.tag_name().name() == result);
    Some(match result.map(|result| json_of(result, 0)) {
        Some(Value::Object(members)) => members,
        Some(_) | None => Map::new(),
    })
}

fn json_of(node: Node<'_, '_>, depth: usize) -> Value {
    let children: Vec<_> = node.children().filter(Node::is_element).collect();
    if children.is_empty() || depth >= MAX_DEPTH {
        return node.text().unwrap_or_default().into();
    }
    if children.iter().all(|child| child.tag_name().name() == "member") {
        return children.into_iter().map(|child| json_of(child, depth + 1)).collect();
    }
    let members = children
        .into_iter()
        .map(|child| (lower_first(child.tag_name().name()), json_of(child, depth + 1)));
    Value::Object(members.collect())
}
