//! Who gets in.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use anyhow::{Context as _, Result};
use brokerd_domain::IngressRule;
use brokerd_gateway::Refusal;
use brokerd_store::Route;
use tokio::{
    io::AsyncWriteExt as _,
    net::{TcpSocket, TcpStream},
    time::timeout,
};

use crate::support::{
    Engine, Fixture, HELLO, SOON, connect, ended, free_port, greeting, route, until,
};

pub(crate) fn rule(cidr: &str, from_port: u16, to_port: u16) -> IngressRule {
    IngressRule { from_port, to_port, cidr: cidr.parse().expect("a range"), description: None }
}

/// A client that comes from another address of this machine.
async fn connect_from(from: [u8; 4], port: u16) -> Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::new(IpAddr::from(from), 0))?;
    let to = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut client = timeout(SOON, socket.connect(to)).await.context("no connection")??;
    // Who is refused at once may not get to say it.
    let _ = client.write_all(&HELLO).await;
    Ok(client)
}

#[tokio::test]
async fn only_addresses_that_a_rule_allows_on_the_standard_port_are_admitted() -> Result<()> {
    let engine = Engine::start(b'a').await?;
    let port = free_port();
    let open = route(port, Some(engine.address));
    let admitting = |rules: &[IngressRule]| {
        Some(vec![Route { admitted: Some(rules.to_vec()), ..open.clone() }])
    };
    let fixture = Fixture::start(admitting(&[rule("127.0.0.2/32", 5671, 5671)]));
    fixture.listening_on(&[port]).await?;
    let mut inside = connect_from([127, 0, 0, 2], port).await?;
    assert_eq!(greeting(&mut inside).await?, b'a');
    ended(&mut connect_from([127, 0, 0, 3], port).await?).await?;
    assert_eq!(fixture.metrics.refused(Refusal::Forbidden), 1);

    // Another rule holds at once, for new connections.
    fixture.answer(admitting(&[rule("::/0", 5671, 5671), rule("127.0.0.3/32", 5000, 6000)]));
    until("the new rule", || fixture.metrics.table_reads.get() == 2).await?;
    assert_eq!(greeting(&mut connect_from([127, 0, 0, 3], port).await?).await?, b'a');
    ended(&mut connect_from([127, 0, 0, 2], port).await?).await?;
    inside.write_all(b"!").await?;
    assert_eq!(greeting(&mut inside).await?, b'!');

    // Rules speak of the service's port, not of the gateway's.
    fixture.answer(admitting(&[rule("0.0.0.0/0", port, port)]));
    until("the new rule", || fixture.metrics.table_reads.get() == 3).await?;
    ended(&mut connect(port).await?).await?;
    fixture.answer(admitting(&[]));
    until("no rule", || fixture.metrics.table_reads.get() == 4).await?;
    ended(&mut connect(port).await?).await?;
    fixture.answer(Some(vec![open]));
    until("no group", || fixture.metrics.table_reads.get() == 5).await?;
    assert_eq!(greeting(&mut connect(port).await?).await?, b'a');
    fixture.stop().await
}
