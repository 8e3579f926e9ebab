//! The front that owns every endpoint address.
//!
//! A broker's endpoints are ports of this process, never of a container, so they stay the same
//! through restarts, fail-over and upgrades. The gateway copies bytes and knows nothing of what they
//! mean: TLS ends in the engine, so client certificates and server names reach it untouched.
//!
//! An endpoint has a port of its own, or a host name on a standard port that all brokers share: there the
//! ClientHello is read for the name that it asks for, and handed on as it came.
//!
//! It follows a table of routes that it reads from a [`RouteSource`]. A notification only says "look
//! again", and what has changed is read every few seconds anyway, so a lost one costs seconds and nothing
//! else; all of the table is read once a minute. When the table can't be read, the last good one stays in force, also across the gateway's own
//! restart: it is kept in a file.
//!
//! Rejected: a reloadable HAProxy (knows of a fail-over later than we do, and can't hold a connection
//! until it is over) and DNAT rules (Docker owns that table, and established flows don't move).

mod budget;
mod crowd;
mod door;
mod front;
mod gateway;
mod hello;
mod here;
mod kept;
mod lag;
mod listener;
mod metered;
mod metrics;
mod options;
mod served;
mod session;
mod source;
mod table;

pub use crowd::{Crowd, Limits, Visitor};
pub use gateway::{Gateway, Status};
pub use metrics::{Ending, Metrics, Refusal};
pub use options::Options;
pub use source::{PgRouteSource, Reading, RouteSource, SourceError};
