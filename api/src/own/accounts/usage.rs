//! DescribeAccountUsage.

use std::sync::Arc;

use axum::extract::State;
use brokerd_domain::identity::{AccountUsage, Quotas};
use brokerd_store::PgStore;
use serde::Serialize;
use utoipa::ToSchema;

use super::{not_found, visible};
use crate::{
    ApiSettings,
    auth::Signed,
    http::{
        path::PathParams,
        respond::{Answer, Reply},
    },
    openapi::{NotFound, OfAccount, ServiceErrors},
};

/// How much of something an account has.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UsageView {
    /// How much it has.
    used: u64,
    /// How much it may have; absent: the account does not limit it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    quota: Option<u32>,
}

/// What an account has, against its quotas.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AccountUsageView {
    /// Brokers in all regions together, also those that are being deleted.
    brokers: UsageView,
    /// Memory of their instance types, in MiB. What waits for a reboot counts where it is more.
    memory_mib: UsageView,
    /// Their storage, in GiB: a disk for each broker, for each node where it is a cluster.
    storage_gib: UsageView,
}

impl AccountUsageView {
    pub(crate) fn of(used: AccountUsage, quotas: Quotas) -> Self {
        Self {
            brokers: UsageView { used: used.brokers.into(), quota: quotas.brokers },
            memory_mib: UsageView { used: used.memory_mib, quota: quotas.memory_mib },
            storage_gib: UsageView { used: used.storage_gib, quota: quotas.storage_gib },
        }
    }
}

/// What an account has.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DescribeAccountUsageResponse {
    /// The account's number.
    #[schema(example = "123456789012")]
    account_id: String,
    #[serde(flatten)]
    usage: AccountUsageView,
}

/// Tells what an account has of what it may have. Others than the operator see their own account only.
#[utoipa::path(
    get,
    path = "/brokerd/v1/accounts/{account-id}/usage",
    operation_id = "DescribeAccountUsage",
    tag = "brokerd",
    params(OfAccount),
    responses(
        (status = 200, description = "What it has.", body = DescribeAccountUsageResponse),
        NotFound,
        ServiceErrors,
    ),
    security(("sigv4" = [])),
)]
pub(crate) async fn describe_account_usage(
    State(settings): State<Arc<ApiSettings>>,
    State(store): State<PgStore>,
    path: PathParams,
    signed: Signed,
) -> Answer<DescribeAccountUsageResponse> {
    let account = visible(&settings, &store, &signed, &path).await?;
    let used = store.account_usage(&account.id).await?.ok_or_else(|| not_found(&path))?;
    Ok(Reply(DescribeAccountUsageResponse {
        account_id: account.id.to_string(),
        usage: AccountUsageView::of(used, account.quotas),
    }))
}
