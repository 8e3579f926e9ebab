//! ListBrokerDetails: brokers as a table of them.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use axum::extract::State;
use brokerd_domain::{
    Arn, BrokerId, BrokerState, Clock, ConfigurationId, DeploymentMode, EngineType, Error,
    HostInstanceType, Scope, Timestamp,
    metric::{DimensionName, MetricName},
};
use brokerd_store::{BrokerListQuery, BrokerOrder, BrokerSample, ListedBroker, PgStore};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    auth::{CallResource, Signed},
    http::{
        page::{self, Page},
        query::Query,
        respond::{Answer, Reply},
    },
    openapi::ServiceErrors,
};

/// How old a sample may be; one is taken every minute. A broker that does not answer leaves a gap.
const OLDEST_SAMPLE: Duration = Duration::from_mins(3);

/// A page of brokers.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListBrokerDetailsResponse {
    /// The brokers of the page.
    brokers: Vec<BrokerDetails>,
    /// How many there are on all pages.
    total: u64,
    /// The token of the next page; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    next_token: Option<String>,
}

/// A broker of the table.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BrokerDetails {
    /// The identifier.
    broker_id: String,
    /// The ARN.
    broker_arn: String,
    /// The name.
    broker_name: String,
    /// The state, as in DescribeBroker.
    #[schema(value_type = String, example = "RUNNING")]
    broker_state: &'static str,
    /// `ActiveMQ` or `RabbitMQ`.
    #[schema(value_type = String, example = "RabbitMQ")]
    engine_type: &'static str,
    /// The version that was asked for.
    #[schema(example = "4.3")]
    engine_version: String,
    /// The exact version that runs; absent until an instance of the broker has served.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "4.3.6")]
    running_engine_version: Option<String>,
    /// The deployment mode.
    #[schema(value_type = String, example = "SINGLE_INSTANCE")]
    deployment_mode: &'static str,
    /// The tier.
    #[schema(value_type = String, example = "mq.m7g.medium")]
    host_instance_type: &'static str,
    /// `ebs` or `efs`.
    #[schema(example = "ebs")]
    storage_type: String,
    /// When CreateBroker was called, ISO 8601 in UTC.
    #[schema(format = DateTime)]
    created: String,
    /// How many messages it holds, as it was measured last; absent: it was not in the last minutes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    messages: Option<u64>,
    /// How many clients are connected, as it was measured last; absent: it was not in the last minutes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    connections: Option<u64>,
    /// The tags; absent: there are none.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(nullable = false)]
    tags: BTreeMap<String, String>,
}

/// Lists the caller's brokers with what DescribeBroker and metrics tell of each, filtered and sorted.
#[utoipa::path(
    get,
    path = "/brokerd/v1/brokers",
    operation_id = "ListBrokerDetails",
    tag = "brokerd",
    params(
        Page,
        ("nameContains" = Option<String>, Query, description = "A part of the name, in any letter case."),
        ("engineType" = Option<String>, Query, description = "`ACTIVEMQ` or `RABBITMQ`."),
        ("state" = Option<String>, Query, description = "The state, as in DescribeBroker."),
        ("deploymentMode" = Option<String>, Query, description = "`SINGLE_INSTANCE`, `ACTIVE_STANDBY_MULTI_AZ` or `CLUSTER_MULTI_AZ`."),
        ("instanceType" = Option<String>, Query, description = "The instance type."),
        ("configuration" = Option<String>, Query, description = "The identifier of a configuration that they have, that waits for a reboot, or that they had."),
        ("sort" = Option<String>, Query, description = "`name` (default), `created` or `state`."),
        ("order" = Option<String>, Query, description = "`asc` (default) or `desc`."),
    ),
    responses(
        (status = 200, description = "A page.", body = ListBrokerDetailsResponse),
        ServiceErrors,
    ),
    security(("sigv4" = [])),
)]
pub(crate) async fn list_broker_details(
    State(store): State<PgStore>,
    State(clock): State<Arc<dyn Clock>>,
    page: Page,
    query: Query,
    signed: Signed,
) -> Answer<ListBrokerDetailsResponse> {
    let scope = signed.authorize(CallResource::NONE)?;
    let asked = asked(&page, &query)?;
    let listed = store.list_brokers(scope, &asked).await?;
    let ids: Vec<BrokerId> = listed.brokers.iter().map(|broker| broker.summary.id).collect();
    let age = i64::try_from(OLDEST_SAMPLE.as_micros()).unwrap_or_default();
    let since = Timestamp::from_micros(clock.now().as_micros().saturating_sub(age));
    let samples = store.latest_samples_of(scope, &ids, since).await?;
    let samples: HashMap<BrokerId, BrokerSample> =
        samples.into_iter().map(|sample| (sample.broker, sample)).collect();
    let brokers = listed.brokers.into_iter().map(|broker| {
        let sample = samples.get(&broker.summary.id);
        details(scope, broker, sample)
    });
    Ok(Reply(ListBrokerDetailsResponse {
        brokers: brokers.collect(),
        total: listed.total,
        next_token: listed.next.map(|(place, id)| page::after_row_of(&place, &id.to_string())),
    }))
}

/// What a query asks for. Empty parameters are as if absent: forms send them.
fn asked(page: &Page, query: &Query) -> Result<BrokerListQuery, Error> {
    let text = |name| query.get(name).filter(|text| !text.is_empty());
    let order = match text("sort") {
        None => BrokerOrder::Name,
        Some(sort) if sort.eq_ignore_ascii_case("name") => BrokerOrder::Name,
        Some(sort) if sort.eq_ignore_ascii_case("created") => BrokerOrder::Created,
        Some(sort) if sort.eq_ignore_ascii_case("state") => BrokerOrder::State,
        Some(sort) => return Err(invalid("sort", sort, "name, created, state")),
    };
    let is_descending = match text("order") {
        None => false,
        Some(order) if order.eq_ignore_ascii_case("asc") => false,
        Some(order) if order.eq_ignore_ascii_case("desc") => true,
        Some(order) => return Err(invalid("order", order, "asc, desc")),
    };
    let after = page.after_row_of()?;
    let after = after.map(|(place, id)| {
        let id: BrokerId = id.parse().map_err(|_| page.invalid_token())?;
        // The place of another order, in which the token does not count.
        if order == BrokerOrder::Created && place.parse::<i64>().is_err() {
            return Err(page.invalid_token());
        }
        Ok((place, id))
    });
    Ok(BrokerListQuery {
        name_contains: text("nameContains").map(str::to_owned),
        engine_type: text("engineType").map(EngineType::parse).transpose()?,
        state: text("state").map(state).transpose()?,
        deployment_mode: text("deploymentMode").map(DeploymentMode::parse).transpose()?,
        instance_type: text("instanceType").map(instance_type).transpose()?,
        configuration: text("configuration").map(configuration).transpose()?,
        order,
        is_descending,
        after: after.transpose()?,
        most: page.size()?,
    })
}

fn state(text: &str) -> Result<BrokerState, Error> {
    let found =
        BrokerState::ALL.into_iter().find(|state| state.as_str().eq_ignore_ascii_case(text));
    let valid = BrokerState::ALL.map(BrokerState::as_str).join(", ");
    found.ok_or_else(|| invalid("state", text, &valid))
}

fn instance_type(text: &str) -> Result<HostInstanceType, Error> {
    HostInstanceType::from_name(text).ok_or_else(|| {
        let message = format!("Value [{text}] is invalid for [instanceType].");
        Error::bad_request("instanceType", message)
    })
}

fn configuration(text: &str) -> Result<ConfigurationId, Error> {
    text.parse().map_err(|_| {
        let message = format!("Value [{text}] is invalid for [configuration].");
        Error::bad_request("configuration", message)
    })
}

fn invalid(name: &'static str, text: &str, valid: &str) -> Error {
    let message = format!("Value [{text}] is invalid for [{name}]. Valid values: [{valid}].");
    Error::bad_request(name, message)
}

fn details(scope: &Scope, broker: ListedBroker, sample: Option<&BrokerSample>) -> BrokerDetails {
    let summary = broker.summary;
    let (messages, connections) = match summary.engine_type {
        EngineType::ActiveMq => {
            (MetricName::TotalMessageCount, MetricName::CurrentConnectionsCount)
        }
        EngineType::RabbitMq => (MetricName::MessageCount, MetricName::ConnectionCount),
    };
    BrokerDetails {
        broker_id: summary.id.to_string(),
        broker_arn: Arn::broker(scope, &summary.name, summary.id).to_string(),
        broker_name: summary.name.to_string(),
        broker_state: summary.state.as_str(),
        engine_type: summary.engine_type.display_name(),
        engine_version: broker.engine_version,
        running_engine_version: broker.running_engine_version,
        deployment_mode: summary.deployment_mode.as_str(),
        host_instance_type: summary.host_instance_type.name(),
        storage_type: broker.storage_type.to_lowercase(),
        created: summary.created.to_string(),
        messages: sample.and_then(|sample| measured(sample, messages)),
        connections: sample.and_then(|sample| measured(sample, connections)),
        tags: broker.tags.into_iter().collect(),
    }
}

/// The value of a broker; of ActiveMQ that of its instances together, of which one serves.
fn measured(sample: &BrokerSample, metric: MetricName) -> Option<u64> {
    let of_broker = sample.values.iter().filter(|(key, ..)| {
        let [only] = &key.dimensions[..] else { return false };
        key.metric == metric.as_str() && only.name == DimensionName::Broker.as_str()
    });
    let values: Vec<f64> = of_broker.map(|(_, _, value)| *value).collect();
    let sum: f64 = values.iter().sum();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a count is whole and not negative"
    )]
    (!values.is_empty()).then_some(sum.max(0.0) as u64)
}
