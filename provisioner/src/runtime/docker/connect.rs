//! Docker as the runtime of a provisioner.

use std::sync::Arc;

use async_trait::async_trait;
use brokerd_domain::Clock;
use futures_util::FutureExt as _;

use crate::runtime::{
    RuntimeError,
    connect::{Connect, Connected, Upkeep},
    docker::{DockerOptions, DockerRuntime},
};

/// Connects to a Docker engine.
pub struct ConnectDocker {
    options: DockerOptions,
    clock: Arc<dyn Clock>,
}

impl ConnectDocker {
    /// To the engine that the options name.
    pub fn new(options: DockerOptions, clock: Arc<dyn Clock>) -> Self {
        Self { options, clock }
    }
}

#[async_trait]
impl Connect for ConnectDocker {
    async fn connect(&self) -> Result<Connected, RuntimeError> {
        let runtime = DockerRuntime::connect(self.options.clone(), self.clock.clone()).await?;
        let mut upkeep: Vec<(&'static str, Upkeep)> = Vec::new();
        if let Some(firewall) = runtime.firewall() {
            let look_after = move |stop| firewall.clone().look_after(stop).boxed();
            upkeep.push(("firewall", Arc::new(look_after)));
        }
        if let Some(gateways) = runtime.gateway_networks() {
            let follow = move |stop| gateways.clone().follow(stop).boxed();
            upkeep.push(("gateway-networks", Arc::new(follow)));
        }
        Ok(Connected { runtime: Arc::new(runtime), upkeep })
    }

    fn unreachable(&self) -> &'static str {
        "no container engine answers: run docker/engine.sh, or name one with DOCKER_HOST or provisioner.docker_host; trying again"
    }
}
