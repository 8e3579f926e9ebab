//! Events.

use serde_json::Value;
use uuid::{Builder, Uuid, Version};

use super::{
    caller::CallerIdentity, name::ServiceEventName, resource::AuditedResource, source::EventSource,
};
use crate::kernel::{AccountId, BrokerId, Region, Timestamp};

/// One thing that was done, or was refused.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditEvent {
    /// `eventID`, such as [`AuditEvent::id_at`].
    pub id: Uuid,
    /// When the call came, or the act began.
    pub at: Timestamp,
    /// Whose event it is.
    pub account: AccountId,
    /// Where it was done.
    pub region: Region,
    /// What was done.
    pub what: What,
}

/// What was done.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// A call.
    ApiCall(Box<ApiCall>),
    /// What brokerd did on its own.
    ServiceEvent(ServiceEvent),
}

/// A call whose signature was verified.
#[derive(Debug, Clone, PartialEq)]
pub struct ApiCall {
    /// The service.
    pub source: EventSource,
    /// The operation.
    pub name: String,
    /// Whether the operation only reads.
    pub read_only: bool,
    /// The identifier that the answer carries.
    pub request_id: Uuid,
    /// Who called.
    pub caller: CallerIdentity,
    /// The user of the host whose command did what the call does, as the root of the operator's account; none: it was
    /// signed.
    pub on_host: Option<String>,
    /// Where the call came from.
    pub source_ip: String,
    /// How the client calls itself.
    pub user_agent: Option<String>,
    /// What was asked, with what must not be told masked.
    pub request_parameters: Option<Value>,
    /// How it ended.
    pub outcome: Outcome,
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// Not yet, or brokerd ended before it could answer.
    Open,
    /// It was answered. Writes tell what was answered, with what must not be told masked.
    Answered(Option<Value>),
    /// It was refused.
    Refused {
        /// `errorCode`.
        code: String,
        /// `errorMessage`.
        message: String,
    },
}

/// What brokerd did on its own with a broker.
#[derive(Debug, Clone, PartialEq)]
pub struct ServiceEvent {
    /// What it was.
    pub name: ServiceEventName,
    /// The broker.
    pub broker: BrokerId,
    /// The broker's ARN.
    pub broker_arn: String,
    /// What it was, for a person.
    pub message: String,
}

impl AuditEvent {
    /// The identifier of an event of this moment, with the bits of another identifier that is random. Such identifiers
    /// are in the order of time, and tell the moment to the millisecond (UUID version 7 of RFC 9562).
    pub fn id_at(at: Timestamp, random: Uuid) -> Uuid {
        let milliseconds = u64::try_from(at.as_micros() / 1000).unwrap_or(0);
        // Its version and its variant are where those of the result are.
        let mut bits = [0; 10];
        bits.copy_from_slice(&random.as_bytes()[6..]);
        Builder::from_unix_timestamp_millis(milliseconds, &bits).into_uuid()
    }

    /// The millisecond in which the event of this identifier was, from its beginning to its end, which is not part of
    /// it. None: the identifier does not tell.
    pub fn millisecond_of(id: Uuid) -> Option<(Timestamp, Timestamp)> {
        if id.get_version() != Some(Version::SortRand) {
            return None;
        }
        let milliseconds = i64::try_from(id.as_u128() >> 80).ok()?;
        let moment = |milliseconds: i64| Timestamp::from_micros(milliseconds * 1000);
        Some((moment(milliseconds), moment(milliseconds + 1)))
    }

    /// The service.
    pub fn source(&self) -> EventSource {
        match &self.what {
            What::ApiCall(call) => call.source,
            What::ServiceEvent(_) => EventSource::AmazonMq,
        }
    }

    /// `eventName`.
    pub fn name(&self) -> &str {
        match &self.what {
            What::ApiCall(call) => &call.name,
            What::ServiceEvent(event) => event.name.as_str(),
        }
    }

    /// Whether nothing was to be changed.
    pub fn read_only(&self) -> bool {
        match &self.what {
            What::ApiCall(call) => call.read_only,
            What::ServiceEvent(_) => false,
        }
    }

    /// Whether the event tells what was answered: of writes, and of calls that hand out keys.
    ///
    /// Source: "Logging IAM and AWS STS API calls with AWS CloudTrail" of the IAM user guide.
    pub fn tells_answer(&self) -> bool {
        let hands_out_keys = self.source() == EventSource::Sts
            && ["AssumeRole", "GetSessionToken"].contains(&self.name());
        // Of a sign-in only whether it succeeded is told.
        hands_out_keys || (!self.read_only() && self.source() != EventSource::SignIn)
    }

    /// Who called; none: nobody.
    pub fn caller(&self) -> Option<&CallerIdentity> {
        match &self.what {
            What::ApiCall(call) => Some(&call.caller),
            What::ServiceEvent(_) => None,
        }
    }

    /// The name by which LookupEvents finds it; none: nobody called.
    pub fn username(&self) -> Option<&str> {
        let What::ApiCall(call) = &self.what else { return None };
        Some(call.on_host.as_deref().unwrap_or_else(|| call.caller.username()))
    }

    /// The key that signed; none: nobody called, or it was on the host.
    pub fn access_key_id(&self) -> Option<&str> {
        let What::ApiCall(call) = &self.what else { return None };
        call.on_host.is_none().then(|| call.caller.access_key_id())
    }

    /// What it was about, as far as the call and its answer name it.
    pub fn resources(&self) -> Vec<AuditedResource> {
        match &self.what {
            What::ApiCall(call) => {
                let answer = match &call.outcome {
                    Outcome::Answered(answer) => answer.as_ref(),
                    Outcome::Open | Outcome::Refused { .. } => None,
                };
                AuditedResource::of_call(call.source, call.request_parameters.as_ref(), answer)
            }
            What::ServiceEvent(event) => {
                let broker = |name: &str| AuditedResource::broker(name);
                vec![broker(&event.broker_arn), broker(&event.broker.to_string())]
            }
        }
    }
}
