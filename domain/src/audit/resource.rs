//! What calls are about, as LookupEvents finds them.

use serde_json::Value;

use super::source::EventSource;

const BROKER: &str = "AWS::AmazonMQ::Broker";
const CONFIGURATION: &str = "AWS::AmazonMQ::Configuration";
const SECURITY_GROUP: &str = "AWS::EC2::SecurityGroup";
const SECRET: &str = "AWS::SecretsManager::Secret";
const USER: &str = "AWS::IAM::User";
const ROLE: &str = "AWS::IAM::Role";
const GROUP: &str = "AWS::IAM::Group";
const POLICY: &str = "AWS::IAM::Policy";
const ACCESS_KEY: &str = "AWS::IAM::AccessKey";
const LOG_GROUP: &str = "AWS::Logs::LogGroup";
const LOG_STREAM: &str = "AWS::Logs::LogStream";
const ALARM: &str = "AWS::CloudWatch::Alarm";

/// The longest name.
const MAX_NAME_LENGTH: usize = 512;

/// A resource that a call names, by its type of CloudFormation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct AuditedResource {
    /// The type.
    pub kind: &'static str,
    /// The name, identifier or ARN.
    pub name: String,
}

/// Members that name resources of Amazon MQ and brokerd.
const OF_MQ: &[(&str, &str)] = &[
    ("broker-id", BROKER),
    ("brokerId", BROKER),
    ("brokerName", BROKER),
    ("brokerArn", BROKER),
    ("dataReplicationPrimaryBrokerArn", BROKER),
    ("configuration-id", CONFIGURATION),
    ("configurationId", CONFIGURATION),
    ("security-group-id", SECURITY_GROUP),
    ("securityGroupId", SECURITY_GROUP),
    ("secret-name", SECRET),
];

/// Members that name resources of CloudWatch Logs.
const OF_LOGS: &[(&str, &str)] = &[
    ("logGroupName", LOG_GROUP),
    ("logGroupIdentifier", LOG_GROUP),
    ("resourceArn", LOG_GROUP),
    ("logStreamName", LOG_STREAM),
];

/// Members that name resources of IAM and STS, also within what is answered.
const OF_IAM: &[(&str, &str)] = &[
    ("userName", USER),
    ("roleName", ROLE),
    ("roleArn", ROLE),
    ("groupName", GROUP),
    ("policyArn", POLICY),
    ("policyName", POLICY),
    ("accessKeyId", ACCESS_KEY),
];

impl AuditedResource {
    /// A broker.
    pub(super) fn broker(name: &str) -> Self {
        Self { kind: BROKER, name: name.to_owned() }
    }

    /// Those that a call to this service names in its parameters and in its answer.
    pub fn of_call(
        source: EventSource,
        parameters: Option<&Value>,
        answer: Option<&Value>,
    ) -> Vec<Self> {
        let mut found = Vec::new();
        for members in [parameters, answer].into_iter().flatten() {
            match source {
                EventSource::AmazonMq | EventSource::Brokerd => {
                    find(members, OF_MQ, &mut found);
                    find_arns(members, &mut found);
                }
                EventSource::Iam | EventSource::Sts => {
                    find(members, OF_IAM, &mut found);
                    for inner in members.as_object().into_iter().flatten().map(|(_, inner)| inner) {
                        find(inner, OF_IAM, &mut found);
                        if let Some(arn) = inner["arn"].as_str() {
                            add(&mut found, kind_of(arn), arn);
                        }
                    }
                }
                EventSource::Logs => find(members, OF_LOGS, &mut found),
                EventSource::CloudWatch => find_alarms(members, &mut found),
                EventSource::CloudTrail
                | EventSource::Tagging
                | EventSource::Ec2
                | EventSource::SignIn
                | EventSource::Oam => {}
            }
        }
        found
    }
}

/// The alarms that a call names, by their names or by the ARN that tags are about.
fn find_alarms(members: &Value, found: &mut Vec<AuditedResource>) {
    let several = members["alarmNames"].as_array().into_iter().flatten();
    for name in several.chain([&members["alarmName"]]).filter_map(Value::as_str) {
        add(found, Some(ALARM), name);
    }
    if let Some(arn) = members["resourceARN"].as_str() {
        add(found, Some(ALARM), arn);
        if let Some((_, name)) = arn.split_once(":alarm:") {
            add(found, Some(ALARM), name);
        }
    }
}

fn find(members: &Value, known: &[(&str, &'static str)], found: &mut Vec<AuditedResource>) {
    for (member, kind) in known {
        if let Some(name) = members[*member].as_str() {
            add(found, Some(kind), name);
        }
    }
}

/// The ARN that tags are about, and what an answer says of what was created: its ARN, and its identifier and name.
fn find_arns(members: &Value, found: &mut Vec<AuditedResource>) {
    if let Some(arn) = members["resource-arn"].as_str() {
        add(found, kind_of(arn), arn);
        // Who looks for a broker or configuration knows its identifier.
        if let (Some(kind), Some(id)) = (kind_of(arn), arn.rsplit(':').next()) {
            add(found, Some(kind), id);
        }
    }
    let Some((arn, kind)) = members["arn"].as_str().and_then(|arn| Some((arn, kind_of(arn)?)))
    else {
        return;
    };
    for name in [Some(arn), members["id"].as_str(), members["name"].as_str()].into_iter().flatten()
    {
        add(found, Some(kind), name);
    }
}

fn kind_of(arn: &str) -> Option<&'static str> {
    let mut parts = arn.splitn(6, ':').skip(2);
    let (service, resource) = (parts.next()?, parts.nth(2)?);
    let kinds: &[(&str, &'static str)] = match service {
        "mq" => &[("broker:", BROKER), ("configuration:", CONFIGURATION)],
        "ec2" => &[("security-group/", SECURITY_GROUP)],
        "secretsmanager" => &[("secret:", SECRET)],
        "iam" => &[("user/", USER), ("role/", ROLE), ("group/", GROUP), ("policy/", POLICY)],
        _ => &[],
    };
    kinds.iter().find(|(prefix, _)| resource.starts_with(prefix)).map(|(_, kind)| *kind)
}

fn add(found: &mut Vec<AuditedResource>, kind: Option<&'static str>, name: &str) {
    let Some(kind) = kind else { return };
    // Callers choose names that nothing has, too: no database keeps zeros, and nobody looks for long ones.
    let name: String = name.chars().filter(|c| *c != '\0').take(MAX_NAME_LENGTH).collect();
    let resource = AuditedResource { kind, name };
    if !resource.name.is_empty() && !found.contains(&resource) {
        found.push(resource);
    }
}
