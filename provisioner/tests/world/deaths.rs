//! What ends or freezes engines from outside.

use brokerd_domain::BrokerId;
use brokerd_provisioner::runtime::{ContainerState, Disturbance, InstanceName};

use super::runtime::World;

impl World {
    /// kill -9 of some engines of a broker.
    pub fn kill_only(&mut self, broker: BrokerId, ordinals: &[u8]) {
        let mut rest = self.containers.clone();
        rest.retain(|name, _| name.broker != broker || !ordinals.contains(&name.ordinal));
        self.kill(broker);
        self.containers.extend(rest);
    }

    /// Somebody freezes some engines of a broker.
    pub fn freeze_only(&mut self, broker: BrokerId, ordinals: &[u8]) {
        let all: Vec<InstanceName> = self.containers.keys().cloned().collect();
        for name in all.iter().filter(|n| n.broker == broker && ordinals.contains(&n.ordinal)) {
            self.disturb(name, Disturbance::Frozen);
        }
    }

    /// kill -9 of every engine of a broker.
    pub fn kill(&mut self, broker: BrokerId) {
        for (_, container) in self.containers.iter_mut().filter(|(name, _)| name.broker == broker) {
            container.end();
        }
    }

    /// kill -9 of one engine of a broker.
    pub fn kill_one(&mut self, name: &InstanceName) {
        self.containers.get_mut(name).expect("it is there").end();
    }

    /// An engine that ends for want of memory: a JVM by itself, a node by the kernel's hand.
    pub fn starve(&mut self, name: &InstanceName) {
        let out_of_memory = self.is_cluster(name);
        let container = self.containers.get_mut(name).expect("it is there");
        container.end();
        container.status.state = ContainerState::Exited {
            code: if out_of_memory { 137 } else { 3 },
            out_of_memory,
            last_words: String::new(),
        };
    }
}
