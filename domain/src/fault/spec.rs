//! CreateFault: the request and its checks.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

use super::kind::FaultKind;
use crate::{
    broker::{Broker, BrokerOperation, NetworkDefaults},
    kernel::Error,
};

/// How long a fault may last.
const MAX_SECONDS: i64 = 3600;
/// How much latency may be added, in milliseconds.
const MAX_LATENCY_MILLIS: i64 = 60_000;

/// How much later bytes arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latency {
    /// At least this many milliseconds, in each direction.
    pub milliseconds: u32,
    /// At most this many more.
    #[serde(default)]
    pub jitter_milliseconds: u32,
}

/// The request as it was sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FaultInput {
    /// The name of a [`FaultKind`].
    pub kind: Option<String>,
    /// Which instance, from 1 on.
    pub instance: Option<i32>,
    /// The zone, as in `us-east-1a`.
    pub zone: Option<String>,
    /// How long it lasts.
    pub duration_seconds: Option<i64>,
    /// How much later bytes arrive.
    pub latency_milliseconds: Option<i64>,
    /// How much that varies.
    pub jitter_milliseconds: Option<i64>,
}

/// A fault as it was asked for: can only be built valid for the broker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultSpec {
    /// The kind.
    pub kind: FaultKind,
    /// Which instance it is about; none: the one that serves when it starts, or all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<u8>,
    /// The zone that fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// The instances in that zone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub zone_instances: Vec<u8>,
    /// How much later bytes arrive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency: Option<Latency>,
    /// How long it lasts; none: it is over when it has happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<Duration>,
}

impl FaultSpec {
    /// Checks what a caller asks for. `sized_volumes`: whether brokers have disks of their own that can be filled, which
    /// those on Kubernetes never can.
    ///
    /// # Errors
    /// A 400 on the member at fault, or on none when the broker's state does not permit a fault.
    pub fn parse(
        input: &FaultInput,
        broker: &Broker,
        network: &NetworkDefaults,
        sized_volumes: bool,
    ) -> Result<Self, Error> {
        let kind = FaultKind::parse(input.kind.as_deref())?;
        broker.check_state(BrokerOperation::CreateFault)?;
        let is_permitted = kind.is_permitted(broker.spec.deployment_mode, sized_volumes);
        if kind == FaultKind::FillDisk && !is_permitted {
            // Volumes share the disk of the host, and neither engine can be told from outside that
            // its part is used up: anything else would be a fault of another kind under this name.
            return Err(Error::bad_request(
                "kind",
                "Fault kind [FILL_DISK] needs brokers with disks of their own. Set [runtime.sized_volumes] to [true] in the configuration of brokerd before they are created. On Kubernetes disks can't be filled.",
            ));
        }
        if kind == FaultKind::Failover && !is_permitted {
            return Err(Error::bad_request(
                "kind",
                format!(
                    "A broker with deployment mode [{}] has no standby to fail over to.",
                    broker.spec.deployment_mode
                ),
            ));
        }
        let (zone, zone_instances) = zone(kind, input.zone.as_deref(), broker, network)?;
        Ok(Self {
            kind,
            instance: instance(kind, input.instance, broker)?,
            zone,
            zone_instances,
            latency: latency(kind, input.latency_milliseconds, input.jitter_milliseconds)?,
            duration: duration(kind, input.duration_seconds)?,
        })
    }
}

impl fmt::Display for FaultSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.kind)?;
        if let Some(instance) = self.instance {
            write!(f, " of instance {instance}")?;
        }
        if let Some(zone) = &self.zone {
            write!(f, " of {zone}")?;
        }
        if let Some(latency) = self.latency {
            write!(f, " of {} ms", latency.milliseconds)?;
            if latency.jitter_milliseconds > 0 {
                write!(f, " and up to {} ms more", latency.jitter_milliseconds)?;
            }
        }
        match self.duration {
            Some(duration) => write!(f, " for {} s", duration.as_secs()),
            None => Ok(()),
        }
    }
}

fn does_not_apply(member: &'static str, kind: FaultKind) -> Error {
    Error::bad_request(
        member,
        format!("Member [{member}] does not apply to faults of kind [{kind}]."),
    )
}

fn between(member: &'static str, value: i64, least: i64, most: i64) -> Result<u32, Error> {
    let wrong = || {
        let message = format!(
            "Value [{value}] for [{member}] is invalid. Specify an integer between [{least}] and [{most}]."
        );
        Error::bad_request(member, message)
    };
    if (least..=most).contains(&value) {
        u32::try_from(value).map_err(|_| wrong())
    } else {
        Err(wrong())
    }
}

fn required(member: &'static str, kind: FaultKind) -> Error {
    Error::bad_request(
        member,
        format!("Member [{member}] is required for faults of kind [{kind}]."),
    )
}

fn instance(kind: FaultKind, value: Option<i32>, broker: &Broker) -> Result<Option<u8>, Error> {
    let Some(value) = value else { return Ok(None) };
    match kind {
        FaultKind::Kill | FaultKind::Pause | FaultKind::Isolate | FaultKind::FillDisk => {
            let most = broker.spec.deployment_mode.instances();
            let ordinal = between("instance", value.into(), 1, most.into())?;
            Ok(u8::try_from(ordinal).ok())
        }
        FaultKind::ZoneOutage | FaultKind::Latency | FaultKind::Failover => {
            Err(does_not_apply("instance", kind))
        }
    }
}

fn duration(kind: FaultKind, value: Option<i64>) -> Result<Option<Duration>, Error> {
    const MEMBER: &str = "durationSeconds";
    match value {
        Some(_) if kind.is_momentary() => Err(does_not_apply(MEMBER, kind)),
        None if kind.is_momentary() => Ok(None),
        None => Err(required(MEMBER, kind)),
        Some(seconds) => {
            let seconds = between(MEMBER, seconds, 1, MAX_SECONDS)?;
            Ok(Some(Duration::from_secs(seconds.into())))
        }
    }
}

fn latency(
    kind: FaultKind,
    milliseconds: Option<i64>,
    jitter: Option<i64>,
) -> Result<Option<Latency>, Error> {
    const LATENCY: &str = "latencyMilliseconds";
    const JITTER: &str = "jitterMilliseconds";
    match (kind, milliseconds, jitter) {
        (FaultKind::Latency, None, _) => Err(required(LATENCY, kind)),
        (FaultKind::Latency, Some(milliseconds), jitter) => Ok(Some(Latency {
            milliseconds: between(LATENCY, milliseconds, 1, MAX_LATENCY_MILLIS)?,
            jitter_milliseconds: between(JITTER, jitter.unwrap_or(0), 0, MAX_LATENCY_MILLIS)?,
        })),
        (_, Some(_), _) => Err(does_not_apply(LATENCY, kind)),
        (_, None, Some(_)) => Err(does_not_apply(JITTER, kind)),
        (_, None, None) => Ok(None),
    }
}

fn zone(
    kind: FaultKind,
    name: Option<&str>,
    broker: &Broker,
    network: &NetworkDefaults,
) -> Result<(Option<String>, Vec<u8>), Error> {
    match (kind, name) {
        (FaultKind::ZoneOutage, None) => Err(required("zone", kind)),
        (FaultKind::ZoneOutage, Some(name)) => {
            let zones = zones_of(broker, network);
            let there: Vec<u8> = zones
                .iter()
                .filter(|(_, zone)| zone == name)
                .map(|(ordinal, _)| *ordinal)
                .collect();
            if there.is_empty() {
                let zones: Vec<&str> = zones.iter().map(|(_, zone)| zone.as_str()).collect();
                let message = format!(
                    "The broker has no instance in zone [{name}]. Its instances are in [{}].",
                    zones.join(", ")
                );
                return Err(Error::bad_request("zone", message));
            }
            Ok((Some(name.to_owned()), there))
        }
        (_, Some(_)) => Err(does_not_apply("zone", kind)),
        (_, None) => Ok((None, Vec::new())),
    }
}

/// The zones of a broker's instances, by the instances' ordinals.
pub fn zones_of(broker: &Broker, network: &NetworkDefaults) -> Vec<(u8, String)> {
    let ordinals = 1..=broker.spec.deployment_mode.instances();
    ordinals.map(|ordinal| (ordinal, zone_of(broker, ordinal, network))).collect()
}

/// The zone of an instance: that of its subnet; of one whose subnet is in no known zone, the one whose
/// turn it is.
fn zone_of(broker: &Broker, ordinal: u8, network: &NetworkDefaults) -> String {
    let turn = usize::from(ordinal.saturating_sub(1));
    let subnet = broker.spec.subnet_ids.get(turn);
    let known = subnet.and_then(|id| network.subnets.iter().position(|known| known == id));
    let suffix = network
        .zone_suffixes
        .get(known.unwrap_or_else(|| turn % network.zone_suffixes.len().max(1)))
        .map_or("", String::as_str);
    format!("{}{suffix}", broker.scope.region)
}
