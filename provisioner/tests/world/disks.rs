//! Disks of brokers' own: which of them are full.

use std::collections::BTreeSet;

use brokerd_domain::BrokerId;
use brokerd_provisioner::runtime::{InstanceName, Volumes};

use super::runtime::World;

/// The disks that a fault has filled, by instance; those of a pair by ordinal 0.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Disks {
    filled: BTreeSet<InstanceName>,
    /// How often one was filled that was not full.
    pub fills: u32,
}

impl World {
    fn disk_of(&self, name: &InstanceName) -> InstanceName {
        let shares = self.containers.get(name).is_some_and(|container| container.shares);
        InstanceName { ordinal: if shares { 0 } else { name.ordinal }, ..name.clone() }
    }

    /// Fills the disk of an instance.
    pub fn fill(&mut self, name: &InstanceName) {
        let disk = self.disk_of(name);
        assert!(self.containers[name].status.own_disk, "the host's disk is not to be filled");
        self.disks.fills += u32::from(self.disks.filled.insert(disk));
    }

    /// Makes room on it.
    pub fn drain(&mut self, name: &InstanceName) {
        let disk = self.disk_of(name);
        self.disks.filled.remove(&disk);
    }

    /// Whether the disk of an instance is full.
    pub fn is_filled(&self, name: &InstanceName) -> bool {
        self.disks.filled.contains(&self.disk_of(name))
    }

    /// Removes the disks that nobody has any more.
    pub fn remove_disks(&mut self, broker: BrokerId, volumes: Volumes) {
        let is_left = self.containers.keys().any(|name| name.broker == broker);
        if volumes == Volumes::Delete && !is_left {
            self.disks.filled.retain(|disk| disk.broker != broker);
        }
    }
}
