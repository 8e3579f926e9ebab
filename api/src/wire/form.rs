//! Forms of the query protocol: `MetricDataQueries.member.1.MetricStat.Period=60`.
//!
//! Source: "AWS query protocol" of the Smithy specification.

use std::collections::BTreeMap;

use super::value::{MAX_DEPTH, Members, Value};
use crate::query::Parameters;

/// The names in a form contradict each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Contradiction(pub(crate) String);

#[derive(Debug)]
enum Node {
    Leaf(String),
    Branch(BTreeMap<String, Node>),
}

/// The parameters of a call as one structure.
///
/// # Errors
/// A name is that of a value and of a structure, or is nested too deep.
pub(crate) fn read(parameters: &Parameters) -> Result<Value, Contradiction> {
    let mut root = BTreeMap::new();
    for (name, value) in parameters.pairs() {
        let parts: Vec<&str> = name.split('.').collect();
        if parts.len() > MAX_DEPTH {
            return Err(Contradiction(name.to_owned()));
        }
        insert(&mut root, &parts, value).ok_or_else(|| Contradiction(name.to_owned()))?;
    }
    Ok(value(Node::Branch(root)))
}

fn insert(branch: &mut BTreeMap<String, Node>, parts: &[&str], value: &str) -> Option<()> {
    let (first, rest) = parts.split_first()?;
    if rest.is_empty() {
        let leaf = Node::Leaf(value.to_owned());
        return branch.insert((*first).to_owned(), leaf).is_none().then_some(());
    }
    let next = branch.entry((*first).to_owned()).or_insert_with(|| Node::Branch(BTreeMap::new()));
    match next {
        Node::Leaf(_) => None,
        Node::Branch(next) => insert(next, rest, value),
    }
}

fn value(node: Node) -> Value {
    let mut branch = match node {
        Node::Leaf(text) => return Value::Form(text),
        Node::Branch(branch) => branch,
    };
    if branch.len() == 1
        && let Some(Node::Branch(items)) = branch.get_mut("member")
        && items.keys().all(|number| position(number).is_some())
    {
        let items = std::mem::take(items);
        let numbered = items.into_iter().filter_map(|(at, item)| Some((position(&at)?, item)));
        let in_order: BTreeMap<u32, Node> = numbered.collect();
        return Value::List(in_order.into_values().map(value).collect());
    }
    let mut members = Members::default();
    for (name, node) in branch {
        members.put(name, value(node));
    }
    Value::Structure(members)
}

/// The number of an item. Not "01" beside "1".
fn position(number: &str) -> Option<u32> {
    let is_plain = !number.starts_with(['0', '+']);
    number.parse().ok().filter(|_| is_plain)
}
