//! What callers may do.

use brokerd_domain::policy::{
    AuthorizationRequest, Context, Decision, IamEvaluator, PolicyEvaluator as _, Refusal,
};

use super::caller::Caller;
use crate::http::error::ApiError;

/// The action by which those who administer an account are known: they may ask why anybody may do what.
const ADMINISTERS: &str = "iam:SimulatePrincipalPolicy";

/// The caller may not do what it asks for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct AccessDenied {
    /// The service's sentence.
    pub(crate) message: String,
}

impl Caller {
    /// Whether the caller may do `action`, such as `mq:DescribeBroker`, with `resource`, an ARN or `*`. `add_keys` gives
    /// the context what it has beside the global keys.
    ///
    /// # Errors
    /// The service's sentence. For callers who may call SimulatePrincipalPolicy about themselves it names the policy and
    /// the statement that deny.
    pub(crate) fn check(
        &self,
        action: &str,
        resource: &str,
        add_keys: impl FnOnce(&mut Context),
    ) -> Result<(), AccessDenied> {
        if self.may_do_everything() {
            return Ok(());
        }
        let mut context = self.context();
        add_keys(&mut context);
        let decision = self.decide(action, resource, &context);
        if decision.is_allowed() {
            return Ok(());
        }
        let principal = self.principal();
        let refusal =
            Refusal { principal: &principal.arn(), action, resource, decision: &decision };
        let own = principal.identity_arn();
        let administers = self.decide(ADMINISTERS, &own, &self.context()).is_allowed();
        let message = if administers { refusal.explained() } else { refusal.sentence() };
        Err(AccessDenied { message })
    }

    fn decide(&self, action: &str, resource: &str, context: &Context) -> Decision {
        let principal = self.principal();
        let request = AuthorizationRequest { principal, action, resource, context };
        IamEvaluator.decide(self.policies(), &request)
    }

    /// The root of an account whose session is not limited.
    fn may_do_everything(&self) -> bool {
        let policies = self.policies();
        self.principal().is_root()
            && policies.session.is_none()
            && policies.boundary.is_none()
            && policies.identity.is_empty()
    }
}

impl From<AccessDenied> for ApiError {
    fn from(denied: AccessDenied) -> Self {
        Self::access_denied(denied.message)
    }
}
