//! Limits on open connections: in total, and of those that are still pending.
//!
//! A connection is pending until its peer has shown what it wants: a TLS ClientHello at the gateway, a signed request at
//! the API. When too many are pending, the oldest pending one is evicted, so that a peer that speaks at once gets in,
//! however many others are silent and wherever they come from.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use brokerd_domain::ClientNetwork;
use tokio::sync::Notify;

/// How many evicted connections may still be closing when others are admitted.
const MAX_CLOSING: usize = 32;
/// The number of a connection that is established.
const ESTABLISHED: u64 = 0;

/// How many connections may be open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// All connections.
    pub total: usize,
    /// Pending connections.
    pub pending: usize,
    /// Pending connections of one address; of IPv6, of one network of 64 bits.
    pub pending_per_source: usize,
}

impl ConnectionLimits {
    /// Limits for `total` connections: half of them may be pending, at most 1024, and half of these of one source, at
    /// most 256.
    pub fn of(total: usize) -> Self {
        const MAX_PENDING: usize = 1024;
        const MAX_PENDING_PER_SOURCE: usize = 256;
        let total = total.max(4);
        let pending = (total / 2).min(MAX_PENDING);
        Self { total, pending, pending_per_source: (pending / 2).min(MAX_PENDING_PER_SOURCE) }
    }
}

/// Counts open connections and admits new ones within [`ConnectionLimits`]. Clones share the count.
#[derive(Debug, Clone)]
pub struct ConnectionLimiter(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    limits: ConnectionLimits,
    open: usize,
    /// The number of the newest connection; older ones have lower numbers.
    newest: u64,
    pending: BTreeMap<u64, Pending>,
    sources: HashMap<ClientNetwork, BTreeSet<u64>>,
}

#[derive(Debug)]
struct Pending {
    source: ClientNetwork,
    evicted: Arc<Notify>,
}

impl ConnectionLimiter {
    /// A limiter without connections.
    pub fn new(limits: ConnectionLimits) -> Self {
        Self(Arc::new(Mutex::new(State {
            limits,
            open: 0,
            newest: ESTABLISHED,
            pending: BTreeMap::new(),
            sources: HashMap::new(),
        })))
    }

    /// Replaces the limits. Open connections are not evicted.
    pub fn set_limits(&self, limits: ConnectionLimits) {
        self.state().limits = limits;
    }

    /// How many connections are open.
    pub fn open(&self) -> usize {
        self.state().open
    }

    /// Admits a pending connection, evicting an older pending one if a limit is reached; none if there is no room even so.
    pub fn admit(&self, peer: IpAddr) -> Option<PeerConnection> {
        let source = ClientNetwork::of(peer);
        let mut state = self.state();
        let limits = state.limits;
        if state.sources.get(&source).map_or(0, BTreeSet::len) >= limits.pending_per_source {
            state.evict_oldest_of(source);
        }
        if state.pending.len() >= limits.pending {
            state.evict_oldest();
        }
        if state.open >= limits.total
            && (state.open >= limits.total + MAX_CLOSING || !state.evict_oldest())
        {
            return None;
        }
        state.open += 1;
        let evicted = Arc::new(Notify::new());
        let number = state.add(source, &evicted);
        Some(PeerConnection {
            limiter: self.clone(),
            source,
            evicted,
            number: AtomicU64::new(number),
        })
    }

    /// Evicts all pending connections.
    pub fn evict_pending(&self) {
        let mut state = self.state();
        while state.evict_oldest() {}
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn add(&mut self, source: ClientNetwork, evicted: &Arc<Notify>) -> u64 {
        self.newest += 1;
        let pending = Pending { source, evicted: Arc::clone(evicted) };
        self.pending.insert(self.newest, pending);
        self.sources.entry(source).or_default().insert(self.newest);
        self.newest
    }

    fn remove(&mut self, number: u64) -> Option<Pending> {
        let removed = self.pending.remove(&number)?;
        if let Some(numbers) = self.sources.get_mut(&removed.source) {
            numbers.remove(&number);
            if numbers.is_empty() {
                self.sources.remove(&removed.source);
            }
        }
        Some(removed)
    }

    fn evict(&mut self, number: Option<u64>) -> bool {
        let removed = number.and_then(|number| self.remove(number));
        removed.is_some_and(|removed| {
            removed.evicted.notify_one();
            true
        })
    }

    fn evict_oldest(&mut self) -> bool {
        let oldest = self.pending.keys().next().copied();
        self.evict(oldest)
    }

    fn evict_oldest_of(&mut self, source: ClientNetwork) -> bool {
        let oldest = self.sources.get(&source).and_then(|numbers| numbers.first().copied());
        self.evict(oldest)
    }
}

/// An admitted connection; it counts as open until this is dropped.
#[derive(Debug)]
pub struct PeerConnection {
    limiter: ConnectionLimiter,
    source: ClientNetwork,
    evicted: Arc<Notify>,
    number: AtomicU64,
}

impl PeerConnection {
    /// Waits until this connection is evicted; the caller then closes it.
    pub async fn evicted(&self) {
        self.evicted.notified().await;
    }

    /// The peer has shown what it wants: from now on the connection is not evicted.
    pub fn set_established(&self) {
        let number = self.number.swap(ESTABLISHED, Ordering::Relaxed);
        self.limiter.state().remove(number);
    }

    /// The peer has to show again what it wants: the connection is pending as if it were new.
    pub fn set_pending(&self) {
        let mut state = self.limiter.state();
        let number = state.add(self.source, &self.evicted);
        state.remove(self.number.swap(number, Ordering::Relaxed));
    }
}

impl Drop for PeerConnection {
    fn drop(&mut self) {
        let mut state = self.limiter.state();
        state.remove(self.number.load(Ordering::Relaxed));
        state.open = state.open.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const LIMITS: ConnectionLimits =
        ConnectionLimits { total: 4, pending: 3, pending_per_source: 2 };

    fn from(last: u8) -> IpAddr {
        Ipv4Addr::new(192, 0, 2, last).into()
    }

    async fn is_evicted(connection: &PeerConnection) -> bool {
        tokio::select! {
            biased;
            () = connection.evicted() => true,
            () = std::future::ready(()) => false,
        }
    }

    #[tokio::test]
    async fn the_oldest_pending_connection_of_a_source_is_evicted_and_others_stay() {
        let limiter = ConnectionLimiter::new(LIMITS);
        let other = limiter.admit(from(1)).expect("room");
        let mine: Vec<_> = (0..3).map(|_| limiter.admit(from(2)).expect("room")).collect();
        assert!(is_evicted(&mine[0]).await);
        for stays in [&other, &mine[1], &mine[2]] {
            assert!(!is_evicted(stays).await);
        }
        assert_eq!(limiter.open(), 4);
        drop(mine);
        assert_eq!(limiter.open(), 1);
    }

    #[tokio::test]
    async fn the_oldest_pending_connection_of_all_is_evicted_when_many_sources_come() {
        let limiter = ConnectionLimiter::new(LIMITS);
        let all: Vec<_> = (0..4).map(|last| limiter.admit(from(last)).expect("room")).collect();
        assert!(is_evicted(&all[0]).await);
        assert!(!is_evicted(&all[1]).await);
    }

    #[tokio::test]
    async fn established_connections_stay_and_fill_the_limit() {
        let limiter = ConnectionLimiter::new(LIMITS);
        let mut established = Vec::new();
        for _ in 0..4 {
            let connection = limiter.admit(from(1)).expect("room");
            connection.set_established();
            established.push(connection);
        }
        assert!(limiter.admit(from(2)).is_none(), "none can be evicted");
        for connection in &established {
            assert!(!is_evicted(connection).await);
        }
        established[3].set_pending();
        let newcomer = limiter.admit(from(2)).expect("room");
        assert!(is_evicted(&established[3]).await);
        assert!(!is_evicted(&newcomer).await);
        drop(newcomer);
        drop(established);
        assert_eq!(limiter.open(), 0);
        let state = limiter.state();
        assert!(state.pending.is_empty() && state.sources.is_empty(), "{state:?}");
    }

    #[tokio::test]
    async fn connections_that_are_closing_do_not_pile_up() {
        let limiter = ConnectionLimiter::new(LIMITS);
        let all: Vec<_> = (0..200_u8).map_while(|last| limiter.admit(from(last))).collect();
        assert_eq!(all.len(), LIMITS.total + MAX_CLOSING);
    }

    #[test]
    fn limits_follow_the_total() {
        let limits = |total, pending, pending_per_source| ConnectionLimits {
            total,
            pending,
            pending_per_source,
        };
        assert_eq!(ConnectionLimits::of(300), limits(300, 150, 75));
        assert_eq!(ConnectionLimits::of(100_000), limits(100_000, 1024, 256));
        assert_eq!(ConnectionLimits::of(0), limits(4, 2, 1));
    }
}
