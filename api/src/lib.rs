//! placeholder
mod auth;
pub use auth::sigv4;
