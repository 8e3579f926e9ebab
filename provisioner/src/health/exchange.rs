//! Calls of engines' own web servers, whose answers have a length and are read as a whole.

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::{HttpAnswer, HttpCall, Login};

/// Most bytes of an answer that are read. A hundred messages of which everything is escaped have as many.
const MAX_BYTES: u64 = 8 * 1024 * 1024;

/// Makes a call, and reads the answer to its end.
pub(super) async fn exchange<S>(
    stream: &mut S,
    host: &str,
    login: &Login,
    call: HttpCall<'_>,
) -> Result<HttpAnswer, String>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let HttpCall { method, path, body, .. } = call;
    let authorization = login.basic_authorization();
    let content = body.map(|body| {
        format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len())
    });
    let content = content.unwrap_or_default();
    // A server of HTTP/1.0 sends no chunks and closes behind its answer.
    let head = format!(
        "{method} {path} HTTP/1.0\r\nHost: {host}\r\nAuthorization: {authorization}\r\n{content}\r\n"
    );
    let mut request = head.into_bytes();
    request.extend_from_slice(body.unwrap_or_default());
    let broke = |error: std::io::Error| format!("the connection broke: {error}");
    stream.write_all(&request).await.map_err(broke)?;
    stream.flush().await.map_err(broke)?;
    let mut answer = Vec::new();
    let read = stream.take(MAX_BYTES).read_to_end(&mut answer).await;
    // A complete answer counts without close_notify.
    if let Err(error) = read
        && error.kind() != std::io::ErrorKind::UnexpectedEof
    {
        return Err(broke(error));
    }
    parse(&answer)
}

fn parse(answer: &[u8]) -> Result<HttpAnswer, String> {
    if u64::try_from(answer.len()).unwrap_or(u64::MAX) >= MAX_BYTES {
        return Err("answered more than is read".to_owned());
    }
    let end = answer.windows(4).position(|w| w == b"\r\n\r\n").ok_or("the answer has no end")?;
    let head = std::str::from_utf8(&answer[..end]).map_err(|_| "answered no text")?;
    let body = &answer[end + 4..];
    let mut lines = head.split("\r\n");
    let first = lines.next().unwrap_or_default();
    let is_http = first.starts_with("HTTP/1.");
    let status = first.split(' ').nth(1).filter(|_| is_http).and_then(|text| text.parse().ok());
    let status = status.ok_or("answered no HTTP")?;
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        let value = value.trim();
        if name.eq_ignore_ascii_case("content-length")
            && value.parse::<usize>().ok() != Some(body.len())
        {
            return Err("the answer was cut off".to_owned());
        }
        if name.eq_ignore_ascii_case("transfer-encoding") {
            return Err("answered in a form that it was not asked for".to_owned());
        }
    }
    Ok(HttpAnswer { status, body: body.to_vec() })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::duplex;

    use super::*;

    fn login() -> Login {
        Login { username: "me", password: "secret".into() }
    }

    #[tokio::test]
    async fn a_call_has_a_login_and_a_body_with_its_length() {
        let (mut here, mut there) = duplex(4096);
        let asked = async {
            let call = HttpCall {
                method: "POST",
                path: "/x?y=%2F",
                body: Some(b"{}"),
                connect_within: Duration::ZERO,
            };
            exchange(&mut here, "host", &login(), call).await
        };
        let told = async {
            let mut request = [0; 1024];
            let read = there.read(&mut request).await.expect("read");
            there.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.expect("written");
            drop(there);
            String::from_utf8_lossy(&request[..read]).into_owned()
        };
        let (answer, request) = tokio::join!(asked, told);
        assert_eq!(answer, Ok(HttpAnswer { status: 204, body: Vec::new() }));
        assert_eq!(
            request,
            "POST /x?y=%2F HTTP/1.0\r\nHost: host\r\nAuthorization: Basic bWU6c2VjcmV0\r\n\
             Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
        );
    }

    #[test]
    fn an_answer_is_whole_or_none() {
        let answer = |text: &str| parse(text.as_bytes());
        let whole = answer("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n[]");
        assert_eq!(whole, Ok(HttpAnswer { status: 200, body: b"[]".to_vec() }));
        for wrong in [
            "",
            "HTTP/1.1 200 OK\r\n",
            "SSH-2.0-x\r\n\r\n",
            "HTTP/1.1 abc\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n[]",
            "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n[]",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n\r\n",
        ] {
            assert!(answer(wrong).is_err(), "{wrong:?}");
        }
        assert!(parse(b"HTTP/1.1 200 \xff\r\n\r\n").is_err());
        let longest = usize::try_from(MAX_BYTES).expect("fits");
        let mut long = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
        long.resize(longest, b' ');
        assert!(parse(&long).is_err());
    }
}
