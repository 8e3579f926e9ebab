//! What the store promises, a sentence each.

mod capacity;
mod leases;
mod record;
mod rest;

use brokerd_domain::{Broker, FaultInput, FaultSpec, NetworkDefaults};

pub(crate) use self::{capacity::*, leases::*, record::*, rest::*};

/// A pause of half a minute, as a fault.
pub(crate) fn pause_of(broker: &Broker) -> FaultSpec {
    let input = FaultInput {
        kind: Some("PAUSE".to_owned()),
        duration_seconds: Some(30),
        ..FaultInput::default()
    };
    FaultSpec::parse(&input, broker, &NetworkDefaults::default(), true).expect("valid")
}
