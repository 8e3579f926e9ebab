//! The role `gateway`.

use std::{sync::Arc, time::Duration};

use brokerd_domain::Entropy;
use brokerd_gateway::{Gateway, Metrics, Options, PgRouteSource};
use brokerd_store::RouteReader;
use prometheus_client::registry::Registry;
use tokio_util::sync::CancellationToken;

use crate::{config::Configuration, data_dir::DataDir, role::Role, supervise::Supervisor};

/// The gateway of this process, not running yet. It may use so many descriptors.
pub(super) fn build(
    configuration: &Configuration,
    entropy: &Arc<dyn Entropy>,
    descriptors: usize,
    registry: &mut Registry,
) -> Gateway {
    let endpoint = &configuration.endpoint;
    let options = Options {
        public_bind: endpoint.public_bind,
        private_bind: endpoint.private_bind.chosen().copied(),
        hold: Duration::from_secs(endpoint.hold_seconds.into()),
        shared_ports: endpoint.shared_ports(),
        table_file: Some(DataDir::at(&configuration.data_dir).routes_path()),
        descriptors,
        ..Options::default()
    };
    Gateway::new(options, Metrics::register(registry), Arc::clone(entropy))
}

/// Starts the gateway. It needs nothing but the table of routes, and not even that at once.
pub(super) fn start(
    supervisor: &mut Supervisor,
    gateway: &Gateway,
    reader: RouteReader,
    shutdown: &CancellationToken,
) {
    let (gateway, stop) = (gateway.clone(), shutdown.clone());
    supervisor.supervise_infallible(Role::Gateway, shutdown, move || {
        let (gateway, stop) = (gateway.clone(), stop.clone());
        let source = PgRouteSource::new(reader.clone());
        async move { gateway.run(source, stop).await }
    });
}

/// Whether the gateway serves a table, though it may be an old one: a database that is away is no reason to send clients
/// elsewhere. The error is the reason why not.
pub(super) fn check(gateway: &Gateway) -> Result<(), String> {
    if gateway.ready() {
        return Ok(());
    }
    Err("The gateway has not read its table of routes yet.".to_owned())
}
