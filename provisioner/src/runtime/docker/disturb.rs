//! What faults do to containers, and how it is undone.

use bollard::query_parameters::InspectContainerOptions;

use super::{
    DockerRuntime,
    error::{self, SHORT, error, named, request},
    inspect::{Found, Phase},
    network,
};
use brokerd_domain::instance::{Disturbance, RuntimeId};

use crate::runtime::{Ensured, RuntimeError, RuntimeErrorClass};

const INJECT: &str = "disturb an instance";
const HEAL: &str = "undo a disturbance";

const fn ensured(changed: bool) -> Ensured {
    if changed { Ensured::Updated } else { Ensured::AlreadyRight }
}

impl DockerRuntime {
    pub(super) async fn disturb(
        &self,
        id: &RuntimeId,
        disturbance: Disturbance,
    ) -> Result<Ensured, RuntimeError> {
        let found = self.seen(INJECT, id).await?;
        match (disturbance, found.phase) {
            (Disturbance::Filled { leave }, _) => {
                Ok(ensured(self.fill(INJECT, &found, Some(leave)).await?))
            }
            (_, Phase::Created | Phase::Exited { .. } | Phase::Removing)
            | (Disturbance::Paused, Phase::Paused) => Ok(Ensured::AlreadyRight),
            // The engine answers once the container has ended, a paused one too.
            (Disturbance::Killed, _) => Ok(ensured(self.kill(INJECT, &found.id).await?)),
            (Disturbance::Paused, Phase::Running(_)) => {
                match request(SHORT, self.docker.pause_container(&found.id)).await {
                    Ok(()) => Ok(Ensured::Updated),
                    // It ended, or somebody else froze it, between the two requests.
                    Err(cause) if error::status(&cause) == Some(409) => Ok(Ensured::AlreadyRight),
                    Err(cause) => Err(named(INJECT)(cause)),
                }
            }
            (Disturbance::Isolated, _) => {
                let network = network_of(&found);
                if self.aliases(INJECT, &found.id, &network).await?.is_none() {
                    return Ok(Ensured::AlreadyRight);
                }
                network::disconnect(&self.docker, &network, &found.id)
                    .await
                    .map_err(named(INJECT))?;
                Ok(Ensured::Updated)
            }
        }
    }

    pub(super) async fn undisturb(
        &self,
        id: &RuntimeId,
        disturbance: Disturbance,
    ) -> Result<Ensured, RuntimeError> {
        let found = self.seen(HEAL, id).await?;
        match (disturbance, found.phase) {
            (Disturbance::Filled { .. }, _) => Ok(ensured(self.fill(HEAL, &found, None).await?)),
            (Disturbance::Paused, Phase::Paused) => {
                match request(SHORT, self.docker.unpause_container(&found.id)).await {
                    Ok(()) => Ok(Ensured::Updated),
                    Err(cause) if error::status(&cause) == Some(409) => Ok(Ensured::AlreadyRight),
                    Err(cause) => Err(named(HEAL)(cause)),
                }
            }
            (Disturbance::Killed | Disturbance::Paused, _)
            | (Disturbance::Isolated, Phase::Removing) => Ok(Ensured::AlreadyRight),
            (Disturbance::Isolated, _) => self.reconnect(&found).await,
        }
    }

    /// Connects a container to its broker's network again, unless its peers find it there.
    async fn reconnect(&self, found: &Found) -> Result<Ensured, RuntimeError> {
        let name = &found.made_from.name;
        let network = network_of(found);
        // Another process may have connected it.
        let aliases = self.aliases(HEAL, &found.id, &network).await?;
        if aliases.is_some_and(|aliases| aliases.contains(&found.hostname)) {
            return Ok(Ensured::AlreadyRight);
        }
        self.networks.ensure(&self.docker, &name.installation, name.broker).await?;
        network::connect_under(&self.docker, &network, &found.id, &found.hostname)
            .await
            .map_err(named(HEAL))?;
        Ok(Ensured::Updated)
    }

    /// The names a container has in a network; none: it is not in it.
    async fn aliases(
        &self,
        operation: &'static str,
        id: &str,
        network: &str,
    ) -> Result<Option<Vec<String>>, RuntimeError> {
        let inspection = self.docker.inspect_container(id, None::<InspectContainerOptions>);
        let reply = match request(SHORT, inspection).await {
            Ok(reply) => reply,
            Err(cause) if error::status(&cause) == Some(404) => {
                let message = "the container is not there any more";
                return Err(error(RuntimeErrorClass::Gone, operation, message));
            }
            Err(cause) => return Err(named(operation)(cause)),
        };
        let networks = reply.network_settings.and_then(|settings| settings.networks);
        let joined = networks.unwrap_or_default().remove(network);
        Ok(joined.map(|settings| settings.aliases.unwrap_or_default()))
    }
}

fn network_of(found: &Found) -> String {
    network::name(&found.made_from.name.installation, found.made_from.name.broker)
}
