//! Keeps the rules in force by which engines reach no more than they may.
//!
//! A helper, which is there for a moment in the network of the engine's host, puts them there. That takes no rights of
//! this process's but those that it has at the engine, so it is the same for every way to run brokerd.

mod rules;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use bollard::{
    Docker,
    query_parameters::{ListContainersOptions, RemoveContainerOptions},
};
use brokerd_domain::{BrokerId, Cidr, Clock, InstallationId};
use tokio::{
    sync::OnceCell,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use self::rules::{Limit, Rules, table};
use super::{
    error::{SHORT, error, named, request, unless_gone},
    helper::Helper,
    labels, network,
};
use crate::runtime::{
    RuntimeError, RuntimeErrorClass,
    outgoing::{Outgoing, OutgoingLimits},
};

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
const INTERVAL: Duration = Duration::from_mins(1);

/// How often somebody looks whether accounts permit something else than before.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// How long the start of an engine waits for the first attempt.
const TIMEOUT: Duration = Duration::from_secs(30);

/// How old a helper has to be to have been forgotten.
const FORGOTTEN_SECONDS: i64 = 300;

/// The rules of one installation.
#[derive(Clone)]
pub struct Firewall {
    docker: Docker,
    installation: InstallationId,
    outgoing: Arc<Outgoing>,
    limits: Arc<dyn OutgoingLimits>,
    closed: bool,
    clock: Arc<dyn Clock>,
    tried: Arc<OnceCell<()>>,
    /// Whether the last attempt worked.
    works: Arc<Mutex<Option<bool>>>,
    /// The limits that the last attempt that worked has put in force, of brokers whose networks were there.
    in_force: Arc<Mutex<BTreeMap<BrokerId, Vec<Cidr>>>>,
    /// The limits as that attempt has read them.
    read: Arc<Mutex<BTreeMap<BrokerId, Vec<Cidr>>>>,
}

impl Firewall {
    pub(super) fn new(
        docker: Docker,
        installation: InstallationId,
        outgoing: Outgoing,
        limits: Arc<dyn OutgoingLimits>,
        closed: bool,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            docker,
            installation,
            outgoing: Arc::new(outgoing),
            limits,
            closed,
            clock,
            tried: Arc::default(),
            works: Arc::default(),
            in_force: Arc::default(),
            read: Arc::default(),
        }
    }

    /// Keeps them in force until cancelled.
    pub async fn look_after(self, shutdown: CancellationToken) {
        self.tried_once().await;
        let mut applied = Instant::now();
        while !shutdown.is_cancelled() {
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = sleep(LOOK_EVERY) => {}
            }
            if applied.elapsed() >= INTERVAL || self.limits_changed().await {
                self.try_to_apply().await;
                applied = Instant::now();
            }
        }
    }

    /// Waits until they have been put in force once, or could not be.
    async fn tried_once(&self) {
        self.tried.get_or_init(|| self.try_to_apply()).await;
    }

    /// Waits until an engine of this broker may start: with the rules in force, or where they can't be; with the limit of
    /// its account in force, if it has one.
    ///
    /// # Errors
    /// When nobody knows whether it has a limit, or the limit can't be put in force.
    pub(super) async fn ready(&self, broker: BrokerId) -> Result<(), RuntimeError> {
        self.tried_once().await;
        let limits = self.limits().await?;
        let Some(limit) = limits.get(&broker) else { return Ok(()) };
        let is_in_force = || {
            let in_force = self.in_force.lock();
            let in_force = in_force.unwrap_or_else(std::sync::PoisonError::into_inner);
            in_force.get(&broker) == Some(limit)
        };
        if !is_in_force() {
            self.apply().await?;
        }
        if is_in_force() {
            return Ok(());
        }
        let message = "the account's limit of what engines connect to is not in force yet";
        Err(error(RuntimeErrorClass::Transient, OPERATION, message))
    }

    /// Whether the limits are others than those in force, as far as anybody knows.
    async fn limits_changed(&self) -> bool {
        let Ok(limits) = self.limits().await else { return false };
        let read = self.read.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *read != limits
    }

    async fn limits(&self) -> Result<BTreeMap<BrokerId, Vec<Cidr>>, RuntimeError> {
        let limits = self.limits.current().await;
        limits.map_err(|why| error(RuntimeErrorClass::Transient, OPERATION, &why))
    }

    async fn try_to_apply(&self) {
        let applied = timeout(TIMEOUT, self.apply()).await.unwrap_or_else(|_| {
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
        let prefix = network::bridge_prefix(&self.installation);
        let limits = self.limits().await?;
        let bridges = network::bridges(&self.docker, &self.installation).await?;
        let others = bridges.iter().map(|(_, bridge)| bridge.clone());
        let others = others.filter(|bridge| !bridge.starts_with(&prefix)).collect();
        let mut limited: BTreeMap<&[Cidr], Vec<String>> = BTreeMap::new();
        for (broker, bridge) in &bridges {
            if let Some(ranges) = limits.get(broker) {
                limited.entry(ranges).or_default().push(bridge.clone());
            }
        }
        let limited =
            limited.into_iter().map(|(ranges, bridges)| Limit { bridges, ranges }).collect();
        let rules = Rules {
            installation: &self.installation,
            prefix,
            others,
            outgoing: &self.outgoing,
            closed: self.closed,
            limited,
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
        let networks: BTreeSet<BrokerId> = bridges.into_iter().map(|(broker, _)| broker).collect();
        let in_force = limits.iter().filter(|(broker, _)| networks.contains(broker));
        let in_force = in_force.map(|(broker, ranges)| (*broker, ranges.clone())).collect();
        *self.in_force.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = in_force;
        *self.read.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = limits;
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
