//! The gateway with real sockets and a table that tests own.

mod following;
mod forwarding;
mod lateness;
mod support;
