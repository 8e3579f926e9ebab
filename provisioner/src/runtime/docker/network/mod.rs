//! The networks of brokers: how they are made, who is attached to them, and where engines are reached.

mod bridge;
mod broker_network;
mod gateway_networks;
mod join;
mod reach;

pub use gateway_networks::GatewayNetworks;

pub(super) use bridge::prefix as bridge_prefix;
pub(super) use broker_network::{Networks, bridges, connect_under, disconnect, name, remove};
pub(super) use join::leave;
pub(super) use reach::Reach;
