//! Brokers: creation, changes, users, tags, events.

mod changes;
pub(crate) mod counted;
mod create;
pub(crate) mod events;
mod fleet;
mod ldap;
mod list;
mod read;
mod requests;
mod tags;
mod update;
mod users;

pub use changes::{BrokerChange, BrokerChangeCursor};
pub use create::{CreateOutcome, NewIds};
pub use events::BrokerEventPage;
pub use fleet::{FleetBroker, MetricsPage};
pub use list::{BrokerListQuery, BrokerOrder, ListedBroker, ListedBrokers};
pub use read::BrokerPage;
pub use update::UpdateOutcome;
pub use users::UserOutcome;
