//! What Docker says about a container, read.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use bollard::{
    Docker,
    models::{
        ContainerInspectResponse, ContainerStateStatusEnum as Status, HostConfig, MountPoint,
        PortMap,
    },
    query_parameters::InspectContainerOptions,
};
use brokerd_domain::{
    Timestamp,
    instance::{ContainerState, InstanceStatus, Limits, RuntimeId},
};

use super::{
    disk_volume::Disk,
    error::{self, SHORT, error, named, odd, request},
    labels::{self, Labels, MadeFrom},
    last_log_lines::last_log_lines,
    network,
};
use crate::runtime::{RuntimeError, RuntimeErrorClass};

/// A container as far as anybody here wants to know.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) id: String,
    pub(super) made_from: MadeFrom,
    pub(super) phase: Phase,
    pub(super) limits: Limits,
    pub(super) hostname: String,
    pub(super) image_id: Option<String>,
    /// Where the engine's ports are published on the host.
    published: BTreeMap<u16, SocketAddr>,
    /// Where they are in the broker's network.
    inside: BTreeMap<u16, SocketAddr>,
    /// Whether it is in the broker's network.
    pub(super) is_connected: bool,
    /// The disk of its own that its data is on, and where that is mounted.
    pub(super) disk: Option<(Disk, String)>,
    /// The user and group its processes run as.
    pub(super) user: String,
}

/// What a container is doing, as Docker distinguishes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Made, never started.
    Created,
    /// Running since then.
    Running(Timestamp),
    /// Paused.
    Paused,
    /// Ended.
    Exited { code: i64, out_of_memory: bool },
    /// Half removed: Docker is at it, or failed.
    Removing,
}

/// Looks at a container by name or id.
pub(super) async fn container(
    docker: &Docker,
    operation: &'static str,
    name: &str,
) -> Result<Option<Found>, RuntimeError> {
    let reply =
        match request(SHORT, docker.inspect_container(name, None::<InspectContainerOptions>)).await
        {
            Ok(reply) => reply,
            Err(cause) if error::status(&cause) == Some(404) => return Ok(None),
            Err(cause) => return Err(named(operation)(cause)),
        };
    read(operation, reply).map(Some)
}

fn read(operation: &'static str, reply: ContainerInspectResponse) -> Result<Found, RuntimeError> {
    let config = reply.config.unwrap_or_default();
    let made_from = made_from(operation, &config.labels.unwrap_or_default())?;
    let exposed: Vec<u16> =
        config.exposed_ports.iter().flatten().filter_map(|port| tcp_port(port)).collect();
    let state = reply.state.ok_or_else(|| odd(operation, "state"))?;
    let phase = match state.status.ok_or_else(|| odd(operation, "status"))? {
        Status::CREATED => Phase::Created,
        // Podman says that it stops; until it has ended it runs.
        Status::RUNNING | Status::RESTARTING | Status::STOPPING => {
            let since = state.started_at.as_deref().and_then(moment);
            Phase::Running(since.ok_or_else(|| odd(operation, "time of start"))?)
        }
        Status::PAUSED => Phase::Paused,
        Status::EXITED => Phase::Exited {
            code: state.exit_code.ok_or_else(|| odd(operation, "exit code"))?,
            out_of_memory: state.oom_killed.unwrap_or(false),
        },
        Status::REMOVING | Status::DEAD => Phase::Removing,
        Status::EMPTY => return Err(odd(operation, "status")),
    };
    let settings = reply.network_settings.unwrap_or_default();
    let published = addresses(&settings.ports.unwrap_or_default());
    let network = network::name(&made_from.name.installation, made_from.name.broker);
    let connection = settings.networks.and_then(|mut all| all.remove(&network));
    let is_connected = connection.is_some();
    let ip = connection.and_then(|endpoint| endpoint.ip_address?.parse().ok());
    let disk = disk(&made_from, &reply.mounts.unwrap_or_default());
    let inside = exposed.iter().filter_map(|port| Some((*port, SocketAddr::new(ip?, *port))));
    Ok(Found {
        id: reply.id.ok_or_else(|| odd(operation, "id"))?,
        inside: inside.collect(),
        is_connected,
        published,
        made_from,
        phase,
        limits: limits(&reply.host_config.unwrap_or_default()),
        disk,
        user: config.user.unwrap_or_default(),
        hostname: config.hostname.unwrap_or_default(),
        image_id: reply.image.filter(|id| !id.is_empty()),
    })
}

fn made_from(operation: &'static str, labels: &Labels) -> Result<MadeFrom, RuntimeError> {
    labels::made_from(labels).ok_or_else(|| {
        let message = "a container of this name is there that brokerd did not make";
        error(RuntimeErrorClass::Rejected, operation, message)
    })
}

fn disk(made_from: &MadeFrom, mounts: &[MountPoint]) -> Option<(Disk, String)> {
    mounts.iter().find_map(|mount| {
        let disk = Disk::of(&made_from.name.installation, mount.name.clone()?);
        let file = Some(disk.file_volume());
        let has_file = mounts.iter().any(|other| other.name == file);
        has_file.then_some((disk, mount.destination.clone()?))
    })
}

fn limits(config: &HostConfig) -> Limits {
    let unsigned = |number: Option<i64>| u64::try_from(number.unwrap_or(0)).unwrap_or(0);
    Limits {
        memory_bytes: unsigned(config.memory),
        nano_cpus: unsigned(config.nano_cpus),
        // None was given: then it is the kernel's.
        cpu_shares: config
            .cpu_shares
            .and_then(|shares| u32::try_from(shares).ok())
            .filter(|shares| *shares > 0)
            .unwrap_or(Limits::SERVING_SHARES),
        pids: u32::try_from(config.pids_limit.unwrap_or(0)).unwrap_or(0),
    }
}

/// The number of a port as Docker calls it: `5671/tcp`.
fn tcp_port(name: &str) -> Option<u16> {
    name.strip_suffix("/tcp")?.parse().ok()
}

fn addresses(ports: &PortMap) -> BTreeMap<u16, SocketAddr> {
    ports
        .iter()
        .filter_map(|(name, bindings)| {
            let port = tcp_port(name)?;
            let binding = bindings.as_ref()?.first()?;
            let host_port = binding.host_port.as_ref()?.parse().ok()?;
            let host = binding.host_ip.as_deref().unwrap_or_default();
            Some((port, SocketAddr::new(reachable(host)?, host_port)))
        })
        .collect()
}

/// Where a port that is bound to `host` is reached: one that is bound to all addresses, on loopback.
fn reachable(host: &str) -> Option<IpAddr> {
    if host.is_empty() {
        return Some(Ipv4Addr::LOCALHOST.into());
    }
    match host.parse().ok()? {
        IpAddr::V4(v4) if v4.is_unspecified() => Some(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(v6) if v6.is_unspecified() => Some(Ipv6Addr::LOCALHOST.into()),
        address => Some(address),
    }
}

impl Found {
    /// The status, with the last log lines of a container that has exited. One that is being removed counts as
    /// exited, because recreating it finishes the removal first. The addresses are those in the broker's network, or
    /// where they are `published`.
    pub(super) async fn status(self, docker: &Docker, published: bool) -> Option<InstanceStatus> {
        let (state, addresses) = match self.phase {
            Phase::Created => (ContainerState::Created, BTreeMap::new()),
            Phase::Running(since) => {
                let addresses = if published { self.published } else { self.inside };
                (ContainerState::Running { since }, addresses)
            }
            Phase::Paused => (ContainerState::Paused, BTreeMap::new()),
            Phase::Exited { code, out_of_memory } => {
                let last_log_lines = last_log_lines(docker, &self.id).await;
                (ContainerState::Exited { code, out_of_memory, last_log_lines }, BTreeMap::new())
            }
            Phase::Removing => return None,
        };
        Some(InstanceStatus {
            id: RuntimeId(self.id),
            digest: self.made_from.digest,
            generation: self.made_from.generation,
            reboot: self.made_from.reboot,
            image_id: self.image_id,
            state,
            addresses,
            limits: self.limits,
            own_disk: self.disk.is_some(),
            // It is the engine itself that tells this.
            silent_host: None,
        })
    }
}

/// Reads the moments Docker prints: `2026-09-21T14:13:20.602926789Z`.
fn moment(text: &str) -> Option<Timestamp> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let mut date = date.splitn(3, '-').map(|part| part.parse::<i64>().ok());
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let (time, fraction) = time.split_once('.').unwrap_or((time, ""));
    let mut time = time.splitn(3, ':').map(|part| part.parse::<i64>().ok());
    let (hour, minute, second) = (time.next()??, time.next()??, time.next()??);
    let in_range = (0..=9999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && (0..24).contains(&hour)
        && (0..60).contains(&minute)
        && (0..=60).contains(&second);
    if !in_range || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let micros: i64 = format!("{fraction:0<6}").get(..6)?.parse().ok()?;
    let seconds = days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
    Some(Timestamp::from_micros(seconds * 1_000_000 + micros))
}

/// Days from 1970-01-01 to a date of the Gregorian calendar, counted in years that begin in March,
/// so that the leap day is the last.
const fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_as_they_are_printed() {
        for text in [
            "1970-01-01T00:00:00.000000Z",
            "2024-02-29T23:59:59.999999Z",
            "2026-09-21T14:13:20.602926Z",
            "2100-03-01T00:00:00.000001Z",
        ] {
            assert_eq!(moment(text).map(|m| m.to_string()).as_deref(), Some(text));
        }
        assert_eq!(
            moment("1970-01-01T00:00:01.123456789Z"),
            Some(Timestamp::from_micros(1_123_456))
        );
        assert_eq!(moment("1970-01-01T00:00:01.5Z"), Some(Timestamp::from_micros(1_500_000)));
        assert_eq!(moment("1970-01-01T00:00:01Z"), Some(Timestamp::from_micros(1_000_000)));
        for wrong in ["", "Z", "T", "1970-01-01", "1970-13-01T00:00:00Z", "1970-01-01T00:00:00.äZ"]
        {
            assert_eq!(moment(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_port_bound_to_every_address_is_reached_on_loopback() {
        assert_eq!(reachable("0.0.0.0"), Some(Ipv4Addr::LOCALHOST.into()));
        assert_eq!(reachable("::"), Some(Ipv6Addr::LOCALHOST.into()));
        assert_eq!(reachable("10.1.2.3"), Some(Ipv4Addr::new(10, 1, 2, 3).into()));
        assert_eq!(reachable("nonsense"), None);
    }

    #[test]
    fn an_odd_reply_is_an_error() {
        let reply = ContainerInspectResponse::default();
        assert_eq!(
            read("look", reply).map(|_| ()).map_err(|e| e.class),
            Err(RuntimeErrorClass::Rejected)
        );
    }
}
