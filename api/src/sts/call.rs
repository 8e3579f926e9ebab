//! A call of an operation.

use crate::{
    caller::Caller,
    query::{Parameters, QueryApi},
    service_parts::ServiceParts,
};

/// The service in the query protocol.
pub(crate) const API: QueryApi =
    QueryApi { version: "2011-06-15", namespace: "https://sts.amazonaws.com/doc/2011-06-15/" };

/// A call of an operation.
#[derive(Clone, Copy)]
pub(super) struct Call<'a> {
    pub(super) services: &'a ServiceParts,
    pub(super) caller: &'a Caller,
    pub(super) parameters: &'a Parameters,
}
