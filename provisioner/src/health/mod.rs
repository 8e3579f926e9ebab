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

    /// Asks an engine that boots, whose listeners open in the order of `targets`. Waits at most
    /// `patience` for the first of them, so that an answer is not missed until the next pass, and gives
    /// each answer its own `deadline`. Outcomes come in the order of the targets; after one that is no
    /// answer the rest may be missing.
    async fn await_answers(
        &self,
        targets: &[ProbeTarget],
        deadline: Duration,
        patience: Duration,
    ) -> Vec<ProbeOutcome> {
        let _ = patience;
        let mut outcomes = Vec::new();
        for target in targets {
            let outcome = self.probe(target, deadline).await;
            let answered = outcome == ProbeOutcome::Answered;
            outcomes.push(outcome);
            if !answered {
                break;
            }
        }
        outcomes
    }
}
