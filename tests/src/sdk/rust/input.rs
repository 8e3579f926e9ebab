//! What the protocol asks for, as calls of the SDK.

use std::{cell::RefCell, collections::HashMap};

use anyhow::{Context, Result, ensure};
use aws_sdk_mq::{
    Client,
    types::{
        AuthenticationStrategy, BrokerStorageType, ConfigurationId, DataReplicationMode, DayOfWeek,
        DeploymentMode, EncryptionOptions, EngineType, LdapServerMetadataInput, Logs, PromoteMode,
        User, WeeklyStartTime,
    },
};
use serde_json::{Map, Value, json};

use super::{answer, failure, output::Plain as _};

/// The members of a structure; each is taken once, and none may be left.
#[derive(Debug)]
pub(super) struct Given(RefCell<Map<String, Value>>);

impl Given {
    pub(super) fn new(value: &Value) -> Self {
        Self(RefCell::new(value.as_object().cloned().unwrap_or_default()))
    }

    /// A member, when it is given.
    fn take<T: Read>(&self, name: &str) -> Result<Option<T>> {
        let value = self.0.borrow_mut().remove(name);
        value.map(|value| T::read(&value).with_context(|| name.to_owned())).transpose()
    }

    fn nothing_left(&self) -> Result<()> {
        let left: Vec<_> = self.0.borrow().keys().cloned().collect();
        ensure!(left.is_empty(), "there is no member {left:?}");
        Ok(())
    }
}

/// What a member can be.
trait Read: Sized {
    fn read(value: &Value) -> Result<Self>;
}

impl Read for String {
    fn read(value: &Value) -> Result<Self> {
        Ok(value.as_str().context("not a text")?.to_owned())
    }
}

impl Read for bool {
    fn read(value: &Value) -> Result<Self> {
        value.as_bool().context("neither true nor false")
    }
}

impl Read for i32 {
    fn read(value: &Value) -> Result<Self> {
        Ok(Self::try_from(value.as_i64().context("not a number")?)?)
    }
}

impl<T: Read> Read for Vec<T> {
    fn read(value: &Value) -> Result<Self> {
        value.as_array().context("not a list")?.iter().map(T::read).collect()
    }
}

impl Read for HashMap<String, String> {
    fn read(value: &Value) -> Result<Self> {
        let entries = value.as_object().context("not a map")?.iter();
        entries.map(|(key, value)| Ok((key.clone(), String::read(value)?))).collect()
    }
}

macro_rules! enumerations {
    ($($name:ident),* $(,)?) => {
        $(impl Read for $name {
            fn read(value: &Value) -> Result<Self> {
                Ok(Self::from(value.as_str().context("not a text")?))
            }
        })*
    };
}

enumerations!(
    AuthenticationStrategy,
    BrokerStorageType,
    DataReplicationMode,
    DayOfWeek,
    DeploymentMode,
    EngineType,
    PromoteMode,
);

/// Gives a builder the members that are given.
macro_rules! filled {
    ($builder:expr, $given:expr, $($member:literal $setter:ident),* $(,)?) => {{
        let builder = $builder$(.$setter($given.take($member)?))*;
        $given.nothing_left()?;
        builder
    }};
}

macro_rules! structures {
    ($($name:ident { $($member:literal $setter:ident),* $(,)? })*) => {
        $(impl Read for $name {
            fn read(value: &Value) -> Result<Self> {
                let given = Given::new(value);
                Ok(filled!(Self::builder(), given, $($member $setter),*).build())
            }
        })*
    };
}

structures! {
    ConfigurationId { "Id" set_id, "Revision" set_revision }
    EncryptionOptions { "KmsKeyId" set_kms_key_id, "UseAwsOwnedKey" set_use_aws_owned_key }
    LdapServerMetadataInput {
        "Hosts" set_hosts, "RoleBase" set_role_base, "RoleName" set_role_name,
        "RoleSearchMatching" set_role_search_matching, "RoleSearchSubtree" set_role_search_subtree,
        "ServiceAccountPassword" set_service_account_password, "ServiceAccountUsername" set_service_account_username,
        "UserBase" set_user_base, "UserRoleName" set_user_role_name,
        "UserSearchMatching" set_user_search_matching, "UserSearchSubtree" set_user_search_subtree,
    }
    Logs { "Audit" set_audit, "General" set_general }
    User {
        "ConsoleAccess" set_console_access, "Groups" set_groups, "Password" set_password, "Username" set_username,
        "ReplicationUser" set_replication_user,
    }
    WeeklyStartTime { "DayOfWeek" set_day_of_week, "TimeOfDay" set_time_of_day, "TimeZone" set_time_zone }
}

/// Calls an operation.
pub(super) async fn perform(client: &Client, operation: &str, given: Given) -> Result<Value> {
    macro_rules! send {
        ($builder:expr $(, $member:literal $setter:ident)* $(,)?) => {
            answer(filled!($builder, given, $($member $setter),*).send().await)
        };
    }
    Ok(match operation {
        "CreateBroker" => send!(
            client.create_broker(),
            "AuthenticationStrategy" set_authentication_strategy,
            "AutoMinorVersionUpgrade" set_auto_minor_version_upgrade,
            "BrokerName" set_broker_name,
            "Configuration" set_configuration,
            "CreatorRequestId" set_creator_request_id,
            "DataReplicationMode" set_data_replication_mode,
            "DataReplicationPrimaryBrokerArn" set_data_replication_primary_broker_arn,
            "DeploymentMode" set_deployment_mode,
            "EncryptionOptions" set_encryption_options,
            "EngineType" set_engine_type,
            "EngineVersion" set_engine_version,
            "HostInstanceType" set_host_instance_type,
            "LdapServerMetadata" set_ldap_server_metadata,
            "Logs" set_logs,
            "MaintenanceWindowStartTime" set_maintenance_window_start_time,
            "PubliclyAccessible" set_publicly_accessible,
            "SecurityGroups" set_security_groups,
            "StorageSize" set_storage_size,
            "StorageType" set_storage_type,
            "SubnetIds" set_subnet_ids,
            "Tags" set_tags,
            "Users" set_users,
        ),
        "UpdateBroker" => send!(
            client.update_broker(),
            "AuthenticationStrategy" set_authentication_strategy,
            "AutoMinorVersionUpgrade" set_auto_minor_version_upgrade,
            "BrokerId" set_broker_id,
            "Configuration" set_configuration,
            "DataReplicationMode" set_data_replication_mode,
            "EngineVersion" set_engine_version,
            "HostInstanceType" set_host_instance_type,
            "LdapServerMetadata" set_ldap_server_metadata,
            "Logs" set_logs,
            "MaintenanceWindowStartTime" set_maintenance_window_start_time,
            "ResourceShareArns" set_resource_share_arns,
            "SecurityGroups" set_security_groups,
            "StorageSize" set_storage_size,
        ),
        "DescribeBroker" => send!(client.describe_broker(), "BrokerId" set_broker_id),
        "DeleteBroker" => send!(client.delete_broker(), "BrokerId" set_broker_id),
        "RebootBroker" => send!(client.reboot_broker(), "BrokerId" set_broker_id),
        "Promote" => send!(client.promote(), "BrokerId" set_broker_id, "Mode" set_mode),
        "ListBrokers" => {
            send!(client.list_brokers(), "MaxResults" set_max_results, "NextToken" set_next_token)
        }
        "DescribeSharedResources" => send!(
            client.describe_shared_resources(),
            "BrokerId" set_broker_id, "MaxResults" set_max_results, "NextToken" set_next_token,
        ),
        "CreateUser" => send!(
            client.create_user(),
            "BrokerId" set_broker_id, "ConsoleAccess" set_console_access, "Groups" set_groups, "Password" set_password,
            "ReplicationUser" set_replication_user, "Username" set_username,
        ),
        "UpdateUser" => send!(
            client.update_user(),
            "BrokerId" set_broker_id, "ConsoleAccess" set_console_access, "Groups" set_groups, "Password" set_password,
            "ReplicationUser" set_replication_user, "Username" set_username,
        ),
        "DescribeUser" => {
            send!(client.describe_user(), "BrokerId" set_broker_id, "Username" set_username)
        }
        "DeleteUser" => {
            send!(client.delete_user(), "BrokerId" set_broker_id, "Username" set_username)
        }
        "ListUsers" => send!(
            client.list_users(),
            "BrokerId" set_broker_id, "MaxResults" set_max_results, "NextToken" set_next_token,
        ),
        "CreateConfiguration" => send!(
            client.create_configuration(),
            "AuthenticationStrategy" set_authentication_strategy, "EngineType" set_engine_type,
            "EngineVersion" set_engine_version, "Name" set_name, "Tags" set_tags,
        ),
        "UpdateConfiguration" => send!(
            client.update_configuration(),
            "ConfigurationId" set_configuration_id, "Data" set_data, "Description" set_description,
        ),
        "DescribeConfiguration" => {
            send!(client.describe_configuration(), "ConfigurationId" set_configuration_id)
        }
        "DeleteConfiguration" => {
            send!(client.delete_configuration(), "ConfigurationId" set_configuration_id)
        }
        "ListConfigurations" => {
            send!(client.list_configurations(), "MaxResults" set_max_results, "NextToken" set_next_token)
        }
        "ListConfigurationRevisions" => send!(
            client.list_configuration_revisions(),
            "ConfigurationId" set_configuration_id, "MaxResults" set_max_results, "NextToken" set_next_token,
        ),
        "DescribeConfigurationRevision" => send!(
            client.describe_configuration_revision(),
            "ConfigurationId" set_configuration_id, "ConfigurationRevision" set_configuration_revision,
        ),
        "CreateTags" => {
            send!(client.create_tags(), "ResourceArn" set_resource_arn, "Tags" set_tags)
        }
        "DeleteTags" => {
            send!(client.delete_tags(), "ResourceArn" set_resource_arn, "TagKeys" set_tag_keys)
        }
        "ListTags" => send!(client.list_tags(), "ResourceArn" set_resource_arn),
        "DescribeBrokerEngineTypes" => send!(
            client.describe_broker_engine_types(),
            "EngineType" set_engine_type, "MaxResults" set_max_results, "NextToken" set_next_token,
        ),
        "DescribeBrokerInstanceOptions" => send!(
            client.describe_broker_instance_options(),
            "EngineType" set_engine_type, "HostInstanceType" set_host_instance_type, "MaxResults" set_max_results,
            "NextToken" set_next_token, "StorageType" set_storage_type,
        ),
        other => json!({ "unknown": format!("no operation {other}") }),
    })
}

/// Turns the pages of an operation.
pub(super) async fn pages(
    client: &Client,
    operation: &str,
    given: Given,
    size: i32,
) -> Result<Value> {
    macro_rules! turn {
        ($paginator:expr) => {{
            let mut pages = $paginator.page_size(size).send();
            let mut turned = Vec::new();
            while let Some(page) = pages.next().await {
                match page {
                    Ok(page) => turned.push(page.plain()),
                    Err(error) => return Ok(failure(error)),
                }
            }
            json!({ "ok": turned })
        }};
    }
    Ok(match operation {
        "ListBrokers" => {
            given.nothing_left()?;
            turn!(client.list_brokers().into_paginator())
        }
        "DescribeSharedResources" => {
            let call = filled!(client.describe_shared_resources(), given, "BrokerId" set_broker_id);
            turn!(call.into_paginator())
        }
        other => json!({ "unknown": format!("no paginator for {other}") }),
    })
}
