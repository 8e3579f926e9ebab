//! ListBrokers.

use std::fmt::Display;

use axum::extract::State;
use brokerd_domain::{self as domain, Arn, BrokerId, BrokerName, Scope, Timestamp};
use brokerd_store::{BrokerPage, PgStore};
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use crate::{
    auth::{CallResource, Signed},
    http::{
        page::{self, Page},
        respond::{Answer, Reply},
    },
    openapi::ServiceErrors,
};

/// A page of brokers, oldest first.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListBrokersResponse {
    /// The brokers, in every state. Deleted brokers are not listed.
    broker_summaries: Vec<BrokerSummary>,
    /// The token of the next page; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    next_token: Option<String>,
}

/// A broker of a list.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BrokerSummary {
    /// The ARN.
    broker_arn: String,
    /// The identifier.
    #[serde(serialize_with = "text")]
    #[schema(value_type = String)]
    broker_id: BrokerId,
    /// The name.
    #[serde(serialize_with = "text")]
    #[schema(value_type = String)]
    broker_name: BrokerName,
    /// The state, as in DescribeBroker.
    #[schema(value_type = String, example = "RUNNING")]
    broker_state: &'static str,
    /// When CreateBroker was called, ISO 8601 in UTC.
    #[serde(serialize_with = "text")]
    #[schema(value_type = String, format = DateTime)]
    created: Timestamp,
    /// The deployment mode.
    #[schema(value_type = String, example = "SINGLE_INSTANCE")]
    deployment_mode: &'static str,
    /// `ActiveMQ` or `RabbitMQ`.
    #[schema(value_type = String, example = "RabbitMQ")]
    engine_type: &'static str,
    /// The tier.
    #[schema(value_type = String, example = "mq.m7g.medium")]
    host_instance_type: &'static str,
}

/// Writes a value as it is printed, without making a text of it first: pages have hundreds.
fn text<T: Display, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

impl BrokerSummary {
    fn new(scope: &Scope, broker: domain::BrokerSummary) -> Self {
        Self {
            broker_arn: Arn::broker(scope, &broker.name, broker.id).to_string(),
            broker_id: broker.id,
            broker_name: broker.name,
            broker_state: broker.state.as_str(),
            created: broker.created,
            deployment_mode: broker.deployment_mode.as_str(),
            engine_type: broker.engine_type.display_name(),
            host_instance_type: broker.host_instance_type.name(),
        }
    }
}

/// Lists the caller's brokers.
#[utoipa::path(
    get,
    path = "/v1/brokers",
    operation_id = "ListBrokers",
    tag = "brokers",
    params(Page),
    responses((status = 200, description = "A page.", body = ListBrokersResponse), ServiceErrors),
    security(("sigv4" = [])),
)]
pub(crate) async fn list_brokers(
    State(store): State<PgStore>,
    page: Page,
    signed: Signed,
) -> Answer<ListBrokersResponse> {
    let scope = signed.authorize(CallResource::NONE)?;
    let size = page.size()?;
    let after = page.after_broker(scope)?;
    Ok(Reply(listed(scope, store.brokers(scope, after, size).await?)))
}

fn listed(scope: &Scope, page: BrokerPage) -> ListBrokersResponse {
    let last = page.brokers.last().filter(|_| page.has_more);
    let next = last.map(|b| page::after(&Arn::broker(scope, &b.name, b.id), b.created));
    ListBrokersResponse {
        broker_summaries: page.brokers.into_iter().map(|b| BrokerSummary::new(scope, b)).collect(),
        next_token: next,
    }
}

#[cfg(test)]
mod tests {
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
    use serde_json::json;

    use super::*;
    use crate::{http::query::Query, mq::brokers::fixtures};

    #[test]
    fn a_broker_is_summed_up_as_the_service_does() {
        let one = BrokerPage { brokers: vec![(&fixtures::broker()).into()], has_more: false };
        let shown = serde_json::to_value(listed(&fixtures::broker().scope, one)).expect("JSON");
        assert_eq!(
            shown,
            json!({"brokerSummaries": [{
                "brokerArn": "arn:aws:mq:us-east-1:000000000000:broker:orders:b-1234a5b6-78cd-401e-af00-314506001789",
                "brokerId": "b-1234a5b6-78cd-401e-af00-314506001789",
                "brokerName": "orders",
                "brokerState": "CREATION_IN_PROGRESS",
                "created": "2026-09-21T14:13:20.602926Z",
                "deploymentMode": "SINGLE_INSTANCE",
                "engineType": "ActiveMQ",
                "hostInstanceType": "mq.t3.micro",
            }]})
        );
    }

    #[test]
    fn there_is_a_token_exactly_when_there_is_more() {
        let of = |count, has_more| {
            let brokers = vec![domain::BrokerSummary::from(&fixtures::broker()); count];
            BrokerPage { brokers, has_more }
        };
        let scope = fixtures::broker().scope;
        assert!(listed(&scope, of(5, false)).next_token.is_none());
        let (first, shown) = (of(5, true), listed(&scope, of(5, true)));
        assert_eq!(shown.broker_summaries.len(), 5);
        let token = shown.next_token.expect("more");
        let token = utf8_percent_encode(&token, NON_ALPHANUMERIC);
        let next = Page::of(&Query::parse(&format!("nextToken={token}")));
        let cursor = next.after_broker(&scope);
        assert_eq!(cursor, Ok(Some((first.brokers[4].created, first.brokers[4].id))));
        let empty = serde_json::to_value(listed(&scope, of(0, false))).expect("JSON");
        assert_eq!(empty, json!({"brokerSummaries": []}));
    }
}
