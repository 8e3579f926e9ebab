//! The peer address that requests carry.

use std::net::{Ipv4Addr, SocketAddr};

use axum::{Router, extract::ConnectInfo, routing::get};
use prometheus_client::registry::Registry;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpSocket,
};
use tokio_util::sync::CancellationToken;

use super::{HttpListener, Metrics};

#[tokio::test]
async fn a_request_knows_who_has_connected() {
    let nowhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let listener = HttpListener::bind(nowhere, None, "").await.expect("bound");
    let address = listener.address();
    let peer = |ConnectInfo(peer): ConnectInfo<SocketAddr>| async move { peer.to_string() };
    let router = Router::new().route("/", get(peer));
    let stop = CancellationToken::new();
    let metrics = Metrics::register(&mut Registry::default());
    let until = stop.clone();
    let serving = tokio::spawn(async move { listener.serve(router, 8, metrics, until).await });
    for last in [1, 2] {
        let from = TcpSocket::new_v4().expect("a socket");
        from.bind((Ipv4Addr::new(127, 0, 0, last), 0).into()).expect("an address of this machine");
        let mut stream = from.connect(address).await.expect("connected");
        let own = stream.local_addr().expect("connected").to_string();
        let request = b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
        stream.write_all(request).await.expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("answered");
        assert!(answer.ends_with(&format!("\r\n\r\n{own}")), "{own}: {answer}");
    }
    stop.cancel();
    serving.await.expect("no panic").expect("stopped");
}
