//! Who is inside: all connections together, and those that have not shown yet what they come for.
//!
//! Where there are too many of the latter, the one that has been silent longest has to go. So somebody who
//! says at once what he comes for gets in, however many others are silent, and wherever these come from.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use brokerd_domain::Source;
use tokio::sync::Notify;

/// How many that were sent away may still be on their way out when others are let in.
const LEAVING: usize = 32;
/// The number of those who have shown what they come for.
const PROVEN: u64 = 0;

/// How many are let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// All together.
    pub all: usize,
    /// Those that have not shown yet what they come for.
    pub unproven: usize,
    /// Those of them that come from one address; of IPv6, from one network of 64 bits.
    pub unproven_of_source: usize,
}

impl Limits {
    /// Half of all may be unproven, and half of these from one source, up to what is more than anybody needs
    /// who speaks at once.
    pub fn of(all: usize) -> Self {
        const MOST_UNPROVEN: usize = 1024;
        const MOST_OF_SOURCE: usize = 256;
        let all = all.max(4);
        let unproven = (all / 2).min(MOST_UNPROVEN);
        Self { all, unproven, unproven_of_source: (unproven / 2).min(MOST_OF_SOURCE) }
    }
}

/// Those who are inside. Clones are handles to the same crowd.
#[derive(Debug, Clone)]
pub struct Crowd(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    limits: Limits,
    inside: usize,
    /// The number of the last who came; whoever came before has a lower one.
    last: u64,
    unproven: BTreeMap<u64, Unproven>,
    sources: HashMap<Source, BTreeSet<u64>>,
}

#[derive(Debug)]
struct Unproven {
    source: Source,
    told: Arc<Notify>,
}

impl Crowd {
    /// Nobody, and how many may come.
    pub fn new(limits: Limits) -> Self {
        Self(Arc::new(Mutex::new(State {
            limits,
            inside: 0,
            last: PROVEN,
            unproven: BTreeMap::new(),
            sources: HashMap::new(),
        })))
    }

    /// Others may come from now on. Nobody has to go because of it.
    pub fn limit(&self, limits: Limits) {
        self.state().limits = limits;
    }

    /// How many are inside.
    pub fn inside(&self) -> usize {
        self.state().inside
    }

    /// Lets somebody in, for whom another one may have to go; none if there is no room even so.
    pub fn enter(&self, peer: IpAddr) -> Option<Visitor> {
        let source = Source::of(peer);
        let mut state = self.state();
        let limits = state.limits;
        if state.sources.get(&source).map_or(0, BTreeSet::len) >= limits.unproven_of_source {
            state.evict_oldest_of(source);
        }
        if state.unproven.len() >= limits.unproven {
            state.evict_oldest();
        }
        if state.inside >= limits.all
            && (state.inside >= limits.all + LEAVING || !state.evict_oldest())
        {
            return None;
        }
        state.inside += 1;
        let told = Arc::new(Notify::new());
        let number = state.add(source, &told);
        Some(Visitor { crowd: self.clone(), source, told, number: AtomicU64::new(number) })
    }

    /// All those have to go who have not shown what they come for.
    pub fn evict_unproven(&self) {
        let mut state = self.state();
        while state.evict_oldest() {}
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn add(&mut self, source: Source, told: &Arc<Notify>) -> u64 {
        self.last += 1;
        self.unproven.insert(self.last, Unproven { source, told: Arc::clone(told) });
        self.sources.entry(source).or_default().insert(self.last);
        self.last
    }

    fn remove(&mut self, number: u64) -> Option<Unproven> {
        let gone = self.unproven.remove(&number)?;
        if let Some(numbers) = self.sources.get_mut(&gone.source) {
            numbers.remove(&number);
            if numbers.is_empty() {
                self.sources.remove(&gone.source);
            }
        }
        Some(gone)
    }

    fn evict(&mut self, number: Option<u64>) -> bool {
        let gone = number.and_then(|number| self.remove(number));
        gone.is_some_and(|gone| {
            gone.told.notify_one();
            true
        })
    }

    fn evict_oldest(&mut self) -> bool {
        let oldest = self.unproven.keys().next().copied();
        self.evict(oldest)
    }

    fn evict_oldest_of(&mut self, source: Source) -> bool {
        let oldest = self.sources.get(&source).and_then(|numbers| numbers.first().copied());
        self.evict(oldest)
    }
}

/// One who is inside, until this goes.
#[derive(Debug)]
pub struct Visitor {
    crowd: Crowd,
    source: Source,
    told: Arc<Notify>,
    number: AtomicU64,
}

impl Visitor {
    /// Waits until this one has to go.
    pub async fn evicted(&self) {
        self.told.notified().await;
    }

    /// It has shown what it comes for, and stays for as long as it likes.
    pub fn prove(&self) {
        let number = self.number.swap(PROVEN, Ordering::Relaxed);
        self.crowd.state().remove(number);
    }

    /// It has to show once more what it comes for, as if it had come now.
    pub fn doubt(&self) {
        let mut state = self.crowd.state();
        let number = state.add(self.source, &self.told);
        state.remove(self.number.swap(number, Ordering::Relaxed));
    }
}

impl Drop for Visitor {
    fn drop(&mut self) {
        let mut state = self.crowd.state();
        state.remove(self.number.load(Ordering::Relaxed));
        state.inside = state.inside.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const LIMITS: Limits = Limits { all: 4, unproven: 3, unproven_of_source: 2 };

    fn from(last: u8) -> IpAddr {
        Ipv4Addr::new(192, 0, 2, last).into()
    }

    async fn has_to_go(visitor: &Visitor) -> bool {
        tokio::select! {
            biased;
            () = visitor.evicted() => true,
            () = std::future::ready(()) => false,
        }
    }

    #[tokio::test]
    async fn the_longest_silent_one_of_a_source_goes_and_others_stay() {
        let crowd = Crowd::new(LIMITS);
        let other = crowd.enter(from(1)).expect("room");
        let mine: Vec<_> = (0..3).map(|_| crowd.enter(from(2)).expect("room")).collect();
        assert!(has_to_go(&mine[0]).await);
        for stays in [&other, &mine[1], &mine[2]] {
            assert!(!has_to_go(stays).await);
        }
        assert_eq!(crowd.inside(), 4);
        drop(mine);
        assert_eq!(crowd.inside(), 1);
    }

    #[tokio::test]
    async fn the_longest_silent_one_of_all_goes_when_many_sources_come() {
        let crowd = Crowd::new(LIMITS);
        let all: Vec<_> = (0..4).map(|last| crowd.enter(from(last)).expect("room")).collect();
        assert!(has_to_go(&all[0]).await);
        assert!(!has_to_go(&all[1]).await);
    }

    #[tokio::test]
    async fn those_who_have_shown_what_they_come_for_stay_until_there_is_no_room() {
        let crowd = Crowd::new(LIMITS);
        let mut proven = Vec::new();
        for _ in 0..4 {
            let visitor = crowd.enter(from(1)).expect("room");
            visitor.prove();
            proven.push(visitor);
        }
        assert!(crowd.enter(from(2)).is_none(), "nobody can be sent away");
        for visitor in &proven {
            assert!(!has_to_go(visitor).await);
        }
        proven[3].doubt();
        let newcomer = crowd.enter(from(2)).expect("room");
        assert!(has_to_go(&proven[3]).await);
        assert!(!has_to_go(&newcomer).await);
        drop(newcomer);
        drop(proven);
        assert_eq!(crowd.inside(), 0);
        let state = crowd.state();
        assert!(state.unproven.is_empty() && state.sources.is_empty(), "{state:?}");
    }

    #[tokio::test]
    async fn those_on_their_way_out_are_not_let_pile_up() {
        let crowd = Crowd::new(LIMITS);
        let all: Vec<_> = (0..200_u8).map_while(|last| crowd.enter(from(last))).collect();
        assert_eq!(all.len(), LIMITS.all + LEAVING);
    }

    #[test]
    fn limits_follow_the_room_there_is() {
        let limits =
            |all, unproven, unproven_of_source| Limits { all, unproven, unproven_of_source };
        assert_eq!(Limits::of(300), limits(300, 150, 75));
        assert_eq!(Limits::of(100_000), limits(100_000, 1024, 256));
        assert_eq!(Limits::of(0), limits(4, 2, 1));
    }
}
