//! Bytes that arrive late on purpose.

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

use crate::budget::Budget;

/// How many bytes of one direction of one session are on their way at most; more wait at the sender's.
const MOST_HELD: usize = 1 << 20;
const CHUNK: usize = 16 * 1024;
/// What a direction may have on its way though the budget is used up, so that it goes on.
const LEAST_CHUNK: usize = 1024;
/// What a chunk costs beside its bytes: senders decide how small chunks are.
const OVERHEAD: usize = 64;
/// How soon bytes on their way notice that nothing holds them any more.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// How late the bytes of a route are, and how many may be: shared by all of its sessions, changed while they
/// last.
#[derive(Debug, Clone)]
pub(crate) struct Lag {
    packed: Arc<AtomicU64>,
    budget: Budget,
}

impl Lag {
    pub(crate) fn new(latency: Option<Latency>, budget: Budget) -> Self {
        let lag = Self { packed: Arc::default(), budget };
        lag.set(latency);
        lag
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

    /// Waits for as long as what comes now is late, or until nothing is late any more.
    pub(crate) async fn pass(&self) {
        let Some(delay) = self.delay() else { return };
        let due = Instant::now() + delay;
        while !self.is_none() && Instant::now() < due {
            sleep_until(due.min(Instant::now() + LOOK_AGAIN)).await;
        }
    }

    /// How late what comes now is; none: not at all.
    fn delay(&self) -> Option<Duration> {
        let packed = self.packed.load(Ordering::Relaxed);
        let (least, jitter) = (packed >> 32, packed & u64::from(u32::MAX));
        // Of no consequence to anybody's security: the standard library's keys are random enough.
        let more = if jitter == 0 { 0 } else { RandomState::new().hash_one(0) % (jitter + 1) };
        (packed != 0).then(|| Duration::from_millis(least + more))
    }
}

/// What is on its way in one direction. Order is kept, whatever the jitter.
#[derive(Debug)]
pub(crate) struct Line {
    lag: Lag,
    /// When it arrives, and what; nothing is the end of the stream.
    queue: VecDeque<(Instant, Vec<u8>)>,
    held: usize,
    last: Option<Instant>,
    has_ended: bool,
    alarm: Option<Pin<Box<Sleep>>>,
}

impl Drop for Line {
    fn drop(&mut self) {
        self.lag.budget.give_back(self.held);
    }
}

impl Line {
    pub(crate) const fn new(lag: Lag) -> Self {
        let queue = VecDeque::new();
        Self { lag, queue, held: 0, last: None, has_ended: false, alarm: None }
    }

    /// Whether nothing is on its way.
    pub(crate) fn is_idle(&self) -> bool {
        self.queue.is_empty() && !self.has_ended
    }

    /// Reads what is due, after having taken in what has come; tells `count` of the latter.
    pub(crate) fn poll_read(
        &mut self,
        stream: &mut (impl AsyncRead + Unpin),
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
        count: impl FnMut(usize),
    ) -> Poll<io::Result<()>> {
        self.take_in(stream, context, count)?;
        loop {
            let Some((due, bytes)) = self.queue.front_mut() else {
                // Without anything on its way the stream itself wakes; after its end there is nothing.
                return if self.has_ended { Poll::Ready(Ok(())) } else { Poll::Pending };
            };
            let now = Instant::now();
            if *due > now && !self.lag.is_none() {
                let look_again = (*due).min(now + LOOK_AGAIN);
                let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep_until(look_again)));
                alarm.as_mut().reset(look_again);
                ready!(alarm.as_mut().poll(context));
                continue;
            }
            let fits = bytes.len().min(buffer.remaining());
            buffer.put_slice(&bytes[..fits]);
            // What is left of a chunk keeps all of its memory.
            if fits == bytes.len() {
                let freed = bytes.capacity() + OVERHEAD;
                self.queue.pop_front();
                self.held -= freed;
                self.lag.budget.give_back(freed);
            } else {
                bytes.drain(..fits);
            }
            return Poll::Ready(Ok(()));
        }
    }

    fn take_in(
        &mut self,
        stream: &mut (impl AsyncRead + Unpin),
        context: &mut Context<'_>,
        mut count: impl FnMut(usize),
    ) -> io::Result<()> {
        let mut space = [MaybeUninit::uninit(); CHUNK];
        while self.held < MOST_HELD && !self.has_ended {
            let most = match (self.lag.budget.has_room(), self.queue.is_empty()) {
                (true, _) => CHUNK,
                (false, true) => LEAST_CHUNK,
                (false, false) => break,
            };
            let mut chunk = ReadBuf::uninit(&mut space[..most]);
            match Pin::new(&mut *stream).poll_read(context, &mut chunk) {
                Poll::Pending => break,
                Poll::Ready(read) => read?,
            }
            let bytes = chunk.filled().to_vec();
            count(bytes.len());
            let taken = bytes.capacity() + OVERHEAD;
            self.held += taken;
            self.lag.budget.take(taken);
            self.has_ended = bytes.is_empty();
            let due = Instant::now() + self.lag.delay().unwrap_or_default();
            let due = self.last.map_or(due, |last| due.max(last));
            self.last = Some(due);
            self.queue.push_back((due, bytes));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget() -> Budget {
        Budget::new(1 << 20, prometheus_client::metrics::gauge::Gauge::default())
    }

    #[test]
    fn a_lag_is_what_was_set_and_varies_within_its_jitter() {
        let lag = Lag::new(None, budget());
        assert!(lag.is_none());
        assert_eq!(lag.delay(), None);
        lag.set(Some(Latency { milliseconds: 200, jitter_milliseconds: 0 }));
        assert_eq!(lag.delay(), Some(Duration::from_millis(200)));
        lag.set(Some(Latency { milliseconds: 60_000, jitter_milliseconds: 60_000 }));
        let all: Vec<Duration> = (0..100).filter_map(|_| lag.delay()).collect();
        assert_eq!(all.len(), 100);
        assert!(all.iter().all(|d| (60_000..=120_000).contains(&d.as_millis())), "{all:?}");
        assert!(all.iter().any(|d| *d != all[0]), "it does not vary");
        lag.set(None);
        assert!(lag.is_none());
    }
}
