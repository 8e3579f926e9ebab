//! The roles of a process: what each of them runs, and in which order they start.

mod account_metrics;
mod api;
mod audit;
mod authority_refresh;
mod gateway;
mod key_uses;
mod operations;
mod provisioner;
mod store_metrics;

use std::{sync::Arc, time::Duration};

use axum::Router;
use brokerd_api::ReadyCheck;
use brokerd_domain::Entropy;
use brokerd_gateway::Gateway;
use brokerd_provisioner::TaskHealth;
use brokerd_store::{RouteReader, ServerAddress};
use prometheus_client::registry::Registry;
use tokio_util::sync::CancellationToken;

use self::{account_metrics::AccountMetrics, operations::Readiness};
use crate::{
    config::Configuration,
    data_dir::DataDir,
    descriptors::Descriptors,
    foundation::{Foundation, explain},
    http::{HttpListener, Metrics},
    role::Role,
    supervise::Supervisor,
    system::OsEntropy,
    telemetry,
};

/// How long the start waits for a database that is away, if nothing serves meanwhile.
const DATABASE_TIMEOUT: Duration = Duration::from_mins(1);

/// The listeners of this process.
struct Sockets {
    /// None without the role `api`.
    api: Option<HttpListener>,
    operations: HttpListener,
}

impl Sockets {
    async fn bind(configuration: &Configuration, roles: &[Role]) -> anyhow::Result<Self> {
        let has = |role| roles.contains(&role);
        let api =
            if has(Role::Api) { Some(HttpListener::bind_api(configuration).await?) } else { None };
        // A gateway beside the API on one machine has the same configuration, and an address of its own.
        let operations = if has(Role::Gateway) && !has(Role::Api) {
            HttpListener::bind_gateway(configuration).await?
        } else {
            HttpListener::bind_operations(configuration).await?
        };
        tracing::info!(listen = %operations.address(), "health and metrics");
        Ok(Self { api, operations })
    }
}

/// Starts the roles. The gateway comes first, because clients wait for it. A gateway that is alone or has a cached table
/// does not wait for the database.
///
/// # Errors
/// An error whose text is shown to the user.
pub(crate) async fn start(
    supervisor: &mut Supervisor,
    mut registry: Registry,
    configuration: Configuration,
    roles: &[Role],
    descriptors: Descriptors,
    shutdown: &CancellationToken,
) -> anyhow::Result<()> {
    let shares = descriptors.shares(roles);
    let sockets = Sockets::bind(&configuration, roles).await?;
    let data_dir = DataDir::at(&configuration.data_dir);
    data_dir.ensure()?;
    let entropy: Arc<dyn Entropy> = Arc::new(OsEntropy);
    let url = configuration.database_url()?;
    if roles.contains(&Role::Provisioner)
        && let Some(address) = ServerAddress::of(url.expose())
    {
        // Before the database is waited for, because it may be this that starts it.
        provisioner::keep_database_running(supervisor, &configuration, address, shutdown);
    }
    let mut gateway = None;
    let mut waiting = None;
    if roles.contains(&Role::Gateway) {
        let reader = RouteReader::connect_lazily(url.expose(), configuration.installation.clone())
            .map_err(|error| explain(error, &url))?;
        let built = gateway::build(&configuration, &entropy, shares.gateway, &mut registry);
        if roles == [Role::Gateway] || data_dir.routes_path().exists() {
            gateway::start(supervisor, &built, reader, shutdown);
        } else {
            waiting = Some(reader);
        }
        gateway = Some(built);
    }
    let mut parts = Parts {
        configuration: configuration.clone(),
        supervisor,
        registry,
        roles,
        shutdown,
        api_connections: shares.http,
    };
    if roles == [Role::Gateway] {
        return parts.serve(None, sockets, gateway, None);
    }
    // A gateway that serves already is not stopped because the database is slow to come back.
    let time_limit = (gateway.is_none() || waiting.is_some()).then_some(DATABASE_TIMEOUT);
    let api = sockets.api.as_ref().map(HttpListener::address);
    let foundation = Foundation::set_up(&configuration, api, &url, time_limit, &entropy).await?;
    if let (Some(gateway), Some(reader)) = (&gateway, waiting) {
        gateway::start(parts.supervisor, gateway, reader, shutdown);
    }
    parts.refresh_authorities(&foundation);
    store_metrics::register(&mut parts.registry, foundation.store.clone());
    let tasks = parts.provision(&foundation).await?;
    if roles.contains(&Role::Api) {
        api::warn_of_other_regions(&foundation).await;
        parts.count_accounts(&foundation);
    }
    parts.serve(Some(&foundation), sockets, gateway, tasks)
}

/// The start of the parts that follow the gateway.
struct Parts<'a> {
    configuration: Configuration,
    supervisor: &'a mut Supervisor,
    registry: Registry,
    roles: &'a [Role],
    shutdown: &'a CancellationToken,
    api_connections: usize,
}

impl Parts<'_> {
    fn refresh_authorities(&mut self, foundation: &Foundation) {
        let role = if self.roles.contains(&Role::Api) { Role::Api } else { Role::Provisioner };
        let data_dir = DataDir::at(&foundation.configuration.data_dir);
        let (authorities, store) = (Arc::clone(&foundation.authorities), foundation.store.clone());
        let (clock, stop) = (Arc::clone(&foundation.clock), self.shutdown.clone());
        let metrics = authority_refresh::Metrics::register(&mut self.registry);
        self.supervisor.supervise_infallible(role, self.shutdown, move || {
            authority_refresh::refresh(
                Arc::clone(&authorities),
                store.clone(),
                data_dir.clone(),
                Arc::clone(&clock),
                metrics.clone(),
                stop.clone(),
            )
        });
    }

    fn count_accounts(&mut self, foundation: &Foundation) {
        let metrics = AccountMetrics::register(&mut self.registry);
        let (store, stop) = (foundation.store.clone(), self.shutdown.clone());
        self.supervisor.supervise_infallible(Role::Api, self.shutdown, move || {
            metrics.clone().refresh(store.clone(), stop.clone())
        });
    }

    /// Starts the provisioner, if this process has that role.
    async fn provision(&mut self, foundation: &Foundation) -> anyhow::Result<Option<TaskHealth>> {
        if !self.roles.contains(&Role::Provisioner) {
            return Ok(None);
        }
        let provisioner = provisioner::build(foundation, &mut self.registry).await?;
        let tasks = provisioner.task_health();
        let runtime = provisioner::runtime(foundation);
        provisioner::start(self.supervisor, provisioner, runtime, self.shutdown);
        Ok(Some(tasks))
    }

    /// Serves the API, if there is one, and the operations listener. All metrics are registered before: the operations
    /// listener shows them.
    fn serve(
        mut self,
        foundation: Option<&Foundation>,
        sockets: Sockets,
        gateway: Option<Gateway>,
        tasks: Option<TaskHealth>,
    ) -> anyhow::Result<()> {
        let mut checks: Vec<ReadyCheck> = Vec::new();
        if let Some(gateway) = gateway {
            checks.push(Box::new(move || gateway::check(&gateway)));
        }
        if let Some(tasks) = tasks {
            checks.push(Box::new(move || provisioner::check(&tasks)));
        }
        let http = Metrics::register(&mut self.registry);
        let role = self.roles.first().copied().unwrap_or(Role::Api);
        let readiness = match (foundation, sockets.api) {
            (Some(foundation), Some(socket)) => {
                let metrics = brokerd_api::register_metrics(&mut self.registry);
                let trail = audit::trail(foundation)?;
                audit::register(&mut self.registry, &trail);
                let served = CancellationToken::new();
                audit::start(self.supervisor, &trail, foundation, &served, self.shutdown);
                key_uses::start(self.supervisor, foundation, self.shutdown);
                let router = api::router(foundation, socket.address(), metrics, trail, checks)?;
                let server = Server {
                    socket,
                    router: router.clone(),
                    max_connections: self.api_connections,
                    metrics: http.clone(),
                    served,
                };
                server.start(self.supervisor, Role::Api, self.shutdown);
                Readiness::Api(router)
            }
            (Some(_) | None, _) => Readiness::Checks(checks),
        };
        let registry = Arc::new(self.registry);
        if self.configuration.otlp.endpoint().is_some() {
            let (all, stop) = (Arc::clone(&registry), self.shutdown.clone());
            let (configuration, roles) = (self.configuration, self.roles.to_vec());
            self.supervisor.supervise_infallible(role, self.shutdown, move || {
                telemetry::push(
                    Arc::clone(&all),
                    configuration.clone(),
                    roles.clone(),
                    stop.clone(),
                )
            });
        }
        let server = Server {
            socket: sockets.operations,
            router: operations::router(registry, readiness),
            max_connections: operations::MAX_CONNECTIONS,
            metrics: http,
            served: CancellationToken::new(),
        };
        server.start(self.supervisor, role, self.shutdown);
        Ok(())
    }
}

/// A listener and what is served on it.
struct Server {
    socket: HttpListener,
    router: Router,
    max_connections: usize,
    metrics: Metrics,
    /// Told when the last request is answered, once the process stops.
    served: CancellationToken,
}

impl Server {
    fn start(self, supervisor: &mut Supervisor, role: Role, shutdown: &CancellationToken) {
        let (server, stop) = (Arc::new(self), shutdown.clone());
        supervisor.supervise(role, shutdown, move || {
            let (server, stop) = (Arc::clone(&server), stop.clone());
            async move {
                let Self { socket, router, max_connections, metrics, served } = &*server;
                let serving =
                    socket.serve(router.clone(), *max_connections, metrics.clone(), stop.clone());
                let over = serving.await;
                if stop.is_cancelled() {
                    served.cancel();
                }
                over
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::supervise;

    #[test]
    fn the_page_of_the_metrics_has_every_metric() {
        let page = include_str!("../../../docs/metrics.md");
        let mut registry = Registry::default();
        drop(brokerd_gateway::Metrics::register(&mut registry));
        drop(brokerd_provisioner::metrics::Metrics::register(&mut registry));
        drop(brokerd_api::register_metrics(&mut registry));
        drop(Metrics::register(&mut registry));
        drop(authority_refresh::Metrics::register(&mut registry));
        drop(supervise::Metrics::register(&mut registry));
        store_metrics::register_with(&mut registry, Vec::new);
        let trail = brokerd_store::AuditTrail::new(1, None, Arc::new(crate::system::SystemClock));
        audit::register(&mut registry, &trail);
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).expect("encodes");
        let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
        for (name, kind) in types {
            let shown =
                if kind == "counter" { format!("`{name}_total`") } else { format!("`{name}`") };
            assert!(page.contains(&shown), "{shown} is not in docs/metrics.md");
        }
    }
}
