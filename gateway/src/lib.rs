//! The gateway: a TCP proxy that owns the address of every broker endpoint.
//!
//! Endpoints are ports of this process, never of a container, so they stay the same through restarts, failover and
//! upgrades. The gateway copies bytes and does not read them: TLS ends in the engine, so client certificates and server
//! names reach it unchanged.
//!
//! An endpoint has a port of its own, or a host name on a standard port that all brokers share. There the route is found
//! by the server name of the ClientHello.
//!
//! The gateway follows a table of routes that it reads from a [`RouteSource`]. A notification only says "look again".
//! Changes are read every few seconds anyway, and the whole table once a minute, so a lost notification costs seconds.
//! When the table can't be read, the last good one stays in force. It is cached in a file, so that it also survives a
//! restart of the gateway.
//!
//! The modules: `routes/` (the table), `listeners/` (ports, SNI), `session/` (one client's connection).
//!
//! Rejected: a reloadable HAProxy (it learns of a failover later, and can't hold a connection until the failover is over)
//! and DNAT rules (Docker owns that table, and established flows don't move).

mod admission;
pub mod atomic_file;
mod gateway;
mod listeners;
mod metrics;
mod options;
mod pending_connections;
mod routes;
mod session;
mod status;

pub use gateway::Gateway;
pub use metrics::{Ending, Metrics, Refusal};
pub use options::Options;
pub use pending_connections::{ConnectionLimiter, ConnectionLimits, PeerConnection};
pub use routes::{PgRouteSource, Reading, RouteSource, SourceError};
pub use status::Status;
