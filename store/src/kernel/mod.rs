//! The base of all modules: connections with limits, sealing, notifications, JSON columns, skipped rows, the fence.

mod address;
pub(crate) mod audited;
mod batching;
pub(crate) mod broker_row;
mod connection;
pub(crate) mod database_health;
mod error;
pub(crate) mod fence;
mod installation;
pub(crate) mod json;
mod key_uses;
pub(crate) mod metric_sources;
pub(crate) mod notify;
pub(crate) mod pool;
mod reseal;
mod seal;
pub(crate) mod sealed_column;
mod skipped;
mod store;
mod transaction;
mod warm;

pub use address::ServerAddress;
pub(crate) use audited::EventRow;
pub use audited::{AuditedCall, EndedCall, statement_may_write, statement_with_event};
pub(crate) use broker_row::BrokerRow;
pub use error::StoreError;
pub(crate) use json::Raw;
pub use notify::{Channel, Heard, Listener};
pub use reseal::Resealing;
pub use seal::{MasterKey, MasterKeys, ReadKeys};
pub use sealed_column::sealed_columns;
pub use store::PgStore;
