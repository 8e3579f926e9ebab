//! Plain HTTP to brokerd, byte by byte, for what no SDK shows.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use anyhow::{Context, Result};

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers, as they came.
    pub head: String,
    /// The body.
    pub body: String,
}

impl Answer {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .find_map(|(key, value)| key.eq_ignore_ascii_case(name).then_some(value))
    }
}

/// One request on a connection of its own.
///
/// # Errors
/// When nobody answers in HTTP.
pub fn request(
    address: &str,
    method: &str,
    path: &str,
    headers: &[(String, String)],
    body: &str,
) -> Result<Answer> {
    let mut stream =
        TcpStream::connect(address).with_context(|| format!("can't connect to {address}"))?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    let mut text = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    if !body.is_empty() {
        text.push_str(&format!(
            "Content-Type: application/json\r\nContent-Length: {}\r\n",
            body.len()
        ));
    }
    text.push_str("\r\n");
    text.push_str(body);
    stream.write_all(text.as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let end = answer.windows(4).position(|part| part == b"\r\n\r\n");
    let (head, body) = answer.split_at(end.context("the answer has no end of headers")?);
    let head = String::from_utf8_lossy(head).into_owned();
    let status = head.split(' ').nth(1).context("the answer has no status")?.parse()?;
    let mut answer = Answer { status, head, body: String::new() };
    let is_chunked = answer.header("transfer-encoding") == Some("chunked");
    let body = if is_chunked { joined(&body[4..])? } else { body[4..].to_vec() };
    answer.body = String::from_utf8_lossy(&body).into_owned();
    Ok(answer)
}

/// The parts of a body that came in chunks, each behind its size.
fn joined(mut chunks: &[u8]) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end =
            chunks.windows(2).position(|part| part == b"\r\n").context("no size of a chunk")?;
        let size = usize::from_str_radix(std::str::from_utf8(&chunks[..end])?.trim(), 16)?;
        if size == 0 {
            return Ok(body);
        }
        let chunk = chunks.get(end + 2..end + 2 + size).context("a chunk is cut off")?;
        body.extend_from_slice(chunk);
        chunks = chunks.get(end + 4 + size..).context("a chunk without an end")?;
    }
}

/// A GET without headers.
///
/// # Errors
/// When nobody answers in HTTP.
pub fn get(address: &str, path: &str) -> Result<Answer> {
    request(address, "GET", path, &[], "")
}
