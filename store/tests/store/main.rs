//! The store on a real PostgreSQL.

mod access_keys;
mod account_quotas;
mod accounts;
mod alarms;
mod audit;
mod availability;
mod broker_changes;
mod broker_list;
mod brokers;
mod capacity;
mod changes;
#[path = "../../../tests/src/chaos_proxy.rs"]
#[expect(unreachable_pub, reason = "it is public where it belongs")]
mod chaos_proxy;
mod configurations;
mod connecting;
mod console_sessions;
mod creating;
mod endpoints;
mod engine_calls;
mod faults;
mod identities;
mod isolation;
mod kept_secrets;
mod keys;
mod leases;
mod logs;
mod measured;
mod metering;
mod metrics;
mod migrated_database;
mod outages;
mod overview;
mod ownership;
mod passes;
mod policies;
mod principals;
mod retention;
mod route_changes;
mod secrets;
mod security_groups;
mod skipped_rows;
mod support;
mod users;
