//! ListUsers.

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
    mq::brokers::{describe, views::UserSummary},
    openapi::{NotFound, OfBroker, ServiceErrors},
};

/// A page of users, sorted by name.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListUsersResponse {
    /// The broker's identifier.
    broker_id: String,
    /// The maximum number of items on a page.
    max_results: u32,
    /// The token of the next page; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    next_token: Option<String>,
    /// The users and their pending changes; empty for RabbitMQ, which manages its users itself.
    users: Vec<UserSummary>,
}

/// Lists the users of a broker.
#[utoipa::path(
    get,
    path = "/v1/brokers/{broker-id}/users",
    operation_id = "ListUsers",
    tag = "users",
    params(OfBroker, Page),
    responses(
        (status = 200, description = "A page.", body = ListUsersResponse),
        NotFound,
        ServiceErrors,
    ),
    security(("sigv4" = [])),
)]
pub(crate) async fn list_users(
    State(store): State<PgStore>,
    path: PathParams,
    page: Page,
    signed: Signed,
) -> Answer<ListUsersResponse> {
    let max_results = page.size()?;
    let broker = path.broker(&store, &signed).await?;
    let mut all = describe::users(&broker);
    all.sort_by(|one, other| one.username.cmp(&other.username));
    let (users, next_token) = page.cut_sorted(all, max_results, |user| user.username.clone())?;
    Ok(Reply(ListUsersResponse {
        broker_id: broker.id.to_string(),
        max_results,
        next_token,
        users,
    }))
}
