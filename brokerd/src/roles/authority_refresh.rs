//! Keeps what this process knows of the certificate authorities up to date.

use std::{sync::Arc, time::Duration};

use brokerd_domain::Clock;
use brokerd_provisioner::pki::authorities::Authorities;
use brokerd_store::PgStore;
use prometheus_client::{metrics::gauge::Gauge, registry::Registry};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::data_dir::DataDir;

/// How often the authorities are read.
const REFRESH_INTERVAL: Duration = Duration::from_secs(2);
/// How long before its end an authority is warned of: brokers' certificates last no longer, and clients have to trust the
/// next one in time.
const EXPIRY_WARNING: Duration = Duration::from_hours(24 * 180);
const WARNING_INTERVAL: Duration = Duration::from_hours(24);

/// The metrics of the certificate authorities.
#[derive(Debug, Clone)]
pub(crate) struct Metrics {
    expires_at: Gauge,
}

impl Metrics {
    /// Metrics under `brokerd_authority_` of `registry`.
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let metrics = Self { expires_at: Gauge::default() };
        registry.sub_registry_with_prefix("brokerd_authority").register(
            "expires_at_seconds",
            "When the certificate authority that issues now ends, in seconds since 1970",
            metrics.expires_at.clone(),
        );
        metrics
    }
}

/// Refreshes the authorities and `ca.pem` until `shutdown`, and warns of the end of the one that issues.
pub(super) async fn refresh(
    authorities: Arc<Authorities>,
    store: PgStore,
    data_dir: DataDir,
    clock: Arc<dyn Clock>,
    metrics: Metrics,
    shutdown: CancellationToken,
) {
    let mut warned: Option<Instant> = None;
    loop {
        match store.certificate_authorities(clock.now()).await {
            Ok(all) => authorities.replace(all),
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::debug!(error, "certificate authorities not read");
            }
        }
        let now = clock.now();
        let status = authorities.status(now);
        metrics.expires_at.set(status.end.as_seconds());
        if status.end <= now.plus(EXPIRY_WARNING)
            && warned.is_none_or(|at| at.elapsed() >= WARNING_INTERVAL)
        {
            warned = Some(Instant::now());
            tracing::warn!(
                ends = %status.end,
                "the certificate authority ends, and brokers' certificates with it: call `brokerd authority rotate`, or configure another one"
            );
        }
        if let Err(error) = data_dir.write_ca(&status.trusted_pem()) {
            tracing::error!(error = &error as &dyn std::error::Error, "ca.pem not written");
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = sleep(REFRESH_INTERVAL) => {}
        }
    }
}
