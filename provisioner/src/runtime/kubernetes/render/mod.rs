//! A spec as the objects that the cluster should have. Nothing here asks anybody or decides anything twice.

mod files;
mod pod;
mod policy;
mod service;
#[cfg(test)]
mod tests;
mod volume;

pub(super) use self::{
    files::secret,
    pod::{ENGINE, Spread, ZONE, again, pod},
    policy::{Neighbours, isolation, policy},
    service::{budget, service},
    volume::claim,
};
