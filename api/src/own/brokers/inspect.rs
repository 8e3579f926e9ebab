//! InspectBroker.

use axum::extract::State;
use brokerd_domain::{
    Availability, Broker, DeploymentMode, DownLink, Health, InstanceCondition, RunningEngine,
};
use brokerd_store::PgStore;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    auth::Signed,
    http::{
        path::PathParams,
        respond::{Answer, Reply},
    },
    openapi::{NotFound, OfBroker, ServiceErrors},
};

/// Details of a broker beyond DescribeBroker.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct InspectBrokerResponse {
    /// The identifier.
    broker_id: String,
    /// The name.
    broker_name: String,
    /// `ActiveMQ` or `RabbitMQ`.
    #[schema(value_type = String, example = "RabbitMQ")]
    engine_type: &'static str,
    /// The requested version, as DescribeBroker shows it.
    #[schema(example = "3.13")]
    engine_version: String,
    /// The engine that runs; absent until an instance of the broker has served.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    running: Option<RunningEngineView>,
    /// What the last pass found, or waits for, in a sentence; absent until there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "waiting for instance 1 to serve")]
    verdict: Option<String>,
    /// `AVAILABLE`, `UNAVAILABLE` or `UNKNOWN`; absent until the broker was complete for the first time.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false, example = "AVAILABLE")]
    availability: Option<&'static str>,
    /// Why the last reboot did not apply the pending changes; absent if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    not_applied: Option<String>,
    /// Why the next maintenance window reboots the broker although nothing waits; absent if it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    maintenance: Option<String>,
    /// The instances, by their ordinals; empty until the first pass.
    instances: Vec<InspectedInstance>,
    /// The links to other brokers that are down.
    links_down: Vec<DownLinkView>,
}

/// An instance as the last pass saw it.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct InspectedInstance {
    /// Which one, from 1 on.
    instance: u8,
    /// `ACTIVE` or `STANDBY` of a pair, `NODE` of a cluster that serves, `ACTIVE` of a single instance that serves;
    /// absent while it does neither serve nor stand by.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false, example = "ACTIVE")]
    role: Option<&'static str>,
    /// `STARTING`, `HEALTHY`, `SUSPECT` (was healthy, and does not answer) or `STANDBY`.
    #[schema(value_type = String, example = "HEALTHY")]
    health: &'static str,
    /// Since when it is in this condition, ISO 8601 in UTC.
    #[schema(format = DateTime)]
    since: String,
    /// Boots since it last served.
    failed_boots: u32,
    /// Times it ran out of memory recently.
    out_of_memory: u32,
}

impl InspectedInstance {
    fn of(mode: DeploymentMode, condition: &InstanceCondition) -> Self {
        let (health, role) = match condition.health {
            Health::Starting => ("STARTING", None),
            Health::Suspect => ("SUSPECT", None),
            Health::Standby => ("STANDBY", Some("STANDBY")),
            Health::Healthy if mode == DeploymentMode::ClusterMultiAz => ("HEALTHY", Some("NODE")),
            Health::Healthy => ("HEALTHY", Some("ACTIVE")),
        };
        Self {
            instance: condition.ordinal,
            role,
            health,
            since: condition.since.to_string(),
            failed_boots: condition.failed_boots,
            out_of_memory: condition.out_of_memory.map_or(0, |memory| memory.count),
        }
    }
}

/// A link to another broker that carries nothing.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DownLinkView {
    /// The kind and the name.
    #[schema(example = "shovel orders in /")]
    link: String,
    /// The engine's error.
    why: String,
}

impl From<&DownLink> for DownLinkView {
    fn from(link: &DownLink) -> Self {
        Self { link: link.link.clone(), why: link.why.clone() }
    }
}

/// The engine that runs.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RunningEngineView {
    /// `major.minor`.
    #[schema(example = "4.3")]
    engine_version: String,
    /// The exact version, as far as the image tells it.
    #[schema(example = "4.3.6")]
    full_version: String,
    /// Whether this version stands in for the requested one.
    stands_in: bool,
    /// The name of the image.
    #[schema(example = "brokerd/rabbitmq:4.3")]
    image: String,
    /// The image's identifier in the container engine.
    image_id: String,
    /// Since when it runs, ISO 8601 in UTC.
    #[schema(format = DateTime)]
    since: String,
}

impl From<RunningEngine> for RunningEngineView {
    fn from(running: RunningEngine) -> Self {
        Self {
            engine_version: running.version.to_string(),
            stands_in: running.stands_in(),
            full_version: running.true_version,
            image: running.image,
            image_id: running.image_id,
            since: running.since.to_string(),
        }
    }
}

/// Tells what DescribeBroker does not: the engine that runs, its instances and their roles, and what brokerd waits for.
#[utoipa::path(
    get,
    path = "/brokerd/v1/brokers/{broker-id}",
    operation_id = "InspectBroker",
    tag = "brokerd",
    params(OfBroker),
    responses(
        (status = 200, description = "The broker.", body = InspectBrokerResponse),
        NotFound,
        ServiceErrors,
    ),
    security(("sigv4" = [])),
)]
pub(crate) async fn inspect_broker(
    State(store): State<PgStore>,
    path: PathParams,
    signed: Signed,
) -> Answer<InspectBrokerResponse> {
    let broker = path.broker(&store, &signed).await?;
    let running = store.running_engine(broker.id).await?;
    Ok(Reply(InspectBrokerResponse::of(&broker, running)))
}

impl InspectBrokerResponse {
    fn of(broker: &Broker, running: Option<RunningEngine>) -> Self {
        let (spec, status) = (&broker.spec, &broker.status);
        let said = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let instance = |condition| InspectedInstance::of(spec.deployment_mode, condition);
        Self {
            broker_id: broker.id.to_string(),
            broker_name: broker.name.to_string(),
            engine_type: spec.engine_type.display_name(),
            engine_version: spec.engine_version.to_string(),
            running: running.map(Into::into),
            verdict: said(&status.sentence),
            availability: status.availability.map(Availability::as_str),
            not_applied: broker.not_applied.clone(),
            maintenance: status.maintenance.clone(),
            instances: status.conditions.iter().map(instance).collect(),
            links_down: status.links_down.iter().map(Into::into).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use brokerd_domain::Timestamp;
    use serde_json::{Value, json};

    use super::*;
    use crate::mq::brokers::fixtures;

    fn condition(ordinal: u8, health: Health) -> InstanceCondition {
        let since = Timestamp::from_micros(1_790_000_000_000_000);
        InstanceCondition {
            ordinal,
            health,
            since,
            failed_boots: 0,
            out_of_memory: None,
            apart_since: None,
        }
    }

    fn roles(mode: DeploymentMode, healths: &[Health]) -> Vec<Option<&'static str>> {
        let conditions = healths.iter().zip(1..).map(|(health, n)| condition(n, *health));
        conditions.map(|condition| InspectedInstance::of(mode, &condition).role).collect()
    }

    #[test]
    fn an_instance_has_a_role_while_it_serves_or_stands_by() {
        use DeploymentMode::{ActiveStandbyMultiAz, ClusterMultiAz, SingleInstance};
        use Health::{Healthy, Standby, Starting, Suspect};
        let of_pair = roles(ActiveStandbyMultiAz, &[Standby, Healthy]);
        assert_eq!(of_pair, [Some("STANDBY"), Some("ACTIVE")]);
        let of_cluster = roles(ClusterMultiAz, &[Healthy, Suspect, Healthy]);
        assert_eq!(of_cluster, [Some("NODE"), None, Some("NODE")]);
        assert_eq!(roles(SingleInstance, &[Healthy]), [Some("ACTIVE")]);
        assert_eq!(roles(SingleInstance, &[Starting]), [None]);
    }

    #[test]
    fn what_the_last_pass_found_is_told_and_nothing_before_the_first_one() {
        let mut broker = fixtures::broker();
        let value = |broker: &Broker| -> Value {
            serde_json::to_value(InspectBrokerResponse::of(broker, None)).expect("JSON")
        };
        let new = value(&broker);
        assert_eq!((&new["verdict"], &new["instances"]), (&Value::Null, &json!([])));
        assert_eq!(new.get("availability"), None);

        broker.status.sentence = "waiting for instance 1 to serve".to_owned();
        broker.status.availability = Some(Availability::Unavailable);
        broker.status.conditions = vec![condition(1, Health::Starting)];
        broker.not_applied = Some("the engine does not boot".to_owned());
        let told = value(&broker);
        assert_eq!(told["verdict"], "waiting for instance 1 to serve");
        assert_eq!(told["availability"], "UNAVAILABLE");
        assert_eq!(told["notApplied"], "the engine does not boot");
        let instance = json!({
            "instance": 1, "health": "STARTING", "since": "2026-09-21T14:13:20.000000Z",
            "failedBoots": 0, "outOfMemory": 0,
        });
        assert_eq!(told["instances"], json!([instance]));
    }
}
