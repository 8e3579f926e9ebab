//! When to look again.

use std::time::Duration;

use brokerd_domain::{Broker, DeploymentMode, Intent, Next};

/// How often an instance that serves is looked at; the runtime's events come in between.
pub(super) const STEADY_POLL: Duration = Duration::from_secs(10);
/// How often a pair or a cluster is looked at that can't be seen.
pub(super) const BLIND_POLL: Duration = Duration::from_secs(1);
/// When to look again at what can't change by itself.
pub(super) const IDLE_POLL: Duration = Duration::from_secs(3600);

/// When to look again at what could not be seen, or done: before the next failover of a pair or cluster is late, and
/// not later than usual at whatever has served. The rest waits longer each time.
pub(crate) fn retry(broker: &Broker) -> Next {
    let has_served = broker.status.observed_generation.is_some();
    match broker.spec.deployment_mode {
        _ if broker.intent == Intent::Delete => Next::BackOff,
        DeploymentMode::ActiveStandbyMultiAz | DeploymentMode::ClusterMultiAz => {
            Next::After(BLIND_POLL)
        }
        DeploymentMode::SingleInstance if has_served => Next::After(STEADY_POLL),
        DeploymentMode::SingleInstance => Next::BackOff,
    }
}
