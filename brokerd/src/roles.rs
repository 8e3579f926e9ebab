//! What a process does.

use std::{future::Future, path::Path, sync::Arc, time::Duration};

use anyhow::Context as _;
use axum::Router;
use brokerd_api::{ApiServices, ApiSettings, ReadyCheck};
use brokerd_domain::Entropy;
use brokerd_gateway::{Gateway, PgRouteSource};
use brokerd_provisioner::{
    Provisioner, Settings, TaskHealth,
    catalogue::{EngineSettings, Source},
    engine::activemq::DirectoryAuthorities,
    outgoing::Outgoing,
    pass::EndpointSettings,
    queue::QueueSettings,
    registry::{Registries, RegistryLogin},
    runtime::docker::{Join, OwnDatabase},
    secrets::AwsEndpoints,
};
use brokerd_store::RouteReader;
use prometheus_client::registry::Registry;
use secrecy::SecretString;
use tokio_util::sync::CancellationToken;

use crate::{
    authority,
    cli::Role,
    config::{Configuration, Firewall, Images, JoinNetworks, Secret, UnknownGroups},
    home::Home,
    http::{self, Socket},
    lone_gateway,
    serve::Foundation,
    store_metrics,
    supervise::Running,
};

/// The gateway of this process, not yet running.
pub(crate) fn new_gateway(
    configuration: &Configuration,
    entropy: &Arc<dyn Entropy>,
    descriptors: usize,
    registry: &mut Registry,
) -> Gateway {
    let endpoint = &configuration.endpoint;
    let options = brokerd_gateway::Options {
        public_bind: endpoint.public_bind,
        private_bind: endpoint.private_bind.chosen().copied(),
        hold: Duration::from_secs(endpoint.hold_seconds.into()),
        shared_ports: endpoint.shared_ports(),
        table_file: Some(Home::at(&configuration.data_dir).routes_path()),
        descriptors,
        ..brokerd_gateway::Options::default()
    };
    Gateway::new(options, brokerd_gateway::Metrics::register(registry), Arc::clone(entropy))
}

async fn new_provisioner(
    foundation: &Foundation,
    registry: &mut Registry,
) -> anyhow::Result<Provisioner> {
    let directories = match &foundation.configuration.provisioner.ldap_ca_file {
        Some(path) => directory_authorities(path)
            .await
            .with_context(|| format!("provisioner.ldap_ca_file: {}", path.display()))?,
        None => DirectoryAuthorities::default(),
    };
    Provisioner::new(
        foundation.store.clone(),
        provisioner_settings(foundation, directories)?,
        Arc::clone(&foundation.authorities),
        Arc::clone(&foundation.clock),
        Arc::clone(&foundation.entropy),
        registry,
    )
    .await
    .context("can't use the image catalogue")
}

async fn directory_authorities(path: &Path) -> anyhow::Result<DirectoryAuthorities> {
    Ok(DirectoryAuthorities::parse(&tokio::fs::read(path).await?)?)
}

fn secret(configured: Option<&Secret>) -> Option<SecretString> {
    configured.map(|secret| SecretString::from(secret.expose()))
}

fn provisioner_settings(
    foundation: &Foundation,
    directory_authorities: DirectoryAuthorities,
) -> anyhow::Result<Settings> {
    let configuration = &foundation.configuration;
    let (endpoint, provisioner) = (&configuration.endpoint, &configuration.provisioner);
    let seconds = |count: u32| Duration::from_secs(count.into());
    Ok(Settings {
        installation: configuration.installation.clone(),
        queue: QueueSettings {
            normal: usize::try_from(provisioner.workers).unwrap_or(1),
            urgent: usize::try_from(provisioner.urgent_workers).unwrap_or(1),
            lease: seconds(provisioner.lease_seconds),
            poll: seconds(provisioner.poll_seconds),
        },
        boots: usize::try_from(provisioner.boots).ok().filter(|boots| *boots > 0),
        lives: Home::at(&configuration.data_dir).provisioners_path(),
        catalogue: provisioner.catalogue.clone(),
        directory_authorities,
        engines: EngineSettings {
            prefer: match configuration.engines.images {
                Images::Built => Source::Built,
                Images::Pulled => Source::Pulled,
            },
            stand_ins: configuration.engines.stand_in.clone(),
            also_offer: configuration.engines.also_offer.clone(),
            registry: configuration.registry.mirror().map(str::to_owned),
        },
        pull: if configuration.engines.pull { Some(registries(foundation)?) } else { None },
        docker_host: provisioner.docker_host.clone(),
        join: match configuration.runtime.join_networks {
            JoinNetworks::Auto => Join::Itself,
            JoinNetworks::Never => Join::Never,
        },
        outgoing: match configuration.runtime.firewall {
            Firewall::Auto => Some(outgoing(configuration)),
            Firewall::Never => None,
        },
        open_files: configuration.runtime.nofile.into(),
        sized_volumes: configuration.runtime.sized_volumes,
        room: configuration.sizing.room(),
        endpoints: EndpointSettings {
            advertised_host: endpoint.advertised_host.chosen().cloned(),
            ip_address: endpoint.ip_address,
            ports: endpoint.ports.range(),
            domain: endpoint.domain.clone(),
        },
        aws: AwsEndpoints {
            secrets_manager: configuration.aws.secrets_manager_url.clone(),
            s3: configuration.aws.s3_url.clone(),
            sts: configuration.aws.sts_url.clone(),
            access_key_id: configuration.aws.access_key_id.clone(),
            secret_access_key: secret(configuration.aws.secret_access_key.as_ref()),
            session_token: secret(configuration.aws.session_token.as_ref()),
        },
    })
}

/// What engines may connect to: on the host the gateway's endpoints, and what the operator names.
fn outgoing(configuration: &Configuration) -> Outgoing {
    let (network, endpoint) = (&configuration.network, &configuration.endpoint);
    let mut endpoint_ports = vec![endpoint.ports.range()];
    if endpoint.domain.is_some() {
        endpoint_ports.extend(endpoint.listened_ports().into_iter().map(|port| port..=port));
    }
    Outgoing {
        allowed: network.outgoing.ranges(),
        denied: network.outgoing_denied.iter().map(|range| range.0).collect(),
        host_services: network.host_services.iter().map(|service| service.0).collect(),
        endpoint_ports,
    }
}

/// As whom images are pulled.
fn registries(foundation: &Foundation) -> anyhow::Result<Registries> {
    let configuration = &foundation.configuration;
    let registry = &configuration.registry;
    let password = configuration.registry_password().context("registry.password_file")?;
    let login = |((address, username), password): ((&String, &String), _)| RegistryLogin {
        address: address.clone(),
        username: username.clone(),
        password,
    };
    let own = registry.address.as_ref().zip(registry.username.as_ref()).zip(password).map(login);
    Ok(Registries { own, docker_config: registry.docker_config.clone() })
}

/// The API.
fn new_router(
    foundation: &Foundation,
    mut registry: Registry,
    gateway: Option<Gateway>,
    tasks: Option<TaskHealth>,
) -> Router {
    let metrics = brokerd_api::register_metrics(&mut registry);
    let configuration = &foundation.configuration;
    let settings = ApiSettings {
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
    let mut ready_checks: Vec<ReadyCheck> = Vec::new();
    if let Some(gateway) = gateway {
        ready_checks.push(Box::new(move || lone_gateway::check(&gateway)));
    }
    if let Some(tasks) = tasks {
        ready_checks.push(Box::new(move || check_tasks(&tasks)));
    }
    let services = ApiServices {
        store: foundation.store.clone(),
        clock: Arc::clone(&foundation.clock),
        entropy: Arc::clone(&foundation.entropy),
        registry: Arc::new(registry),
        metrics,
        ready_checks,
    };
    brokerd_api::router(settings, services)
}

/// Which background tasks stay down, if any.
fn check_tasks(tasks: &TaskHealth) -> Result<(), String> {
    let down: Vec<_> = tasks.down().iter().map(ToString::to_string).collect();
    if down.is_empty() {
        return Ok(());
    }
    Err(format!("Background tasks of the provisioner stay down: {}.", down.join(", ")))
}

/// Brokers of a region that is not accepted any more serve on, and nobody can change or delete them.
async fn warn_of_other_regions(foundation: &Foundation) {
    let accepted = foundation.configuration.regions();
    match foundation.store.regions().await {
        Ok(regions) => {
            for (region, brokers) in regions {
                if !accepted.contains(&region) {
                    tracing::warn!(
                        %region,
                        brokers,
                        "there are brokers of a region that requests can't be signed for: add it to api.regions"
                    );
                }
            }
        }
        Err(error) => tracing::debug!(%error, "the regions of brokers can't be read"),
    }
}

impl Running {
    /// Keeps the database running, as long as this process does, if it is this installation's own.
    pub(crate) fn look_after_database(
        &mut self,
        database: OwnDatabase,
        shutdown: &CancellationToken,
    ) {
        let stop = shutdown.clone();
        self.keep(Role::Provisioner, shutdown, move || {
            succeeds(database.clone().look_after(stop.clone()))
        });
    }

    /// Starts the gateway. It needs nothing but the table, and that not even at once.
    pub(crate) fn start_gateway(
        &mut self,
        gateway: &Gateway,
        reader: RouteReader,
        shutdown: &CancellationToken,
    ) {
        let (gateway, stop) = (gateway.clone(), shutdown.clone());
        self.keep(Role::Gateway, shutdown, move || {
            let (gateway, stop) = (gateway.clone(), stop.clone());
            let source = PgRouteSource::new(reader.clone());
            succeeds(async move { gateway.run(source, stop).await })
        });
    }

    /// Starts a gateway's health and metrics where there is no API to show them.
    pub(crate) fn start_lone_gateway(
        &mut self,
        gateway: Gateway,
        mut registry: Registry,
        socket: (Socket, usize),
        shutdown: &CancellationToken,
    ) {
        let metrics = http::Metrics::register(&mut registry);
        let router = lone_gateway::router(gateway, registry);
        self.serve(Role::Gateway, router, metrics, socket, shutdown);
    }

    fn serve(
        &mut self,
        role: Role,
        router: Router,
        metrics: http::Metrics,
        (socket, most): (Socket, usize),
        shutdown: &CancellationToken,
    ) {
        let (socket, stop) = (Arc::new(socket), shutdown.clone());
        self.keep(role, shutdown, move || {
            let (socket, router) = (Arc::clone(&socket), router.clone());
            let (metrics, stop) = (metrics.clone(), stop.clone());
            async move { socket.serve(router, most, metrics, stop).await }
        });
    }

    /// Starts the other roles. All have registered their metrics when the API starts: it shows them.
    pub(crate) async fn start_others(
        &mut self,
        foundation: &Foundation,
        roles: &[Role],
        mut registry: Registry,
        gateway: Option<Gateway>,
        socket: Option<(Socket, usize)>,
        shutdown: &CancellationToken,
    ) -> anyhow::Result<()> {
        self.keep_authorities(foundation, roles, &mut registry, shutdown);
        store_metrics::register(&mut registry, foundation.store.clone());
        let mut tasks = None;
        if roles.contains(&Role::Provisioner) {
            let provisioner = new_provisioner(foundation, &mut registry).await?;
            tasks = Some(provisioner.task_health());
            let stop = shutdown.clone();
            self.keep(Role::Provisioner, shutdown, move || {
                succeeds(provisioner.clone().run(stop.clone()))
            });
        }
        match (socket, gateway) {
            (Some(socket), gateway) if roles.contains(&Role::Api) => {
                warn_of_other_regions(foundation).await;
                let metrics = http::Metrics::register(&mut registry);
                let router = new_router(foundation, registry, gateway, tasks);
                self.serve(Role::Api, router, metrics, socket, shutdown);
            }
            (Some(socket), Some(gateway)) => {
                self.start_lone_gateway(gateway, registry, socket, shutdown);
            }
            (Some(_) | None, _) => {}
        }
        Ok(())
    }

    fn keep_authorities(
        &mut self,
        foundation: &Foundation,
        roles: &[Role],
        registry: &mut Registry,
        shutdown: &CancellationToken,
    ) {
        let keeper = if roles.contains(&Role::Api) { Role::Api } else { Role::Provisioner };
        let home = Home::at(&foundation.configuration.data_dir);
        let (authorities, store) = (Arc::clone(&foundation.authorities), foundation.store.clone());
        let (clock, stop) = (Arc::clone(&foundation.clock), shutdown.clone());
        let metrics = authority::Metrics::register(registry);
        self.keep(keeper, shutdown, move || {
            succeeds(authority::keep(
                Arc::clone(&authorities),
                store.clone(),
                home.clone(),
                Arc::clone(&clock),
                metrics.clone(),
                stop.clone(),
            ))
        });
    }
}

/// What can't fail, as a role that may.
async fn succeeds(work: impl Future<Output = ()>) -> anyhow::Result<()> {
    work.await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::supervise;

    #[test]
    fn the_page_of_the_metrics_has_every_metric() {
        let page = include_str!("../../docs/metrics.md");
        let mut registry = Registry::default();
        drop(brokerd_gateway::Metrics::register(&mut registry));
        drop(brokerd_provisioner::metrics::Metrics::register(&mut registry));
        drop(brokerd_api::register_metrics(&mut registry));
        drop(http::Metrics::register(&mut registry));
        drop(authority::Metrics::register(&mut registry));
        drop(supervise::Metrics::register(&mut registry));
        store_metrics::register_with(&mut registry, Vec::new);
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).expect("encodes");
        let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
        for (name, kind) in types {
            let shown =
                if kind == "counter" { format!("`{name}_total`") } else { format!("`{name}`") };
            assert!(page.contains(&shown), "{shown} is not in docs/metrics.md");
        }
    }

    #[tokio::test]
    async fn authorities_of_directories_that_can_not_be_read_are_an_error() {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
        for (file, why) in [
            ("no-such-file.pem", "No such file"),
            ("Cargo.toml", "there is no certificate in PEM form"),
        ] {
            let error = directory_authorities(&manifest.join(file)).await.expect_err(file);
            assert!(format!("{error:#}").contains(why), "{error:#}");
        }
    }
}
