//! DescribeAccountUsage.

use std::sync::Arc;

use axum::{
    extract::State,
    response::{IntoResponse as _, Response},
};
use brokerd_domain::{
    AccountId, BrokerId, Clock, Error,
    identity::{AccountUsage, Quotas},
    report::{Granularity, Period},
};
use brokerd_store::PgStore;
use serde::Serialize;
use utoipa::ToSchema;

use super::{not_found, visible};
use crate::{
    ApiSettings,
    auth::Signed,
    http::{
        error::ApiError,
        format::{AskedFormat, Format},
        path::PathParams,
        query::Query,
        respond::Reply,
    },
    openapi::{NotFound, OfAccount, ServiceErrors},
    own::cost::history::{HistoryQuery, UsageHistoryView, history},
};

/// The most brokers that a history tells of.
const MAX_BROKERS: u32 = 10_000;

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
    /// What it has used in a period, and what that costs; absent: no period was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    history: Option<UsageHistoryView>,
}

/// Returns what an account uses of its quotas; with `from`, `to`, `granularity` or `tag`, or as CSV, also what it used
/// in a period, and its cost. Callers outside the operator's account see only their own account.
#[utoipa::path(
    get,
    path = "/brokerd/v1/accounts/{account-id}/usage",
    operation_id = "DescribeAccountUsage",
    tag = "brokerd",
    params(
        OfAccount,
        ("from" = Option<String>, Query, description = "The beginning of the period: a date in UTC or a moment, ISO 8601; default the beginning of the month."),
        ("to" = Option<String>, Query, description = "The end of the period, which does not belong to it; default now."),
        ("granularity" = Option<String>, Query, description = "`TOTAL` (default), `DAY` or `MONTH`: how the period is divided, in UTC."),
        ("tag" = Option<String>, Query, description = "The key of a tag by whose values costs are summed up."),
        ("format" = Option<String>, Query, description = "`json` (default) or `csv`: a row for each line of each broker. `Accept: text/csv` does the same."),
    ),
    responses(
        (
            status = 200,
            description = "What it has.",
            content(
                (DescribeAccountUsageResponse = "application/json"),
                (String = "text/csv"),
            ),
        ),
        NotFound,
        ServiceErrors,
    ),
    security(("sigv4" = [])),
)]
pub(crate) async fn describe_account_usage(
    State(settings): State<Arc<ApiSettings>>,
    State(store): State<PgStore>,
    State(clock): State<Arc<dyn Clock>>,
    path: PathParams,
    query: Query,
    format: AskedFormat,
    signed: Signed,
) -> Result<Response, ApiError> {
    let account = visible(&settings, &store, &signed, &path).await?;
    let format = format.parse()?;
    let mut history = None;
    let members = ["from", "to", "granularity", "tag"];
    if format == Format::Csv || members.iter().any(|name| query.get(name).is_some()) {
        let now = clock.now();
        let asked = HistoryQuery {
            period: Period::parse(query.get("from"), query.get("to"), now)?,
            granularity: Granularity::parse(query.get("granularity"))?,
            tag: query.get("tag").map(str::to_owned),
            now,
        };
        let used = used(&settings, &store, &account.id, &asked).await?;
        if format == Format::Csv {
            return used.csv(account.id.as_str(), asked.tag.as_deref());
        }
        history = Some(used);
    }
    let used = store.account_usage(&account.id).await?.ok_or_else(|| not_found(&path))?;
    let response = Reply(DescribeAccountUsageResponse {
        account_id: account.id.to_string(),
        usage: AccountUsageView::of(used, account.quotas),
        history,
    });
    Ok(response.into_response())
}

async fn used(
    settings: &ApiSettings,
    store: &PgStore,
    account: &AccountId,
    asked: &HistoryQuery,
) -> Result<UsageHistoryView, ApiError> {
    let brokers = store.metered_brokers(account, asked.period, MAX_BROKERS + 1).await?;
    if brokers.len() > MAX_BROKERS as usize {
        let why = format!(
            "There were more than [{MAX_BROKERS}] brokers in the period. Specify a shorter one."
        );
        return Err(Error::bad_request("from", why).into());
    }
    let ids: Vec<BrokerId> = brokers.iter().map(|metered| metered.broker.id).collect();
    let known = store.availability(&ids, asked.period).await?;
    history(&brokers, &known, &settings.prices, asked)
}
