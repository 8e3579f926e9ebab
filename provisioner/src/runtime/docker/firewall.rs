//! Keeps the rules in force by which engines reach no more than they may.
//!
//! A helper, which is there for a moment in the network of the engine's host, puts them there. That takes no rights of
//! this process's but those that it has at the engine, so it is the same for every way to run brokerd.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use bollard::{
    Docker,
    query_parameters::{ListContainersOptions, RemoveContainerOptions},
};
use brokerd_domain::{Clock, InstallationId};
use tokio::{
    sync::OnceCell,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    bridge,
    error::{SHORT, error, named, request, unless_gone},
    helper::Helper,
    labels, network,
    rules::{Rules, table},
};
use crate::runtime::{RuntimeError, RuntimeErrorClass, outgoing::Outgoing};

const OPERATION: &str = "restrict what engines connect to";

/// The image of the helper.
const HELPER: &str = "brokerd/firewall:trixie";

/// What is said without it.
const NO_HELPER: &str =
    "the image brokerd/firewall:trixie is not there: build it with `make images`";

/// What the helper ends with where there were no rules.
const MADE_ANEW: i64 = 10;

/// How often they are put in force again: somebody may have flushed them with everything else. It costs a fifth of a
/// second of a processor.
const EVERY: Duration = Duration::from_mins(1);

/// How long the start of an engine waits for the first attempt.
const PATIENCE: Duration = Duration::from_secs(30);

/// How old a helper has to be to have been forgotten.
const FORGOTTEN_SECONDS: i64 = 300;

/// The rules of one installation.
#[derive(Clone)]
pub struct Firewall {
    docker: Docker,
    installation: InstallationId,
    outgoing: Arc<Outgoing>,
    closed: bool,
    clock: Arc<dyn Clock>,
    tried: Arc<OnceCell<()>>,
    /// Whether the last attempt worked.
    works: Arc<Mutex<Option<bool>>>,
}

impl Firewall {
    pub(super) fn new(
        docker: Docker,
        installation: InstallationId,
        outgoing: Outgoing,
        closed: bool,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let (tried, works) = (Arc::default(), Arc::default());
        Self { docker, installation, outgoing: Arc::new(outgoing), closed, clock, tried, works }
    }

    /// Keeps them in force until cancelled.
    pub async fn look_after(self, shutdown: CancellationToken) {
        self.ready().await;
        while !shutdown.is_cancelled() {
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = sleep(EVERY) => self.try_to_apply().await,
            }
        }
    }

    /// Waits until they have been put in force once, or could not be.
    pub(super) async fn ready(&self) {
        self.tried.get_or_init(|| self.try_to_apply()).await;
    }

    async fn try_to_apply(&self) {
        let applied = timeout(PATIENCE, self.apply()).await.unwrap_or_else(|_| {
            let message = "the helper does not end";
            Err(error(RuntimeErrorClass::Transient, OPERATION, message))
        });
        let before = {
            let mut works = self.works.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            works.replace(applied.is_ok())
        };
        match applied {
            Ok(made_anew) => match (before, made_anew) {
                (Some(true), true) => tracing::warn!(
                    "firewall rules were gone, as after a flush of all rules; applied again"
                ),
                (Some(true), false) => {}
                (None | Some(false), _) => {
                    tracing::info!(table = table(&self.installation), "firewall rules applied");
                }
            },
            Err(error) if before != Some(false) => tracing::warn!(
                %error,
                "firewall rules not applied: engines reach the host's services, link-local addresses and what network.outgoing excludes; retried"
            ),
            Err(error) => tracing::debug!(%error, "firewall rules still not applied"),
        }
    }

    /// Puts the rules in force; whether there were none.
    ///
    /// # Errors
    /// When the helper is not there or the host does not take them.
    pub async fn apply(&self) -> Result<bool, RuntimeError> {
        let prefix = bridge::prefix(&self.installation);
        let mut others = network::bridges(&self.docker, &self.installation).await?;
        others.retain(|bridge| !bridge.starts_with(&prefix));
        let rules = Rules {
            installation: &self.installation,
            prefix,
            others,
            outgoing: &self.outgoing,
            closed: self.closed,
        };
        self.remove_forgotten().await?;
        let helper = Helper {
            image: HELPER,
            command: vec!["apply".to_owned(), table(&self.installation), rules.render()],
            labels: labels::of_firewall(&self.installation),
            user: None,
            network: "host",
            capabilities: vec!["NET_ADMIN".to_owned()],
            mounts: Vec::new(),
            devices: None,
        };
        let purpose = ("the host's packet filter", NO_HELPER);
        let code = helper.run(&self.docker, OPERATION, purpose, &[MADE_ANEW]).await?;
        Ok(code == MADE_ANEW)
    }

    /// Removes helpers that somebody who was killed did not get to remove.
    async fn remove_forgotten(&self) -> Result<(), RuntimeError> {
        let of = labels::filter(&[(labels::FIREWALL_OF, self.installation.to_string())]);
        let options = ListContainersOptions { all: true, filters: Some(of), ..Default::default() };
        let listed = request(SHORT, self.docker.list_containers(Some(options)))
            .await
            .map_err(named(OPERATION))?;
        let before = self.clock.now().as_seconds() - FORGOTTEN_SECONDS;
        let forgotten = listed.into_iter().filter(|c| c.created.is_some_and(|at| at < before));
        for id in forgotten.filter_map(|container| container.id) {
            let options = RemoveContainerOptions { force: true, v: true, ..Default::default() };
            let removal = self.docker.remove_container(&id, Some(options));
            unless_gone(request(SHORT, removal).await).map_err(named(OPERATION))?;
        }
        Ok(())
    }
}

impl std::fmt::Debug for Firewall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Firewall").field("installation", &self.installation).finish_non_exhaustive()
    }
}
