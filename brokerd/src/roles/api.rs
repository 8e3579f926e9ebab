//! The role `api`.

use std::sync::Arc;

use axum::Router;
use brokerd_api::{ApiMetrics, ApiServices, ApiSettings, ReadyCheck};
use brokerd_store::AuditTrail;

use crate::{config::UnknownGroups, foundation::Foundation};

/// The routes of the API.
pub(super) fn router(
    foundation: &Foundation,
    metrics: ApiMetrics,
    audit: AuditTrail,
    ready_checks: Vec<ReadyCheck>,
) -> Router {
    let configuration = &foundation.configuration;
    let settings = ApiSettings {
        operator: Some(configuration.account.clone()),
        network: configuration.network.defaults(),
        regions: configuration.regions(),
        throttle_burst: configuration.api.throttle_burst,
        throttle_rate: configuration.api.throttle_rate,
        refuse_unknown_security_groups: match configuration.security_groups.unknown {
            UnknownGroups::Allow => false,
            UnknownGroups::Refuse => true,
        },
        faults: configuration.faults.enabled,
        sized_volumes: configuration.runtime.sized_volumes,
        strict_states: configuration.api.strict_states,
    };
    let services = ApiServices {
        store: foundation.store.clone(),
        clock: Arc::clone(&foundation.clock),
        entropy: Arc::clone(&foundation.entropy),
        metrics,
        audit,
        ready_checks,
    };
    brokerd_api::router(settings, services)
}

/// Warns of brokers in regions that are not accepted any more: they go on, but nobody can change or delete them.
pub(super) async fn warn_of_other_regions(foundation: &Foundation) {
    let accepted = foundation.configuration.regions();
    match foundation.store.regions().await {
        Ok(regions) => {
            for (region, brokers) in regions {
                if !accepted.contains(&region) {
                    tracing::warn!(
                        %region,
                        brokers,
                        "brokers in a region that requests can't be signed for; add it to api.regions"
                    );
                }
            }
        }
        Err(error) => tracing::debug!(%error, "regions of brokers not read"),
    }
}
