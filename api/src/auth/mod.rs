//! Authentication: signatures, access keys, allowances, and the bodies of requests that are not yet verified.

mod authenticate;
mod bodies;
mod credentials;
mod error;
pub mod sigv4;

pub use authenticate::OnAuthentic;
pub(crate) use authenticate::{Authenticator, Signed};
pub(crate) use error::REJECTION_REASONS;
