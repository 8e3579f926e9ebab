//! Many who come and say nothing, and more than there is room for.

use std::time::Duration;

use anyhow::{Context as _, Result};
use brokerd_gateway::{Options, Refusal};
use brokerd_store::Route;
use tokio::io::AsyncWriteExt as _;

use crate::support::{
    Engine, Fixture, HELLO, call, connect, ended, free_port, greeting, options, route, until,
};

#[tokio::test]
async fn silent_clients_take_no_place_of_the_route_and_do_not_keep_others_out() -> Result<()> {
    let engine = Engine::start(b'a').await?;
    let port = free_port();
    let small = Route { connection_limit: Some(1), ..route(port, Some(engine.address)) };
    // 100 may be pending, 50 of them from here.
    let options = Options { descriptors: 401, ..options() };
    let fixture = Fixture::start_with(Some(vec![small]), options, false);
    fixture.listening_on(&[port]).await?;
    let mut silent = Vec::new();
    for number in 0..300_usize {
        let mut client = call(port).await?;
        // Most of a hello is as good as none.
        client.write_all(&HELLO[..number % HELLO.len()]).await?;
        silent.push(client);
    }
    until("the crowd", || fixture.metrics.refused(Refusal::Evicted) == 250).await?;
    assert_eq!(fixture.metrics.connections_pending.get(), 50);
    assert_eq!(fixture.metrics.sessions_active.get(), 0);
    let mut client = connect(port).await?;
    assert_eq!(greeting(&mut client).await?, b'a');
    // Those who have been silent longest had to go.
    for gone in &mut silent[..250] {
        ended(gone).await?;
    }
    fixture.stop().await
}

#[tokio::test]
async fn who_says_nothing_is_not_waited_for_and_who_says_something_else_is_told() -> Result<()> {
    let engine = Engine::start(b'a').await?;
    let port = free_port();
    let options = Options { hello_timeout: Duration::from_secs(1), ..options() };
    let routes = vec![route(port, Some(engine.address))];
    let fixture = Fixture::start_with(Some(routes), options, false);
    fixture.listening_on(&[port]).await?;
    let mut silent = call(port).await?;
    ended(&mut silent).await?;
    until("the count", || fixture.metrics.refused(Refusal::SlowHello) == 1).await?;
    let mut other = call(port).await?;
    other.write_all(b"GET / HTTP/1.1\r\n\r\n").await?;
    assert_eq!(greeting(&mut other).await?, 21, "an alert");
    until("the count", || fixture.metrics.refused(Refusal::NoHello) == 1).await?;
    until("nobody is left", || fixture.metrics.connections_pending.get() == 0).await?;
    fixture.stop().await
}

#[tokio::test]
async fn no_more_get_in_than_there_are_descriptors_for() -> Result<()> {
    let engine = Engine::start(b'a').await?;
    let port = free_port();
    let options = Options { descriptors: 21, ..options() };
    let routes = vec![route(port, Some(engine.address))];
    let fixture = Fixture::start_with(Some(routes), options, false);
    fixture.listening_on(&[port]).await?;
    let mut inside = Vec::new();
    for _ in 0..10 {
        let mut client = connect(port).await?;
        greeting(&mut client).await?;
        inside.push(client);
    }
    ended(&mut connect(port).await?).await?;
    until("the count", || fixture.metrics.refused(Refusal::Full) == 1).await?;
    inside.pop().context("one goes")?;
    until("the session's end", || fixture.metrics.sessions_active.get() == 9).await?;
    assert_eq!(greeting(&mut connect(port).await?).await?, b'a');
    fixture.stop().await
}
