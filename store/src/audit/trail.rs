//! The trail of complete events: gathered for a moment, appended to the audit log, and written in batches.

use std::{
    collections::VecDeque,
    io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use brokerd_domain::{Clock, audit::AuditEvent};
use tokio::sync::Notify;

use super::read_batch;
use crate::kernel::{EndedCall, EventRow, PgStore, StoreError};

/// How many events one statement writes.
const BATCH: usize = 500;
/// How long events are gathered. A read is found in the trail that much later at most.
const FLUSH_INTERVAL: Duration = Duration::from_millis(250);
/// How often, and how many at a time, events are completed that other processes left incomplete.
const SWEEP_INTERVAL: Duration = Duration::from_secs(5);
const MAX_SWEPT_EVENTS: u32 = 500;

/// The audit log of events.
pub trait AuditLog: Send + Sync + 'static {
    /// Appends records, each a line of JSON without its end.
    ///
    /// # Errors
    /// Any error of writing; the records are appended again later.
    fn append(&self, records: &[String]) -> io::Result<()>;
}

/// Events that wait to be written. Clones share them.
#[derive(Clone)]
pub struct AuditTrail(Arc<Trail>);

struct Trail {
    waiting: Mutex<VecDeque<Waiting>>,
    most: usize,
    log: Option<Box<dyn AuditLog>>,
    clock: Arc<dyn Clock>,
    wake: Notify,
    /// One batch at a time, so that events are appended in their order.
    writing: tokio::sync::Mutex<()>,
    lost_reads: AtomicU64,
    lost_writes: AtomicU64,
    log_failures: AtomicU64,
}

struct Waiting {
    event: AuditEvent,
    row: EventRow,
    logged: bool,
}

/// How an event is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// In a batch with others.
    Batched,
    /// Into the existing row.
    Completion,
    /// As a row, or into the existing one.
    Row,
}

impl Waiting {
    fn form(&self) -> Form {
        match self.row {
            EventRow::None if read_batch::may_contain(&self.event) => Form::Batched,
            EventRow::Written => Form::Completion,
            EventRow::None | EventRow::Unknown => Form::Row,
        }
    }
}

impl std::fmt::Debug for AuditTrail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuditTrail").field("most", &self.0.most).finish_non_exhaustive()
    }
}

impl AuditTrail {
    /// A trail that keeps up to `most` events while the database is away.
    pub fn new(most: usize, log: Option<Box<dyn AuditLog>>, clock: Arc<dyn Clock>) -> Self {
        Self(Arc::new(Trail {
            waiting: Mutex::default(),
            most,
            log,
            clock,
            wake: Notify::new(),
            writing: tokio::sync::Mutex::default(),
            lost_reads: AtomicU64::new(0),
            lost_writes: AtomicU64::new(0),
            log_failures: AtomicU64::new(0),
        }))
    }

    /// Takes an event to be written soon. It never waits: when there are too many, the event is counted as lost. Of a
    /// call that has changed something only the answer is lost, because the change stored its event.
    pub fn record(&self, ended: impl Into<EndedCall>) {
        let EndedCall { event, row } = ended.into();
        let is_read = event.read_only();
        let waiting = {
            let mut waiting = self.waiting();
            if waiting.len() < self.0.most {
                waiting.push_back(Waiting { event, row, logged: false });
                waiting.len()
            } else {
                let lost = if is_read { &self.0.lost_reads } else { &self.0.lost_writes };
                lost.fetch_add(1, Ordering::Relaxed);
                return;
            }
        };
        if waiting == 1 || waiting == BATCH {
            self.0.wake.notify_one();
        }
    }

    /// How many events wait.
    pub fn waiting_events(&self) -> usize {
        self.waiting().len()
    }

    /// How many events of reads were lost, and how many answers of writes.
    pub fn lost_events(&self) -> [(&'static str, u64); 2] {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        [("read", count(&self.0.lost_reads)), ("write", count(&self.0.lost_writes))]
    }

    /// How many times the audit log could not be written.
    pub fn log_failures(&self) -> u64 {
        self.0.log_failures.load(Ordering::Relaxed)
    }

    /// Writes waiting events until `stop`, and then once more.
    pub async fn run(&self, store: &PgStore, stop: impl Future<Output = ()> + Send) {
        let mut lost = 0;
        let write = async {
            loop {
                let woken = self.0.wake.notified();
                let _ = tokio::time::timeout(SWEEP_INTERVAL, woken).await;
                if self.waiting_events() < BATCH {
                    tokio::time::sleep(FLUSH_INTERVAL).await;
                }
                self.flush(store).await;
                self.tell_of_losses(&mut lost);
            }
        };
        let sweep = async {
            loop {
                tokio::time::sleep(SWEEP_INTERVAL).await;
                self.sweep(store).await;
            }
        };
        tokio::select! {
            () = write => {}
            () = sweep => {}
            () = stop => {}
        }
        self.flush(store).await;
    }

    /// Writes the waiting events. Those that can't be written keep waiting.
    pub async fn flush(&self, store: &PgStore) {
        let _writing = self.0.writing.lock().await;
        // Events that come meanwhile are not counted, or it might never end.
        let mut left = self.waiting_events();
        while left > 0 {
            let batch = self.take(left.min(BATCH));
            if batch.is_empty() {
                return;
            }
            left -= batch.len();
            if let Err(batch) = self.write(store, batch).await {
                self.put_back(batch);
                return;
            }
        }
    }

    fn take(&self, most: usize) -> Vec<Waiting> {
        let mut batch: Vec<Waiting> = {
            let mut waiting = self.waiting();
            let most = most.min(waiting.len());
            waiting.drain(..most).collect()
        };
        self.tell(&mut batch);
        batch
    }

    /// Appends to the log, once. What it does not take is appended later, from the database.
    fn tell(&self, batch: &mut [Waiting]) {
        let new: Vec<&mut Waiting> = batch.iter_mut().filter(|waiting| !waiting.logged).collect();
        let records: Vec<String> = match self.0.log {
            Some(_) => new.iter().map(|waiting| waiting.event.record()).collect(),
            None => Vec::new(),
        };
        if self.append(&records) {
            for waiting in new {
                waiting.logged = true;
            }
        }
    }

    /// Appends records; returns whether the log has taken them, or there is no log.
    fn append(&self, records: &[String]) -> bool {
        let Some(log) = &self.0.log else { return true };
        if records.is_empty() {
            return true;
        }
        let Err(error) = log.append(records) else { return true };
        self.0.log_failures.fetch_add(1, Ordering::Relaxed);
        tracing::error!(
            error = &error as &dyn std::error::Error,
            events = records.len(),
            "audit log not written; tried again"
        );
        false
    }

    /// Writes a batch; returns the events that could not be written.
    async fn write(&self, store: &PgStore, batch: Vec<Waiting>) -> Result<(), Vec<Waiting>> {
        let mut left = Vec::new();
        let (batched, rows): (Vec<_>, Vec<_>) =
            batch.into_iter().partition(|waiting| waiting.form() == Form::Batched);
        let (completions, rows): (Vec<_>, Vec<_>) =
            rows.into_iter().partition(|waiting| waiting.form() == Form::Completion);
        for (form, events) in
            [(Form::Completion, completions), (Form::Row, rows), (Form::Batched, batched)]
        {
            if let Err(events) = self.write_as(form, store, events).await {
                left.extend(events);
            }
        }
        if left.is_empty() { Ok(()) } else { Err(left) }
    }

    /// Writes events of one form. If the database refuses them because of one, they are written one by one, without the
    /// refused one.
    async fn write_as(
        &self,
        form: Form,
        store: &PgStore,
        events: Vec<Waiting>,
    ) -> Result<(), Vec<Waiting>> {
        match write_as(form, store, &events).await {
            Ok(()) => Ok(()),
            Err(StoreError::Unavailable(error)) => {
                tracing::debug!(error = &*error as &dyn std::error::Error, "audit events wait");
                Err(events)
            }
            Err(_) => {
                let mut rest = events.into_iter();
                while let Some(waiting) = rest.next() {
                    match write_as(form, store, std::slice::from_ref(&waiting)).await {
                        Ok(()) => {}
                        Err(StoreError::Unavailable(_)) => {
                            return Err(std::iter::once(waiting).chain(rest).collect());
                        }
                        Err(error) => self.give_up(&waiting.event, &error),
                    }
                }
                Ok(())
            }
        }
    }

    fn give_up(&self, event: &AuditEvent, error: &StoreError) {
        let lost = if event.read_only() { &self.0.lost_reads } else { &self.0.lost_writes };
        lost.fetch_add(1, Ordering::Relaxed);
        tracing::error!(
            error = error as &dyn std::error::Error,
            audit.event = %event.id,
            "audit event not written: the database refuses it"
        );
    }

    fn put_back(&self, batch: Vec<Waiting>) {
        let mut waiting = self.waiting();
        for event in batch.into_iter().rev() {
            waiting.push_front(event);
        }
    }

    /// Appends events to the log that it lacks: of brokerd's own acts, and of calls whose process ended before it
    /// answered.
    pub async fn sweep(&self, store: &PgStore) {
        if self.0.log.is_none() {
            return;
        }
        loop {
            match store.tell_incomplete_reads(|records| self.append(records)).await {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::debug!(error, "incomplete audit events not read; tried again");
                    return;
                }
            }
        }
        loop {
            let now = self.0.clock.now();
            let told =
                store.tell_incomplete(now, MAX_SWEPT_EVENTS, |records| self.append(records)).await;
            match told {
                Ok(told) if told >= usize::try_from(MAX_SWEPT_EVENTS).unwrap_or(usize::MAX) => {}
                Ok(_) => return,
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::debug!(error, "incomplete audit events not read; tried again");
                    return;
                }
            }
        }
    }

    fn tell_of_losses(&self, before: &mut u64) {
        let now: u64 = self.lost_events().iter().map(|(_, lost)| lost).sum();
        if now > *before {
            tracing::error!(events = now - *before, "audit events lost: too many waited");
            *before = now;
        }
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<Waiting>> {
        // The state of a thread that panicked is valid.
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn write_as(form: Form, store: &PgStore, events: &[Waiting]) -> Result<(), StoreError> {
    if events.is_empty() {
        return Ok(());
    }
    let events = events.iter().map(|waiting| (&waiting.event, waiting.logged));
    match form {
        Form::Batched => store.write_reads(events).await,
        Form::Completion => store.complete_events(events).await,
        Form::Row => store.write_events(events).await,
    }
}
