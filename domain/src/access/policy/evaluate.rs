//! Which policies apply to a request, and what they decide together.

use std::sync::Arc;

use super::{
    decision::{Decision, MatchedStatement, PolicySource, PolicyType},
    document::{Match, Policy},
    principal::PrincipalKind,
    principal_element::Closeness,
    statement::{AuthorizationRequest, Effect},
};
use crate::kernel::AccountId;

/// A policy that applies to a principal, and where it comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct AppliedPolicy {
    /// Where it comes from.
    pub source: PolicySource,
    /// The policy.
    pub policy: Arc<Policy>,
}

/// Every policy that applies to a request.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AppliedPolicies {
    /// Those of the user and of all groups that the user is in, or those of the role.
    pub identity: Vec<AppliedPolicy>,
    /// The permissions boundary of the user or the role, if there is one.
    pub boundary: Option<AppliedPolicy>,
    /// What was passed when the session was begun, inline and managed; none: nothing limits the session further.
    pub session: Option<Vec<AppliedPolicy>>,
    /// For AssumeRole: the trust policy of the role, and its account.
    pub trust: Option<(AccountId, AppliedPolicy)>,
}

/// Decides requests by policies.
pub trait PolicyEvaluator: Send + Sync {
    /// Whether the principal of a request may do what it asks for.
    fn decide(&self, policies: &AppliedPolicies, request: &AuthorizationRequest<'_>) -> Decision;
}

/// Decides as IAM does within an account: a statement that denies wins; what nothing allows is denied; boundary and
/// session have to allow, too.
///
/// Source: "Policy evaluation logic" of the IAM user guide.
#[derive(Debug, Clone, Copy, Default)]
pub struct IamEvaluator;

impl PolicyEvaluator for IamEvaluator {
    fn decide(&self, policies: &AppliedPolicies, request: &AuthorizationRequest<'_>) -> Decision {
        if let Some(by) = first(policies.all(), Effect::Deny, request) {
            return Decision::ExplicitDeny { by: by.statement() };
        }
        let trusted = match &policies.trust {
            None => None,
            Some((account, trust)) => {
                let Some(found) = first([trust], Effect::Allow, request) else {
                    return Decision::ImplicitDeny { missing: PolicyType::Trust };
                };
                // Another account's trust permits nothing alone.
                (*account == request.principal.account).then_some(found)
            }
        };
        let closeness = trusted.as_ref().map(|found| found.found.closeness);
        if let (Some(found), Some(Closeness::Itself)) = (&trusted, closeness) {
            return Decision::Allowed { by: Some(found.statement()) };
        }
        if request.principal.kind == PrincipalKind::Root {
            return Decision::Allowed { by: None };
        }
        let by = match trusted {
            Some(found) if closeness == Some(Closeness::Role) => found,
            _ => match first(&policies.identity, Effect::Allow, request) {
                Some(found) => found,
                None => return Decision::ImplicitDeny { missing: PolicyType::Identity },
            },
        };
        if !allows(policies.boundary.as_ref(), request) {
            return Decision::ImplicitDeny { missing: PolicyType::PermissionsBoundary };
        }
        let session = policies.session.as_ref();
        if session.is_some_and(|policies| first(policies, Effect::Allow, request).is_none()) {
            return Decision::ImplicitDeny { missing: PolicyType::Session };
        }
        Decision::Allowed { by: Some(by.statement()) }
    }
}

impl AppliedPolicies {
    fn all(&self) -> impl Iterator<Item = &AppliedPolicy> {
        let trust = self.trust.iter().map(|(_, policy)| policy);
        let session = self.session.iter().flatten();
        trust.chain(&self.identity).chain(&self.boundary).chain(session)
    }
}

/// A statement that applies, and its policy.
struct Found<'a> {
    source: &'a PolicySource,
    found: Match<'a>,
}

impl Found<'_> {
    fn statement(&self) -> MatchedStatement {
        MatchedStatement {
            source: self.source.clone(),
            number: self.found.number,
            sid: self.found.sid.map(str::to_owned),
        }
    }
}

fn first<'a>(
    policies: impl IntoIterator<Item = &'a AppliedPolicy>,
    effect: Effect,
    request: &AuthorizationRequest<'_>,
) -> Option<Found<'a>> {
    policies.into_iter().find_map(|applied| {
        let found = applied.policy.first(effect, request)?;
        Some(Found { source: &applied.source, found })
    })
}

fn allows(policy: Option<&AppliedPolicy>, request: &AuthorizationRequest<'_>) -> bool {
    policy.is_none_or(|policy| first([policy], Effect::Allow, request).is_some())
}
