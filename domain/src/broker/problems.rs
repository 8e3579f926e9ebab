//! Everything that is wrong with a CreateBroker, for forms that show all of it at once.
//!
//! The rules are those of [`CreateBroker::parse`], and only those: what it refuses is put right as far as the next rule
//! needs it, and asked again. So no rule is written twice, and a form says what CreateBroker would say.

use std::collections::BTreeSet;

use secrecy::SecretString;

use super::{
    create::{CreateBroker, CreateBrokerInput},
    network::NetworkDefaults,
};
use crate::{
    access::{BrokerUser, UserInput},
    catalogue::{DeploymentMode, EngineType, Offerings},
    configuration::ConfigurationRevision,
    kernel::{Entropy, Error, Scope, required},
};

/// What CreateBroker is asked against.
#[derive(Clone, Copy)]
pub struct CreationContext<'a> {
    /// Whose broker it would be.
    pub scope: &'a Scope,
    /// The configuration revision that the request names, as it was found.
    pub revision: Option<&'a ConfigurationRevision>,
    /// What can be created.
    pub offerings: &'a Offerings,
    /// The defaults of networks.
    pub network: &'a NetworkDefaults,
    /// The source of what is picked by chance.
    pub entropy: &'a dyn Entropy,
}

/// An instance type that there is.
const ANY_INSTANCE_TYPE: &str = "mq.m5.large";
/// How often something is put right: more often than there are members.
const MAX_REPAIRS: usize = 40;

/// Members about which nothing can be told while the first one is wrong.
const DEPENDENTS: &[(&str, &[&str])] = &[
    ("engineVersion", &["autoMinorVersionUpgrade", "configuration", "storageSize"]),
    ("hostInstanceType", &["storageSize", "storageType", "deploymentMode"]),
    ("storageType", &["deploymentMode"]),
    ("deploymentMode", &["subnetIds", "storageSize"]),
    ("publiclyAccessible", &["securityGroups"]),
    ("authenticationStrategy", &["ldapServerMetadata", "users"]),
    ("configuration", &["authenticationStrategy", "users"]),
];

impl CreateBroker {
    /// Everything that is wrong with a request, in the order in which CreateBroker would refuse it, with users by their
    /// place: `users[1].password`. Nothing: [`CreateBroker::parse`] accepts it.
    pub fn problems(input: &CreateBrokerInput, context: CreationContext<'_>) -> Vec<Error> {
        let engine = required("engineType", input.engine_type.clone());
        match engine.and_then(|text| EngineType::parse(&text)) {
            Ok(engine) => problems_of(input.clone(), engine, context),
            // What is wrong whichever engine was meant.
            Err(wrong) => {
                let [first, rest @ ..] = EngineType::ALL else { return vec![wrong] };
                let of = |engine: EngineType| {
                    let text = engine.as_str().to_owned();
                    let input = CreateBrokerInput { engine_type: Some(text), ..input.clone() };
                    problems_of(input, engine, context)
                };
                let mut found = of(*first);
                for other in rest {
                    let others: BTreeSet<_> =
                        of(*other).into_iter().map(|error| error.attribute).collect();
                    found.retain(|error| others.contains(&error.attribute));
                }
                // After the name, which is asked for before.
                let at = found.iter().take_while(|error| is_about(error, "brokerName")).count();
                found.insert(at, wrong);
                found
            }
        }
    }
}

fn is_about(error: &Error, member: &str) -> bool {
    error.attribute.as_deref().is_some_and(|attribute| member_of(attribute) == member)
}

/// The member of the request that an attribute is of.
fn member_of(attribute: &str) -> &str {
    attribute.split(['.', '[']).next().unwrap_or(attribute)
}

fn problems_of(
    mut input: CreateBrokerInput,
    engine: EngineType,
    context: CreationContext<'_>,
) -> Vec<Error> {
    let users = wrong_users(&mut input, engine);
    let mut found = Vec::new();
    let mut wrong = BTreeSet::new();
    let mut revision = context.revision;
    for _ in 0..MAX_REPAIRS {
        let CreationContext { scope, offerings, network, entropy, .. } = context;
        let parsed =
            CreateBroker::parse(input.clone(), scope, revision, offerings, network, entropy);
        let Err(error) = parsed else { break };
        let attribute = error.attribute.clone().unwrap_or_default();
        let member = member_of(&attribute).to_owned();
        let follows = DEPENDENTS.iter().any(|(first, dependents)| {
            wrong.contains(*first) && dependents.contains(&member.as_str())
        });
        if !follows {
            found.push(error);
        }
        if !repair(&mut input, &mut revision, &member, engine, offerings) || !wrong.insert(member) {
            break;
        }
    }
    // Users come last but for data replication.
    let at = found.iter().take_while(|error| !is_about(error, "dataReplicationMode")).count();
    found.splice(at..at, users);
    found
}

/// What is wrong with each user. Those are replaced by others, whose names nobody has.
fn wrong_users(input: &mut CreateBrokerInput, engine: EngineType) -> Vec<Error> {
    let mut found = Vec::new();
    for (place, user) in input.users.iter_mut().enumerate() {
        if let Err(error) = BrokerUser::parse(engine, user.clone()) {
            let attribute = error.attribute.as_deref().unwrap_or("username");
            let attribute = Some(format!("users[{place}].{attribute}").into());
            found.push(Error { attribute, ..error });
            *user = fine_user(place);
        }
    }
    found
}

fn fine_user(place: usize) -> UserInput {
    UserInput {
        username: Some(format!("a-user-that-nobody-has-{place}")),
        password: Some(SecretString::from("correct-horse-battery")),
        ..UserInput::default()
    }
}

/// Puts a member right. False: nobody knows how.
fn repair(
    input: &mut CreateBrokerInput,
    revision: &mut Option<&ConfigurationRevision>,
    member: &str,
    engine: EngineType,
    offerings: &Offerings,
) -> bool {
    match member {
        "brokerName" => input.broker_name = Some("a-broker".to_owned()),
        "deploymentMode" => {
            let mode = DeploymentMode::SingleInstance;
            input.deployment_mode = Some(mode.as_str().to_owned());
        }
        "hostInstanceType" => {
            let mut options = offerings.instance_options().into_iter();
            let ours = options.rfind(|option| option.engine == engine);
            // Where nothing is offered, the other members are told all the same.
            let name = ours.map_or(ANY_INSTANCE_TYPE, |option| option.host.name());
            input.host_instance_type = Some(name.to_owned());
        }
        "publiclyAccessible" => input.publicly_accessible = Some(false),
        // Without a version there is nothing to choose from.
        "engineVersion" if input.engine_version.is_some() => input.engine_version = None,
        "storageType" => input.storage_type = None,
        "autoMinorVersionUpgrade" => input.auto_minor_version_upgrade = None,
        "configuration" => *revision = None,
        "authenticationStrategy" => {
            // One of the two has to give way.
            input.authentication_strategy = None;
            *revision = None;
        }
        "ldapServerMetadata" => {
            input.ldap_server_metadata = None;
            input.authentication_strategy = None;
        }
        "storageSize" => input.storage_size = None,
        "logs" => input.logs = None,
        "encryptionOptions" => input.encryption_options = None,
        "subnetIds" => input.subnet_ids = None,
        "securityGroups" => input.security_groups = None,
        "maintenanceWindowStartTime" => input.maintenance_window = None,
        "tags" => input.tags.clear(),
        "creatorRequestId" => input.creator_request_id = None,
        "users" => input.users = vec![fine_user(0)],
        "dataReplicationMode" | "dataReplicationPrimaryBrokerArn" => {
            input.data_replication_mode = None;
            input.data_replication_primary_broker_arn = None;
        }
        // The members of a directory are told by their own names.
        _ if input.ldap_server_metadata.is_some() => {
            input.ldap_server_metadata = None;
            input.authentication_strategy = None;
        }
        _ => return false,
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::EngineVersion;

    struct Zeros;
    impl Entropy for Zeros {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(0);
        }
    }

    fn fine(engine: EngineType) -> CreateBrokerInput {
        CreateBrokerInput {
            broker_name: Some("orders".to_owned()),
            engine_type: Some(engine.as_str().to_owned()),
            deployment_mode: Some("SINGLE_INSTANCE".to_owned()),
            host_instance_type: Some(match engine {
                EngineType::ActiveMq => "mq.m5.large".to_owned(),
                EngineType::RabbitMq => "mq.m7g.medium".to_owned(),
            }),
            publicly_accessible: Some(false),
            users: vec![fine_user(7)],
            ..CreateBrokerInput::default()
        }
    }

    fn problems(input: &CreateBrokerInput) -> Vec<String> {
        problems_with(input, &offered())
    }

    fn offered() -> Offerings {
        [
            (EngineType::ActiveMq, EngineVersion::new(5, 19)),
            (EngineType::RabbitMq, EngineVersion::new(4, 3)),
        ]
        .into_iter()
        .collect()
    }

    fn problems_with(input: &CreateBrokerInput, offerings: &Offerings) -> Vec<String> {
        let scope = Scope {
            account: "000000000000".parse().expect("an account"),
            region: "us-east-1".parse().expect("a region"),
        };
        let context = CreationContext {
            scope: &scope,
            revision: None,
            offerings,
            network: &NetworkDefaults::default(),
            entropy: &Zeros,
        };
        let found = CreateBroker::problems(input, context);
        let parsed = CreateBroker::parse(
            input.clone(),
            &scope,
            None,
            offerings,
            &NetworkDefaults::default(),
            &Zeros,
        );
        assert_eq!(found.is_empty(), parsed.is_ok(), "{found:?}");
        found.into_iter().map(|error| error.attribute.unwrap_or_default().into_owned()).collect()
    }

    #[test]
    fn what_can_be_created_has_no_problems() {
        for engine in EngineType::ALL {
            assert_eq!(problems(&fine(*engine)), [""; 0], "{engine}");
        }
    }

    #[test]
    fn an_empty_request_lacks_all_that_is_required() {
        let expected = [
            "brokerName",
            "engineType",
            "deploymentMode",
            "hostInstanceType",
            "publiclyAccessible",
            "users",
        ];
        assert_eq!(problems(&CreateBrokerInput::default()), expected);
    }

    #[test]
    fn where_nothing_is_offered_the_other_members_are_told_all_the_same() {
        let input = CreateBrokerInput {
            host_instance_type: None,
            publicly_accessible: None,
            ..fine(EngineType::ActiveMq)
        };
        let expected = ["hostInstanceType", "publiclyAccessible", "engineVersion"];
        assert_eq!(problems_with(&input, &Offerings::default()), expected);
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let wrong = UserInput { username: Some("bob".to_owned()), ..UserInput::default() };
        let input = CreateBrokerInput {
            broker_name: Some("no good name".to_owned()),
            engine_version: Some("1.0".to_owned()),
            host_instance_type: Some("mq.z9.huge".to_owned()),
            storage_type: Some("TAPE".to_owned()),
            encryption_options: Some((None, None)),
            maintenance_window: Some((Some("someday".to_owned()), Some("6:00".to_owned()), None)),
            security_groups: Some(vec!["nonsense".to_owned()]),
            tags: [("aws:x".to_owned(), String::new())].into(),
            users: vec![fine_user(7), wrong],
            ..fine(EngineType::ActiveMq)
        };
        let expected = [
            "brokerName",
            "engineVersion",
            "hostInstanceType",
            "encryptionOptions.useAwsOwnedKey",
            "securityGroups",
            "maintenanceWindowStartTime.dayOfWeek",
            "tags",
            "users[1].password",
        ];
        let found = problems(&input);
        assert_eq!(found, expected, "the storage type follows from the instance type");
    }

    #[test]
    fn what_follows_from_another_mistake_is_not_told() {
        let pair = CreateBrokerInput {
            deployment_mode: Some("CLUSTER_MULTI_AZ".to_owned()),
            subnet_ids: Some(vec!["subnet-1".to_owned(), "subnet-2".to_owned()]),
            ..fine(EngineType::ActiveMq)
        };
        assert_eq!(problems(&pair), ["deploymentMode"]);
        // Wrong for one engine only.
        let nobody = CreateBrokerInput {
            engine_type: Some("KAFKA".to_owned()),
            logs: Some((None, Some(true))),
            ..fine(EngineType::ActiveMq)
        };
        assert_eq!(problems(&nobody), ["engineType"]);
    }
}
