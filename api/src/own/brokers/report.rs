//! GetBrokerReport.

use std::sync::Arc;

use axum::{
    extract::State,
    response::{IntoResponse as _, Response},
};
use brokerd_domain::{
    Clock, Timestamp,
    price::{BrokerCost, BrokerUse, Cost},
    report::{
        AvailabilityRecord, Failover, Granularity, InstanceOutage, MessageCounts, Outage, Period,
        ReportedBroker,
    },
};
use brokerd_store::{MeteredBroker, PgStore};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    ApiSettings,
    auth::Signed,
    http::{
        error::ApiError,
        format::{self, AskedFormat, Format},
        path::PathParams,
        query::Query,
        respond::Reply,
    },
    openapi::{NotFound, OfBroker, ServiceErrors},
    own::{
        availability::{AvailabilityView, seconds},
        cost::lines::{LineView, SumView, lines},
    },
};

/// A part of the period.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BrokerPeriodView {
    /// Its beginning, ISO 8601 in UTC.
    #[schema(format = DateTime)]
    from: String,
    /// Its end, ISO 8601 in UTC.
    #[schema(format = DateTime)]
    to: String,
    /// How available the broker was.
    availability: AvailabilityView,
    /// How many failovers began in it.
    failovers: usize,
    /// How many restarts began in it, of all instances.
    restarts: usize,
    /// The cost.
    #[serde(flatten)]
    sum: SumView,
}

/// A time in which the broker was not known to be available.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OutageView {
    /// Since when, within the period, ISO 8601 in UTC.
    #[schema(format = DateTime)]
    from: String,
    /// Until when, ISO 8601 in UTC; absent: it lasts.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = DateTime)]
    to: Option<String>,
    /// How long, in seconds, until now if it lasts.
    seconds: f64,
    /// `UNAVAILABLE`, or `UNKNOWN`: nobody knows.
    #[schema(value_type = String, example = "UNAVAILABLE")]
    state: &'static str,
    /// Why: `REBOOT`, `INJECTED_FAULT`, `ENGINE_ENDED`, `OUT_OF_MEMORY`, `ENGINE_SILENT`, `CONTAINER_GONE`, `UNSEEN`,
    /// `UNWATCHED` or `OTHER`.
    #[schema(value_type = String, example = "ENGINE_ENDED")]
    cause: &'static str,
    /// Why, for a person.
    detail: String,
}

/// The standby of a pair became its active instance.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FailoverView {
    /// Since when no instance served, ISO 8601 in UTC.
    #[schema(format = DateTime)]
    from: String,
    /// Since when the successor serves, ISO 8601 in UTC.
    #[schema(format = DateTime)]
    to: String,
    /// How long it took, in seconds.
    seconds: f64,
    /// The former active instance.
    former_instance: u8,
    /// The present one.
    successor_instance: u8,
    /// Why, as of an outage.
    #[schema(value_type = String, example = "ENGINE_ENDED")]
    cause: &'static str,
    /// Why, for a person.
    detail: String,
}

/// An instance was started again.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RestartView {
    /// Which instance.
    instance: u8,
    /// Since when it neither served nor stood by, ISO 8601 in UTC.
    #[schema(format = DateTime)]
    from: String,
    /// Until when, ISO 8601 in UTC; absent: it lasts.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = DateTime)]
    to: Option<String>,
    /// The time to recover, in seconds, until now if it lasts.
    seconds: f64,
    /// How often its engine was started meanwhile.
    starts: u32,
    /// Why, as of an outage.
    #[schema(value_type = String, example = "ENGINE_ENDED")]
    cause: &'static str,
    /// Why, for a person.
    detail: String,
}

/// The messages of a broker, as far as they were counted.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MessagesView {
    /// Those that clients sent.
    received: u64,
    /// Those that clients took and acknowledged.
    delivered: u64,
}

impl From<MessageCounts> for MessagesView {
    fn from(counts: MessageCounts) -> Self {
        Self { received: counts.received, delivered: counts.delivered }
    }
}

/// The availability, incidents and cost of a broker in a period.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GetBrokerReportResponse {
    /// The identifier.
    broker_id: String,
    /// The name.
    broker_name: String,
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
    /// The beginning of the period, ISO 8601 in UTC.
    #[schema(format = DateTime)]
    from: String,
    /// Its end, ISO 8601 in UTC: never later than now.
    #[schema(format = DateTime)]
    to: String,
    /// How available it was, since it was complete for the first time.
    availability: AvailabilityView,
    /// The parts of the period: all of it, or its days or months in UTC.
    periods: Vec<BrokerPeriodView>,
    /// When it was not known to be available.
    outages: Vec<OutageView>,
    /// Its failovers.
    failovers: Vec<FailoverView>,
    /// The restarts of its instances.
    restarts: Vec<RestartView>,
    /// Its messages; absent: nothing was counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    messages: Option<MessagesView>,
    /// The currency of all amounts.
    #[schema(example = "USD")]
    currency: String,
    /// The cost.
    total: SumView,
    /// What the cost consists of.
    lines: Vec<LineView>,
}

/// Reports how available a broker was, its failovers and restarts, and what it cost. Reports outlive their broker.
#[utoipa::path(
    get,
    path = "/brokerd/v1/brokers/{broker-id}/report",
    operation_id = "GetBrokerReport",
    tag = "brokerd",
    params(
        OfBroker,
        ("from" = Option<String>, Query, description = "The beginning of the period: a date in UTC or a moment, ISO 8601; default the beginning of the month."),
        ("to" = Option<String>, Query, description = "The end of the period, which does not belong to it; default now."),
        ("granularity" = Option<String>, Query, description = "`TOTAL` (default), `DAY` or `MONTH`: how the period is divided, in UTC."),
        ("format" = Option<String>, Query, description = "`json` (default) or `csv`: a row for each part of the period. `Accept: text/csv` does the same."),
    ),
    responses(
        (
            status = 200,
            description = "The report.",
            content((GetBrokerReportResponse = "application/json"), (String = "text/csv")),
        ),
        NotFound,
        ServiceErrors,
    ),
    security(("sigv4" = [])),
)]
pub(crate) async fn get_broker_report(
    State(settings): State<Arc<ApiSettings>>,
    State(store): State<PgStore>,
    State(clock): State<Arc<dyn Clock>>,
    path: PathParams,
    query: Query,
    format: AskedFormat,
    signed: Signed,
) -> Result<Response, ApiError> {
    let broker = path.reported_broker(&store, &signed).await?;
    let format = format.parse()?;
    let now = clock.now();
    let period = Period::parse(query.get("from"), query.get("to"), now)?;
    let parts = period.divided(Granularity::parse(query.get("granularity"))?)?;
    let facts = Facts::of(&store, &broker, period).await?;
    let report = facts.report(&settings, period, &parts, now);
    match format {
        Format::Json => Ok(Reply(report).into_response()),
        Format::Csv => report.csv(),
    }
}

/// What is known of a broker.
struct Facts {
    availability: AvailabilityRecord,
    failovers: Vec<Failover>,
    restarts: Vec<InstanceOutage>,
    messages: Option<MessageCounts>,
    metered: MeteredBroker,
}

impl Facts {
    async fn of(
        store: &PgStore,
        broker: &ReportedBroker,
        period: Period,
    ) -> Result<Self, ApiError> {
        let mut known = store.availability(&[broker.id], period).await?;
        let mut restarts = store.instance_outages(broker.id, period).await?;
        restarts.retain(|outage| outage.restarts > 0);
        let metered = store.metered_broker(&broker.scope, broker.id, period).await?;
        let metered = metered.unwrap_or_else(|| MeteredBroker {
            broker: broker.clone(),
            intervals: Vec::new(),
            storage: Vec::new(),
        });
        Ok(Self {
            availability: known.remove(&broker.id).unwrap_or_default(),
            failovers: store.failovers(broker.id, period).await?,
            restarts,
            messages: store.counted_messages(broker, period).await?,
            metered,
        })
    }

    fn report(
        &self,
        settings: &ApiSettings,
        period: Period,
        parts: &[Period],
        now: Timestamp,
    ) -> GetBrokerReportResponse {
        let broker = &self.metered.broker;
        let used = BrokerUse {
            region: &broker.scope.region,
            engine_type: broker.engine_type,
            intervals: &self.metered.intervals,
            storage: &self.metered.storage,
        };
        let mut total = Cost::default();
        let mut all_lines = Vec::new();
        let periods = parts.iter().map(|part| {
            let cost = BrokerCost::of(&used, &settings.prices, *part);
            total.add(&cost.total);
            all_lines.extend(lines(&cost, *part));
            let began = |at: Timestamp| part.from <= at && at < part.to;
            BrokerPeriodView {
                from: part.from.to_string(),
                to: part.to.to_string(),
                availability: self.availability.summary(*part, now).into(),
                failovers: self.failovers.iter().filter(|f| began(f.began)).count(),
                restarts: self.restarts.iter().filter(|r| began(r.began)).count(),
                sum: (&cost.total).into(),
            }
        });
        let periods = periods.collect();
        GetBrokerReportResponse {
            broker_id: broker.id.to_string(),
            broker_name: broker.name.to_string(),
            engine_type: broker.engine_type.display_name(),
            created: broker.created.to_string(),
            deleted: broker.deleted.map(|at| at.to_string()),
            from: period.from.to_string(),
            to: period.to.to_string(),
            availability: self.availability.summary(period, now).into(),
            periods,
            outages: self
                .availability
                .outages(period, now)
                .into_iter()
                .map(|outage| outage_view(outage, now))
                .collect(),
            failovers: self.failovers.iter().map(Into::into).collect(),
            restarts: self.restarts.iter().map(|outage| restart_view(outage, now)).collect(),
            messages: self.messages.map(Into::into),
            currency: settings.prices.currency().to_owned(),
            total: (&total).into(),
            lines: all_lines,
        }
    }
}

fn outage_view(outage: Outage, now: Timestamp) -> OutageView {
    OutageView {
        from: outage.began.to_string(),
        to: outage.ended.map(|at| at.to_string()),
        seconds: seconds(outage.ended.unwrap_or(now).since(outage.began)),
        state: if outage.is_known { "UNAVAILABLE" } else { "UNKNOWN" },
        cause: outage.cause.as_str(),
        detail: outage.detail,
    }
}

fn restart_view(outage: &InstanceOutage, now: Timestamp) -> RestartView {
    RestartView {
        instance: outage.ordinal,
        from: outage.began.to_string(),
        to: outage.ended.map(|at| at.to_string()),
        seconds: seconds(outage.ended.unwrap_or(now).since(outage.began)),
        starts: outage.restarts,
        cause: outage.cause.as_str(),
        detail: outage.detail.clone(),
    }
}

impl From<&Failover> for FailoverView {
    fn from(failover: &Failover) -> Self {
        Self {
            from: failover.began.to_string(),
            to: failover.ended.to_string(),
            seconds: seconds(failover.ended.since(failover.began)),
            former_instance: failover.former,
            successor_instance: failover.successor,
            cause: failover.cause.as_str(),
            detail: failover.detail.clone(),
        }
    }
}

const COLUMNS: [&str; 14] = [
    "from",
    "to",
    "brokerId",
    "brokerName",
    "engineType",
    "availableMinutes",
    "unavailableMinutes",
    "unknownMinutes",
    "percentage",
    "unavailableSeconds",
    "failovers",
    "restarts",
    "cost",
    "currency",
];

impl GetBrokerReportResponse {
    /// A row for each part of the period.
    fn csv(&self) -> Result<Response, ApiError> {
        let rows = self.periods.iter().map(|part| {
            let availability = &part.availability;
            [
                part.from.clone(),
                part.to.clone(),
                self.broker_id.clone(),
                self.broker_name.clone(),
                self.engine_type.to_owned(),
                availability.available_minutes.to_string(),
                availability.unavailable_minutes.to_string(),
                availability.unknown_minutes.to_string(),
                availability.percentage.clone().unwrap_or_default(),
                availability.unavailable_seconds.to_string(),
                part.failovers.to_string(),
                part.restarts.to_string(),
                part.sum.cost.clone().unwrap_or_default(),
                self.currency.clone(),
            ]
        });
        format::csv(&format!("report-{}", self.broker_id), COLUMNS, rows)
    }
}
