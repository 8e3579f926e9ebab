//! What brokerd knows of the engines: rendered files, limits, what proves that one serves.
//!
//! Pure: the same broker, materials and image give the same
//! [`InstanceSpec`](brokerd_domain::instance::InstanceSpec), byte for byte.

pub mod activemq;
mod blueprint;
mod common;
mod identity;
pub mod rabbitmq;

use brokerd_domain::EngineType;

pub use blueprint::{Blueprint, Engine, Sizing, Unsupported};
pub use identity::{MONITORING_USER, instances, login};

/// The engines as a provisioner was told to run them.
#[derive(Debug, Clone, Default)]
pub struct Engines {
    /// ActiveMQ Classic.
    pub activemq: activemq::ActiveMq,
    /// RabbitMQ.
    pub rabbitmq: rabbitmq::RabbitMq,
}

impl Engines {
    /// The engine of that type.
    pub fn of(&self, kind: EngineType) -> &dyn Engine {
        match kind {
            EngineType::ActiveMq => &self.activemq,
            EngineType::RabbitMq => &self.rabbitmq,
        }
    }
}
