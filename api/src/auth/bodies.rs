//! Bodies under way. Whoever knows an access key's identifier can send one, so all of them together get so much
//! memory and so much time.
//!
//! Where there is too much of it, the body goes that has been under way longest: who sends what it has to send is
//! read, however many others are slow on purpose.

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

use crate::error::ApiError;

/// How many bytes of bodies are held at a time.
const MOST: usize = 32 << 20;
/// How long a body may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// All bodies under way.
#[derive(Debug)]
pub(crate) struct Bodies {
    most: usize,
    state: Arc<Mutex<State>>,
    refused: Counter,
}

#[derive(Debug)]
struct State {
    /// Bytes held, those of bodies that are complete and at work included.
    held: usize,
    last: u64,
    reading: BTreeMap<u64, Reading>,
    shown: Gauge,
}

/// A body that is not complete.
#[derive(Debug)]
struct Reading {
    bytes: usize,
    told: Arc<Notify>,
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
    /// None yet; where to show how many bytes are held, and to count the bodies that were given up.
    pub(crate) fn new(shown: Gauge, refused: Counter) -> Self {
        Self::with_room(MOST, shown, refused)
    }

    fn with_room(most: usize, shown: Gauge, refused: Counter) -> Self {
        let state = State { held: 0, last: 0, reading: BTreeMap::new(), shown };
        Self { most, state: Arc::new(Mutex::new(state)), refused }
    }

    /// Reads a body of at most `limit` bytes. What it takes is free again with the last clone of what comes back.
    ///
    /// # Errors
    /// When it is too long, at once if it says so itself; too slow; broken off; or when there is no room for it.
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
        let (mut held, told) = self.begin();
        tokio::select! {
            biased;
            () = told.notified() => Err(self.no_room()),
            read = timeout(PATIENCE, self.collect(&mut held, body, limit)) => match read {
                Ok(read) => read.map(|()| held.complete()),
                Err(_) => Err(ApiError::body_too_slow()),
            },
        }
    }

    async fn collect(&self, held: &mut Held, mut body: Body, limit: usize) -> Result<(), ApiError> {
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| {
                tracing::debug!(%error, "the request's body broke off");
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
            // Copied, because a piece keeps all of the memory that it was read into.
            held.bytes.extend_from_slice(&data);
        }
        Ok(())
    }

    fn no_room(&self) -> ApiError {
        self.refused.inc();
        ApiError::unavailable("Too many requests are being read. Try again.")
    }

    fn begin(&self) -> (Held, Arc<Notify>) {
        let told = Arc::new(Notify::new());
        let mut state = locked(&self.state);
        state.last += 1;
        let number = state.last;
        state.reading.insert(number, Reading { bytes: 0, told: Arc::clone(&told) });
        let state = Arc::clone(&self.state);
        let held = Held { state, number, bytes: Vec::new(), room: 0, whole: false };
        (held, told)
    }

    /// Takes room for so many more bytes of a body, from the oldest ones if it has to be; false if it was taken
    /// from this one.
    fn make_room(&self, number: u64, bytes: usize) -> bool {
        let mut state = locked(&self.state);
        while state.held + bytes > self.most {
            let Some((oldest, given_up)) = state.reading.pop_first() else { return false };
            state.free(given_up.bytes);
            if oldest == number {
                return false;
            }
            given_up.told.notify_one();
        }
        let Some(reading) = state.reading.get_mut(&number) else { return false };
        reading.bytes += bytes;
        state.hold(bytes);
        true
    }
}

/// What was read of a body; its room is free again when this goes.
struct Held {
    state: Arc<Mutex<State>>,
    number: u64,
    bytes: Vec<u8>,
    /// How many bytes it may grow to within the room that was taken for it.
    room: usize,
    whole: bool,
}

impl Held {
    /// From now on it can't be given up any more.
    fn complete(mut self) -> Bytes {
        // Its room stays taken, unless somebody has just taken it.
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

    /// A body that comes piece by piece, and what to send them with.
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
        // What is at work is not taken away.
        let third = bodies.read(&headers, Body::from("0123456789"), 10).await;
        assert_eq!(third.expect_err("no room").code(), "ServiceUnavailableException");
        drop(second);
        assert_eq!(held(&bodies), 0);
    }
}
