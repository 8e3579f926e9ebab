//! The path through the gateway.

use std::{net::SocketAddr, sync::Arc};

use anyhow::Result;
use brokerd_domain::{Entropy, Protocol, Target};
use brokerd_gateway::{Gateway, Metrics, Options, Reading, RouteSource, SourceError};
use brokerd_store::{Entrance, Route};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use crate::{NAME, Path, haproxy::free_address};

struct Fixed(Vec<Route>);

impl RouteSource for Fixed {
    async fn subscribe(&mut self) -> Result<(), SourceError> {
        Ok(())
    }

    async fn routes(&mut self) -> Result<Reading, SourceError> {
        Ok(Reading::Whole(self.0.clone().into()))
    }

    async fn changed(&mut self) {
        std::future::pending::<()>().await;
    }
}

struct NoEntropy;

impl Entropy for NoEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}

/// Runs a gateway with two routes to the engine, until the process ends.
pub(crate) async fn through_gateway(engine: SocketAddr, runtime: &Handle) -> Result<Path> {
    let path = Path { plain: free_address().await?, named: free_address().await? };
    let route = |entrance| Route {
        broker: uuid::Uuid::nil().into(),
        entrance,
        standard_ports: vec![5671],
        connection_limit: Some(2_000),
        admitted: None,
        public: false,
        address: None,
        target: Target { ordinal: 1, protocol: Protocol::Amqp, addresses: vec![engine] },
        latency: None,
    };
    let routes =
        vec![route(Entrance::Port(path.plain.port())), route(Entrance::Name(NAME.to_owned()))];
    let options =
        Options { shared_ports: [(5671, path.named.port())].into(), ..Options::default() };
    let gateway = Gateway::new(options, Metrics::default(), Arc::new(NoEntropy));
    let mut status = gateway.status();
    runtime.spawn(async move { gateway.run(Fixed(routes), CancellationToken::new()).await });
    status.wait_for(|status| status.listening.len() == 2).await?;
    Ok(path)
}
