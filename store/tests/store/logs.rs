//! Logs of brokers: what is followed, what is stored, what is read and what is deleted.

use std::{collections::BTreeSet, time::Duration};

use brokerd_domain::{
    BrokerId, EngineType, Scope, Tags, Timestamp, WorkerId,
    log::{
        EventId, EventToken, LinePosition, LogCategory, LogGroupName, LogStreamName,
        insights::{QueryResults, ResultField},
    },
};
use brokerd_store::{
    FollowedBroker, LogBatch, LogQuery, LogRange, NewLogEvent, PgStore, PrunedLogs, ReadPosition,
    StreamChoice, StreamOrder,
};
use sqlx::PgPool;

use crate::{
    identities::in_account,
    support::{Fixture, NOW, create, ids, leased, rabbit, scope, with_store, worker},
};

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

pub(crate) fn later(micros: i64) -> Timestamp {
    Timestamp::from_micros(NOW.as_micros() + micros)
}

/// Lines of the first instance of a broker, `micros` after now, with their texts.
pub(crate) fn batch(broker: BrokerId, version: i64, lines: &[(i64, &str)]) -> LogBatch {
    let last = lines.last().map_or(0, |(micros, _)| later(*micros).as_micros() * 1000);
    LogBatch {
        scope: scope(),
        broker,
        engine: EngineType::ActiveMq,
        ordinal: 1,
        container: format!("container-{broker}"),
        version,
        position: ReadPosition {
            stderr: LinePosition { at: last, ordinal: 1 },
            ..ReadPosition::default()
        },
        events: lines
            .iter()
            .map(|(micros, text)| NewLogEvent {
                category: LogCategory::General,
                at: later(*micros),
                message: (*text).to_owned(),
            })
            .collect(),
        logs: BTreeSet::new(),
    }
}

async fn append(store: &PgStore, batch: LogBatch) -> bool {
    store.append_logs(&[batch], NOW).await.expect("appended")[0]
}

fn group(broker: BrokerId) -> LogGroupName {
    LogGroupName::parse(&LogCategory::General.group(broker)).expect("a name")
}

fn stream(broker: BrokerId) -> LogStreamName {
    LogStreamName::parse(&format!("activemq-{broker}-1.log")).expect("a name")
}

/// A page of events: identifiers and texts.
async fn page(
    store: &PgStore,
    broker: BrokerId,
    token: Option<EventToken>,
    most: u32,
) -> Vec<(EventId, String)> {
    let (group, stream) = (group(broker), stream(broker));
    let found = store.log_events(&scope(), &group, &stream, LogRange::ALL, token, most, NOW).await;
    let found = found.expect("read").expect("there");
    found.into_iter().map(|event| (event.id, event.message)).collect()
}

async fn texts(store: &PgStore, broker: BrokerId) -> Vec<String> {
    let first = Some(EventToken::Forward(EventId::FIRST));
    page(store, broker, first, 1000).await.into_iter().map(|(_, text)| text).collect()
}

async fn followed(store: &PgStore, worker: WorkerId) -> Vec<FollowedBroker> {
    store.followed_brokers(worker).await.expect("read")
}

async fn set_logs(pool: &PgPool, broker: BrokerId, general: bool, audit: bool) {
    sqlx::query(
        "update broker set spec = spec || jsonb_build_object('logs', $2::jsonb) where id = $1",
    )
    .bind(broker.uuid())
    .bind(serde_json::json!({"general": general, "audit": audit}))
    .execute(pool)
    .await
    .expect("changed");
}

async fn owned_by(f: &Fixture, broker: BrokerId) -> WorkerId {
    let me = worker();
    sqlx::query("update reconcile set owner = $2 where broker_id = $1")
        .bind(broker.uuid())
        .bind(me.uuid())
        .execute(&f.pool)
        .await
        .expect("owned");
    me
}

#[tokio::test]
async fn followed_are_the_brokers_of_a_provisioner_of_which_a_log_is_published() {
    with_store(|f| async move {
        let activemq = create(&f.store, "orders").await;
        let me = owned_by(&f, activemq).await;
        assert_eq!(followed(&f.store, me).await, [], "nothing is published");
        set_logs(&f.pool, activemq, true, true).await;
        let found = followed(&f.store, me).await;
        assert_eq!(found.len(), 1);
        let begin = Some(Timestamp::from_micros(0));
        // ActiveMQ is made anew for such a change: its first line counts.
        assert_eq!(
            (found[0].id, found[0].general_since, found[0].audit_since),
            (activemq, begin, begin)
        );
        assert_eq!((found[0].engine, found[0].instances), (EngineType::ActiveMq, 1));
        assert_eq!(followed(&f.store, worker()).await, [], "others own nothing");
        set_logs(&f.pool, activemq, false, true).await;
        assert_eq!(followed(&f.store, me).await[0].general_since, None);
        set_logs(&f.pool, activemq, false, false).await;
        assert_eq!(followed(&f.store, me).await, []);
    })
    .await;
}

#[tokio::test]
async fn the_log_of_rabbitmq_is_published_from_the_change_on_and_from_the_first_line_if_created_so()
{
    with_store(|f| async move {
        let new = ids();
        f.store.create_broker(&scope(), &rabbit("events"), new, NOW).await.expect("created");
        let me = owned_by(&f, new.broker).await;
        set_logs(&f.pool, new.broker, true, false).await;
        let since = followed(&f.store, me).await[0].general_since.expect("published");
        assert!(since.as_micros() > 0);
        // Another change leaves it.
        sqlx::query("update broker set spec = spec || '{\"publicly_accessible\": false}'")
            .execute(&f.pool)
            .await
            .expect("changed");
        assert_eq!(followed(&f.store, me).await[0].general_since, Some(since));
        let logging = crate::support::command("logging", |input| {
            input.logs = Some((Some(true), None));
        });
        let new = ids();
        f.store.create_broker(&scope(), &logging, new, NOW).await.expect("created");
        let me = owned_by(&f, new.broker).await;
        let since = followed(&f.store, me).await[0].general_since;
        assert_eq!(since, Some(Timestamp::from_micros(0)));
    })
    .await;
}

#[tokio::test]
async fn lines_are_stored_with_the_position_behind_them_and_never_twice() {
    with_store(|f| async move {
        let id = create(&f.store, "orders").await;
        assert_eq!(f.store.log_position(&format!("container-{id}")).await.expect("read"), None);
        assert!(append(&f.store, batch(id, 0, &[(0, "one"), (1, "two")])).await);
        assert!(!append(&f.store, batch(id, 0, &[(0, "one"), (1, "two")])).await, "read before");
        assert!(append(&f.store, batch(id, 1, &[(2, "three")])).await);
        assert!(!append(&f.store, batch(id, 1, &[(2, "three"), (3, "four")])).await, "read on");
        assert_eq!(texts(&f.store, id).await, ["one", "two", "three"]);
        let container = format!("container-{id}");
        let (version, position) =
            f.store.log_position(&container).await.expect("read").expect("there");
        assert_eq!((version, position.stderr.at), (2, later(2).as_micros() * 1000));
        // Of several containers one may be somebody else's meanwhile.
        let other = create(&f.store, "other").await;
        let both = [batch(id, 1, &[(4, "lost")]), batch(other, 0, &[(4, "theirs")])];
        assert_eq!(f.store.append_logs(&both, NOW).await.expect("appended"), [false, true]);
        assert_eq!(texts(&f.store, other).await, ["theirs"]);
        assert_eq!(texts(&f.store, id).await.len(), 3);
    })
    .await;
}

#[tokio::test]
async fn a_broker_that_is_gone_gets_no_lines_and_leaves_its_groups() {
    with_store(|f| async move {
        let id = create(&f.store, "orders").await;
        assert!(append(&f.store, batch(id, 0, &[(0, "last words")])).await);
        f.store.request_delete(&scope(), id, NOW).await.expect("asked");
        let lease = leased(&f.store).await;
        f.store.delete_broker_record(&lease).await.expect("gone");
        assert!(!append(&f.store, batch(id, 1, &[(1, "ghost")])).await);
        assert!(!append(&f.store, batch(id, 0, &[(1, "ghost")])).await);
        assert_eq!(texts(&f.store, id).await, ["last words"]);
    })
    .await;
}

#[tokio::test]
async fn events_are_read_forwards_and_backwards_by_tokens() {
    with_store(|f| async move {
        let id = create(&f.store, "orders").await;
        let lines: Vec<(i64, String)> = (0..5).map(|n| (n / 2, format!("line {n}"))).collect();
        let lines: Vec<(i64, &str)> = lines.iter().map(|(at, text)| (*at, text.as_str())).collect();
        assert!(append(&f.store, batch(id, 0, &lines)).await);
        let shown = |page: &[(EventId, String)]| {
            page.iter()
                .map(|(_, text)| text.rsplit(' ').next().unwrap_or_default().to_owned())
                .collect::<String>()
        };
        let last = page(&f.store, id, None, 2).await;
        assert_eq!(shown(&last), "34");
        let before = page(&f.store, id, Some(EventToken::Backward(last[0].0)), 2).await;
        assert_eq!(shown(&before), "12");
        let first = page(&f.store, id, Some(EventToken::Backward(before[0].0)), 2).await;
        assert_eq!(shown(&first), "0");
        assert_eq!(page(&f.store, id, Some(EventToken::Backward(first[0].0)), 2).await, []);
        let next = page(&f.store, id, Some(EventToken::Forward(first[0].0)), 3).await;
        assert_eq!(shown(&next), "123");
        let end = Some(EventToken::Forward(last[1].0));
        assert_eq!(page(&f.store, id, end, 3).await, []);
        assert!(append(&f.store, batch(id, 1, &[(3, "line 5")])).await);
        assert_eq!(shown(&page(&f.store, id, end, 3).await), "5", "what came since");
        let range = LogRange { from: later(1), to: later(2) };
        let found = f
            .store
            .log_events(&scope(), &group(id), &stream(id), range, None, 100, NOW)
            .await
            .expect("read")
            .expect("there");
        assert_eq!(found.len(), 2, "the end does not count");
    })
    .await;
}

#[tokio::test]
async fn events_of_several_streams_are_read_by_time() {
    with_store(|f| async move {
        let id = create(&f.store, "orders").await;
        let second = LogBatch {
            ordinal: 2,
            container: "second".to_owned(),
            ..batch(id, 0, &[(1, "b1"), (3, "b3")])
        };
        let both = [batch(id, 0, &[(0, "a0"), (2, "a2"), (4, "a4")]), second];
        assert_eq!(f.store.append_logs(&both, NOW).await.expect("appended"), [true, true]);
        let scan = async |choice, after, most| {
            let found = f
                .store
                .scan_log_events(&scope(), &group(id), choice, LogRange::ALL, after, most, NOW)
                .await;
            found.expect("read").expect("there")
        };
        let first = scan(StreamChoice::Beginning(""), EventId::FIRST, 3).await;
        let shown = |events: &[brokerd_store::FoundLogEvent]| {
            events.iter().map(|event| event.message.clone()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(shown(&first.events), "a0 b1 a2");
        let rest = scan(StreamChoice::Beginning(""), first.events[2].id, 3).await;
        assert_eq!(shown(&rest.events), "b3 a4");
        assert!(rest.streams.values().any(|name| name.ends_with("-2.log")));
        let named = [stream(id)];
        let of_one = scan(StreamChoice::Named(&named), EventId::FIRST, 10).await;
        assert_eq!(shown(&of_one.events), "a0 a2 a4");
        let of_none = scan(StreamChoice::Beginning("nothing"), EventId::FIRST, 10).await;
        assert_eq!(shown(&of_none.events), "");
        // The clock may be set back a little; events of a stream stay in order.
        assert!(append(&f.store, batch(id, 1, &[(-SECOND, "late")])).await);
        assert_eq!(texts(&f.store, id).await, ["a0", "a2", "a4", "late"]);
    })
    .await;
}

#[tokio::test]
async fn streams_are_listed_by_name_and_by_their_last_events() {
    with_store(|f| async move {
        let id = create(&f.store, "orders").await;
        for (ordinal, at) in [(1, 5), (2, 9), (3, 1)] {
            let container = format!("c{ordinal}");
            assert!(
                append(&f.store, LogBatch { ordinal, container, ..batch(id, 0, &[(at, "x")]) })
                    .await
            );
        }
        for (order, descending, expected) in [
            (StreamOrder::Name, false, "123"),
            (StreamOrder::Name, true, "321"),
            (StreamOrder::LastEvent, false, "312"),
            (StreamOrder::LastEvent, true, "213"),
        ] {
            let (mut after, mut found) = (None, String::new());
            loop {
                let listed = f
                    .store
                    .log_streams(
                        &scope(),
                        &group(id),
                        "activemq-",
                        order,
                        descending,
                        after.as_ref(),
                        1,
                    )
                    .await
                    .expect("read")
                    .expect("there");
                let Some(stream) = listed.first() else { break };
                found.push_str(
                    stream.name.trim_end_matches(".log").rsplit('-').next().unwrap_or(""),
                );
                after = Some(stream.place());
            }
            assert_eq!(found, expected, "{order:?} {descending}");
        }
    })
    .await;
}

#[tokio::test]
async fn groups_are_created_found_tagged_and_deleted() {
    with_store(|f| async move {
        let id = create(&f.store, "orders").await;
        let (own, of_broker) = (LogGroupName::parse("/own/Group").expect("a name"), group(id));
        let store = &f.store;
        let tags =
            |team: &str| Tags::parse([("team".to_owned(), team.to_owned())].into()).expect("tags");
        assert!(store.create_log_group(&scope(), &own, &tags("red"), NOW).await.expect("created"));
        assert!(!store.create_log_group(&scope(), &own, &tags("red"), NOW).await.expect("asked"));
        assert!(append(store, batch(id, 0, &[(0, "hello")])).await);
        let names = async |prefix: &str, part: &str, after: Option<&str>| {
            let found = store.log_groups(&scope(), prefix, part, after, 10).await.expect("read");
            found.into_iter().map(|group| group.name).collect::<Vec<_>>()
        };
        assert_eq!(names("", "", None).await, [of_broker.as_str(), own.as_str()]);
        assert_eq!(names("", "", Some(of_broker.as_str())).await, [own.as_str()]);
        assert_eq!(names("/aws/", "", None).await, [of_broker.as_str()]);
        assert_eq!(names("", "GROUP", None).await, [own.as_str()]);
        assert_eq!(names("%", "", None).await, [""; 0]);
        let found = store.log_group(&scope(), &of_broker).await.expect("read").expect("there");
        assert_eq!((found.stored_bytes, found.retention_days), (5, None));
        let changed = store.change_log_group_tags(&scope(), &own, |_| Ok(tags("blue"))).await;
        assert_eq!(changed.expect("changed"), Some(Ok(())));
        let found = store.log_group(&scope(), &own).await.expect("read").expect("there");
        assert_eq!(found.tags, tags("blue"));
        assert!(store.delete_log_group(&scope(), &of_broker).await.expect("deleted"));
        assert!(!store.delete_log_group(&scope(), &of_broker).await.expect("asked"));
        // What is printed from now on makes it anew, without what was before.
        assert!(append(store, batch(id, 1, &[(1, "again")])).await);
        assert_eq!(texts(store, id).await, ["again"]);
        let deleted = store.delete_log_stream(&scope(), &of_broker, &stream(id)).await;
        assert_eq!(deleted.expect("deleted"), Some(true));
        let deleted = store.delete_log_stream(&scope(), &of_broker, &stream(id)).await;
        assert_eq!(deleted.expect("asked"), Some(false));
        let pruned = store.prune_logs(NOW, 30, 100).await.expect("pruned");
        assert_eq!(pruned.events, 2, "the space is given back later");
    })
    .await;
}

#[tokio::test]
async fn days_that_nobody_keeps_are_dropped_and_shorter_retention_is_kept_exactly() {
    with_store(|f| async move {
        let (id, other) = (create(&f.store, "orders").await, create(&f.store, "other").await);
        let old = [(-40 * DAY, "old"), (-20 * DAY, "older"), (-2 * DAY, "new"), (0, "now")];
        for broker in [id, other] {
            assert!(append(&f.store, batch(broker, 0, &old)).await);
        }
        let set = f.store.set_log_retention(&scope(), &group(other), Some(3)).await;
        assert!(set.expect("set"));
        assert_eq!(texts(&f.store, other).await, ["new", "now"], "at once");
        let pruned = f.store.prune_logs(NOW, 30, 100).await.expect("pruned");
        assert_eq!(pruned, PrunedLogs { days: 1, events: 1 });
        assert_eq!(texts(&f.store, id).await, ["older", "new", "now"]);
        assert_eq!(f.store.prune_logs(NOW, 30, 100).await.expect("pruned"), PrunedLogs::default());
        // An account that is deleted takes its groups along.
        let gone = Scope { account: in_account(&f, "100000000009").await, ..scope() };
        let name = LogGroupName::parse("/gone").expect("a name");
        let tags = Tags::default();
        assert!(f.store.create_log_group(&gone, &name, &tags, NOW).await.expect("created"));
        sqlx::query("update account set deleted = 1 where id = '100000000009'")
            .execute(&f.pool)
            .await
            .expect("deleted");
        f.store.prune_logs(NOW, 30, 100).await.expect("pruned");
        assert_eq!(f.store.log_group(&gone, &name).await.expect("read"), None);
        // A group that keeps events for longer than others keeps the days.
        let set = f.store.set_log_retention(&scope(), &group(id), Some(365)).await;
        assert!(set.expect("set"));
        let year = Duration::from_hours(24 * 300);
        assert_eq!(f.store.prune_logs(NOW.plus(year), 1, 100).await.expect("pruned").days, 0);
        let count: i64 = sqlx::query_scalar("select count(*) from log_event")
            .fetch_one(&f.pool)
            .await
            .expect("counted");
        assert_eq!(count, 3, "of the other one nothing is left");
    })
    .await;
}

#[tokio::test]
async fn queries_read_the_newest_events_first_and_their_results_are_kept_for_a_week() {
    with_store(|f| async move {
        let (id, other) = (create(&f.store, "orders").await, create(&f.store, "other").await);
        assert!(append(&f.store, batch(id, 0, &[(0, "a0"), (2, "a2"), (4, "a4")])).await);
        assert!(append(&f.store, batch(other, 0, &[(1, "b1"), (3, "b3")])).await);
        let groups = [group(id), group(other)];
        let recent = async |before, most| {
            let found = f
                .store
                .recent_log_events(&scope(), &groups, LogRange::ALL, before, most, NOW)
                .await
                .expect("read");
            let last = found.events.last().map(|event| event.id);
            let texts: Vec<_> = found.events.into_iter().map(|event| event.message).collect();
            (texts.join(" "), last)
        };
        let (first, last) = recent(None, 3).await;
        assert_eq!(first, "a4 b3 a2");
        assert_eq!(recent(last, 3).await.0, "b1 a0");
        let field = |field: &str, value: &str| ResultField {
            field: field.to_owned(),
            value: value.to_owned(),
        };
        let query = LogQuery {
            id: brokerd_domain::Entropy::uuid(&crate::support::OsEntropy),
            groups: groups.iter().map(ToString::to_string).collect(),
            query: "fields a".to_owned(),
            created: NOW,
            complete: true,
            results: QueryResults {
                rows: vec![vec![field("a", "1"), field("b", "2\0")], vec![field("a", "3")]],
                matched: 2,
                scanned: 5,
                scanned_bytes: 10,
            },
        };
        f.store.save_log_query(&scope(), &query).await.expect("saved");
        let found = f.store.log_query(&scope(), query.id).await.expect("read").expect("there");
        assert_eq!(found.results.rows[0][1], field("b", "2\u{fffd}"));
        assert_eq!((found.results.rows.len(), found.results.scanned), (2, 5));
        let listed = f.store.log_queries(&scope(), Some(groups[1].as_str()), 10).await;
        assert_eq!(listed.expect("read")[0].id, query.id);
        assert_eq!(f.store.log_queries(&scope(), Some("/x"), 10).await.expect("read"), []);
        f.store.prune_logs(later(8 * DAY), 30, 100).await.expect("pruned");
        assert_eq!(f.store.log_query(&scope(), query.id).await.expect("read"), None);
    })
    .await;
}
