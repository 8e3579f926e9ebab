//! Batches of events of calls that only read: many events in one row, as JSON that PostgreSQL compresses.
//!
//! Such an event never changes once it is recorded, and there are many more of them than of others. Callers and clients
//! are kept once per batch. A batch lists its names, callers and resources in columns, so that a search for others need
//! not open it.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use brokerd_domain::{
    AccountId, Region, Tags, Timestamp,
    audit::{ApiCall, AuditEvent, CallerIdentity, EventSource, LookupAttribute, Outcome, What},
    policy::{Principal, PrincipalKind},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::kernel::StoreError;

/// The maximum time between the first and the last event of a batch, in microseconds. So a search for a moment can skip
/// batches whose last event is later by more.
pub(super) const MAX_SPAN: i64 = 10_000_000;
/// The maximum number of resources that a batch lists. A batch with more must be opened to find them.
const MAX_RESOURCES: usize = 32;
/// The term of a batch that does not list its resources.
const ANY_RESOURCE: &str = "r";
/// The longest parameters that are kept in a batch, in bytes of JSON. Records shorten longer ones, so their resources
/// could not be found in a batch.
const MAX_PARAMETERS_BYTES: usize = 50_000;

/// Events of one account and region, in the order of time.
#[derive(Debug, PartialEq)]
pub(super) struct ReadBatch {
    pub(super) account: AccountId,
    pub(super) region: Region,
    /// Whether they are listed in every region.
    pub(super) is_global: bool,
    /// Whether the audit log has them.
    pub(super) complete: bool,
    pub(super) first_at: i64,
    pub(super) last_at: i64,
    pub(super) events: usize,
    /// The terms of its content, as [`terms_of`] asks for them.
    pub(super) terms: Vec<String>,
    pub(super) content: String,
}

/// Whether an event can be kept in a batch: it is of a read, its identifier has its time, and it is short.
pub(super) fn may_contain(event: &AuditEvent) -> bool {
    let What::ApiCall(call) = &event.what else { return false };
    let known = AuditEvent::millisecond_of(event.id);
    let tells_time = known.is_some_and(|(from, to)| from <= event.at && event.at < to);
    call.read_only
        && call.on_host.is_none()
        && tells_time
        && call.request_parameters.as_ref().is_none_or(is_short)
}

fn is_short(parameters: &Value) -> bool {
    fn size(value: &Value) -> usize {
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => 24,
            // A control character takes six bytes.
            Value::String(text) => 2 + 6 * text.len(),
            Value::Array(items) => items.iter().map(|item| size(item) + 1).sum::<usize>() + 2,
            Value::Object(members) => {
                members
                    .iter()
                    .map(|(name, member)| 6 * name.len() + size(member) + 4)
                    .sum::<usize>()
                    + 2
            }
        }
    }
    size(parameters) <= MAX_PARAMETERS_BYTES
}

/// Sorts events into batches, each with whether the audit log has it.
pub(super) fn batches_of<'a>(
    events: impl IntoIterator<Item = (&'a AuditEvent, bool)>,
) -> Vec<ReadBatch> {
    let mut groups: BTreeMap<_, Vec<(&AuditEvent, &ApiCall)>> = BTreeMap::new();
    for (event, complete) in events {
        let What::ApiCall(call) = &event.what else { continue };
        let group = (&event.account, &event.region, call.source.is_global(), complete);
        groups.entry(group).or_default().push((event, call));
    }
    let mut batches = Vec::new();
    for ((account, region, is_global, complete), mut events) in groups {
        events.sort_by_key(|(event, _)| (event.at, event.id));
        let is_near = |first: &(&AuditEvent, &ApiCall), next: &(&AuditEvent, &ApiCall)| {
            next.0.at.as_micros() - first.0.at.as_micros() <= MAX_SPAN
        };
        let mut rest = &events[..];
        while let Some(first) = rest.first() {
            let (batch, others) = rest.split_at(rest.partition_point(|next| is_near(first, next)));
            rest = others;
            let (terms, content) = (terms(batch), content(batch));
            batches.push(ReadBatch {
                account: account.clone(),
                region: region.clone(),
                is_global,
                complete,
                first_at: first.0.at.as_micros(),
                last_at: batch.last().unwrap_or(first).0.at.as_micros(),
                events: batch.len(),
                terms,
                content,
            });
        }
    }
    batches
}

fn terms(events: &[(&AuditEvent, &ApiCall)]) -> Vec<String> {
    let mut known = BTreeSet::new();
    let mut callers: Vec<&CallerIdentity> = Vec::new();
    let mut resources = BTreeSet::new();
    let mut kinds = BTreeSet::new();
    for (event, call) in events {
        known.insert(('n', call.name.as_str()));
        known.insert(('s', call.source.as_str()));
        if !callers.contains(&&call.caller) {
            callers.push(&call.caller);
            known.insert(('u', call.caller.username()));
            known.insert(('k', call.caller.access_key_id()));
        }
        for resource in event.resources() {
            kinds.insert(resource.kind);
            if resources.len() <= MAX_RESOURCES {
                resources.insert(resource.name);
            }
        }
    }
    known.extend(kinds.into_iter().map(|kind| ('t', kind)));
    let mut terms: Vec<String> = known.into_iter().map(|(kind, value)| term(kind, value)).collect();
    if resources.len() > MAX_RESOURCES {
        terms.push(ANY_RESOURCE.to_owned());
    } else {
        terms.extend(resources.iter().map(|name| term('r', name)));
    }
    terms
}

fn term(kind: char, value: &str) -> String {
    format!("{kind}:{value}")
}

/// The terms of which a batch with such events has one; `None` if any batch may have such events.
pub(super) fn terms_of(attribute: &LookupAttribute) -> Option<Vec<String>> {
    Some(match attribute {
        LookupAttribute::EventName(name) => vec![term('n', name)],
        LookupAttribute::EventSource(source) => vec![term('s', source)],
        LookupAttribute::Username(name) => vec![term('u', name)],
        LookupAttribute::AccessKeyId(id) => vec![term('k', id)],
        LookupAttribute::ResourceType(kind) => vec![term('t', kind)],
        LookupAttribute::ResourceName(name) => vec![term('r', name), ANY_RESOURCE.to_owned()],
        LookupAttribute::EventId(_) | LookupAttribute::ReadOnly(_) | LookupAttribute::Nothing => {
            return None;
        }
    })
}

/// The content of the column. Members without a value are left out; unknown members are ignored.
#[derive(Debug, Serialize, Deserialize)]
struct Content<'a> {
    #[serde(borrow)]
    callers: Vec<Caller<'a>>,
    #[serde(borrow)]
    agents: Vec<Cow<'a, str>>,
    #[serde(borrow)]
    events: Vec<Event<'a>>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Caller<'a> {
    #[serde(borrow)]
    account: Cow<'a, str>,
    #[serde(borrow)]
    key: Cow<'a, str>,
    #[serde(borrow)]
    kind: Kind<'a>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    token_issued: Option<i64>,
}

#[derive(Debug, Serialize, Deserialize)]
enum Kind<'a> {
    Root,
    User {
        #[serde(borrow)]
        path: Cow<'a, str>,
        #[serde(borrow)]
        name: Cow<'a, str>,
        #[serde(borrow)]
        id: Cow<'a, str>,
    },
    RoleSession {
        #[serde(borrow)]
        path: Cow<'a, str>,
        #[serde(borrow)]
        role: Cow<'a, str>,
        #[serde(borrow)]
        role_id: Cow<'a, str>,
        #[serde(borrow)]
        session: Cow<'a, str>,
        #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
        source_identity: Option<Cow<'a, str>>,
    },
}

#[derive(Debug, Serialize, Deserialize)]
struct Event<'a> {
    #[serde(with = "uuid::serde::simple")]
    id: Uuid,
    at: i64,
    #[serde(with = "uuid::serde::simple")]
    request: Uuid,
    /// The index of its caller.
    caller: usize,
    source: EventSource,
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    ip: Cow<'a, str>,
    /// The index of its client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    agent: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    parameters: Option<Cow<'a, Value>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    answer: Option<Cow<'a, Value>>,
    /// The code and the message.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    refused: Option<(Cow<'a, str>, Cow<'a, str>)>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    open: bool,
}

/// A table of values, each kept once, and their indexes.
struct Places<T> {
    values: Vec<T>,
}

impl<T: PartialEq> Places<T> {
    fn of(&mut self, value: T) -> usize {
        // From the end, because consecutive events often share a caller.
        match self.values.iter().rposition(|known| *known == value) {
            Some(place) => place,
            None => {
                self.values.push(value);
                self.values.len() - 1
            }
        }
    }
}

fn content(events: &[(&AuditEvent, &ApiCall)]) -> String {
    let mut callers = Places { values: Vec::new() };
    let mut agents = Places { values: Vec::new() };
    let events = events
        .iter()
        .map(|(event, call)| {
            let (answer, refused, open) = match &call.outcome {
                Outcome::Open => (None, None, true),
                Outcome::Answered(answer) => (answer.as_ref(), None, false),
                Outcome::Refused { code, message } => {
                    (None, Some((code.as_str().into(), message.as_str().into())), false)
                }
            };
            Event {
                id: event.id,
                at: event.at.as_micros(),
                request: call.request_id,
                caller: callers.of(&call.caller),
                source: call.source,
                name: call.name.as_str().into(),
                ip: call.source_ip.as_str().into(),
                agent: call.user_agent.as_deref().map(|agent| agents.of(agent)),
                parameters: call.request_parameters.as_ref().map(Cow::Borrowed),
                answer: answer.map(Cow::Borrowed),
                refused,
                open,
            }
        })
        .collect();
    let content = Content {
        events,
        callers: callers.values.into_iter().map(Caller::of).collect(),
        agents: agents.values.into_iter().map(Cow::Borrowed).collect(),
    };
    // Texts, numbers and maps of texts always serialise. Zeros are `\u0000` in it, which a text may have.
    serde_json::to_string(&content).unwrap_or_default()
}

impl<'a> Caller<'a> {
    fn of(caller: &'a CallerIdentity) -> Self {
        let principal = caller.principal();
        let kind = match &principal.kind {
            PrincipalKind::Root => Kind::Root,
            PrincipalKind::User { path, name, id } => {
                Kind::User { path: path.into(), name: name.into(), id: id.into() }
            }
            // Neither the tags nor which of them its sessions inherit are recorded.
            PrincipalKind::RoleSession {
                path,
                role,
                role_id,
                session,
                source_identity,
                transitive_tag_keys: _,
            } => Kind::RoleSession {
                path: path.into(),
                role: role.into(),
                role_id: role_id.into(),
                session: session.into(),
                source_identity: source_identity.as_deref().map(Cow::Borrowed),
            },
        };
        Self {
            account: principal.account.as_str().into(),
            key: caller.access_key_id().into(),
            kind,
            token_issued: principal.token_issued.map(Timestamp::as_micros),
        }
    }

    fn identity(self) -> Option<CallerIdentity> {
        let kind = match self.kind {
            Kind::Root => PrincipalKind::Root,
            Kind::User { path, name, id } => PrincipalKind::User {
                path: path.into_owned(),
                name: name.into_owned(),
                id: id.into_owned(),
            },
            Kind::RoleSession { path, role, role_id, session, source_identity } => {
                PrincipalKind::RoleSession {
                    path: path.into_owned(),
                    role: role.into_owned(),
                    role_id: role_id.into_owned(),
                    session: session.into_owned(),
                    transitive_tag_keys: Vec::new(),
                    source_identity: source_identity.map(Cow::into_owned),
                }
            }
        };
        let principal = Principal {
            account: self.account.parse().ok()?,
            kind,
            tags: Tags::default(),
            token_issued: self.token_issued.map(Timestamp::from_micros),
        };
        Some(CallerIdentity::new(principal, self.key))
    }
}

/// The events of a batch of that account and region, in the order of time.
pub(super) fn events_in(
    account: &str,
    region: &str,
    content: &str,
) -> Result<Vec<AuditEvent>, StoreError> {
    let wrong = |what: String| StoreError::Inconsistent { table: "audit_read_batch", what };
    let account: AccountId = account.parse().map_err(|_| wrong("account".to_owned()))?;
    let region: Region = region.parse().map_err(|_| wrong("region".to_owned()))?;
    let content: Content<'_> =
        serde_json::from_str(content).map_err(|error| wrong(error.to_string()))?;
    let callers: Option<Vec<CallerIdentity>> =
        content.callers.into_iter().map(Caller::identity).collect();
    let callers = callers.ok_or_else(|| wrong("account of a caller".to_owned()))?;
    let agents = content.agents;
    let events = content.events.into_iter().map(|event| {
        let outcome = match event.refused {
            _ if event.open => Outcome::Open,
            Some((code, message)) => {
                Outcome::Refused { code: code.into_owned(), message: message.into_owned() }
            }
            None => Outcome::Answered(event.answer.map(Cow::into_owned)),
        };
        let agent = match event.agent {
            None => None,
            Some(place) => Some(agents.get(place)?.clone().into_owned()),
        };
        Some(AuditEvent {
            id: event.id,
            at: Timestamp::from_micros(event.at),
            account: account.clone(),
            region: region.clone(),
            what: What::ApiCall(Box::new(ApiCall {
                source: event.source,
                name: event.name.into_owned(),
                read_only: true,
                request_id: event.request,
                caller: callers.get(event.caller)?.clone(),
                on_host: None,
                source_ip: event.ip.into_owned(),
                user_agent: agent,
                request_parameters: event.parameters.map(Cow::into_owned),
                outcome,
            })),
        })
    });
    let events: Option<Vec<_>> = events.collect();
    events.ok_or_else(|| wrong("a caller or client that is not there".to_owned()))
}

#[cfg(test)]
mod tests;
