//! A standard port that brokers with host names share: the route is found by the server name (SNI) of the ClientHello.

use std::{
    collections::BTreeMap,
    net::IpAddr,
    sync::{Arc, PoisonError, RwLock},
};

use tokio::{net::TcpStream, time::timeout};
use tokio_util::sync::CancellationToken;

use super::local_peer::is_local_peer;
use crate::{
    metrics::{Metrics, Refusal},
    options::Options,
    session::{
        AdmittedClient, RouteContext,
        client_hello::{self, UNRECOGNIZED_NAME},
        hello_or_refusal, refuse, tune,
    },
};

/// The routes by standard port and host name. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct SniRoutes(Arc<RwLock<BTreeMap<u16, BTreeMap<String, RouteContext>>>>);

impl SniRoutes {
    pub(crate) fn insert(&self, name: &str, port: u16, route: RouteContext) {
        let mut ports = self.0.write().unwrap_or_else(PoisonError::into_inner);
        ports.entry(port).or_default().insert(name.to_owned(), route);
    }

    pub(crate) fn remove(&self, name: &str, port: u16) {
        let mut ports = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(names) = ports.get_mut(&port) {
            names.remove(name);
        }
    }

    fn find(&self, name: &str, port: u16) -> Option<RouteContext> {
        let ports = self.0.read().unwrap_or_else(PoisonError::into_inner);
        ports.get(&port)?.get(name).cloned()
    }
}

/// One standard port at one address.
#[derive(Clone)]
pub(crate) struct SniListener {
    pub(crate) routes: SniRoutes,
    pub(crate) port: u16,
    pub(crate) options: Arc<Options>,
    pub(crate) metrics: Metrics,
    /// Cancelled: no client is admitted any more.
    pub(crate) stop: CancellationToken,
}

impl SniListener {
    /// Admits a client whose ClientHello names a route, if the route admits it. None if it was refused.
    pub(crate) async fn admit(self, mut client: TcpStream, peer: IpAddr) -> Option<AdmittedClient> {
        tune(&client);
        let hello = tokio::select! {
            biased;
            () = self.stop.cancelled() => Err((Refusal::Withdrawn, Vec::new())),
            read = timeout(self.options.hello_timeout, client_hello::read(&mut client)) => {
                hello_or_refusal(read)
            }
        };
        let admitted = hello.and_then(|hello| {
            let route = self.route(hello.name.as_deref(), &client);
            let route = route.map_err(|refusal| (refusal, UNRECOGNIZED_NAME.to_vec()))?;
            let permit = route.permit(peer).map_err(|refusal| (refusal, Vec::new()))?;
            Ok((hello.bytes, route, permit))
        });
        match admitted {
            Ok((first_bytes, route, permit)) => {
                Some(AdmittedClient { client, first_bytes, route, permit })
            }
            Err((refusal, alert)) => {
                refuse(client, refusal, &alert, &self.metrics).await;
                None
            }
        }
    }

    fn route(&self, name: Option<&str>, client: &TcpStream) -> Result<RouteContext, Refusal> {
        let route = self.routes.find(name.ok_or(Refusal::NoName)?, self.port);
        let route = route.ok_or(Refusal::UnknownName)?;
        // Peers elsewhere can't tell a private broker from one that does not exist.
        if !route.public && !self.reaches_private(client) {
            return Err(Refusal::UnknownName);
        }
        Ok(route)
    }

    /// Whether the client connected to [`Options::private_bind`]; without one, whether it is on this machine.
    fn reaches_private(&self, client: &TcpStream) -> bool {
        match self.options.private_bind {
            None => client.peer_addr().is_ok_and(|peer| is_local_peer(peer.ip())),
            Some(private) if private.is_unspecified() => true,
            Some(private) => client.local_addr().is_ok_and(|local| same(local.ip(), private)),
        }
    }
}

fn same(one: IpAddr, other: IpAddr) -> bool {
    one.to_canonical() == other.to_canonical()
}
