//! Managed policies.

use brokerd_domain::{
    AccountId, Tags, Timestamp,
    identity::{
        IamArn, MAX_MANAGED_POLICIES, ManagedPolicy, Path, PolicyDocument, PolicyName, PolicyOwner,
        PolicyVersionId,
    },
};
use serde_json::json;

use super::identity_row::{IamPage, IamPageQuery, policy_key, violated};
use crate::kernel::{
    PgStore, StoreError,
    json::{Raw, read_json},
};

/// What became of a new managed policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NewPolicyOutcome {
    /// It is there, with the document as its first version.
    Created,
    /// Another policy of the account has the name, if only in another letter case.
    NameTaken,
    /// The account has as many as it may have.
    TooMany,
}

/// What became of a managed policy that is not wanted any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeletePolicyOutcome {
    /// It is gone.
    Deleted,
    /// The account has no such policy of its own.
    NotFound,
    /// It has versions beside the one in force.
    HasVersions,
    /// It is attached to somebody, or bounds somebody.
    InUse,
}

struct PolicyRow {
    id: String,
    account: Option<String>,
    path: String,
    name: String,
    description: String,
    created: i64,
    updated: i64,
    default_version: i32,
    tags: Raw,
    attachments: i64,
    bounded: i64,
}

pub(super) fn inconsistent(row: &str, what: impl std::fmt::Display) -> StoreError {
    StoreError::Inconsistent { table: "managed_policy", what: format!("{row}: {what}") }
}

impl PolicyRow {
    fn policy(&self) -> Result<ManagedPolicy, StoreError> {
        let wrong = |what: &dyn std::fmt::Display| inconsistent(&self.id, what);
        let owner = match &self.account {
            None => PolicyOwner::Aws,
            Some(account) => PolicyOwner::Account(account.parse().map_err(|error| wrong(&error))?),
        };
        let tags: Tags = read_json("managed_policy", &self.id, &self.tags)?;
        Ok(ManagedPolicy {
            id: self.id.parse().map_err(|error| wrong(&error))?,
            owner,
            path: Path::parse(Some(&self.path)).map_err(|error| wrong(&error))?,
            name: PolicyName::parse(&self.name).map_err(|error| wrong(&error))?,
            description: self.description.clone(),
            created: Timestamp::from_micros(self.created),
            updated: Timestamp::from_micros(self.updated),
            default_version: PolicyVersionId(
                u32::try_from(self.default_version).map_err(|error| wrong(&error))?,
            ),
            attachments: u32::try_from(self.attachments).map_err(|error| wrong(&error))?,
            bounded: u32::try_from(self.bounded).map_err(|error| wrong(&error))?,
            tags,
        })
    }
}

/// Every column of a [`PolicyRow`], as the account of the first argument sees it, with the rest of the statement behind.
macro_rules! select_policy {
    ($tail:literal, $($argument:expr),+ $(,)?) => {
        sqlx::query_as!(
            PolicyRow,
            r#"select p.id, p.account, p.path, p.name, p.description, p.created, p.updated,
                      p.default_version, p.tags as "tags: Raw",
                      (select count(*) from attached_policy t join identity i on i.id = t.identity_id
                       where t.policy_id = p.id and i.account = $1) as "attachments!",
                      (select count(*) from identity i
                       where i.boundary_id = p.id and i.account = $1) as "bounded!"
               from managed_policy p "# + $tail,
            $($argument),+
        )
    };
}

impl PgStore {
    /// Creates a managed policy of an account with a first version.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn create_managed_policy(
        &self,
        account: &AccountId,
        policy: &ManagedPolicy,
        document: &PolicyDocument,
    ) -> Result<NewPolicyOutcome, StoreError> {
        let inserted = sqlx::query!(
            "with p as (
               insert into managed_policy (id, account, path, name, description, created, updated, tags)
               select $1, $2, $3, $4, $5, $6, $6, $7
               where (select count(*) from managed_policy where account = $2) < $9
               on conflict do nothing
               returning id
             )
             insert into policy_version (policy_id, version, document, created)
             select id, 1, $8, $6 from p",
            policy.id.as_str(),
            account.as_str(),
            policy.path.as_str(),
            policy.name.as_str(),
            policy.description,
            policy.created.as_micros(),
            json!(policy.tags),
            document.as_str(),
            i64::from(MAX_MANAGED_POLICIES)
        )
        .execute(&self.pool)
        .await?;
        if inserted.rows_affected() == 1 {
            return Ok(NewPolicyOutcome::Created);
        }
        let taken = sqlx::query_scalar!(
            r#"select exists (select from managed_policy
                              where account = $1 and lower(name) = lower($2)) as "taken!""#,
            account.as_str(),
            policy.name.as_str()
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(if taken { NewPolicyOutcome::NameTaken } else { NewPolicyOutcome::TooMany })
    }

    /// The policy of that ARN, if it is the account's or the service's, with how often the account uses it.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn managed_policy(
        &self,
        account: &AccountId,
        arn: &IamArn,
    ) -> Result<Option<ManagedPolicy>, StoreError> {
        let Some((owner, path, name)) = policy_key(account, arn) else { return Ok(None) };
        let row = select_policy!(
            "where p.account is not distinct from $2 and p.path = $3
               and lower(p.name) = lower($4) and p.name = $4",
            account.as_str(),
            owner,
            path,
            name
        )
        .fetch_optional(&self.pool)
        .await?;
        row.map(|row| row.policy()).transpose()
    }

    /// Policies that an account may attach, by name, without those that can't be read: its own, the service's, or both.
    /// With `only_attached` only those that it has attached to somebody.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn managed_policies(
        &self,
        account: &AccountId,
        owners: &[PolicyOwner],
        only_attached: bool,
        query: IamPageQuery<'_>,
    ) -> Result<IamPage<ManagedPolicy>, StoreError> {
        let own = owners.iter().any(|owner| owner.account() == Some(account));
        let rows = select_policy!(
            "where (($2 and p.account = $1) or ($3 and p.account is null))
               and (not $4 or exists (
                 select from attached_policy t join identity i on i.id = t.identity_id
                 where t.policy_id = p.id and i.account = $1))
               and starts_with(p.path, $5)
               and ($6::text is null
                    or (lower(p.name), coalesce(p.account, '')) > (lower(split_part($6, '/', 1)),
                                                                   split_part($6, '/', 2)))
             order by lower(p.name), coalesce(p.account, '') limit $7",
            account.as_str(),
            own,
            owners.contains(&PolicyOwner::Aws),
            only_attached,
            query.path_prefix,
            query.after,
            query.limit()
        )
        .fetch_all(&self.pool)
        .await?;
        // An account's own policy may be called as one of the service's is.
        let key = |row: &PolicyRow| {
            format!("{}/{}", row.name, row.account.as_deref().unwrap_or_default())
        };
        let read = |row: PolicyRow| self.skipped.keep("managed_policy", &row.id, row.policy());
        Ok(IamPage::of(rows, query.most, key, read))
    }

    /// Replaces the tags of an account's policy, if they still are those that were `seen`; false: they are not, or the
    /// account has no such policy of its own.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn set_policy_tags(
        &self,
        account: &AccountId,
        arn: &IamArn,
        seen: &Tags,
        tags: &Tags,
    ) -> Result<bool, StoreError> {
        let Some((Some(owner), path, name)) = policy_key(account, arn) else { return Ok(false) };
        let updated = sqlx::query!(
            "update managed_policy set tags = $5
             where account = $1 and path = $2 and lower(name) = lower($3) and name = $3
               and tags = $4",
            owner,
            path,
            name,
            json!(seen),
            json!(tags)
        )
        .execute(&self.pool)
        .await?;
        Ok(updated.rows_affected() > 0)
    }

    /// Deletes a policy of an account that nobody has and that has only the version in force. Whoever gets it in the
    /// same moment is refused, or keeps it.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn delete_managed_policy(
        &self,
        account: &AccountId,
        arn: &IamArn,
    ) -> Result<DeletePolicyOutcome, StoreError> {
        let Some((Some(owner), path, name)) = policy_key(account, arn) else {
            return Ok(DeletePolicyOutcome::NotFound);
        };
        let deleted = sqlx::query!(
            "delete from managed_policy p
             where p.account = $1 and p.path = $2 and lower(p.name) = lower($3) and p.name = $3
               and not exists (select from policy_version v
                               where v.policy_id = p.id and v.version <> p.default_version)",
            owner,
            path,
            name
        )
        .execute(&self.pool)
        .await;
        match deleted {
            Ok(done) if done.rows_affected() == 1 => return Ok(DeletePolicyOutcome::Deleted),
            Ok(_) => {}
            Err(error) => {
                return match violated(&error) {
                    Some("attached_policy_policy" | "identity_boundary") => {
                        Ok(DeletePolicyOutcome::InUse)
                    }
                    _ => Err(error.into()),
                };
            }
        }
        Ok(match self.managed_policy(account, arn).await? {
            None => DeletePolicyOutcome::NotFound,
            Some(_) => DeletePolicyOutcome::HasVersions,
        })
    }
}
