//! What strangers say to engines before they have logged in: sizes that nothing follows, sizes below zero,
//! headers without an end, commands that only those may give who have logged in. Whatever they announce, the
//! engine is not started anew, and others are served.

use std::{
    io::Write as _,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use anyhow::{Context as _, Result, ensure};
use brokerd_tests::{NewBroker, TIMEOUT, World, docker, retry, scenario};

use crate::hostile::{
    others::{connect, logs_in},
    strangers::{Strangers, Way},
};

/// As many as the smallest type permits for a protocol, but for those who are served.
const ALL_PLACES: usize = 290;
/// How many come with the other openings, in turn.
const SOME: usize = 48;

/// What ActiveMQ's version is sent over OpenWire: an announced size, and what follows.
fn openwire() -> Vec<Vec<u8>> {
    let command = |body: &[u8]| [&size(body.len()), body].concat();
    let format = |rest: &[u8]| {
        let mut body = b"\x01ActiveMQ\0\0\0\x0c".to_vec();
        body.extend_from_slice(rest);
        body
    };
    let negotiated = command(&format(b"\0"));
    vec![
        size(104_857_600 - 1).to_vec(),
        size(65_536).iter().chain(&[1; 65_000]).copied().collect(),
        0x7fff_ffff_u32.to_be_bytes().to_vec(),
        (-1_i32).to_be_bytes().to_vec(),
        size(0).to_vec(),
        // CVE-2025-27533: 27 bytes, of which the last but five say that two gigabytes follow.
        [&size(23)[..], &format(b"\x01\x7f\xff\xff\xff\0\0\0\0\0")].concat(),
        // A map of a thousand million properties, and one inside a property.
        command(&format(b"\x01\0\0\0\x04\x40\0\0\0")),
        command(&format(b"\x01\0\0\0\x0b\0\0\0\x01\0\x01a\x0b\x7f\xff\xff\xff")),
        // What another broker says of itself, a connection that holds objects in objects, a message, an error.
        [&negotiated[..], &command(&[&[2][..], &[1; 60_000]].concat())].concat(),
        [
            &negotiated[..],
            &command(&[&b"\x03\0\0\0\x01\x01"[..], &b"\x01\x02\x7f\xff".repeat(8_000)].concat()),
        ]
        .concat(),
        [&negotiated[..], &command(&[&[24][..], &[0; 40]].concat())].concat(),
        command(&[&[31][..], &[0; 40]].concat()),
    ]
}

/// Over AMQP 1.0.
fn amqp() -> Vec<Vec<u8>> {
    let sasl = |rest: &[u8]| [&b"AMQP\x03\x01\0\0"[..], rest].concat();
    vec![
        sasl(&size(104_857_600 - 1)),
        sasl(&[&size(65_536)[..], &[0; 65_000]].concat()),
        sasl(&(-5_i32).to_be_bytes()),
        sasl(&size(0)),
        sasl(&[&size(3)[..], &[0; 32]].concat()),
        sasl(&0x7fff_ffff_u32.to_be_bytes()),
        vec![0xff; 64],
    ]
}

/// Over STOMP.
fn stomp() -> Vec<Vec<u8>> {
    vec![
        b"SEND\ndestination:/queue/a\ncontent-length:104857600\n\n".to_vec(),
        b"CONNECT\ncontent-length:104857600\n\n".to_vec(),
        b"SEND\ndestination:/queue/a\ncontent-length:-5\n\n\0".to_vec(),
        [&b"CONNECT\n"[..], &b"a:b\n".repeat(17_000)].concat(),
        [&b"CONNECT\na:"[..], &[b'x'; 70_000]].concat(),
        vec![b'\n'; 70_000],
        vec![0xff; 70_000],
    ]
}

/// Over MQTT.
fn mqtt() -> Vec<Vec<u8>> {
    vec![
        b"\x10\xff\xff\xff\x7f".to_vec(),
        [&b"\x10\x80\x80\x04"[..], &[0; 65_000]].concat(),
        b"\x10\xff\xff\xff\xff\xff\xff\xff\xff\x7f".to_vec(),
        b"\x10\0".to_vec(),
        b"\x30\xff\xff\xff\x7f".to_vec(),
    ]
}

/// In WebSockets: the request for one, and frames in it.
fn websocket() -> Vec<Vec<u8>> {
    let upgrade = |protocol: &str| {
        format!(
            "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: {protocol}\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        .into_bytes()
    };
    // Less than 126 bytes, with the mask 0; the first byte is 129 for text and 130 for the rest.
    let frame = |kind: u8, data: &[u8]| {
        let length = 0x80 | u8::try_from(data.len()).unwrap_or(0);
        [&[kind, length, 0, 0, 0, 0][..], data].concat()
    };
    let (text, binary) = (0x81, 0x82);
    let huge = [&[binary, 0xff][..], &(1_u64 << 62).to_be_bytes()].concat();
    vec![
        [upgrade("mqtt"), frame(binary, b"\x10\xff\xff\xff\x7f")].concat(),
        [
            upgrade("v12.stomp"),
            frame(text, b"SEND\ndestination:/queue/a\ncontent-length:104857600\n\n\0"),
        ]
        .concat(),
        [upgrade("v12.stomp"), frame(text, b"SEND\ncontent-length:-9\n\n\0")].concat(),
        [upgrade("amqp"), frame(binary, b"AMQP\x03\x01\0\0"), frame(binary, &size(104_857_600))]
            .concat(),
        [upgrade("mqtt"), huge].concat(),
        [&b"GET / HTTP/1.1\r\n"[..], &b"a: b\r\n".repeat(10_000)].concat(),
    ]
}

/// To RabbitMQ: AMQP 0-9-1 and 1.0.
fn amqp_091() -> Vec<Vec<u8>> {
    let begun = |rest: &[u8]| [&b"AMQP\0\0\x09\x01"[..], rest].concat();
    vec![
        begun(b"\x01\0\0\xff\xff\xff\xff"),
        begun(b"\x01\0\0\x7f\xff\xff\xff"),
        begun(b"\x01\0\0\0\0\0\0"),
        // connection.start-ok whose table of properties says that it has four gigabytes.
        begun(b"\x01\0\0\0\0\0\x08\0\x0a\0\x0b\xff\xff\xff\xff\xce"),
        begun(&[&b"\x01\0\0\0\x01\0\0"[..], &[0xff; 65_000]].concat()),
        [&b"AMQP\x03\x01\0\0"[..], &size(0x7fff_ffff)].concat(),
        [&b"AMQP\x03\x01\0\0"[..], &size(0)].concat(),
        vec![0xff; 70_000],
    ]
}

fn size(bytes: usize) -> [u8; 4] {
    u32::try_from(bytes).unwrap_or(u32::MAX).to_be_bytes()
}

/// An engine before an attack.
struct Untouched<'a> {
    world: &'a World,
    broker: String,
    scheme: &'static str,
    script: &'static str,
    since: String,
}

impl<'a> Untouched<'a> {
    fn of(
        world: &'a World,
        broker: &str,
        scheme: &'static str,
        script: &'static str,
    ) -> Result<Self> {
        let since = docker::container_of(broker)?.started()?;
        Ok(Self { world, broker: broker.to_owned(), scheme, script, since })
    }

    /// A client logs in, and the engine is the one that was there.
    fn serves(&self) -> Result<()> {
        logs_in(self.world, &self.broker, self.scheme)?;
        self.lives()
    }

    fn lives(&self) -> Result<()> {
        let container = docker::container_of(&self.broker)?;
        ensure!(container.running(), "the engine has ended");
        ensure!(container.started()? == self.since, "the engine was started anew");
        Ok(())
    }

    /// A message passes, and nothing that strangers said made the engine print how it got there.
    fn passes_messages(&self) -> Result<()> {
        // Strangers who have left count among an engine's connections until it notices.
        let messenger = self.world.messenger(self.script, &self.broker, self.scheme)?;
        let mut queues = (1..).map(|number: u32| format!("meanwhile-{number}"));
        retry("a message passes", TIMEOUT, || {
            messenger.round_trip(&queues.next().unwrap_or_default())
        })?;
        self.lives()?;
        let log = docker::log(&docker::container_of(&self.broker)?.id)?;
        let trace = log.lines().find(|line| line.starts_with("\tat "));
        ensure!(trace.is_none(), "a stack trace in the log: {trace:?}");
        Ok(())
    }
}

#[test]
fn no_data_before_the_login_crashes_an_activemq_broker() -> Result<()> {
    scenario("openings at ActiveMQ", &[], |world| {
        let newest = world.api.create(&NewBroker::activemq("newest"))?;
        let older = world.api.create(&NewBroker::activemq("older").version("5.18"))?;
        let mut strangers = Strangers::gather()?;
        for (broker, most) in [(newest, ALL_PLACES), (older, SOME)] {
            world.api.wait_until_running(&broker)?;
            let engine = Untouched::of(world, &broker, "stomp+ssl", "stomp_.py")?;
            for (scheme, openings) in [
                ("ssl", openwire()),
                ("amqp+ssl", amqp()),
                ("stomp+ssl", stomp()),
                ("mqtt+ssl", mqtt()),
                ("wss", websocket()),
            ] {
                let way = Way::tls(&world.api.endpoint(&broker, scheme)?, &world.ca())?;
                // The first one is the largest that is announced.
                for (count, from) in [(most, &openings[..1]), (SOME, &openings[..])] {
                    strangers.come(count, &way, |number| from[number % from.len()].clone())?;
                    engine.serves().with_context(|| format!("{count} at {scheme}"))?;
                    strangers.leave();
                }
            }
            engine.passes_messages()?;
        }
        Ok(())
    })
}

#[test]
fn no_data_before_the_login_crashes_a_rabbitmq_broker() -> Result<()> {
    scenario("openings at RabbitMQ", &[], |world| {
        let broker = world.running(&NewBroker::rabbitmq("orders"))?;
        let engine = Untouched::of(world, &broker, "amqps", "amqp091.py")?;
        let mut strangers = Strangers::gather()?;
        let endpoint = world.api.endpoint(&broker, "amqps")?;
        let endless = vec![[&b"GET / HTTP/1.1\r\n"[..], &b"a: b\r\n".repeat(10_000)].concat()];
        for (url, openings) in
            [(endpoint.clone(), amqp_091()), (world.api.console(&broker)?, endless)]
        {
            let way = Way::tls(&url, &world.ca())?;
            for (count, from) in [(SOME, &openings[..1]), (2 * SOME, &openings[..])] {
                strangers.come(count, &way, |number| from[number % from.len()].clone())?;
                engine.serves().with_context(|| format!("{count} at {url}"))?;
                strangers.leave();
            }
        }
        let updates = new_keys(world, &endpoint)?;
        ensure!(updates > 0, "RabbitMQ takes no new keys, so that nothing was tried");
        engine.serves().context("new keys")?;
        engine.passes_messages()
    })
}

/// Has connections change the keys of TLS 1.3 again and again, as fast as the engine reads: how often that was.
fn new_keys(world: &World, url: &str) -> Result<usize> {
    const CONNECTIONS: usize = 8;
    const UPDATES: usize = 2_000;
    let (_, address) = url.split_once("://").context("no scheme")?;
    let done = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..CONNECTIONS {
            scope.spawn(|| {
                let Ok(mut stream) = connect(address, &world.ca()) else { return };
                if stream.flush().is_err() {
                    return;
                }
                for _ in 0..UPDATES {
                    if stream.conn.refresh_traffic_keys().is_err() || stream.flush().is_err() {
                        return;
                    }
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    Ok(done.into_inner())
}
