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

/// Each client its own requests on a connection of its own, all at once: requests per second.
pub(crate) async fn crowd(address: &str, clients: Vec<Requests>, until: Until) -> Result<f64> {
    let together = Arc::new(Barrier::new(clients.len() + 1));
    let mut tasks = JoinSet::new();
    for requests in clients {
        let mut connection = Connection::to(address).await?;
        let together = Arc::clone(&together);
        tasks.spawn(async move {
            together.wait().await;
            let begin = Instant::now();
            let (most, end) = match until {
                Until::Sent => (requests.len(), None),
                Until::Over(time) => (usize::MAX, Some(begin + time)),
            };
            let mut done = 0_u32;
            for request in requests.iter().cycle().take(most) {
                if end.is_some_and(|end| Instant::now() >= end) {
                    break;
                }
                connection.exchange(request).await?.expect(200)?;
                done += 1;
            }
            anyhow::Ok(done)
        });
    }
    together.wait().await;
    let begin = Instant::now();
    let mut done = 0;
    while let Some(one) = tasks.join_next().await {
        done += one??;
    }
    Ok(f64::from(done) / begin.elapsed().as_secs_f64())
}
