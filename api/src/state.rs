//! The state of the router, from which each handler takes the parts that it uses, by their types.

use std::sync::Arc;

use axum::extract::FromRef;
use brokerd_domain::{Clock, Entropy};
use brokerd_store::PgStore;

use crate::{
    auth::{Authenticator, Console},
    broker_change::BrokerLocks,
    cache::{OfferingsCache, TrustedCertificates},
    console::{events::Streams, hub::BrokerHub},
    engine_calls::EngineCalls,
    fleet::FleetCache,
    operation_table::Operations,
    readiness::Readiness,
    settings::{ApiServices, ApiSettings},
};

/// The state of the router, cheap to clone.
#[derive(Clone, FromRef)]
pub(crate) struct ApiState {
    settings: Arc<ApiSettings>,
    store: PgStore,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    authenticator: Arc<Authenticator>,
    broker_locks: Arc<BrokerLocks>,
    readiness: Arc<Readiness>,
    offerings: Arc<OfferingsCache>,
    trusted_certificates: Arc<TrustedCertificates>,
    fleet: Arc<FleetCache>,
    hub: Arc<BrokerHub>,
    streams: Streams,
    engine_calls: Arc<EngineCalls>,
}

impl ApiState {
    pub(crate) fn new(
        settings: ApiSettings,
        services: ApiServices,
        operations: Arc<Operations>,
    ) -> Self {
        let ApiServices { store, clock, entropy, metrics, audit: _, ready_checks } = services;
        let console = Console::new(&settings, store.clone());
        let hub = BrokerHub::new(store.clone());
        let engine_calls =
            EngineCalls::new(store.clone(), Arc::clone(&entropy), settings.engine_timeout);
        // Whatever a call writes takes its event along.
        let store = store.audited();
        let authenticator = Authenticator::new(
            &settings,
            store.clone(),
            console,
            Arc::clone(&clock),
            Arc::clone(&entropy),
            metrics,
            operations,
        );
        Self {
            settings: Arc::new(settings),
            entropy,
            authenticator: Arc::new(authenticator),
            broker_locks: Arc::default(),
            readiness: Arc::new(Readiness::new(store.clone(), ready_checks)),
            offerings: Arc::new(OfferingsCache::new(store.clone(), Arc::clone(&clock))),
            trusted_certificates: Arc::new(TrustedCertificates::new(
                store.clone(),
                Arc::clone(&clock),
            )),
            fleet: Arc::new(FleetCache::new(store.clone(), Arc::clone(&clock))),
            hub,
            streams: Streams::default(),
            engine_calls: Arc::new(engine_calls),
            store,
            clock,
        }
    }
}
