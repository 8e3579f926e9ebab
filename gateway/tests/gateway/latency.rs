//! Bytes that are late on purpose.

use std::time::Duration;

use anyhow::Result;
use brokerd_domain::Latency;
use brokerd_gateway::Options;
use brokerd_store::Route;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, timeout},
};

use crate::support::{
    Engine, Fixture, HELLO, SOON, connect, free_port, greeting, options, route, until,
};

const LATE: Latency = Latency { milliseconds: 150, jitter_milliseconds: 0 };

async fn echo(client: &mut TcpStream, text: &[u8]) -> Result<Duration> {
    let begun = Instant::now();
    client.write_all(text).await?;
    let mut answer = vec![0; text.len()];
    timeout(SOON, client.read_exact(&mut answer)).await??;
    assert_eq!(answer, text);
    Ok(begun.elapsed())
}

/// Waits until echoes take as long as `wanted` says.
async fn echo_until(client: &mut TcpStream, wanted: impl Fn(Duration) -> bool) -> Result<()> {
    let waiting = async {
        while !wanted(echo(client, b"?").await?) {}
        Ok(())
    };
    timeout(SOON, waiting).await?
}

fn late(route: &Route) -> Route {
    Route { latency: Some(LATE), ..route.clone() }
}

#[tokio::test]
async fn bytes_are_late_both_ways_in_sessions_old_and_new_until_they_are_not() -> Result<()> {
    let engine = Engine::start(b'a').await?;
    let port = free_port();
    let prompt = route(port, Some(engine.address));
    let fixture = Fixture::start(Some(vec![prompt.clone()]));
    fixture.listening_on(&[port]).await?;
    let mut old = connect(port).await?;
    assert_eq!(greeting(&mut old).await?, b'a');
    echo_until(&mut old, |took| took < Duration::from_millis(150)).await?;

    fixture.answer(Some(vec![late(&prompt)]));
    // There and back again.
    echo_until(&mut old, |took| took >= Duration::from_millis(300)).await?;
    let begun = Instant::now();
    let mut new = connect(port).await?;
    assert_eq!(greeting(&mut new).await?, b'a');
    assert!(begun.elapsed() >= Duration::from_millis(150), "{:?}", begun.elapsed());
    assert!(echo(&mut new, b"hello").await? >= Duration::from_millis(300));

    fixture.answer(Some(vec![prompt]));
    for client in [&mut old, &mut new] {
        echo_until(client, |took| took < Duration::from_millis(150)).await?;
    }
    assert_eq!(fixture.metrics.sessions_active.get(), 2, "nobody was disconnected");
    fixture.stop().await
}

#[tokio::test]
async fn late_bytes_arrive_intact_in_order_and_with_their_end() -> Result<()> {
    const SIZE: usize = 5 * 1024 * 1024;
    let engine = Engine::start(b'a').await?;
    let port = free_port();
    let jitter = Latency { milliseconds: 1, jitter_milliseconds: 20 };
    let varying = Route { latency: Some(jitter), ..route(port, Some(engine.address)) };
    let fixture = Fixture::start(Some(vec![varying]));
    fixture.listening_on(&[port]).await?;
    let mut client = connect(port).await?;
    assert_eq!(greeting(&mut client).await?, b'a');
    let sent: Vec<u8> = (0..SIZE).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let (mut from, mut to) = client.split();
    let mut received = Vec::with_capacity(SIZE);
    let writing = async {
        to.write_all(&sent).await?;
        to.shutdown().await
    };
    let (written, read) =
        timeout(SOON, async { tokio::join!(writing, from.read_to_end(&mut received)) }).await?;
    written?;
    read?;
    assert!(received == sent, "{} of {SIZE} bytes came back", received.len());
    let count = u64::try_from(SIZE)?;
    let hello = u64::try_from(HELLO.len())?;
    assert_eq!(fixture.metrics.client_bytes.get(), hello + count, "counted once");
    assert_eq!(fixture.metrics.engine_bytes.get(), count + 1);
    fixture.stop().await
}

#[tokio::test]
async fn what_is_on_its_way_for_long_arrives_soon_after_the_end_of_the_latency() -> Result<()> {
    let engine = Engine::start(b'a').await?;
    let port = free_port();
    let prompt = route(port, Some(engine.address));
    let forever = Latency { milliseconds: 60_000, jitter_milliseconds: 0 };
    let fixture = Fixture::start(Some(vec![Route { latency: Some(forever), ..prompt.clone() }]));
    fixture.listening_on(&[port]).await?;
    let mut client = connect(port).await?;
    let early = timeout(Duration::from_millis(300), client.read_u8()).await;
    assert!(early.is_err(), "{early:?} a minute early");
    fixture.answer(Some(vec![prompt]));
    assert_eq!(greeting(&mut client).await?, b'a', "it was not lost");
    echo(&mut client, b"hello").await?;
    fixture.stop().await
}

#[tokio::test]
async fn late_bytes_take_no_more_memory_than_there_is_for_them_and_all_arrive() -> Result<()> {
    const MAX_BYTES: i64 = 256 * 1024;
    const SIZE: usize = 256 * 1024;
    // Each direction of a session may have a chunk on its way that was not asked for.
    const BESIDE: i64 = 8 * 2 * 20 * 1024;
    let engine = Engine::start(b'a').await?;
    let port = free_port();
    let forever = Latency { milliseconds: 60_000, jitter_milliseconds: 0 };
    let prompt = route(port, Some(engine.address));
    let most = usize::try_from(MAX_BYTES)?;
    let options = Options { delayed_bytes_per_route: most, delayed_bytes: most * 2, ..options() };
    let fixture = Fixture::start_with(Some(vec![prompt.clone()]), options, false);
    fixture.listening_on(&[port]).await?;
    let mut clients = Vec::new();
    for _ in 0..8 {
        let mut client = connect(port).await?;
        greeting(&mut client).await?;
        clients.push(client);
    }
    fixture.answer(Some(vec![Route { latency: Some(forever), ..prompt.clone() }]));
    until("the latency", || fixture.metrics.table_reads.get() == 2).await?;
    let mut sending = tokio::task::JoinSet::new();
    for client in clients {
        sending.spawn(async move {
            let (mut from, mut to) = client.into_split();
            let sent = vec![7; SIZE];
            let mut received = vec![0; SIZE];
            tokio::try_join!(to.write_all(&sent), async {
                from.read_exact(&mut received).await.map(drop)
            })?;
            anyhow::ensure!(sent == received);
            anyhow::Ok(())
        });
    }
    until("the budget is used up", || fixture.metrics.delayed_bytes.get() >= MAX_BYTES).await?;
    let held = fixture.metrics.delayed_bytes.get();
    assert!(held <= MAX_BYTES + BESIDE, "{held} bytes are held");
    fixture.answer(Some(vec![prompt]));
    let all = async {
        while let Some(done) = sending.join_next().await {
            done??;
        }
        anyhow::Ok(())
    };
    timeout(SOON, all).await??;
    until("all is given back", || fixture.metrics.delayed_bytes.get() == 0).await?;
    fixture.stop().await
}
