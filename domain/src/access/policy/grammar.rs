//! The grammar of policy documents.

use std::collections::BTreeSet;

use super::{
    arn::resource,
    condition::Condition,
    error::InvalidPolicy,
    json::Node,
    operator::Operator,
    pattern::{Colons, Pattern, Syntax},
    principal_element::PrincipalElement,
    size::MAX_DOCUMENT_LENGTH,
    statement::{Effect, Element, Statement},
};

/// What a statement is read as.
#[derive(Clone, Copy)]
struct Reading {
    /// Whether it is one of a trust policy.
    is_trust: bool,
    /// Whether `${…}` is a variable.
    variables: bool,
    /// Which statement, from 1.
    number: usize,
}

type Members = [(String, Node)];

/// The statements of a document.
///
/// # Errors
/// The first thing at fault.
pub(super) fn statements(text: &str, is_trust: bool) -> Result<Vec<Statement>, InvalidPolicy> {
    if text.chars().count() > MAX_DOCUMENT_LENGTH {
        return Err(malformed(format!("it has more than {MAX_DOCUMENT_LENGTH} characters")));
    }
    let permitted = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{ff}');
    if let Some(c) = text.chars().find(|c| !permitted(*c)) {
        return Err(malformed(format!("it has the character \"{}\"", c.escape_debug())));
    }
    let document = match Node::parse(text).map_err(malformed)? {
        Node::Map(members) => members,
        other => return Err(malformed(format!("it is {}, not an object", other.kind()))),
    };
    for (name, _) in &document {
        if !["Version", "Id", "Statement"].contains(&name.as_str()) {
            return Err(malformed(format!("\"{name}\" is not an element of a policy")));
        }
    }
    if let Some(id) = member(&document, "Id") {
        string(id, "Id")?;
    }
    let variables = match member(&document, "Version") {
        None => false,
        Some(Node::Text(version)) if version == "2008-10-17" => false,
        Some(Node::Text(version)) if version == "2012-10-17" => true,
        Some(_) => {
            return Err(InvalidPolicy::Malformed(
                "Policy document must be version 2012-10-17 or greater.".to_owned(),
            ));
        }
    };
    let nodes = match member(&document, "Statement") {
        Some(Node::List(nodes)) if !nodes.is_empty() => nodes.as_slice(),
        Some(node @ Node::Map(_)) => std::slice::from_ref(node),
        Some(Node::List(_)) | None => return Err(malformed("it has no statement")),
        Some(other) => return Err(malformed(format!("\"Statement\" is {}", other.kind()))),
    };
    let mut statements = Vec::new();
    let mut sids = BTreeSet::new();
    for (node, number) in nodes.iter().zip(1..) {
        let statement = Reading { is_trust, variables, number }.statement(node)?;
        let sid = statement.sid.clone().filter(|sid| !sid.is_empty());
        if sid.is_some_and(|sid| !sids.insert(sid)) {
            return Err(InvalidPolicy::Malformed(
                "Statement IDs (SID) in a single policy must be unique.".to_owned(),
            ));
        }
        statements.push(statement);
    }
    Ok(statements)
}

impl Reading {
    fn statement(self, node: &Node) -> Result<Statement, InvalidPolicy> {
        let Node::Map(members) = node else {
            return Err(self.malformed(format!("is {}, not an object", node.kind())));
        };
        self.check_elements(members)?;
        let sid = match member(members, "Sid") {
            None => None,
            Some(sid) => Some(self.sid(sid)?),
        };
        let effect = match member(members, "Effect") {
            Some(Node::Text(effect)) if effect == "Allow" => Effect::Allow,
            Some(Node::Text(effect)) if effect == "Deny" => Effect::Deny,
            Some(_) => return Err(self.malformed("has an Effect other than Allow and Deny")),
            None => return Err(self.malformed("has no Effect")),
        };
        let actions = self.element(members, "Action", "NotAction", |text| self.action(text))?;
        let actions = actions.ok_or_else(|| sentence("Policy statement must contain actions."))?;
        let resources =
            self.element(members, "Resource", "NotResource", |text| self.resource(text))?;
        if !self.is_trust && resources.is_none() {
            return Err(sentence("Policy statement must contain resources."));
        }
        let principals = self.principals(members, effect)?;
        let conditions = match member(members, "Condition") {
            None => Vec::new(),
            Some(node) => self.conditions(node)?,
        };
        Ok(Statement { sid, effect, principals, actions, resources, conditions })
    }

    /// Which elements may be there, and which not together.
    fn check_elements(self, members: &Members) -> Result<(), InvalidPolicy> {
        const KNOWN: &[&str] = &[
            "Sid",
            "Effect",
            "Principal",
            "NotPrincipal",
            "Action",
            "NotAction",
            "Resource",
            "NotResource",
            "Condition",
        ];
        for (name, _) in members {
            if !KNOWN.contains(&name.as_str()) {
                return Err(self.malformed(format!("has the unknown element \"{name}\"")));
            }
            if self.is_trust && matches!(name.as_str(), "Resource" | "NotResource") {
                return Err(InvalidPolicy::Malformed(format!("Has prohibited field {name}")));
            }
            if !self.is_trust && matches!(name.as_str(), "Principal" | "NotPrincipal") {
                return Err(sentence("Policy document should not specify a principal."));
            }
        }
        for element in ["Action", "Resource", "Principal"] {
            let negated = format!("Not{element}");
            if member(members, element).is_some() && member(members, &negated).is_some() {
                return Err(self.malformed(format!("has both {element} and {negated}")));
            }
        }
        Ok(())
    }

    fn sid(self, node: &Node) -> Result<String, InvalidPolicy> {
        let sid = self.string(node, "Sid")?;
        if sid.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Ok(sid.to_owned());
        }
        Err(sentence(
            "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*",
        ))
    }

    fn principals(
        self,
        members: &Members,
        effect: Effect,
    ) -> Result<Option<PrincipalElement>, InvalidPolicy> {
        match (member(members, "Principal"), member(members, "NotPrincipal")) {
            (Some(node), _) => PrincipalElement::parse(node, false).map(Some),
            (None, Some(_)) if effect == Effect::Allow => {
                Err(self.malformed("allows with NotPrincipal, which can only deny"))
            }
            (None, Some(node)) => PrincipalElement::parse(node, true).map(Some),
            (None, None) if self.is_trust => Err(sentence("Missing required field Principal")),
            (None, None) => Ok(None),
        }
    }

    /// `Action` or `Resource`, or their opposite; none: neither is there, or it is empty.
    fn element(
        self,
        members: &Members,
        name: &'static str,
        negated: &'static str,
        parse: impl Fn(&str) -> Result<Pattern, InvalidPolicy>,
    ) -> Result<Option<Element>, InvalidPolicy> {
        let (node, name, is_negated) = match (member(members, name), member(members, negated)) {
            (Some(node), _) => (node, name, false),
            (None, Some(node)) => (node, negated, true),
            (None, None) => return Ok(None),
        };
        let mut patterns = Vec::new();
        for text in self.strings(node, name)? {
            patterns.push(parse(text)?);
        }
        Ok((!patterns.is_empty()).then_some(Element { patterns, is_negated }))
    }

    fn action(self, text: &str) -> Result<Pattern, InvalidPolicy> {
        let (vendor, rest) = match text.split_once(':') {
            Some(parts) => parts,
            None if text == "*" => ("*", "*"),
            None => {
                return Err(sentence(
                    "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
                ));
            }
        };
        if rest.contains(':') {
            return Err(sentence("Actions/Condition can contain only one colon."));
        }
        let of_a_vendor = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
        if vendor != "*" && (vendor.is_empty() || !vendor.chars().all(of_a_vendor)) {
            return Err(InvalidPolicy::Malformed(format!("Vendor {vendor} is not valid")));
        }
        if self.is_trust && !vendor.eq_ignore_ascii_case("sts") {
            return Err(sentence("AssumeRole policy may only specify STS AssumeRole actions."));
        }
        let syntax = Syntax {
            wildcards: true,
            variables: false,
            ignores_case: true,
            colons: Colons::Ordinary,
        };
        Pattern::parse(text, syntax).map_err(|why| self.malformed(format!("Action {text} {why}")))
    }

    fn resource(self, text: &str) -> Result<Pattern, InvalidPolicy> {
        resource(text, self.variables).map_err(InvalidPolicy::Malformed)
    }

    fn conditions(self, node: &Node) -> Result<Vec<Condition>, InvalidPolicy> {
        let mut conditions = Vec::new();
        for (name, keys) in self.object(node, "Condition")? {
            let operator = Operator::parse(name).ok_or_else(|| {
                self.malformed(format!("has the unknown condition operator \"{name}\""))
            })?;
            for (key, values) in self.object(keys, name)? {
                if !key.contains(':') {
                    return Err(sentence(
                        "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
                    ));
                }
                let values = self.values(values, key)?;
                let condition = Condition::parse(operator, key, &values, self.variables)
                    .map_err(|why| self.malformed(format!("compares {key} by {name}: {why}")))?;
                conditions.push(condition);
            }
        }
        Ok(conditions)
    }

    /// The values of a condition: strings, numbers and Booleans, one or a list.
    fn values(self, node: &Node, key: &str) -> Result<Vec<String>, InvalidPolicy> {
        let nodes = match node {
            Node::List(nodes) => nodes.as_slice(),
            node => std::slice::from_ref(node),
        };
        let values = nodes.iter().map(|node| match node {
            Node::Text(text) | Node::Number(text) => Ok(text.clone()),
            Node::Bool(value) => Ok(value.to_string()),
            other => Err(self.malformed(format!("has {} as a value of {key}", other.kind()))),
        });
        let values = values.collect::<Result<Vec<_>, _>>()?;
        if values.is_empty() {
            return Err(self.malformed(format!("has no value for {key}")));
        }
        Ok(values)
    }

    fn object<'a>(self, node: &'a Node, name: &str) -> Result<&'a Members, InvalidPolicy> {
        match node {
            Node::Map(members) => Ok(members),
            other => Err(self.malformed(format!("has {} as its {name}", other.kind()))),
        }
    }

    fn string<'a>(self, node: &'a Node, name: &str) -> Result<&'a str, InvalidPolicy> {
        match node {
            Node::Text(text) => Ok(text),
            other => Err(self.malformed(format!("has {} as its {name}", other.kind()))),
        }
    }

    fn strings<'a>(self, node: &'a Node, name: &str) -> Result<Vec<&'a str>, InvalidPolicy> {
        match node {
            Node::List(nodes) => nodes.iter().map(|node| self.string(node, name)).collect(),
            node => Ok(vec![self.string(node, name)?]),
        }
    }

    fn malformed(self, why: impl std::fmt::Display) -> InvalidPolicy {
        malformed(format!("statement {} {why}", self.number))
    }
}

fn member<'a>(members: &'a Members, name: &str) -> Option<&'a Node> {
    members.iter().find(|(known, _)| known == name).map(|(_, node)| node)
}

fn string(node: &Node, name: &str) -> Result<(), InvalidPolicy> {
    match node {
        Node::Text(_) => Ok(()),
        other => Err(malformed(format!("\"{name}\" is {}", other.kind()))),
    }
}

/// What IAM says in general, with the reason.
fn malformed(why: impl std::fmt::Display) -> InvalidPolicy {
    InvalidPolicy::Malformed(format!("Syntax errors in policy: {why}."))
}

/// What IAM says word for word.
fn sentence(text: &str) -> InvalidPolicy {
    InvalidPolicy::Malformed(text.to_owned())
}
