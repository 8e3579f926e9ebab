//! Bodies of requests while they are read. Anybody who knows the identifier of an access key can send one, so all of
//! them together are bounded in memory, and each in time.
//!
//! When memory is used up, the body that has been read longest is refused: senders that are slow on purpose can't keep
//! others from being read.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    body::{Body, HttpBody as _},
    http::{HeaderMap, header::CONTENT_LENGTH},
};
use bytes::Bytes;
use http_body_util::BodyExt as _;
use prometheus_client::metrics::{counter::Counter, gauge::Gauge};
use tokio::{sync::Notify, time::timeout};

use crate::http::error::ApiError;

/// Most bytes of bodies in memory.
const MAX_BYTES: usize = 32 << 20;
/// How long a body may take.
const TIMEOUT: Duration = Duration::from_secs(20);

/// All bodies in memory.
#[derive(Debug)]
pub(crate) struct Bodies {
    most: usize,
    state: Arc<Mutex<State>>,
    refused: Counter,
}

#[derive(Debug)]
struct State {
    /// Bytes in memory, including complete bodies whose requests are at work.
    held: usize,
    last: u64,
    reading: BTreeMap<u64, Reading>,
    shown: Gauge,
}

/// A body that is not complete.
#[derive(Debug)]
struct Reading {
    bytes: usize,
    /// Notified when the body is evicted.
    evicted: Arc<Notify>,
}

impl State {
    fn hold(&mut self, bytes: usize) {
        self.held += bytes;
        self.show();
    }

    fn free(&mut self, bytes: usize) {
        self.held = self.held.saturating_sub(bytes);
        self.show();
    }

    fn show(&self) {
        self.shown.set(i64::try_from(self.held).unwrap_or(i64::MAX));
    }
}

fn locked(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Bodies {
    /// No bodies. `shown` is set to the bytes in memory, `refused` counts refused bodies.
    pub(crate) fn new(shown: Gauge, refused: Counter) -> Self {
        Self::with_room(MAX_BYTES, shown, refused)
    }

    fn with_room(most: usize, shown: Gauge, refused: Counter) -> Self {
        let state = State { held: 0, last: 0, reading: BTreeMap::new(), shown };
        Self { most, state: Arc::new(Mutex::new(state)), refused }
    }

    /// Reads a body of at most `limit` bytes. Its memory is free again when the last clone of the result is dropped.
    ///
    /// # Errors
    /// A 413 if it is too long, at once if `Content-Length` says so; a 408 if it is too slow; a 400 if it breaks off; a
    /// 503 if there is no memory for it.
    pub(crate) async fn read(
        &self,
        headers: &HeaderMap,
        body: Body,
        limit: usize,
    ) -> Result<Bytes, ApiError> {
        let announced = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
        if announced
            .and_then(|length| length.parse().ok())
            .is_some_and(|length: usize| length > limit)
        {
            return Err(ApiError::body_too_long(limit));
        }
        if body.is_end_stream() {
            return Ok(Bytes::new());
        }
        let (mut held, evicted) = self.begin();
        tokio::select! {
            biased;
            () = evicted.notified() => Err(self.no_room()),
            read = timeout(TIMEOUT, self.collect(&mut held, body, limit)) => match read {
                Ok(read) => read.map(|()| held.complete()),
                Err(_) => Err(ApiError::body_too_slow()),
            },
        }
    }

    async fn collect(&self, held: &mut Held, mut body: Body, limit: usize) -> Result<(), ApiError> {
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| {
                tracing::debug!(%error, "request body broke off");
                ApiError::bad_request("The request body could not be read.")
            })?;
            let Ok(data) = frame.into_data() else { continue };
            if held.bytes.len() + data.len() > limit {
                return Err(ApiError::body_too_long(limit));
            }
            let (length, room) = (held.bytes.len() + data.len(), held.room);
            if length > room {
                let wanted = length.max(room * 2).min(limit);
                if !self.make_room(held.number, wanted - room) {
                    return Err(self.no_room());
                }
                held.room = wanted;
                held.bytes.reserve_exact(wanted - held.bytes.len());
            }
            // Copied, because a frame keeps alive the whole buffer that it was read into.
            held.bytes.extend_from_slice(&data);
        }
        Ok(())
    }

    fn no_room(&self) -> ApiError {
        self.refused.inc();
        ApiError::unavailable("Too many requests are being read. Try again.")
    }

    fn begin(&self) -> (Held, Arc<Notify>) {
        let evicted = Arc::new(Notify::new());
        let mut state = locked(&self.state);
        state.last += 1;
        let number = state.last;
        state.reading.insert(number, Reading { bytes: 0, evicted: Arc::clone(&evicted) });
        let state = Arc::clone(&self.state);
        let held = Held { state, number, bytes: Vec::new(), room: 0, whole: false };
        (held, evicted)
    }

    /// Reserves memory for `bytes` more bytes of a body, by evicting the oldest bodies if need be; false if this body
    /// is the oldest.
    fn make_room(&self, number: u64, bytes: usize) -> bool {
        let mut state = locked(&self.state);
        while state.held + bytes > self.most {
            let Some((oldest, evicted)) = state.reading.pop_first() else { return false };
            state.free(evicted.bytes);
            if oldest == number {
                return false;
            }
            evicted.evicted.notify_one();
        }
        let Some(reading) = state.reading.get_mut(&number) else { return false };
        reading.bytes += bytes;
        state.hold(bytes);
        true
    }
}

/// What was read of a body; dropping it frees the memory.
struct Held {
    state: Arc<Mutex<State>>,
    number: u64,
    bytes: Vec<u8>,
    /// Bytes that are reserved for it.
    room: usize,
    whole: bool,
}

impl Held {
    /// From now on it can't be evicted.
    fn complete(mut self) -> Bytes {
        // Absent if it was evicted at this moment: then its memory is free already.
        self.whole = locked(&self.state).reading.remove(&self.number).is_some();
        Bytes::from_owner(self)
    }
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut state = locked(&self.state);
        let reading = state.reading.remove(&self.number).map_or(0, |reading| reading.bytes);
        let whole = if self.whole { self.room } else { 0 };
        state.free(reading + whole);
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use axum::http::HeaderValue;
    use tokio::sync::mpsc;

    use super::*;

    fn bodies(most: usize) -> Bodies {
        Bodies::with_room(most, Gauge::default(), Counter::default())
    }

    /// A body that comes in pieces, and the sender of the pieces.
    fn piecemeal() -> (mpsc::Sender<Bytes>, Body) {
        let (sender, mut receiver) = mpsc::channel(1);
        let pieces = futures_util::stream::poll_fn(move |context| {
            receiver.poll_recv(context).map(|piece| piece.map(Ok::<_, Infallible>))
        });
        (sender, Body::from_stream(pieces))
    }

    fn held(bodies: &Bodies) -> usize {
        locked(&bodies.state).held
    }

    #[tokio::test]
    async fn a_body_takes_room_until_it_is_done_with() {
        let bodies = bodies(100);
        let read =
            bodies.read(&HeaderMap::new(), Body::from("0123456789"), 10).await.expect("read");
        assert_eq!((&*read, held(&bodies)), (&b"0123456789"[..], 10));
        drop(read);
        assert_eq!(held(&bodies), 0);
        let empty = bodies.read(&HeaderMap::new(), Body::empty(), 10).await.expect("read");
        assert!(empty.is_empty());
    }

    #[tokio::test]
    async fn a_body_that_is_too_long_is_not_read() {
        let bodies = bodies(100);
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_LENGTH, HeaderValue::from_static("11"));
        let (_sender, never) = piecemeal();
        for (headers, body) in [(headers, never), (HeaderMap::new(), Body::from("0123456789+"))] {
            let refused = bodies.read(&headers, body, 10).await.expect_err("too long");
            assert_eq!(refused.code(), "RequestEntityTooLargeException");
        }
        assert_eq!(held(&bodies), 0);
    }

    #[tokio::test]
    async fn who_is_slow_gives_way_to_who_is_not() {
        let bodies = bodies(10);
        let (slow, body) = piecemeal();
        let headers = HeaderMap::new();
        let first = bodies.read(&headers, body, 10);
        let second = async {
            slow.send(Bytes::from_static(b"01234567")).await.expect("read");
            tokio::task::yield_now().await;
            bodies.read(&headers, Body::from("abc"), 10).await
        };
        let (first, second) = tokio::join!(first, second);
        let first = first.expect_err("given up");
        assert_eq!(first.code(), "ServiceUnavailableException");
        let second = second.expect("read");
        assert_eq!((&*second, held(&bodies), bodies.refused.get()), (&b"abc"[..], 3, 1));
        // Bodies of requests at work are not evicted.
        let third = bodies.read(&headers, Body::from("0123456789"), 10).await;
        assert_eq!(third.expect_err("no room").code(), "ServiceUnavailableException");
        drop(second);
        assert_eq!(held(&bodies), 0);
    }
}
