//! Events of reads, which are written in batches.

use std::{collections::BTreeSet, net::ToSocketAddrs as _, sync::Arc, time::Duration};

use brokerd_domain::{
    AccountId, Entropy as _, Scope, Timestamp,
    audit::{AuditEvent, EventLookup, EventPosition, EventSource, LookupAttribute, Outcome, What},
};
use brokerd_store::{AuditTrail, AuditedCall, MasterKey, PgStore};
use uuid::Uuid;

use super::{FixedClock, TestLog, called, event, found, stored, trail, user, with};
use crate::{
    chaos_proxy::{ChaosProxy, Mode},
    support::{Fixture, NOW, OsEntropy, create, scope, with_store},
};

/// Numbers that look random and are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }

    fn of<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        let place = self.below(choices.len() as u64);
        &choices[usize::try_from(place).expect("a place")]
    }
}

fn other_account() -> AccountId {
    "111111111111".parse().expect("an account")
}

/// A read or a write of one of two users, in one of two accounts and regions, sometimes in the past.
fn any_event(numbers: &mut Numbers) -> AuditEvent {
    // Some are at the same moment, some further from one another than a batch may be long.
    let spread = *numbers.of(&[5, 3_000, 30_000_000]);
    let micros = i64::try_from(numbers.below(spread)).expect("a time");
    let broker = *numbers.of(&["b-1", "b-2", "b-3"]);
    let name = *numbers.of(&["DescribeBroker", "ListBrokers", "GetUser", "DeleteBroker"]);
    let mut event = with(event(name, micros, &[("broker-id", broker)]), |call| {
        let who = *numbers.of(&["alice", "bob"]);
        call.caller = user(who);
        if name == "GetUser" {
            call.source = EventSource::Iam;
        }
        let refused = || ("AccessDenied".to_owned(), "no \u{0} \"way\"".to_owned());
        call.outcome = match numbers.below(3) {
            0 => Outcome::Open,
            1 => Outcome::Answered(None),
            _ => {
                let (code, message) = refused();
                Outcome::Refused { code, message }
            }
        };
        call.user_agent = (*numbers.of(&[None, Some("cli"), Some("sdk \n")])).map(str::to_owned);
    });
    if numbers.below(4) == 0 {
        event.account = other_account();
    }
    if numbers.below(4) == 0 {
        event.region = "eu-west-1".parse().expect("a region");
    }
    if numbers.below(8) == 0 {
        // As they were before there were batches: rows, whose identifiers tell nothing.
        event.id = OsEntropy.uuid();
    }
    event
}

fn position(event: &AuditEvent) -> EventPosition {
    EventPosition { at: event.at, id: event.id }
}

fn is_asked(event: &AuditEvent, scope: &Scope, lookup: &EventLookup) -> bool {
    let What::ApiCall(call) = &event.what else { return false };
    let has = match &lookup.attribute {
        None => true,
        Some(LookupAttribute::Nothing) => false,
        Some(LookupAttribute::EventId(id)) => event.id == *id,
        Some(LookupAttribute::EventName(name)) => call.name == *name,
        Some(LookupAttribute::ReadOnly(is)) => call.read_only == *is,
        Some(LookupAttribute::Username(name)) => event.username() == Some(name),
        Some(LookupAttribute::EventSource(source)) => call.source.as_str() == source,
        Some(LookupAttribute::AccessKeyId(id)) => event.access_key_id() == Some(id),
        Some(LookupAttribute::ResourceType(kind)) => {
            event.resources().iter().any(|resource| resource.kind == kind)
        }
        Some(LookupAttribute::ResourceName(name)) => {
            event.resources().iter().any(|resource| resource.name == *name)
        }
    };
    let is_here = event.region == scope.region || call.source == EventSource::Iam;
    let is_in_time = lookup.start.is_none_or(|start| event.at >= start)
        && lookup.end.is_none_or(|end| event.at < end);
    event.account == scope.account && is_here && is_in_time && has
}

/// The records of all pages, whose identifiers have to be those of the model.
async fn paged(store: &PgStore, scope: &Scope, lookup: &EventLookup) -> Vec<(Uuid, String)> {
    let mut lookup = lookup.clone();
    let mut told = Vec::new();
    loop {
        let page = store.lookup_events(scope, &lookup).await.expect("read");
        assert!(page.events.len() <= usize::try_from(lookup.most).expect("few"));
        told.extend(page.events.into_iter().map(|event| (event.id, event.record)));
        let Some(next) = page.next else { return told };
        assert!(lookup.after.is_none_or(|after| next < after), "it goes on: {next:?}");
        lookup.after = Some(next);
    }
}

#[tokio::test]
async fn pages_of_every_size_tell_the_events_of_reads_and_writes_in_their_order() {
    with_store(|f| async move {
        let mut numbers = Numbers(42);
        let mut model = Vec::new();
        while model.len() < 150 {
            let trail = trail(None);
            for _ in 0..=numbers.below(12) {
                let event = any_event(&mut numbers);
                model.push(event.clone());
                trail.record(event);
            }
            trail.flush(&f.store).await;
            assert_eq!(trail.waiting_events(), 0);
        }
        let batches: i64 = sqlx::query_scalar("select count(*) from audit_read_batch")
            .fetch_one(&f.pool)
            .await
            .expect("read");
        assert!(batches > 40, "{batches}");
        model.sort_by_key(|event| std::cmp::Reverse(position(event)));
        let text = str::to_owned;
        let batched = model.iter().find(|event| event.read_only()).expect("a read").id;
        let start = Timestamp::from_micros(NOW.as_micros() + 2);
        let end = Timestamp::from_micros(NOW.as_micros() + 2_000);
        let attributes = [
            None,
            Some(LookupAttribute::EventId(batched)),
            Some(LookupAttribute::EventId(model[7].id)),
            Some(LookupAttribute::EventId(OsEntropy.uuid())),
            Some(LookupAttribute::EventName(text("DescribeBroker"))),
            Some(LookupAttribute::EventName(text("DeleteBroker"))),
            Some(LookupAttribute::ReadOnly(true)),
            Some(LookupAttribute::ReadOnly(false)),
            Some(LookupAttribute::Username(text("bob"))),
            Some(LookupAttribute::ResourceType(text("AWS::AmazonMQ::Broker"))),
            Some(LookupAttribute::ResourceName(text("b-2"))),
            Some(LookupAttribute::EventSource(text("iam.amazonaws.com"))),
            Some(LookupAttribute::AccessKeyId(text("AKIAalice"))),
            Some(LookupAttribute::Nothing),
        ];
        let elsewhere = Scope { region: "eu-west-1".parse().expect("a region"), ..scope() };
        let of_others = Scope { account: other_account(), ..scope() };
        for scope in [scope(), elsewhere, of_others] {
            for attribute in &attributes {
                for (start, end) in [(None, None), (Some(start), None), (Some(start), Some(end))] {
                    let sizes: &[u32] =
                        if attribute.is_some() && start.is_some() { &[7] } else { &[1, 2, 7, 50] };
                    for most in sizes.iter().copied() {
                        let lookup = EventLookup {
                            attribute: attribute.clone(),
                            start,
                            end,
                            most,
                            after: None,
                        };
                        let told = paged(&f.store, &scope, &lookup).await;
                        let asked: Vec<_> = model
                            .iter()
                            .filter(|event| is_asked(event, &scope, &lookup))
                            .map(|event| (event.id, event.record()))
                            .collect();
                        assert_eq!(told, asked, "{scope:?} {lookup:?}");
                    }
                }
            }
        }
    })
    .await;
}

#[tokio::test]
async fn many_batches_of_one_moment_are_paged_through_and_rare_events_found_among_them() {
    with_store(|f| async move {
        let trail = AuditTrail::new(1_000_000, None, Arc::new(FixedClock(NOW)));
        let mut all = BTreeSet::new();
        for n in 0..15 {
            // Each batch spans the same seconds, and all of them have more events than are opened for one page.
            for k in 0..100 {
                let event = event("DescribeBroker", k * 90_000 + n, &[("broker-id", "b-1")]);
                all.insert(event.id);
                trail.record(event);
            }
            trail.flush(&f.store).await;
        }
        let rare = event("ListUsers", 5, &[]);
        trail.record(rare.clone());
        trail.flush(&f.store).await;
        let lookup =
            |attribute, most| EventLookup { attribute, start: None, end: None, most, after: None };
        let told = paged(&f.store, &scope(), &lookup(None, 50)).await;
        assert_eq!(told.len(), 1501);
        let ids: BTreeSet<_> = told.iter().map(|(id, _)| *id).collect();
        assert!(ids.is_superset(&all) && ids.contains(&rare.id), "each once");
        let by_name = LookupAttribute::EventName("ListUsers".to_owned());
        let page = f.store.lookup_events(&scope(), &lookup(Some(by_name), 50)).await.expect("read");
        assert_eq!((page.events.len(), page.next), (1, None));
        assert_eq!(page.events[0].record, rare.record());
    })
    .await;
}

#[tokio::test]
async fn a_batch_whose_commit_was_not_answered_is_written_again_and_told_once() {
    with_store(|f| async move {
        let (credentials, rest) = f.url.split_once('@').expect("a URL with a user");
        let (server, name) = rest.split_once('/').expect("a URL with a database");
        let target = server.to_socket_addrs().expect("a server with a port").next();
        let proxy = ChaosProxy::start(target.expect("an address")).expect("a proxy");
        let url = format!("{credentials}@{}/{name}", proxy.address());
        let key = MasterKey::new([7; 32]);
        let store = PgStore::connect(&url, 4, key, Arc::new(OsEntropy)).await.expect("connects");
        let trail = trail(None);
        // The statement is prepared before its answers are lost.
        trail.record(event("DescribeBroker", 0, &[]));
        trail.flush(&store).await;
        proxy.set(Mode::SwallowAnswers);
        trail.record(event("DescribeBroker", 1, &[]));
        trail.record(event("ListBrokers", 2, &[]));
        trail.flush(&store).await;
        assert_eq!(trail.waiting_events(), 2, "nobody knows");
        proxy.set(Mode::Pass);
        // What comes meanwhile is written in the same batch.
        trail.record(event("ListBrokers", 3, &[]));
        let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
        while trail.waiting_events() > 0 {
            assert!(tokio::time::Instant::now() < deadline, "the database is back");
            trail.flush(&store).await;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let twice: i64 =
            sqlx::query_scalar("select count(*) from audit_read_batch where first_at = $1")
                .bind(NOW.as_micros() + 1)
                .fetch_one(&f.pool)
                .await
                .expect("read");
        assert_eq!(twice, 2, "it was committed both times");
        let named = |events: &[brokerd_store::FoundEvent], name: &str| {
            events.iter().filter(|event| event.name == name).count()
        };
        let events = found(&f.store, &[]).await.events;
        assert_eq!(named(&events, "DescribeBroker"), 2);
        let ids: BTreeSet<_> = events.iter().map(|event| event.id).collect();
        assert_eq!(ids.len(), events.len());
        for most in [1, 2] {
            let lookup = EventLookup { attribute: None, start: None, end: None, most, after: None };
            assert_eq!(paged(&f.store, &scope(), &lookup).await.len(), events.len());
        }
    })
    .await;
}

#[tokio::test]
async fn a_call_that_counts_as_a_read_and_has_written_has_one_event() {
    with_store(|f| async move {
        let id = create(&f.store, "orders").await;
        let event = with(event("AssumeRole", 1, &[]), |call| {
            (call.source, call.read_only) = (EventSource::Sts, true);
        });
        let call = Arc::new(AuditedCall::default());
        call.begin(event.clone());
        let audited = f.store.audited();
        Arc::clone(&call).scope(audited.wake(id)).await.expect("written");
        let trail = trail(None);
        trail.record(call.end(Outcome::Answered(None)).expect("a call"));
        trail.flush(&f.store).await;
        let rows = stored(&f.pool).await;
        assert_eq!(rows.len(), 1);
        let (_, complete, record) = &rows[0];
        assert!(complete, "it is completed where it is");
        assert!(record.as_ref().expect("a record").get("additionalEventData").is_none());
        assert_eq!(found(&f.store, &[]).await.events.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn long_parameters_of_a_read_are_told_as_those_of_a_write() {
    with_store(|f| async move {
        let long = "x".repeat(200_000);
        let event = event("DescribeBroker", 1, &[("broker-id", "b-1"), ("x", &long)]);
        let trail = trail(None);
        trail.record(event.clone());
        trail.flush(&f.store).await;
        let events = found(&f.store, &[("ResourceName", "b-1")]).await.events;
        assert_eq!(events[0].record, event.record());
        assert!(events[0].record.len() < 2000);
    })
    .await;
}

#[tokio::test]
async fn reads_that_the_log_did_not_take_are_told_later_and_once() {
    with_store(|f| async move {
        let log = TestLog::default();
        log.is_full.store(true, std::sync::atomic::Ordering::SeqCst);
        let trail = trail(Some(&log));
        for n in 0..3 {
            trail.record(event("DescribeBroker", n * 20_000_000, &[]));
        }
        trail.flush(&f.store).await;
        trail.sweep(&f.store).await;
        assert!(log.names().is_empty());
        log.is_full.store(false, std::sync::atomic::Ordering::SeqCst);
        trail.sweep(&f.store).await;
        trail.sweep(&f.store).await;
        assert_eq!(log.names(), ["DescribeBroker"; 3]);
    })
    .await;
}

#[tokio::test]
async fn a_batch_that_can_not_be_read_is_skipped_and_the_others_are_told() {
    with_store(|f| async move {
        let trail = trail(None);
        trail.record(event("DescribeBroker", 1, &[]));
        trail.record(event("ListBrokers", 60_000_000, &[]));
        trail.flush(&f.store).await;
        damage(&f).await;
        let events = found(&f.store, &[]).await.events;
        assert_eq!(events.len(), 1);
        assert_eq!(events[0].name, "DescribeBroker");
        assert!(f.store.skipped_rows().contains(&("audit_read_batch", 1)));
    })
    .await;
}

/// Damages the newest batch.
async fn damage(f: &Fixture) {
    let sql = "update audit_read_batch set content = '{' where last_at = (select max(last_at) from audit_read_batch)";
    sqlx::query(sql).execute(&f.pool).await.expect("damaged");
}

#[tokio::test]
async fn what_a_single_statement_writes_and_its_event_are_there_together_or_not_at_all() {
    with_store(|f| async move {
        let id = create(&f.store, "orders").await;
        let audited = f.store.audited();
        let refused = event("RebootBroker", 1, &[]);
        let refuse = "alter table reconcile add constraint no_wakes check (wakes < 1) not valid";
        sqlx::raw_sql(refuse).execute(&f.pool).await.expect("altered");
        assert!(called(&refused, audited.wake(id)).await.is_err());
        assert!(stored(&f.pool).await.is_empty());
        let refuse = "alter table reconcile drop constraint no_wakes;
                      alter table audit_event add constraint no_events check (record is null) not valid";
        sqlx::raw_sql(refuse).execute(&f.pool).await.expect("altered");
        assert!(called(&refused, audited.wake(id)).await.is_err());
        let wakes: i64 = sqlx::query_scalar("select wakes from reconcile where broker_id = $1")
            .bind(id.uuid())
            .fetch_one(&f.pool)
            .await
            .expect("read");
        assert_eq!(wakes, 0);
    })
    .await;
}
