//! A call of an operation.

use brokerd_domain::{
    Scope, Timestamp, metric::query::CloudWatchError, policy::OperationPermissions,
};
use brokerd_store::PgStore;

use crate::{
    auth::CallResource,
    caller::Caller,
    http::error::ApiError,
    service_parts::ServiceParts,
    wire::{Shape, Value},
};

/// The output of an operation, none if it has none; or a refusal.
pub(super) type Answer = Result<Option<Value>, ApiError>;

/// An authentic call, which nothing permits yet.
#[derive(Clone, Copy)]
pub(super) struct Call<'a> {
    services: &'a ServiceParts,
    caller: &'a Caller,
    permissions: &'static OperationPermissions,
}

/// A call that is permitted.
pub(super) struct Permit<'a> {
    pub(super) store: &'a PgStore,
    pub(super) scope: Scope,
    pub(super) now: Timestamp,
}

impl<'a> Call<'a> {
    pub(super) const fn new(
        services: &'a ServiceParts,
        caller: &'a Caller,
        permissions: &'static OperationPermissions,
    ) -> Self {
        Self { services, caller, permissions }
    }

    /// The account and region of the caller, in which everything is.
    pub(super) fn scope(&self) -> Scope {
        Scope {
            account: self.caller.account().clone(),
            region: self.caller.environment.region.clone(),
        }
    }

    /// The database, before anything is permitted: to find what a call is about.
    pub(super) const fn store(&self) -> &'a PgStore {
        &self.services.store
    }

    /// Asks whether the caller may do this with `resource`.
    ///
    /// # Errors
    /// `AccessDenied`.
    pub(super) fn permit(&self, resource: CallResource<'_>) -> Result<Permit<'a>, ApiError> {
        self.caller.check_operation(self.permissions, resource)?;
        Ok(Permit {
            store: &self.services.store,
            scope: self.scope(),
            now: self.services.clock.now(),
        })
    }
}

/// An output.
pub(super) fn output(shape: impl Shape) -> Answer {
    Ok(Some(shape.write()))
}

impl From<CloudWatchError> for ApiError {
    fn from(error: CloudWatchError) -> Self {
        match axum::http::StatusCode::from_u16(error.kind.status()) {
            Ok(status) => Self::named(status, error.kind.code(), error.message),
            Err(wrong) => Self::internal(wrong),
        }
    }
}
