//! Faults at the edges.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::sync::Notify;

use super::TestClock;

/// What goes wrong at one effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The process dies before it.
    CrashBefore,
    /// The process dies after it, so its reply is lost.
    CrashAfter,
    /// It happens twice.
    Twice,
    /// It is refused once, as if the other side were busy.
    Refused,
    /// It happens, but the reply says it failed.
    ReplyLost,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::CrashBefore, Self::CrashAfter, Self::Twice, Self::Refused, Self::ReplyLost];
}

/// Counts effects and strikes once.
#[derive(Debug, Default)]
pub struct Faults {
    count: AtomicUsize,
    armed: Mutex<Option<(usize, Fault)>>,
    names: Mutex<Vec<&'static str>>,
    refusing: Mutex<BTreeMap<&'static str, u32>>,
    slow: Mutex<BTreeMap<&'static str, (Arc<TestClock>, Duration)>>,
    died: Notify,
}

impl Faults {
    /// Strikes at the effect of that number.
    pub fn striking(at: usize, fault: Fault) -> Arc<Self> {
        Arc::new(Self { armed: Mutex::new(Some((at, fault))), ..Self::default() })
    }

    /// Strikes at the next effect.
    pub fn strike_next(&self, fault: Fault) {
        *self.armed.lock().expect("not poisoned") = Some((self.effects(), fault));
    }

    /// Refuses the next `times` effects of that name.
    pub fn refuse(&self, name: &'static str, times: u32) {
        self.refusing.lock().expect("not poisoned").insert(name, times);
    }

    /// From now on effects of that name take so long.
    pub fn slow_down(&self, name: &'static str, clock: &Arc<TestClock>, by: Duration) {
        self.slow.lock().expect("not poisoned").insert(name, (clock.clone(), by));
    }

    fn refuses(&self, name: &str) -> bool {
        let mut refusing = self.refusing.lock().expect("not poisoned");
        let Some(times) = refusing.get_mut(name).filter(|times| **times > 0) else { return false };
        *times -= 1;
        true
    }

    /// How many effects there were.
    pub fn effects(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }

    /// What they were.
    pub fn names(&self) -> Vec<&'static str> {
        self.names.lock().expect("not poisoned").clone()
    }

    /// Whether it has struck.
    pub fn has_struck(&self) -> bool {
        self.armed.lock().expect("not poisoned").is_none()
    }

    /// Resolves when the process is to die.
    pub async fn death(&self) {
        self.died.notified().await;
    }

    /// Runs an effect, with the fault if it is its turn.
    pub async fn effect<T, E>(
        &self,
        name: &'static str,
        refuse: impl Fn() -> E,
        mut act: impl FnMut() -> Result<T, E>,
    ) -> Result<T, E> {
        let number = self.count.fetch_add(1, Ordering::SeqCst);
        self.names.lock().expect("not poisoned").push(name);
        if let Some((clock, by)) = self.slow.lock().expect("not poisoned").get(name) {
            clock.advance(*by);
        }
        if self.refuses(name) {
            return Err(refuse());
        }
        let fault = {
            let mut armed = self.armed.lock().expect("not poisoned");
            match *armed {
                Some((at, fault)) if at == number => {
                    *armed = None;
                    Some(fault)
                }
                _ => None,
            }
        };
        match fault {
            None => act(),
            Some(Fault::CrashBefore) => self.die().await,
            Some(Fault::CrashAfter) => {
                let _ = act();
                self.die().await
            }
            Some(Fault::Twice) => {
                act()?;
                act()
            }
            Some(Fault::Refused) => Err(refuse()),
            Some(Fault::ReplyLost) => {
                act()?;
                Err(refuse())
            }
        }
    }

    async fn die<T>(&self) -> T {
        self.died.notify_one();
        std::future::pending().await
    }
}
