//! Users of accounts, as IAM knows them.

use brokerd_domain::{
    AccountId,
    identity::{IdentityId, MAX_USERS, User, UserName},
};

use super::identity_row::{IamPage, IamPageQuery, IdentityName, NewIdentity, NewIdentityOutcome};
use crate::kernel::{PgStore, StoreError};

const KIND: &str = "user";

impl PgStore {
    /// Creates a user, who has neither keys nor policies yet.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn create_iam_user(&self, user: &User) -> Result<NewIdentityOutcome, StoreError> {
        self.create_identity(NewIdentity {
            id: IdentityId::User(user.id.clone()),
            account: &user.account,
            name: IdentityName::User(user.name.clone()),
            path: &user.path,
            created: user.created,
            tags: &user.tags,
            boundary: user.boundary.as_ref(),
            description: "",
            trust_policy: None,
            longest_session: None,
            most: MAX_USERS,
        })
        .await
    }

    /// The user of that name.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn iam_user(
        &self,
        account: &AccountId,
        name: &UserName,
    ) -> Result<Option<User>, StoreError> {
        let row = self.identity_row(account, KIND, name.as_str()).await?;
        row.map(|row| row.user()).transpose()
    }

    /// Users of an account, by name, without those that can't be read.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn iam_users(
        &self,
        account: &AccountId,
        query: IamPageQuery<'_>,
    ) -> Result<IamPage<User>, StoreError> {
        let rows = self.identity_rows(account, KIND, query).await?;
        let read = |row: super::identity_row::IdentityRow| {
            self.skipped.keep("identity", &row.id, row.user())
        };
        Ok(IamPage::of(rows, query.most, |row| row.name.clone(), read))
    }
}
