//! Authentication: signatures, access keys, allowances, and the bodies of requests that are not yet verified.
//! Authorisation: what callers may do.

mod authenticate;
mod authorize;
mod bodies;
mod credentials;
mod error;
mod service;
pub mod sigv4;

pub(crate) use authenticate::{Authenticator, Signed};
pub use authenticate::{OnAuthentic, SecureTransport};
pub(crate) use authorize::{AccessDenied, PolicyResource, Subject, TagsAsked};
pub(crate) use error::{REJECTION_REASONS, WRONG_TOKEN};
pub(crate) use service::Service;
