//! The store on a real PostgreSQL.

mod brokers;
mod changes;
mod configurations;
mod connecting;
mod creating;
mod endpoints;
mod faults;
mod kept_secrets;
mod keys;
mod leases;
mod ownership;
mod passes;
mod retention;
mod route_changes;
mod secrets;
mod security_groups;
mod skipped_rows;
mod support;
mod users;
