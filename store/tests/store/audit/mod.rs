//! Events of calls and of brokerd's own acts.

mod lookups;
mod read_batches;
mod traces;
mod trail;
mod writes;

use std::{
    collections::BTreeMap,
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use brokerd_domain::{
    BrokerName, Clock, Entropy as _, Resource, Tags, Timestamp,
    audit::{
        ApiCall, AuditEvent, CallerIdentity, EventLookup, EventSource, LookupInput, Outcome,
        RequestParameters, What,
    },
    policy::{Principal, PrincipalKind},
};
use brokerd_store::{AuditLog, AuditTrail, AuditedCall, EventPage, PgStore, StoreError};
use serde_json::Value;
use sqlx::{PgPool, Row as _};
use uuid::Uuid;

use crate::support::{NOW, OsEntropy, scope};

struct FixedClock(Timestamp);

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        self.0
    }
}

/// A log that can be full.
#[derive(Clone, Default)]
struct TestLog {
    records: Arc<Mutex<Vec<Value>>>,
    is_full: Arc<AtomicBool>,
}

impl TestLog {
    fn names(&self) -> Vec<String> {
        let records = self.records.lock().expect("sound");
        records
            .iter()
            .map(|record| record["eventName"].as_str().expect("a name").to_owned())
            .collect()
    }
}

impl AuditLog for TestLog {
    fn append(&self, records: &[String]) -> io::Result<()> {
        if self.is_full.load(Ordering::SeqCst) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let records = records.iter().map(|record| serde_json::from_str(record).expect("JSON"));
        self.records.lock().expect("sound").extend(records);
        Ok(())
    }
}

fn trail(log: Option<&TestLog>) -> AuditTrail {
    let log = log.map(|log| Box::new(log.clone()) as Box<dyn AuditLog>);
    AuditTrail::new(100, log, Arc::new(FixedClock(NOW)))
}

fn user(name: &str) -> CallerIdentity {
    let principal = Principal {
        account: scope().account,
        kind: PrincipalKind::User {
            path: "/".to_owned(),
            name: name.to_owned(),
            id: "AIDAEXAMPLE".to_owned(),
        },
        tags: Tags::default(),
        token_issued: None,
    };
    CallerIdentity::new(principal, format!("AKIA{name}"))
}

/// A call by alice, some microseconds after all began.
fn event(name: &str, micros: i64, parameters: &[(&str, &str)]) -> AuditEvent {
    let mut asked = RequestParameters::default();
    for (name, value) in parameters {
        asked.add(name, value);
    }
    let at = Timestamp::from_micros(NOW.as_micros() + micros);
    AuditEvent {
        id: AuditEvent::id_at(at, OsEntropy.uuid()),
        at,
        account: scope().account,
        region: scope().region,
        what: What::ApiCall(Box::new(ApiCall {
            source: EventSource::AmazonMq,
            name: name.to_owned(),
            read_only: EventSource::AmazonMq.is_read_only(name),
            request_id: OsEntropy.uuid(),
            caller: user("alice"),
            on_host: None,
            source_ip: "192.0.2.1".to_owned(),
            user_agent: None,
            request_parameters: asked.into_element(),
            outcome: Outcome::Open,
        })),
    }
}

fn with(mut event: AuditEvent, change: impl FnOnce(&mut ApiCall)) -> AuditEvent {
    if let What::ApiCall(call) = &mut event.what {
        change(call);
    }
    event
}

fn answered(event: AuditEvent) -> AuditEvent {
    let answer = serde_json::json!({"answer": 42});
    with(event, |call| call.outcome = Outcome::Answered(Some(answer)))
}

/// Does `work` as the call of this event.
async fn called<T>(event: &AuditEvent, work: impl Future<Output = T>) -> T {
    let call = Arc::new(AuditedCall::default());
    call.begin(event.clone());
    call.scope(work).await
}

/// The events in the database: identifier, whether complete, record.
async fn stored(pool: &PgPool) -> Vec<(Uuid, bool, Option<Value>)> {
    let rows = sqlx::query("select id, complete, record from audit_event where record is not null")
        .fetch_all(pool)
        .await
        .expect("read");
    rows.iter()
        .map(|row| {
            let record: Option<String> = row.get(2);
            let record = record.map(|record| serde_json::from_str(&record).expect("JSON"));
            (row.get(0), row.get(1), record)
        })
        .collect()
}

fn tags(team: &str) -> Tags {
    Tags::parse(BTreeMap::from([("team".to_owned(), team.to_owned())])).expect("valid")
}

async fn change_tags(
    store: &PgStore,
    name: &BrokerName,
    id: brokerd_domain::BrokerId,
    team: &str,
) -> Result<(), StoreError> {
    let resource = Resource::Broker { id, name: name.clone() };
    let changed = store.change_tags(&scope(), &resource, |_| Ok(Some(tags(team)))).await?;
    assert!(changed.is_some(), "there is no such broker");
    Ok(())
}

async fn found(store: &PgStore, attributes: &[(&str, &str)]) -> EventPage {
    let attributes = attributes.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    let input = LookupInput { attributes, ..LookupInput::default() };
    let lookup = EventLookup::parse(&input).expect("a question");
    store.lookup_events(&scope(), &lookup).await.expect("read")
}
