//! By AMQP 1.0, which ActiveMQ speaks.

use std::time::Instant;

use fe2o3_amqp::{
    Connection, Receiver, Sender, Session,
    connection::ConnectionHandle,
    sasl_profile::SaslProfile,
    types::{messaging::Source, primitives::Value},
};
use rustls::pki_types::ServerName;
use secrecy::ExposeSecret;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::way::{Broken, Steps, Way};

/// The identifier of the connection, as the broker shows it.
const NAME: &str = "brokerd-test-message";

/// Sends and receives.
pub(super) async fn send(way: Way) -> Result<Steps, Broken> {
    let Way { host, port: _, address, tls, username, password } = way;
    let stream = TcpStream::connect(address).await.map_err(Broken::at("connect"))?;
    let _ = stream.set_nodelay(true);
    // Two connections at a time must differ, and so do their near ends.
    let near = stream.local_addr().map_err(Broken::at("connect"))?;
    let name = ServerName::try_from(host.clone()).map_err(Broken::at("connect by TLS"))?;
    let stream = TlsConnector::from(tls).connect(name, stream).await;
    let stream = stream.map_err(Broken::at("connect by TLS"))?;
    let profile = SaslProfile::Plain { username, password: password.expose_secret().to_owned() };
    let mut connection = Connection::builder()
        .container_id(format!("{NAME}-{near}"))
        .hostname(Some(host.as_str()))
        .sasl_profile(profile)
        .open_with_stream(stream)
        .await
        .map_err(Broken::at("log in"))?;
    let connected = Instant::now();
    let exchanged = exchange(&mut connection, connected).await;
    // The queue goes with the connection.
    let _ = connection.close().await;
    exchanged
}

async fn exchange(
    connection: &mut ConnectionHandle<()>,
    connected: Instant,
) -> Result<Steps, Broken> {
    let mut session = Session::begin(connection).await.map_err(Broken::at("begin a session"))?;
    let temporary = Source::builder().dynamic(true).build();
    let mut receiver = Receiver::builder()
        .name(format!("{NAME}-receiver"))
        .source(temporary)
        .attach(&mut session)
        .await
        .map_err(Broken::at("make a temporary queue"))?;
    let none = || Broken { step: "make a temporary queue", why: "it has no name".to_owned() };
    let queue = receiver.source().as_ref().and_then(|source| source.address.clone());
    let queue = queue.ok_or_else(none)?;
    let mut sender = Sender::attach(&mut session, format!("{NAME}-sender"), queue)
        .await
        .map_err(Broken::at("publish"))?;
    let confirmed = async {
        let outcome = sender.send(NAME).await.map_err(Broken::at("be confirmed"))?;
        outcome
            .accepted_or_else(|outcome| format!("{outcome:?}"))
            .map_err(Broken::at("be confirmed"))?;
        Ok(Instant::now())
    };
    let received = async {
        let delivery = receiver.recv::<Value>().await.map_err(Broken::at("come back"))?;
        let received = Instant::now();
        receiver.accept(&delivery).await.map_err(Broken::at("be acknowledged"))?;
        Ok(received)
    };
    let (confirmed, received) = tokio::try_join!(confirmed, received)?;
    let _ = sender.close().await;
    let _ = receiver.close().await;
    let _ = session.end().await;
    Ok(Steps { connected, confirmed, received })
}
