//! Roles of accounts.

use brokerd_domain::{
    AccountId,
    identity::{IdentityId, MAX_ROLES, PolicyDocument, Role, RoleName, SessionDuration},
};

use super::identity_row::{
    IamPage, IamPageQuery, IdentityName, IdentityRow, NewIdentity, NewIdentityOutcome,
};
use crate::kernel::{PgStore, StoreError};

const KIND: &str = "role";

impl PgStore {
    /// Creates a role, which has no policies yet.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn create_iam_role(&self, role: &Role) -> Result<NewIdentityOutcome, StoreError> {
        self.create_identity(NewIdentity {
            id: IdentityId::Role(role.id.clone()),
            account: &role.account,
            name: IdentityName::Role(role.name.clone()),
            path: &role.path,
            created: role.created,
            tags: &role.tags,
            boundary: role.boundary.as_ref(),
            description: &role.description,
            trust_policy: Some(&role.trust_policy),
            longest_session: Some(role.longest_session),
            most: MAX_ROLES,
        })
        .await
    }

    /// The role of that name.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn iam_role(
        &self,
        account: &AccountId,
        name: &RoleName,
    ) -> Result<Option<Role>, StoreError> {
        let row = self.identity_row(account, KIND, name.as_str()).await?;
        row.map(|row| row.role()).transpose()
    }

    /// Roles of an account, by name, without those that can't be read.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn iam_roles(
        &self,
        account: &AccountId,
        query: IamPageQuery<'_>,
    ) -> Result<IamPage<Role>, StoreError> {
        let rows = self.identity_rows(account, KIND, query).await?;
        let read = |row: IdentityRow| self.skipped.keep("identity", &row.id, row.role());
        Ok(IamPage::of(rows, query.most, |row| row.name.clone(), read))
    }

    /// Changes what a role is for, who may assume it, or how long; what is none stays. False: there is none of that
    /// name. Sessions that have begun go on.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn update_iam_role(
        &self,
        account: &AccountId,
        name: &RoleName,
        description: Option<&str>,
        trust_policy: Option<&PolicyDocument>,
        longest_session: Option<SessionDuration>,
    ) -> Result<bool, StoreError> {
        let updated = sqlx::query!(
            "update identity set description = coalesce($3, description),
               trust_policy = coalesce($4, trust_policy),
               longest_session = coalesce($5, longest_session)
             where account = $1 and kind = 'role' and lower(name) = lower($2) and name = $2",
            account.as_str(),
            name.as_str(),
            description,
            trust_policy.map(PolicyDocument::as_str),
            longest_session.and_then(|longest| i32::try_from(longest.as_seconds()).ok())
        )
        .execute(&self.pool)
        .await?;
        Ok(updated.rows_affected() > 0)
    }
}
