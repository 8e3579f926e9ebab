//! PostgreSQL.

use std::time::Duration;

use async_trait::async_trait;
use brokerd_domain::{Broker, BrokerId, Fault, FaultId, WorkerId};
use brokerd_provisioner::reconcile::ReconcileStore;
use brokerd_store::FaultOutcome;

use crate::{
    cases::pause_of,
    subject::{NOW, Subject},
    support::{Fixture, OsEntropy, create, scope, worker},
};

pub(crate) struct Postgres {
    fixture: Fixture,
}

impl Postgres {
    pub(crate) fn new(fixture: Fixture) -> Self {
        Self { fixture }
    }
}

#[async_trait]
impl Subject for Postgres {
    fn store(&self) -> &dyn ReconcileStore {
        &self.fixture.store
    }

    fn worker(&self) -> WorkerId {
        worker()
    }

    async fn create(&self) -> BrokerId {
        let name = BrokerId::generate(&OsEntropy).uuid().simple().to_string();
        create(&self.fixture.store, &name).await
    }

    async fn broker(&self, broker: BrokerId) -> Option<Broker> {
        self.fixture.store.broker(&scope(), broker).await.expect("read")
    }

    async fn messages(&self, broker: BrokerId) -> Vec<String> {
        let page = self.fixture.store.events(&scope(), broker, None, 100).await.expect("read");
        let events = page.expect("there").events.into_iter().rev();
        // What owners ask for is told by whoever takes the request.
        events.map(|event| event.message).filter(|message| !message.contains("accepted")).collect()
    }

    async fn reboot(&self, broker: BrokerId) {
        let seen = self.broker(broker).await.expect("there");
        assert!(self.fixture.store.request_reboot(&seen, NOW).await.expect("stored"));
    }

    async fn delete(&self, broker: BrokerId) {
        let there = self.fixture.store.request_delete(&scope(), broker, NOW).await;
        assert!(there.expect("stored"));
    }

    async fn fault(&self, broker: BrokerId) -> Fault {
        let spec = pause_of(&self.broker(broker).await.expect("there"));
        let fault = Fault::new(FaultId::generate(&OsEntropy), spec, NOW);
        let outcome = self.fixture.store.create_fault(broker, &fault).await.expect("stored");
        assert_eq!(outcome, FaultOutcome::Created);
        fault
    }

    async fn pass(&self, by: Duration) {
        // Everything that the database compares with its clock becomes older.
        for age in [
            "update reconcile set due_at = due_at - make_interval(secs => $1),
               lease_expires_at = lease_expires_at - make_interval(secs => $1)",
            "update provisioner set expires_at = expires_at - make_interval(secs => $1),
               seen_at = seen_at - make_interval(secs => $1)",
        ] {
            sqlx::query(age)
                .bind(by.as_secs_f64())
                .execute(&self.fixture.pool)
                .await
                .expect("aged");
        }
    }
}
