//! What an account has used in a period, and what it costs.

use std::collections::{BTreeMap, HashMap};

use axum::response::Response;
use brokerd_domain::{
    BrokerId, Timestamp,
    price::{BrokerCost, BrokerUse, Cost, PriceList},
    report::{AvailabilityRecord, AvailabilitySummary, Granularity, Period},
};
use brokerd_store::MeteredBroker;
use serde::Serialize;
use utoipa::ToSchema;

use super::lines::{LineView, SumView, lines};
use crate::{
    http::{error::ApiError, format},
    own::availability::AvailabilityView,
};

/// What an account has used in a period, and what it costs.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UsageHistoryView {
    /// The beginning of the period, ISO 8601 in UTC.
    #[schema(format = DateTime)]
    from: String,
    /// Its end, ISO 8601 in UTC: never later than now.
    #[schema(format = DateTime)]
    to: String,
    /// The currency of all amounts.
    #[schema(example = "USD")]
    currency: String,
    /// The cost of everything.
    total: SumView,
    /// How available all brokers were together.
    availability: AvailabilityView,
    /// The cost of each part of the period: all of it, or its days or months in UTC.
    periods: Vec<PeriodCostView>,
    /// The cost by the values of the tag that was asked for; absent: none was.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    tags: Option<Vec<TagCostView>>,
    /// The brokers that were there, by age, also those that are deleted.
    brokers: Vec<BrokerHistoryView>,
}

/// The cost of a part of the period.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PeriodCostView {
    /// Its beginning, ISO 8601 in UTC.
    #[schema(format = DateTime)]
    from: String,
    /// Its end, ISO 8601 in UTC.
    #[schema(format = DateTime)]
    to: String,
    /// The cost.
    #[serde(flatten)]
    sum: SumView,
}

/// The cost of the brokers with one value of a tag.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TagCostView {
    /// The value; absent: the brokers without the tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    value: Option<String>,
    /// The cost.
    #[serde(flatten)]
    sum: SumView,
}

/// What was used of a broker.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BrokerHistoryView {
    /// The identifier.
    broker_id: String,
    /// The name.
    broker_name: String,
    /// The region.
    region: String,
    /// `ActiveMQ` or `RabbitMQ`.
    #[schema(value_type = String, example = "RabbitMQ")]
    engine_type: &'static str,
    /// When it was created, ISO 8601 in UTC.
    #[schema(format = DateTime)]
    created: String,
    /// When its deletion was asked for, ISO 8601 in UTC; absent: it is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = DateTime)]
    deleted: Option<String>,
    /// Its tags: the present ones, or those that it had when it was deleted.
    tags: BTreeMap<String, String>,
    /// The cost.
    #[serde(flatten)]
    sum: SumView,
    /// How available it was.
    availability: AvailabilityView,
    /// What the cost consists of.
    lines: Vec<LineView>,
}

/// What the history is asked for.
#[derive(Debug)]
pub(crate) struct HistoryQuery {
    /// The time.
    pub(crate) period: Period,
    /// How it is divided.
    pub(crate) granularity: Granularity,
    /// The key of the tag by whose values costs are summed up.
    pub(crate) tag: Option<String>,
    /// The present moment.
    pub(crate) now: Timestamp,
}

/// The history of these brokers.
///
/// # Errors
/// A 400 on `granularity` where there would be too many parts.
pub(crate) fn history(
    brokers: &[MeteredBroker],
    known: &HashMap<BrokerId, AvailabilityRecord>,
    prices: &PriceList,
    query: &HistoryQuery,
) -> Result<UsageHistoryView, ApiError> {
    let parts = query.period.divided(query.granularity)?;
    let mut total = Cost::default();
    let mut available = AvailabilitySummary::default();
    let mut by_part = vec![Cost::default(); parts.len()];
    let mut by_tag = BTreeMap::<Option<String>, Cost>::new();
    let mut views = Vec::with_capacity(brokers.len());
    for metered in brokers {
        let used = BrokerUse {
            region: &metered.broker.scope.region,
            engine_type: metered.broker.engine_type,
            intervals: &metered.intervals,
            storage: &metered.storage,
        };
        let mut sum = Cost::default();
        let mut all_lines = Vec::new();
        for (part, of_part) in parts.iter().zip(&mut by_part) {
            let cost = BrokerCost::of(&used, prices, *part);
            all_lines.extend(lines(&cost, *part));
            of_part.add(&cost.total);
            sum.add(&cost.total);
        }
        total.add(&sum);
        if let Some(key) = &query.tag {
            let value = metered.broker.tags.as_map().get(key).cloned();
            by_tag.entry(value).or_default().add(&sum);
        }
        let record = known.get(&metered.broker.id);
        let summary = record.map(|record| record.summary(query.period, query.now));
        let summary = summary.unwrap_or_default();
        available.add(&summary);
        views.push(view(metered, &sum, summary, all_lines));
    }
    let tags = query.tag.as_ref().map(|_| {
        by_tag.iter().map(|(value, sum)| TagCostView { value: value.clone(), sum: sum.into() })
    });
    Ok(UsageHistoryView {
        from: query.period.from.to_string(),
        to: query.period.to.to_string(),
        currency: prices.currency().to_owned(),
        total: (&total).into(),
        availability: available.into(),
        periods: parts
            .iter()
            .zip(&by_part)
            .map(|(part, sum)| PeriodCostView {
                from: part.from.to_string(),
                to: part.to.to_string(),
                sum: sum.into(),
            })
            .collect(),
        tags: tags.map(Iterator::collect),
        brokers: views,
    })
}

fn view(
    metered: &MeteredBroker,
    sum: &Cost,
    summary: AvailabilitySummary,
    lines: Vec<LineView>,
) -> BrokerHistoryView {
    let broker = &metered.broker;
    BrokerHistoryView {
        broker_id: broker.id.to_string(),
        broker_name: broker.name.to_string(),
        region: broker.scope.region.to_string(),
        engine_type: broker.engine_type.display_name(),
        created: broker.created.to_string(),
        deleted: broker.deleted.map(|at| at.to_string()),
        tags: broker.tags.as_map().clone(),
        sum: sum.into(),
        availability: summary.into(),
        lines,
    }
}

const COLUMNS: [&str; 16] = [
    "from",
    "to",
    "accountId",
    "brokerId",
    "brokerName",
    "region",
    "engineType",
    "item",
    "kind",
    "count",
    "quantity",
    "unit",
    "price",
    "cost",
    "currency",
    "tag",
];

impl UsageHistoryView {
    /// A row for each line of each broker; `tag` is the value of the tag that was asked for.
    ///
    /// # Errors
    /// A 500 if serialization fails, which these types rule out.
    pub(crate) fn csv(&self, account: &str, tag: Option<&str>) -> Result<Response, ApiError> {
        let rows = self.brokers.iter().flat_map(|broker| {
            broker.lines.iter().map(move |line| {
                [
                    line.from.clone(),
                    line.to.clone(),
                    account.to_owned(),
                    broker.broker_id.clone(),
                    broker.broker_name.clone(),
                    broker.region.clone(),
                    broker.engine_type.to_owned(),
                    line.item.to_owned(),
                    line.kind.clone(),
                    line.count.to_string(),
                    line.quantity.clone().unwrap_or_default(),
                    line.unit.to_owned(),
                    line.price.as_ref().map(|price| price.amount.clone()).unwrap_or_default(),
                    line.cost.clone().unwrap_or_default(),
                    self.currency.clone(),
                    tag.and_then(|key| broker.tags.get(key)).cloned().unwrap_or_default(),
                ]
            })
        });
        format::csv(&format!("usage-{account}"), COLUMNS, rows)
    }
}
