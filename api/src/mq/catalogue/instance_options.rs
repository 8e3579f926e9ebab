//! DescribeBrokerInstanceOptions.

use std::sync::Arc;

use axum::extract::State;
use brokerd_domain::{
    EngineType, Error, InstanceOption, NetworkDefaults, Offerings, Region, StorageType,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    ApiSettings,
    auth::{CallResource, Signed},
    cache::OfferingsCache,
    http::{
        page::Page,
        query::Query,
        respond::{Answer, Reply},
    },
    openapi::ServiceErrors,
};

/// The instance types that brokers can run on.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DescribeBrokerInstanceOptionsResponse {
    /// Every combination that CreateBroker accepts.
    broker_instance_options: Vec<BrokerInstanceOption>,
    /// The maximum number of items on a page.
    max_results: u32,
    /// The token of the next page; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    next_token: Option<String>,
}

/// A combination of engine, instance type and storage type.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BrokerInstanceOption {
    /// The zones that have the instance type.
    availability_zones: Vec<AvailabilityZone>,
    /// `ACTIVEMQ` or `RABBITMQ`.
    #[schema(value_type = String, example = "RABBITMQ")]
    engine_type: &'static str,
    /// The tier.
    #[schema(value_type = String, example = "mq.m7g.medium")]
    host_instance_type: &'static str,
    /// `ebs` or `efs`.
    #[schema(value_type = String, example = "ebs")]
    storage_type: &'static str,
    /// The deployment modes.
    #[schema(value_type = Vec<String>, example = json!(["SINGLE_INSTANCE"]))]
    supported_deployment_modes: Vec<&'static str>,
    /// The versions, newest first.
    supported_engine_versions: Vec<String>,
}

/// An availability zone.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct AvailabilityZone {
    /// The name: the region and a letter.
    #[schema(example = "us-east-1a")]
    name: String,
}

/// Lists the instance types that brokers can run on.
#[utoipa::path(
    get,
    path = "/v1/broker-instance-options",
    operation_id = "DescribeBrokerInstanceOptions",
    tag = "catalogue",
    params(
        ("engineType" = Option<String>, Query, description = "Only this engine."),
        ("hostInstanceType" = Option<String>, Query, description = "Only this instance type."),
        ("storageType" = Option<String>, Query, description = "Only this storage type."),
        Page,
    ),
    responses(
        (status = 200, description = "A page.", body = DescribeBrokerInstanceOptionsResponse),
        ServiceErrors,
    ),
    security(("sigv4" = [])),
)]
pub(crate) async fn describe_broker_instance_options(
    State(settings): State<Arc<ApiSettings>>,
    State(offerings): State<Arc<OfferingsCache>>,
    query: Query,
    signed: Signed,
) -> Answer<DescribeBrokerInstanceOptionsResponse> {
    let region = &signed.authorize(CallResource::NONE)?.region;
    let offerings = offerings.get().await?;
    Ok(Reply(answer(&offerings, &settings.network, region, &query)?))
}

fn answer(
    offerings: &Offerings,
    network: &NetworkDefaults,
    region: &Region,
    query: &Query,
) -> Result<DescribeBrokerInstanceOptionsResponse, Error> {
    let page = Page::of(query);
    let max_results = page.size()?;
    let engine = query.get("engineType").map(EngineType::parse).transpose()?;
    let storage = query.get("storageType").map(StorageType::parse).transpose()?;
    let host = query.get("hostInstanceType");
    let zone = |suffix: &String| AvailabilityZone { name: format!("{region}{suffix}") };
    let zones: Vec<_> = network.zone_suffixes.iter().map(zone).collect();
    let rows = offerings
        .instance_options()
        .into_iter()
        .filter(|o| engine.is_none_or(|e| e == o.engine))
        .filter(|o| storage.is_none_or(|s| s == o.storage))
        .filter(|o| host.is_none_or(|h| h == o.host.name()))
        .map(|option| view(&option, &zones))
        .collect();
    let key = |row: &BrokerInstanceOption| {
        format!("{}/{}/{}", row.engine_type, row.host_instance_type, row.storage_type)
    };
    let (broker_instance_options, next_token) = page.cut(rows, max_results, key)?;
    Ok(DescribeBrokerInstanceOptionsResponse { broker_instance_options, max_results, next_token })
}

fn view(option: &InstanceOption, zones: &[AvailabilityZone]) -> BrokerInstanceOption {
    BrokerInstanceOption {
        availability_zones: zones.to_vec(),
        engine_type: option.engine.as_str(),
        host_instance_type: option.host.name(),
        storage_type: option.storage.display_name(),
        supported_deployment_modes: option.modes.iter().map(|m| m.as_str()).collect(),
        supported_engine_versions: option.versions.iter().map(ToString::to_string).collect(),
    }
}

#[cfg(test)]
mod tests {
    use brokerd_domain::{DeploymentMode, EngineVersion};
    use serde_json::{Value, json};

    use super::*;

    fn shown(query: &str) -> Result<Value, Error> {
        let offerings: Offerings = [
            (EngineType::ActiveMq, EngineVersion::new(5, 19)),
            (EngineType::RabbitMq, EngineVersion::new(4, 3)),
        ]
        .into_iter()
        .collect();
        let region = "us-west-1".parse().expect("region");
        let answer =
            answer(&offerings, &NetworkDefaults::default(), &region, &Query::parse(query))?;
        Ok(serde_json::to_value(answer).expect("JSON"))
    }

    #[test]
    fn an_option_is_listed_as_the_service_does() {
        let modes: Vec<_> = DeploymentMode::ALL
            .iter()
            .filter(|m| m.as_str() != "ACTIVE_STANDBY_MULTI_AZ")
            .map(|m| m.as_str())
            .collect();
        assert_eq!(
            shown("engineType=rabbitmq&hostInstanceType=mq.m7g.medium"),
            Ok(json!({
                "brokerInstanceOptions": [{
                    "availabilityZones": [{"name": "us-west-1a"}, {"name": "us-west-1b"}, {"name": "us-west-1c"}],
                    "engineType": "RABBITMQ",
                    "hostInstanceType": "mq.m7g.medium",
                    "storageType": "ebs",
                    "supportedDeploymentModes": modes,
                    "supportedEngineVersions": ["4.3"],
                }],
                "maxResults": 20,
            }))
        );
    }

    #[test]
    fn activemq_runs_in_pairs_on_shared_storage_only() {
        let modes = |storage: &str| {
            let query =
                format!("engineType=ACTIVEMQ&storageType={storage}&hostInstanceType=mq.m5.large");
            shown(&query).expect("valid")["brokerInstanceOptions"][0]["supportedDeploymentModes"]
                .clone()
        };
        assert_eq!(modes("EFS"), json!(["SINGLE_INSTANCE", "ACTIVE_STANDBY_MULTI_AZ"]));
        assert_eq!(modes("EBS"), json!(["SINGLE_INSTANCE"]));
    }

    #[test]
    fn filters_hold_together_and_what_matches_nothing_is_an_empty_list() {
        let one = shown("engineType=ACTIVEMQ&storageType=EBS&hostInstanceType=mq.m5.large");
        let one = one.expect("valid");
        assert_eq!(one["brokerInstanceOptions"].as_array().map(Vec::len), Some(1));
        assert_eq!(one["brokerInstanceOptions"][0]["storageType"], "ebs");
        let none = shown("hostInstanceType=mq.t2.micro").expect("valid");
        assert_eq!(none["brokerInstanceOptions"], json!([]));
        for (query, attribute) in
            [("storageType=disk", "storageType"), ("engineType=", "engineType")]
        {
            let refused = shown(query).expect_err(query);
            assert_eq!(refused.attribute.as_deref(), Some(attribute));
        }
    }

    #[test]
    fn pages_together_hold_every_option_once() {
        let all = shown("maxResults=100").expect("valid");
        let all = all["brokerInstanceOptions"].as_array().expect("a list").clone();
        let (mut seen, mut token) = (Vec::new(), String::new());
        loop {
            let token_query =
                percent_encoding::utf8_percent_encode(&token, percent_encoding::NON_ALPHANUMERIC);
            let page = shown(&format!("maxResults=5&nextToken={token_query}")).expect("valid");
            seen.extend(page["brokerInstanceOptions"].as_array().expect("a list").clone());
            match page["nextToken"].as_str() {
                Some(next) => next.clone_into(&mut token),
                None => break,
            }
        }
        assert_eq!(seen, all);
    }
}
