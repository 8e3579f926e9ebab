//! Who made a request.

use std::sync::{Arc, OnceLock};

use brokerd_domain::{
    AccountId, Scope,
    policy::{AppliedPolicies, Context, Environment, Principal},
};

use super::credentials::Credential;

/// Who made an authentic request, and what is known of the request for its policies.
#[derive(Debug)]
pub(crate) struct Caller {
    /// The account of the caller and the region of the signature. The caller sees nothing else.
    pub(crate) scope: Scope,
    /// The access key that signed.
    pub(crate) access_key_id: String,
    /// What policies may ask about every request.
    pub(crate) environment: Environment,
    /// Shared with the cache, so that no request copies policies.
    pub(super) credential: Arc<Credential>,
}

impl Caller {
    /// The account.
    pub(crate) const fn account(&self) -> &AccountId {
        &self.scope.account
    }

    /// Who it is.
    pub(crate) fn principal(&self) -> &Principal {
        &self.credential.caller().principal
    }

    /// The policies that apply to it.
    pub(crate) fn policies(&self) -> &AppliedPolicies {
        &self.credential.caller().policies
    }

    /// The condition keys of every request.
    pub(crate) fn context(&self) -> Context {
        Context::of(self.principal(), &self.environment)
    }
}

/// Where the middleware finds who made a request as soon as that is verified: it puts an empty one into the request's
/// extensions and keeps a clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct CallerSlot(Arc<OnceLock<Arc<Caller>>>);

impl CallerSlot {
    /// Tells who made the request. What was told before stays.
    pub(super) fn tell(&self, caller: &Arc<Caller>) {
        let _ = self.0.set(Arc::clone(caller));
    }

    /// Who made the request; none: nobody has proved that.
    pub(crate) fn caller(&self) -> Option<&Arc<Caller>> {
        self.0.get()
    }
}
