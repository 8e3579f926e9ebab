//! The API over a real database, one of its own for each test.

mod authentication;
mod brokers;
mod configurations;
mod faults;
mod security_groups;
mod stand_ins;
mod support;
mod surface;
mod tags;
mod throttling;
mod updates;
mod users;
