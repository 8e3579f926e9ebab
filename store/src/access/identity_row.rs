//! Rows of `identity`, which users, groups and roles share, and what happens to all of them alike.

use brokerd_domain::{
    AccountId, Tags, Timestamp,
    identity::{
        Group, GroupName, IamArn, IdentityId, Path, PolicyDocument, Role, RoleName,
        SessionDuration, User, UserName,
    },
};
use serde_json::json;

use crate::kernel::{
    PgStore, StoreError,
    json::{Raw, read_json},
};

/// The name of a user, group or role.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum IdentityName {
    /// Of a user.
    User(UserName),
    /// Of a group.
    Group(GroupName),
    /// Of a role.
    Role(RoleName),
}

impl IdentityName {
    /// `user`, `group`, `role`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::User(_) => "user",
            Self::Group(_) => "group",
            Self::Role(_) => "role",
        }
    }

    /// The name itself.
    pub fn as_str(&self) -> &str {
        match self {
            Self::User(name) => name.as_str(),
            Self::Group(name) => name.as_str(),
            Self::Role(name) => name.as_str(),
        }
    }

    pub(super) fn read(kind: &str, name: &str) -> Result<Self, StoreError> {
        let read = match kind {
            "user" => UserName::parse(name).map(Self::User),
            "group" => GroupName::parse(name).map(Self::Group),
            "role" => RoleName::parse(name).map(Self::Role),
            _ => return Err(inconsistent(name, kind)),
        };
        read.map_err(|error| inconsistent(name, error))
    }
}

/// What became of a new user, group or role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NewIdentityOutcome {
    /// It is there.
    Created,
    /// Another one of its kind has the name, if only in another letter case.
    NameTaken,
    /// The account has as many of its kind as it may have.
    TooMany,
    /// There is no such policy to bound it.
    NoBoundary,
    /// There is no such account.
    NoAccount,
}

/// What became of a change of a user, group or role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpdateIdentityOutcome {
    /// It is stored.
    Updated,
    /// The account has none of that name.
    NotFound,
    /// Another one of its kind has the new name.
    NameTaken,
}

/// What became of a user, group or role that is not wanted any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeleteIdentityOutcome {
    /// It is gone.
    Deleted,
    /// The account has none of that name.
    NotFound,
    /// It has something that has to be removed first.
    InUse(IdentityUse),
}

/// What keeps a user, group or role from being deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdentityUse {
    /// The user has access keys.
    AccessKeys,
    /// Managed policies are attached to it.
    AttachedPolicies,
    /// It has inline policies.
    InlinePolicies,
    /// The group has users.
    Users,
    /// The user is in groups.
    Groups,
}

impl IdentityUse {
    fn of(constraint: &str) -> Option<Self> {
        match constraint {
            "access_key_identity" => Some(Self::AccessKeys),
            "attached_policy_identity" => Some(Self::AttachedPolicies),
            "inline_policy_identity" => Some(Self::InlinePolicies),
            "group_member_group" => Some(Self::Users),
            "group_member_user" => Some(Self::Groups),
            _ => None,
        }
    }
}

/// Some of the users, groups, roles or policies of an account, by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IamPage<T> {
    /// Those that can be read.
    pub items: Vec<T>,
    /// After what the next page begins; none: this is the last one.
    pub next: Option<String>,
}

impl<T> IamPage<T> {
    /// What is on a page of at most `most`, from one row more than that, if there are so many.
    pub(super) fn of<R>(
        mut rows: Vec<R>,
        most: u32,
        key: impl Fn(&R) -> String,
        mut read: impl FnMut(R) -> Option<T>,
    ) -> Self {
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let next = (rows.len() > most).then(|| {
            rows.truncate(most);
            rows.last().map(key).unwrap_or_default()
        });
        Self { items: rows.into_iter().filter_map(&mut read).collect(), next }
    }
}

/// Which part of a list is wanted.
#[derive(Debug, Clone, Copy)]
pub struct IamPageQuery<'a> {
    /// What paths begin with.
    pub path_prefix: &'a str,
    /// After what the page begins: [`IamPage::next`] of the one before.
    pub after: Option<&'a str>,
    /// Most that are on it.
    pub most: u32,
}

impl IamPageQuery<'_> {
    /// One row more than wanted tells whether there are more.
    pub(super) fn limit(&self) -> i64 {
        i64::from(self.most) + 1
    }
}

/// A row of `identity` with the ARN of what bounds it.
pub(super) struct IdentityRow {
    pub(super) id: String,
    pub(super) account: String,
    pub(super) path: String,
    pub(super) name: String,
    pub(super) created: i64,
    pub(super) tags: Raw,
    pub(super) description: String,
    pub(super) trust_policy: Option<String>,
    pub(super) longest_session: Option<i32>,
    pub(super) boundary: Option<String>,
}

/// Every column of an [`IdentityRow`], with the rest of the statement behind it.
macro_rules! select_identity {
    ($tail:literal $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            $crate::access::identity_row::IdentityRow,
            r#"select i.id, i.account, i.path, i.name, i.created,
                      i.tags as "tags: crate::kernel::Raw", i.description, i.trust_policy,
                      i.longest_session,
                      (select policy_arn(b.account, b.path, b.name) from managed_policy b
                       where b.id = i.boundary_id) as "boundary?"
               from identity i "# + $tail
            $(, $argument)*
        )
    };
}
pub(super) use select_identity;

pub(super) fn inconsistent(row: &str, what: impl std::fmt::Display) -> StoreError {
    StoreError::Inconsistent { table: "identity", what: format!("{row}: {what}") }
}

impl IdentityRow {
    fn account(&self) -> Result<AccountId, StoreError> {
        self.account.parse().map_err(|error| inconsistent(&self.id, error))
    }

    fn path(&self) -> Result<Path, StoreError> {
        Path::parse(Some(&self.path)).map_err(|error| inconsistent(&self.id, error))
    }

    fn tags(&self) -> Result<Tags, StoreError> {
        read_json("identity", &self.id, &self.tags)
    }

    fn boundary(&self) -> Result<Option<IamArn>, StoreError> {
        let arn = self.boundary.as_deref().map(str::parse).transpose();
        arn.map_err(|error| inconsistent(&self.id, error))
    }

    pub(super) fn user(&self) -> Result<User, StoreError> {
        Ok(User {
            id: self.id.parse().map_err(|error| inconsistent(&self.id, error))?,
            account: self.account()?,
            path: self.path()?,
            name: UserName::parse(&self.name).map_err(|error| inconsistent(&self.id, error))?,
            created: Timestamp::from_micros(self.created),
            boundary: self.boundary()?,
            tags: self.tags()?,
        })
    }

    pub(super) fn group(&self) -> Result<Group, StoreError> {
        Ok(Group {
            id: self.id.parse().map_err(|error| inconsistent(&self.id, error))?,
            account: self.account()?,
            path: self.path()?,
            name: GroupName::parse(&self.name).map_err(|error| inconsistent(&self.id, error))?,
            created: Timestamp::from_micros(self.created),
        })
    }

    pub(super) fn role(&self) -> Result<Role, StoreError> {
        let wrong = |what: &dyn std::fmt::Display| inconsistent(&self.id, what);
        let trust = self.trust_policy.as_deref().unwrap_or_default();
        let longest = self.longest_session.and_then(|seconds| u32::try_from(seconds).ok());
        Ok(Role {
            id: self.id.parse().map_err(|error| wrong(&error))?,
            account: self.account()?,
            path: self.path()?,
            name: RoleName::parse(&self.name).map_err(|error| wrong(&error))?,
            created: Timestamp::from_micros(self.created),
            description: self.description.clone(),
            trust_policy: PolicyDocument::parse(trust).map_err(|error| wrong(&error))?,
            longest_session: SessionDuration::parse_longest_of_role(longest)
                .map_err(|error| wrong(&error))?,
            boundary: self.boundary()?,
            tags: self.tags()?,
        })
    }
}

/// What is common to new users, groups and roles.
pub(super) struct NewIdentity<'a> {
    pub(super) id: IdentityId,
    pub(super) account: &'a AccountId,
    pub(super) name: IdentityName,
    pub(super) path: &'a Path,
    pub(super) created: Timestamp,
    pub(super) tags: &'a Tags,
    pub(super) boundary: Option<&'a IamArn>,
    pub(super) description: &'a str,
    pub(super) trust_policy: Option<&'a PolicyDocument>,
    pub(super) longest_session: Option<SessionDuration>,
    /// How many of its kind an account may have.
    pub(super) most: u32,
}

/// The columns that find a managed policy which somebody of this account may use; none: there can't be such a policy.
pub(super) fn policy_key<'a>(
    account: &AccountId,
    arn: &'a IamArn,
) -> Option<(Option<&'a str>, &'a str, &'a str)> {
    let IamArn::Policy(owner, path, name) = arn else { return None };
    let owner = owner.account();
    owner
        .is_none_or(|owner| owner == account)
        .then(|| (owner.map(AccountId::as_str), path.as_str(), name.as_str()))
}

/// The name of the constraint that a refused statement has violated.
pub(super) fn violated(error: &sqlx::Error) -> Option<&str> {
    match error {
        sqlx::Error::Database(error) => error.constraint(),
        _ => None,
    }
}

impl PgStore {
    pub(super) async fn create_identity(
        &self,
        new: NewIdentity<'_>,
    ) -> Result<NewIdentityOutcome, StoreError> {
        let account = new.account.as_str();
        let (kind, name) = (new.name.kind(), new.name.as_str());
        let boundary = match new.boundary.map(|arn| policy_key(new.account, arn)) {
            None => None,
            Some(Some(key)) => Some(key),
            Some(None) => return Ok(NewIdentityOutcome::NoBoundary),
        };
        let (owner, boundary_path, boundary_name) = boundary
            .map_or((None, None, None), |(owner, path, name)| (owner, Some(path), Some(name)));
        let inserted = sqlx::query!(
            "with bound as (
               select id from managed_policy
               where account is not distinct from $12 and path = $13 and name = $14
             )
             insert into identity (id, account, kind, path, name, created, tags, description,
                                   trust_policy, longest_session, boundary_id)
             select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, (select id from bound)
             where (select count(*) from identity where account = $2 and kind = $3) < $11
               and ($14::text is null or exists (select from bound))
             on conflict do nothing",
            new.id.as_str(),
            account,
            kind,
            new.path.as_str(),
            name,
            new.created.as_micros(),
            json!(new.tags),
            new.description,
            new.trust_policy.map(PolicyDocument::as_str),
            new.longest_session.and_then(|longest| i32::try_from(longest.as_seconds()).ok()),
            i64::from(new.most),
            owner,
            boundary_path,
            boundary_name,
        )
        .execute(&self.pool)
        .await;
        match inserted {
            Ok(done) if done.rows_affected() == 1 => return Ok(NewIdentityOutcome::Created),
            Ok(_) => {}
            Err(error) => {
                return match violated(&error) {
                    Some("identity_account") => Ok(NewIdentityOutcome::NoAccount),
                    // Deleted in the same moment.
                    Some("identity_boundary") => Ok(NewIdentityOutcome::NoBoundary),
                    _ => Err(error.into()),
                };
            }
        }
        let found = sqlx::query!(
            r#"select exists (select from identity where account = $1 and kind = $2
                              and lower(name) = lower($3)) as "name!",
                      $6::text is null or exists (select from managed_policy
                              where account is not distinct from $4 and path = $5 and name = $6)
                        as "boundary!""#,
            account,
            kind,
            name,
            owner,
            boundary_path,
            boundary_name,
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(match (found.name, found.boundary) {
            (true, _) => NewIdentityOutcome::NameTaken,
            (false, false) => NewIdentityOutcome::NoBoundary,
            (false, true) => NewIdentityOutcome::TooMany,
        })
    }

    pub(super) async fn identity_row(
        &self,
        account: &AccountId,
        kind: &str,
        name: &str,
    ) -> Result<Option<IdentityRow>, StoreError> {
        let row = select_identity!(
            "where i.account = $1 and i.kind = $2 and lower(i.name) = lower($3) and i.name = $3",
            account.as_str(),
            kind,
            name
        );
        Ok(row.fetch_optional(&self.pool).await?)
    }

    pub(super) async fn identity_rows(
        &self,
        account: &AccountId,
        kind: &str,
        query: IamPageQuery<'_>,
    ) -> Result<Vec<IdentityRow>, StoreError> {
        let rows = select_identity!(
            "where i.account = $1 and i.kind = $2 and starts_with(i.path, $3)
               and ($4::text is null or lower(i.name) > lower($4))
             order by lower(i.name) limit $5",
            account.as_str(),
            kind,
            query.path_prefix,
            query.after,
            query.limit()
        );
        Ok(rows.fetch_all(&self.pool).await?)
    }

    /// Gives a user or group another name, another path, or both. Nothing else of it changes, but ARNs.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn rename_identity(
        &self,
        account: &AccountId,
        name: &IdentityName,
        new_name: Option<&str>,
        new_path: Option<&Path>,
    ) -> Result<UpdateIdentityOutcome, StoreError> {
        let updated = sqlx::query!(
            "update identity set name = coalesce($4, name), path = coalesce($5, path)
             where account = $1 and kind = $2 and lower(name) = lower($3) and name = $3",
            account.as_str(),
            name.kind(),
            name.as_str(),
            new_name,
            new_path.map(Path::as_str)
        )
        .execute(&self.pool)
        .await;
        match updated {
            Ok(done) if done.rows_affected() == 0 => Ok(UpdateIdentityOutcome::NotFound),
            Ok(_) => Ok(UpdateIdentityOutcome::Updated),
            Err(error) if violated(&error) == Some("identity_by_name") => {
                Ok(UpdateIdentityOutcome::NameTaken)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Replaces the tags of a user or role, if they still are those that were `seen`; false: they are not, or there is
    /// none of that name.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn set_identity_tags(
        &self,
        account: &AccountId,
        name: &IdentityName,
        seen: &Tags,
        tags: &Tags,
    ) -> Result<bool, StoreError> {
        let updated = sqlx::query!(
            "update identity set tags = $5
             where account = $1 and kind = $2 and lower(name) = lower($3) and name = $3
               and tags = $4",
            account.as_str(),
            name.kind(),
            name.as_str(),
            json!(seen),
            json!(tags)
        )
        .execute(&self.pool)
        .await?;
        Ok(updated.rows_affected() > 0)
    }

    /// Deletes a user, group or role that has nothing any more: neither keys nor policies nor members. Whoever gives it
    /// something in the same moment is refused, or keeps it.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn delete_identity(
        &self,
        account: &AccountId,
        name: &IdentityName,
    ) -> Result<DeleteIdentityOutcome, StoreError> {
        let deleted = sqlx::query!(
            "delete from identity
             where account = $1 and kind = $2 and lower(name) = lower($3) and name = $3",
            account.as_str(),
            name.kind(),
            name.as_str()
        )
        .execute(&self.pool)
        .await;
        match deleted {
            Ok(done) if done.rows_affected() == 0 => Ok(DeleteIdentityOutcome::NotFound),
            Ok(_) => Ok(DeleteIdentityOutcome::Deleted),
            Err(error) => match violated(&error).and_then(IdentityUse::of) {
                Some(used) => Ok(DeleteIdentityOutcome::InUse(used)),
                None => Err(error.into()),
            },
        }
    }
}
