//! Authentication: signatures, access keys, allowances, and the bodies of requests that are not yet verified.
//! Authorisation: what callers may do.

mod authenticate;
mod authorize;
mod bodies;
mod browser;
mod console;
mod cookie;
mod credentials;
mod error;
mod request;
mod service;
pub mod sigv4;

pub(crate) use authenticate::{Authenticator, Signed};
pub(crate) use authorize::{AccessDenied, CallResource, PolicyResource, TagChange};
pub(crate) use browser::wants_page;
pub(crate) use console::{Console, SignIn, SignedIn};
pub(crate) use cookie::SERVICE;
pub(crate) use error::{REJECTION_REASONS, WRONG_TOKEN};
pub(crate) use request::peer;
pub use request::{OnAuthentic, SecureTransport};
pub(crate) use service::Service;
