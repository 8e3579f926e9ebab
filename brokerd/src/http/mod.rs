//! HTTP: the listener that every role's routes are served on, and the client of `brokerd ready`.

mod certificate;
pub(crate) mod client;
mod listener;
mod metrics;
mod stall_timeout;

pub(crate) use self::{listener::HttpListener, metrics::Metrics};
