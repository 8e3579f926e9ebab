//! One POST to a webhook, as Amazon SNS sends notifications. Redirections are not followed.
//!
//! Source: "Amazon SNS message formats", HTTP/HTTPS headers.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, StatusCode, Uri, header};
use http_body_util::Full;
use rustls::ClientConfig;
use tokio::time::timeout;

use crate::https;

/// How long a webhook may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Why a webhook did not take a notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum WebhookError {
    /// It may take it later.
    Retryable(String),
    /// It refused.
    Permanent(String),
}

/// Sends a notification.
pub(super) async fn post(
    client: &Arc<ClientConfig>,
    uri: &Uri,
    topic: &str,
    id: &str,
    document: String,
) -> Result<(), WebhookError> {
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    // Without a name and password, which are no part of a host.
    let host = authority.rsplit('@').next().unwrap_or(authority);
    let request = Request::post(path)
        .header(header::HOST, host)
        .header(header::CONTENT_TYPE, "text/plain; charset=UTF-8")
        .header(header::USER_AGENT, "Amazon Simple Notification Service Agent")
        .header("x-amz-sns-message-type", "Notification")
        .header("x-amz-sns-message-id", id)
        .header("x-amz-sns-topic-arn", topic)
        .body(Full::new(Bytes::from(document)));
    let request = request.map_err(|error| WebhookError::Permanent(error.to_string()))?;
    // Nobody needs the body of the answer.
    let status = match timeout(TIMEOUT, https::send(client, uri, request)).await {
        Ok(Ok(answer)) => answer.status(),
        Ok(Err(error)) => {
            return Err(WebhookError::Retryable(format!("the webhook can't be reached: {error}")));
        }
        Err(_) => {
            let seconds = TIMEOUT.as_secs();
            return Err(WebhookError::Retryable(format!(
                "the webhook did not answer within {seconds} s"
            )));
        }
    };
    let why = || format!("the webhook answered {status}");
    let comes_again = status.is_server_error()
        || [StatusCode::TOO_MANY_REQUESTS, StatusCode::REQUEST_TIMEOUT].contains(&status);
    match status {
        _ if status.is_success() => Ok(()),
        _ if comes_again => Err(WebhookError::Retryable(why())),
        _ => Err(WebhookError::Permanent(why())),
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
    };

    use super::*;

    /// What a webhook that answers so is sent, and what is made of its answer.
    async fn sent(answer: &'static str) -> (String, Result<(), WebhookError>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
        let address = listener.local_addr().expect("an address");
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("accepted");
            let mut read = Vec::new();
            while !read.ends_with(b"{\"a\":1}") {
                let mut bytes = [0; 1024];
                let length = stream.read(&mut bytes).await.expect("read");
                assert!(length > 0, "it broke off");
                read.extend_from_slice(&bytes[..length]);
            }
            stream.write_all(answer.as_bytes()).await.expect("written");
            String::from_utf8(read).expect("text")
        });
        let uri = format!("http://{address}/hook?key=1").parse().expect("a URL");
        let topic = "arn:aws:sns:us-east-1:000000000000:x";
        let taken = post(
            &https::public_client().expect("TLS"),
            &uri,
            topic,
            "id-1",
            "{\"a\":1}".to_owned(),
        )
        .await;
        (server.await.expect("served"), taken)
    }

    #[tokio::test]
    async fn a_webhook_is_sent_what_amazon_sns_sends() {
        let (request, taken) = sent("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
        assert_eq!(taken, Ok(()));
        assert!(request.starts_with("POST /hook?key=1 HTTP/1.1\r\n"), "{request}");
        let lower = request.to_ascii_lowercase();
        for header in [
            "x-amz-sns-message-type: notification",
            "x-amz-sns-message-id: id-1",
            "x-amz-sns-topic-arn: arn:aws:sns:us-east-1:000000000000:x",
            "content-type: text/plain; charset=utf-8",
        ] {
            assert!(lower.contains(header), "{header} is not in {request}");
        }
    }

    #[tokio::test]
    async fn the_answer_says_whether_to_send_again() {
        for (answer, again) in [
            ("HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n", true),
            ("HTTP/1.1 429 No\r\ncontent-length: 0\r\n\r\n", true),
            ("HTTP/1.1 404 No\r\ncontent-length: 0\r\n\r\n", false),
            ("HTTP/1.1 302 No\r\nlocation: http://127.0.0.1/\r\ncontent-length: 0\r\n\r\n", false),
            ("nothing\r\n\r\n", true),
        ] {
            let taken = sent(answer).await.1.expect_err("not taken");
            assert_eq!(matches!(taken, WebhookError::Retryable(_)), again, "{answer}: {taken:?}");
        }
        let nobody = "http://127.0.0.1:1/".parse().expect("a URL");
        let refused =
            post(&https::public_client().expect("TLS"), &nobody, "t", "i", String::new()).await;
        assert!(matches!(refused, Err(WebhookError::Retryable(_))), "{refused:?}");
    }
}
