//! Inline policies of users, groups and roles.

use brokerd_domain::{
    AccountId,
    identity::{IdentityId, InlinePolicy, PolicyDocument, PolicyName},
};

use super::{
    identity_lock::lock_identity,
    identity_row::{IdentityName, inconsistent},
};
use crate::kernel::{PgStore, StoreError};

/// What became of an inline policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PutInlinePolicyOutcome {
    /// It is in force.
    Done,
    /// The account has no such user, group or role.
    NoIdentity,
    /// With the others it would have more characters than all of them may have together, which is this many.
    TooLong(u32),
}

impl PgStore {
    /// Gives a user, group or role an inline policy, or another document to the one of that name.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn put_inline_policy(
        &self,
        account: &AccountId,
        name: &IdentityName,
        policy: &InlinePolicy,
    ) -> Result<PutInlinePolicyOutcome, StoreError> {
        let mut transaction = self.pool.begin().await?;
        let identity = lock_identity(&mut transaction, account, name.kind(), name.as_str()).await?;
        let Some(identity) = identity else { return Ok(PutInlinePolicyOutcome::NoIdentity) };
        let id: IdentityId = identity.parse().map_err(|error| inconsistent(&identity, error))?;
        let most = PolicyDocument::most_inline(&id);
        let size = i32::try_from(policy.document.size()).unwrap_or(i32::MAX);
        let put = sqlx::query!(
            "insert into inline_policy (identity_id, name, document, size)
             select $1, $2, $3, $4::integer
             where $4::integer + coalesce((select sum(size) from inline_policy
                                          where identity_id = $1 and name <> $2), 0) <= $5
             on conflict (identity_id, name) do update
               set document = excluded.document, size = excluded.size",
            identity,
            policy.name.as_str(),
            policy.document.as_str(),
            size,
            i64::from(most)
        )
        .execute(&mut *transaction)
        .await?;
        if put.rows_affected() == 0 {
            return Ok(PutInlinePolicyOutcome::TooLong(most));
        }
        transaction.commit().await?;
        Ok(PutInlinePolicyOutcome::Done)
    }

    /// The inline policies of a user, group or role, by name. None: the account has no such user, group or role.
    ///
    /// # Errors
    /// As every method of [`PgStore`]; also where one of them can't be read.
    pub async fn inline_policies(
        &self,
        account: &AccountId,
        name: &IdentityName,
    ) -> Result<Option<Vec<InlinePolicy>>, StoreError> {
        let rows = sqlx::query!(
            r#"select i.id as "id!", n.name as "name?", n.document as "document?"
               from identity i left join inline_policy n on n.identity_id = i.id
               where i.account = $1 and i.kind = $2 and lower(i.name) = lower($3) and i.name = $3
               order by n.name"#,
            account.as_str(),
            name.kind(),
            name.as_str()
        )
        .fetch_all(&self.pool)
        .await?;
        if rows.is_empty() {
            return Ok(None);
        }
        let policies = rows.into_iter().filter_map(|row| Some((row.id, row.name?, row.document?)));
        let read = |(id, name, document): (String, String, String)| {
            Ok(InlinePolicy {
                name: PolicyName::parse(&name).map_err(|error| inconsistent(&id, error))?,
                document: PolicyDocument::parse(&document)
                    .map_err(|error| inconsistent(&id, error))?,
            })
        };
        policies.map(read).collect::<Result<_, _>>().map(Some)
    }

    /// Deletes an inline policy; false: there is no such user, group or role, or it has no such policy.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn delete_inline_policy(
        &self,
        account: &AccountId,
        name: &IdentityName,
        policy: &PolicyName,
    ) -> Result<bool, StoreError> {
        let deleted = sqlx::query!(
            "delete from inline_policy n using identity i
             where i.id = n.identity_id and n.name = $4
               and i.account = $1 and i.kind = $2 and lower(i.name) = lower($3) and i.name = $3",
            account.as_str(),
            name.kind(),
            name.as_str(),
            policy.as_str()
        )
        .execute(&self.pool)
        .await?;
        Ok(deleted.rows_affected() > 0)
    }
}
