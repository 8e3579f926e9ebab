//! Does an engine serve? A connection proves nothing (a published port accepts for a dead engine):
//! only an answer in the protocol does.

mod exchange;
mod management;
mod probe;
mod trying;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use brokerd_domain::{EngineType, Protocol};
use rustls::ClientConfig;
use secrecy::{ExposeSecret, SecretString};

use crate::plan::{NodeReport, ProbeOutcome};

pub use probe::WireProbe;

/// What to ask, and where.
#[derive(Debug, Clone)]
pub struct ProbeTarget {
    /// The engine.
    pub engine: EngineType,
    /// Which protocol.
    pub protocol: Protocol,
    /// Where it can be reached from here.
    pub address: SocketAddr,
    /// The name its certificate must be valid for.
    pub server_name: String,
    /// The authorities of which one must have issued the certificate, PEM.
    pub authority_pem: Arc<str>,
}

/// What an engine says of a link to another broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkReport {
    /// What it is, and its name: `shovel orders in /`.
    pub link: String,
    /// How it is.
    pub state: LinkState,
}

/// How a link is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkState {
    /// It carries messages.
    Up,
    /// It tries to.
    Trying,
    /// It does not, for this reason.
    Down(String),
}

/// Why a management API tells nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManagementError {
    /// It does not know who asks, because the broker's owner wants it so.
    #[error("the engine does not know brokerd's user")]
    Forbidden,
    /// Something else.
    #[error("{0}")]
    Failed(String),
}

impl From<String> for ManagementError {
    fn from(why: String) -> Self {
        Self::Failed(why)
    }
}

/// The user that asks an engine.
#[derive(Debug, Clone)]
pub struct Login {
    /// The name.
    pub username: &'static str,
    /// The password.
    pub password: SecretString,
}

impl Login {
    /// The value of HTTP's header `Authorization`.
    pub(crate) fn basic_authorization(&self) -> String {
        let credentials = format!("{}:{}", self.username, self.password.expose_secret());
        format!("Basic {}", BASE64.encode(credentials))
    }
}

/// A call of an engine's own web server.
#[derive(Debug, Clone, Copy)]
pub struct HttpCall<'a> {
    /// The method.
    pub method: &'a str,
    /// The path and the query, encoded.
    pub path: &'a str,
    /// A body of JSON.
    pub body: Option<&'a [u8]>,
    /// How long connecting may take.
    pub connect_within: Duration,
}

/// What it was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpAnswer {
    /// The status.
    pub status: u16,
    /// The whole body.
    pub body: Vec<u8>,
}

/// Why it was not answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExchangeError {
    /// The call was not sent, so that nothing can have come of it.
    #[error("{0}")]
    NotSent(String),
    /// It was sent, at least in part, and no whole answer came.
    #[error("{0}")]
    NoAnswer(String),
}

/// Asks engines.
#[async_trait]
pub trait Probe: Send + Sync + 'static {
    /// Asks once. Never takes longer than `deadline`.
    async fn probe(&self, target: &ProbeTarget, deadline: Duration) -> ProbeOutcome;

    /// Asks its listener once for a TLS handshake and says nothing in the protocol, which engines don't log. It
    /// proves less than [`Probe::probe`]: that the listener accepts and that the engine answers there. Never takes
    /// longer than `deadline`.
    async fn handshake(&self, target: &ProbeTarget, deadline: Duration) -> ProbeOutcome {
        self.probe(target, deadline).await
    }

    /// Asks the management API of a RabbitMQ node what it knows of its cluster's nodes. Never takes
    /// longer than `deadline`.
    ///
    /// # Errors
    /// Why it can't be told.
    async fn nodes(
        &self,
        target: &ProbeTarget,
        login: &Login,
        deadline: Duration,
    ) -> Result<Vec<NodeReport>, ManagementError>;

    /// Asks it whether something would lose its quorum if the node stopped. Never takes longer than
    /// `deadline`.
    ///
    /// # Errors
    /// Why it can't be told.
    async fn is_quorum_critical(
        &self,
        target: &ProbeTarget,
        login: &Login,
        deadline: Duration,
    ) -> Result<bool, ManagementError>;

    /// Asks for the links to other brokers: shovels and federation links of a RabbitMQ cluster, network connectors
    /// of an ActiveMQ broker. Never takes longer than `deadline`.
    ///
    /// # Errors
    /// Why it can't be told.
    async fn links(
        &self,
        target: &ProbeTarget,
        login: &Login,
        deadline: Duration,
    ) -> Result<Vec<LinkReport>, ManagementError> {
        let _ = (target, login, deadline);
        Ok(Vec::new())
    }

    /// Asks for a page of an engine's own web server. Never takes longer than `deadline`.
    ///
    /// # Errors
    /// Why there is none.
    async fn page(
        &self,
        target: &ProbeTarget,
        login: Option<&Login>,
        path: &str,
        deadline: Duration,
    ) -> Result<String, ManagementError> {
        let _ = (target, login, path, deadline);
        Err(ManagementError::Failed("it has no pages".to_owned()))
    }

    /// Makes a call of an engine's own web server. Never takes longer than `deadline`.
    ///
    /// # Errors
    /// Whether it was sent, and why there is no answer.
    async fn exchange(
        &self,
        target: &ProbeTarget,
        login: &Login,
        call: HttpCall<'_>,
        deadline: Duration,
    ) -> Result<HttpAnswer, ExchangeError> {
        let _ = (target, login, call, deadline);
        Err(ExchangeError::NotSent("it has no web server".to_owned()))
    }

    /// How to speak TLS to a broker that trusts these authorities, as their clients do.
    ///
    /// # Errors
    /// Why it can't be done.
    fn tls_client(&self, authority_pem: &Arc<str>) -> Result<Arc<ClientConfig>, String> {
        let _ = authority_pem;
        Err("it speaks no TLS".to_owned())
    }

    /// Asks an engine that boots, whose listeners open in the order of `targets`. Waits at most
    /// `time_limit` for the first of them, so that an answer is not missed until the next pass, and gives
    /// each answer its own `deadline`. Outcomes come in the order of the targets; after one that is no
    /// answer the rest may be missing.
    async fn await_answers(
        &self,
        targets: &[ProbeTarget],
        deadline: Duration,
        time_limit: Duration,
    ) -> Vec<ProbeOutcome> {
        let _ = time_limit;
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
