//! Calls of engines, from the request to the answer.

use std::time::Duration;

use brokerd_domain::{
    BrokerId, Entropy as _, Scope,
    destination::{
        BrowseCall, Destination, DestinationKind, EngineAnswer, EngineCall, MessageBody,
        PublishCall,
    },
};
use brokerd_store::{
    Channel, ClaimedEngineCall, EngineCallRequest, Heard, OpenEngineCall, PgStore, RequestOutcome,
    WithdrawnEngineCall,
};
use uuid::Uuid;

use crate::support::{Fixture, OsEntropy, create, scope, with_store, worker};

const TIMEOUT: Duration = Duration::from_secs(60);
const HOLD: Duration = Duration::from_secs(30);

fn queue() -> Destination {
    Destination {
        kind: DestinationKind::Queue,
        name: "secret-queue".to_owned(),
        virtual_host: None,
    }
}

fn browse() -> EngineCall {
    EngineCall::Browse(BrowseCall { destination: queue(), most: 5 })
}

fn publish() -> EngineCall {
    EngineCall::Publish(PublishCall {
        destination: queue(),
        body: MessageBody::Text("a secret message".to_owned()),
        content_type: None,
        properties: [].into(),
        persistent: true,
    })
}

pub(crate) fn request(broker: BrokerId, call: EngineCall) -> EngineCallRequest {
    let requested_by = "arn:aws:iam::000000000000:root".to_owned();
    EngineCallRequest { id: OsEntropy.uuid(), broker, call, requested_by, timeout: TIMEOUT }
}

async fn requested(store: &PgStore, broker: BrokerId, call: EngineCall) -> Uuid {
    let request = request(broker, call);
    let outcome = store.request_engine_call(&scope(), &request).await.expect("asked");
    assert_eq!(outcome, RequestOutcome::Requested);
    request.id
}

async fn claimed(store: &PgStore, id: Uuid) -> Option<ClaimedEngineCall> {
    store.claim_engine_calls(worker(), &[id], HOLD).await.expect("claimed").pop()
}

/// Lets a time of a call be over.
async fn over(f: &Fixture, column: &str) {
    let statement = format!("update engine_call set {column} = now() - interval '1 second'");
    sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&f.pool).await.expect("updated");
}

#[tokio::test]
async fn a_call_is_claimed_once_answered_and_gone() {
    with_store(|f| async move {
        let broker = create(&f.store, "orders").await;
        let id = requested(&f.store, broker, browse()).await;
        let open = f.store.open_engine_calls(10).await.expect("read");
        assert_eq!(open, [OpenEngineCall { id, broker }]);
        assert_eq!(f.store.take_engine_answer(id).await.expect("read"), None);

        let call = claimed(&f.store, id).await.expect("a call");
        assert_eq!((&call.call, call.broker, call.claims), (&browse(), broker, 1));
        assert!(call.timeout <= HOLD && call.timeout > HOLD / 2, "{:?}", call.timeout);
        assert_eq!(claimed(&f.store, id).await, None);
        assert_eq!(f.store.open_engine_calls(10).await.expect("read"), []);

        let answer = EngineAnswer::Browsed { messages: Vec::new(), marks_redelivered: true };
        assert!(f.store.answer_engine_call(&call, &answer).await.expect("answered"));
        let other = EngineAnswer::Deleted;
        assert!(!f.store.answer_engine_call(&call, &other).await.expect("too late"));
        assert_eq!(f.store.take_engine_answer(id).await.expect("read"), Some(answer));
        assert_eq!(f.store.take_engine_answer(id).await.expect("read"), None);
        let gone = f.store.withdraw_engine_call(id).await.expect("asked");
        assert_eq!(gone, WithdrawnEngineCall::Gone);
    })
    .await;
}

#[tokio::test]
async fn what_reads_is_begun_again_and_what_changes_something_never() {
    with_store(|f| async move {
        let broker = create(&f.store, "orders").await;
        let read = requested(&f.store, broker, browse()).await;
        let first = claimed(&f.store, read).await.expect("a call");
        over(&f, "claimed_until").await;
        assert_eq!(f.store.open_engine_calls(10).await.expect("read").len(), 1);
        let second = claimed(&f.store, read).await.expect("the call again");
        assert_eq!(second.claims, 2);
        // Who was given up answers late, and is not heard.
        assert!(!f.store.answer_engine_call(&first, &EngineAnswer::Deleted).await.expect("late"));
        let answer = EngineAnswer::Purged { count: Some(1) };
        assert!(f.store.answer_engine_call(&second, &answer).await.expect("answered"));

        let test = requested(&f.store, broker, EngineCall::Test).await;
        let write = requested(&f.store, broker, publish()).await;
        let begun = claimed(&f.store, write).await.expect("a call");
        assert!(begun.timeout > HOLD, "as long as somebody waits: {:?}", begun.timeout);
        claimed(&f.store, test).await.expect("a call");
        over(&f, "claimed_until").await;
        assert_eq!(f.store.open_engine_calls(10).await.expect("read"), []);
        for id in [write, test] {
            assert_eq!(claimed(&f.store, id).await, None);
            let withdrawn = f.store.withdraw_engine_call(id).await.expect("withdrawn");
            assert_eq!(withdrawn, WithdrawnEngineCall::Begun);
        }
        assert!(!f.store.answer_engine_call(&begun, &EngineAnswer::Deleted).await.expect("late"));
    })
    .await;
}

#[tokio::test]
async fn what_is_withdrawn_before_anybody_has_begun_is_never_begun() {
    with_store(|f| async move {
        let broker = create(&f.store, "orders").await;
        let id = requested(&f.store, broker, publish()).await;
        let withdrawn = f.store.withdraw_engine_call(id).await.expect("withdrawn");
        assert_eq!(withdrawn, WithdrawnEngineCall::NotBegun);
        assert_eq!(claimed(&f.store, id).await, None);

        let id = requested(&f.store, broker, publish()).await;
        over(&f, "deadline").await;
        assert_eq!(f.store.open_engine_calls(10).await.expect("read"), []);
        assert_eq!(claimed(&f.store, id).await, None, "nobody waits any more");
    })
    .await;
}

#[tokio::test]
async fn an_answer_at_the_last_moment_counts() {
    with_store(|f| async move {
        let broker = create(&f.store, "orders").await;
        let id = requested(&f.store, broker, publish()).await;
        let call = claimed(&f.store, id).await.expect("a call");
        let answer = EngineAnswer::Published { is_routed: false };
        assert!(f.store.answer_engine_call(&call, &answer).await.expect("answered"));
        let withdrawn = f.store.withdraw_engine_call(id).await.expect("withdrawn");
        assert_eq!(withdrawn, WithdrawnEngineCall::Answered(answer));
    })
    .await;
}

#[tokio::test]
async fn messages_are_not_readable_in_the_database() {
    with_store(|f| async move {
        let broker = create(&f.store, "orders").await;
        let id = requested(&f.store, broker, publish()).await;
        let call = claimed(&f.store, id).await.expect("a call");
        assert_eq!(call.call, publish());
        let answer = EngineAnswer::refused(
            brokerd_domain::destination::RefusalKind::Conflict,
            "a secret reason",
        );
        assert!(f.store.answer_engine_call(&call, &answer).await.expect("answered"));
        let raw: Vec<(Vec<u8>, Vec<u8>)> =
            sqlx::query_as("select arguments, answer from engine_call")
                .fetch_all(&f.pool)
                .await
                .expect("read");
        assert_eq!(raw.len(), 1);
        for bytes in raw.iter().flat_map(|(one, other)| [one, other]) {
            assert!(!bytes.windows(6).any(|window| window == b"secret"));
        }
        // An answer opens in no other row.
        sqlx::query("update engine_call set arguments = answer")
            .execute(&f.pool)
            .await
            .expect("moved");
        sqlx::query("update engine_call set answer = null, claimed_by = null")
            .execute(&f.pool)
            .await
            .expect("open again");
        assert_eq!(claimed(&f.store, id).await, None);
        assert!(f.store.skipped_rows().contains(&("engine_call", 1)));
    })
    .await;
}

#[tokio::test]
async fn a_broker_has_so_many_calls_at_a_time_and_takes_them_along() {
    with_store(|f| async move {
        let broker = create(&f.store, "orders").await;
        for _ in 0..32 {
            requested(&f.store, broker, EngineCall::Test).await;
        }
        let one_more = request(broker, EngineCall::Test);
        let refused = f.store.request_engine_call(&scope(), &one_more).await.expect("asked");
        assert_eq!(refused, RequestOutcome::TooMany);
        over(&f, "deadline").await;
        requested(&f.store, broker, EngineCall::Test).await;
        assert_eq!(f.store.prune_engine_calls(100).await.expect("pruned"), 0, "too young");
        let long_ago = "update engine_call set deadline = deadline - interval '1 hour'";
        sqlx::query(long_ago).execute(&f.pool).await.expect("updated");
        assert_eq!(f.store.prune_engine_calls(30).await.expect("pruned"), 30);
        assert_eq!(f.store.prune_engine_calls(30).await.expect("pruned"), 3);

        let id = requested(&f.store, broker, EngineCall::Test).await;
        f.store.request_delete(&scope(), broker, crate::support::NOW).await.expect("asked");
        let (scope, request) = (scope(), request(broker, EngineCall::Test));
        let refused = f.store.request_engine_call(&scope, &request).await;
        assert_eq!(refused.expect("asked"), RequestOutcome::BrokerNotFound);
        sqlx::query("delete from broker").execute(&f.pool).await.expect("deleted");
        let gone = f.store.withdraw_engine_call(id).await.expect("asked");
        assert_eq!(gone, WithdrawnEngineCall::Gone);
    })
    .await;
}

#[tokio::test]
async fn calls_and_answers_are_notified() {
    with_store(|f| async move {
        let broker = create(&f.store, "orders").await;
        let mut calls = f.store.listen(Channel::EngineCalls).await.expect("listens");
        let mut answers = f.store.listen(Channel::EngineAnswers).await.expect("listens");
        let id = requested(&f.store, broker, browse()).await;
        assert_eq!(calls.wait().await, Heard::Notification);
        let call = claimed(&f.store, id).await.expect("a call");
        f.store.answer_engine_call(&call, &EngineAnswer::Deleted).await.expect("answered");
        assert_eq!(answers.wait().await, Heard::Notification);
    })
    .await;
}

#[tokio::test]
async fn nobody_asks_the_engine_of_another_account_or_region() {
    with_store(|f| async move {
        let broker = create(&f.store, "orders").await;
        let account = crate::identities::in_account(&f, "100000000001").await;
        for other in [
            Scope { account, ..scope() },
            Scope { region: "eu-west-1".parse().expect("a region"), ..scope() },
        ] {
            let asked = request(broker, EngineCall::Test);
            let outcome = f.store.request_engine_call(&other, &asked).await.expect("asked");
            assert_eq!(outcome, RequestOutcome::BrokerNotFound);
        }
        assert_eq!(f.store.open_engine_calls(10).await.expect("read"), []);
    })
    .await;
}
