//! DescribeSharedResources.

use axum::extract::State;
use brokerd_store::PgStore;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    auth::Signed,
    http::{
        page::Page,
        path::PathParams,
        respond::{Answer, Reply},
    },
    openapi::{NotFound, OfBroker, ServiceErrors},
};

/// The resources that are shared with a broker.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DescribeSharedResourcesResponse {
    /// The token of the next page; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    next_token: Option<String>,
    /// Always empty, because shares come from AWS Resource Access Manager, which brokerd does not have.
    shared_resources: Vec<SharedResource>,
}

/// A share, or a resource of one.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SharedResource {
    /// The ARN.
    resource_arn: String,
    /// The status.
    status: String,
    /// `RESOURCE_SHARE` or `RESOURCE`.
    #[serde(rename = "type")]
    kind: String,
}

/// Lists the resources that are shared with a RabbitMQ broker for private networking.
#[utoipa::path(
    get,
    path = "/v1/brokers/{broker-id}/shared-resources",
    operation_id = "DescribeSharedResources",
    tag = "brokers",
    params(OfBroker, Page),
    responses(
        (status = 200, description = "A page.", body = DescribeSharedResourcesResponse),
        NotFound,
        ServiceErrors,
    ),
    security(("sigv4" = [])),
)]
pub(crate) async fn describe_shared_resources(
    State(store): State<PgStore>,
    path: PathParams,
    page: Page,
    signed: Signed,
) -> Answer<DescribeSharedResourcesResponse> {
    let size = page.size()?;
    path.broker(&store, &signed).await?;
    let key = |resource: &SharedResource| resource.resource_arn.clone();
    let (shared_resources, next_token) = page.cut(Vec::new(), size, key)?;
    Ok(Reply(DescribeSharedResourcesResponse { next_token, shared_resources }))
}
