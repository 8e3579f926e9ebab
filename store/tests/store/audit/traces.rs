//! The trace of a call stays with the broker that it made due, until the broker is as was asked for.

use std::sync::Arc;

use brokerd_domain::Lease;
use brokerd_store::{AuditedCall, PgStore};

use super::event;
use crate::support::{NOW, command, complete, create, ids, leased, report, scope, with_store};

const FIRST: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const SECOND: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// Does `work` as a call that belongs to a trace, or to none.
async fn traced<T>(trace: Option<&str>, work: impl Future<Output = T>) -> T {
    let call = Arc::new(AuditedCall::default());
    call.begin(event("CreateBroker", 0, &[]));
    if let Some(trace) = trace {
        call.set_trace(trace.to_owned());
    }
    call.scope(work).await
}

async fn trace(store: &PgStore, lease: &Lease) -> Option<String> {
    store.load(lease).await.expect("loaded").expect("there").trace
}

#[tokio::test]
async fn a_pass_belongs_to_the_call_that_caused_it_until_the_broker_is_as_was_asked_for() {
    with_store(|f| async move {
        let (store, audited) = (&f.store, f.store.audited());
        let (owner, orders) = (scope(), command("orders", |_| {}));
        let create = audited.create_broker(&owner, &orders, ids(), NOW);
        traced(Some(FIRST), create).await.expect("created");
        let lease = leased(store).await;
        assert_eq!(trace(store, &lease).await.as_deref(), Some(FIRST));
        store.record(&lease, &report("waiting")).await.expect("recorded");
        assert_eq!(trace(store, &lease).await.as_deref(), Some(FIRST), "it is not done yet");
        complete(store, &lease).await;
        assert_eq!(trace(store, &lease).await, None);

        // A pass that completes what was asked for before leaves a later trace alone.
        let before = store.load(&lease).await.expect("loaded").expect("there");
        let broker = store.broker(&owner, lease.broker).await.expect("read").expect("there");
        let reboot = audited.request_reboot(&broker, NOW);
        traced(Some(SECOND), reboot).await.expect("asked");
        let mut late = report("every endpoint answers");
        late.observed_generation = Some(before.broker.generation);
        late.reboots_done = Some(before.broker.reboots_requested);
        store.record(&lease, &late).await.expect("recorded");
        assert_eq!(trace(store, &lease).await.as_deref(), Some(SECOND));
        complete(store, &lease).await;
        assert_eq!(trace(store, &lease).await, None);
    })
    .await;
}

#[tokio::test]
async fn what_belongs_to_no_trace_has_none_whatever_its_connection_did_before() {
    with_store(|f| async move {
        let (store, audited) = (&f.store, f.store.audited());
        let owner = scope();
        for name in ["one", "another", "third"] {
            let (named, new) = (command(name, |_| {}), ids());
            traced(Some(FIRST), audited.create_broker(&owner, &named, new, NOW)).await.expect(name);
        }
        let lease = leased(store).await;
        complete(store, &lease).await;
        store.wake(lease.broker).await.expect("woken");
        assert_eq!(trace(store, &lease).await, None);
        let (named, new) = (command("untraced", |_| {}), ids());
        traced(None, audited.create_broker(&owner, &named, new, NOW)).await.expect("created");
        create(store, "own").await;
        let traces: Vec<Option<String>> =
            sqlx::query_scalar("select trace from reconcile where broker_id = any($1)")
                .bind(vec![new.broker.uuid()])
                .fetch_all(&f.pool)
                .await
                .expect("read");
        assert_eq!(traces, [None]);
    })
    .await;
}
