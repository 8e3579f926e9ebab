//! Brokers: creation, changes, users, tags, events.

pub(crate) mod counted;
mod create;
pub(crate) mod events;
mod fleet;
mod ldap;
mod read;
mod requests;
mod tags;
mod update;
mod users;

pub use create::{CreateOutcome, NewIds};
pub use fleet::{FleetBroker, MetricsPage};
pub use read::BrokerPage;
pub use update::UpdateOutcome;
pub use users::UserOutcome;
