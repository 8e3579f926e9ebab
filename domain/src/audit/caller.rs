//! `userIdentity`.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::time::seconds;
use crate::{
    access::policy::{Principal, PrincipalKind},
    kernel::AccountId,
};

/// Who called, as far as events tell. Clones share it.
///
/// Source: "CloudTrail userIdentity element" of the CloudTrail user guide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallerIdentity(Arc<Identity>);

#[derive(Debug, PartialEq, Eq)]
struct Identity {
    principal: Principal,
    access_key_id: String,
}

impl CallerIdentity {
    /// That of who signed with this key.
    pub fn new(principal: Principal, access_key_id: impl Into<String>) -> Self {
        // Tags say what somebody may do, not who it is.
        let principal = Principal { tags: crate::Tags::default(), ..principal };
        Self(Arc::new(Identity { principal, access_key_id: access_key_id.into() }))
    }

    /// Who it is, without tags.
    pub fn principal(&self) -> &Principal {
        &self.0.principal
    }

    /// The account.
    pub fn account(&self) -> &AccountId {
        &self.principal().account
    }

    /// The key that signed.
    pub fn access_key_id(&self) -> &str {
        &self.0.access_key_id
    }

    /// The name by which LookupEvents finds its events: a user's, that of a session of a role, or `root`.
    pub fn username(&self) -> &str {
        match &self.principal().kind {
            PrincipalKind::Root => "root",
            PrincipalKind::User { name, .. } => name,
            PrincipalKind::RoleSession { session, .. } => session,
        }
    }

    /// The element.
    pub fn record(&self) -> Value {
        let principal = self.principal();
        let (kind, id) = match &principal.kind {
            PrincipalKind::Root => ("Root", principal.account.to_string()),
            PrincipalKind::User { id, .. } => ("IAMUser", id.clone()),
            PrincipalKind::RoleSession { role_id, session, .. } => {
                ("AssumedRole", format!("{role_id}:{session}"))
            }
        };
        let mut element = Map::new();
        element.insert("type".to_owned(), kind.into());
        element.insert("principalId".to_owned(), id.into());
        element.insert("arn".to_owned(), principal.arn().into());
        element.insert("accountId".to_owned(), principal.account.as_str().into());
        element.insert("accessKeyId".to_owned(), self.access_key_id().into());
        if let PrincipalKind::User { name, .. } = &principal.kind {
            element.insert("userName".to_owned(), name.as_str().into());
        }
        if let Some(context) = self.session_context() {
            element.insert("sessionContext".to_owned(), context);
        }
        Value::Object(element)
    }

    /// `sessionContext`: only temporary credentials have one.
    fn session_context(&self) -> Option<Value> {
        let principal = self.principal();
        let issued = principal.token_issued?;
        // Nobody has a device for multi-factor authentication.
        let attributes = json!({"creationDate": seconds(issued), "mfaAuthenticated": "false"});
        let PrincipalKind::RoleSession { role, role_id, source_identity, .. } = &principal.kind
        else {
            return Some(json!({ "attributes": attributes }));
        };
        let issuer = json!({
            "type": "Role",
            "principalId": role_id,
            "arn": principal.identity_arn(),
            "accountId": principal.account.as_str(),
            "userName": role,
        });
        let mut context = json!({"sessionIssuer": issuer, "attributes": attributes});
        if let Some(source) = source_identity {
            context["sourceIdentity"] = source.as_str().into();
        }
        Some(context)
    }
}
