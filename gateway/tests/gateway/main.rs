//! The gateway with real sockets, real TLS, and a source of routes that the test controls.

mod admission;
mod connection_limits;
mod following;
mod forwarding;
mod latency;
mod sni;
mod support;
mod table_cache;
