//! DescribeBrokerEngineTypes.

use std::sync::Arc;

use axum::extract::State;
use brokerd_domain::{EngineType, Error, Offerings};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    auth::{CallResource, Signed},
    cache::OfferingsCache,
    http::{
        page::Page,
        query::Query,
        respond::{Answer, Reply},
    },
    openapi::ServiceErrors,
};

/// Engines and their versions.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DescribeBrokerEngineTypesResponse {
    /// The engines with an offered version.
    broker_engine_types: Vec<BrokerEngineType>,
    /// The maximum number of items on a page.
    max_results: u32,
    /// The token of the next page; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    next_token: Option<String>,
}

/// An engine.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BrokerEngineType {
    /// `ACTIVEMQ` or `RABBITMQ`.
    #[schema(value_type = String, example = "ACTIVEMQ")]
    engine_type: &'static str,
    /// Its versions, newest first.
    engine_versions: Vec<EngineVersionName>,
}

/// A version.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EngineVersionName {
    /// `major.minor`.
    #[schema(example = "5.19")]
    name: String,
}

/// Lists the engines and their versions that CreateBroker accepts.
#[utoipa::path(
    get,
    path = "/v1/broker-engine-types",
    operation_id = "DescribeBrokerEngineTypes",
    tag = "catalogue",
    params(
        ("engineType" = Option<String>, Query, description = "Only this engine."),
        Page,
    ),
    responses(
        (status = 200, description = "A page.", body = DescribeBrokerEngineTypesResponse),
        ServiceErrors,
    ),
    security(("sigv4" = [])),
)]
pub(crate) async fn describe_broker_engine_types(
    State(offerings): State<Arc<OfferingsCache>>,
    query: Query,
    signed: Signed,
) -> Answer<DescribeBrokerEngineTypesResponse> {
    signed.authorize(CallResource::NONE)?;
    let offerings = offerings.get().await?;
    Ok(Reply(answer(&offerings, &query)?))
}

fn answer(
    offerings: &Offerings,
    query: &Query,
) -> Result<DescribeBrokerEngineTypesResponse, Error> {
    let page = Page::of(query);
    let max_results = page.size()?;
    let only = query.get("engineType").map(EngineType::parse).transpose()?;
    let mut rows = Vec::new();
    for engine in EngineType::ALL.iter().filter(|e| only.is_none_or(|only| only == **e)) {
        let names = offerings.versions(*engine);
        let engine_versions: Vec<_> =
            names.iter().map(|v| EngineVersionName { name: v.to_string() }).collect();
        if !engine_versions.is_empty() {
            rows.push(BrokerEngineType { engine_type: engine.as_str(), engine_versions });
        }
    }
    let key = |row: &BrokerEngineType| row.engine_type.to_owned();
    let (broker_engine_types, next_token) = page.cut(rows, max_results, key)?;
    Ok(DescribeBrokerEngineTypesResponse { broker_engine_types, max_results, next_token })
}

#[cfg(test)]
mod tests {
    use brokerd_domain::EngineVersion;
    use serde_json::{Value, json};

    use super::*;

    fn shown(query: &str) -> Result<Value, Error> {
        let offerings: Offerings = [
            (EngineType::ActiveMq, EngineVersion::new(5, 18)),
            (EngineType::ActiveMq, EngineVersion::new(5, 19)),
            (EngineType::RabbitMq, EngineVersion::new(3, 13)),
            (EngineType::RabbitMq, EngineVersion::new(4, 3)),
        ]
        .into_iter()
        .collect();
        let answer = answer(&offerings, &Query::parse(query))?;
        Ok(serde_json::to_value(answer).expect("JSON"))
    }

    #[test]
    fn engines_are_listed_as_the_service_does() {
        let activemq = json!({"engineType": "ACTIVEMQ", "engineVersions": [{"name": "5.19"}, {"name": "5.18"}]});
        let rabbitmq = json!({"engineType": "RABBITMQ", "engineVersions": [{"name": "4.3"}, {"name": "3.13"}]});
        assert_eq!(
            shown(""),
            Ok(json!({"brokerEngineTypes": [activemq, rabbitmq], "maxResults": 20}))
        );
        assert_eq!(
            shown("engineType=RabbitMQ&maxResults=5&nextToken="),
            Ok(json!({"brokerEngineTypes": [rabbitmq], "maxResults": 5}))
        );
    }

    #[test]
    fn wrong_parameters_are_refused() {
        for (query, attribute) in [
            ("engineType=kafka", "engineType"),
            ("maxResults=4", "maxResults"),
            ("nextToken=x", "nextToken"),
        ] {
            let refused = shown(query).expect_err(query);
            assert_eq!(refused.attribute.as_deref(), Some(attribute), "{query}");
        }
    }

    #[test]
    fn without_images_nothing_is_offered() {
        let answer = answer(&Offerings::default(), &Query::parse("")).expect("valid");
        assert!(answer.broker_engine_types.is_empty());
    }
}
