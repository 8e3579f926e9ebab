//! The beginning of a TLS connection, read for the name that it asks for.
//!
//! What was read goes on to the engine as it came: the connection is not terminated, and nothing behind the
//! ClientHello is looked at.

use std::io;

use rustls::server::Acceptor;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// The head of a record.
const HEAD: usize = 5;
/// More than any ClientHello, those with keys against quantum computers and long tickets included.
const LONGEST: usize = HEAD + LONGEST_RECORD;
/// Source: RFC 8446, section 5.1.
const LONGEST_RECORD: usize = 1 << 14;
/// What most take.
const USUAL: usize = 2 * 1024;

/// A fatal alert `unrecognized_name`.
///
/// Source: RFC 8446, section 6, and RFC 6066, section 3; the version is that of every first record.
pub(crate) const UNRECOGNIZED_NAME: [u8; 7] = [21, 3, 3, 0, 2, 2, 112];

/// A fatal alert `unexpected_message`.
const UNEXPECTED_MESSAGE: [u8; 7] = [21, 3, 3, 0, 2, 2, 10];

/// A complete ClientHello.
#[derive(Debug)]
pub(crate) struct Hello {
    /// The server name, in lower case, if it has one.
    pub(crate) name: Option<String>,
    /// Everything that was read.
    pub(crate) bytes: Vec<u8>,
}

/// Why there is no ClientHello.
#[derive(Debug)]
pub(crate) enum NoHello {
    /// The client left.
    Ended,
    /// This is something else; and what TLS has to say about it.
    Malformed(Vec<u8>),
}

/// Reads the first record of a TLS connection, which begins with a ClientHello, and what came with it.
pub(crate) async fn first_record(client: &mut TcpStream) -> Result<Vec<u8>, NoHello> {
    let mut bytes = Vec::with_capacity(USUAL);
    loop {
        let room = u64::try_from(LONGEST - bytes.len()).unwrap_or_default();
        let read = (&mut *client).take(room).read_buf(&mut bytes).await;
        if !matches!(read, Ok(1..)) {
            return Err(NoHello::Ended);
        }
        match is_whole(&bytes) {
            Some(true) => return Ok(bytes),
            Some(false) => {}
            None => return Err(NoHello::Malformed(UNEXPECTED_MESSAGE.to_vec())),
        }
    }
}

/// Whether this is all of a first record; none if it is the beginning of something else.
fn is_whole(bytes: &[u8]) -> Option<bool> {
    /// Handshake, version 3 of whatever it was called, ClientHello.
    const FIXED: [(usize, u8); 3] = [(0, 22), (1, 3), (HEAD, 1)];
    if FIXED.iter().any(|(at, byte)| bytes.get(*at).is_some_and(|found| found != byte)) {
        return None;
    }
    let &[_, _, _, high, low, ..] = bytes else { return Some(false) };
    let length = usize::from(u16::from_be_bytes([high, low]));
    (1..=LONGEST_RECORD).contains(&length).then(|| bytes.len() >= HEAD + length)
}

/// Reads up to the end of the ClientHello, however it is cut into records and packets.
pub(crate) async fn read(client: &mut TcpStream) -> Result<Hello, NoHello> {
    let mut acceptor = Acceptor::default();
    let mut bytes = Vec::with_capacity(USUAL);
    loop {
        let fed = bytes.len();
        let room = u64::try_from(LONGEST - fed).unwrap_or_default();
        if room == 0 {
            return Err(NoHello::Malformed(Vec::new()));
        }
        let read = (&mut *client).take(room).read_buf(&mut bytes).await;
        if !matches!(read, Ok(1..)) {
            return Err(NoHello::Ended);
        }
        feed(&mut acceptor, &bytes[fed..]).map_err(|_| NoHello::Malformed(Vec::new()))?;
        match acceptor.accept() {
            Ok(None) => {}
            Ok(Some(accepted)) => {
                let name = accepted.client_hello().server_name().map(str::to_ascii_lowercase);
                return Ok(Hello { name, bytes });
            }
            Err((_, mut alert)) => {
                let mut told = Vec::new();
                // A vector takes everything.
                let _ = alert.write_all(&mut told);
                return Err(NoHello::Malformed(told));
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

/// Says the last words to a client that is not served, and waits until it has gone, because a socket that is
/// closed with something unread takes back what was said. Whoever calls it has a deadline.
pub(crate) async fn dismiss(mut client: TcpStream, words: &[u8]) {
    if client.write_all(words).await.is_ok() && client.shutdown().await.is_ok() {
        let mut rest = [0; 1024];
        while matches!(client.read(&mut rest).await, Ok(1..)) {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_record_is_told_by_its_first_bytes() {
        let whole = [22, 3, 1, 0, 2, 1, 0];
        for end in 0..whole.len() {
            assert_eq!(is_whole(&whole[..end]), Some(false), "{end}");
        }
        assert_eq!(is_whole(&whole), Some(true));
        assert_eq!(is_whole(&[&whole[..], b"more"].concat()), Some(true));
        assert_eq!(is_whole(&[22, 3, 4, 0x40, 0, 1]), Some(false), "the longest");
        for other in [
            &b"GET / HTTP/1.1"[..],
            b"AMQP",
            &[21, 3, 3, 0, 2],
            &[22, 2],
            &[22, 3, 1, 0, 0],
            &[22, 3, 1, 0x40, 1],
            &[22, 3, 1, 0, 2, 2],
        ] {
            assert_eq!(is_whole(other), None, "{other:?}");
        }
    }
}
