//! Does an engine serve? A connection proves nothing (a published port accepts for a dead engine):
//! only an answer in the protocol does.

mod management;
mod probe;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use async_trait::async_trait;
use brokerd_domain::{EngineType, Protocol};
use secrecy::SecretString;

pub use probe::WireProbe;

/// What to ask, and where.
#[derive(Debug, Clone)]
pub struct ProbeTarget {
    /// Whose dialect.
    pub engine: EngineType,
    /// Which protocol.
    pub protocol: Protocol,
    /// Where it can be reached from here.
    pub address: SocketAddr,
    /// The name its certificate must be valid for.
    pub server_name: String,
    /// The authority that must have issued the certificate, PEM.
    pub authority_pem: Arc<str>,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProbeOutcome {
    /// A proper answer in the protocol.
    Answered,
    /// Something else, or a closed connection.
    Refused(String),
    /// Nothing before the deadline.
    Silent,
}

/// Something a RabbitMQ node blocks publishers for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Alarm {
    /// It uses more memory than it may.
    Memory,
    /// It has less free disk than it keeps.
    Disk,
}

/// Who asks a management API.
#[derive(Debug, Clone)]
pub struct Login {
    /// The name.
    pub username: &'static str,
    /// The password.
    pub password: SecretString,
}

/// Asks engines.
#[async_trait]
pub trait Probe: Send + Sync + 'static {
    /// Asks once. Never takes longer than `deadline`.
    async fn probe(&self, target: &ProbeTarget, deadline: Duration) -> ProbeOutcome;

    /// Asks the management API of a RabbitMQ node which alarms are raised. Never takes longer than
    /// `deadline`.
    ///
    /// # Errors
    /// Why it can't be told.
    async fn alarms(
        &self,
        target: &ProbeTarget,
        login: &Login,
        deadline: Duration,
    ) -> Result<Vec<Alarm>, String>;

    /// Asks an engine that boots: again and again while it refuses, for at most `patience` and the
    /// last attempt's `deadline`, so that its first answer is not missed until the next pass.
    async fn await_answer(
        &self,
        target: &ProbeTarget,
        deadline: Duration,
        patience: Duration,
    ) -> ProbeOutcome {
        let _ = patience;
        self.probe(target, deadline).await
    }
}
