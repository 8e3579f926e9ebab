//! Which managed policies users, groups and roles have, and what bounds users and roles.

use brokerd_domain::{
    AccountId,
    identity::{IamArn, MAX_ATTACHED_POLICIES},
};

use super::{
    identity_lock::lock_identity,
    identity_row::{IdentityName, inconsistent, policy_key, violated},
};
use crate::kernel::{PgStore, StoreError};

/// What became of a policy that is to be attached to somebody, or to bound somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttachOutcome {
    /// It is as wanted.
    Done,
    /// The account has no such user, group or role.
    NoIdentity,
    /// There is no such policy; or, where one is to be detached, it is not attached.
    NoPolicy,
    /// As many policies are attached as may be.
    TooMany,
}

/// How somebody uses a managed policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PolicyUse {
    /// It is attached.
    Attached,
    /// It is the permissions boundary.
    Boundary,
}

/// Who uses a managed policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyEntity {
    /// The identifier.
    pub id: String,
    /// The kind and the name.
    pub name: IdentityName,
    /// How.
    pub usage: PolicyUse,
}

impl PgStore {
    /// Attaches a managed policy of the account or of the service; one that is attached stays.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn attach_policy(
        &self,
        account: &AccountId,
        name: &IdentityName,
        arn: &IamArn,
    ) -> Result<AttachOutcome, StoreError> {
        let Some((owner, path, policy)) = policy_key(account, arn) else {
            return Ok(AttachOutcome::NoPolicy);
        };
        let mut transaction = self.pool.begin().await?;
        let identity = lock_identity(&mut transaction, account, name.kind(), name.as_str()).await?;
        let Some(identity) = identity else { return Ok(AttachOutcome::NoIdentity) };
        let policy = sqlx::query_scalar!(
            "select id from managed_policy
             where account is not distinct from $1 and path = $2
               and lower(name) = lower($3) and name = $3",
            owner,
            path,
            policy
        )
        .fetch_optional(&mut *transaction)
        .await?;
        let Some(policy) = policy else { return Ok(AttachOutcome::NoPolicy) };
        let attached = sqlx::query!(
            "insert into attached_policy (identity_id, policy_id)
             select $1, $2
             where (select count(*) from attached_policy
                    where identity_id = $1 and policy_id <> $2) < $3
             on conflict (identity_id, policy_id) do update set policy_id = excluded.policy_id",
            identity,
            policy,
            i64::from(MAX_ATTACHED_POLICIES)
        )
        .execute(&mut *transaction)
        .await;
        match attached {
            Ok(done) if done.rows_affected() == 0 => return Ok(AttachOutcome::TooMany),
            Ok(_) => {}
            // Deleted in the same moment.
            Err(error) if violated(&error) == Some("attached_policy_policy") => {
                return Ok(AttachOutcome::NoPolicy);
            }
            Err(error) => return Err(error.into()),
        }
        transaction.commit().await?;
        Ok(AttachOutcome::Done)
    }

    /// Detaches a managed policy.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn detach_policy(
        &self,
        account: &AccountId,
        name: &IdentityName,
        arn: &IamArn,
    ) -> Result<AttachOutcome, StoreError> {
        let Some((owner, path, policy)) = policy_key(account, arn) else {
            return Ok(AttachOutcome::NoPolicy);
        };
        let detached = sqlx::query!(
            r#"with i as (
                 select id from identity
                 where account = $1 and kind = $2 and lower(name) = lower($3) and name = $3
               ), detached as (
                 delete from attached_policy
                 where identity_id = (select id from i) and policy_id = (
                   select id from managed_policy
                   where account is not distinct from $4 and path = $5
                     and lower(name) = lower($6) and name = $6)
                 returning policy_id
               )
               select exists (select from i) as "identity!",
                      exists (select from detached) as "detached!""#,
            account.as_str(),
            name.kind(),
            name.as_str(),
            owner,
            path,
            policy
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(match (detached.identity, detached.detached) {
            (false, _) => AttachOutcome::NoIdentity,
            (true, false) => AttachOutcome::NoPolicy,
            (true, true) => AttachOutcome::Done,
        })
    }

    /// The managed policies that are attached to a user, group or role, by name. None: the account has no such user,
    /// group or role.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn attached_policies(
        &self,
        account: &AccountId,
        name: &IdentityName,
    ) -> Result<Option<Vec<IamArn>>, StoreError> {
        let rows = sqlx::query!(
            r#"select i.id as "id!", case when p.id is null then null
                            else policy_arn(p.account, p.path, p.name) end as "arn?"
               from identity i
               left join attached_policy t on t.identity_id = i.id
               left join managed_policy p on p.id = t.policy_id
               where i.account = $1 and i.kind = $2 and lower(i.name) = lower($3) and i.name = $3
               order by lower(p.name), p.account nulls first"#,
            account.as_str(),
            name.kind(),
            name.as_str()
        )
        .fetch_all(&self.pool)
        .await?;
        if rows.is_empty() {
            return Ok(None);
        }
        let arns = rows.into_iter().filter_map(|row| Some((row.id, row.arn?)));
        let read =
            |(id, arn): (String, String)| arn.parse().map_err(|error| inconsistent(&id, error));
        arns.map(read).collect::<Result<_, _>>().map(Some)
    }

    /// Bounds what the policies of a user or role allow, or stops doing so.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn set_boundary(
        &self,
        account: &AccountId,
        name: &IdentityName,
        boundary: Option<&IamArn>,
    ) -> Result<AttachOutcome, StoreError> {
        if matches!(name, IdentityName::Group(_)) {
            return Ok(AttachOutcome::NoIdentity);
        }
        let (owner, path, policy) = match boundary.map(|arn| policy_key(account, arn)) {
            None => (None, None, None),
            Some(Some((owner, path, policy))) => (owner, Some(path), Some(policy)),
            Some(None) => return Ok(AttachOutcome::NoPolicy),
        };
        let set = sqlx::query!(
            r#"with p as (
                 select id from managed_policy
                 where account is not distinct from $4 and path = $5
                   and lower(name) = lower($6) and name = $6
               ), bounded as (
                 update identity set boundary_id = (select id from p)
                 where account = $1 and kind = $2 and lower(name) = lower($3) and name = $3
                   and ($6::text is null or exists (select from p))
                 returning id
               )
               select exists (select from bounded) as "done!",
                      $6::text is null or exists (select from p) as "policy!""#,
            account.as_str(),
            name.kind(),
            name.as_str(),
            owner,
            path,
            policy
        )
        .fetch_one(&self.pool)
        .await;
        match set {
            Ok(set) => Ok(match (set.policy, set.done) {
                (false, _) => AttachOutcome::NoPolicy,
                (true, false) => AttachOutcome::NoIdentity,
                (true, true) => AttachOutcome::Done,
            }),
            // Deleted in the same moment.
            Err(error) if violated(&error) == Some("identity_boundary") => {
                Ok(AttachOutcome::NoPolicy)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Who in an account uses a managed policy, by kind and name, without what can't be read.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn policy_entities(
        &self,
        account: &AccountId,
        arn: &IamArn,
    ) -> Result<Vec<PolicyEntity>, StoreError> {
        let Some((owner, path, policy)) = policy_key(account, arn) else { return Ok(Vec::new()) };
        let rows = sqlx::query!(
            r#"with p as (
                 select id from managed_policy
                 where account is not distinct from $2 and path = $3
                   and lower(name) = lower($4) and name = $4
               )
               select i.id as "id!", i.kind as "kind!", i.name as "name!", u.is_boundary as "is_boundary!"
               from (select identity_id, false as is_boundary from attached_policy
                     where policy_id = (select id from p)
                     union all
                     select id, true from identity where boundary_id = (select id from p)) u
               join identity i on i.id = u.identity_id
               where i.account = $1 order by i.kind, lower(i.name), u.is_boundary"#,
            account.as_str(),
            owner,
            path,
            policy
        )
        .fetch_all(&self.pool)
        .await?;
        let entities = rows.into_iter().filter_map(|row| {
            let name = IdentityName::read(&row.kind, &row.name);
            let name = self.skipped.keep("identity", &row.id, name)?;
            let usage = if row.is_boundary { PolicyUse::Boundary } else { PolicyUse::Attached };
            Some(PolicyEntity { id: row.id, name, usage })
        });
        Ok(entities.collect())
    }
}
