//! Engines that answer as they should, and otherwise.

use std::{
    collections::VecDeque,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use brokerd_domain::{
    EngineType, Protocol, Timestamp,
    destination::{
        BrowseCall, Destination, DestinationKind, EngineAnswer, EngineCallKind, ListCall,
        MessageBody, PublishCall, RefusalKind,
    },
};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    activemq,
    engine::{Engine, Failure},
    rabbitmq,
};
use crate::{
    health::{ExchangeError, HttpAnswer, HttpCall, Login, ManagementError, Probe, ProbeTarget},
    plan::{NodeReport, ProbeOutcome},
};

const NOW: Timestamp = Timestamp::from_micros(1_790_000_000_000_000);

type Answer = Result<HttpAnswer, ExchangeError>;
type Told = (u16, String, String, Value);

/// What answers a call: the port of the instance, method, path and body.
type Script = dyn FnMut(u16, &str, &str, Value) -> Answer + Send;

struct FakeEngine {
    script: Mutex<Box<Script>>,
    told: Mutex<Vec<Told>>,
}

impl FakeEngine {
    fn new(script: impl FnMut(u16, &str, &str, Value) -> Answer + Send + 'static) -> Self {
        Self { script: Mutex::new(Box::new(script)), told: Mutex::default() }
    }

    /// Answers one after the other, whatever is asked. After an answer that nobody listens nobody ever does.
    fn in_turn(answers: impl IntoIterator<Item = Answer>) -> Self {
        let mut answers: VecDeque<Answer> = answers.into_iter().collect();
        let mut listens = true;
        Self::new(move |_, _, _, _| match answers.pop_front() {
            Some(answer) => {
                listens = !matches!(answer, Err(ExchangeError::NotSent(_)));
                answer
            }
            None if !listens => not_sent(),
            None => panic!("nothing more is asked"),
        })
    }

    fn told(&self) -> Vec<Told> {
        std::mem::take(&mut self.told.lock().expect("unpoisoned"))
    }
}

#[async_trait]
impl Probe for FakeEngine {
    async fn probe(&self, _: &ProbeTarget, _: Duration) -> ProbeOutcome {
        ProbeOutcome::Silent
    }

    async fn nodes(
        &self,
        _: &ProbeTarget,
        _: &Login,
        _: Duration,
    ) -> Result<Vec<NodeReport>, ManagementError> {
        Err(ManagementError::Forbidden)
    }

    async fn is_quorum_critical(
        &self,
        _: &ProbeTarget,
        _: &Login,
        _: Duration,
    ) -> Result<bool, ManagementError> {
        Err(ManagementError::Forbidden)
    }

    async fn exchange(
        &self,
        target: &ProbeTarget,
        _: &Login,
        call: HttpCall<'_>,
        _: Duration,
    ) -> Answer {
        let body = call.body.map_or(Value::Null, |b| serde_json::from_slice(b).expect("JSON"));
        let (port, method, path) = (target.address.port(), call.method, call.path);
        let told = (port, method.to_owned(), path.to_owned(), body.clone());
        self.told.lock().expect("unpoisoned").push(told);
        (self.script.lock().expect("unpoisoned"))(port, method, path, body)
    }
}

/// Runs `ask` with an engine of so many instances, whose ports are from 1 on.
async fn with<T>(fake: &FakeEngine, instances: u16, ask: impl AsyncFnOnce(&Engine<'_>) -> T) -> T {
    let target = |port| ProbeTarget {
        engine: EngineType::RabbitMq,
        protocol: Protocol::Console,
        address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
        server_name: "node".to_owned(),
        authority_pem: Arc::from(""),
    };
    let targets: Vec<_> = (1..=instances).map(target).collect();
    let login = Login { username: "me", password: "secret".into() };
    let until = Instant::now() + Duration::from_secs(60);
    let engine = Engine::at(fake, &login, targets.iter().collect(), until);
    ask(&engine).await
}

fn answer(status: u16, body: &Value) -> Answer {
    let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    Ok(HttpAnswer { status, body })
}

fn raw(status: u16, body: &str) -> Answer {
    Ok(HttpAnswer { status, body: body.as_bytes().to_vec() })
}

fn not_sent() -> Answer {
    Err(ExchangeError::NotSent("refused".to_owned()))
}

fn no_answer() -> Answer {
    Err(ExchangeError::NoAnswer("cut off".to_owned()))
}

fn queue(name: &str) -> Destination {
    Destination {
        kind: DestinationKind::Queue,
        name: name.to_owned(),
        virtual_host: Some("/".to_owned()),
    }
}

fn refusal<T: std::fmt::Debug>(result: Result<T, Failure>, kind: EngineCallKind) -> RefusalKind {
    match result.expect_err("refused").answer(kind) {
        EngineAnswer::Refused(refusal) => refusal.kind,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_next_instance_is_asked_only_if_the_one_before_was_told_nothing() {
    let fake = FakeEngine::in_turn([not_sent(), raw(204, "")]);
    let deleted = with(&fake, 2, async |e| rabbitmq::delete(e, &queue("q")).await).await;
    assert_eq!(deleted, Ok(EngineAnswer::Deleted));
    let ports: Vec<_> = fake.told().iter().map(|(port, ..)| *port).collect();
    assert_eq!(ports, [1, 2]);

    let fake = FakeEngine::in_turn([no_answer()]);
    let deleted = with(&fake, 2, async |e| rabbitmq::delete(e, &queue("q")).await).await;
    assert_eq!(refusal(deleted, EngineCallKind::Delete), RefusalKind::Unknown);

    let fake = FakeEngine::in_turn([not_sent(), not_sent()]);
    let deleted = with(&fake, 2, async |e| rabbitmq::delete(e, &queue("q")).await).await;
    assert_eq!(refusal(deleted, EngineCallKind::Delete), RefusalKind::Unavailable);
}

/// A RabbitMQ with these queues, as its management API pages them.
fn paging(names: Arc<Mutex<Vec<String>>>) -> FakeEngine {
    FakeEngine::new(move |_, _, path, _| {
        let parameter = |name: &str| {
            let (_, rest) = path.split_once(&format!("{name}=")).expect("a parameter");
            rest.split('&').next().expect("a value").parse::<usize>().expect("a number")
        };
        let (page, size) = (parameter("page"), parameter("page_size"));
        let names = names.lock().expect("unpoisoned");
        let pages = names.len().div_ceil(size).max(1);
        if page > pages {
            return answer(400, &json!({"error": "page_out_of_range", "reason": "x"}));
        }
        let items = names.iter().skip((page - 1) * size).take(size);
        let items: Vec<_> = items
            .map(|name| json!({"name": name, "vhost": "/", "type": "classic", "messages_ready": 1}))
            .collect();
        answer(200, &json!({"items": items, "page_count": pages}))
    })
}

fn call(most: u32) -> ListCall {
    ListCall {
        kind: None,
        name_contains: None,
        virtual_host: None,
        internal: false,
        after: None,
        most,
    }
}

async fn listed(fake: &FakeEngine, call: &ListCall) -> (Vec<String>, EngineAnswer) {
    let answer = with(fake, 1, async |e| rabbitmq::list(e, call, NOW).await).await;
    let answer = answer.expect("listed");
    let EngineAnswer::Listed { destinations, .. } = &answer else { panic!("{answer:?}") };
    (destinations.iter().map(|d| d.destination.name.clone()).collect(), answer)
}

#[tokio::test]
async fn pages_go_on_behind_the_last_name_whatever_comes_and_goes() {
    let name = |n: usize| format!("q{n:05}");
    for change in 0..6 {
        let names = Arc::new(Mutex::new((0..10_000).map(name).collect::<Vec<_>>()));
        let fake = paging(names.clone());
        let (mut seen, mut call) = (Vec::new(), call(100));
        for page in 0.. {
            let (found, answer) = listed(&fake, &call).await;
            assert!(found.len() <= 100);
            let looks = fake.told().len();
            assert!(looks <= 20, "{looks} looks for page {page} after change {change}");
            seen.extend(found);
            let EngineAnswer::Listed { next, .. } = answer else { panic!("a list") };
            call.after = next;
            if call.after.is_none() {
                break;
            }
            if page == 49 {
                let mut names = names.lock().expect("unpoisoned");
                match change {
                    0 => {}
                    // Before where the list is, behind it, and where it is.
                    1 => drop(names.drain(..4000)),
                    2 => drop(names.drain(6000..)),
                    3 => drop(names.drain(4990..5010)),
                    4 => drop(names.splice(..0, (0..3000).map(|n| format!("a{n:05}")))),
                    _ => names.clear(),
                }
            }
        }
        let expected: Vec<String> = match change {
            2 => (0..6000).map(name).collect(),
            3 => (0..5000).chain(5010..10_000).map(name).collect(),
            5 => (0..5000).map(name).collect(),
            _ => (0..10_000).map(name).collect(),
        };
        assert!(seen == expected, "change {change}: {} of {}", seen.len(), expected.len());
    }
}

#[tokio::test]
async fn lists_end_whatever_the_engine_says() {
    let item = json!({"name": "a", "vhost": "/", "messages_ready": 1});
    // Always the same page, and always more of them; more items than asked for.
    for page in [
        json!({"items": [item], "page_count": 1_000_000}),
        json!({"items": vec![item.clone(); 500], "page_count": 1}),
        json!({"items": [], "page_count": u64::MAX}),
        json!({}),
    ] {
        let fake = FakeEngine::new(move |_, _, _, _| answer(200, &page));
        let (found, _) = listed(&fake, &call(5)).await;
        assert!(found.len() <= 5, "{found:?}");
        assert!(fake.told().len() <= 100);
        let after = brokerd_domain::destination::DestinationPosition {
            name: "b".to_owned(),
            virtual_host: String::new(),
            kind: String::new(),
            rank: u64::MAX,
        };
        let (found, _) = listed(&fake, &ListCall { after: Some(after), ..call(5) }).await;
        assert_eq!(found, Vec::<String>::new());
    }
    for odd in [raw(200, "<html>"), raw(200, ""), raw(200, "{\"items\": [{}]}"), raw(500, "")] {
        let fake = FakeEngine::in_turn([odd]);
        let failed = with(&fake, 1, async |e| rabbitmq::list(e, &call(5), NOW).await).await;
        assert_eq!(refusal(failed, EngineCallKind::List), RefusalKind::Unavailable);
    }
}

#[tokio::test]
async fn what_a_new_queue_has_not_counted_is_taken_from_its_totals() {
    let fake = FakeEngine::in_turn([
        answer(
            200,
            &json!({"items": [{"name": "a", "vhost": "/", "type": "quorum", "leader": "n1",
                "message_stats": {"publish_details": {"rate": 1.5}}},
                {"name": "b", "vhost": "/", "message_stats": []}], "page_count": 1}),
        ),
        answer(
            200,
            &json!({"items": [{"name": "a", "vhost": "/", "messages_ready": 3,
                "messages_unacknowledged": 1}], "page_count": 1}),
        ),
    ]);
    let (_, answer) = listed(&fake, &call(5)).await;
    let EngineAnswer::Listed { destinations, next, sampled_at } = answer else { panic!("a list") };
    let [a, b] = &destinations[..] else { panic!("two") };
    assert_eq!((a.ready, a.unacknowledged, a.publish_rate), (Some(3), Some(1), Some(1.5)));
    assert_eq!((a.node.as_deref(), a.queue_type.as_deref()), (Some("n1"), Some("quorum")));
    assert_eq!((b.ready, b.publish_rate, next, sampled_at), (None, None, None, NOW));
}

#[tokio::test]
async fn queues_are_browsed_where_that_does_no_harm() {
    let browse = BrowseCall { destination: queue("q"), most: 10 };
    let classic = answer(200, &json!({"type": "classic"}));
    let message = json!({"payload_bytes": 2, "redelivered": true, "properties": [], "payload": "hi",
        "payload_encoding": "string"});
    let fake = FakeEngine::in_turn([classic.clone(), answer(200, &json!([message]))]);
    let shown = with(&fake, 1, async |e| rabbitmq::browse(e, &browse).await).await;
    let Ok(EngineAnswer::Browsed { messages, marks_redelivered: true }) = shown else {
        panic!("{shown:?}")
    };
    assert_eq!(messages[0].body, MessageBody::Text("hi".to_owned()));
    let told = fake.told();
    let (_, method, path, body) = &told[1];
    assert_eq!((method.as_str(), path.as_str()), ("POST", "/api/queues/%2F/q/get"));
    assert_eq!((&body["ackmode"], &body["count"]), (&json!("ack_requeue_true"), &json!(10)));
    assert_eq!(body["truncate"], json!((512 << 10) / 10));

    let quorum = answer(200, &json!({"type": "quorum", "arguments": {}}));
    let version = |v: &str| answer(200, &json!({"rabbitmq_version": v}));
    for (answers, kind) in [
        (vec![answer(200, &json!({"type": "stream"}))], RefusalKind::BadRequest),
        (vec![quorum.clone(), version("4.0.5")], RefusalKind::Conflict),
        (vec![quorum.clone(), version("new")], RefusalKind::Unavailable),
        (vec![quorum, no_answer()], RefusalKind::Unavailable),
        (vec![answer(404, &json!({"reason": "Not Found"}))], RefusalKind::NotFound),
        (vec![classic.clone(), raw(200, "[{]")], RefusalKind::Unavailable),
        (vec![classic.clone(), raw(200, "{}")], RefusalKind::Unavailable),
        (
            vec![classic, answer(401, &json!({"reason": "ACCESS_REFUSED - read access refused"}))],
            RefusalKind::Conflict,
        ),
    ] {
        let fake = FakeEngine::in_turn(answers);
        let refused = with(&fake, 1, async |e| rabbitmq::browse(e, &browse).await).await;
        assert_eq!(refusal(refused, EngineCallKind::Browse), kind, "{:?}", fake.told());
    }
}

#[tokio::test]
async fn a_purge_tells_how_many_and_is_unknown_once_it_has_begun() {
    let first = answer(200, &json!([{"message_count": 6, "payload": "x"}]));
    let purge = async |answers: Vec<Answer>| {
        let fake = FakeEngine::in_turn(answers);
        with(&fake, 1, async |e| rabbitmq::purge(e, &queue("q")).await).await
    };
    let purged = |count| Ok(EngineAnswer::Purged { count });
    assert_eq!(purge(vec![first.clone(), raw(204, "")]).await, purged(Some(7)));
    assert_eq!(purge(vec![answer(200, &json!([])), raw(204, "")]).await, purged(Some(0)));
    let exclusive = answer(403, &json!({"reason": "exclusive consumer"}));
    assert_eq!(purge(vec![exclusive, raw(204, "")]).await, purged(None));
    let stream = json!({"error": "bad_request", "reason": "not supported by stream queues"});
    let stream = answer(400, &stream);
    let kind = EngineCallKind::Purge;
    for (answers, refused) in [
        (vec![stream.clone(), stream], RefusalKind::BadRequest),
        (vec![answer(404, &Value::Null)], RefusalKind::NotFound),
        (vec![not_sent()], RefusalKind::Unavailable),
        (vec![no_answer()], RefusalKind::Unknown),
        (vec![first.clone(), not_sent()], RefusalKind::Unknown),
        (vec![first.clone(), no_answer()], RefusalKind::Unknown),
        (vec![first, raw(500, "")], RefusalKind::Unknown),
    ] {
        assert_eq!(refusal(purge(answers).await, kind), refused);
    }
}

fn message(persistent: bool) -> PublishCall {
    PublishCall {
        destination: queue("a b"),
        body: MessageBody::Text("hi".to_owned()),
        content_type: Some("text/plain".to_owned()),
        properties: [].into(),
        persistent,
    }
}

#[tokio::test]
async fn a_message_is_published_by_the_name_of_its_queue() {
    let fake = FakeEngine::in_turn([answer(200, &json!({"routed": false}))]);
    let published = with(&fake, 1, async |e| rabbitmq::publish(e, message(true)).await).await;
    assert_eq!(published, Ok(EngineAnswer::Published { is_routed: false }));
    let (_, method, path, body) = fake.told().remove(0);
    assert_eq!(
        (method.as_str(), path.as_str()),
        ("POST", "/api/exchanges/%2F/amq.default/publish")
    );
    assert_eq!(
        body,
        json!({"routing_key": "a b", "payload": "hi", "payload_encoding": "string",
            "properties": {"delivery_mode": 2, "headers": {}, "content_type": "text/plain"}})
    );
    let fake = FakeEngine::in_turn([raw(200, "{\"routed\": tru")]);
    let cut = with(&fake, 1, async |e| rabbitmq::publish(e, message(false)).await).await;
    assert_eq!(refusal(cut, EngineCallKind::Publish), RefusalKind::Unknown);
}

#[tokio::test]
async fn activemq_is_told_the_call_and_its_page_is_not_trusted() {
    let topic =
        Destination { kind: DestinationKind::Topic, name: "news".to_owned(), virtual_host: None };
    let fake = FakeEngine::in_turn([answer(200, &json!({"purged": 4}))]);
    let purged = with(&fake, 1, async |e| activemq::purge(e, topic.clone()).await).await;
    assert_eq!(purged, Ok(EngineAnswer::Purged { count: Some(4) }));
    let (_, method, path, body) = fake.told().remove(0);
    assert_eq!((method.as_str(), path.as_str()), ("POST", "/brokerd/destinations"));
    assert_eq!(body, json!({"call": "purge", "kind": "TOPIC", "name": "news"}));

    for (told, kind) in [
        (answer(200, &json!({"refused": "notFound"})), RefusalKind::NotFound),
        (answer(200, &json!({"refused": "conflict", "message": "full"})), RefusalKind::Conflict),
        (answer(200, &json!({"refused": "?", "message": "x"})), RefusalKind::BadRequest),
        // An image of before there was such a page leads to the console.
        (raw(302, ""), RefusalKind::Conflict),
        (raw(404, ""), RefusalKind::Conflict),
        (raw(401, ""), RefusalKind::Unavailable),
        (raw(503, ""), RefusalKind::Unknown),
        (raw(200, "{\"purged\": -1}"), RefusalKind::Unknown),
        (raw(200, "nonsense"), RefusalKind::Unknown),
        (no_answer(), RefusalKind::Unknown),
        (not_sent(), RefusalKind::Unavailable),
    ] {
        let shown = format!("{told:?}");
        let fake = FakeEngine::in_turn([told]);
        let refused = with(&fake, 1, async |e| activemq::purge(e, topic.clone()).await).await;
        assert_eq!(refusal(refused, EngineCallKind::Purge), kind, "{shown}");
    }

    let many: Vec<_> = (0..50).map(|n| json!({"kind": "QUEUE", "name": n.to_string()})).collect();
    let fake = FakeEngine::in_turn([answer(200, &json!({"destinations": many, "hasMore": true}))]);
    let listed = with(&fake, 1, async |e| activemq::list(e, call(5), NOW).await).await;
    let Ok(EngineAnswer::Listed { destinations, next, .. }) = listed else { panic!("{listed:?}") };
    assert_eq!((destinations.len(), next.map(|next| next.name)), (5, Some("4".to_owned())));
}
