//! The networks of brokers, which brokerd joins itself where it runs in a container.
//!
//! A process in a container does not reach what the host publishes on its own loopback. So its container is
//! attached to the network of every broker, and engines are reached at their own addresses there. The same
//! is done for containers that are labelled as gateways of the installation: they have no access to the
//! engine and can't do it themselves. Which container is attached to what is asked for anew every time: one
//! that was replaced lost all attachments, and gets them back.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use bollard::{
    Docker,
    models::{ContainerSummary, EndpointSettings},
    query_parameters::{InspectContainerOptions, ListContainersOptions, ListNetworksOptions},
};
use brokerd_domain::InstallationId;
use futures_util::future::join_all;

use super::broker_network;
use crate::runtime::{
    Ensured, RuntimeError,
    docker::{
        error::{self, SHORT, named, odd, request},
        labels,
        options::Join,
    },
};

const FIND: &str = "find the container of this process";
const JOIN: &str = "join the broker's network";
const LEAVE: &str = "leave the broker's network";

/// What an engine calls an attachment that is there already.
const ALREADY: &str = "already exists in network";

/// What an engine says about a network that is not there.
const NO_NETWORK: &str = "network";

/// What an engine says about a container that it can't detach.
const NOT_THERE: &str = "is not connected";

/// Attaches containers of brokerd's own to the networks of brokers.
#[derive(Debug, Clone)]
pub(in crate::runtime::docker) struct Joiner {
    docker: Docker,
    installation: InstallationId,
    /// The id of this process's own container.
    own: String,
}

/// The networks that a container is attached to, by the container's id.
type Attachments = BTreeMap<String, BTreeSet<String>>;

impl Joiner {
    /// Nothing, if this process reaches what the host publishes: it runs on the host, in the host's network,
    /// or in a container of another engine than the one it works with.
    pub(in crate::runtime::docker) async fn find(
        docker: &Docker,
        installation: &InstallationId,
        join: &Join,
    ) -> Result<Option<Self>, RuntimeError> {
        let own = match join {
            Join::Never => return Ok(None),
            Join::Container(name) => Some(name.clone()),
            Join::Itself => {
                // Where there is no such file there is no container either.
                let mounts = tokio::fs::read_to_string("/proc/self/mountinfo").await;
                mounts.ok().and_then(|text| container_of(&text))
            }
        };
        let Some(own) = own else { return Ok(None) };
        let inspected = docker.inspect_container(&own, None::<InspectContainerOptions>);
        let found = match request(SHORT, inspected).await {
            Ok(found) => found,
            Err(cause) if error::status(&cause) == Some(404) => return Ok(None),
            Err(cause) => return Err(named(FIND)(cause)),
        };
        let mode = found.host_config.and_then(|config| config.network_mode).unwrap_or_default();
        if mode == "host" {
            return Ok(None);
        }
        let own = match mode.strip_prefix("container:") {
            // The network is that container's.
            Some(other) => other.to_owned(),
            None => found.id.ok_or_else(|| odd(FIND, "id"))?,
        };
        Ok(Some(Self { docker: docker.clone(), installation: installation.clone(), own }))
    }

    /// Attaches what is not attached yet to one network, if that is there.
    ///
    /// # Errors
    /// When this process's own container can't be attached. Others only delay their clients: the next pass
    /// tries again.
    pub(in crate::runtime::docker) async fn join(
        &self,
        network: &str,
    ) -> Result<Ensured, RuntimeError> {
        let attachments = self.attachments().await?;
        let missing = attachments.into_iter().filter(|(_, networks)| !networks.contains(network));
        let attached = self.attach(missing.map(|(id, _)| (id, network.to_owned())).collect());
        Ok(if attached.await? { Ensured::Updated } else { Ensured::AlreadyRight })
    }

    /// Attaches what is not attached yet to the networks of all brokers, as far as that is possible: what is
    /// not is tried again when the broker is looked at.
    ///
    /// # Errors
    /// When the engine does not answer, or refuses to attach one.
    pub(in crate::runtime::docker) async fn join_all(&self) -> Result<(), RuntimeError> {
        let ours = labels::of_installation(&self.installation);
        let options = ListNetworksOptions { filters: Some(ours) };
        let (networks, attachments) = tokio::try_join!(
            async {
                request(SHORT, self.docker.list_networks(Some(options))).await.map_err(named(JOIN))
            },
            self.attachments(),
        )?;
        let names: Vec<String> = networks
            .into_iter()
            .filter(|network| network.labels.as_ref().and_then(labels::object).is_some())
            .filter_map(|network| network.name)
            .collect();
        let mut missing = Vec::new();
        for (id, networks) in attachments {
            let absent = names.iter().filter(|name| !networks.contains(*name));
            missing.extend(absent.map(|name| (id.clone(), name.clone())));
        }
        self.attach(missing).await.map(drop)
    }

    /// The containers that have to be attached, with the networks they are attached to.
    async fn attachments(&self) -> Result<Attachments, RuntimeError> {
        let gateways = labels::filter(&[
            (labels::INSTALLATION, self.installation.to_string()),
            (labels::ROLE, labels::GATEWAY.to_owned()),
        ]);
        // Not all: one that does not run is attached when it does.
        let options =
            ListContainersOptions { filters: Some(gateways), ..ListContainersOptions::default() };
        let inspected = self.docker.inspect_container(&self.own, None::<InspectContainerOptions>);
        let (gateways, own) = tokio::try_join!(
            request(SHORT, self.docker.list_containers(Some(options))),
            request(SHORT, inspected),
        )
        .map_err(named(JOIN))?;
        let networks = own.network_settings.and_then(|settings| settings.networks);
        let mut attachments: Attachments =
            gateways.into_iter().filter_map(|c| Some((c.id.clone()?, attached_to(c)))).collect();
        attachments.insert(self.own.clone(), networks.unwrap_or_default().into_keys().collect());
        Ok(attachments)
    }

    /// Attaches these containers to these networks; whether any was.
    async fn attach(&self, missing: Vec<(String, String)>) -> Result<bool, RuntimeError> {
        let attached = missing.into_iter().map(|(container, network)| async move {
            // What leads out of the container, and to its published ports, stays what it is. Engines
            // before 28 do not know this: for them the first network by name leads out.
            let how = EndpointSettings { gw_priority: Some(-1), ..EndpointSettings::default() };
            match broker_network::connect(&self.docker, &network, &container, how).await {
                Ok(()) => {
                    tracing::info!(container, network, "joined the network of a broker");
                    return Ok(true);
                }
                // Another pass or another provisioner was quicker.
                Err(cause) if error::message(&cause).contains(ALREADY) => {}
                // It comes with the broker's first container, and goes with its last.
                Err(cause)
                    if error::status(&cause) == Some(404)
                        && error::message(&cause).contains(NO_NETWORK) => {}
                Err(cause) if container == self.own => return Err(named(JOIN)(cause)),
                Err(cause) => {
                    let error = named(JOIN)(cause);
                    tracing::warn!(%error, container, network, "container not attached to the network of a broker");
                }
            }
            Ok(false)
        });
        let attached: Result<Vec<bool>, _> = join_all(attached).await.into_iter().collect();
        Ok(attached?.contains(&true))
    }
}

/// Detaches brokerd's own containers from a network that is to go: those of this installation that are no
/// instances, and this process's, which need not be labelled. Ended ones too, because they could not be
/// started any more without it.
pub(in crate::runtime::docker) async fn leave(
    docker: &Docker,
    joiner: Option<&Joiner>,
    installation: &InstallationId,
    network: &str,
) -> Result<(), RuntimeError> {
    let options = ListContainersOptions {
        all: true,
        filters: Some(labels::of_installation(installation)),
        ..ListContainersOptions::default()
    };
    let ours = request(SHORT, docker.list_containers(Some(options))).await.map_err(named(LEAVE))?;
    let parts = ours.into_iter().filter(|container| {
        container.labels.as_ref().is_none_or(|labels| labels::object(labels).is_none())
    });
    let mut attached: BTreeSet<String> = parts
        .filter_map(|part| part.id.clone().filter(|_| attached_to(part).contains(network)))
        .collect();
    attached.extend(joiner.map(|joiner| joiner.own.clone()));
    for container in attached {
        match broker_network::disconnect(docker, network, &container).await {
            Ok(()) => {}
            Err(cause) if error::status(&cause) == Some(404) => {}
            Err(cause) if error::message(&cause).contains(NOT_THERE) => {}
            Err(cause) => return Err(named(LEAVE)(cause)),
        }
    }
    Ok(())
}

fn attached_to(container: ContainerSummary) -> BTreeSet<String> {
    let networks: Option<HashMap<_, _>> = container.network_settings.and_then(|s| s.networks);
    networks.unwrap_or_default().into_keys().collect()
}

/// The id of the container that a process with these mounts is in. An engine mounts three files of its own
/// over those of the image, from a directory that has the container's id for its name.
fn container_of(mounts: &str) -> Option<String> {
    mounts.lines().find_map(|line| {
        // Source: proc_pid_mountinfo(5): the fourth field is what is mounted, the fifth is where.
        let mut fields = line.split(' ').skip(3);
        let (what, place) = (fields.next()?, fields.next()?);
        let of_engine = ["/etc/hostname", "/etc/hosts", "/etc/resolv.conf"].contains(&place);
        let mut parts = what.split('/').filter(|_| of_engine);
        parts.find(|part| part.len() == 64 && is_hexadecimal(part)).map(str::to_owned)
    })
}

fn is_hexadecimal(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "3f1c0d9e8b7a6f5e4d3c2b1a09f8e7d6c5b4a3928170f6e5d4c3b2a190817263";

    #[test]
    fn a_process_in_a_container_finds_its_id_in_its_mounts() {
        let mounts = format!(
            "712 640 0:60 / / ro,relatime master:1 - overlay overlay rw,lowerdir=/var/lib/docker/overlay2/l/A
713 712 0:63 / /proc rw,nosuid,nodev,noexec,relatime - proc proc rw
720 712 254:1 /var/lib/docker/volumes/x/_data /var/lib/brokerd rw,relatime - ext4 /dev/vda rw
721 712 254:1 /srv/docker/containers/{ID}/resolv.conf /etc/resolv.conf rw,relatime - ext4 /dev/vda rw
722 712 254:1 /srv/docker/containers/{ID}/hostname /etc/hostname rw,relatime - ext4 /dev/vda rw
"
        );
        assert_eq!(container_of(&mounts).as_deref(), Some(ID));
    }

    #[test]
    fn a_process_on_the_host_is_in_no_container_though_it_sees_those_of_others() {
        let mounts = format!(
            "26 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda rw
90 26 0:44 / /var/lib/docker/overlay2/{ID}/merged rw,relatime shared:9 - overlay overlay rw
91 26 0:45 / /run/docker/netns/{ID} rw shared:10 - nsfs nsfs rw
92 26 0:25 /resolvconf/resolv.conf /etc/resolv.conf rw,relatime - tmpfs tmpfs rw
"
        );
        assert_eq!(container_of(&mounts), None);
        assert_eq!(container_of(""), None);
    }
}
