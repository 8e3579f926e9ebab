//! DescribeUser.

use axum::extract::State;
use brokerd_domain::{BrokerId, BrokerState, ManagedUser, PendingChange, UserAttributes};
use brokerd_store::PgStore;
use serde::Serialize;
use utoipa::ToSchema;

use super::{is_managed, not_found};
use crate::{
    auth::Signed,
    http::{
        path::PathParams,
        respond::{Answer, Reply},
    },
    openapi::{NotFound, OfUser, ServiceErrors},
};

/// A user. One that does not exist before the next reboot is described as it will be.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DescribeUserResponse {
    /// The broker's identifier.
    broker_id: String,
    /// Whether the user may use the web console.
    console_access: bool,
    /// The groups, sorted.
    groups: Vec<String>,
    /// The change that waits for the next reboot; absent if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<UserPendingChanges>, nullable = false)]
    pending: Option<UserPendingChanges>,
    /// Whether this is the user of a data replication bridge.
    replication_user: bool,
    /// The user's name.
    username: String,
}

/// A user's change that waits for the next reboot.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UserPendingChanges {
    /// Whether the user may use the web console after the reboot.
    console_access: bool,
    /// The groups after the reboot.
    groups: Vec<String>,
    /// `CREATE`, `UPDATE` or `DELETE`.
    #[schema(value_type = String, example = "UPDATE")]
    pending_change: &'static str,
}

fn groups(attributes: &UserAttributes) -> Vec<String> {
    attributes.groups.iter().map(|group| group.as_str().to_owned()).collect()
}

impl DescribeUserResponse {
    fn of(broker: BrokerId, user: &ManagedUser) -> Self {
        let pending = |(change, after): &(PendingChange, UserAttributes)| UserPendingChanges {
            console_access: after.console_access,
            groups: groups(after),
            pending_change: change.as_str(),
        };
        Self {
            broker_id: broker.to_string(),
            console_access: user.attributes.console_access,
            groups: groups(&user.attributes),
            pending: user.pending.as_ref().map(pending),
            replication_user: user.attributes.replication_user,
            username: user.username.to_string(),
        }
    }
}

/// Describes a user of an ActiveMQ broker.
#[utoipa::path(
    get,
    path = "/v1/brokers/{broker-id}/users/{username}",
    operation_id = "DescribeUser",
    tag = "users",
    params(OfUser),
    responses(
        (status = 200, description = "The user.", body = DescribeUserResponse),
        NotFound,
        ServiceErrors,
    ),
    security(("sigv4" = [])),
)]
pub(crate) async fn describe_user(
    State(store): State<PgStore>,
    path: PathParams,
    signed: Signed,
) -> Answer<DescribeUserResponse> {
    let broker = path.broker(&store, &signed).await?;
    let username = path.get("username");
    let is_shown = is_managed(&broker) && broker.state() != BrokerState::DeletionInProgress;
    let user = match is_shown {
        true => store.user(broker.id, username).await?,
        false => None,
    };
    let user = user.ok_or_else(|| not_found(username))?;
    Ok(Reply(DescribeUserResponse::of(broker.id, &user)))
}

#[cfg(test)]
mod tests {
    use brokerd_domain::{EngineType, Group, Username};
    use serde_json::json;

    use super::*;

    /// Source: recorded answers of the service.
    #[test]
    fn a_settled_user_has_no_pending_member_and_a_changed_one_shows_both() {
        let mut user = ManagedUser {
            username: Username::parse(EngineType::ActiveMq, "alice").expect("valid"),
            attributes: UserAttributes::default(),
            pending: None,
        };
        let shown = |user: &ManagedUser| {
            let id = "b-1234a5b6-78cd-401e-af00-314506001789".parse().expect("identifier");
            serde_json::to_value(DescribeUserResponse::of(id, user)).expect("JSON")
        };
        assert_eq!(
            shown(&user),
            json!({
                "brokerId": "b-1234a5b6-78cd-401e-af00-314506001789", "consoleAccess": false,
                "groups": [], "replicationUser": false, "username": "alice",
            })
        );
        let after = UserAttributes {
            groups: [Group::parse("ab").expect("valid")].into(),
            console_access: true,
            replication_user: false,
        };
        user.pending = Some((PendingChange::Update, after));
        let changed = shown(&user);
        assert_eq!(changed["consoleAccess"], false);
        assert_eq!(
            changed["pending"],
            json!({"consoleAccess": true, "groups": ["ab"], "pendingChange": "UPDATE"})
        );
    }
}
