//! Those who are served meanwhile.

use std::{
    io::{Read, Write},
    net::TcpStream,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use brokerd_tests::{PASSWORD, USER, World};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    pki_types::{CertificateDer, pem::PemObject as _},
};

/// How long an honest client may wait for anything on a busy machine.
pub(crate) const SERVED_WITHIN: Duration = Duration::from_secs(15);

/// The API answers its owner; how long that took.
pub(crate) fn api_answers(world: &World) -> Result<Duration> {
    let begun = Instant::now();
    world.api.list().context("the API does not serve others")?;
    Ok(begun.elapsed())
}

/// The owner of a broker logs in at its endpoint of that scheme (`amqps`, `stomp+ssl`), on a connection of its own;
/// how long that took.
pub(crate) fn logs_in(world: &World, broker: &str, scheme: &str) -> Result<Duration> {
    let url = world.api.endpoint(broker, scheme)?;
    let begun = Instant::now();
    log_in(&url, &world.ca()).with_context(|| format!("{url} does not serve others"))?;
    Ok(begun.elapsed())
}

fn log_in(url: &str, ca: &Path) -> Result<()> {
    let (scheme, address) = url.split_once("://").context("no scheme")?;
    let mut stream = connect(address, ca)?;
    match scheme {
        "amqps" => amqp(&mut stream),
        "stomp+ssl" => stomp(&mut stream),
        other => bail!("nobody here speaks {other}"),
    }
}

/// A connection by TLS to `host:port`, whose handshake begins with what is written first.
pub(crate) fn connect(
    address: &str,
    ca: &Path,
) -> Result<StreamOwned<ClientConnection, TcpStream>> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&std::fs::read(ca)?) {
        roots.add(certificate?)?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let address: std::net::SocketAddr = address.parse()?;
    let tcp = TcpStream::connect_timeout(&address, SERVED_WITHIN)?;
    tcp.set_read_timeout(Some(SERVED_WITHIN))?;
    tcp.set_write_timeout(Some(SERVED_WITHIN))?;
    let connection = ClientConnection::new(Arc::new(config), address.ip().into())?;
    Ok(StreamOwned::new(connection, tcp))
}

fn stomp(stream: &mut (impl Read + Write)) -> Result<()> {
    let frame = format!(
        "CONNECT\naccept-version:1.2\nhost:localhost\nlogin:{USER}\npasscode:{PASSWORD}\n\n\0"
    );
    stream.write_all(frame.as_bytes())?;
    let mut answer = vec![0; 9];
    stream.read_exact(&mut answer)?;
    ensure!(answer == b"CONNECTED", "{:?}", String::from_utf8_lossy(&answer));
    Ok(())
}

/// AMQP 0-9-1 up to `connection.tune`, which comes after the login.
fn amqp(stream: &mut (impl Read + Write)) -> Result<()> {
    stream.write_all(b"AMQP\x00\x00\x09\x01")?;
    ensure!(method(stream)? == (10, 10), "connection.start was expected");
    let response = format!("\0{USER}\0{PASSWORD}");
    // connection.start-ok: no properties, mechanism, response, locale.
    let mut payload = vec![0, 10, 0, 11, 0, 0, 0, 0, 5];
    payload.extend_from_slice(b"PLAIN");
    payload.extend_from_slice(&u32::try_from(response.len())?.to_be_bytes());
    payload.extend_from_slice(response.as_bytes());
    payload.extend_from_slice(b"\x05en_US");
    let mut frame = vec![1, 0, 0];
    frame.extend_from_slice(&u32::try_from(payload.len())?.to_be_bytes());
    frame.extend_from_slice(&payload);
    frame.push(0xce);
    stream.write_all(&frame)?;
    let tune = method(stream)?;
    ensure!(tune == (10, 30), "connection.tune was expected, not {tune:?}");
    Ok(())
}

/// Class and method of the next frame.
fn method(stream: &mut impl Read) -> Result<(u8, u8)> {
    let mut head = [0; 7];
    stream.read_exact(&mut head)?;
    ensure!(head[0] == 1, "not a frame with a method: {head:?}");
    let size = u32::from_be_bytes([head[3], head[4], head[5], head[6]]);
    let mut rest = vec![0; usize::try_from(size)? + 1];
    stream.read_exact(&mut rest)?;
    ensure!(rest.len() > 4, "no method in {rest:?}");
    Ok((rest[1], rest[3]))
}
