//! Groups of users.

use brokerd_domain::{
    AccountId, Tags,
    identity::{Group, GroupName, IdentityId, MAX_GROUPS, MAX_GROUPS_PER_USER, User, UserName},
};

use super::{
    identity_lock::lock_identity,
    identity_row::{
        IamPage, IamPageQuery, IdentityName, IdentityRow, NewIdentity, NewIdentityOutcome,
        select_identity, violated,
    },
};
use crate::kernel::{PgStore, StoreError};

const KIND: &str = "group";

/// What became of a change of who is in a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupMemberOutcome {
    /// It is as wanted.
    Done,
    /// The account has no such group.
    NoGroup,
    /// The account has no such user.
    NoUser,
    /// The user is in as many groups as it may be.
    TooMany,
}

impl PgStore {
    /// Creates a group, in which nobody is yet.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn create_iam_group(&self, group: &Group) -> Result<NewIdentityOutcome, StoreError> {
        self.create_identity(NewIdentity {
            id: IdentityId::Group(group.id.clone()),
            account: &group.account,
            name: IdentityName::Group(group.name.clone()),
            path: &group.path,
            created: group.created,
            tags: &Tags::default(),
            boundary: None,
            description: "",
            trust_policy: None,
            longest_session: None,
            most: MAX_GROUPS,
        })
        .await
    }

    /// The group of that name.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn iam_group(
        &self,
        account: &AccountId,
        name: &GroupName,
    ) -> Result<Option<Group>, StoreError> {
        let row = self.identity_row(account, KIND, name.as_str()).await?;
        row.map(|row| row.group()).transpose()
    }

    /// Groups of an account, by name, without those that can't be read.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn iam_groups(
        &self,
        account: &AccountId,
        query: IamPageQuery<'_>,
    ) -> Result<IamPage<Group>, StoreError> {
        let rows = self.identity_rows(account, KIND, query).await?;
        let read = |row: IdentityRow| self.skipped.keep("identity", &row.id, row.group());
        Ok(IamPage::of(rows, query.most, |row| row.name.clone(), read))
    }

    /// Puts a user into a group; one that is in it stays.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn add_group_member(
        &self,
        account: &AccountId,
        group: &GroupName,
        user: &UserName,
    ) -> Result<GroupMemberOutcome, StoreError> {
        let mut transaction = self.pool.begin().await?;
        let user = lock_identity(&mut transaction, account, "user", user.as_str()).await?;
        let Some(user) = user else { return Ok(GroupMemberOutcome::NoUser) };
        let group = sqlx::query_scalar!(
            "select id from identity
             where account = $1 and kind = 'group' and lower(name) = lower($2) and name = $2",
            account.as_str(),
            group.as_str()
        )
        .fetch_optional(&mut *transaction)
        .await?;
        let Some(group) = group else { return Ok(GroupMemberOutcome::NoGroup) };
        let inserted = sqlx::query!(
            "insert into group_member (group_id, user_id)
             select $1, $2
             where (select count(*) from group_member where user_id = $2 and group_id <> $1) < $3
             on conflict (group_id, user_id) do update set user_id = excluded.user_id",
            group,
            user,
            i64::from(MAX_GROUPS_PER_USER)
        )
        .execute(&mut *transaction)
        .await;
        match inserted {
            Ok(done) if done.rows_affected() == 0 => return Ok(GroupMemberOutcome::TooMany),
            Ok(_) => {}
            // Deleted in the same moment.
            Err(error) if violated(&error) == Some("group_member_group") => {
                return Ok(GroupMemberOutcome::NoGroup);
            }
            Err(error) => return Err(error.into()),
        }
        transaction.commit().await?;
        Ok(GroupMemberOutcome::Done)
    }

    /// Takes a user out of a group.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn remove_group_member(
        &self,
        account: &AccountId,
        group: &GroupName,
        user: &UserName,
    ) -> Result<GroupMemberOutcome, StoreError> {
        let removed = sqlx::query!(
            r#"with g as (
                 select id from identity where account = $1 and kind = 'group'
                   and lower(name) = lower($2) and name = $2
               ), u as (
                 select id from identity where account = $1 and kind = 'user'
                   and lower(name) = lower($3) and name = $3
               ), removed as (
                 delete from group_member
                 where group_id = (select id from g) and user_id = (select id from u)
                 returning user_id
               )
               select exists (select from g) as "group!", exists (select from removed) as "member!""#,
            account.as_str(),
            group.as_str(),
            user.as_str()
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(match (removed.group, removed.member) {
            (false, _) => GroupMemberOutcome::NoGroup,
            (true, false) => GroupMemberOutcome::NoUser,
            (true, true) => GroupMemberOutcome::Done,
        })
    }

    /// The users of a group, by name, without those that can't be read. None: the account has no such group.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn group_members(
        &self,
        group: &Group,
        query: IamPageQuery<'_>,
    ) -> Result<IamPage<User>, StoreError> {
        let rows = select_identity!(
            "join group_member m on m.user_id = i.id
             where m.group_id = $1 and ($2::text is null or lower(i.name) > lower($2))
             order by lower(i.name) limit $3",
            group.id.as_str(),
            query.after,
            query.limit()
        )
        .fetch_all(&self.pool)
        .await?;
        let read = |row: IdentityRow| self.skipped.keep("identity", &row.id, row.user());
        Ok(IamPage::of(rows, query.most, |row| row.name.clone(), read))
    }

    /// The groups of a user, by name, without those that can't be read.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn groups_of_user(&self, user: &User) -> Result<Vec<Group>, StoreError> {
        let rows = select_identity!(
            "join group_member m on m.group_id = i.id where m.user_id = $1 order by lower(i.name)",
            user.id.as_str()
        )
        .fetch_all(&self.pool)
        .await?;
        let read = |row: IdentityRow| self.skipped.keep("identity", &row.id, row.group());
        Ok(rows.into_iter().filter_map(read).collect())
    }
}
