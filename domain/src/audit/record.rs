//! The CloudTrail form of events.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{
    event::{ApiCall, AuditEvent, Outcome, What},
    source::EventSource,
    time::seconds,
};

/// Source: "CloudTrail record contents" of the CloudTrail user guide: the version that has all of the members below.
const EVENT_VERSION: &str = "1.11";

/// How brokerd is called where AWS names the service itself as the one who acts.
const SERVICE: &str = "mq.amazonaws.com";

/// The longest `requestParameters` and `responseElements`, in bytes.
///
/// Source: "CloudTrail record contents": what is longer than 100 KB is omitted.
const MAX_ELEMENT_BYTES: usize = 100_000;

/// A record, its members in the order of the documentation.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    event_version: &'static str,
    user_identity: Value,
    event_time: String,
    event_source: &'static str,
    event_name: &'a str,
    aws_region: &'a str,
    #[serde(rename = "sourceIPAddress")]
    source_ip_address: &'a str,
    user_agent: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_message: Option<&'a str>,
    request_parameters: Option<Value>,
    response_elements: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    additional_event_data: Option<Value>,
    #[serde(rename = "requestID", skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    #[serde(rename = "eventID")]
    event_id: String,
    read_only: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    resources: Vec<Value>,
    event_type: &'static str,
    management_event: bool,
    recipient_account_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_event_details: Option<Value>,
    event_category: &'static str,
}

impl AuditEvent {
    /// The record: one line of JSON.
    pub fn record(&self) -> String {
        // Texts, numbers and maps of texts always serialise.
        serde_json::to_string(&self.as_record()).unwrap_or_default()
    }

    fn as_record(&self) -> Record<'_> {
        let common = Record {
            event_version: EVENT_VERSION,
            user_identity: json!({"accountId": self.account.as_str(), "invokedBy": SERVICE}),
            event_time: seconds(self.at),
            event_source: self.source().as_str(),
            event_name: self.name(),
            aws_region: self.region.as_str(),
            source_ip_address: SERVICE,
            user_agent: Some(SERVICE),
            error_code: None,
            error_message: None,
            request_parameters: None,
            response_elements: None,
            additional_event_data: None,
            request_id: None,
            event_id: self.id.to_string(),
            read_only: self.read_only(),
            resources: self.resource_elements(),
            event_type: "AwsServiceEvent",
            management_event: true,
            recipient_account_id: self.account.as_str(),
            service_event_details: None,
            event_category: "Management",
        };
        match &self.what {
            What::ServiceEvent(event) => Record {
                service_event_details: Some(json!({
                    "brokerArn": event.broker_arn,
                    "brokerId": event.broker.to_string(),
                    "message": event.message,
                })),
                ..common
            },
            What::ApiCall(call) => {
                let (code, message, answer, is_open) = match &call.outcome {
                    Outcome::Open => (None, None, None, true),
                    Outcome::Answered(answer) => (None, None, answer.clone(), false),
                    Outcome::Refused { code, message } => {
                        (Some(code.as_str()), Some(message.as_str()), None, false)
                    }
                };
                Record {
                    user_identity: identity(call),
                    source_ip_address: &call.source_ip,
                    user_agent: call.user_agent.as_deref(),
                    error_code: code,
                    error_message: message,
                    request_parameters: call.request_parameters.clone().map(limited),
                    response_elements: sign_in(call).or_else(|| answer.map(limited)),
                    additional_event_data: additional(is_open, call.on_host.is_some()),
                    request_id: Some(call.request_id.to_string()),
                    event_type: match call.source {
                        EventSource::SignIn => "AwsConsoleSignIn",
                        _ => "AwsApiCall",
                    },
                    ..common
                }
            }
        }
    }

    /// `resources`: those that are named by their ARN.
    fn resource_elements(&self) -> Vec<Value> {
        let named =
            self.resources().into_iter().filter(|resource| resource.name.starts_with("arn:"));
        named
            .map(|resource| {
                json!({
                    "accountId": self.account.as_str(),
                    "type": resource.kind,
                    "ARN": resource.name,
                })
            })
            .collect()
    }
}

/// What is told of a sign-in instead of its answer; none: it is another call, or its end is not known.
///
/// Source: "AWS Management Console sign-in events" of the CloudTrail user guide.
fn sign_in(call: &ApiCall) -> Option<Value> {
    if call.source != EventSource::SignIn || call.name != "ConsoleLogin" {
        return None;
    }
    match call.outcome {
        Outcome::Open => None,
        Outcome::Answered(_) => Some(json!({"ConsoleLogin": "Success"})),
        Outcome::Refused { .. } => Some(json!({"ConsoleLogin": "Failure"})),
    }
}

/// `userIdentity`. Of a user of the host CloudTrail knows nothing, which it calls `Unknown`.
fn identity(call: &ApiCall) -> Value {
    match &call.on_host {
        None => call.caller.record(),
        Some(user) => json!({
            "type": "Unknown", "accountId": call.caller.account().as_str(), "userName": user,
        }),
    }
}

/// `additionalEventData`; none: there is nothing else to tell.
fn additional(is_open: bool, is_on_host: bool) -> Option<Value> {
    let mut data = Map::new();
    if is_open {
        // The change is there; what was answered is not known.
        data.insert("answered".to_owned(), false.into());
    }
    if is_on_host {
        data.insert("madeOn".to_owned(), "host".into());
    }
    (!data.is_empty()).then_some(Value::Object(data))
}

/// An element, or that it was too long, as the service says it.
fn limited(element: Value) -> Value {
    let size = element.to_string().len();
    if size <= MAX_ELEMENT_BYTES {
        return element;
    }
    json!({"omitted": true, "originalSize": size, "reason": "too long"})
}
