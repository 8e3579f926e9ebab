//! Who made a request.

use std::sync::{Arc, OnceLock};

use brokerd_domain::{
    AccountId, Timestamp,
    policy::{AppliedPolicies, Context, Environment, Principal},
};

/// Who made an authentic request, and what is known of the request for its policies.
#[derive(Debug)]
pub(crate) struct Caller {
    /// The access key that signed.
    pub(crate) access_key_id: String,
    /// What policies may ask about every request.
    pub(crate) environment: Environment,
    /// Shared with the cache of access keys, so that no request copies policies.
    who: Arc<brokerd_store::Caller>,
}

impl Caller {
    /// Who signed with that access key for that region.
    pub(crate) const fn new(
        who: Arc<brokerd_store::Caller>,
        access_key_id: String,
        environment: Environment,
    ) -> Self {
        Self { access_key_id, environment, who }
    }

    /// The same caller later, as it is known then.
    pub(crate) fn as_of(&self, who: Arc<brokerd_store::Caller>, now: Timestamp) -> Self {
        let environment = Environment { now, ..self.environment.clone() };
        Self::new(who, self.access_key_id.clone(), environment)
    }

    /// The account.
    pub(crate) fn account(&self) -> &AccountId {
        &self.who.principal.account
    }

    /// Who it is.
    pub(crate) fn principal(&self) -> &Principal {
        &self.who.principal
    }

    /// The policies that apply to it.
    pub(crate) fn policies(&self) -> &AppliedPolicies {
        &self.who.policies
    }

    /// How many requests per second its account may make in the long run; none: as every account.
    pub(crate) fn api_rate(&self) -> Option<u32> {
        self.who.api_rate
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
    pub(crate) fn tell(&self, caller: &Arc<Caller>) {
        let _ = self.0.set(Arc::clone(caller));
    }

    /// Who made the request; none: nobody has proved that.
    pub(crate) fn caller(&self) -> Option<&Arc<Caller>> {
        self.0.get()
    }
}
