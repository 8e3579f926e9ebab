//! Steps that may take long: a pass begins them, waits a moment, and leaves them in progress. Their end is observed.
//!
//! They run in this process. If it dies they stop where they are, as every step does, and the next pass observes their
//! result. An instance has at most one; another one ends it.

use std::{
    collections::HashMap,
    future::Future,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use brokerd_domain::BrokerId;
use futures_util::FutureExt as _;
use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc},
    task::AbortHandle,
    time::{Instant, timeout},
};

use crate::{
    plan::Step,
    runtime::{RuntimeError, RuntimeErrorClass},
};

/// How long a pass waits for an operation that it has begun.
const INLINE: Duration = Duration::from_millis(1500);

/// How long the result of an operation is kept that no pass has waited for.
const REMEMBERED: Duration = Duration::from_secs(60);

/// The state of an operation.
#[derive(Debug)]
pub(crate) enum Progress {
    /// It has ended.
    Ended(Result<(), RuntimeError>),
    /// It goes on.
    OnItsWay,
}

/// The operations of this process.
#[derive(Debug)]
pub struct Operations {
    on: Arc<Mutex<HashMap<(BrokerId, u8), Operation>>>,
    ended: mpsc::UnboundedSender<BrokerId>,
    boots: Arc<Boots>,
}

#[derive(Debug)]
struct Operation {
    step: String,
    task: AbortHandle,
    ended: Arc<Notify>,
    result: Option<(Instant, Result<(), RuntimeError>)>,
}

impl Operations {
    /// No operations yet, with a maximum number of brokers that boot for the first time at once. The receiver
    /// gets the brokers to observe, because an operation on them has ended or may begin.
    pub fn new(boots: usize) -> (Self, mpsc::UnboundedReceiver<BrokerId>) {
        let (ended, receiver) = mpsc::unbounded_channel();
        let boots =
            Arc::new(Boots { free: Arc::new(Semaphore::new(boots)), admitted: Mutex::default() });
        (Self { on: Arc::default(), ended, boots }, receiver)
    }

    /// Runs an operation, unless it is in progress already, and waits a moment for its end.
    pub(crate) async fn run(
        &self,
        broker: BrokerId,
        step: &Step,
        work: impl Future<Output = Result<(), RuntimeError>> + Send + 'static,
    ) -> Progress {
        let key = (broker, step.ordinal().unwrap_or(0));
        let name = step.to_string();
        let ended = {
            let mut on = lock(&self.on);
            if let Some(operation) = on.get_mut(&key)
                && operation.step == name
            {
                match operation.result.take() {
                    None => return Progress::OnItsWay,
                    Some((at, result)) if at.elapsed() < REMEMBERED => {
                        on.remove(&key);
                        return Progress::Ended(result);
                    }
                    Some(_) => {}
                }
            }
            if let Some(other) = on.remove(&key) {
                other.task.abort();
            }
            let ended = Arc::new(Notify::new());
            let (map, over, tell) = (self.on.clone(), ended.clone(), self.ended.clone());
            // The map stays locked until the task is in it, so the task finds itself there when it ends.
            let task = tokio::spawn(async move {
                let ended = AssertUnwindSafe(work).catch_unwind().await;
                let result = ended.unwrap_or_else(|_| Err(panicked()));
                let mut map = lock(&map);
                // Another operation may be in its place by now.
                if let Some(operation) = map.get_mut(&key).filter(|o| Arc::ptr_eq(&o.ended, &over))
                {
                    operation.result = Some((Instant::now(), result));
                }
                drop(map);
                over.notify_one();
                let _ = tell.send(broker);
            });
            let task = task.abort_handle();
            on.insert(key, Operation { step: name, task, ended: ended.clone(), result: None });
            ended
        };
        let _ = timeout(INLINE, ended.notified()).await;
        let mut on = lock(&self.on);
        match on.get_mut(&key).and_then(|operation| operation.result.take()) {
            Some((_, result)) => {
                on.remove(&key);
                Progress::Ended(result)
            }
            None => Progress::OnItsWay,
        }
    }

    /// Whether a broker waits for others to boot.
    pub(crate) fn waits_to_boot(&self, broker: BrokerId) -> bool {
        matches!(lock(&self.boots.admitted).get(&broker), Some(BootSlot::Waiting(_)))
    }

    /// Whether a step is in progress, or waits for its turn.
    pub(crate) fn are_on(&self, broker: BrokerId, step: &Step) -> bool {
        if matches!(step, Step::Apply(_)) && self.waits_to_boot(broker) {
            return true;
        }
        let Some(ordinal) = step.ordinal() else { return false };
        lock(&self.on).get(&(broker, ordinal)).is_some_and(|operation| {
            operation.result.is_none() && operation.step == step.to_string()
        })
    }

    /// Whether any step of a broker is in progress.
    pub(crate) fn are_on_any(&self, broker: BrokerId) -> bool {
        lock(&self.on)
            .iter()
            .any(|((of, _), operation)| *of == broker && operation.result.is_none())
    }

    /// Ends all operations on a broker, because another provisioner may work on it now.
    pub(crate) fn end(&self, broker: BrokerId) {
        lock(&self.on).retain(|(of, _), operation| {
            let stays = *of != broker;
            if !stays {
                operation.task.abort();
            }
            stays
        });
        self.boots.leave(broker);
    }

    /// Whether a broker may boot for the first time now. If not, it is observed again when it may.
    pub(crate) fn may_boot(&self, broker: BrokerId) -> bool {
        self.boots.enter(broker, &self.ended)
    }

    /// Lets the next waiting broker boot.
    pub(crate) fn has_booted(&self, broker: BrokerId) {
        self.boots.leave(broker);
    }
}

impl Drop for Operations {
    fn drop(&mut self) {
        for operation in lock(&self.on).values() {
            operation.task.abort();
        }
    }
}

/// The brokers that boot for the first time, whose engines take processor time from those that serve.
#[derive(Debug)]
struct Boots {
    free: Arc<Semaphore>,
    admitted: Mutex<HashMap<BrokerId, BootSlot>>,
}

#[derive(Debug)]
enum BootSlot {
    Waiting(AbortHandle),
    Booting(#[expect(dead_code, reason = "held until the end")] OwnedSemaphorePermit),
}

impl Boots {
    fn enter(self: &Arc<Self>, broker: BrokerId, tell: &mpsc::UnboundedSender<BrokerId>) -> bool {
        let mut admitted = lock(&self.admitted);
        match admitted.get(&broker) {
            Some(BootSlot::Booting(_)) => return true,
            Some(BootSlot::Waiting(_)) => return false,
            None => {}
        }
        if let Ok(permit) = self.free.clone().try_acquire_owned() {
            admitted.insert(broker, BootSlot::Booting(permit));
            return true;
        }
        let (boots, tell) = (Arc::downgrade(self), tell.clone());
        let free = self.free.clone();
        let waiting = tokio::spawn(async move {
            let (Ok(permit), Some(boots)) = (free.acquire_owned().await, boots.upgrade()) else {
                return;
            };
            // It may have been ended meanwhile.
            if let Some(admission) = lock(&boots.admitted).get_mut(&broker) {
                *admission = BootSlot::Booting(permit);
                let _ = tell.send(broker);
            }
        });
        admitted.insert(broker, BootSlot::Waiting(waiting.abort_handle()));
        false
    }

    fn leave(&self, broker: BrokerId) {
        if let Some(BootSlot::Waiting(task)) = lock(&self.admitted).remove(&broker) {
            task.abort();
        }
    }
}

fn panicked() -> RuntimeError {
    RuntimeError {
        class: RuntimeErrorClass::Transient,
        operation: "long step",
        message: "brokerd itself failed".to_owned(),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
