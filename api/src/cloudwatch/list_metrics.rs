//! ListMetrics.

use brokerd_domain::{
    Timestamp,
    metric::{
        NAMESPACE, SeriesKey,
        query::{CloudWatchError, parse_name, parse_namespace},
    },
};
use brokerd_store::{SeriesFilter, SeriesPosition};

use super::{
    call::{Answer, Call, output},
    shapes::Metric,
    token::{Pages, invalid_token},
};
use crate::{auth::CallResource, wire::shape};

/// Metrics of a page.
///
/// Source: ListMetrics of the CloudWatch API reference.
const PER_PAGE: u32 = 500;
/// Most dimensions that can be asked for.
const MAX_DIMENSIONS: usize = 10;
/// How far back a metric's last value may be: two weeks, or three hours if only recent ones are asked for.
const LISTED_HOURS: i64 = 14 * 24;
const RECENT_HOURS: i64 = 3;

shape! {
    /// `DimensionFilter`.
    DimensionFilter {
        name: Option<String> = "Name",
        value: Option<String> = "Value",
    }
}

shape! {
    ListMetricsInput {
        namespace: Option<String> = "Namespace",
        metric_name: Option<String> = "MetricName",
        dimensions: Vec<DimensionFilter> = "Dimensions",
        next_token: Option<String> = "NextToken",
        recently_active: Option<String> = "RecentlyActive",
        include_linked_accounts: Option<bool> = "IncludeLinkedAccounts",
        owning_account: Option<String> = "OwningAccount",
    }
}

shape! {
    ListMetricsOutput {
        metrics: Vec<Metric> = "Metrics",
        next_token: Option<String> = "NextToken",
        owning_accounts: Option<Vec<String>> = "OwningAccounts",
    }
}

/// The metrics that somebody has measured, those of deleted brokers included.
pub(super) async fn answer(call: Call<'_>, mut input: ListMetricsInput) -> Answer {
    let permit = call.permit(CallResource::NONE)?;
    let token = input.next_token.take();
    let pages = Pages::of(&input);
    let hours = match input.recently_active.as_deref() {
        None => LISTED_HOURS,
        Some("PT3H") => RECENT_HOURS,
        Some(_) => {
            return Err(
                CloudWatchError::invalid("The parameter RecentlyActive must be PT3H.").into()
            );
        }
    };
    let since = permit.now.as_micros().saturating_sub(hours * 3_600_000_000);
    let namespace = input.namespace.map(parse_namespace).transpose()?;
    let filter = SeriesFilter {
        metric: input.metric_name.map(|name| parse_name("MetricName", name)).transpose()?,
        dimensions: wanted(input.dimensions)?,
        active_since: Some(Timestamp::from_micros(since)),
    };
    let position: Option<SeriesPosition> = match token {
        None => None,
        Some(token) => Some(pages.position(&token)?.parse().map_err(|_| invalid_token())?),
    };
    let is_other = input
        .owning_account
        .as_deref()
        .is_some_and(|account| account != permit.scope.account.as_str());
    let is_elsewhere = namespace.as_deref().is_some_and(|namespace| namespace != NAMESPACE);
    let (metrics, next) = if is_other || is_elsewhere {
        (Vec::new(), None)
    } else {
        let page = permit.store.list_series(&permit.scope, &filter, position, PER_PAGE).await?;
        let mut keys: Vec<SeriesKey> = page.series.into_iter().map(|series| series.key).collect();
        // Of brokers that had the same name, one after the other.
        keys.dedup();
        (keys, page.next)
    };
    let owning = input.include_linked_accounts == Some(true);
    let owning_accounts = owning.then(|| vec![permit.scope.account.to_string(); metrics.len()]);
    output(ListMetricsOutput {
        metrics: metrics.iter().map(metric).collect(),
        next_token: next.map(|next| pages.token(&next.to_string())),
        owning_accounts,
    })
}

fn wanted(filters: Vec<DimensionFilter>) -> Result<Vec<(String, Option<String>)>, CloudWatchError> {
    if filters.len() > MAX_DIMENSIONS {
        return Err(CloudWatchError::invalid(format!(
            "The collection Dimensions must not have a size greater than {MAX_DIMENSIONS}."
        )));
    }
    let filter = |filter: DimensionFilter| {
        let name = filter.name.ok_or_else(|| CloudWatchError::missing("Dimensions.member.Name"))?;
        Ok((parse_name("Dimensions.member.Name", name)?, filter.value))
    };
    filters.into_iter().map(filter).collect()
}

fn metric(key: &SeriesKey) -> Metric {
    Metric {
        namespace: Some(NAMESPACE.to_owned()),
        metric_name: Some(key.metric.clone()),
        dimensions: key.dimensions.iter().map(Into::into).collect(),
    }
}
