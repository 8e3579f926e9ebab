//! Events that are looked up.

use brokerd_domain::audit::{AuditEvent, EventLookup, EventSource, LookupInput};

use super::{answered, event, found, trail, user, with};
use crate::support::{NOW, scope, with_store};

#[tokio::test]
async fn events_are_found_by_each_attribute_and_only_in_their_account_and_region() {
    with_store(|f| async move {
        let trail = trail(None);
        let one = event("DescribeBroker", 1, &[("broker-id", "b-1")]);
        let two = with(event("DeleteBroker", 2, &[("broker-id", "b-2")]), |call| {
            call.caller = user("bob");
        });
        let three = with(event("CreateUser", 3, &[("userName", "carol")]), |call| {
            call.source = EventSource::Iam;
        });
        let three = AuditEvent { region: "eu-west-1".parse().expect("a region"), ..three };
        let elsewhere = AuditEvent {
            region: "eu-west-1".parse().expect("a region"),
            ..event("DescribeBroker", 4, &[("broker-id", "b-1")])
        };
        let others = AuditEvent {
            account: "111111111111".parse().expect("an account"),
            ..event("DescribeBroker", 5, &[("broker-id", "b-1")])
        };
        let ids = [&one, &two, &three].map(|event| event.id);
        for event in [one, two, three, elsewhere.clone(), others.clone()] {
            trail.record(answered(event));
        }
        trail.flush(&f.store).await;
        let [one, two, three] = ids;
        let (id_of_two, gone) = (two.to_string(), others.id.to_string());
        for (attribute, value, expected) in [
            ("EventId", id_of_two.as_str(), vec![two]),
            ("EventId", gone.as_str(), vec![]),
            ("EventId", "nonsense", vec![]),
            ("EventName", "DescribeBroker", vec![one]),
            ("ReadOnly", "true", vec![one]),
            ("ReadOnly", "false", vec![three, two]),
            ("Username", "alice", vec![three, one]),
            ("ResourceType", "AWS::AmazonMQ::Broker", vec![two, one]),
            ("ResourceName", "b-2", vec![two]),
            ("EventSource", "amazonmq.amazonaws.com", vec![two, one]),
            ("AccessKeyId", "AKIAbob", vec![two]),
        ] {
            let page = found(&f.store, &[(attribute, value)]).await;
            let ids: Vec<_> = page.events.iter().map(|event| event.id).collect();
            assert_eq!(ids, expected, "{attribute} {value}");
            assert_eq!(page.next, None);
        }
        let page = found(&f.store, &[]).await;
        assert_eq!(page.events.iter().map(|e| e.id).collect::<Vec<_>>(), [three, two, one]);
        let event = &page.events[2];
        assert_eq!((event.name.as_str(), event.read_only), ("DescribeBroker", true));
        assert_eq!(event.username.as_deref(), Some("alice"));
        assert_eq!(event.access_key_id.as_deref(), Some("AKIAalice"));
        assert_eq!(
            event.resources,
            serde_json::json!([{"ResourceType": "AWS::AmazonMQ::Broker", "ResourceName": "b-1"}])
        );
        assert!(event.record.contains(&one.to_string()));
    })
    .await;
}

#[tokio::test]
async fn pages_go_through_all_events_also_where_few_are_wanted_among_many() {
    with_store(|f| async move {
        sqlx::query(
            "insert into audit_event (id, at, account, region, source, name, read_only, resources, complete, record)
             select gen_random_uuid(), $1 + n / 3, '000000000000', 'us-east-1', 'x',
                    case when n % 20000 = 7 then 'Rare' else 'Common' end, false, '[]', true, '{}'
             from generate_series(1, 60020) as n (n)",
        )
        .bind(NOW.as_micros())
        .execute(&f.pool)
        .await
        .expect("stored");
        let ask = async |name: &str, most: Option<i64>, stop: usize| {
            let mut input = LookupInput {
                attributes: vec![("EventName".to_owned(), name.to_owned())],
                most,
                ..LookupInput::default()
            };
            let (mut ids, mut pages) = (Vec::new(), 0);
            while ids.len() < stop {
                let lookup = EventLookup::parse(&input).expect("a question");
                let page = f.store.lookup_events(&scope(), &lookup).await.expect("read");
                ids.extend(page.events.iter().map(|event| event.id));
                pages += 1;
                let Some(next) = page.next else { break };
                input.token = Some(lookup.token(next));
            }
            let count = ids.len();
            ids.sort_unstable();
            ids.dedup();
            assert_eq!(ids.len(), count, "an event is told once");
            (count, pages)
        };
        assert_eq!(ask("Rare", None, usize::MAX).await, (4, 2));
        assert_eq!(ask("Common", Some(50), 150).await, (150, 3));
        assert_eq!(ask("Common", Some(7), 21).await, (21, 3));
        let lookup = EventLookup::parse(&LookupInput {
            start: Some(1_790_000_000.0),
            end: Some(1_790_000_000.0),
            ..LookupInput::default()
        });
        let lookup = lookup.expect("a question");
        let page = f.store.lookup_events(&scope(), &lookup).await.expect("read");
        assert_eq!(page.events.len(), 50);
    })
    .await;
}

/// Source: LookupEvents of the CloudTrail API reference: what was at or after `StartTime`, and before or at `EndTime`. Events
/// are told with whole seconds.
#[tokio::test]
async fn both_ends_of_a_time_range_belong_to_it() {
    with_store(|f| async move {
        let trail = trail(None);
        let second = NOW.as_micros() % 1_000_000;
        let begin = -second;
        for (name, micros) in [
            ("Before", begin - 1),
            ("First", begin),
            ("Last", begin + 1_999_999),
            ("After", begin + 2_000_000),
        ] {
            trail.record(answered(event(name, micros, &[])));
        }
        trail.flush(&f.store).await;
        let whole = NOW.as_seconds() as f64;
        let names = async |start: Option<f64>, end: Option<f64>| -> Vec<String> {
            let input = LookupInput { start, end, ..LookupInput::default() };
            let lookup = EventLookup::parse(&input).expect("a question");
            let page = f.store.lookup_events(&scope(), &lookup).await.expect("read");
            page.events.into_iter().map(|event| event.name).collect()
        };
        let within = names(Some(whole), Some(whole + 1.0)).await;
        assert_eq!(within, ["Last", "First"], "the whole of the last second");
        assert_eq!(names(Some(whole), Some(whole + 1.7)).await, within, "fractions do not count");
        assert_eq!(names(None, Some(whole)).await, ["First", "Before"]);
        assert_eq!(names(Some(whole + 1.0), None).await, ["After", "Last"]);
        assert_eq!(names(Some(whole + 3.0), None).await, Vec::<String>::new());
    })
    .await;
}
