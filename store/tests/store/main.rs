//! The store on a real PostgreSQL.

mod brokers;
mod creating;
mod endpoints;
mod leases;
mod passes;
mod secrets;
mod support;
