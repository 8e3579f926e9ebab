//! What brokers measured, as reports tell it.

use std::time::Duration;

use brokerd_domain::{
    BrokerId, Scope, Timestamp,
    metric::{DimensionName, MetricName, SeriesKey, Unit},
    report::{MessageCounts, Period},
};
use brokerd_store::{MeteredBroker, PgStore, Sample};

use crate::support::{NOW, create, ids, rabbit, scope, with_store};

fn minute(minutes: u64) -> Timestamp {
    NOW.plus(Duration::from_mins(minutes))
}

fn hour() -> Period {
    Period { from: minute(0), to: minute(60) }
}

async fn record(store: &PgStore, broker: BrokerId, at: u64, values: &[(SeriesKey, f64)]) {
    let values = values.iter().map(|(key, value)| (key.clone(), Unit::Count, *value)).collect();
    let sample = Sample { broker, at: minute(at), values };
    store.record_samples(vec![sample]).await.expect("recorded");
}

async fn messages(store: &PgStore, id: BrokerId) -> Option<MessageCounts> {
    let broker = store.reported_broker(&scope(), id).await.expect("read").expect("there");
    store.counted_messages(&broker, hour()).await.expect("read")
}

#[tokio::test]
async fn messages_of_rabbitmq_follow_from_its_rates() {
    with_store(|f| async move {
        let new = ids();
        f.store.create_broker(&scope(), &rabbit("orders"), new, NOW).await.expect("stored");
        let id = new.broker;
        assert_eq!(messages(&f.store, id).await, None, "nothing was counted");
        let of = |metric| SeriesKey::of(metric, &[(DimensionName::Broker, "orders")]);
        let node = SeriesKey::of(
            MetricName::PublishRate,
            &[(DimensionName::Broker, "orders"), (DimensionName::Node, "n1")],
        );
        let rates = |published: f64, acknowledged: f64| {
            vec![
                (of(MetricName::PublishRate), published),
                (of(MetricName::AckRate), acknowledged),
                (node.clone(), 1000.0),
            ]
        };
        record(&f.store, id, 1, &rates(2.0, 1.0)).await;
        record(&f.store, id, 2, &rates(0.5, 0.0)).await;
        record(&f.store, id, 61, &rates(7.0, 7.0)).await;
        let expected = MessageCounts { received: 150, delivered: 60 };
        assert_eq!(messages(&f.store, id).await, Some(expected));
    })
    .await;
}

#[tokio::test]
async fn messages_of_activemq_are_those_of_its_destinations_on_both_instances_without_advisories() {
    with_store(|f| async move {
        let id = create(&f.store, "orders").await;
        let of = |metric, instance, kind, name| {
            SeriesKey::of(metric, &[(DimensionName::Broker, instance), (kind, name)])
        };
        let enqueued = |instance, kind, name| of(MetricName::EnqueueCount, instance, kind, name);
        let (queue, topic) = (DimensionName::Queue, DimensionName::Topic);
        let values = [
            (enqueued("orders-1", queue, "in"), 10.0),
            (enqueued("orders-1", topic, "news"), 5.0),
            (enqueued("orders-1", topic, "ActiveMQ.Advisory.Connection"), 99.0),
            (enqueued("orders-2", queue, "in"), 3.0),
            (of(MetricName::DequeueCount, "orders-1", queue, "in"), 8.0),
        ];
        record(&f.store, id, 1, &values).await;
        let expected = MessageCounts { received: 18, delivered: 8 };
        assert_eq!(messages(&f.store, id).await, Some(expected));
    })
    .await;
}

#[tokio::test]
async fn storage_of_activemq_is_a_share_of_what_its_type_may_store() {
    with_store(|f| async move {
        let id = create(&f.store, "orders").await;
        let used = |instance| {
            SeriesKey::of(MetricName::StorePercentUsage, &[(DimensionName::Broker, instance)])
        };
        record(&f.store, id, 1, &[(used("orders-1"), 10.0)]).await;
        record(&f.store, id, 2, &[(used("orders-1"), 30.0)]).await;
        let others = create(&f.store, "others").await;
        record(&f.store, others, 2, &[(used("others-1"), 50.0)]).await;
        // 20 GB of an mq.t3.micro.
        let one = f.store.metered_broker(&scope(), id, hour()).await.expect("read").expect("there");
        let told = |metered: &MeteredBroker| {
            let of = |s: &brokerd_domain::price::StorageUse| (s.bytes >> 30, s.minutes);
            metered.storage.iter().map(of).collect::<Vec<_>>()
        };
        assert_eq!(told(&one), [(4, 2)]);
        let all = f.store.metered_brokers(&scope().account, hour(), 10).await.expect("read");
        let mut all: Vec<_> = all.iter().map(told).collect();
        all.sort_unstable();
        assert_eq!(all, [vec![(4, 2)], vec![(10, 1)]]);
        let elsewhere = Scope { region: "eu-west-1".parse().expect("a region"), ..scope() };
        assert_eq!(f.store.metered_broker(&elsewhere, id, hour()).await.expect("read"), None);
    })
    .await;
}
