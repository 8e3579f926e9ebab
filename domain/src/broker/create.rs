//! CreateBroker: from the request to a valid command.

use std::collections::{BTreeMap, BTreeSet};

use secrecy::SecretString;

use super::{
    checks::{ldap_required, ldap_without_strategy, oldest_forced, parse_security_group_ids},
    data_replication::{self, Candidate},
    network::NetworkDefaults,
    spec::{BrokerSpec, EncryptionOptions, Logs},
};
use crate::{
    access::{BrokerUser, LdapServerMetadata, LdapServerMetadataInput, MAX_USERS, Tags, UserInput},
    catalogue::{
        AuthenticationStrategy, DeploymentMode, EngineType, HostInstanceType, Offerings,
        StorageType, storage_size,
    },
    configuration::{
        ConfigurationRef, ConfigurationRevision,
        association::{self, TargetBroker},
    },
    kernel::{BrokerName, Entropy, Error, Scope, is_resource_id, required, text},
    maintenance::MaintenanceWindow,
};

/// How long an idempotency token may be. The service's bound is not known: most of AWS has 64, and Terraform's tokens
/// are up to 79 characters long.
const MAX_TOKEN_LENGTH: usize = 128;
/// How long the name of a key may be.
///
/// Source: `KeyId` of the KMS API reference.
const MAX_KEY_LENGTH: usize = 2048;
/// How many zones the largest region has, and so how many subnets of different zones there can be.
const MAX_ZONES: usize = 6;

/// The request as it was sent: only the types of its members are checked.
#[derive(Debug, Clone, Default)]
#[expect(missing_docs, reason = "the members are those of CreateBroker, name by name")]
pub struct CreateBrokerInput {
    pub authentication_strategy: Option<String>,
    pub auto_minor_version_upgrade: Option<bool>,
    pub broker_name: Option<String>,
    pub creator_request_id: Option<String>,
    pub data_replication_mode: Option<String>,
    pub data_replication_primary_broker_arn: Option<String>,
    pub deployment_mode: Option<String>,
    pub encryption_options: Option<(Option<bool>, Option<String>)>,
    pub engine_type: Option<String>,
    pub engine_version: Option<String>,
    pub host_instance_type: Option<String>,
    pub ldap_server_metadata: Option<LdapServerMetadataInput>,
    pub logs: Option<(Option<bool>, Option<bool>)>,
    pub maintenance_window: Option<(Option<String>, Option<String>, Option<String>)>,
    pub publicly_accessible: Option<bool>,
    pub security_groups: Option<Vec<String>>,
    pub storage_size: Option<i64>,
    pub storage_type: Option<String>,
    pub subnet_ids: Option<Vec<String>>,
    pub tags: BTreeMap<String, String>,
    pub users: Vec<UserInput>,
}

/// The users of a new broker, by who manages them.
#[derive(Debug, Clone)]
pub enum Users {
    /// ActiveMQ: the control plane keeps them; at least one.
    Managed(Vec<BrokerUser>),
    /// RabbitMQ: only the first administrator is made, if anybody; the engine owns its users.
    Administrator(Option<Box<BrokerUser>>),
}

impl Users {
    /// All of them.
    pub fn as_slice(&self) -> &[BrokerUser] {
        match self {
            Self::Managed(users) => users,
            Self::Administrator(Some(user)) => std::slice::from_ref(user),
            Self::Administrator(None) => &[],
        }
    }
}

/// A valid CreateBroker.
#[derive(Debug, Clone)]
pub struct CreateBroker {
    /// The name.
    pub name: BrokerName,
    /// The broker to run.
    pub spec: BrokerSpec,
    /// The configuration to use; none: the service makes one.
    pub configuration: Option<ConfigurationRef>,
    /// The password of the directory's service account.
    pub ldap_password: Option<SecretString>,
    /// The users.
    pub users: Users,
    /// The tags.
    pub tags: Tags,
    /// The idempotency token, if the caller sent one that is not empty.
    pub creator_request_id: Option<String>,
}

impl CreateBroker {
    /// Checks the request against every rule of the operation; `revision` is the configuration revision that the
    /// request names, as it was found.
    ///
    /// # Errors
    /// A 400 on the first member at fault. Members that the service has and brokerd does not
    /// implement yet are refused by name.
    pub fn parse(
        input: CreateBrokerInput,
        scope: &Scope,
        revision: Option<&ConfigurationRevision>,
        offerings: &Offerings,
        network: &NetworkDefaults,
        entropy: &dyn Entropy,
    ) -> Result<Self, Error> {
        let name = BrokerName::parse(&required("brokerName", input.broker_name.clone())?)?;
        let engine = EngineType::parse(&required("engineType", input.engine_type.clone())?)?;
        let mode =
            DeploymentMode::parse(&required("deploymentMode", input.deployment_mode.clone())?)?;
        check_mode(engine, mode)?;
        let host_name = required("hostInstanceType", input.host_instance_type.clone())?;
        let publicly_accessible = required("publiclyAccessible", input.publicly_accessible)?;
        let version = offerings.version(engine, input.engine_version.as_deref())?;
        let host = HostInstanceType::parse(engine, &host_name)?;
        let storage = match &input.storage_type {
            Some(text) => StorageType::parse(text)?,
            None if engine == EngineType::ActiveMq => StorageType::Efs,
            None => StorageType::Ebs,
        };
        offerings.check(engine, version, host, storage, mode)?;
        if input.auto_minor_version_upgrade == Some(false)
            && (version.major, version.minor) >= oldest_forced(engine)
        {
            return Err(Error::bad_request(
                "autoMinorVersionUpgrade",
                format!(
                    "Brokers on [{}] version [{version}] must have [autoMinorVersionUpgrade] set to [true].",
                    engine.display_name()
                ),
            ));
        }
        let asked = input.authentication_strategy.as_deref();
        let target_broker = TargetBroker { engine, versions: [version; 2], host, mode };
        let brought =
            revision.map(|revision| association::check(revision, target_broker)).transpose()?;
        let strategy = association::strategy(engine, asked, brought)?;
        let (ldap, ldap_password) = parse_ldap(strategy, input.ldap_server_metadata)?;
        let storage_size = input
            .storage_size
            .map(|size| storage_size::parse(size, engine, version, mode, host))
            .transpose()?
            .flatten();
        let logs = parse_logs(engine, input.logs)?;
        let encryption = parse_encryption(input.encryption_options.clone(), scope)?;
        let subnet_ids = parse_subnets(input.subnet_ids.clone(), mode, network)?;
        let security_groups = parse_security_groups(
            input.security_groups.clone(),
            engine,
            publicly_accessible,
            network,
        )?;
        let maintenance_window = match &input.maintenance_window {
            None => MaintenanceWindow::pick(entropy),
            Some((day, time, zone)) => MaintenanceWindow::parse(
                &required("maintenanceWindowStartTime.dayOfWeek", day.clone())?,
                &required("maintenanceWindowStartTime.timeOfDay", time.clone())?,
                zone.as_deref(),
            )?,
        };
        let tags = Tags::parse(input.tags)?;
        let creator_request_id = input
            .creator_request_id
            .filter(|token| !token.is_empty())
            .map(|token| text::line("creatorRequestId", token, MAX_TOKEN_LENGTH))
            .transpose()?;
        let users = parse_users(engine, strategy, input.users)?;
        data_replication::check_creation(
            input.data_replication_mode.as_deref(),
            input.data_replication_primary_broker_arn.as_deref(),
            Candidate { engine, version, mode, host },
            users.as_slice(),
            scope,
        )?;
        Ok(Self {
            name,
            spec: BrokerSpec {
                engine_type: engine,
                engine_version: version,
                deployment_mode: mode,
                host_instance_type: host,
                storage_type: storage,
                publicly_accessible,
                auto_minor_version_upgrade: input.auto_minor_version_upgrade.unwrap_or(true),
                authentication_strategy: strategy,
                subnet_ids,
                security_groups,
                encryption,
                maintenance_window,
                logs,
                ldap,
                storage_size,
            },
            configuration: revision.map(ConfigurationRevision::reference),
            ldap_password,
            users,
            tags,
            creator_request_id,
        })
    }

    /// Whether an earlier CreateBroker with the same token and name asked for the same broker.
    ///
    /// Source: recorded answers of the service: passwords, console access, tags and the maintenance
    /// window do not matter, nor what the broker was changed to since; the instance type does. The
    /// other members that fix what a broker is are taken to matter too.
    pub fn same_broker(&self, earlier: &BrokerSpec) -> bool {
        let spec = &self.spec;
        spec.engine_type == earlier.engine_type
            && spec.engine_version == earlier.engine_version
            && spec.deployment_mode == earlier.deployment_mode
            && spec.host_instance_type == earlier.host_instance_type
            && spec.storage_type == earlier.storage_type
            && spec.publicly_accessible == earlier.publicly_accessible
    }
}

fn check_mode(engine: EngineType, mode: DeploymentMode) -> Result<(), Error> {
    let fits = match mode {
        DeploymentMode::SingleInstance => true,
        DeploymentMode::ActiveStandbyMultiAz => engine == EngineType::ActiveMq,
        DeploymentMode::ClusterMultiAz => engine == EngineType::RabbitMq,
    };
    if fits {
        return Ok(());
    }
    Err(Error::bad_request(
        "deploymentMode",
        format!(
            "Broker engine type [{}] does not support deployment mode [{mode}].",
            engine.display_name()
        ),
    ))
}

fn parse_ldap(
    strategy: AuthenticationStrategy,
    input: Option<LdapServerMetadataInput>,
) -> Result<(Option<LdapServerMetadata>, Option<SecretString>), Error> {
    match (strategy, input) {
        (AuthenticationStrategy::Ldap, Some(input)) => {
            let (metadata, password) = LdapServerMetadata::parse(input)?;
            Ok((Some(metadata), Some(password)))
        }
        (AuthenticationStrategy::Ldap, None) => Err(ldap_required()),
        (_, Some(_)) => Err(ldap_without_strategy()),
        (_, None) => Ok((None, None)),
    }
}

fn parse_logs(
    engine: EngineType,
    logs: Option<(Option<bool>, Option<bool>)>,
) -> Result<Logs, Error> {
    let (general, audit) = logs.unwrap_or_default();
    if engine == EngineType::RabbitMq && audit.is_some() {
        // UpdateBroker has other words for the same.
        return Err(Error::bad_request(
            "logs.audit",
            "Audit logging is not supported for RabbitMQ brokers.",
        ));
    }
    Ok(Logs { general: general.unwrap_or(false), audit: audit.unwrap_or(false) })
}

fn parse_encryption(
    options: Option<(Option<bool>, Option<String>)>,
    scope: &Scope,
) -> Result<EncryptionOptions, Error> {
    let Some((own_key, kms_key_id)) = options else {
        return Ok(EncryptionOptions { use_aws_owned_key: true, kms_key_id: None });
    };
    let use_aws_owned_key = required("encryptionOptions.useAwsOwnedKey", own_key)?;
    let kms_key_id = kms_key_id.filter(|key| !key.is_empty());
    match (use_aws_owned_key, kms_key_id) {
        (true, Some(_)) => Err(Error::bad_request(
            "encryptionOptions.kmsKeyId",
            "[kmsKeyId] can't be specified when [useAwsOwnedKey] is [true].",
        )),
        (true, None) => Ok(EncryptionOptions { use_aws_owned_key, kms_key_id: None }),
        (false, None) => Ok(EncryptionOptions {
            use_aws_owned_key,
            kms_key_id: Some(format!(
                "arn:aws:kms:{}:{}:alias/aws/mq",
                scope.region, scope.account
            )),
        }),
        (false, Some(key)) => {
            let key = text::line("encryptionOptions.kmsKeyId", key, MAX_KEY_LENGTH)?;
            Ok(EncryptionOptions { use_aws_owned_key, kms_key_id: Some(key) })
        }
    }
}

fn parse_subnets(
    subnets: Option<Vec<String>>,
    mode: DeploymentMode,
    network: &NetworkDefaults,
) -> Result<Vec<String>, Error> {
    let wanted = match mode {
        DeploymentMode::SingleInstance => 1,
        DeploymentMode::ActiveStandbyMultiAz => 2,
        DeploymentMode::ClusterMultiAz => network.subnets.len(),
    };
    let subnets = subnets.unwrap_or_default();
    if subnets.is_empty() {
        return Ok(network.subnets.iter().take(wanted).cloned().collect());
    }
    if let Some(wrong) = subnets.iter().find(|s| !is_resource_id(s, "subnet-")) {
        return Err(Error::bad_request("subnetIds", format!("Subnet ID [{wrong}] is invalid.")));
    }
    if subnets.iter().collect::<BTreeSet<_>>().len() != subnets.len() {
        return Err(Error::bad_request("subnetIds", "Specify each subnet ID only once."));
    }
    let most = wanted.max(MAX_ZONES);
    if mode == DeploymentMode::ClusterMultiAz && subnets.len() > most {
        return Err(Error::bad_request(
            "subnetIds",
            format!("Specify at most [{most}] subnet IDs for deployment mode [{mode}]."),
        ));
    }
    if mode != DeploymentMode::ClusterMultiAz && subnets.len() != wanted {
        return Err(Error::bad_request(
            "subnetIds",
            format!("Specify exactly [{wanted}] subnet IDs for deployment mode [{mode}]."),
        ));
    }
    Ok(subnets)
}

fn parse_security_groups(
    groups: Option<Vec<String>>,
    engine: EngineType,
    publicly_accessible: bool,
    network: &NetworkDefaults,
) -> Result<Vec<String>, Error> {
    let groups = parse_security_group_ids(groups.unwrap_or_default())?;
    if engine == EngineType::RabbitMq && publicly_accessible {
        if groups.is_empty() {
            return Ok(Vec::new());
        }
        // Source: pull request 42 of cloudposse/terraform-aws-mq-broker.
        return Err(Error::bad_request(
            "securityGroups",
            "Broker with [publiclyAccessible] set to true does not support specifying [securityGroups]",
        ));
    }
    Ok(if groups.is_empty() { network.security_group.iter().cloned().collect() } else { groups })
}

fn parse_users(
    engine: EngineType,
    strategy: AuthenticationStrategy,
    inputs: Vec<UserInput>,
) -> Result<Users, Error> {
    let none_needed = strategy != AuthenticationStrategy::Simple;
    match engine {
        EngineType::ActiveMq if inputs.is_empty() && !none_needed => {
            return Err(Error::bad_request(
                "users",
                "Specify at least one user for engine type [ACTIVEMQ].",
            ));
        }
        EngineType::ActiveMq if inputs.len() > MAX_USERS => {
            return Err(Error::bad_request(
                "users",
                format!("Specify at most [{MAX_USERS}] users."),
            ));
        }
        EngineType::RabbitMq if inputs.len() != 1 && !(inputs.is_empty() && none_needed) => {
            return Err(Error::bad_request(
                "users",
                "Specify exactly one user for engine type [RABBITMQ].",
            ));
        }
        EngineType::ActiveMq | EngineType::RabbitMq => {}
    }
    let mut users = Vec::with_capacity(inputs.len());
    let mut names = BTreeSet::new();
    for input in inputs {
        let user = BrokerUser::parse(engine, input)?;
        if !names.insert(user.username.clone()) {
            return Err(Error::bad_request(
                "users",
                format!("User [{}] is specified more than once.", user.username),
            ));
        }
        users.push(user);
    }
    Ok(match engine {
        EngineType::ActiveMq => Users::Managed(users),
        EngineType::RabbitMq => Users::Administrator(users.pop().map(Box::new)),
    })
}
