//! Disks of brokers' own: which of them are full.

use std::collections::BTreeSet;

use brokerd_domain::{
    BrokerId,
    instance::{InstanceName, Volumes},
};
use brokerd_provisioner::runtime::RuntimeErrorClass;

use super::host::{Refusal, World, refusal};

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

    fn own_disk_of(&self, name: &InstanceName) -> Result<InstanceName, Refusal> {
        if !self.containers.get(name).is_some_and(|container| container.status.own_disk) {
            return Err(refusal(RuntimeErrorClass::Rejected, "it is the host's disk"));
        }
        Ok(self.disk_of(name))
    }

    /// Fills the disk of an instance; whether it was not full.
    pub fn fill(&mut self, name: &InstanceName) -> Result<bool, Refusal> {
        let filled = self.disks.filled.insert(self.own_disk_of(name)?);
        self.disks.fills += u32::from(filled);
        Ok(filled)
    }

    /// Makes room on it; whether it was full.
    pub fn drain(&mut self, name: &InstanceName) -> Result<bool, Refusal> {
        Ok(self.disks.filled.remove(&self.own_disk_of(name)?))
    }

    /// Whether the disk of an instance is full.
    pub fn is_filled(&self, name: &InstanceName) -> bool {
        self.disks.filled.contains(&self.disk_of(name))
    }

    /// Removes the disks that nobody has any more.
    pub fn remove_disks(&mut self, broker: BrokerId, volumes: Volumes) {
        let is_left = self.containers.of(broker).next().is_some();
        if volumes == Volumes::Delete && !is_left {
            self.disks.filled.retain(|disk| disk.broker != broker);
        }
    }
}
