//! brokerd's own operations: under `/brokerd/v1`, and the pages for machines and people.

pub(crate) mod accounts;
pub(crate) mod availability;
pub(crate) mod brokers;
pub(crate) mod ca;
pub(crate) mod capacity;
pub(crate) mod cost;
pub(crate) mod destinations;
pub(crate) mod docs;
pub(crate) mod engine_versions;
pub(crate) mod faults;
pub(crate) mod health;
pub(crate) mod prometheus;
pub(crate) mod provisioners;
pub(crate) mod secrets;
pub(crate) mod security_groups;
