//! Reads the TLS ClientHello of a connection, for its server name.
//!
//! The bytes go on to the engine unchanged: TLS is not terminated here, and nothing behind the ClientHello is read.

use std::io;

use rustls::server::Acceptor;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// The length of a record's header.
const HEADER: usize = 5;
/// The most bytes that are read for a ClientHello; post-quantum key shares and long tickets fit.
const MAX_BYTES: usize = HEADER + MAX_RECORD;
/// Source: RFC 8446, section 5.1.
const MAX_RECORD: usize = 1 << 14;
/// What most ClientHellos need.
const INITIAL_CAPACITY: usize = 2 * 1024;

/// A fatal alert `unrecognized_name`.
///
/// Source: RFC 8446, section 6, and RFC 6066, section 3; the version is that of every first record.
pub(crate) const UNRECOGNIZED_NAME: [u8; 7] = [21, 3, 3, 0, 2, 2, 112];

/// A fatal alert `unexpected_message`.
const UNEXPECTED_MESSAGE: [u8; 7] = [21, 3, 3, 0, 2, 2, 10];

/// A complete ClientHello.
#[derive(Debug)]
pub(crate) struct ClientHello {
    /// The server name, in lower case, if it has one.
    pub(crate) name: Option<String>,
    /// All bytes that were read.
    pub(crate) bytes: Vec<u8>,
}

/// Why there is no ClientHello.
#[derive(Debug)]
pub(crate) enum NoHello {
    /// The client closed its connection.
    Ended,
    /// The client sent something else; the TLS alert for it.
    Malformed(Vec<u8>),
}

/// Reads the first record of a TLS connection, which begins with a ClientHello, and what came with it. The caller sets the
/// deadline.
pub(crate) async fn first_record(client: &mut TcpStream) -> Result<Vec<u8>, NoHello> {
    let mut bytes = Vec::with_capacity(INITIAL_CAPACITY);
    loop {
        let room = u64::try_from(MAX_BYTES - bytes.len()).unwrap_or_default();
        let read = (&mut *client).take(room).read_buf(&mut bytes).await;
        if !matches!(read, Ok(1..)) {
            return Err(NoHello::Ended);
        }
        match is_complete(&bytes) {
            Some(true) => return Ok(bytes),
            Some(false) => {}
            None => return Err(NoHello::Malformed(UNEXPECTED_MESSAGE.to_vec())),
        }
    }
}

/// Whether `bytes` hold a complete first record; none if they are no TLS.
fn is_complete(bytes: &[u8]) -> Option<bool> {
    /// Handshake, version 3 of whatever it was called, ClientHello.
    const FIXED: [(usize, u8); 3] = [(0, 22), (1, 3), (HEADER, 1)];
    if FIXED.iter().any(|(at, byte)| bytes.get(*at).is_some_and(|found| found != byte)) {
        return None;
    }
    let &[_, _, _, high, low, ..] = bytes else { return Some(false) };
    let length = usize::from(u16::from_be_bytes([high, low]));
    (1..=MAX_RECORD).contains(&length).then(|| bytes.len() >= HEADER + length)
}

/// Reads a ClientHello, however it is split into records and packets.
pub(crate) async fn read(client: &mut TcpStream) -> Result<ClientHello, NoHello> {
    let mut acceptor = Acceptor::default();
    let mut bytes = Vec::with_capacity(INITIAL_CAPACITY);
    loop {
        let parsed = bytes.len();
        let room = u64::try_from(MAX_BYTES - parsed).unwrap_or_default();
        if room == 0 {
            return Err(NoHello::Malformed(Vec::new()));
        }
        let read = (&mut *client).take(room).read_buf(&mut bytes).await;
        if !matches!(read, Ok(1..)) {
            return Err(NoHello::Ended);
        }
        feed(&mut acceptor, &bytes[parsed..]).map_err(|_| NoHello::Malformed(Vec::new()))?;
        match acceptor.accept() {
            Ok(None) => {}
            Ok(Some(accepted)) => {
                let name = accepted.client_hello().server_name().map(str::to_ascii_lowercase);
                return Ok(ClientHello { name, bytes });
            }
            Err((_, mut alert)) => {
                let mut bytes = Vec::new();
                // Writing to a vector can't fail.
                let _ = alert.write_all(&mut bytes);
                return Err(NoHello::Malformed(bytes));
            }
        }
    }
}

fn feed(acceptor: &mut Acceptor, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        if acceptor.read_tls(&mut bytes)? == 0 {
            break;
        }
    }
    Ok(())
}

/// Sends an alert and waits until the client closes, because closing a socket with unread bytes resets the connection and
/// drops the alert. The caller sets the deadline.
pub(crate) async fn close_with_alert(mut client: TcpStream, alert: &[u8]) {
    if client.write_all(alert).await.is_ok() && client.shutdown().await.is_ok() {
        let mut rest = [0; 1024];
        while matches!(client.read(&mut rest).await, Ok(1..)) {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_record_is_recognised_by_its_first_bytes() {
        let whole = [22, 3, 1, 0, 2, 1, 0];
        for end in 0..whole.len() {
            assert_eq!(is_complete(&whole[..end]), Some(false), "{end}");
        }
        assert_eq!(is_complete(&whole), Some(true));
        assert_eq!(is_complete(&[&whole[..], b"more"].concat()), Some(true));
        assert_eq!(is_complete(&[22, 3, 4, 0x40, 0, 1]), Some(false), "the longest");
        for other in [
            &b"GET / HTTP/1.1"[..],
            b"AMQP",
            &[21, 3, 3, 0, 2],
            &[22, 2],
            &[22, 3, 1, 0, 0],
            &[22, 3, 1, 0x40, 1],
            &[22, 3, 1, 0, 2, 2],
        ] {
            assert_eq!(is_complete(other), None, "{other:?}");
        }
    }
}
