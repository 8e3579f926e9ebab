//! Bytes that arrive late on purpose.

use std::{
    collections::VecDeque,
    hash::{BuildHasher as _, RandomState},
    io,
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

/// How many bytes of one direction of one session are on their way at most; more wait at the sender's.
const MOST_HELD: usize = 1 << 20;
const CHUNK: usize = 16 * 1024;
/// How soon bytes on their way notice that nothing holds them any more.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// How late the bytes of a route are: shared by all of its sessions, changed while they last.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lag(Arc<AtomicU64>);

impl Lag {
    pub(crate) fn new(latency: Option<Latency>) -> Self {
        let lag = Self::default();
        lag.set(latency);
        lag
    }

    pub(crate) fn set(&self, latency: Option<Latency>) {
        let packed = latency.map_or(0, |latency| {
            (u64::from(latency.milliseconds) << 32) | u64::from(latency.jitter_milliseconds)
        });
        self.0.store(packed, Ordering::Relaxed);
    }

    pub(crate) fn is_none(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }

    /// How late what comes now is; none: not at all.
    fn delay(&self) -> Option<Duration> {
        let packed = self.0.load(Ordering::Relaxed);
        let (least, jitter) = (packed >> 32, packed & u64::from(u32::MAX));
        // Of no consequence to anybody's security: the standard library's keys are random enough.
        let more = if jitter == 0 { 0 } else { RandomState::new().hash_one(0) % (jitter + 1) };
        (packed != 0).then(|| Duration::from_millis(least + more))
    }
}

/// What is on its way in one direction. Order is kept, whatever the jitter.
#[derive(Debug, Default)]
pub(crate) struct Line {
    /// When it arrives, and what; nothing is the end of the stream.
    queue: VecDeque<(Instant, Vec<u8>)>,
    held: usize,
    last: Option<Instant>,
    has_ended: bool,
    scratch: Vec<u8>,
    alarm: Option<Pin<Box<Sleep>>>,
}

impl Line {
    /// Whether nothing is on its way.
    pub(crate) fn is_idle(&self) -> bool {
        self.queue.is_empty() && !self.has_ended
    }

    /// Reads what is due, after having taken in what has come; tells `count` of the latter.
    pub(crate) fn poll_read(
        &mut self,
        lag: &Lag,
        stream: &mut (impl AsyncRead + Unpin),
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
        count: impl FnMut(usize),
    ) -> Poll<io::Result<()>> {
        self.take_in(lag, stream, context, count)?;
        loop {
            let Some((due, bytes)) = self.queue.front_mut() else {
                // Without anything on its way the stream itself wakes; after its end there is nothing.
                return if self.has_ended { Poll::Ready(Ok(())) } else { Poll::Pending };
            };
            let now = Instant::now();
            if *due > now && !lag.is_none() {
                let look_again = (*due).min(now + LOOK_AGAIN);
                let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep_until(look_again)));
                alarm.as_mut().reset(look_again);
                ready!(alarm.as_mut().poll(context));
                continue;
            }
            let fits = bytes.len().min(buffer.remaining());
            buffer.put_slice(&bytes[..fits]);
            self.held -= fits;
            if fits == bytes.len() {
                self.queue.pop_front();
            } else {
                bytes.drain(..fits);
            }
            return Poll::Ready(Ok(()));
        }
    }

    fn take_in(
        &mut self,
        lag: &Lag,
        stream: &mut (impl AsyncRead + Unpin),
        context: &mut Context<'_>,
        mut count: impl FnMut(usize),
    ) -> io::Result<()> {
        self.scratch.resize(CHUNK, 0);
        while self.held < MOST_HELD && !self.has_ended {
            let mut chunk = ReadBuf::new(&mut self.scratch);
            match Pin::new(&mut *stream).poll_read(context, &mut chunk) {
                Poll::Pending => break,
                Poll::Ready(read) => read?,
            }
            let bytes = chunk.filled().to_vec();
            count(bytes.len());
            self.held += bytes.len();
            self.has_ended = bytes.is_empty();
            let due = Instant::now() + lag.delay().unwrap_or_default();
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

    #[test]
    fn a_lag_is_what_was_set_and_varies_within_its_jitter() {
        let lag = Lag::new(None);
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
