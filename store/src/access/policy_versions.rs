//! Versions of managed policies.

use brokerd_domain::{
    AccountId, Timestamp,
    identity::{IamArn, MAX_POLICY_VERSIONS, PolicyDocument, PolicyVersion, PolicyVersionId},
};

use super::{identity_row::policy_key, policies::inconsistent};
use crate::kernel::{PgStore, StoreError, pool::Transaction};

/// What became of a new version of a managed policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NewVersionOutcome {
    /// It is there, under that number.
    Created(PolicyVersionId),
    /// The account has no such policy of its own.
    NotFound,
    /// The policy has as many versions as it may have.
    TooMany,
}

/// What became of a version of a managed policy that is not wanted any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeleteVersionOutcome {
    /// It is gone.
    Deleted,
    /// There is no such policy, or it has no such version.
    NotFound,
    /// It is the one in force.
    IsDefault,
}

struct VersionRow {
    version: i32,
    document: String,
    is_default: bool,
    created: i64,
}

impl VersionRow {
    fn version(&self) -> Result<PolicyVersion, StoreError> {
        let wrong = |what: &dyn std::fmt::Display| StoreError::Inconsistent {
            table: "policy_version",
            what: format!("{}: {what}", self.version),
        };
        Ok(PolicyVersion {
            id: PolicyVersionId(u32::try_from(self.version).map_err(|error| wrong(&error))?),
            document: PolicyDocument::parse(&self.document).map_err(|error| wrong(&error))?,
            is_default: self.is_default,
            created: Timestamp::from_micros(self.created),
        })
    }
}

struct LockedPolicy {
    id: String,
    default_version: i32,
    next_version: i32,
}

/// A policy of an account, locked, so that its versions are changed by one at a time. None: it has no such policy of its
/// own.
async fn lock(
    transaction: &mut Transaction,
    account: &AccountId,
    arn: &IamArn,
) -> Result<Option<LockedPolicy>, StoreError> {
    let Some((Some(owner), path, name)) = policy_key(account, arn) else { return Ok(None) };
    let found = sqlx::query_as!(
        LockedPolicy,
        "select id, default_version, next_version from managed_policy
         where account = $1 and path = $2 and lower(name) = lower($3) and name = $3
         for update",
        owner,
        path,
        name
    )
    .fetch_optional(&mut **transaction)
    .await?;
    Ok(found)
}

impl PgStore {
    /// Adds a version to a policy of an account; it is in force at once if it is to be.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn create_policy_version(
        &self,
        account: &AccountId,
        arn: &IamArn,
        document: &PolicyDocument,
        is_default: bool,
        now: Timestamp,
    ) -> Result<NewVersionOutcome, StoreError> {
        let mut transaction = self.pool.begin().await?;
        let Some(policy) = lock(&mut transaction, account, arn).await? else {
            return Ok(NewVersionOutcome::NotFound);
        };
        let inserted = sqlx::query!(
            "insert into policy_version (policy_id, version, document, created)
             select $1, $2, $3, $4
             where (select count(*) from policy_version where policy_id = $1) < $5",
            policy.id,
            policy.next_version,
            document.as_str(),
            now.as_micros(),
            i64::from(MAX_POLICY_VERSIONS)
        )
        .execute(&mut *transaction)
        .await?;
        if inserted.rows_affected() == 0 {
            return Ok(NewVersionOutcome::TooMany);
        }
        sqlx::query!(
            "update managed_policy set next_version = next_version + 1, updated = $2,
               default_version = case when $3 then next_version else default_version end
             where id = $1",
            policy.id,
            now.as_micros(),
            is_default
        )
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        let number = u32::try_from(policy.next_version);
        let number = number.map_err(|error| inconsistent(&policy.id, error))?;
        Ok(NewVersionOutcome::Created(PolicyVersionId(number)))
    }

    /// The versions of a policy that is the account's or the service's, the newest first. None: there is no such policy.
    ///
    /// # Errors
    /// As every method of [`PgStore`]; also where one of them can't be read.
    pub async fn policy_versions(
        &self,
        account: &AccountId,
        arn: &IamArn,
    ) -> Result<Option<Vec<PolicyVersion>>, StoreError> {
        let Some((owner, path, name)) = policy_key(account, arn) else { return Ok(None) };
        let rows = sqlx::query_as!(
            VersionRow,
            r#"select v.version, v.document, v.version = p.default_version as "is_default!", v.created
               from policy_version v join managed_policy p on p.id = v.policy_id
               where p.account is not distinct from $1 and p.path = $2
                 and lower(p.name) = lower($3) and p.name = $3
               order by v.version desc"#,
            owner,
            path,
            name
        )
        .fetch_all(&self.pool)
        .await?;
        if rows.is_empty() {
            return Ok(None);
        }
        rows.iter().map(VersionRow::version).collect::<Result<_, _>>().map(Some)
    }

    /// Puts another version of an account's policy in force. False: there is no such policy, or it has no such version.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn set_default_policy_version(
        &self,
        account: &AccountId,
        arn: &IamArn,
        version: PolicyVersionId,
    ) -> Result<bool, StoreError> {
        let Ok(version) = i32::try_from(version.0) else { return Ok(false) };
        let mut transaction = self.pool.begin().await?;
        let Some(policy) = lock(&mut transaction, account, arn).await? else { return Ok(false) };
        let updated = sqlx::query!(
            "update managed_policy set default_version = $2
             where id = $1
               and exists (select from policy_version where policy_id = $1 and version = $2)",
            policy.id,
            version
        )
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(updated.rows_affected() > 0)
    }

    /// Deletes a version of an account's policy that is not in force.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn delete_policy_version(
        &self,
        account: &AccountId,
        arn: &IamArn,
        version: PolicyVersionId,
    ) -> Result<DeleteVersionOutcome, StoreError> {
        let Ok(version) = i32::try_from(version.0) else {
            return Ok(DeleteVersionOutcome::NotFound);
        };
        let mut transaction = self.pool.begin().await?;
        let Some(policy) = lock(&mut transaction, account, arn).await? else {
            return Ok(DeleteVersionOutcome::NotFound);
        };
        if policy.default_version == version {
            return Ok(DeleteVersionOutcome::IsDefault);
        }
        let deleted = sqlx::query!(
            "delete from policy_version where policy_id = $1 and version = $2",
            policy.id,
            version
        )
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(match deleted.rows_affected() {
            0 => DeleteVersionOutcome::NotFound,
            _ => DeleteVersionOutcome::Deleted,
        })
    }
}
