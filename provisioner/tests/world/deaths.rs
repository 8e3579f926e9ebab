//! What ends or pauses engines from outside.

use brokerd_domain::{
    BrokerId,
    instance::{ContainerState, Disturbance, InstanceName},
};

use super::host::World;

impl World {
    /// kill -9 of some engines of a broker.
    pub fn kill_only(&mut self, broker: BrokerId, ordinals: &[u8]) {
        for name in self.containers.names(broker) {
            if ordinals.contains(&name.ordinal) {
                self.kill_one(&name);
            }
        }
    }

    /// Somebody pauses some engines of a broker.
    pub fn pause_only(&mut self, broker: BrokerId, ordinals: &[u8]) {
        for name in self.containers.names(broker) {
            if ordinals.contains(&name.ordinal) {
                self.disturb(&name, Disturbance::Paused).expect("pausing is never refused");
            }
        }
    }

    /// kill -9 of every engine of a broker.
    pub fn kill(&mut self, broker: BrokerId) {
        for name in self.containers.names(broker) {
            self.kill_one(&name);
        }
    }

    /// kill -9 of one engine of a broker.
    pub fn kill_one(&mut self, name: &InstanceName) {
        self.containers.get_mut(name).expect("it is there").end();
        self.tell(name);
    }

    /// An engine that ends for want of memory: a JVM by itself, a node by the kernel's hand.
    pub fn starve(&mut self, name: &InstanceName) {
        let out_of_memory = self.is_cluster(name);
        let container = self.containers.get_mut(name).expect("it is there");
        container.end();
        container.status.state = ContainerState::Exited {
            code: if out_of_memory { 137 } else { 3 },
            out_of_memory,
            last_log_lines: String::new(),
        };
        self.tell(name);
    }
}
