//! Destinations, as a client asks for them, with a provisioner that answers by what a test says.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use brokerd_domain::{
    Timestamp, WorkerId,
    destination::{
        BrowsedMessage, Destination, DestinationKind, DestinationPosition, DestinationStatus,
        EngineAnswer, EngineCall, MessageBody, PropertyValue, RefusalKind, TestedEndpoint,
    },
};
use serde_json::{Value, json};
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep},
};

use crate::{
    identities::allowing,
    support::{TestApi, Zeros},
};

/// A provisioner that answers every call alike.
struct FakeProvisioner {
    task: JoinHandle<()>,
    seen: Arc<Mutex<Vec<EngineCall>>>,
}

impl FakeProvisioner {
    fn answering(api: &TestApi, answer: EngineAnswer) -> Self {
        let (store, seen) = (api.store.clone(), Arc::<Mutex<Vec<EngineCall>>>::default());
        let calls = Arc::clone(&seen);
        let worker = WorkerId::generate(&Zeros);
        let task = tokio::spawn(async move {
            loop {
                let open = store.open_engine_calls(100).await.unwrap_or_default();
                let ids: Vec<_> = open.into_iter().map(|call| call.id).collect();
                let hold = Duration::from_secs(60);
                let claimed = store.claim_engine_calls(worker, &ids, hold).await;
                for call in claimed.unwrap_or_default() {
                    calls.lock().expect("unpoisoned").push(call.call.clone());
                    store.answer_engine_call(&call, &answer).await.expect("answered");
                }
                sleep(Duration::from_millis(5)).await;
            }
        });
        Self { task, seen }
    }

    /// The calls that it was told since the last time.
    fn seen(&self) -> Vec<EngineCall> {
        std::mem::take(&mut self.seen.lock().expect("unpoisoned"))
    }
}

impl Drop for FakeProvisioner {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn queue(name: &str) -> Destination {
    Destination {
        kind: DestinationKind::Queue,
        name: name.to_owned(),
        virtual_host: Some("/".to_owned()),
    }
}

async fn running(api: &TestApi) -> String {
    let id = api.create("orders").await;
    api.converge(&id).await;
    format!("/brokerd/v1/brokers/{id}")
}

#[tokio::test]
async fn destinations_are_listed_page_by_page() {
    let api = TestApi::start().await;
    let path = running(&api).await;
    let status = DestinationStatus {
        destination: queue("orders"),
        queue_type: Some("quorum".to_owned()),
        ready: Some(3),
        unacknowledged: Some(0),
        consumers: Some(1),
        producers: None,
        publish_rate: Some(1.5),
        deliver_rate: None,
        acknowledge_rate: None,
        node: None,
    };
    let next = DestinationPosition {
        name: "orders".to_owned(),
        virtual_host: "/".to_owned(),
        kind: "QUEUE".to_owned(),
        rank: 1,
    };
    let answer = EngineAnswer::Listed {
        destinations: vec![status],
        next: Some(next.clone()),
        sampled_at: Timestamp::from_micros(1_790_000_000_000_000),
    };
    let provisioner = FakeProvisioner::answering(&api, answer);
    let page = api.call("GET", &format!("{path}/destinations?maxResults=5"), "").await.json();
    let token = page["nextToken"].as_str().expect("a token");
    assert_eq!(
        page,
        json!({"destinations": [{"kind": "QUEUE", "name": "orders", "virtualHost": "/",
                "queueType": "quorum", "ready": 3, "unacknowledged": 0, "consumers": 1,
                "publishRate": 1.5}],
            "sampledAt": "2026-09-21T14:13:20.000000Z", "nextToken": token})
    );
    let query = format!(
        "nextToken={}&kind=QUEUE&nameContains=or%20d&virtualHost=%2F&includeInternal=true",
        token.replace('=', "%3D").replace('+', "%2B").replace('/', "%2F")
    );
    let reply = api.call("GET", &format!("{path}/destinations?{query}"), "").await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let calls = provisioner.seen();
    let [EngineCall::List(first), EngineCall::List(second)] = &calls[..] else {
        panic!("two lists: {calls:?}")
    };
    assert_eq!((first.most, &first.after, first.internal), (5, &None, false));
    assert_eq!((second.most, &second.after, second.internal), (20, &Some(next), true));
    assert_eq!(second.name_contains.as_deref(), Some("or d"));
    assert_eq!(second.virtual_host.as_deref(), Some("/"));
    assert_eq!(second.kind, Some(DestinationKind::Queue));
    api.stop().await;
}

#[tokio::test]
async fn messages_are_browsed() {
    let api = TestApi::start().await;
    let path = running(&api).await;
    let message = BrowsedMessage {
        message_id: Some("m1".to_owned()),
        correlation_id: None,
        redelivered: true,
        priority: Some(4),
        timestamp_millis: Some(1_790_000_000_000),
        expiration_millis: None,
        content_type: Some("text/plain".to_owned()),
        persistent: Some(true),
        properties: BTreeMap::from([("a".to_owned(), PropertyValue::Integer(1))]),
        size: 5,
        body: MessageBody::Base64("AAE=".to_owned()),
        is_truncated: true,
    };
    let answer = EngineAnswer::Browsed { messages: vec![message], marks_redelivered: true };
    let provisioner = FakeProvisioner::answering(&api, answer);
    let body = json!({"kind": "QUEUE", "name": "orders", "maxResults": 7}).to_string();
    let shown = api.call("POST", &format!("{path}/destinations/browse"), &body).await;
    assert_eq!(
        shown.json(),
        json!({"messages": [{"position": 1, "messageId": "m1", "redelivered": true, "priority": 4,
                "timestamp": "2026-09-21T14:13:20.000000Z", "contentType": "text/plain",
                "persistent": true, "properties": {"a": 1}, "size": 5, "body": "AAE=",
                "bodyEncoding": "BASE64", "isTruncated": true}],
            "marksRedelivered": true})
    );
    let calls = provisioner.seen();
    assert!(
        matches!(&calls[..], [EngineCall::Browse(call)] if call.most == 7
            && call.destination == queue("orders")),
        "{calls:?}"
    );
    api.stop().await;
}

#[tokio::test]
async fn messages_are_published_queues_purged_and_deleted_and_tests_sent() {
    let api = TestApi::start().await;
    let path = running(&api).await;
    let named = json!({"kind": "QUEUE", "name": "orders"}).to_string();
    let tested = TestedEndpoint {
        endpoint: "amqps://127.0.0.1:21000".to_owned(),
        protocol: "AMQP 0-9-1".to_owned(),
        source_address: "127.0.0.1".to_owned(),
        connect_millis: 12.5,
        publish_millis: 1.0,
        deliver_millis: 0.5,
        total_millis: 14.0,
    };
    let publish = json!({"kind": "QUEUE", "name": "orders", "body": "hello\nworld",
        "contentType": "text/plain", "properties": {"n": 1.5}});
    for (target, body, answer, expected) in [
        (
            "/destinations/publish",
            publish.to_string(),
            EngineAnswer::Published { is_routed: true },
            json!({"isRouted": true}),
        ),
        (
            "/destinations/purge",
            named.clone(),
            EngineAnswer::Purged { count: Some(7) },
            json!({"purged": 7}),
        ),
        ("/destinations/purge", named.clone(), EngineAnswer::Purged { count: None }, json!({})),
        ("/destinations/delete", named.clone(), EngineAnswer::Deleted, json!({})),
        (
            "/test-message",
            "{}".to_owned(),
            EngineAnswer::Tested(tested),
            json!({"endpoint": "amqps://127.0.0.1:21000", "protocol": "AMQP 0-9-1",
                "sourceAddress": "127.0.0.1", "connectMillis": 12.5, "publishMillis": 1.0,
                "deliverMillis": 0.5, "totalMillis": 14.0}),
        ),
    ] {
        let provisioner = FakeProvisioner::answering(&api, answer);
        let reply = api.call("POST", &format!("{path}{target}"), &body).await;
        assert_eq!((reply.status.as_u16(), reply.json()), (200, expected), "{target}");
        let calls = provisioner.seen();
        assert_eq!(calls.len(), 1, "{calls:?}");
        if let EngineCall::Publish(call) = &calls[0] {
            assert!(call.persistent, "unless something else is said");
            assert_eq!(call.body, MessageBody::Text("hello\nworld".to_owned()));
            assert_eq!(call.properties["n"], PropertyValue::Double(1.5));
        }
    }
    api.stop().await;
}

#[tokio::test]
async fn refusals_of_engines_have_the_form_of_the_service() {
    let api = TestApi::start().await;
    let path = running(&api).await;
    let body = json!({"kind": "QUEUE", "name": "orders"}).to_string();
    for (kind, status, code) in [
        (RefusalKind::NotFound, 404, "NotFoundException"),
        (RefusalKind::BadRequest, 400, "BadRequestException"),
        (RefusalKind::Conflict, 409, "ConflictException"),
        // Nothing must make a client try this again by itself.
        (RefusalKind::Unknown, 409, "ConflictException"),
        (RefusalKind::Unavailable, 503, "ServiceUnavailableException"),
    ] {
        let _provisioner =
            FakeProvisioner::answering(&api, EngineAnswer::refused(kind, "Because."));
        let refused = api.call("POST", &format!("{path}/destinations/purge"), &body).await;
        assert_eq!(refused.refusal(), (status, code.to_owned(), "Because.".to_owned()));
    }
    // An answer to another call is a defect, and not shown.
    let _provisioner = FakeProvisioner::answering(&api, EngineAnswer::Deleted);
    let refused = api.call("POST", &format!("{path}/destinations/purge"), &body).await;
    assert_eq!(refused.status, 500);
    api.stop().await;
}

#[tokio::test]
async fn without_a_provisioner_nothing_is_done_and_that_is_said_in_time() {
    let api = TestApi::start().await;
    let path = running(&api).await;
    let began = Instant::now();
    let body = json!({"kind": "QUEUE", "name": "orders"}).to_string();
    let refused = api.call("POST", &format!("{path}/destinations/purge"), &body).await;
    let message = "The broker was not asked in time; nothing was changed. Try again.";
    assert_eq!(
        refused.refusal(),
        (503, "ServiceUnavailableException".to_owned(), message.to_owned())
    );
    assert!(began.elapsed() >= Duration::from_secs(9), "{:?}", began.elapsed());
    assert_eq!(api.store.open_engine_calls(10).await.expect("read"), [], "nobody begins it now");
    api.stop().await;
}

#[tokio::test]
async fn of_a_change_whose_provisioner_died_the_outcome_is_unknown() {
    let api = TestApi::start().await;
    let path = running(&api).await;
    let body = json!({"kind": "QUEUE", "name": "orders"}).to_string();
    let target = format!("{path}/destinations/purge");
    let asked = api.call("POST", &target, &body);
    let dies = async {
        let worker = WorkerId::generate(&Zeros);
        loop {
            let open = api.store.open_engine_calls(10).await.expect("read");
            let ids: Vec<_> = open.iter().map(|call| call.id).collect();
            let hold = Duration::from_millis(1);
            let claimed = api.store.claim_engine_calls(worker, &ids, hold).await;
            if !claimed.expect("claimed").is_empty() {
                return;
            }
            sleep(Duration::from_millis(5)).await;
        }
    };
    let (refused, ()) = tokio::join!(asked, dies);
    let (status, code, message) = refused.refusal();
    assert_eq!((status, code.as_str()), (409, "ConflictException"), "{message}");
    assert!(message.contains("It is not known whether the destination was purged"), "{message}");
    api.stop().await;
}

#[tokio::test]
async fn engines_are_asked_only_while_their_broker_runs() {
    let api = TestApi::start().await;
    let id = api.create("orders").await;
    let refused = api.call("GET", &format!("/brokerd/v1/brokers/{id}/destinations"), "").await;
    let message =
        "Broker [orders] can't be asked for destinations while in state [CREATION_IN_PROGRESS]";
    assert_eq!(refused.refusal(), (409, "ConflictException".to_owned(), message.to_owned()));
    assert_eq!(api.store.open_engine_calls(10).await.expect("read"), []);
    api.stop().await;
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_by_name_and_never_asked() {
    let api = TestApi::start().await;
    let path = running(&api).await;
    let active = api.running_activemq("events").await;
    let active = format!("/brokerd/v1/brokers/{active}");
    let body = |value: Value| value.to_string();
    for (method, target, body, attribute) in [
        ("GET", format!("{path}/destinations?kind=TOPIC"), String::new(), "kind"),
        ("GET", format!("{path}/destinations?maxResults=101"), String::new(), "maxResults"),
        ("GET", format!("{path}/destinations?nextToken=x"), String::new(), "nextToken"),
        ("GET", format!("{active}/destinations?virtualHost=x"), String::new(), "virtualHost"),
        ("POST", format!("{path}/destinations/browse"), body(json!({})), "kind"),
        (
            "POST",
            format!("{path}/destinations/browse"),
            body(json!({"kind": "QUEUE", "name": "a", "maxResults": "7"})),
            "maxResults",
        ),
        (
            "POST",
            format!("{active}/destinations/purge"),
            body(json!({"kind": "QUEUE", "name": "a,b"})),
            "name",
        ),
        (
            "POST",
            format!("{path}/destinations/publish"),
            body(json!({"kind": "QUEUE", "name": "a"})),
            "body",
        ),
        (
            "POST",
            format!("{path}/destinations/publish"),
            body(json!({"kind": "QUEUE", "name": "a", "body": "x", "properties": {"a": {}}})),
            "properties",
        ),
    ] {
        let refused = api.call(method, &target, &body).await;
        assert_eq!(refused.status, 400, "{target} {body} {refused:?}");
        assert_eq!(refused.json()["errorAttribute"], attribute, "{target} {body}");
    }
    assert_eq!(api.store.open_engine_calls(10).await.expect("read"), []);
    api.stop().await;
}

#[tokio::test]
async fn each_operation_needs_its_own_permission() {
    let api = TestApi::start().await;
    let path = running(&api).await;
    let _provisioner = FakeProvisioner::answering(
        &api,
        EngineAnswer::Browsed { messages: Vec::new(), marks_redelivered: false },
    );
    let reader = api.user("reader").await;
    api.set_policy(&reader, &allowing([("brokerd:BrowseDestination", "*")])).await;
    let body = json!({"kind": "QUEUE", "name": "orders"}).to_string();
    let browse = format!("{path}/destinations/browse");
    assert_eq!(api.call_as(&reader.client, "POST", &browse, &body).await.status, 200);
    for (method, rest, action) in [
        ("GET", "/destinations", "ListDestinations"),
        ("POST", "/destinations/publish", "PublishToDestination"),
        ("POST", "/destinations/purge", "PurgeDestination"),
        ("POST", "/destinations/delete", "DeleteDestination"),
        ("POST", "/test-message", "SendTestMessage"),
    ] {
        let refused = api.call_as(&reader.client, method, &format!("{path}{rest}"), &body).await;
        let (status, _, message) = refused.refusal();
        assert_eq!(status, 403, "{rest}");
        assert!(message.contains(&format!("brokerd:{action}")), "{message}");
    }
    api.stop().await;
}

#[tokio::test]
async fn events_tell_who_looked_and_published_and_not_what() {
    let api = TestApi::start().await;
    let path = running(&api).await;
    let before = api.records().await.len();
    let publish = json!({"kind": "QUEUE", "name": "orders", "body": "Lantern-Harbour-7",
        "properties": {"token": "Lantern-Harbour-8"}});
    {
        let _provisioner =
            FakeProvisioner::answering(&api, EngineAnswer::Published { is_routed: true });
        let target = format!("{path}/destinations/publish");
        assert_eq!(api.call("POST", &target, &publish.to_string()).await.status, 200);
    }
    {
        let answer = EngineAnswer::Browsed { messages: Vec::new(), marks_redelivered: false };
        let _provisioner = FakeProvisioner::answering(&api, answer);
        let body = json!({"kind": "QUEUE", "name": "orders"}).to_string();
        let target = format!("{path}/destinations/browse");
        assert_eq!(api.call("POST", &target, &body).await.status, 200);
    }
    let records = api.records().await;
    assert_eq!(records.len(), before + 2);
    let of = |name: &str| records.iter().find(|r| r["eventName"] == name).expect("an event");
    let published = of("PublishToDestination");
    assert_eq!(published["requestParameters"]["body"], "***", "{published}");
    assert_eq!(published["requestParameters"]["properties"], "***", "{published}");
    assert_eq!(published["requestParameters"]["name"], "orders", "{published}");
    assert_eq!(published["readOnly"], false);
    assert_eq!(of("BrowseDestination")["readOnly"], true);
    assert!(!records.iter().any(|record| record.to_string().contains("Lantern-Harbour")));
    api.stop().await;
}
