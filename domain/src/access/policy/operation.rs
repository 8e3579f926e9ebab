//! What a principal needs to be allowed for an operation.

/// What has to be allowed for an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OperationPermissions {
    /// The operation's name, as the API document has it.
    pub operation: &'static str,
    /// Each of these has to be allowed.
    pub actions: &'static [RequiredAction],
}

/// An action that has to be allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequiredAction {
    /// The action, as policies name it.
    pub action: &'static str,
    /// What kind of action it is.
    pub level: AccessLevel,
    /// On which resource.
    pub resource: ResourceType,
    /// What its context has beside the global keys.
    pub keys: &'static [ConditionKey],
    /// For which requests.
    pub when: When,
}

/// What kind of action it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AccessLevel {
    /// It lists resources.
    List,
    /// It reads a resource.
    Read,
    /// It creates, changes or deletes.
    Write,
    /// It changes tags, which is a kind of writing.
    Tagging,
}

/// What an action is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ResourceType {
    /// No single resource: policies have to allow `*`.
    Any,
    /// A broker.
    Broker,
    /// The broker that a new one replicates.
    PrimaryBroker,
    /// A configuration.
    Configuration,
    /// The broker or the configuration that the request names by ARN.
    BrokerOrConfiguration,
    /// A security group of brokerd.
    SecurityGroup,
    /// A secret of brokerd.
    Secret,
    /// The role that a configuration names.
    Role,
    /// An account.
    Account,
    /// A user, or a path of users that are listed.
    IamUser,
    /// A group of users, or a path of them.
    IamGroup,
    /// A role of IAM or AWS STS, or a path of them.
    IamRole,
    /// A managed policy.
    IamPolicy,
    /// The user, the group or the role that the request names by ARN.
    IamIdentity,
    /// A log group, or all of them.
    LogGroup,
    /// A stream of a log group.
    LogStream,
    /// An alarm of Amazon CloudWatch.
    Alarm,
}

/// What the context of an action has beside the global keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConditionKey {
    /// `aws:RequestTag/…`.
    RequestTag,
    /// `aws:TagKeys`.
    TagKeys,
    /// `aws:ResourceTag/…`.
    ResourceTag,
    /// `iam:PassedToService`, which is `mq.amazonaws.com`.
    PassedToService,
    /// `iam:PolicyARN`: the managed policy that is attached or detached.
    PolicyArn,
    /// `iam:PermissionsBoundary`: the boundary that is set, or that the user or role has.
    PermissionsBoundary,
    /// `sts:ExternalId`.
    ExternalId,
    /// `sts:RoleSessionName`.
    RoleSessionName,
    /// `sts:SourceIdentity`.
    SourceIdentity,
    /// `sts:TransitiveTagKeys`.
    TransitiveTagKeys,
}

/// For which requests an action has to be allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum When {
    /// Every one.
    Always,
    /// One that brings tags for what it creates.
    WithTags,
    /// One that begins a session with a source identity.
    WithSourceIdentity,
    /// One that creates a replica of a broker.
    WithPrimaryBroker,
    /// One that changes how clients of the broker are authenticated.
    WithAuthentication,
    /// One whose configuration names a role.
    WithRole,
}

impl ResourceType {
    /// The form of its ARN.
    ///
    /// Source: service authorization reference: Amazon MQ, IAM, AWS STS, Amazon CloudWatch and CloudWatch Logs; AWS
    /// Secrets Manager, Amazon EC2 and AWS Account Management for brokerd's own resources.
    pub const fn arn_format(self) -> &'static str {
        match self {
            Self::Any => "*",
            Self::Broker | Self::PrimaryBroker => {
                "arn:${Partition}:mq:${Region}:${Account}:broker:${BrokerName}:${BrokerId}"
            }
            Self::Configuration => {
                "arn:${Partition}:mq:${Region}:${Account}:configuration:${ConfigurationId}"
            }
            Self::BrokerOrConfiguration => "arn:${Partition}:mq:${Region}:${Account}:${Resource}",
            Self::SecurityGroup => {
                "arn:${Partition}:ec2:${Region}:${Account}:security-group/${SecurityGroupId}"
            }
            Self::Secret => {
                "arn:${Partition}:secretsmanager:${Region}:${Account}:secret:${SecretId}"
            }
            Self::Account => "arn:${Partition}:account::${Account}:account",
            Self::Role | Self::IamRole => {
                "arn:${Partition}:iam::${Account}:role/${RoleNameWithPath}"
            }
            Self::IamUser => "arn:${Partition}:iam::${Account}:user/${UserNameWithPath}",
            Self::IamGroup => "arn:${Partition}:iam::${Account}:group/${GroupNameWithPath}",
            Self::IamPolicy => "arn:${Partition}:iam::${Account}:policy/${PolicyNameWithPath}",
            Self::IamIdentity => "arn:${Partition}:iam::${Account}:${IdentityNameWithPath}",
            Self::LogGroup => {
                "arn:${Partition}:logs:${Region}:${Account}:log-group:${LogGroupName}"
            }
            Self::LogStream => {
                "arn:${Partition}:logs:${Region}:${Account}:log-group:${LogGroupName}:log-stream:${LogStreamName}"
            }
            Self::Alarm => "arn:${Partition}:cloudwatch:${Region}:${Account}:alarm:${AlarmName}",
        }
    }
}
