//! The targets of the gateway's routes.

use brokerd_domain::{Broker, Target, instance::InstanceStatus};

use super::types::Step;

/// Removes the targets of these instances' endpoints, so that the gateway holds new connections.
pub(super) fn drain(targets: &[Target], ordinals: &[u8]) -> Option<Step> {
    let changed: Vec<Target> = targets
        .iter()
        .filter(|t| ordinals.contains(&t.ordinal) && !t.addresses.is_empty())
        .map(|t| Target { addresses: Vec::new(), ..t.clone() })
        .collect();
    (!changed.is_empty()).then_some(Step::SetTargets(changed))
}

/// Routes the endpoints of these instances to the instance of that status.
pub(super) fn route_to(
    broker: &Broker,
    targets: &[Target],
    ordinals: &[u8],
    status: &InstanceStatus,
) -> Option<Step> {
    let engine = broker.spec.engine_type;
    let changed: Vec<Target> = targets
        .iter()
        .filter(|t| ordinals.contains(&t.ordinal))
        .map(|t| Target {
            addresses: status
                .addresses
                .get(&t.protocol.engine_port(engine))
                .copied()
                .into_iter()
                .collect(),
            ..t.clone()
        })
        .filter(|wanted| !targets.contains(wanted))
        .collect();
    (!changed.is_empty()).then_some(Step::SetTargets(changed))
}
