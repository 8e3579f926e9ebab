//! Policy documents.

use std::collections::BTreeSet;

use super::{
    decision::PolicyType,
    error::InvalidPolicy,
    grammar,
    principal_element::Closeness,
    statement::{AuthorizationRequest, Effect, Element, Statement},
};

/// A policy document that was read and can be evaluated.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    statements: Vec<Statement>,
}

/// A statement that applies to a request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Match<'a> {
    /// Which one, from 1.
    pub(super) number: usize,
    pub(super) sid: Option<&'a str>,
    pub(super) closeness: Closeness,
}

impl Policy {
    /// Reads a document of the policy language, versions 2012-10-17 and 2008-10-17; the latter is meant where none is
    /// named, and has no variables. A document that could not mean what its author wants is refused, also where IAM
    /// takes it: unknown elements, values that the operator can't compare with, variables where none are replaced.
    ///
    /// Its length is checked by [`PolicySize`](super::PolicySize).
    ///
    /// Source: "Grammar of the IAM JSON policy language" of the IAM user guide.
    ///
    /// # Errors
    /// The first thing at fault, by statement and element.
    pub fn parse(text: &str, policy_type: PolicyType) -> Result<Self, InvalidPolicy> {
        let is_trust = policy_type == PolicyType::Trust;
        Ok(Self { statements: grammar::statements(text, is_trust)? })
    }

    /// Denies everything. It stands in for a document that can't be read any more: whoever leaves that out may leave out
    /// what denies.
    pub fn deny_everything() -> Self {
        let every_action = Element { patterns: Vec::new(), is_negated: true };
        Self {
            statements: vec![Statement {
                sid: Some("UnreadableDocument".to_owned()),
                effect: Effect::Deny,
                principals: None,
                actions: every_action,
                resources: None,
                conditions: Vec::new(),
            }],
        }
    }

    /// The condition keys that its conditions and variables ask for, each once, as they are spelt first.
    pub fn context_keys(&self) -> Vec<&str> {
        let mut seen = BTreeSet::new();
        let all = self.statements.iter().flat_map(Statement::keys);
        all.filter(|key| seen.insert(key.to_lowercase())).collect()
    }

    /// The first statement with that effect that applies, of those that name the principal most closely.
    pub(super) fn first(
        &self,
        effect: Effect,
        request: &AuthorizationRequest<'_>,
    ) -> Option<Match<'_>> {
        let mut found: Option<Match<'_>> = None;
        for (statement, number) in self.statements.iter().zip(1..) {
            if statement.effect != effect {
                continue;
            }
            let Some(closeness) = statement.applies(request) else { continue };
            if found.is_none_or(|found| found.closeness < closeness) {
                found = Some(Match { number, sid: statement.sid.as_deref(), closeness });
            }
            if closeness == Closeness::Itself {
                break;
            }
        }
        found
    }
}
