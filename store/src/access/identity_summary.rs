//! How many users, groups, roles and policies an account has.

use brokerd_domain::AccountId;

use crate::kernel::{PgStore, StoreError};

/// What an account has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct IdentitySummary {
    /// Users.
    pub users: u32,
    /// Groups.
    pub groups: u32,
    /// Roles.
    pub roles: u32,
    /// Managed policies of its own.
    pub policies: u32,
    /// Versions of them.
    pub policy_versions: u32,
    /// Access keys of its root.
    pub root_keys: u32,
}

impl PgStore {
    /// How many of each an account has, at one moment.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn identity_summary(
        &self,
        account: &AccountId,
    ) -> Result<IdentitySummary, StoreError> {
        let row = sqlx::query!(
            r#"select count(*) filter (where kind = 'user') as "users!",
                      count(*) filter (where kind = 'group') as "groups!",
                      count(*) filter (where kind = 'role') as "roles!",
                      (select count(*) from managed_policy where account = $1) as "policies!",
                      (select count(*) from policy_version v join managed_policy p on p.id = v.policy_id
                       where p.account = $1) as "policy_versions!",
                      (select count(*) from access_key k join identity r on r.id = k.identity_id
                       where r.account = $1 and r.kind = 'root') as "root_keys!"
               from identity where account = $1"#,
            account.as_str()
        )
        .fetch_one(&self.pool)
        .await?;
        let number = |count: i64| u32::try_from(count).unwrap_or(u32::MAX);
        Ok(IdentitySummary {
            users: number(row.users),
            groups: number(row.groups),
            roles: number(row.roles),
            policies: number(row.policies),
            policy_versions: number(row.policy_versions),
            root_keys: number(row.root_keys),
        })
    }
}
