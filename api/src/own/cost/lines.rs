//! Lines of a bill: what was used of one thing in one period, and what it costs.

use brokerd_domain::{
    price::{BrokerCost, Cost, Price, amount, cents},
    report::Period,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::views::PriceView;

/// What was used of one thing in one period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LineView {
    /// The beginning of the period, ISO 8601 in UTC.
    #[schema(format = DateTime)]
    pub(crate) from: String,
    /// Its end, ISO 8601 in UTC.
    #[schema(format = DateTime)]
    pub(crate) to: String,
    /// `INSTANCE` or `STORAGE`.
    #[schema(value_type = String, example = "INSTANCE")]
    pub(crate) item: &'static str,
    /// The instance type, or the storage type.
    #[schema(example = "mq.m5.large")]
    pub(crate) kind: String,
    /// The number of instances, or of disks.
    pub(crate) count: u8,
    /// Of all of them together: hours, or gigabytes averaged over the month; absent: it was not measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "730")]
    pub(crate) quantity: Option<String>,
    /// `Hrs` or `GB-Mo`.
    #[schema(value_type = String, example = "Hrs")]
    pub(crate) unit: &'static str,
    /// The price of one unit; absent: there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) price: Option<PriceView>,
    /// The cost, not rounded; absent: nothing was measured, or there is no price.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "210.24")]
    pub(crate) cost: Option<String>,
}

/// A sum.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SumView {
    /// The cost as far as it is known, rounded half-up to cents, without data transfer; absent: nothing of it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "211.24")]
    pub(crate) cost: Option<String>,
    /// What is missing in it, in sentences.
    pub(crate) missing: Vec<String>,
}

impl From<&Cost> for SumView {
    fn from(cost: &Cost) -> Self {
        Self { cost: cost.amount.map(cents), missing: cost.missing.iter().cloned().collect() }
    }
}

/// The lines of a broker in a period.
pub(crate) fn lines(cost: &BrokerCost, period: Period) -> Vec<LineView> {
    let line = |item, kind, count, unit, price: Option<&Price>| LineView {
        from: period.from.to_string(),
        to: period.to.to_string(),
        item,
        kind,
        count,
        quantity: None,
        unit,
        price: price.map(Into::into),
        cost: None,
    };
    let instances = cost.instances.iter().map(|used| LineView {
        quantity: Some(amount(used.instance_hours)),
        cost: used.cost.map(amount),
        ..line(
            "INSTANCE",
            used.host_instance_type.clone(),
            used.deployment_mode.instances(),
            "Hrs",
            used.price.as_ref(),
        )
    });
    let storage = cost.storage.iter().map(|used| LineView {
        quantity: used.gb_months.map(amount),
        cost: used.cost.map(amount),
        ..line("STORAGE", used.storage_type.to_string(), used.copies, "GB-Mo", used.price.as_ref())
    });
    instances.chain(storage).collect()
}
