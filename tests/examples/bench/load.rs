//! Many requests, made before the clock starts.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Result;
use tokio::{sync::Barrier, task::JoinSet};

use crate::http::Connection;

/// Whole requests, in the order they are sent in.
pub(crate) type Requests = Arc<Vec<Vec<u8>>>;

/// One request after the other on one connection: how long each took. They are repeated as often as needed.
pub(crate) async fn alone(
    address: &str,
    requests: Requests,
    count: usize,
) -> Result<Vec<Duration>> {
    let mut connection = Connection::to(address).await?;
    let mut took = Vec::with_capacity(count);
    for request in requests.iter().cycle().take(count) {
        let begin = Instant::now();
        let answer = connection.exchange(request).await?;
        took.push(begin.elapsed());
        answer.expect(200)?;
    }
    Ok(took)
}

/// How long a crowd goes on.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Until {
    /// Its requests are sent, each once.
    Sent,
    /// This much time is over; requests are repeated.
    Over(Duration),
}

/// What became of a crowd.
pub(crate) struct Crowded {
    /// How long each request took.
    pub(crate) took: Vec<Duration>,
    /// How long all of it took.
    pub(crate) over: Duration,
}

impl Crowded {
    /// Requests per second.
    pub(crate) fn rate(&self) -> f64 {
        self.took.len() as f64 / self.over.as_secs_f64()
    }
}

/// Each client its own requests on a connection of its own, all at once. One thread sends all of them, because the
/// processors that clients keep busy are those of what they measure.
pub(crate) async fn crowd(address: &str, clients: Vec<Requests>, until: Until) -> Result<Crowded> {
    let address = address.to_owned();
    let sent = tokio::task::spawn_blocking(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(send(&address, clients, until))
    });
    sent.await?
}

async fn send(address: &str, clients: Vec<Requests>, until: Until) -> Result<Crowded> {
    let together = Arc::new(Barrier::new(clients.len() + 1));
    let mut tasks = JoinSet::new();
    for requests in clients {
        let mut connection = Connection::to(address).await?;
        let together = Arc::clone(&together);
        tasks.spawn(async move {
            together.wait().await;
            let mut begin = Instant::now();
            let (most, end) = match until {
                Until::Sent => (requests.len(), None),
                Until::Over(time) => (usize::MAX, Some(begin + time)),
            };
            let mut took = Vec::new();
            for request in requests.iter().cycle().take(most) {
                if end.is_some_and(|end| begin >= end) {
                    break;
                }
                connection.exchange(request).await?.expect(200)?;
                let now = Instant::now();
                took.push(now - begin);
                begin = now;
            }
            anyhow::Ok(took)
        });
    }
    together.wait().await;
    let begin = Instant::now();
    let mut took = Vec::new();
    while let Some(one) = tasks.join_next().await {
        took.append(&mut one??);
    }
    Ok(Crowded { took, over: begin.elapsed() })
}
