//! The role `provisioner`.

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};

use anyhow::Context as _;
use async_trait::async_trait;
use brokerd_domain::{BrokerId, Cidr};
use brokerd_provisioner::{
    Provisioner, Settings, TaskHealth,
    catalogue::{EngineSettings, ImageSource},
    engine::activemq::DirectoryAuthorities,
    queue::QueueSettings,
    reconcile::EndpointSettings,
    runtime::{
        connect::Connect,
        docker::{ConnectDocker, DockerOptions, Join, OwnDatabase},
        kubernetes::{ConnectKubernetes, KubernetesOptions, PullPolicy},
        outgoing::{Outgoing, OutgoingLimits},
        registry::{Registries, RegistryLogin},
    },
    secrets::AwsEndpoints,
};
use brokerd_store::{PgStore, ServerAddress};
use prometheus_client::registry::Registry;
use secrecy::SecretString;
use tokio_util::sync::CancellationToken;

use crate::{
    config::{Configuration, Firewall, ImagePullPolicy, Images, JoinNetworks, RuntimeKind, Secret},
    data_dir::DataDir,
    foundation::Foundation,
    role::Role,
    supervise::Supervisor,
};

/// The provisioner of this process, not running yet.
///
/// # Errors
/// When a configured file is not usable.
pub(super) async fn build(
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
        settings(foundation, directories)?,
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

fn settings(
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
        worker_registry: DataDir::at(&configuration.data_dir).provisioners_path(),
        catalogue: provisioner.catalogue.clone(),
        directory_authorities,
        engines: EngineSettings {
            prefer: match configuration.engines.images {
                Images::Built => ImageSource::Built,
                Images::Pulled => ImageSource::Pulled,
            },
            stand_ins: configuration.engines.stand_in.clone(),
            also_offer: configuration.engines.also_offer.clone(),
            registry: configuration.registry.mirror().map(str::to_owned),
            // Nodes of a cluster have what their registry has.
            registry_has_built: configuration.runtime.kind == RuntimeKind::Kubernetes,
        },
        pull: if configuration.engines.pull { Some(registries(foundation)?) } else { None },
        open_files: configuration.runtime.nofile.into(),
        sized_volumes: configuration.runtime.has_sized_volumes(),
        host_capacity: configuration.sizing.host_capacity(),
        endpoints: EndpointSettings {
            advertised_host: endpoint.advertised_host.chosen().cloned(),
            ip_address: endpoint.ip_address,
            ports: endpoint.ports.range(),
            domain: endpoint.domain.clone(),
        },
        logs: configuration.broker_logs.settings(),
        metrics: configuration.metrics.settings(),
        aws: AwsEndpoints {
            secrets_manager: configuration.aws.secrets_manager_url.clone(),
            s3: configuration.aws.s3_url.clone(),
            sts: configuration.aws.sts_url.clone(),
            access_key_id: configuration.aws.access_key_id.clone(),
            secret_access_key: secret(configuration.aws.secret_access_key.as_ref()),
            session_token: secret(configuration.aws.session_token.as_ref()),
        },
        alarm_topics: configuration.alarms.topics(),
    })
}

/// The runtime that the configuration names.
pub(super) fn runtime(foundation: &Foundation) -> Arc<dyn Connect> {
    let clock = Arc::clone(&foundation.clock);
    match foundation.configuration.runtime.kind {
        RuntimeKind::Docker => Arc::new(ConnectDocker::new(docker(foundation), clock)),
        RuntimeKind::Kubernetes => Arc::new(ConnectKubernetes::new(kubernetes(foundation), clock)),
    }
}

fn docker(foundation: &Foundation) -> DockerOptions {
    let configuration = &foundation.configuration;
    let host = configuration.provisioner.docker_host.clone();
    DockerOptions {
        join: match configuration.runtime.join_networks {
            JoinNetworks::Auto => Join::Itself,
            JoinNetworks::Never => Join::Never,
        },
        outgoing: restricted(configuration),
        limits: Arc::new(AccountLimits(foundation.store.clone())),
        ..DockerOptions::new(host, configuration.installation.clone())
    }
}

fn kubernetes(foundation: &Foundation) -> KubernetesOptions {
    let configuration = &foundation.configuration;
    let settings = &configuration.runtime.kubernetes;
    let usual = KubernetesOptions::new(configuration.installation.clone());
    KubernetesOptions {
        namespace: settings.namespace.clone().unwrap_or(usual.namespace),
        kubeconfig: settings.kubeconfig.clone(),
        instance_class: settings.storage_class_ebs.clone(),
        shared_class: settings.storage_class_efs.clone(),
        pull_policy: match settings.image_pull_policy {
            ImagePullPolicy::Always => PullPolicy::Always,
            ImagePullPolicy::IfNotPresent => PullPolicy::IfNotPresent,
            ImagePullPolicy::Never => PullPolicy::Never,
        },
        pull_secrets: settings.image_pull_secrets.clone(),
        cluster_domain: settings.cluster_domain.clone(),
        clients: settings.clients.iter().map(|range| range.0).collect(),
        outgoing: restricted(configuration),
        limits: Arc::new(AccountLimits(foundation.store.clone())),
        installation: usual.installation,
    }
}

/// What engines may connect to, unless that is left to the operator.
fn restricted(configuration: &Configuration) -> Option<Outgoing> {
    match configuration.runtime.firewall {
        Firewall::Auto => Some(outgoing(configuration)),
        Firewall::Never => None,
    }
}

/// What accounts take from what engines may connect to.
#[derive(Debug)]
struct AccountLimits(PgStore);

#[async_trait]
impl OutgoingLimits for AccountLimits {
    async fn current(&self) -> Result<BTreeMap<BrokerId, Vec<Cidr>>, String> {
        let limited = self.0.limited_brokers().await.map_err(|error| error.to_string())?;
        Ok(limited.into_iter().map(|(id, outgoing)| (id, outgoing.ranges().to_vec())).collect())
    }
}

/// What engines may connect to. On the host: the gateway's endpoints, and the services that the operator names.
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

/// The logins with which images are pulled.
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

/// Starts the provisioner.
pub(super) fn start(
    supervisor: &mut Supervisor,
    provisioner: Provisioner,
    runtime: Arc<dyn Connect>,
    shutdown: &CancellationToken,
) {
    let stop = shutdown.clone();
    supervisor.supervise_infallible(Role::Provisioner, shutdown, move || {
        provisioner.clone().run(Arc::clone(&runtime), stop.clone())
    });
}

/// Keeps the database's container running, if the database is this installation's own.
pub(super) fn keep_database_running(
    supervisor: &mut Supervisor,
    configuration: &Configuration,
    address: ServerAddress,
    shutdown: &CancellationToken,
) {
    let database = OwnDatabase::new(
        configuration.provisioner.docker_host.clone(),
        configuration.installation.clone(),
        address,
    );
    let stop = shutdown.clone();
    supervisor.supervise_infallible(Role::Provisioner, shutdown, move || {
        database.clone().look_after(stop.clone())
    });
}

/// Whether no background task stays down. The error names those that do.
pub(super) fn check(tasks: &TaskHealth) -> Result<(), String> {
    let down: Vec<_> = tasks.down().iter().map(ToString::to_string).collect();
    if down.is_empty() {
        return Ok(());
    }
    Err(format!("Background tasks of the provisioner stay down: {}.", down.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

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
