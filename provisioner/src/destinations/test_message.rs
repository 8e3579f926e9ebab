//! A message through the endpoint that the broker's clients use: through the gateway, over TLS, with a login, into a
//! temporary queue and out again.
//!
//! It is sent as a client on this host would, and so the broker's security groups have to admit this host. Nothing here
//! knows where the engine really is.

mod amqp_0_9_1;
mod amqp_1_0;
mod way;

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use brokerd_domain::{
    EngineType, Protocol,
    destination::{EngineAnswer, RefusalKind, TestedEndpoint},
};
use tokio::{
    net::{UdpSocket, lookup_host},
    time::timeout,
};

use self::way::{Broken, Way};
use super::{
    activemq,
    engine::{Engine, Failure},
};
use crate::reconcile::Measurable;

/// How much of the time is for what follows the message.
const TO_LEAVE: Duration = Duration::from_millis(300);

/// Sends a message and receives it.
pub(super) async fn send(
    engine: &Engine<'_>,
    broker: &Measurable,
) -> Result<EngineAnswer, Failure> {
    let kind = broker.broker.spec.engine_type;
    let instance = broker.broker.instances.first();
    let endpoint = instance.and_then(|instance| {
        let endpoint = instance.endpoints.iter().find(|e| e.protocol == Protocol::Amqp)?;
        Some((instance.host.clone(), endpoint.port, endpoint.url(kind, &instance.host)))
    });
    let console = broker.running.iter().find_map(|instance| instance.console.as_ref());
    let (Some((host, port, url)), Some(console)) = (endpoint, console) else {
        return Err(Failure::NotSent("it has no endpoint of AMQP".to_owned()));
    };
    let tls = engine.probe.tls_client(&console.authority_pem).map_err(Failure::NotSent)?;
    let (username, password) = match kind {
        EngineType::ActiveMq => {
            let login = activemq::test_login(engine).await?;
            (login.username, login.password)
        }
        EngineType::RabbitMq => (engine.login.username.to_owned(), engine.login.password.clone()),
    };
    let left = engine.left().saturating_sub(TO_LEAVE);
    let began = Instant::now();
    let tested = timeout(left, async {
        let address = resolve(&host, port).await?;
        let source = source(address).await;
        let way = Way { host, port, address, tls, username, password };
        let steps = match kind {
            EngineType::ActiveMq => amqp_1_0::send(way).await?,
            EngineType::RabbitMq => amqp_0_9_1::send(way).await?,
        };
        Ok((source, steps))
    });
    let failed = |Broken { step, why }: Broken| {
        Failure::refused(
            RefusalKind::Conflict,
            format!(
                "The test message did not get through [{url}]: it failed to {step}: {why}. The broker's security groups must admit the host of brokerd."
            ),
        )
    };
    match tested.await {
        Err(_) => Err(failed(Broken { step: "come back", why: "it took too long".to_owned() })),
        Ok(Err(broken)) => Err(failed(broken)),
        Ok(Ok((source_address, steps))) => {
            let millis = |from: Instant, to: Instant| {
                let micros = to.saturating_duration_since(from).as_micros();
                u32::try_from(micros).map_or(f64::MAX, |micros| f64::from(micros) / 1000.0)
            };
            Ok(EngineAnswer::Tested(TestedEndpoint {
                endpoint: url,
                protocol: match kind {
                    EngineType::ActiveMq => "AMQP 1.0".to_owned(),
                    EngineType::RabbitMq => "AMQP 0-9-1".to_owned(),
                },
                source_address,
                connect_millis: millis(began, steps.connected),
                publish_millis: millis(steps.connected, steps.confirmed),
                deliver_millis: millis(steps.confirmed, steps.received),
                total_millis: millis(began, steps.received.max(steps.confirmed)),
            }))
        }
    }
}

async fn resolve(host: &str, port: u16) -> Result<SocketAddr, Broken> {
    let mut found = lookup_host((host, port)).await.map_err(Broken::at("find the host"))?;
    let none = || Broken { step: "find the host", why: "it has no address".to_owned() };
    found.next().ok_or_else(none)
}

/// The address from which this host speaks to that one.
async fn source(to: SocketAddr) -> String {
    let any = if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let asked = async {
        let socket = UdpSocket::bind(any).await?;
        // Nothing is sent.
        socket.connect(to).await?;
        socket.local_addr()
    };
    asked.await.map_or_else(|_: std::io::Error| String::new(), |address| address.ip().to_string())
}
