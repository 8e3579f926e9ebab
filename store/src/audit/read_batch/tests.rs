//! Batches of events of reads, by themselves.

use brokerd_domain::audit::RequestParameters;

use super::*;

const AT: i64 = 1_790_000_000_000_000;

fn event(micros: i64, change: impl FnOnce(&mut ApiCall)) -> AuditEvent {
    let at = Timestamp::from_micros(AT + micros);
    let account: AccountId = "000000000000".parse().expect("an account");
    let principal = Principal {
        account: account.clone(),
        kind: PrincipalKind::Root,
        tags: Tags::default(),
        token_issued: None,
    };
    let mut call = ApiCall {
        source: EventSource::AmazonMq,
        name: "DescribeBroker".to_owned(),
        read_only: true,
        request_id: Uuid::from_u128(7),
        caller: CallerIdentity::new(principal, "AKIAROOT"),
        on_host: None,
        source_ip: "192.0.2.1".to_owned(),
        user_agent: None,
        request_parameters: None,
        outcome: Outcome::Answered(None),
    };
    change(&mut call);
    AuditEvent {
        id: AuditEvent::id_at(at, Uuid::from_u128(u128::from(micros.unsigned_abs()))),
        at,
        account,
        region: "us-east-1".parse().expect("a region"),
        what: What::ApiCall(Box::new(call)),
    }
}

fn about(broker: &str) -> Option<Value> {
    let mut parameters = RequestParameters::default();
    parameters.add("broker-id", broker);
    parameters.into_element()
}

fn batched(events: &[AuditEvent]) -> Vec<ReadBatch> {
    batches_of(events.iter().map(|event| (event, true)))
}

#[test]
fn what_is_in_a_batch_is_what_was_put_into_it() {
    let caller = |kind, issued: Option<i64>| {
        let principal = Principal {
            account: "111111111111".parse().expect("an account"),
            kind,
            tags: Tags::default(),
            token_issued: issued.map(Timestamp::from_micros),
        };
        CallerIdentity::new(principal, "ASIA1")
    };
    let text = |text: &str| text.to_owned();
    let (path, name, id) = (text("/a/"), text("b\u{e9}\"\\"), text("AIDA"));
    let user = caller(PrincipalKind::User { path, name, id }, None);
    let (path, role, role_id) = (text("/"), text("c"), text("AROA"));
    let kind = PrincipalKind::RoleSession {
        path,
        role,
        role_id,
        session: text("s"),
        transitive_tag_keys: Vec::new(),
        source_identity: Some(text("carol")),
    };
    let session = caller(kind, Some(5));
    let odd = "\u{0}\n\u{1f600}\u{2028}";
    let events = [
        event(0, |_| {}),
        event(1, |call| call.caller = user.clone()),
        event(2, |call| {
            call.caller = session;
            call.user_agent = Some(text(odd));
            call.request_parameters = about(odd);
        }),
        event(3, |call| {
            call.caller = user;
            call.user_agent = Some(text("cli"));
            call.outcome = Outcome::Open;
        }),
        event(4, |call| {
            call.user_agent = Some(text(odd));
            call.outcome = Outcome::Refused { code: text("a"), message: text(odd) };
        }),
        event(5, |call| call.outcome = Outcome::Answered(about("b-1"))),
    ];
    let batches = batched(&events);
    let [batch] = &batches[..] else { panic!("{batches:?}") };
    assert_eq!((batch.first_at, batch.last_at, batch.events), (AT, AT + 5, 6));
    let read = events_in(batch.account.as_str(), batch.region.as_str(), &batch.content);
    assert_eq!(read.expect("readable"), events);
}

#[test]
fn batches_are_short_in_time_and_of_one_account_region_and_kind() {
    let mut events: Vec<_> = (0..100).map(|n| event(n * MAX_SPAN / 4 + n, |_| {})).collect();
    events.push(event(3, |call| call.source = EventSource::Sts));
    let elsewhere = "eu-west-1".parse().expect("a region");
    events.push(AuditEvent { region: elsewhere, ..event(4, |_| {}) });
    let batches = batched(&events);
    assert!(batches.iter().all(|batch| batch.last_at - batch.first_at <= MAX_SPAN));
    assert_eq!(batches.iter().map(|batch| batch.events).sum::<usize>(), events.len());
    let alone = |batch: &&ReadBatch| batch.is_global || batch.region.as_str() == "eu-west-1";
    assert!(batches.iter().filter(alone).all(|batch| batch.events == 1));
    assert_eq!(batches.iter().filter(alone).count(), 2);
    let mixed = batches_of([(&events[0], true), (&events[1], false)]);
    assert_eq!(mixed.iter().map(|batch| batch.complete).collect::<Vec<_>>(), [false, true]);
}

#[test]
fn a_batch_tells_what_may_be_in_it() {
    let of = |brokers: usize| {
        let events: Vec<_> = (0..brokers)
            .map(|n| event(0, |call| call.request_parameters = about(&format!("b-{n}"))))
            .collect();
        batched(&events).remove(0).terms
    };
    let few = of(2);
    let kind = "t:AWS::AmazonMQ::Broker";
    let common = ["k:AKIAROOT", "n:DescribeBroker", "s:amazonmq.amazonaws.com", kind, "u:root"];
    assert_eq!(few, [&common[..], &["r:b-0", "r:b-1"]].concat());
    assert_eq!(of(1000), [&common[..], &["r"]].concat());
    let asked = terms_of(&LookupAttribute::ResourceName("b-1".to_owned())).expect("terms");
    assert!(asked.iter().any(|term| few.contains(term)));
    assert!(asked.iter().any(|term| of(1000).contains(term)));
}

#[test]
fn what_tells_no_time_or_is_long_or_writes_is_in_no_batch() {
    assert!(may_contain(&event(0, |_| {})));
    assert!(may_contain(&event(0, |call| call.request_parameters = about(&"x".repeat(5000)))));
    assert!(!may_contain(&event(0, |call| call.request_parameters = about(&"x".repeat(50_000)))));
    assert!(!may_contain(&event(0, |call| call.read_only = false)));
    assert!(!may_contain(&event(0, |call| call.on_host = Some("root".to_owned()))));
    assert!(!may_contain(&AuditEvent { id: Uuid::from_u128(5), ..event(0, |_| {}) }));
    let other = event(5000, |_| {}).id;
    assert!(!may_contain(&AuditEvent { id: other, ..event(0, |_| {}) }));
}
