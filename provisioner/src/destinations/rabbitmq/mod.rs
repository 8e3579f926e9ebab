//! RabbitMQ: its management HTTP API, asked by brokerd's own user.

mod list;
mod messages;

use brokerd_domain::destination::{Destination, EngineAnswer, RefusalKind};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use super::engine::{Engine, Failure, words};
use crate::health::HttpAnswer;

pub(super) use list::list;
pub(super) use messages::{browse, publish, purge};

/// What stays as it is in a path or a query.
const PART: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, PART).to_string()
}

fn virtual_host(queue: &Destination) -> &str {
    queue.virtual_host.as_deref().unwrap_or("/")
}

fn path(queue: &Destination) -> String {
    format!("/api/queues/{}/{}", encoded(virtual_host(queue)), encoded(&queue.name))
}

/// Deletes a queue with what is in it.
pub(super) async fn delete(
    engine: &Engine<'_>,
    queue: &Destination,
) -> Result<EngineAnswer, Failure> {
    let answer = engine.exchange("DELETE", &path(queue), None).await?;
    done(&answer)?;
    Ok(EngineAnswer::Deleted)
}

/// The words of a refusal.
#[derive(Default, Deserialize)]
struct Reason {
    #[serde(default)]
    error: String,
    #[serde(default)]
    reason: serde_json::Value,
}

/// Whether the engine has done what it was told.
fn done(answer: &HttpAnswer) -> Result<(), Failure> {
    let said: Reason = match answer.status {
        200..=299 => return Ok(()),
        _ => serde_json::from_slice(&answer.body).unwrap_or_default(),
    };
    let reason = said.reason.as_str().map_or_else(|| said.reason.to_string(), str::to_owned);
    let reason = words(&reason);
    Err(match answer.status {
        404 => Failure::not_found(),
        400 | 405 if said.error == "bad_request" || said.error == "method_not_allowed" => {
            Failure::refused(RefusalKind::BadRequest, format!("The broker refuses: {reason}."))
        }
        401 | 403 if reason.to_ascii_uppercase().contains("ACCESS") => Failure::refused(
            RefusalKind::Conflict,
            "brokerd's own user may not do this on the broker. It may after the broker's next reboot, in virtual hosts that are a second old.",
        ),
        401 => Failure::refused(
            RefusalKind::Conflict,
            "The broker does not know brokerd's own user. It is recreated within a second. Try again.",
        ),
        400..=499 => {
            Failure::refused(RefusalKind::Conflict, format!("The broker refuses: {reason}."))
        }
        status => Failure::Odd(format!("answered status {status}")),
    })
}

#[cfg(test)]
mod tests {
    use brokerd_domain::destination::DestinationKind;

    use super::*;

    #[test]
    fn names_are_encoded_as_a_part_of_a_path() {
        let queue = |name: &str, virtual_host: &str| {
            path(&Destination {
                kind: DestinationKind::Queue,
                name: name.to_owned(),
                virtual_host: Some(virtual_host.to_owned()),
            })
        };
        assert_eq!(queue("orders-1.a_b~c", "/"), "/api/queues/%2F/orders-1.a_b~c");
        assert_eq!(queue("a/b?c=ä %", "x"), "/api/queues/x/a%2Fb%3Fc%3D%C3%A4%20%25");
    }

    #[test]
    fn refusals_are_told_by_their_status_and_their_words() {
        let kind = |status, body: &str| {
            let answer = HttpAnswer { status, body: body.as_bytes().to_vec() };
            match done(&answer) {
                Ok(()) => None,
                Err(Failure::Refused(refusal)) => Some(refusal.kind),
                Err(other) => panic!("{other:?}"),
            }
        };
        assert_eq!(kind(204, ""), None);
        let missing = r#"{"error":"Object Not Found","reason":"Not Found"}"#;
        assert_eq!(kind(404, missing), Some(RefusalKind::NotFound));
        let stream =
            r#"{"error":"bad_request","reason":"540 basic.get not supported by stream queues"}"#;
        assert_eq!(kind(400, stream), Some(RefusalKind::BadRequest));
        let refused = r#"{"error":"not_authorised","reason":"Access refused."}"#;
        assert_eq!(kind(401, refused), Some(RefusalKind::Conflict));
        assert_eq!(kind(401, "<html>"), Some(RefusalKind::Conflict));
        assert_eq!(kind(409, r#"{"reason":{"a":1}}"#), Some(RefusalKind::Conflict));
        let answer = HttpAnswer { status: 500, body: Vec::new() };
        assert!(matches!(done(&answer), Err(Failure::Odd(_))));
        let answer = HttpAnswer { status: 302, body: Vec::new() };
        assert!(matches!(done(&answer), Err(Failure::Odd(_))));
    }
}
