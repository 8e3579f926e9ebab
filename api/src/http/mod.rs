//! HTTP in the service's form: parameters, bodies, pages, answers and refusals.

pub(crate) mod body;
pub(crate) mod error;
pub(crate) mod format;
pub(crate) mod json;
pub(crate) mod page;
mod page_token;
pub(crate) mod path;
pub(crate) mod query;
pub(crate) mod refusal;
pub(crate) mod respond;
pub(crate) mod text;
pub(crate) mod throttle;
