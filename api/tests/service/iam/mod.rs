//! IAM over the query protocol.

mod isolation;
mod permissions;
mod policies;
mod protocol;
mod roles;
mod simulation;
mod users;
