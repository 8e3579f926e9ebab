//! The store that is plain data.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use brokerd_domain::{Broker, BrokerId, EngineType, Fault, FaultId, Intent, WorkerId};
use brokerd_provisioner::reconcile::ReconcileStore;

use crate::{
    cases::pause_of,
    subject::{NOW, Subject},
    world::{
        HOST_CAPACITY, TestClock, TestEntropy, broker, fault::Faults, store::MemoryStore, user,
    },
};

pub(crate) struct Memory {
    store: MemoryStore,
    clock: Arc<TestClock>,
    entropy: TestEntropy,
}

impl Memory {
    pub(crate) fn new() -> Self {
        let clock = TestClock::new();
        let store = MemoryStore::new(clock.clone(), HOST_CAPACITY, Arc::new(Faults::default()));
        Self { store, clock, entropy: TestEntropy::default() }
    }
}

#[async_trait]
impl Subject for Memory {
    fn store(&self) -> &dyn ReconcileStore {
        &self.store
    }

    fn worker(&self) -> WorkerId {
        WorkerId::generate(&self.entropy)
    }

    async fn create(&self) -> BrokerId {
        let seed = BrokerId::generate(&self.entropy).uuid().as_u128();
        let broker = broker(EngineType::ActiveMq, seed);
        let id = broker.id;
        self.store.insert(broker, vec![user(EngineType::ActiveMq)]);
        id
    }

    async fn broker(&self, broker: BrokerId) -> Option<Broker> {
        self.store.row(broker).map(|row| row.broker)
    }

    async fn messages(&self, broker: BrokerId) -> Vec<String> {
        let events = self.store.row(broker).expect("there").events;
        events.into_iter().map(|event| event.message).collect()
    }

    async fn reboot(&self, broker: BrokerId) {
        self.store.request(broker, |row| row.broker.reboots_requested += 1);
    }

    async fn delete(&self, broker: BrokerId) {
        self.store.request(broker, |row| {
            row.broker.intent = Intent::Delete;
            row.broker.generation.0 += 1;
        });
    }

    async fn fault(&self, broker: BrokerId) -> Fault {
        let spec = pause_of(&self.store.row(broker).expect("there").broker);
        let fault = Fault::new(FaultId::generate(&self.entropy), spec, NOW);
        self.store.request(broker, |row| row.faults.push(fault.clone()));
        fault
    }

    async fn pass(&self, by: Duration) {
        self.clock.advance(by);
    }
}
