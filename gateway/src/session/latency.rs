//! Injected latency: bytes that are delivered later than they came.

use std::{
    collections::VecDeque,
    hash::{BuildHasher as _, RandomState},
    io,
    mem::MaybeUninit,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use brokerd_domain::Latency;
use tokio::{
    io::{AsyncRead, ReadBuf},
    time::{Instant, Sleep, sleep_until},
};

use super::byte_budget::ByteBudget;

/// How many bytes of one direction of a session are delayed at most; reading pauses there.
const MAX_IN_FLIGHT: usize = 1 << 20;
const CHUNK: usize = 16 * 1024;
/// What a direction may read though the budget is used up, so that every session makes progress.
const MIN_CHUNK: usize = 1024;
/// The memory of a chunk beside its bytes. It counts because senders choose how small chunks are.
const CHUNK_OVERHEAD: usize = 64;
/// How soon delayed bytes are delivered after the latency was removed.
const RECHECK: Duration = Duration::from_millis(100);

/// The latency of a route and the memory for its delayed bytes. All sessions of the route share it, and see changes.
#[derive(Debug, Clone)]
pub(crate) struct RouteLatency {
    packed: Arc<AtomicU64>,
    budget: ByteBudget,
}

impl RouteLatency {
    pub(crate) fn new(latency: Option<Latency>, budget: ByteBudget) -> Self {
        let route = Self { packed: Arc::default(), budget };
        route.set(latency);
        route
    }

    pub(crate) fn set(&self, latency: Option<Latency>) {
        let packed = latency.map_or(0, |latency| {
            (u64::from(latency.milliseconds) << 32) | u64::from(latency.jitter_milliseconds)
        });
        self.packed.store(packed, Ordering::Relaxed);
    }

    pub(crate) fn is_none(&self) -> bool {
        self.packed.load(Ordering::Relaxed) == 0
    }

    /// Waits for the latency of a byte that comes now, or until the latency is removed.
    pub(crate) async fn wait(&self) {
        let Some(delay) = self.delay() else { return };
        let due = Instant::now() + delay;
        while !self.is_none() && Instant::now() < due {
            sleep_until(due.min(Instant::now() + RECHECK)).await;
        }
    }

    /// The latency of a byte that comes now, jitter included; none: it is not delayed.
    fn delay(&self) -> Option<Duration> {
        let packed = self.packed.load(Ordering::Relaxed);
        let (latency, max_jitter) = (packed >> 32, packed & u64::from(u32::MAX));
        // Jitter needs no cryptographic randomness.
        let jitter =
            if max_jitter == 0 { 0 } else { RandomState::new().hash_one(0) % (max_jitter + 1) };
        (packed != 0).then(|| Duration::from_millis(latency + jitter))
    }
}

/// The delayed bytes of one direction of a session. Their order is kept, whatever the jitter.
#[derive(Debug)]
pub(crate) struct DelayQueue {
    latency: RouteLatency,
    /// When a chunk is due, and the chunk; an empty one is the end of the stream.
    queue: VecDeque<(Instant, Vec<u8>)>,
    bytes: usize,
    last_due: Option<Instant>,
    has_ended: bool,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Drop for DelayQueue {
    fn drop(&mut self) {
        self.latency.budget.release(self.bytes);
    }
}

impl DelayQueue {
    pub(crate) const fn new(latency: RouteLatency) -> Self {
        let queue = VecDeque::new();
        Self { latency, queue, bytes: 0, last_due: None, has_ended: false, timer: None }
    }

    /// Whether nothing is delayed.
    pub(crate) fn is_idle(&self) -> bool {
        self.queue.is_empty() && !self.has_ended
    }

    /// Reads what has come into the queue, calling `count` with its length, and then delivers what is due.
    pub(crate) fn poll_read(
        &mut self,
        stream: &mut (impl AsyncRead + Unpin),
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
        count: impl FnMut(usize),
    ) -> Poll<io::Result<()>> {
        self.fill(stream, context, count)?;
        loop {
            let Some((due, bytes)) = self.queue.front_mut() else {
                // An empty queue is woken by the stream itself; after its end nothing comes.
                return if self.has_ended { Poll::Ready(Ok(())) } else { Poll::Pending };
            };
            let now = Instant::now();
            if *due > now && !self.latency.is_none() {
                let wake = (*due).min(now + RECHECK);
                let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(wake)));
                timer.as_mut().reset(wake);
                ready!(timer.as_mut().poll(context));
                continue;
            }
            let fits = bytes.len().min(buffer.remaining());
            buffer.put_slice(&bytes[..fits]);
            // A chunk keeps its memory until all of it is delivered.
            if fits == bytes.len() {
                let freed = bytes.capacity() + CHUNK_OVERHEAD;
                self.queue.pop_front();
                self.bytes -= freed;
                self.latency.budget.release(freed);
            } else {
                bytes.drain(..fits);
            }
            return Poll::Ready(Ok(()));
        }
    }

    fn fill(
        &mut self,
        stream: &mut (impl AsyncRead + Unpin),
        context: &mut Context<'_>,
        mut count: impl FnMut(usize),
    ) -> io::Result<()> {
        let mut buffer = [MaybeUninit::uninit(); CHUNK];
        while self.bytes < MAX_IN_FLIGHT && !self.has_ended {
            let limit = match (self.latency.budget.has_capacity(), self.queue.is_empty()) {
                (true, _) => CHUNK,
                (false, true) => MIN_CHUNK,
                (false, false) => break,
            };
            let mut chunk = ReadBuf::uninit(&mut buffer[..limit]);
            match Pin::new(&mut *stream).poll_read(context, &mut chunk) {
                Poll::Pending => break,
                Poll::Ready(read) => read?,
            }
            let bytes = chunk.filled().to_vec();
            count(bytes.len());
            let reserved = bytes.capacity() + CHUNK_OVERHEAD;
            self.bytes += reserved;
            self.latency.budget.reserve(reserved);
            self.has_ended = bytes.is_empty();
            let due = Instant::now() + self.latency.delay().unwrap_or_default();
            let due = self.last_due.map_or(due, |last| due.max(last));
            self.last_due = Some(due);
            self.queue.push_back((due, bytes));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget() -> ByteBudget {
        ByteBudget::new(1 << 20, prometheus_client::metrics::gauge::Gauge::default())
    }

    #[test]
    fn the_latency_is_what_was_set_and_varies_within_its_jitter() {
        let latency = RouteLatency::new(None, budget());
        assert!(latency.is_none());
        assert_eq!(latency.delay(), None);
        latency.set(Some(Latency { milliseconds: 200, jitter_milliseconds: 0 }));
        assert_eq!(latency.delay(), Some(Duration::from_millis(200)));
        latency.set(Some(Latency { milliseconds: 60_000, jitter_milliseconds: 60_000 }));
        let all: Vec<Duration> = (0..100).filter_map(|_| latency.delay()).collect();
        assert_eq!(all.len(), 100);
        assert!(all.iter().all(|d| (60_000..=120_000).contains(&d.as_millis())), "{all:?}");
        assert!(all.iter().any(|d| *d != all[0]), "it does not vary");
        latency.set(None);
        assert!(latency.is_none());
    }
}
