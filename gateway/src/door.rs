//! A standard port that brokers with names share: who is let in where, by the name in the ClientHello.

use std::{
    collections::BTreeMap,
    net::IpAddr,
    sync::{Arc, PoisonError, RwLock},
};

use tokio::{net::TcpStream, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::{
    Metrics, Options, Refusal,
    hello::{self, UNRECOGNIZED_NAME},
    here::is_here,
    session::{Heard, RouteContext, refuse, tune, unheard},
};

/// The routes that are found by name, on which port; all doors share it.
#[derive(Clone, Default)]
pub(crate) struct Names(Arc<RwLock<BTreeMap<u16, BTreeMap<String, RouteContext>>>>);

impl Names {
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
pub(crate) struct Door {
    pub(crate) names: Names,
    pub(crate) port: u16,
    pub(crate) options: Arc<Options>,
    pub(crate) metrics: Metrics,
    /// Nobody is to be let in any more.
    pub(crate) stop: CancellationToken,
}

impl Door {
    /// Hears out a client: who asks for a name that is known gets a place. None if it was refused.
    pub(crate) async fn hear(self, mut client: TcpStream, peer: IpAddr) -> Option<Heard> {
        tune(&client);
        let heard = tokio::select! {
            biased;
            () = self.stop.cancelled() => Err((Refusal::Withdrawn, Vec::new())),
            heard = timeout(self.options.hello_timeout, hello::read(&mut client)) => unheard(heard),
        };
        let entered = heard.and_then(|hello| {
            let route = self.find(hello.name.as_deref(), &client);
            let route = route.map_err(|refusal| (refusal, UNRECOGNIZED_NAME.to_vec()))?;
            let place = route.enter(peer).map_err(|refusal| (refusal, Vec::new()))?;
            Ok((hello.bytes, route, place))
        });
        match entered {
            Ok((early, route, place)) => Some(Heard { client, early, route, place }),
            Err((refusal, words)) => {
                refuse(client, refusal, &words, &self.metrics).await;
                None
            }
        }
    }

    fn find(&self, name: Option<&str>, client: &TcpStream) -> Result<RouteContext, Refusal> {
        let route = self.names.find(name.ok_or(Refusal::NoName)?, self.port);
        let route = route.ok_or(Refusal::UnknownName)?;
        // From elsewhere a private broker is not even there.
        if !route.public && !self.is_private(client) {
            return Err(Refusal::UnknownName);
        }
        Ok(route)
    }

    /// Whether the client came to the address where private brokers are, or is on this machine if there is none
    /// in particular.
    fn is_private(&self, client: &TcpStream) -> bool {
        match self.options.private_bind {
            None => client.peer_addr().is_ok_and(|peer| is_here(peer.ip())),
            Some(private) if private.is_unspecified() => true,
            Some(private) => client.local_addr().is_ok_and(|local| same(local.ip(), private)),
        }
    }
}

fn same(one: IpAddr, other: IpAddr) -> bool {
    one.to_canonical() == other.to_canonical()
}
