//! When to look again.

use std::time::Duration;

use brokerd_domain::{Broker, DeploymentMode, Intent, Next};

/// How often an instance that serves is looked at; the runtime's events come in between.
pub(super) const STEADY_POLL: Duration = Duration::from_secs(10);
/// How often a pair or a cluster is observed while the runtime does not answer.
pub(super) const BLIND_POLL: Duration = Duration::from_secs(1);
/// When to observe again a broker that can't change by itself.
pub(super) const IDLE_POLL: Duration = Duration::from_secs(3600);

/// When to retry what could not be observed or done: soon for a pair or cluster, so that a failover is not late; after
/// the usual pause for an instance that has served; with growing delays otherwise.
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
