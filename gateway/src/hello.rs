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

/// More than any ClientHello, those with keys against quantum computers and long tickets included.
const LONGEST: usize = 16 * 1024;
/// What most take.
const USUAL: usize = 2 * 1024;

/// A fatal alert `unrecognized_name`.
///
/// Source: RFC 8446, section 6, and RFC 6066, section 3; the version is that of every first record.
pub(crate) const UNRECOGNIZED_NAME: [u8; 7] = [21, 3, 3, 0, 2, 2, 112];

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
