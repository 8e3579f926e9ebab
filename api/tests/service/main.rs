//! The API over a real database, one of its own for each test.

mod accounts;
mod authentication;
mod brokers;
mod capacity;
mod conditions;
mod configurations;
mod contention;
mod engine_versions;
mod faults;
mod identities;
mod isolation;
mod permissions;
mod readiness;
mod refusals;
mod secrets;
mod security_groups;
mod sessions;
mod stand_ins;
mod states;
mod support;
mod surface;
mod tags;
mod texts;
mod throttling;
mod updates;
mod users;
