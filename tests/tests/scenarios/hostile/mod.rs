//! What strangers can do to brokerd and to its brokers before they have said who they are. Each attack is
//! played against a real brokerd and real engines, and others are served meanwhile.

mod bodies;
mod database;
mod engine_openings;
mod lateness;
mod openings;
mod others;
mod silence;
mod strangers;
