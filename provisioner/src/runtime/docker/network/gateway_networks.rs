//! Gateways that start are led to the networks of brokers.
//!
//! A gateway that was replaced is attached to nothing, and has no access to the engine to attach itself.

use std::{sync::Arc, time::Duration};

use bollard::{Docker, query_parameters::EventsOptions};
use brokerd_domain::{Clock, InstallationId};
use futures_util::StreamExt as _;
use tokio_util::sync::CancellationToken;

use super::join::Joiner;
use crate::{pause::pause_or_stop, runtime::docker::labels};

/// How long to wait before the engine is asked again for events that it does not tell any more.
const PAUSE: Duration = Duration::from_secs(2);

/// Attaches gateways of an installation to the networks of its brokers.
#[derive(Clone)]
pub struct GatewayNetworks {
    docker: Docker,
    installation: InstallationId,
    clock: Arc<dyn Clock>,
    joiner: Joiner,
}

impl GatewayNetworks {
    pub(in crate::runtime::docker) fn new(
        docker: Docker,
        installation: InstallationId,
        clock: Arc<dyn Clock>,
        joiner: Joiner,
    ) -> Self {
        Self { docker, installation, clock, joiner }
    }

    /// Attaches each gateway when it starts, until cancelled. While the engine tells nothing, gateways are attached by
    /// the next pass of each broker; those that have started meanwhile, as soon as it tells again.
    pub async fn follow(self, shutdown: CancellationToken) {
        let mut is_failing = false;
        while !shutdown.is_cancelled() {
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = self.follow_events(&mut is_failing) => {}
            }
            pause_or_stop(PAUSE, &shutdown).await;
        }
    }

    /// Does so until the engine ends its events.
    async fn follow_events(&self, is_failing: &mut bool) {
        let mut filters = labels::filter(&[
            (labels::INSTALLATION, self.installation.to_string()),
            (labels::ROLE, labels::GATEWAY.to_owned()),
        ]);
        filters.insert("type".to_owned(), vec!["container".to_owned()]);
        filters.insert("event".to_owned(), vec!["start".to_owned()]);
        let options = EventsOptions {
            // What starts from here on is told of, though the engine is asked later.
            since: Some(self.clock.now().as_seconds().to_string()),
            filters: Some(filters),
            until: None,
        };
        self.join_all(is_failing).await;
        let mut starts = self.docker.events(Some(options));
        while let Some(start) = starts.next().await {
            match start {
                Ok(_) => self.join_all(is_failing).await,
                Err(error) => {
                    tracing::debug!(%error, "starts of gateways are not told any more");
                    return;
                }
            }
        }
    }

    /// Attaches all gateways. Only the first of several failures in a row is a warning, since an engine that is away
    /// fails every round.
    async fn join_all(&self, is_failing: &mut bool) {
        match self.joiner.join_all().await {
            Ok(()) => *is_failing = false,
            Err(error) if *is_failing => {
                tracing::debug!(%error, "still not all networks of brokers joined");
            }
            Err(error) => {
                *is_failing = true;
                tracing::warn!(%error, "not all networks of brokers joined; retried");
            }
        }
    }
}
