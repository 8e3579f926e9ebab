//! The API over a real database, one of its own for each test.

mod authentication;
mod brokers;
mod capacity;
mod configurations;
mod contention;
mod engine_versions;
mod faults;
mod readiness;
mod refusals;
mod secrets;
mod security_groups;
mod stand_ins;
mod states;
mod support;
mod surface;
mod tags;
mod texts;
mod throttling;
mod updates;
mod users;
