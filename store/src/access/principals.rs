//! Who signs, and which policies apply to it: what authentication and authorisation need, in one statement. The API
//! remembers the answer for a while, so that a signature costs no statement.

use std::sync::Arc;

use brokerd_domain::{
    AccountId, Tags, Timestamp,
    identity::{AccessKeyState, AccountState, IamArn, IdentityId, Session, SessionHolder},
    policy::{
        AppliedPolicies, AppliedPolicy, Policy, PolicyName, PolicySource, PolicyType, Principal,
        PrincipalKind,
    },
};
use secrecy::SecretString;
use serde::Deserialize;

use super::{
    access_keys::{place, read_state},
    accounts,
    identity_row::inconsistent,
};
use crate::kernel::{
    PgStore, StoreError,
    json::{Raw, read_json},
};

/// Who calls, and what bounds its calls.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Who it is.
    pub principal: Principal,
    /// The policies that apply to it.
    pub policies: AppliedPolicies,
    /// Whether its account's calls are answered.
    pub account_state: AccountState,
    /// How many calls per second its account may make in the long run; none: as every account.
    pub api_rate: Option<u32>,
}

/// An access key that lasts, and who calls with it.
#[derive(Debug, Clone)]
pub struct KeyCaller {
    /// The secret part of the key.
    pub secret: SecretString,
    /// Whether the key signs.
    pub state: AccessKeyState,
    /// From when on it does not; none: it does for ever.
    pub expires: Option<Timestamp>,
    /// Whose key it is.
    pub caller: Caller,
}

impl KeyCaller {
    /// Whether the key signs at that moment.
    pub fn is_usable(&self, now: Timestamp) -> bool {
        self.state == AccessKeyState::Active && self.expires.is_none_or(|end| now < end)
    }
}

/// A policy in an answer of the database.
#[derive(Deserialize)]
struct PolicyRow {
    /// The identity that it is attached to or embedded in, where that may be a group: kind, path and name.
    #[serde(default)]
    holder: Option<(String, String, String)>,
    /// The name of the inline policy.
    #[serde(default)]
    inline: Option<String>,
    /// The ARN of the managed policy.
    #[serde(default)]
    managed: Option<String>,
    document: String,
}

impl PolicyRow {
    /// The policy, which applies to a principal by way of the holder or else of `identity`.
    fn applied(
        self,
        policy_type: PolicyType,
        principal: &Principal,
        identity: &str,
    ) -> AppliedPolicy {
        let account = &principal.account;
        let identity = self.holder.map_or_else(
            || identity.to_owned(),
            |(kind, path, name)| format!("arn:aws:iam::{account}:{kind}{path}{name}"),
        );
        let name = match (self.managed, self.inline) {
            (Some(arn), _) => PolicyName::Managed(arn),
            (None, Some(name)) => PolicyName::Inline(name),
            (None, None) => PolicyName::Only,
        };
        applied(PolicySource { policy_type, identity, name }, &self.document)
    }
}

/// The policy of a document. One that this version can't read denies everything, because whoever leaves it out may leave
/// out what denies; the account's root, which no policy binds, can replace it.
fn applied(source: PolicySource, document: &str) -> AppliedPolicy {
    let policy = Policy::parse(document, source.policy_type).unwrap_or_else(|error| {
        tracing::error!(
            identity = source.identity, policy = ?source.name, %error,
            "stored policy can't be read; it denies everything until it is replaced"
        );
        Policy::deny_everything()
    });
    AppliedPolicy { source, policy: Arc::new(policy) }
}

/// What a statement tells of an identity and its account.
struct CallerRow {
    identity_id: String,
    account: String,
    path: String,
    name: String,
    tags: Raw,
    account_state: String,
    most_api_rate: Option<i32>,
    policies: Raw,
    boundary: Option<Raw>,
}

/// The columns of a [`CallerRow`] out of those that a statement tells.
macro_rules! caller_row {
    ($row:ident) => {
        CallerRow {
            identity_id: $row.identity_id,
            account: $row.account,
            path: $row.path,
            name: $row.name,
            tags: $row.tags,
            account_state: $row.account_state,
            most_api_rate: $row.most_api_rate,
            policies: $row.policies,
            boundary: $row.boundary,
        }
    };
}

/// An identity `i` of an account `a` with its policies and those of its groups, with more columns before and the rest of
/// the statement behind.
macro_rules! select_caller {
    ($row:ident, $columns:literal, $tail:literal, $($argument:expr),+ $(,)?) => {
        sqlx::query_as!(
            $row,
            "select " + $columns + r#" i.id as identity_id, i.account, i.path, i.name,
                    i.tags as "tags: Raw", a.state as account_state, a.most_api_rate,
                    (select coalesce(json_agg(p), '[]') from (
                       select json_build_array(h.kind, h.path, h.name) as holder,
                              n.name as inline, null as managed, n.document
                       from inline_policy n join identity h on h.id = n.identity_id
                       where h.id = i.id
                          or h.id in (select group_id from group_member where user_id = i.id)
                       union all
                       (select distinct on (m.id) json_build_array(h.kind, h.path, h.name), null,
                               policy_arn(m.account, m.path, m.name), v.document
                        from attached_policy t
                        join identity h on h.id = t.identity_id
                        join managed_policy m on m.id = t.policy_id
                        join policy_version v on v.policy_id = m.id and v.version = m.default_version
                        where h.id = i.id
                           or h.id in (select group_id from group_member where user_id = i.id)
                        order by m.id, h.id = i.id desc)
                     ) p) as "policies!: Raw",
                    (select json_build_object('managed', policy_arn(m.account, m.path, m.name),
                                              'document', v.document)
                     from managed_policy m
                     join policy_version v on v.policy_id = m.id and v.version = m.default_version
                     where m.id = i.boundary_id) as "boundary?: Raw" "# + $tail,
            $($argument),+
        )
    };
}

impl CallerRow {
    /// Who it is: with a key that lasts, or in a session.
    fn caller(self, session: Option<&Session>) -> Result<Caller, StoreError> {
        let wrong = |what: &dyn std::fmt::Display| inconsistent(&self.identity_id, what);
        let account: AccountId = self.account.parse().map_err(|error| wrong(&error))?;
        let tags: Tags = read_json("identity", &self.identity_id, &self.tags)?;
        let id: IdentityId = self.identity_id.parse().map_err(|error| wrong(&error))?;
        let (kind, tags) = match (id, session.map(|session| (session, &session.holder))) {
            (IdentityId::Root(_), None | Some((_, SessionHolder::Root(_)))) => {
                (PrincipalKind::Root, Tags::default())
            }
            (IdentityId::User(id), None | Some((_, SessionHolder::User(_)))) => {
                let kind = PrincipalKind::User {
                    path: self.path.clone(),
                    name: self.name.clone(),
                    id: id.to_string(),
                };
                (kind, tags)
            }
            (IdentityId::Role(id), Some((session, SessionHolder::Role(_, name)))) => {
                let kind = PrincipalKind::RoleSession {
                    path: self.path.clone(),
                    role: self.name.clone(),
                    role_id: id.to_string(),
                    session: name.to_string(),
                    transitive_tag_keys: session.transitive_tag_keys.clone(),
                    source_identity: session.source_identity.as_ref().map(ToString::to_string),
                };
                (kind, tags.overlaid(&session.tags))
            }
            _ => return Err(wrong(&"nobody who calls")),
        };
        let token_issued = session.map(|session| session.issued);
        let principal = Principal { account, kind, tags, token_issued };
        let identity = principal.identity_arn();
        let policies: Vec<PolicyRow> = read_json("identity", &self.identity_id, &self.policies)?;
        let boundary: Option<PolicyRow> = self
            .boundary
            .as_ref()
            .map(|boundary| read_json("identity", &self.identity_id, boundary))
            .transpose()?;
        let applied =
            |policy: PolicyRow, policy_type| policy.applied(policy_type, &principal, &identity);
        let policies = AppliedPolicies {
            identity: policies.into_iter().map(|row| applied(row, PolicyType::Identity)).collect(),
            boundary: boundary.map(|row| applied(row, PolicyType::PermissionsBoundary)),
            session: None,
            trust: None,
        };
        Ok(Caller {
            principal,
            policies,
            account_state: AccountState::from_name(&self.account_state)
                .ok_or_else(|| accounts::inconsistent(&self.account, &self.account_state))?,
            api_rate: self
                .most_api_rate
                .map(u32::try_from)
                .transpose()
                .map_err(|error| accounts::inconsistent(&self.account, error))?,
        })
    }
}

struct KeyCallerRow {
    key_id: String,
    secret: Vec<u8>,
    key_state: String,
    expires: Option<i64>,
    identity_id: String,
    account: String,
    path: String,
    name: String,
    tags: Raw,
    account_state: String,
    most_api_rate: Option<i32>,
    policies: Raw,
    boundary: Option<Raw>,
}

struct SessionCallerRow {
    session_policies: Raw,
    identity_id: String,
    account: String,
    path: String,
    name: String,
    tags: Raw,
    account_state: String,
    most_api_rate: Option<i32>,
    policies: Raw,
    boundary: Option<Raw>,
}

impl PgStore {
    /// The caller of a long-term key, in one statement; `None` if there is no such key. Whoever calls this method checks
    /// that the key and the account are in force.
    ///
    /// # Errors
    /// [`StoreError::Seal`] when the secret was sealed with another master key; [`StoreError::Inconsistent`] when a row
    /// can't be read. A policy that can't be read denies everything.
    pub async fn principal_of(&self, access_key: &str) -> Result<Option<KeyCaller>, StoreError> {
        let row = select_caller!(
            KeyCallerRow,
            "k.id as key_id, k.secret, k.state as key_state, k.expires,",
            "from access_key k join identity i on i.id = k.identity_id
             join account a on a.id = i.account where k.id = $1",
            access_key
        )
        .fetch_optional(&self.pool)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let secret = self.key.open_text(&place(&row.key_id), &row.secret)?;
        let state = read_state(&row.key_id, &row.key_state)?;
        let caller = caller_row!(row);
        Ok(Some(KeyCaller {
            secret,
            state,
            expires: row.expires.map(Timestamp::from_micros),
            caller: caller.caller(None)?,
        }))
    }

    /// Who calls in a session that has not ended, in one statement. None: the user or role is gone, or its sessions of
    /// that time were revoked. A session policy that was deleted since allows nothing.
    ///
    /// # Errors
    /// As [`PgStore::principal_of`].
    pub async fn principal_in(&self, session: &Session) -> Result<Option<Caller>, StoreError> {
        let identity = session.holder.identity();
        let arns: Vec<String> = session.policy_arns.iter().map(IamArn::to_string).collect();
        let row = select_caller!(
            SessionCallerRow,
            r#"(select coalesce(json_agg(json_build_object(
                         'managed', policy_arn(m.account, m.path, m.name), 'document', v.document)), '[]')
                from managed_policy m
                join policy_version v on v.policy_id = m.id and v.version = m.default_version
                where (m.account is null or m.account = i.account)
                  and policy_arn(m.account, m.path, m.name) = any($3)) as "session_policies!: Raw","#,
            "from identity i join account a on a.id = i.account
             where i.id = $1 and i.sessions_valid_from <= $2",
            identity.as_str(),
            session.issued.as_micros(),
            &arns
        )
        .fetch_optional(&self.pool)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let managed: Vec<PolicyRow> =
            read_json("identity", &row.identity_id, &row.session_policies)?;
        let caller = caller_row!(row);
        let mut found = caller.caller(Some(session))?;
        if session.policy.is_some() || !session.policy_arns.is_empty() {
            let identity = found.principal.arn();
            let own = session.policy.iter().map(|document| {
                let source = PolicySource {
                    policy_type: PolicyType::Session,
                    identity: identity.clone(),
                    name: PolicyName::Only,
                };
                applied(source, document.as_str())
            });
            let managed = managed
                .into_iter()
                .map(|row| row.applied(PolicyType::Session, &found.principal, &identity));
            found.policies.session = Some(own.chain(managed).collect());
        }
        Ok(Some(found))
    }
}
