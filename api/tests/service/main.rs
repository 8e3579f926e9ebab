//! The API over a real database, one of its own for each test.

mod authentication;
mod brokers;
mod support;
mod surface;
mod throttling;
