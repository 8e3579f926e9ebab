//! The source and the proof of a request.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use axum::{
    extract::ConnectInfo,
    http::{header::USER_AGENT, request::Parts},
};
use brokerd_domain::{Region, Timestamp, policy::Environment};
use bytes::Bytes;

use super::{credentials::Credential, service::Service};

/// Called as soon as a request turns out to be authentic. The listener puts it into the request's extensions, in
/// order to keep such connections longer than others.
#[derive(Clone)]
pub struct OnAuthentic(Arc<dyn Fn() + Send + Sync>);

impl OnAuthentic {
    /// Calls `what`.
    pub fn new(what: impl Fn() + Send + Sync + 'static) -> Self {
        Self(Arc::new(what))
    }

    /// Reports that the request is authentic.
    pub(super) fn tell(&self) {
        (self.0)();
    }
}

impl std::fmt::Debug for OnAuthentic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OnAuthentic").finish_non_exhaustive()
    }
}

/// Marks a request that came over TLS. The listener puts it into the request's extensions.
#[derive(Debug, Clone, Copy)]
pub struct SecureTransport;

/// The proof of a request's caller, by its signature or its cookie.
pub(super) struct Proof {
    pub(super) credential: Arc<Credential>,
    pub(super) access_key_id: String,
    /// Whether the key is a long-term key.
    pub(super) lasts: bool,
    pub(super) region: Region,
    pub(super) service: Service,
    pub(super) body: Bytes,
}

/// The sender's address; `None` for a request from within this process.
pub(crate) fn peer(parts: &Parts) -> Option<IpAddr> {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    peer.map(|ConnectInfo(peer)| peer.ip())
}

/// The global condition keys of a request.
pub(super) fn environment(parts: &Parts, region: Region, now: Timestamp) -> Environment {
    let user_agent = parts.headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok());
    Environment {
        now,
        region,
        source_ip: peer(parts),
        secure_transport: parts.extensions.get::<SecureTransport>().is_some(),
        user_agent: user_agent.map(str::to_owned),
    }
}
