//! Engines on Kubernetes, by a brokerd outside the cluster, through the public API and with real clients.

mod chart;
mod clusters;
mod pairs;
mod singles;
