//! The way to the cluster.

use std::{net::IpAddr, time::Duration};

use brokerd_domain::Cidr;
use k8s_openapi::api::core::v1::{Namespace, Pod};
use kube::{
    Api, Client, Config,
    api::{ListParams, PostParams},
    config::{KubeConfigOptions, Kubeconfig},
};
use serde_json::json;
use tokio::net::UdpSocket;

use super::{
    error::{answered, error, request},
    labels,
    options::KubernetesOptions,
    render::Neighbours,
};
use crate::runtime::{RuntimeError, RuntimeErrorClass};

const CONNECT: &str = "connect to the Kubernetes cluster";

/// How long a connection to the API server may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// A client, and who is beside the instances.
pub(super) async fn connect(
    options: &KubernetesOptions,
) -> Result<(Client, Neighbours), RuntimeError> {
    let (mut config, brokerd_namespace) = configuration(options).await?;
    config.connect_timeout = Some(TIMEOUT);
    let mut clients = options.clients.clone();
    if brokerd_namespace.is_none() {
        clients.extend(own_address(&config).await.map(Cidr::from));
    }
    let client = Client::try_from(config).map_err(|cause| {
        error(
            RuntimeErrorClass::Blocked,
            CONNECT,
            format!("the configuration is not usable: {cause}"),
        )
    })?;
    ensure_namespace(&client, options).await?;
    // Whether it may be asked at all.
    let pods: Api<Pod> = Api::namespaced(client.clone(), &options.namespace);
    request(CONNECT, pods.list_metadata(&ListParams::default().limit(1))).await?;
    Ok((client, Neighbours { brokerd_namespace, clients }))
}

/// How to reach the cluster, and the namespace of this process's pod, if that is how.
async fn configuration(
    options: &KubernetesOptions,
) -> Result<(Config, Option<String>), RuntimeError> {
    let denied = |cause: &dyn std::fmt::Display| {
        error(RuntimeErrorClass::Blocked, CONNECT, cause.to_string())
    };
    let usual = KubeConfigOptions::default();
    if let Some(path) = &options.kubeconfig {
        let file = Kubeconfig::read_from(path).map_err(|cause| denied(&cause))?;
        let config = Config::from_custom_kubeconfig(file, &usual).await;
        return Ok((config.map_err(|cause| denied(&cause))?, None));
    }
    if let Ok(config) = Config::incluster() {
        let namespace = config.default_namespace.clone();
        return Ok((config, Some(namespace)));
    }
    Ok((Config::from_kubeconfig(&usual).await.map_err(|cause| denied(&cause))?, None))
}

/// The address of this machine from which the cluster sees it, as far as that can be found out without asking it.
async fn own_address(config: &Config) -> Option<IpAddr> {
    let (host, port) = (config.cluster_url.host()?, config.cluster_url.port_u16().unwrap_or(443));
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let find = async {
        let socket = UdpSocket::bind("0.0.0.0:0").await.ok()?;
        // Nothing is sent.
        socket.connect((host, port)).await.ok()?;
        socket.local_addr().ok().map(|address| address.ip())
    };
    let address = tokio::time::timeout(TIMEOUT, find).await.ok()??;
    (!address.is_loopback()).then_some(address)
}

/// Makes the namespace be there, as far as this process may.
async fn ensure_namespace(
    client: &Client,
    options: &KubernetesOptions,
) -> Result<(), RuntimeError> {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let name = &options.namespace;
    let denied = RuntimeErrorClass::Blocked;
    match answered(namespaces.get(name)).await {
        Ok(_) => return Ok(()),
        Err(cause) if cause.code == Some(404) => {}
        // Who may not ask is told so about what it wants of the namespace.
        Err(cause) if cause.code == Some(403) => return Ok(()),
        Err(cause) => return Err(cause.named(CONNECT)),
    }
    let namespace = json!({
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": name,
            "labels": {
                labels::MANAGED_BY: labels::BROKERD,
                labels::INSTALLATION: options.installation.to_string(),
                "pod-security.kubernetes.io/enforce": "restricted",
            },
        },
    });
    let namespace = serde_json::from_value(namespace)
        .map_err(|cause| error(RuntimeErrorClass::Rejected, CONNECT, cause.to_string()))?;
    match answered(namespaces.create(&PostParams::default(), &namespace)).await {
        Ok(_) => {
            tracing::info!(namespace = name, "namespace made");
            Ok(())
        }
        Err(cause) if cause.is_conflict() => Ok(()),
        Err(cause) if cause.code == Some(403) => {
            let message = format!("the namespace {name} is not there, and brokerd may not make it");
            Err(error(denied, CONNECT, message))
        }
        Err(cause) => Err(cause.named(CONNECT)),
    }
}
