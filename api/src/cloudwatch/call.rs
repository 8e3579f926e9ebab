//! A call of an operation.

use brokerd_domain::{
    Scope, Tags, Timestamp,
    metric::query::CloudWatchError,
    policy::{ConditionKey, OperationPermissions, When},
};
use brokerd_store::PgStore;

use crate::{
    caller::Caller,
    http::error::ApiError,
    iam::Services,
    wire::{Shape, Value},
};

/// The output of an operation, none if it has none; or a refusal.
pub(super) type Answer = Result<Option<Value>, ApiError>;

/// An authentic call, which nothing permits yet.
#[derive(Clone, Copy)]
pub(super) struct Call<'a> {
    services: &'a Services,
    caller: &'a Caller,
    permissions: &'static OperationPermissions,
}

/// A call that is permitted.
pub(super) struct Permit<'a> {
    pub(super) store: &'a PgStore,
    pub(super) scope: Scope,
    pub(super) now: Timestamp,
}

/// What a call is about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Resource<'a> {
    /// Its ARN, or `*`.
    pub(super) arn: &'a str,
    /// Its tags, if it is there.
    pub(super) tags: Option<&'a Tags>,
    /// Tags that the call brings.
    pub(super) added: Option<&'a Tags>,
    /// Keys of tags that the call takes away.
    pub(super) removed: Option<&'a [String]>,
}

impl<'a> Resource<'a> {
    /// No single one.
    pub(super) const NONE: Resource<'static> = Resource::named("*");

    /// One of which the ARN is all that is known.
    pub(super) const fn named(arn: &'a str) -> Self {
        Self { arn, tags: None, added: None, removed: None }
    }
}

impl<'a> Call<'a> {
    pub(super) const fn new(
        services: &'a Services,
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
    pub(super) fn permit(&self, resource: Resource<'_>) -> Result<Permit<'a>, ApiError> {
        for required in self.permissions.actions {
            if required.when == When::WithTags && resource.added.is_none() {
                continue;
            }
            self.caller.check(required.action, resource.arn, |context| {
                if resource.arn != "*" {
                    context.set("aws:ResourceAccount", self.caller.account().as_str());
                }
                for key in required.keys {
                    match key {
                        ConditionKey::ResourceTag => {
                            if let Some(tags) = resource.tags {
                                context.set_resource(self.caller.account(), tags);
                            }
                        }
                        ConditionKey::RequestTag => {
                            if let Some(tags) = resource.added {
                                context.set_request_tags(tags);
                            }
                        }
                        ConditionKey::TagKeys => {
                            if let Some(keys) = resource.removed {
                                context.set_tag_keys(keys.to_vec());
                            }
                        }
                        _ => {}
                    }
                }
            })?;
        }
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
