//! What the operator is told of provisioners and passes.

use std::time::Duration;

use brokerd_domain::{Lane, Next};
use brokerd_store::PassState;

use crate::support::{create, with_store, worker};

const TTL: Duration = Duration::from_secs(30);
const HOUR: Next = Next::After(Duration::from_hours(1));

#[tokio::test]
async fn an_overview_tells_who_lives_and_which_passes_run_are_due_or_have_failed() {
    with_store(|f| async move {
        let empty = f.store.overview().await.expect("told");
        assert!(empty.provisioners.is_empty() && empty.passes.is_empty());
        assert_eq!((empty.running, empty.due, empty.retrying, empty.scheduled), (0, 0, 0, 0));

        let (busy, dead) = (worker(), worker());
        for one in [busy, dead] {
            f.store.heartbeat(one, TTL).await.expect("it lives");
        }
        // Longest due first, so that each claim is of the broker that was made before it.
        let well = create(&f.store, "well").await;
        let lease = f.store.claim_due(busy, None, TTL, 1).await.expect("asked").pop().expect("due");
        f.store.release(&lease, HOUR, false).await.expect("released");
        let failed = create(&f.store, "failed").await;
        let lease = f.store.claim_due(dead, None, TTL, 1).await.expect("asked").pop().expect("due");
        f.store.release(&lease, Next::BackOff, true).await.expect("released");
        let works = create(&f.store, "works").await;
        f.store.claim_due(busy, None, TTL, 1).await.expect("asked").pop().expect("due");
        let waits = create(&f.store, "waits").await;
        let died = "update provisioner set expires_at = now() - interval '1 s' where id = $1";
        sqlx::query(died).bind(dead.uuid()).execute(&f.pool).await.expect("done");

        let told = f.store.overview().await.expect("told");
        assert_eq!((told.running, told.due, told.retrying, told.scheduled), (1, 1, 1, 1));
        let of = |id| told.provisioners.iter().find(|seen| seen.id == id).expect("told");
        assert_eq!((of(busy).is_alive, of(busy).brokers, of(busy).running), (true, 2, 1));
        assert_eq!((of(dead).is_alive, of(dead).brokers, of(dead).running), (false, 1, 0));
        let passes: Vec<_> = told
            .passes
            .iter()
            .map(|pass| (pass.broker, pass.state, pass.lane, pass.failed, pass.provisioner))
            .collect();
        assert_eq!(
            passes,
            [
                (works, PassState::Running, Lane::Normal, 0, Some(busy)),
                (waits, PassState::Due, Lane::Normal, 0, None),
                (failed, PassState::Retrying, Lane::Urgent, 1, Some(dead)),
            ]
        );
        assert!(told.passes.iter().all(|pass| pass.broker != well));
        assert!(told.passes[1].due < told.passes[2].due && told.passes[0].name == "works");
    })
    .await;
}
