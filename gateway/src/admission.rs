//! Which peers a route admits, and how many sessions it may have.

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use brokerd_domain::IngressRule;

use crate::metrics::Refusal;

/// The connection limit and the security-group rules of a route.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Admission {
    /// How many sessions the route may have; none: as many as come.
    pub(crate) limit: Option<usize>,
    /// The rules of which one has to admit the peer; none: every peer is admitted.
    pub(crate) rules: Option<Vec<IngressRule>>,
}

impl Admission {
    /// Whether a rule admits `peer` to an endpoint that the service has on one of `ports`.
    pub(crate) fn admits(&self, peer: IpAddr, ports: &[u16]) -> bool {
        self.rules.as_ref().is_none_or(|rules| rules.iter().any(|rule| rule.admits(peer, ports)))
    }

    /// A permit for a session of `peer`.
    ///
    /// # Errors
    /// Why there is none: no rule admits the peer, or the route has as many sessions as it may have.
    pub(crate) fn permit(
        &self,
        peer: IpAddr,
        ports: &[u16],
        sessions: &Arc<AtomicUsize>,
    ) -> Result<Permit, Refusal> {
        if !self.admits(peer, ports) {
            return Err(Refusal::Forbidden);
        }
        let limit = self.limit.unwrap_or(usize::MAX);
        let one_more = |open: usize| (open < limit).then(|| open + 1);
        match sessions.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more) {
            Ok(_) => Ok(Permit(Arc::clone(sessions))),
            Err(_) => Err(Refusal::Limit),
        }
    }
}

/// One of the sessions that a route may have; free again when this is dropped.
pub(crate) struct Permit(Arc<AtomicUsize>);

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
