//! The gateway with real sockets, real TLS, and a source of routes that the test controls.

mod admission;
mod crowding;
mod following;
mod forwarding;
mod keeping;
mod lateness;
mod naming;
mod support;
