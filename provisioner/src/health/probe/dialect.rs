//! What to say in each protocol and which answer only a serving engine gives. Every answer is read
//! as far as it is needed and no further, so its length is bounded.

use std::io;

use brokerd_domain::{EngineType, Protocol};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::health::ProbeTarget;

/// The protocol header of AMQP 0-9-1.
const AMQP_0_9_1: [u8; 8] = *b"AMQP\x00\x00\x09\x01";

/// The protocol header of AMQP 1.0 with SASL in front.
const AMQP_1_0_SASL: [u8; 8] = *b"AMQP\x03\x01\x00\x00";

/// A STOMP login in a version that no broker knows. It is refused with `ERROR` before anybody is
/// logged in, which ActiveMQ notes in two lines of its log; a login without a name takes it five.
const STOMP_CONNECT: &[u8] = b"CONNECT\naccept-version:9.9\nhost:probe\n\n\0";

/// An MQTT login in a version that no broker knows: clean session, keep-alive of 10 s, no client
/// identifier, name or password. It is refused with `CONNACK` before anybody is logged in, which
/// ActiveMQ notes in one line of its log; a login without a name takes it four.
const MQTT_CONNECT: &[u8] = b"\x10\x0c\x00\x04MQTT\x63\x02\x00\x0a\x00\x00";

/// How many line ends may come before a STOMP frame.
const STOMP_LINE_ENDS: usize = 16;

/// Says what has to be said and reads the answer; an error says what came instead.
pub(super) async fn converse<S>(stream: &mut S, target: &ProbeTarget) -> Result<(), String>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    match (target.protocol, target.engine) {
        (Protocol::Amqp, EngineType::RabbitMq) => amqp_0_9_1(stream).await,
        (Protocol::Amqp, EngineType::ActiveMq) => amqp_1_0(stream).await,
        (Protocol::Openwire, _) => openwire(stream).await,
        (Protocol::Stomp, _) => stomp(stream).await,
        (Protocol::Mqtt, _) => mqtt(stream).await,
        (Protocol::Wss, _) => websocket(stream, target).await,
        (
            Protocol::Console
            | Protocol::PrometheusNode1
            | Protocol::PrometheusNode2
            | Protocol::PrometheusNode3,
            _,
        ) => console(stream, target).await,
    }
}

/// `Connection.Start`: a method frame of channel 0, class 10, method 10.
async fn amqp_0_9_1<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S) -> Result<(), String> {
    say(stream, &AMQP_0_9_1).await?;
    let answer: [u8; 11] = hear(stream).await?;
    match answer {
        [1, 0, 0, _, _, _, _, 0, 10, 0, 10] => Ok(()),
        other => Err(unexpected("Connection.Start", &other)),
    }
}

/// The same header, then a SASL frame that lists the mechanisms.
async fn amqp_1_0<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S) -> Result<(), String> {
    say(stream, &AMQP_1_0_SASL).await?;
    let header: [u8; 8] = hear(stream).await?;
    if header != AMQP_1_0_SASL {
        return Err(unexpected("a SASL header", &header));
    }
    // Size, offset of the body in words, type 1 for SASL, two bytes of no meaning, then the
    // descriptor of sasl-mechanisms.
    let frame: [u8; 11] = hear(stream).await?;
    match frame {
        [_, _, _, _, 2, 1, _, _, 0x00, 0x53, 0x40] => Ok(()),
        other => Err(unexpected("SASL mechanisms", &other)),
    }
}

/// `WireFormatInfo`, which the broker sends without being asked: size, type 1, magic.
async fn openwire<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S) -> Result<(), String> {
    let answer: [u8; 13] = hear(stream).await?;
    if answer[4] == 1 && &answer[5..] == b"ActiveMQ" {
        Ok(())
    } else {
        Err(unexpected("WireFormatInfo", &answer))
    }
}

/// A `CONNECTED` or an `ERROR` frame.
async fn stomp<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S) -> Result<(), String> {
    say(stream, STOMP_CONNECT).await?;
    let mut first = [b'\n'];
    for _ in 0..STOMP_LINE_ENDS {
        first = hear(stream).await?;
        if !matches!(first, [b'\n' | b'\r']) {
            break;
        }
    }
    match first {
        [b'C'] => {
            let rest: [u8; 8] = hear(stream).await?;
            if &rest == b"ONNECTED" { Ok(()) } else { Err(unexpected("CONNECTED", &rest)) }
        }
        [b'E'] => {
            let rest: [u8; 4] = hear(stream).await?;
            if &rest == b"RROR" { Ok(()) } else { Err(unexpected("ERROR", &rest)) }
        }
        other => Err(unexpected("a STOMP frame", &other)),
    }
}

/// `CONNACK` with any code.
async fn mqtt<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S) -> Result<(), String> {
    say(stream, MQTT_CONNECT).await?;
    let answer: [u8; 4] = hear(stream).await?;
    match answer {
        [0x20, 2, 0 | 1, _] => Ok(()),
        other => Err(unexpected("CONNACK", &other)),
    }
}

/// A switch to WebSocket.
async fn websocket<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    target: &ProbeTarget,
) -> Result<(), String> {
    let request = format!(
        "GET / HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: YnJva2VyZC1wcm9iZS0wMQ==\r\n\
         Sec-WebSocket-Protocol: v12.stomp\r\n\r\n",
        host(target)
    );
    say(stream, request.as_bytes()).await?;
    let answer: [u8; 12] = hear(stream).await?;
    if &answer == b"HTTP/1.1 101" { Ok(()) } else { Err(unexpected("HTTP/1.1 101", &answer)) }
}

/// Any answer of a web server but an error of its own.
async fn console<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    target: &ProbeTarget,
) -> Result<(), String> {
    let request = format!("GET / HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", host(target));
    say(stream, request.as_bytes()).await?;
    let answer: [u8; 12] = hear(stream).await?;
    let (version, code) = answer.split_at(9);
    match code {
        [b'1'..=b'4', b'0'..=b'9', b'0'..=b'9'] if version == b"HTTP/1.1 " => Ok(()),
        _ => Err(unexpected("an HTTP status below 500", &answer)),
    }
}

fn host(target: &ProbeTarget) -> String {
    let name = &target.server_name;
    if name.contains(':') { format!("[{name}]") } else { name.clone() }
}

async fn say<S: AsyncWrite + Unpin>(stream: &mut S, words: &[u8]) -> Result<(), String> {
    stream.write_all(words).await.map_err(|error| reason(&error))?;
    stream.flush().await.map_err(|error| reason(&error))
}

async fn hear<const N: usize, S: AsyncRead + Unpin>(stream: &mut S) -> Result<[u8; N], String> {
    let mut words = [0; N];
    stream.read_exact(&mut words).await.map_err(|error| reason(&error))?;
    Ok(words)
}

fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::BrokenPipe => "closed the connection without an answer".to_owned(),
        _ => format!("the connection broke: {error}"),
    }
}

fn unexpected(wanted: &str, answer: &[u8]) -> String {
    format!("answered {} instead of {wanted}", answer.escape_ascii())
}
