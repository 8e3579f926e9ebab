//! Tags of brokers and configurations.

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod list;

use brokerd_domain::{Arn, Error, ErrorKind, Resource, Scope};

use crate::http::path::PathParams;

/// Source: recorded answers of the service.
fn not_found() -> Error {
    Error {
        kind: ErrorKind::NotFound,
        attribute: None,
        message: "Resource was not found".to_owned(),
    }
}

/// The resource of the path.
///
/// # Errors
/// The 404 of a resource, also for one of another account or region.
fn resource(path: &PathParams, scope: &Scope) -> Result<Resource, Error> {
    let arn: Arn = path.get("resource-arn").parse().map_err(|_| not_found())?;
    if arn.scope == *scope { Ok(arn.resource) } else { Err(not_found()) }
}
