//! Auditing: what a call is, as soon as its signature is verified, and how it ended.
//!
//! The middleware makes a [`CallRecord`] of every request and runs the handler within it, so that whatever the store
//! writes takes the event along. Authentication tells the [`Recorder`] in the request's extensions who calls and what
//! for. A request whose signature is not verified is no event: nobody knows whose it would be.

use std::{net::IpAddr, sync::Arc};

use axum::{
    body::Body,
    extract::MatchedPath,
    http::{HeaderMap, header, request::Parts},
    response::Response,
};
use brokerd_domain::{
    Region, Timestamp,
    audit::{
        ApiCall, AuditEvent, CallerIdentity, EventSource, Outcome, RequestParameters, What,
        answer_of_query, form_parameters,
    },
    policy::{AccessLevel, OperationPermissions, Principal},
};
use brokerd_store::{AuditTrail, AuditedCall};
use http_body_util::BodyExt as _;
use percent_encoding::percent_decode_str;
use uuid::Uuid;

use crate::{http::query::pairs, wire::cbor};

/// The longest name of an operation, which callers of services without paths choose.
const MAX_NAME_LENGTH: usize = 64;
/// The longest description of a client.
const MAX_USER_AGENT_LENGTH: usize = 1024;

/// Where authentication tells what a call is. In the extensions of its request.
#[derive(Debug, Clone)]
pub(crate) struct Recorder {
    call: Arc<AuditedCall>,
    event_id: Uuid,
    request_id: Uuid,
    at: Timestamp,
    /// The operation of the path; none: the path says nothing of it.
    operation: Option<Arc<str>>,
}

/// A request whose signature is verified.
#[derive(Debug)]
pub(crate) struct VerifiedRequest<'a> {
    pub(crate) parts: &'a Parts,
    pub(crate) body: &'a [u8],
    pub(crate) source: EventSource,
    pub(crate) region: &'a Region,
    /// Who called, with tags.
    pub(crate) principal: &'a Principal,
    pub(crate) caller: &'a CallerIdentity,
    pub(crate) peer: Option<IpAddr>,
}

impl Recorder {
    /// Tells which trace the call belongs to.
    pub(crate) fn set_trace(&self, traceparent: String) {
        self.call.set_trace(traceparent);
    }

    /// Tells what the call is. From then on it may write.
    pub(crate) fn begin(&self, request: &VerifiedRequest<'_>) {
        let VerifiedRequest { parts, source, region, principal, caller, peer, .. } = request;
        let (name, read_only, mut parameters) = match source {
            EventSource::AmazonMq | EventSource::Brokerd => self.of_path(request),
            // Its reads are POSTs.
            EventSource::Oam => {
                let (name, _, parameters) = self.of_path(request);
                (name, true, parameters)
            }
            EventSource::Iam | EventSource::Sts | EventSource::Ec2 => {
                of_form(*source, request.body)
            }
            EventSource::CloudTrail | EventSource::Logs | EventSource::Tagging => {
                of_target(*source, &parts.headers, request.body)
            }
            // What proves who somebody is, is not told.
            EventSource::SignIn => {
                let (name, ..) = self.of_path(request);
                (name, false, RequestParameters::default())
            }
            EventSource::CloudWatch if parts.uri.path() != "/" => of_rpc(*source, request),
            EventSource::CloudWatch if parts.headers.contains_key("x-amz-target") => {
                of_target(*source, &parts.headers, request.body)
            }
            EventSource::CloudWatch => of_form(*source, request.body),
        };
        if *source == EventSource::Sts && name == "AssumeRole" {
            parameters.add_incoming_tags(principal);
        }
        let agent = parts.headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
        self.call.begin(AuditEvent {
            id: self.event_id,
            at: self.at,
            account: caller.account().clone(),
            region: (*region).clone(),
            what: What::ApiCall(Box::new(ApiCall {
                source: *source,
                name,
                read_only,
                request_id: self.request_id,
                caller: (*caller).clone(),
                on_host: None,
                // A request within this process has no address.
                source_ip: peer.map_or_else(String::new, |peer| peer.to_canonical().to_string()),
                user_agent: agent.map(|agent| agent.chars().take(MAX_USER_AGENT_LENGTH).collect()),
                request_parameters: parameters.into_element(),
                outcome: Outcome::Open,
            })),
        });
    }

    /// A call whose path, method, query and JSON body say everything.
    fn of_path(&self, request: &VerifiedRequest<'_>) -> (String, bool, RequestParameters) {
        let parts = request.parts;
        let mut parameters = RequestParameters::default();
        if let Some(template) = parts.extensions.get::<MatchedPath>() {
            for (name, value) in path_parameters(template.as_str(), parts.uri.path()) {
                parameters.add(name, &value);
            }
        }
        for (name, value) in pairs(parts.uri.query().unwrap_or_default()) {
            parameters.add(&String::from_utf8_lossy(&name), &String::from_utf8_lossy(&value));
        }
        parameters.add_body(request.body);
        let name = self.operation.as_deref().unwrap_or("Unknown").to_owned();
        let read_only = parts.method.is_safe() || is_read(&name);
        (name, read_only, parameters)
    }
}

/// Whether an operation only reads, as its permissions say, although its method is not one of reading.
fn is_read(operation: &str) -> bool {
    let actions = OperationPermissions::of(operation).map_or(&[][..], |needs| needs.actions);
    let reads = |level| matches!(level, AccessLevel::List | AccessLevel::Read);
    !actions.is_empty() && actions.iter().all(|action| reads(action.level))
}

/// The values of a path's parameters, percent-decoded.
fn path_parameters<'a>(
    template: &'a str,
    path: &'a str,
) -> impl Iterator<Item = (&'a str, String)> + 'a {
    template.split('/').zip(path.split('/')).filter_map(|(segment, value)| {
        let name = segment.strip_prefix('{')?.strip_suffix('}')?;
        Some((name, percent_decode_str(value).decode_utf8_lossy().into_owned()))
    })
}

/// A call of the query protocol.
fn of_form(source: EventSource, body: &[u8]) -> (String, bool, RequestParameters) {
    let text = String::from_utf8_lossy(body);
    let decoded = |part: &str| {
        let part = part.replace('+', " ");
        percent_decode_str(&part).decode_utf8_lossy().into_owned()
    };
    let pairs: Vec<(String, String)> = text
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(name), decoded(value))
        })
        .collect();
    let action = pairs.iter().find(|(name, _)| name == "Action").map(|(_, value)| value.as_str());
    let name = operation_name(action);
    let pairs = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let mut parameters = RequestParameters::default();
    parameters.add_members(form_parameters(pairs));
    let read_only = source.is_read_only(&name);
    (name, read_only, parameters)
}

/// A call of AWS JSON 1.1.
fn of_target(
    source: EventSource,
    headers: &HeaderMap,
    body: &[u8],
) -> (String, bool, RequestParameters) {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok());
    let name = operation_name(target.and_then(|target| target.rsplit('.').next()));
    let mut parameters = RequestParameters::default();
    parameters.add_lower_body(body);
    let read_only = source.is_read_only(&name);
    (name, read_only, parameters)
}

/// A call of Smithy's RPC.
fn of_rpc(source: EventSource, request: &VerifiedRequest<'_>) -> (String, bool, RequestParameters) {
    let name = operation_name(request.parts.uri.path().rsplit('/').next());
    let mut parameters = RequestParameters::default();
    if let Some(members) = cbor::as_json(request.body) {
        parameters.add_lower_members(members);
    }
    let read_only = source.is_read_only(&name);
    (name, read_only, parameters)
}

/// The name of an operation that a caller has chosen, which may be none.
fn operation_name(chosen: Option<&str>) -> String {
    let is_name = |name: &&str| {
        !name.is_empty()
            && name.len() <= MAX_NAME_LENGTH
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    chosen.filter(is_name).unwrap_or("Unknown").to_owned()
}

/// A request, from its beginning to its end. One that is dropped before was given up by its client, and is recorded as
/// a call without an answer.
#[derive(Debug)]
pub(crate) struct CallRecord {
    /// None: it is recorded.
    recorder: Option<Recorder>,
    trail: AuditTrail,
}

impl CallRecord {
    /// The record of a request that begins.
    pub(crate) fn new(
        trail: &AuditTrail,
        event_id: Uuid,
        request_id: Uuid,
        at: Timestamp,
        operation: Option<&str>,
    ) -> Self {
        let operation = operation.map(Into::into);
        let recorder = Recorder { call: Arc::default(), event_id, request_id, at, operation };
        Self { recorder: Some(recorder), trail: trail.clone() }
    }

    /// Where to tell what the call is. None: it is recorded.
    pub(crate) fn recorder(&self) -> Option<Recorder> {
        self.recorder.clone()
    }

    /// Runs the handler of the call.
    pub(crate) async fn run(&self, handler: impl Future<Output = Response>) -> Response {
        match &self.recorder {
            Some(recorder) => Arc::clone(&recorder.call).scope(handler).await,
            None => handler.await,
        }
    }

    /// Records how the call ended: with this answer, or with this refusal, a code and a message. Gives back the answer.
    pub(crate) async fn end(mut self, answer: Response, refusal: Option<(&str, &str)>) -> Response {
        let event = self.recorder.as_ref().and_then(|recorder| recorder.call.event());
        let Some(tells_answer) = event.map(AuditEvent::tells_answer) else {
            self.recorder = None;
            return answer;
        };
        let (answer, outcome) = match refusal {
            Some((code, message)) => {
                let (code, message) = (code.to_owned(), message.to_owned());
                (answer, Outcome::Refused { code, message })
            }
            None if !answer.status().is_success() => {
                let code = answer.status().as_str().to_owned();
                (answer, Outcome::Refused { code, message: String::new() })
            }
            None if tells_answer => told(answer).await,
            None => (answer, Outcome::Answered(None)),
        };
        self.record(outcome);
        answer
    }

    fn record(&mut self, outcome: Outcome) {
        let Some(recorder) = self.recorder.take() else { return };
        if let Some(ended) = recorder.call.end(outcome) {
            self.trail.record(ended);
        }
    }
}

impl Drop for CallRecord {
    fn drop(&mut self) {
        self.record(Outcome::Open);
    }
}

/// What a call was answered. Answers are in memory as a whole.
async fn told(answer: Response) -> (Response, Outcome) {
    let (parts, body) = answer.into_parts();
    let bytes = match body.collect().await {
        Ok(collected) => collected.to_bytes(),
        Err(error) => {
            tracing::error!(%error, "answer not read for its audit event");
            return (Response::from_parts(parts, Body::empty()), Outcome::Answered(None));
        }
    };
    let media_type = parts.headers.get(header::CONTENT_TYPE).map(axum::http::HeaderValue::as_bytes);
    let outcome = if media_type.is_some_and(|media_type| media_type.starts_with(b"text/xml")) {
        let answer = std::str::from_utf8(&bytes).ok().and_then(answer_of_query);
        Outcome::answered_with(answer.unwrap_or_default())
    } else {
        Outcome::answered(&bytes)
    };
    (Response::from_parts(parts, Body::from(bytes)), outcome)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_of_the_path_are_read_by_its_template() {
        let template = "/v1/brokers/{broker-id}/users/{username}";
        let found: Vec<_> = path_parameters(template, "/v1/brokers/b-1/users/a%20b").collect();
        assert_eq!(found, [("broker-id", "b-1".to_owned()), ("username", "a b".to_owned())]);
        assert_eq!(path_parameters("/v1/brokers", "/v1/brokers").count(), 0);
    }

    #[test]
    fn calls_of_services_without_paths_are_called_by_their_operation() {
        let (name, read_only, parameters) =
            of_form(EventSource::Iam, b"Action=CreateUser&UserName=a+b%2Bc&Version=2010-05-08");
        assert_eq!((name.as_str(), read_only), ("CreateUser", false));
        assert_eq!(parameters.into_element(), Some(serde_json::json!({"userName": "a b+c"})));
        for odd in [
            "",
            "Action=",
            "Action=a%00",
            "Action=<x>",
            "x=y",
            &format!("Action={}", "a".repeat(65)),
        ] {
            assert_eq!(of_form(EventSource::Iam, odd.as_bytes()).0, "Unknown", "{odd}");
        }
        let mut headers = HeaderMap::new();
        let target = "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents";
        headers.insert("x-amz-target", target.parse().expect("a header"));
        let (name, read_only, parameters) =
            of_target(EventSource::CloudTrail, &headers, br#"{"MaxResults": 5}"#);
        assert_eq!((name.as_str(), read_only), ("LookupEvents", true));
        assert_eq!(parameters.into_element(), Some(serde_json::json!({"maxResults": 5})));
    }
}
