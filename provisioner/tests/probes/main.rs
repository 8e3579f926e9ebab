//! The wire probe against servers that answer right, wrong, half, or not at all, and against real
//! engines where there is a Docker engine.

#[expect(dead_code, unreachable_pub, reason = "each program uses a part of it")]
#[path = "../example/mod.rs"]
mod example;
mod live;

use std::{
    future::Future,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use brokerd_domain::{EngineType, Protocol};
use brokerd_provisioner::{
    health::{Probe, ProbeTarget, WireProbe},
    plan::ProbeOutcome,
};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::{
    ServerConfig,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

const DEADLINE: Duration = Duration::from_secs(5);
const SHORT: Duration = Duration::from_millis(300);

/// An authority and what a server needs that it issued a certificate for.
struct Authority {
    pem: Arc<str>,
    acceptor: TlsAcceptor,
}

fn authority(server_name: &str) -> Authority {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_key = KeyPair::generate().expect("key");
    let pem: Arc<str> = params.self_signed(&authority_key).expect("authority").pem().into();
    let issuer = Issuer::new(params, authority_key);
    let key = KeyPair::generate().expect("key");
    let names = vec![server_name.to_owned()];
    let certificate = CertificateParams::new(names)
        .expect("names")
        .signed_by(&key, &issuer)
        .expect("certificate");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .expect("server");
    Authority { pem, acceptor: TlsAcceptor::from(Arc::new(config)) }
}

async fn listen<F>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> SocketAddr
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
    let address = listener.local_addr().expect("address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    address
}

/// What a server does once it has read the whole of what it was sent.
#[derive(Clone, Copy)]
enum Then {
    Stay,
    Close,
}

/// A server that reads until it has seen `request`, says `answer`, and stays or closes.
async fn server(
    authority: &Authority,
    request: &'static [u8],
    answer: &'static [u8],
    then: Then,
) -> SocketAddr {
    let acceptor = authority.acceptor.clone();
    listen(move |stream| {
        let acceptor = acceptor.clone();
        async move {
            let Ok(mut stream): Result<TlsStream<TcpStream>, _> = acceptor.accept(stream).await
            else {
                return;
            };
            let mut heard = Vec::new();
            while !heard.windows(request.len().max(1)).any(|part| part == request)
                && !request.is_empty()
            {
                let mut byte = [0];
                if stream.read_exact(&mut byte).await.is_err() {
                    return;
                }
                heard.push(byte[0]);
            }
            if stream.write_all(answer).await.is_err() || stream.flush().await.is_err() {
                return;
            }
            if let Then::Stay = then {
                let _ = stream.read(&mut [0; 64]).await;
                tokio::time::sleep(DEADLINE).await;
            }
        }
    })
    .await
}

fn target(
    engine: EngineType,
    protocol: Protocol,
    address: SocketAddr,
    authority: &Authority,
) -> ProbeTarget {
    ProbeTarget {
        engine,
        protocol,
        address,
        server_name: "localhost".to_owned(),
        authority_pem: authority.pem.clone(),
    }
}

/// Each dialect: what must be in the request, and the shortest proper answer.
const DIALECTS: [(EngineType, Protocol, &[u8], &[u8]); 11] = {
    use EngineType::{ActiveMq, RabbitMq};
    [
        (
            RabbitMq,
            Protocol::Amqp,
            b"AMQP\x00\x00\x09\x01",
            b"\x01\x00\x00\x00\x00\x02\x15\x00\x0a\x00\x0a",
        ),
        (
            ActiveMq,
            Protocol::Amqp,
            b"AMQP\x03\x01\x00\x00",
            b"AMQP\x03\x01\x00\x00\x00\x00\x00\x1f\x02\x01\x00\x00\x00\x53\x40",
        ),
        (ActiveMq, Protocol::Openwire, b"", b"\x00\x00\x01\x4b\x01ActiveMQ\x00\x00\x00\x0c"),
        (ActiveMq, Protocol::Stomp, b"CONNECT\n", b"CONNECTED\nversion:1.2\n\n\0"),
        (ActiveMq, Protocol::Stomp, b"\n\n\0", b"\n\r\nERROR\nmessage:no\n\n\0"),
        (ActiveMq, Protocol::Mqtt, b"MQTT\x63", b"\x20\x02\x00\x00"),
        (ActiveMq, Protocol::Mqtt, b"\x00\x0a\x00\x00", b"\x20\x02\x00\x05"),
        (ActiveMq, Protocol::Wss, b"\r\n\r\n", b"HTTP/1.1 101 Switching Protocols\r\n"),
        (
            RabbitMq,
            Protocol::Console,
            b"GET / HTTP/1.1\r\nHost: localhost\r\n",
            b"HTTP/1.1 200 OK\r\n",
        ),
        (ActiveMq, Protocol::Console, b"\r\n\r\n", b"HTTP/1.1 401 Unauthorized\r\n"),
        (ActiveMq, Protocol::Console, b"\r\n\r\n", b"HTTP/1.1 302\r\n"),
    ]
};

#[tokio::test]
async fn a_proper_answer_is_one_in_every_protocol() {
    let authority = authority("localhost");
    let probe = WireProbe::default();
    for (engine, protocol, request, answer) in DIALECTS {
        for then in [Then::Stay, Then::Close] {
            let address = server(&authority, request, answer, then).await;
            let begun = Instant::now();
            let outcome =
                probe.probe(&target(engine, protocol, address, &authority), DEADLINE).await;
            assert_eq!(outcome, ProbeOutcome::Answered, "{engine:?} {protocol}");
            assert!(begun.elapsed() < DEADLINE, "{protocol} took {:?}", begun.elapsed());
        }
    }
}

#[tokio::test]
async fn a_wrong_answer_is_refused() {
    let authority = authority("localhost");
    let probe = WireProbe::default();
    for (engine, protocol, request, _) in DIALECTS {
        let wrong = b"SSH-2.0-OpenSSH_9.2p1 and so on, for as long as somebody may want to listen";
        let address = server(&authority, request, wrong, Then::Stay).await;
        let outcome = probe.probe(&target(engine, protocol, address, &authority), DEADLINE).await;
        let ProbeOutcome::Refused(reason) = outcome else { panic!("{protocol}: {outcome:?}") };
        assert!(reason.contains("instead of") && !reason.contains('\n'), "{protocol}: {reason}");
    }
    for (protocol, answer) in [
        (Protocol::Amqp, b"AMQP\x00\x01\x00\x00\x00\x00\x00\x00\x00" as &[u8]),
        (Protocol::Console, b"HTTP/1.1 abc\r\n"),
        (Protocol::Console, b"HTTP/1.1 500 Internal Server Error\r\n"),
        (Protocol::Console, b"HTTP/1.1 503 Service Unavailable\r\n"),
    ] {
        let address = server(&authority, b"", answer, Then::Stay).await;
        let target = target(EngineType::RabbitMq, protocol, address, &authority);
        let outcome = probe.probe(&target, DEADLINE).await;
        assert!(matches!(outcome, ProbeOutcome::Refused(_)), "{protocol}: {outcome:?}");
    }
    // A web server that serves, but no WebSocket.
    let address = server(&authority, b"\r\n\r\n", b"HTTP/1.1 404 Not Found\r\n", Then::Stay).await;
    let target = target(EngineType::ActiveMq, Protocol::Wss, address, &authority);
    assert!(matches!(probe.probe(&target, DEADLINE).await, ProbeOutcome::Refused(_)));
}

#[tokio::test]
async fn half_an_answer_is_none() {
    let authority = authority("localhost");
    let probe = WireProbe::default();
    for (engine, protocol, request, answer) in DIALECTS {
        let half = &answer[..answer.len().min(4) - 1];
        let address = server(&authority, request, half, Then::Close).await;
        let target_closed = target(engine, protocol, address, &authority);
        let outcome = probe.probe(&target_closed, DEADLINE).await;
        let ProbeOutcome::Refused(reason) = outcome else { panic!("{protocol}: {outcome:?}") };
        assert!(reason.contains("closed"), "{protocol}: {reason}");

        let address = server(&authority, request, half, Then::Stay).await;
        let begun = Instant::now();
        let outcome = probe.probe(&target(engine, protocol, address, &authority), SHORT).await;
        assert_eq!(outcome, ProbeOutcome::Silent, "{protocol}");
        assert!(begun.elapsed() < DEADLINE, "{protocol} took {:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn a_proxy_of_a_dead_engine_that_accepts_and_closes_is_refused_at_once() {
    let authority = authority("localhost");
    let address = listen(|stream| async move { drop(stream) }).await;
    let begun = Instant::now();
    for protocol in Protocol::of(EngineType::ActiveMq) {
        let target = target(EngineType::ActiveMq, *protocol, address, &authority);
        let outcome = WireProbe::default().probe(&target, DEADLINE).await;
        assert!(matches!(outcome, ProbeOutcome::Refused(_)), "{protocol}: {outcome:?}");
    }
    assert!(begun.elapsed() < DEADLINE);
}

#[tokio::test]
async fn an_engine_without_an_answer_is_silent_and_a_missing_one_refused() {
    let authority = authority("localhost");
    // As a paused engine: the connection stands, TLS never comes.
    let mute = listen(|stream| async move {
        tokio::time::sleep(DEADLINE).await;
        drop(stream);
    })
    .await;
    let begun = Instant::now();
    let mute = target(EngineType::RabbitMq, Protocol::Amqp, mute, &authority);
    assert_eq!(WireProbe::default().probe(&mute, SHORT).await, ProbeOutcome::Silent);
    assert!(begun.elapsed() < DEADLINE);

    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
    let nobody = listener.local_addr().expect("address");
    drop(listener);
    let nobody = target(EngineType::RabbitMq, Protocol::Amqp, nobody, &authority);
    let outcome = WireProbe::default().probe(&nobody, DEADLINE).await;
    assert!(matches!(outcome, ProbeOutcome::Refused(_)), "{outcome:?}");
}

/// As a published port: it accepts from the start, and closes until its turn has come.
async fn published(engine: SocketAddr, closed: usize) -> (SocketAddr, Arc<AtomicUsize>) {
    let accepted = Arc::new(AtomicUsize::new(0));
    let counted = accepted.clone();
    let address = listen(move |mut stream| {
        let turn = counted.fetch_add(1, Ordering::Relaxed);
        async move {
            if turn >= closed {
                let mut behind = TcpStream::connect(engine).await.expect("connect");
                let _ = tokio::io::copy_bidirectional(&mut stream, &mut behind).await;
            }
        }
    })
    .await;
    (address, accepted)
}

#[tokio::test]
async fn an_engine_that_boots_is_asked_in_every_protocol_until_it_answers() {
    let authority = authority("localhost");
    let mut targets = Vec::new();
    let mut counters = Vec::new();
    for (closed, (engine, protocol, request, answer)) in [3, 5, 0].into_iter().zip(DIALECTS) {
        let engine_address = server(&authority, request, answer, Then::Stay).await;
        let (address, accepted) = published(engine_address, closed).await;
        targets.push(target(engine, protocol, address, &authority));
        counters.push((accepted, closed + 1));
    }
    let outcomes = WireProbe::default().await_answers(&targets, DEADLINE, DEADLINE).await;
    assert_eq!(outcomes, vec![ProbeOutcome::Answered; 3]);
    for (accepted, expected) in counters {
        assert_eq!(accepted.load(Ordering::Relaxed), expected);
    }
}

#[tokio::test]
async fn no_protocol_is_probed_before_the_first_listener_of_a_boot() {
    let authority = authority("localhost");
    let closed = listen(|stream| async move { drop(stream) }).await;
    let (engine, protocol, request, answer) = DIALECTS[0];
    let open = server(&authority, request, answer, Then::Stay).await;
    let (open, accepted) = published(open, 0).await;
    let targets = [
        target(EngineType::ActiveMq, Protocol::Openwire, closed, &authority),
        target(engine, protocol, open, &authority),
    ];
    let begun = Instant::now();
    let outcomes = WireProbe::default().await_answers(&targets, DEADLINE, SHORT).await;
    assert!(matches!(outcomes[..], [ProbeOutcome::Refused(_)]), "{outcomes:?}");
    assert_eq!(accepted.load(Ordering::Relaxed), 0);
    assert!(begun.elapsed() < DEADLINE);
}

#[tokio::test]
async fn only_a_few_of_many_boots_are_waited_for() {
    let authority = authority("localhost");
    let closed = listen(|stream| async move { drop(stream) }).await;
    let closed = [target(EngineType::RabbitMq, Protocol::Amqp, closed, &authority)];
    let probe = WireProbe::default();
    let boots = (0..6).map(|_| async {
        let begun = Instant::now();
        let outcomes = probe.await_answers(&closed, DEADLINE, DEADLINE).await;
        assert!(matches!(outcomes[..], [ProbeOutcome::Refused(_)]), "{outcomes:?}");
        // No other one waits at all; the machine may stand still for a while.
        begun.elapsed() >= DEADLINE - SHORT
    });
    let waited_for = futures_util::future::join_all(boots).await;
    assert_eq!(waited_for.iter().filter(|waited| **waited).count(), 2);
}

#[tokio::test]
async fn an_engine_that_hangs_while_it_boots_is_silent_after_one_deadline() {
    let authority = authority("localhost");
    let mute = listen(|stream| async move {
        tokio::time::sleep(DEADLINE).await;
        drop(stream);
    })
    .await;
    let mute = target(EngineType::ActiveMq, Protocol::Stomp, mute, &authority);
    let begun = Instant::now();
    let outcomes = WireProbe::default().await_answers(&[mute], SHORT, DEADLINE).await;
    assert_eq!(outcomes, [ProbeOutcome::Silent]);
    assert!(begun.elapsed() < DEADLINE);
}

#[tokio::test]
async fn a_handshake_proves_that_the_listener_answers_and_says_nothing_in_the_protocol() {
    let authority = authority("localhost");
    let heard = Arc::new(AtomicUsize::new(0));
    let (acceptor, count) = (authority.acceptor.clone(), heard.clone());
    let quiet = listen(move |stream| {
        let (acceptor, count) = (acceptor.clone(), count.clone());
        async move {
            let Ok(mut stream): Result<TlsStream<TcpStream>, _> = acceptor.accept(stream).await
            else {
                return;
            };
            let mut words = Vec::new();
            let _ = stream.read_to_end(&mut words).await;
            count.fetch_add(words.len(), Ordering::Relaxed);
        }
    })
    .await;
    let mute = listen(|stream| async move {
        tokio::time::sleep(DEADLINE).await;
        drop(stream);
    })
    .await;
    let closed = listen(|stream| async move { drop(stream) }).await;
    let probe = WireProbe::default();
    let amqp = |address| target(EngineType::RabbitMq, Protocol::Amqp, address, &authority);
    assert_eq!(probe.handshake(&amqp(quiet), DEADLINE).await, ProbeOutcome::Answered);
    assert_eq!(heard.load(Ordering::Relaxed), 0);
    assert_eq!(probe.handshake(&amqp(mute), SHORT).await, ProbeOutcome::Silent);
    let refused = probe.handshake(&amqp(closed), DEADLINE).await;
    assert!(matches!(refused, ProbeOutcome::Refused(_)), "{refused:?}");
}

#[tokio::test]
async fn a_certificate_that_clients_would_not_trust_is_refused() {
    let right = authority("localhost");
    let other = authority("localhost");
    let elsewhere = authority("elsewhere.example");
    let (_, _, request, answer) = DIALECTS[0];
    let probe = WireProbe::default();
    let mut targets = Vec::new();
    for (serving, trusted) in [(&other, &right), (&elsewhere, &elsewhere)] {
        let address = server(serving, request, answer, Then::Stay).await;
        targets.push(target(EngineType::RabbitMq, Protocol::Amqp, address, trusted));
    }
    let address = server(&right, request, answer, Then::Stay).await;
    let good = target(EngineType::RabbitMq, Protocol::Amqp, address, &right);
    targets.push(ProbeTarget { authority_pem: "no PEM".into(), ..good.clone() });
    targets.push(ProbeTarget { server_name: "no name".to_owned(), ..good.clone() });
    for target in targets {
        let outcome = probe.probe(&target, DEADLINE).await;
        assert!(matches!(outcome, ProbeOutcome::Refused(_)), "{outcome:?}");
    }
    assert_eq!(probe.probe(&good, DEADLINE).await, ProbeOutcome::Answered);
}
