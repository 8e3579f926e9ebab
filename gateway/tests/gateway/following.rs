//! How the listeners follow the table.

use std::{net::Ipv4Addr, time::Duration};

use anyhow::{Context as _, Result};
use brokerd_gateway::{Ending, Options};
use brokerd_store::{RouteChanges, RouteTable, UnreadableRoute};
use tokio::{
    net::{TcpListener, TcpStream},
    time::timeout,
};

use crate::support::{
    Engine, Fixture, SOON, connect, connect_to, ended, free_port, greeting, options, ports_of,
    route, until,
};

#[tokio::test]
async fn a_changed_target_ends_old_sessions_and_serves_new_ones() -> Result<()> {
    let (old, new) = (Engine::start(b'o').await?, Engine::start(b'n').await?);
    let (moving, staying) = (free_port(), free_port());
    let table = |target| vec![route(moving, Some(target)), route(staying, Some(old.address))];
    let fixture = Fixture::start(Some(table(old.address)));
    let mut ports = [moving, staying];
    ports.sort_unstable();
    fixture.listening_on(&ports).await?;
    let mut moved = connect(moving).await?;
    let mut stayed = connect(staying).await?;
    assert_eq!(greeting(&mut moved).await?, b'o');
    assert_eq!(greeting(&mut stayed).await?, b'o');
    fixture.answer(Some(table(new.address)));
    ended(&mut moved).await?;
    assert_eq!(greeting(&mut connect(moving).await?).await?, b'n');
    until("the count", || fixture.metrics.ended(Ending::Retargeted) == 1).await?;
    assert_eq!(fixture.metrics.ended(Ending::Withdrawn), 0);
    // The other route's session never noticed.
    tokio::io::AsyncWriteExt::write_all(&mut stayed, b"!").await?;
    assert_eq!(greeting(&mut stayed).await?, b'!');
    fixture.stop().await
}

#[tokio::test]
async fn a_route_that_leads_nowhere_any_more_ends_its_sessions() -> Result<()> {
    let engine = Engine::start(b'a').await?;
    let port = free_port();
    let fixture = Fixture::start(Some(vec![route(port, Some(engine.address))]));
    fixture.listening_on(&[port]).await?;
    let mut client = connect(port).await?;
    greeting(&mut client).await?;
    fixture.answer(Some(vec![route(port, None)]));
    ended(&mut client).await?;
    fixture.stop().await
}

#[tokio::test]
async fn a_removed_route_frees_its_port_and_ends_its_sessions() -> Result<()> {
    let engine = Engine::start(b'a').await?;
    let port = free_port();
    let fixture = Fixture::start(Some(vec![route(port, Some(engine.address))]));
    fixture.listening_on(&[port]).await?;
    let mut client = connect(port).await?;
    greeting(&mut client).await?;
    fixture.answer(Some(Vec::new()));
    ended(&mut client).await?;
    fixture.listening_on(&[]).await?;
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.context("the port is not free")?;
    until("the count", || fixture.metrics.ended(Ending::Withdrawn) == 1).await?;
    fixture.stop().await
}

#[tokio::test]
async fn another_brokers_route_on_the_same_port_ends_the_former_ones_sessions() -> Result<()> {
    let engine = Engine::start(b'a').await?;
    let port = free_port();
    let mine = route(port, Some(engine.address));
    let fixture = Fixture::start(Some(vec![mine.clone()]));
    fixture.listening_on(&[port]).await?;
    let mut client = connect(port).await?;
    greeting(&mut client).await?;
    let mut theirs = mine;
    theirs.broker = uuid::Uuid::from_u128(2).into();
    fixture.answer(Some(vec![theirs]));
    ended(&mut client).await?;
    assert_eq!(greeting(&mut connect(port).await?).await?, b'a');
    fixture.stop().await
}

#[tokio::test]
async fn a_failing_source_changes_nothing_until_it_answers_again() -> Result<()> {
    let engine = Engine::start(b'a').await?;
    let (port, later) = (free_port(), free_port());
    let fixture = Fixture::start(Some(vec![route(port, Some(engine.address))]));
    fixture.listening_on(&[port]).await?;
    let mut client = connect(port).await?;
    greeting(&mut client).await?;
    fixture.answer(None);
    until("a failed reading", || fixture.metrics.table_read_failures.get() > 0).await?;
    tokio::io::AsyncWriteExt::write_all(&mut client, b"!").await?;
    assert_eq!(greeting(&mut client).await?, b'!');
    assert_eq!(greeting(&mut connect(port).await?).await?, b'a');
    assert!(fixture.gateway.ready());
    fixture.answer(Some(vec![route(later, Some(engine.address))]));
    fixture.listening_on(&[later]).await?;
    fixture.stop().await
}

#[tokio::test]
async fn the_gateway_is_ready_once_a_table_was_read() -> Result<()> {
    let fixture = Fixture::start(None);
    until("a failed reading", || fixture.metrics.table_read_failures.get() > 0).await?;
    assert!(!fixture.gateway.ready());
    fixture.answer(Some(Vec::new()));
    fixture.listening_on(&[]).await?;
    assert!(fixture.gateway.ready());
    fixture.stop().await
}

#[tokio::test]
async fn a_change_without_a_notification_is_found_by_polling() -> Result<()> {
    let poll = Duration::from_millis(20);
    let fixture = Fixture::start_with(Some(Vec::new()), Options { poll, ..options() }, true);
    fixture.listening_on(&[]).await?;
    let port = free_port();
    fixture.answer(Some(vec![route(port, None)]));
    fixture.listening_on(&[port]).await?;
    fixture.stop().await
}

#[tokio::test]
async fn a_port_that_is_taken_is_listened_on_as_soon_as_it_is_free() -> Result<()> {
    let engine = Engine::start(b'a').await?;
    let port = free_port();
    let stranger = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    let fixture = Fixture::start(Some(vec![route(port, Some(engine.address))]));
    let mut status = fixture.gateway.status();
    timeout(SOON, status.wait_for(|s| s.applied && ports_of(&s.blocked).contains(&port))).await??;
    assert_eq!(fixture.metrics.listeners_blocked.get(), 1);
    drop(stranger);
    fixture.listening_on(&[port]).await?;
    assert!(fixture.metrics.bind_failures.get() > 0);
    assert_eq!(fixture.metrics.listeners_blocked.get(), 0);
    assert_eq!(greeting(&mut connect(port).await?).await?, b'a');
    fixture.stop().await
}

#[tokio::test]
async fn a_route_to_a_taken_port_can_be_removed() -> Result<()> {
    let port = free_port();
    let _stranger = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    let fixture = Fixture::start(Some(vec![route(port, None)]));
    let mut status = fixture.gateway.status();
    timeout(SOON, status.wait_for(|s| ports_of(&s.blocked).contains(&port))).await??;
    fixture.answer(Some(Vec::new()));
    timeout(SOON, status.wait_for(|s| s.blocked.is_empty())).await??;
    fixture.stop().await
}

#[tokio::test]
async fn a_private_route_is_not_reached_where_a_public_one_is() -> Result<()> {
    // Another address of this machine stands for its public one.
    let public_bind = Ipv4Addr::new(127, 0, 0, 2).into();
    let engine = Engine::start(b'a').await?;
    let (private, public) = (free_port(), free_port());
    let mut open = route(public, Some(engine.address));
    open.public = true;
    let routes = vec![route(private, Some(engine.address)), open];
    let fixture = Fixture::start_with(Some(routes), Options { public_bind, ..options() }, false);
    let mut ports = [private, public];
    ports.sort_unstable();
    fixture.listening_on(&ports).await?;
    greeting(&mut connect(private).await?).await?;
    greeting(&mut connect_to((public_bind, public).into()).await?).await?;
    let refused = TcpStream::connect((public_bind, private)).await;
    refused.err().context("a private route is reached from outside")?;
    fixture.stop().await
}

#[tokio::test]
async fn several_gateways_follow_one_table_and_end_independently() -> Result<()> {
    let (old, new) = (Engine::start(b'o').await?, Engine::start(b'n').await?);
    let port = free_port();
    let there = Ipv4Addr::new(127, 0, 0, 2);
    let table = |target| {
        let mut open = route(port, Some(target));
        open.public = true;
        Some(vec![open])
    };
    let at = |ip: Ipv4Addr| Options { public_bind: ip.into(), ..options() };
    let first = Fixture::start_with(table(old.address), at(Ipv4Addr::LOCALHOST), false);
    let second = Fixture::start_with(table(old.address), at(there), false);
    for gateway in [&first, &second] {
        gateway.listening_on(&[port]).await?;
        gateway.answer(table(new.address));
        until("the new table", || gateway.metrics.table_reads.get() == 2).await?;
    }
    assert_eq!(greeting(&mut connect(port).await?).await?, b'n');
    first.stop().await?;
    assert_eq!(greeting(&mut connect_to((there, port).into()).await?).await?, b'n');
    second.stop().await
}

#[tokio::test]
async fn what_has_changed_is_put_in_force_and_the_rest_is_left_alone() -> Result<()> {
    let engine = Engine::start(b'a').await?;
    let (staying, leaving, coming) = (free_port(), free_port(), free_port());
    let of = |broker, port| {
        let mut route = route(port, Some(engine.address));
        route.broker = uuid::Uuid::from_u128(broker).into();
        route
    };
    let fixture = Fixture::start(Some(vec![of(1, staying), of(2, leaving)]));
    let mut ports = [staying, leaving];
    ports.sort_unstable();
    fixture.listening_on(&ports).await?;
    let (mut stayed, mut left) = (connect(staying).await?, connect(leaving).await?);
    assert_eq!(greeting(&mut stayed).await?, b'a');
    assert_eq!(greeting(&mut left).await?, b'a');
    let came = of(3, coming);
    fixture.answer_changes(RouteChanges {
        brokers: [2, 3].map(|n| uuid::Uuid::from_u128(n).into()).into(),
        table: vec![came].into(),
    });
    ended(&mut left).await?;
    let mut ports = [staying, coming];
    ports.sort_unstable();
    fixture.listening_on(&ports).await?;
    assert_eq!(greeting(&mut connect(coming).await?).await?, b'a');
    tokio::io::AsyncWriteExt::write_all(&mut stayed, b"!").await?;
    assert_eq!(greeting(&mut stayed).await?, b'!');
    // No change at all is one, too.
    fixture.answer_changes(RouteChanges::default());
    until("another reading", || fixture.metrics.table_reads.get() == 3).await?;
    fixture.listening_on(&ports).await?;
    fixture.stop().await
}

#[tokio::test]
async fn unreadable_endpoints_of_a_broker_are_served_as_they_last_were() -> Result<()> {
    let engine = Engine::start(b'a').await?;
    let (odd, other) = (free_port(), free_port());
    let mut theirs = route(other, Some(engine.address));
    theirs.broker = uuid::Uuid::from_u128(2).into();
    let mine = route(odd, Some(engine.address));
    let fixture = Fixture::start(Some(vec![mine.clone(), theirs.clone()]));
    let mut ports = [odd, other];
    ports.sort_unstable();
    fixture.listening_on(&ports).await?;
    let mut client = connect(odd).await?;
    assert_eq!(greeting(&mut client).await?, b'a');
    let unreadable = UnreadableRoute { broker: mine.broker, what: "the future".to_owned() };
    theirs.target.addresses = Vec::new();
    let table = RouteTable { routes: vec![theirs.clone()], unreadable: vec![unreadable], rows: 2 };
    fixture.answer_in_part(table);
    until("it is told", || fixture.metrics.routes_unreadable.get() == 1).await?;
    fixture.listening_on(&ports).await?;
    // Its session goes on, new ones get in, and the other broker's change holds.
    tokio::io::AsyncWriteExt::write_all(&mut client, b"!").await?;
    assert_eq!(greeting(&mut client).await?, b'!');
    assert_eq!(greeting(&mut connect(odd).await?).await?, b'a');
    let _held = connect(other).await?;
    until("the hold", || fixture.metrics.connections_held.get() == 1).await?;
    // Once it can be read, what is read counts.
    fixture.answer(Some(vec![theirs]));
    ended(&mut client).await?;
    fixture.listening_on(&[other]).await?;
    assert_eq!(fixture.metrics.routes_unreadable.get(), 0);
    fixture.stop().await
}
