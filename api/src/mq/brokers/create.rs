//! CreateBroker.

use std::{collections::BTreeMap, sync::Arc};

use axum::extract::State;
use brokerd_domain::{
    Arn, BrokerId, Clock, ConfigurationId, CreateBroker, CreateBrokerInput, Entropy, Error,
    Resource, Scope, Tags, policy::When,
};
use brokerd_store::{CreateOutcome, NewIds, PgStore};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    ApiSettings,
    auth::{CallResource, Signed, TagChange},
    cache::OfferingsCache,
    http::{
        error::ApiError,
        json::Object,
        respond::{Answer, Reply},
    },
    mq::{
        brokers::{
            requests::{
                EncryptionOptionsRequest, LdapServerMetadataRequest, LogsRequest,
                MaintenanceWindowRequest, UserRequest,
            },
            security_groups::check_groups,
        },
        configurations::{ConfigurationIdRequest, named_revision, too_many_configurations},
    },
    openapi::ServiceErrors,
};

/// The broker to create. Enumerations are read in any letter case; null stands for absent.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CreateBrokerRequest {
    /// How users are authenticated: `SIMPLE` (default), `LDAP` or `CONFIG_MANAGED`.
    #[schema(example = "SIMPLE")]
    authentication_strategy: Option<String>,
    /// Whether patch versions are installed in the maintenance window; default true.
    auto_minor_version_upgrade: Option<bool>,
    /// The name: 1 to 50 letters, digits, hyphens and underscores; unique per account and region.
    #[schema(required, nullable = false, example = "orders")]
    broker_name: Option<String>,
    /// The configuration to use; default: a new one named `<brokerName>-configuration`.
    #[schema(value_type = Option<ConfigurationIdRequest>)]
    pub(crate) configuration: Option<Object<ConfigurationIdRequest>>,
    /// An idempotency token of at most 128 characters. A repeated call with the same token gets the answer of the
    /// first one.
    creator_request_id: Option<String>,
    /// `NONE` (default) or `CRDR`, which is not implemented.
    data_replication_mode: Option<String>,
    /// Not implemented.
    data_replication_primary_broker_arn: Option<String>,
    /// `SINGLE_INSTANCE`, `ACTIVE_STANDBY_MULTI_AZ` (ActiveMQ) or `CLUSTER_MULTI_AZ` (RabbitMQ).
    #[schema(required, nullable = false, example = "SINGLE_INSTANCE")]
    deployment_mode: Option<String>,
    /// Which key encrypts the data at rest.
    #[schema(value_type = Option<EncryptionOptionsRequest>)]
    encryption_options: Option<Object<EncryptionOptionsRequest>>,
    /// `ACTIVEMQ` or `RABBITMQ`.
    #[schema(required, nullable = false, example = "ACTIVEMQ")]
    engine_type: Option<String>,
    /// The version, `major.minor`; default: the newest that is offered.
    #[schema(example = "5.19")]
    engine_version: Option<String>,
    /// An instance type that DescribeBrokerInstanceOptions lists.
    #[schema(required, nullable = false, example = "mq.t3.micro")]
    host_instance_type: Option<String>,
    /// The directory, for authentication strategy `LDAP`.
    #[schema(value_type = Option<LdapServerMetadataRequest>)]
    ldap_server_metadata: Option<Object<LdapServerMetadataRequest>>,
    /// Which logs are published; default none.
    #[schema(value_type = Option<LogsRequest>)]
    logs: Option<Object<LogsRequest>>,
    /// The start of the weekly maintenance window of two hours; default: a time that the service picks.
    #[schema(value_type = Option<MaintenanceWindowRequest>)]
    maintenance_window_start_time: Option<Object<MaintenanceWindowRequest>>,
    /// Whether the endpoints are reachable from other machines.
    #[schema(required, nullable = false)]
    publicly_accessible: Option<bool>,
    /// The security groups: at most five, none for public RabbitMQ brokers; default: the operator's default
    /// group, if there is one. Groups that ListSecurityGroups lists are enforced.
    security_groups: Option<Vec<String>>,
    /// Gigabytes per node, for RabbitMQ clusters of version 4.2 and later.
    storage_size: Option<i64>,
    /// `EFS` (default for ActiveMQ) or `EBS` (default for RabbitMQ).
    storage_type: Option<String>,
    /// One subnet per instance; default: the default subnets.
    subnet_ids: Option<Vec<String>>,
    /// The tags, at most 50.
    tags: Option<BTreeMap<String, String>>,
    /// The users: with strategy `SIMPLE` at least one for ActiveMQ and exactly one for RabbitMQ; else none is
    /// needed.
    #[schema(value_type = Option<Vec<UserRequest>>)]
    users: Option<Vec<Object<UserRequest>>>,
}

impl From<CreateBrokerRequest> for CreateBrokerInput {
    fn from(wire: CreateBrokerRequest) -> Self {
        let users = wire.users.unwrap_or_default();
        Self {
            authentication_strategy: wire.authentication_strategy,
            auto_minor_version_upgrade: wire.auto_minor_version_upgrade,
            broker_name: wire.broker_name,
            creator_request_id: wire.creator_request_id,
            data_replication_mode: wire.data_replication_mode,
            data_replication_primary_broker_arn: wire.data_replication_primary_broker_arn,
            deployment_mode: wire.deployment_mode,
            encryption_options: wire
                .encryption_options
                .map(|Object(e)| (e.use_aws_owned_key, e.kms_key_id)),
            engine_type: wire.engine_type,
            engine_version: wire.engine_version,
            host_instance_type: wire.host_instance_type,
            ldap_server_metadata: wire.ldap_server_metadata.map(|Object(ldap)| ldap.into()),
            logs: wire.logs.map(|Object(l)| (l.general, l.audit)),
            maintenance_window: wire
                .maintenance_window_start_time
                .map(|Object(m)| (m.day_of_week, m.time_of_day, m.time_zone)),
            publicly_accessible: wire.publicly_accessible,
            security_groups: wire.security_groups,
            storage_size: wire.storage_size,
            storage_type: wire.storage_type,
            subnet_ids: wire.subnet_ids,
            tags: wire.tags.unwrap_or_default(),
            users: users.into_iter().map(|Object(user)| user.into()).collect(),
        }
    }
}

/// The accepted broker.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CreateBrokerResponse {
    /// The broker's ARN.
    broker_arn: String,
    /// The broker's identifier.
    broker_id: String,
}

impl CreateBrokerResponse {
    fn of(arn: &Arn, id: BrokerId) -> Self {
        Self { broker_arn: arn.to_string(), broker_id: id.to_string() }
    }
}

/// Creates a broker. Answers at once; DescribeBroker shows when the broker runs.
#[utoipa::path(
    post,
    path = "/v1/brokers",
    operation_id = "CreateBroker",
    tag = "brokers",
    request_body = CreateBrokerRequest,
    responses(
        (status = 200, description = "Accepted.", body = CreateBrokerResponse),
        (status = 409, description = "ConflictException: the name is taken.", body = crate::http::error::ErrorBody),
        ServiceErrors,
    ),
    security(("sigv4" = [])),
)]
pub(crate) async fn create_broker(
    State(settings): State<Arc<ApiSettings>>,
    State(store): State<PgStore>,
    State(offerings): State<Arc<OfferingsCache>>,
    State(clock): State<Arc<dyn Clock>>,
    State(entropy): State<Arc<dyn Entropy>>,
    signed: Signed,
) -> Answer<CreateBrokerResponse> {
    let mut wire: CreateBrokerRequest = signed.json()?;
    let entropy = entropy.as_ref();
    let ids = NewIds {
        broker: BrokerId::generate(entropy),
        configuration: ConfigurationId::generate(entropy),
    };
    let scope = authorize(&store, &signed, &wire, ids.broker).await?;
    let named = wire.configuration.take();
    // The operation has no NotFoundException in the service model.
    let revision = named_revision(&store, &signed, scope, named.as_ref(), |missing| {
        Error::bad_request("configuration", missing.message)
    })
    .await?;
    let offerings = offerings.get().await?;
    let network = &settings.network;
    let command =
        CreateBroker::parse(wire.into(), scope, revision.as_ref(), &offerings, network, entropy)?;
    check_groups(&settings, &store, scope, &command.spec.security_groups).await?;
    let outcome = store.create_broker(scope, &command, ids, clock.now()).await?;
    Ok(Reply(answer(scope, &command, ids, outcome)?))
}

/// The scope of the caller, if it may create this broker.
async fn authorize<'a>(
    store: &PgStore,
    signed: &'a Signed,
    wire: &CreateBrokerRequest,
    id: BrokerId,
) -> Result<&'a Scope, ApiError> {
    let name = wire.broker_name.as_deref().unwrap_or_default();
    let arn = signed.arn("mq", &format!("broker:{name}:{id}"));
    // Tags that are invalid are refused with the rest of the request.
    let tags = wire.tags.clone().map(Tags::parse).transpose().unwrap_or_default();
    let tag_change = TagChange::adding(tags.as_ref());
    let scope = signed.authorize(CallResource { tag_change, ..CallResource::named(&arn) })?;
    if let Some(text) = &wire.data_replication_primary_broker_arn {
        let primary = match text.parse() {
            Ok(Arn { scope: of, resource: Resource::Broker { id, .. } })
                if of.account == scope.account =>
            {
                store.broker(&of, id).await?
            }
            Ok(_) | Err(_) => None,
        };
        let arn = primary.as_ref().map_or_else(|| text.clone(), |broker| broker.arn().to_string());
        let tags = primary.as_ref().map(|broker| &broker.tags);
        let resource = CallResource { tags, ..CallResource::named(&arn) };
        signed.authorize_also(When::WithPrimaryBroker, resource)?;
    }
    Ok(scope)
}

/// Source: recorded answers of the service for the idempotency token and the taken name.
fn answer(
    scope: &Scope,
    command: &CreateBroker,
    ids: NewIds,
    outcome: CreateOutcome,
) -> Result<CreateBrokerResponse, Error> {
    match outcome {
        CreateOutcome::Created => {
            let arn = Arn::broker(scope, &command.name, ids.broker);
            Ok(CreateBrokerResponse::of(&arn, ids.broker))
        }
        CreateOutcome::SameToken { existing, asked_for } if command.same_broker(&asked_for) => {
            Ok(CreateBrokerResponse::of(&existing.arn(), existing.id))
        }
        CreateOutcome::SameToken { .. } | CreateOutcome::NameTaken => Err(Error::conflict(
            "brokerName",
            format!(
                "Broker named [{}] already exists. Specify a unique broker name.",
                command.name
            ),
        )),
        CreateOutcome::ConfigurationNotFound => {
            let id = command.configuration.map(|reference| reference.id.to_string());
            Err(Error::bad_request(
                "configuration",
                Error::configuration_not_found(&id.unwrap_or_default()).message,
            ))
        }
        CreateOutcome::TooManyConfigurations => Err(too_many_configurations()),
        CreateOutcome::OverQuota(quota) => Err(quota.exceeded()),
        CreateOutcome::TooManyBrokers => Err(Error::bad_request_overall(
            "The account has reached the maximum number of brokers in this region. Delete a broker and retry the request.",
        )),
    }
}

#[cfg(test)]
mod tests {
    use brokerd_domain::{
        ConfigurationRef, EngineType, EngineVersion, Entropy, ErrorKind, NetworkDefaults, Offerings,
    };

    use super::*;
    use crate::{http::json, mq::brokers::fixtures};

    struct Zeros;
    impl Entropy for Zeros {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(0);
        }
    }

    fn command(host: &str) -> CreateBroker {
        let wire: CreateBrokerRequest = json::object(
            format!(
                r#"{{"brokerName": "orders", "engineType": "ActiveMQ", "deploymentMode": "single_instance",
                "hostInstanceType": "{host}", "publiclyAccessible": true, "engineVersion": null,
                "users": [{{"username": "alice", "password": "correct-horse"}}], "tags": {{"k": "v"}},
                "logs": {{"general": true}},
                "encryptionOptions": {{"useAwsOwnedKey": true}}, "somethingNew": 1,
                "maintenanceWindowStartTime": {{"dayOfWeek": "tuesday", "timeOfDay": "6:31"}}}}"#
            )
            .as_bytes(),
        )
        .expect("valid");
        let offerings: Offerings =
            [(EngineType::ActiveMq, EngineVersion::new(5, 19))].into_iter().collect();
        let scope = fixtures::broker().scope;
        let network = NetworkDefaults::default();
        CreateBroker::parse(wire.into(), &scope, None, &offerings, &network, &Zeros).expect("valid")
    }

    fn outcome(outcome: CreateOutcome) -> Result<CreateBrokerResponse, Error> {
        let ids = NewIds {
            broker: uuid::Uuid::from_u128(1).into(),
            configuration: uuid::Uuid::from_u128(2).into(),
        };
        answer(&fixtures::broker().scope, &command("mq.t3.micro"), ids, outcome)
    }

    #[test]
    fn every_member_of_a_request_reaches_the_command() {
        let command = command("mq.t3.micro");
        assert_eq!(command.name.as_str(), "orders");
        assert_eq!(command.configuration, None);
        assert!(command.spec.logs.general && command.spec.publicly_accessible);
        assert_eq!(command.spec.maintenance_window.time_of_day(), "06:31");
        assert_eq!(command.tags.as_map().len(), 1);
        assert_eq!(command.users.as_slice().len(), 1);
    }

    #[test]
    fn a_repeated_token_answers_with_the_original_broker_unless_another_one_is_asked_for() {
        let created = outcome(CreateOutcome::Created).expect("created");
        assert_eq!(created.broker_id, "b-00000000-0000-0000-0000-000000000001");
        let mut existing = fixtures::broker();
        // It was changed meanwhile.
        existing.spec = command("mq.m5.large").spec;
        let same_token = |host: &str| CreateOutcome::SameToken {
            existing: existing.clone(),
            asked_for: command(host).spec,
        };
        let again = outcome(same_token("mq.t3.micro")).expect("the same");
        assert_eq!(again.broker_id, existing.id.to_string());
        assert_eq!(again.broker_arn, existing.arn().to_string());
        for refused in [same_token("mq.m5.large"), CreateOutcome::NameTaken] {
            let error = outcome(refused).expect_err("taken");
            assert_eq!(
                (error.kind, error.attribute.as_deref()),
                (ErrorKind::Conflict, Some("brokerName"))
            );
            assert_eq!(
                error.message,
                "Broker named [orders] already exists. Specify a unique broker name."
            );
        }
    }

    #[test]
    fn a_configuration_that_vanished_is_refused_by_name() {
        let id = uuid::Uuid::from_u128(3).into();
        let command = CreateBroker {
            configuration: Some(ConfigurationRef { id, revision: 1 }),
            ..command("mq.t3.micro")
        };
        let ids = NewIds { broker: uuid::Uuid::from_u128(1).into(), configuration: id };
        let scope = fixtures::broker().scope;
        let refused = answer(&scope, &command, ids, CreateOutcome::ConfigurationNotFound);
        let refused = refused.expect_err("gone");
        assert_eq!(refused.kind, ErrorKind::BadRequest);
        assert_eq!(
            refused.message,
            "Configuration ID [c-00000000-0000-0000-0000-000000000003] can't be found. Make sure it exists."
        );
        assert!(outcome(CreateOutcome::TooManyBrokers).is_err());
        assert!(outcome(CreateOutcome::TooManyConfigurations).is_err());
    }
}
