//! The way of a test message: where it goes, when it was where, and what broke.

use std::{net::SocketAddr, sync::Arc, time::Instant};

use rustls::ClientConfig;
use secrecy::SecretString;

use crate::destinations::engine::words;

/// Whom to speak to, as whom.
pub(super) struct Way {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) address: SocketAddr,
    pub(super) tls: Arc<ClientConfig>,
    pub(super) username: String,
    pub(super) password: SecretString,
}

/// When a message was where.
pub(super) struct Steps {
    pub(super) connected: Instant,
    pub(super) confirmed: Instant,
    pub(super) received: Instant,
}

/// What did not work, and why.
pub(super) struct Broken {
    pub(super) step: &'static str,
    pub(super) why: String,
}

impl Broken {
    pub(super) fn at<E: std::fmt::Display>(step: &'static str) -> impl FnOnce(E) -> Self {
        move |error| Self { step, why: words(&error.to_string()) }
    }
}
