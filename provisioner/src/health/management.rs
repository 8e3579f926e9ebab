//! What RabbitMQ's management API says about its nodes.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use secrecy::ExposeSecret;
use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::{Alarm, Login};

/// Most bytes of an answer that are read; three nodes need a few hundred.
const LONGEST: u64 = 64 * 1024;

/// The part of `/api/nodes` that is asked for. Nodes that do not run have none of it.
#[derive(Deserialize)]
struct Node {
    #[serde(default)]
    mem_alarm: Option<bool>,
    #[serde(default)]
    disk_free_alarm: Option<bool>,
}

/// Asks, and reads the answer to its end.
pub(super) async fn alarms<S>(
    stream: &mut S,
    host: &str,
    login: &Login,
) -> Result<Vec<Alarm>, String>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let password = login.password.expose_secret();
    let credentials = BASE64.encode(format!("{}:{password}", login.username));
    // A server of HTTP/1.0 sends no chunks and closes behind its answer.
    let request = format!(
        "GET /api/nodes?columns=name,mem_alarm,disk_free_alarm HTTP/1.0\r\nHost: {host}\r\n\
         Authorization: Basic {credentials}\r\n\r\n"
    );
    let broke = |error: std::io::Error| format!("the connection broke: {error}");
    stream.write_all(request.as_bytes()).await.map_err(broke)?;
    stream.flush().await.map_err(broke)?;
    let mut answer = Vec::new();
    let read = stream.take(LONGEST).read_to_end(&mut answer).await;
    // Closing without a word of TLS about it does not make a whole answer less whole.
    if let Err(error) = read
        && error.kind() != std::io::ErrorKind::UnexpectedEof
    {
        return Err(broke(error));
    }
    parse(&answer)
}

fn parse(answer: &[u8]) -> Result<Vec<Alarm>, String> {
    let end = answer.windows(4).position(|w| w == b"\r\n\r\n").ok_or("the answer has no end")?;
    let status = answer.get(9..12).unwrap_or_default();
    if status != b"200" {
        return Err(format!("answered status {}", status.escape_ascii()));
    }
    let nodes: Vec<Node> = serde_json::from_slice(&answer[end + 4..])
        .map_err(|error| format!("answered what it should not: {error}"))?;
    let mut raised = Vec::new();
    if nodes.iter().any(|node| node.mem_alarm == Some(true)) {
        raised.push(Alarm::Memory);
    }
    if nodes.iter().any(|node| node.disk_free_alarm == Some(true)) {
        raised.push(Alarm::Disk);
    }
    Ok(raised)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(body: &str) -> Result<Vec<Alarm>, String> {
        parse(format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{body}").as_bytes())
    }

    #[test]
    fn an_alarm_of_any_node_is_raised() {
        assert_eq!(answer("[]"), Ok(Vec::new()));
        let calm = r#"{"name": "rabbit@a", "mem_alarm": false, "disk_free_alarm": false}"#;
        assert_eq!(answer(&format!("[{calm}]")), Ok(Vec::new()));
        let memory = calm.replace(r#""mem_alarm": false"#, r#""mem_alarm": true"#);
        let disk = calm.replace(r#""disk_free_alarm": false"#, r#""disk_free_alarm": true"#);
        assert_eq!(answer(&format!("[{calm},{memory}]")), Ok(vec![Alarm::Memory]));
        assert_eq!(answer(&format!("[{disk},{memory}]")), Ok(vec![Alarm::Memory, Alarm::Disk]));
        assert_eq!(answer(r#"[{"name": "rabbit@down"}, {"mem_alarm": null}]"#), Ok(Vec::new()));
    }

    #[test]
    fn what_is_no_answer_is_told() {
        for wrong in [
            &b""[..],
            b"HTTP/1.1 401 Unauthorized\r\n\r\n{}",
            b"HTTP/1.1 200 OK\r\n\r\n{}",
            b"HTTP/1.1 200 OK\r\n\r\n[{\"mem_alarm\": 1}]",
            b"HTTP/1.1 200 OK\r\n",
        ] {
            assert!(parse(wrong).is_err(), "{}", wrong.escape_ascii());
        }
    }
}
