//! Statements of a policy.

use super::{
    condition::Condition,
    context::Context,
    pattern::Pattern,
    principal::Principal,
    principal_element::{Closeness, PrincipalElement},
};

/// What a principal asks for.
#[derive(Debug, Clone, Copy)]
pub struct AuthorizationRequest<'a> {
    /// Who asks.
    pub principal: &'a Principal,
    /// The action, such as `mq:DescribeBroker`. Letter case does not matter.
    pub action: &'a str,
    /// The ARN of the resource; `*` for actions that have none.
    pub resource: &'a str,
    /// The condition keys.
    pub context: &'a Context,
}

/// What a statement does where it applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It permits.
    Allow,
    /// It forbids, whatever else permits.
    Deny,
}

/// A statement of a policy.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Statement {
    pub(super) sid: Option<String>,
    pub(super) effect: Effect,
    /// In trust policies only.
    pub(super) principals: Option<PrincipalElement>,
    pub(super) actions: Element,
    /// None: the resource is what the policy belongs to.
    pub(super) resources: Option<Element>,
    pub(super) conditions: Vec<Condition>,
}

/// `Action` or `Resource`, or `NotAction` or `NotResource`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Element {
    pub(super) patterns: Vec<Pattern>,
    pub(super) is_negated: bool,
}

impl Statement {
    /// How closely it is about the request; none: it does not apply.
    pub(super) fn applies(&self, request: &AuthorizationRequest<'_>) -> Option<Closeness> {
        let AuthorizationRequest { principal, action, resource, context } = request;
        let applies = self.actions.covers(action, context)
            && self.resources.as_ref().is_none_or(|element| element.covers(resource, context))
            && self.conditions.iter().all(|condition| condition.holds(context));
        if !applies {
            return None;
        }
        match &self.principals {
            None => Some(Closeness::Itself),
            Some(principals) => principals.closeness(principal),
        }
    }
}

impl Statement {
    /// The condition keys that it asks for.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        let elements = std::iter::once(&self.actions).chain(&self.resources);
        let patterns = elements.flat_map(|element| &element.patterns).flat_map(Pattern::keys);
        patterns.chain(self.conditions.iter().flat_map(Condition::keys))
    }
}

impl Element {
    fn covers(&self, text: &str, context: &Context) -> bool {
        self.patterns.iter().any(|pattern| pattern.matches(text, context)) != self.is_negated
    }
}
