//! What clients and engines see of each other.

use std::{net::Ipv4Addr, time::Duration};

use anyhow::{Context as _, Result};
use brokerd_gateway::{Ending, Options, Refusal};
use brokerd_store::Route;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::{Instant, timeout},
};

use crate::support::{
    Engine, Fixture, HELLO, SOON, connect, ended, free_port, greeting, options, route, served,
    until,
};

#[tokio::test]
async fn bytes_go_through_both_ways_and_are_counted() -> Result<()> {
    let engine = Engine::start(b'a').await?;
    let port = free_port();
    let fixture = Fixture::start(Some(vec![route(port, Some(engine.address))]));
    fixture.listening_on(&[port]).await?;
    let mut client = connect(port).await?;
    assert_eq!(greeting(&mut client).await?, b'a');
    client.write_all(b"ping").await?;
    let mut answer = [0; 4];
    timeout(SOON, client.read_exact(&mut answer)).await??;
    assert_eq!(&answer, b"ping");
    // Counted while the session lasts, not at its end.
    assert_eq!(fixture.metrics.sessions_active.get(), 1);
    assert_eq!(fixture.metrics.client_bytes.get(), 4 + HELLO.len() as u64);
    assert_eq!(fixture.metrics.engine_bytes.get(), 5);
    drop(client);
    until("the session's end", || fixture.metrics.sessions_active.get() == 0).await?;
    assert_eq!(fixture.metrics.ended(Ending::Closed), 1);
    assert_eq!(fixture.metrics.holds.get(), 0);
    fixture.stop().await
}

#[tokio::test]
async fn a_big_transfer_arrives_intact() -> Result<()> {
    const SIZE: usize = 32 * 1024 * 1024;
    let engine = Engine::start(b'a').await?;
    let port = free_port();
    let fixture = Fixture::start(Some(vec![route(port, Some(engine.address))]));
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
    assert!(sent == received, "{} bytes came back", received.len());
    fixture.stop().await
}

#[tokio::test]
async fn the_end_of_one_direction_leaves_the_other_one_open() -> Result<()> {
    let engine = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let port = free_port();
    let fixture = Fixture::start(Some(vec![route(port, Some(engine.local_addr()?))]));
    fixture.listening_on(&[port]).await?;
    let mut client = connect(port).await?;
    let mut served = served(&engine).await?;
    client.write_all(b"last words").await?;
    client.shutdown().await?;
    let mut heard = String::new();
    timeout(SOON, served.read_to_string(&mut heard)).await??;
    assert_eq!(heard, "last words");
    served.write_all(b"and still an answer").await?;
    drop(served);
    let mut answer = String::new();
    timeout(SOON, client.read_to_string(&mut answer)).await??;
    assert_eq!(answer, "and still an answer");
    fixture.stop().await
}

#[tokio::test]
async fn two_hundred_connections_are_served_at_once() -> Result<()> {
    let engine = Engine::start(b'a').await?;
    let port = free_port();
    let fixture = Fixture::start(Some(vec![route(port, Some(engine.address))]));
    fixture.listening_on(&[port]).await?;
    let mut clients = JoinSet::new();
    for number in 0_u32..200 {
        clients.spawn(async move {
            let mut client = connect(port).await?;
            greeting(&mut client).await?;
            client.write_u32(number).await?;
            anyhow::ensure!(timeout(SOON, client.read_u32()).await?? == number);
            // Kept, so that all are open at the same time.
            anyhow::Ok(client)
        });
    }
    let mut open = Vec::new();
    while let Some(client) = clients.join_next().await {
        open.push(client??);
    }
    assert_eq!(fixture.metrics.sessions_active.get(), 200);
    assert_eq!(fixture.metrics.connections.get(), 200);
    drop(open);
    until("all sessions' end", || fixture.metrics.sessions_active.get() == 0).await?;
    fixture.stop().await
}

#[tokio::test]
async fn a_client_is_held_until_its_route_leads_somewhere() -> Result<()> {
    let engine = Engine::start(b'a').await?;
    let port = free_port();
    let fixture = Fixture::start(Some(vec![route(port, None)]));
    fixture.listening_on(&[port]).await?;
    let mut client = connect(port).await?;
    client.write_all(b"early").await?;
    until("the hold", || fixture.metrics.connections_held.get() == 1).await?;
    fixture.answer(Some(vec![route(port, Some(engine.address))]));
    assert_eq!(greeting(&mut client).await?, b'a');
    let mut answer = [0; 5];
    timeout(SOON, client.read_exact(&mut answer)).await??;
    assert_eq!(&answer, b"early");
    assert_eq!(fixture.metrics.connections_held.get(), 0);
    assert_eq!(fixture.metrics.holds.get(), 1);
    fixture.stop().await
}

#[tokio::test]
async fn a_client_is_held_until_the_engine_accepts() -> Result<()> {
    let dead = free_port();
    let port = free_port();
    let target = (Ipv4Addr::LOCALHOST, dead).into();
    let fixture = Fixture::start(Some(vec![route(port, Some(target))]));
    fixture.listening_on(&[port]).await?;
    let mut client = connect(port).await?;
    until("the hold", || fixture.metrics.connections_held.get() == 1).await?;
    let _engine = Engine::on(TcpListener::bind(target).await?, b'b')?;
    assert_eq!(greeting(&mut client).await?, b'b');
    fixture.stop().await
}

#[tokio::test]
async fn a_hold_ends_when_its_time_is_over() -> Result<()> {
    let hold = Duration::from_millis(200);
    let nowhere = free_port();
    let dead = free_port();
    let unreachable = (Ipv4Addr::LOCALHOST, free_port()).into();
    let routes = vec![route(nowhere, None), route(dead, Some(unreachable))];
    let fixture = Fixture::start_with(Some(routes), Options { hold, ..options() }, false);
    let mut ports = [nowhere, dead];
    ports.sort_unstable();
    fixture.listening_on(&ports).await?;
    for port in ports {
        let begin = Instant::now();
        let mut client = connect(port).await?;
        ended(&mut client).await?;
        assert!(begin.elapsed() >= hold - Duration::from_millis(20), "{:?}", begin.elapsed());
    }
    until("the count", || fixture.metrics.refused(Refusal::NoTarget) == 1).await?;
    until("the count", || fixture.metrics.refused(Refusal::Unreachable) == 1).await?;
    assert_eq!(fixture.metrics.connections_held.get(), 0);
    fixture.stop().await
}

#[tokio::test]
async fn connections_above_the_limit_of_a_route_are_refused() -> Result<()> {
    let engine = Engine::start(b'a').await?;
    let port = free_port();
    let limited = Route { connection_limit: Some(2), ..route(port, Some(engine.address)) };
    let fixture = Fixture::start(Some(vec![limited.clone()]));
    fixture.listening_on(&[port]).await?;
    let mut first = connect(port).await?;
    let mut second = connect(port).await?;
    greeting(&mut first).await?;
    greeting(&mut second).await?;
    // An orderly end, though it had something to say.
    let mut third = connect(port).await?;
    third.write_all(b"hello").await?;
    assert_eq!(timeout(SOON, third.read(&mut [0])).await??, 0);
    assert_eq!(fixture.metrics.refused(Refusal::Limit), 1);
    fixture.answer(Some(vec![Route { connection_limit: Some(3), ..limited.clone() }]));
    // Another limit holds for those who come, and disturbs nobody.
    timeout(SOON, async {
        while greeting(&mut connect(port).await?).await.is_err() {}
        anyhow::Ok(())
    })
    .await??;
    fixture.answer(Some(vec![limited]));
    second.write_all(b"!").await?;
    assert_eq!(greeting(&mut second).await?, b'!');
    drop(first);
    // The place is free a moment after the session's end.
    timeout(SOON, async {
        while greeting(&mut connect(port).await?).await.is_err() {}
        anyhow::Ok(())
    })
    .await??;
    fixture.stop().await
}

#[tokio::test]
async fn stopping_ends_sessions_and_holds_and_frees_the_ports() -> Result<()> {
    let engine = Engine::start(b'a').await?;
    let (serving, holding) = (free_port(), free_port());
    let fixture =
        Fixture::start(Some(vec![route(serving, Some(engine.address)), route(holding, None)]));
    let mut ports = [serving, holding];
    ports.sort_unstable();
    fixture.listening_on(&ports).await?;
    let mut served = connect(serving).await?;
    greeting(&mut served).await?;
    let mut held = connect(holding).await?;
    until("the hold", || fixture.metrics.connections_held.get() == 1).await?;
    let metrics = fixture.metrics.clone();
    fixture.stop().await?;
    ended(&mut served).await?;
    ended(&mut held).await?;
    assert_eq!(metrics.ended(Ending::Withdrawn), 1);
    assert_eq!(metrics.refused(Refusal::Withdrawn), 1);
    assert_eq!(metrics.listeners.get(), 0);
    for port in ports {
        let refused = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await;
        refused.err().context("the port still accepts")?;
    }
    Ok(())
}

#[tokio::test]
async fn of_several_engines_each_gets_its_turn_and_a_dead_one_is_passed_over() -> Result<()> {
    let (first, second) = (Engine::start(b'a').await?, Engine::start(b'b').await?);
    let port = free_port();
    let mut shared = route(port, Some(first.address));
    shared.target.addresses.push((Ipv4Addr::LOCALHOST, free_port()).into());
    shared.target.addresses.push(second.address);
    let fixture = Fixture::start(Some(vec![shared]));
    fixture.listening_on(&[port]).await?;
    let mut heard = Vec::new();
    for _ in 0..6 {
        heard.push(greeting(&mut connect(port).await?).await?);
    }
    let of = |engine: u8| heard.iter().filter(|greeting| **greeting == engine).count();
    assert_eq!((of(b'a') + of(b'b'), of(b'a').min(of(b'b')) >= 2), (6, true), "{heard:?}");
    assert_eq!(fixture.metrics.holds.get(), 0, "nobody waited");
    fixture.stop().await
}

#[tokio::test]
async fn an_engine_that_is_gone_ends_the_session_of_a_client_that_does_not_notice() -> Result<()> {
    let engine = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let port = free_port();
    let fixture = Fixture::start(Some(vec![route(port, Some(engine.local_addr()?))]));
    fixture.listening_on(&[port]).await?;
    let mut client = connect(port).await?;
    let served = served(&engine).await?;
    until("the session", || fixture.metrics.sessions_active.get() == 1).await?;
    drop(served);
    // It reads the end, and says nothing and does not leave.
    ended(&mut client).await?;
    until("the session's end", || fixture.metrics.sessions_active.get() == 0).await?;
    assert_eq!(fixture.metrics.ended(Ending::HalfClosed), 1);
    fixture.stop().await
}
