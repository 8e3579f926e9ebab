//! HTTP in the service's form: parameters, bodies, pages, answers, refusals, and the middleware around every request.

pub(crate) mod body;
pub(crate) mod error;
pub(crate) mod format;
pub(crate) mod json;
pub(crate) mod observe;
pub(crate) mod page;
mod page_token;
pub(crate) mod path;
pub(crate) mod query;
mod refusal_log;
pub(crate) mod respond;
pub(crate) mod text;
pub(crate) mod throttle;
mod trace;
