//! Security groups: which addresses may connect to the brokers that name them.

use brokerd_domain::{BrokerId, IngressRule, Scope, SecurityGroup, SecurityGroupId, Timestamp};
use serde_json::json;

use crate::kernel::{
    Channel, PgStore, StoreError,
    json::{Raw, read_json},
};

/// Groups an account may have in a region.
///
/// Source: Amazon VPC quotas, "VPC security groups per Region".
const MAX_GROUPS: i64 = 2500;

/// The outcome of creating a security group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NewGroupOutcome {
    /// It is there.
    Created,
    /// Another group has the name.
    NameTaken,
    /// Another group has the identifier.
    IdTaken,
    /// The account has as many groups in this region as it may have.
    TooMany,
}

/// The outcome of deleting a security group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeleteGroupOutcome {
    /// It is gone.
    Deleted,
    /// This scope has no such group.
    NotFound,
    /// A broker has it.
    InUse,
}

/// A broker and the security groups that it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokerWithGroups {
    /// The broker.
    pub id: BrokerId,
    /// Its name.
    pub name: String,
    /// The identifiers of its groups.
    pub groups: Vec<String>,
}

struct GroupRow {
    id: String,
    name: String,
    description: String,
    rules: Raw,
    created: i64,
}

impl GroupRow {
    fn into_group(self, scope: &Scope) -> Result<SecurityGroup, StoreError> {
        let rules = read_json("security_group", &self.id, &self.rules)?;
        let id = self.id.parse().map_err(|error: brokerd_domain::Error| {
            StoreError::Inconsistent { table: "security_group", what: error.message }
        })?;
        Ok(SecurityGroup {
            id,
            scope: scope.clone(),
            name: self.name,
            description: self.description,
            rules,
            created: Timestamp::from_micros(self.created),
        })
    }
}

impl PgStore {
    /// Creates a group. One that was deleted may come back under its identifier.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn create_security_group(
        &self,
        group: &SecurityGroup,
    ) -> Result<NewGroupOutcome, StoreError> {
        let (account, region) = (group.scope.account.as_str(), group.scope.region.as_str());
        let created = sqlx::query!(
            "insert into security_group (account, region, id, name, description, rules, created)
             select $1, $2, $3, $4, $5, $6, $7
             where (select count(*) from security_group
                    where account = $1 and region = $2 and not deleted) < $8
               and not exists (select from security_group
                    where account = $1 and region = $2 and name = $4 and not deleted)
             on conflict (account, region, id) do update
               set name = excluded.name, description = excluded.description, rules = excluded.rules,
                   created = excluded.created, deleted = false
               where security_group.deleted",
            account,
            region,
            group.id.as_str(),
            group.name,
            group.description,
            json!(group.rules),
            group.created.as_micros(),
            MAX_GROUPS
        )
        .execute(&self.pool)
        .await;
        match created {
            Ok(done) if done.rows_affected() == 1 => {
                self.notifier.notify(Channel::Routes);
                return Ok(NewGroupOutcome::Created);
            }
            Ok(_) => {}
            // Somebody took the name in the same moment.
            Err(sqlx::Error::Database(error)) if error.is_unique_violation() => {
                return Ok(NewGroupOutcome::NameTaken);
            }
            Err(error) => return Err(error.into()),
        }
        let taken = sqlx::query!(
            r#"select coalesce(bool_or(name = $3), false) as "name!", coalesce(bool_or(id = $4), false) as "id!"
               from security_group where account = $1 and region = $2 and not deleted"#,
            account,
            region,
            group.name,
            group.id.as_str()
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(match (taken.name, taken.id) {
            (true, _) => NewGroupOutcome::NameTaken,
            (false, true) => NewGroupOutcome::IdTaken,
            (false, false) => NewGroupOutcome::TooMany,
        })
    }

    /// Every group of a scope, by name, without those that can't be read.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn security_groups(&self, scope: &Scope) -> Result<Vec<SecurityGroup>, StoreError> {
        let rows = sqlx::query_as!(
            GroupRow,
            r#"select id, name, description, rules as "rules: Raw", created
               from security_group where account = $1 and region = $2 and not deleted order by name"#,
            scope.account.as_str(),
            scope.region.as_str()
        )
        .fetch_all(&self.pool)
        .await?;
        let read = |row: GroupRow| {
            let id = row.id.clone();
            self.skipped.keep("security_group", id, row.into_group(scope))
        };
        Ok(rows.into_iter().filter_map(read).collect())
    }

    /// The brokers of a scope that name security groups, defined or not, by name.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn brokers_with_security_groups(
        &self,
        scope: &Scope,
    ) -> Result<Vec<BrokerWithGroups>, StoreError> {
        let rows = sqlx::query!(
            r#"select b.id, b.name, array(select jsonb_array_elements_text(b.spec -> 'security_groups')) as "groups!"
               from broker b
               where b.account = $1 and b.region = $2 and jsonb_array_length(b.spec -> 'security_groups') > 0
               order by b.name"#,
            scope.account.as_str(),
            scope.region.as_str()
        )
        .fetch_all(&self.pool)
        .await?;
        let broker = rows.into_iter().map(|row| BrokerWithGroups {
            id: row.id.into(),
            name: row.name,
            groups: row.groups,
        });
        Ok(broker.collect())
    }

    /// A group of a scope.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn security_group(
        &self,
        scope: &Scope,
        id: &SecurityGroupId,
    ) -> Result<Option<SecurityGroup>, StoreError> {
        let row = sqlx::query_as!(
            GroupRow,
            r#"select id, name, description, rules as "rules: Raw", created
               from security_group
               where account = $1 and region = $2 and id = $3 and not deleted"#,
            scope.account.as_str(),
            scope.region.as_str(),
            id.as_str()
        )
        .fetch_optional(&self.pool)
        .await?;
        row.map(|row| row.into_group(scope)).transpose()
    }

    /// Replaces the rules, the description, or both; false: this scope has no such group. New connections are
    /// judged by it at once.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn update_security_group(
        &self,
        scope: &Scope,
        id: &SecurityGroupId,
        description: Option<&str>,
        rules: Option<&[IngressRule]>,
    ) -> Result<bool, StoreError> {
        let updated = sqlx::query!(
            "update security_group
             set description = coalesce($4, description), rules = coalesce($5, rules)
             where account = $1 and region = $2 and id = $3 and not deleted",
            scope.account.as_str(),
            scope.region.as_str(),
            id.as_str(),
            description,
            rules.map(|rules| json!(rules))
        )
        .execute(&self.pool)
        .await?;
        self.notifier.notify(Channel::Routes);
        Ok(updated.rows_affected() == 1)
    }

    /// Deletes a group that no broker has. Should one get it in the same moment, nobody can connect to that
    /// broker.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn delete_security_group(
        &self,
        scope: &Scope,
        id: &SecurityGroupId,
    ) -> Result<DeleteGroupOutcome, StoreError> {
        let deleted = sqlx::query!(
            "update security_group set deleted = true, rules = '[]'
             where account = $1 and region = $2 and id = $3 and not deleted
               and not exists (select from broker b
                    where b.account = $1 and b.region = $2 and b.spec -> 'security_groups' ? $3)",
            scope.account.as_str(),
            scope.region.as_str(),
            id.as_str()
        )
        .execute(&self.pool)
        .await?;
        if deleted.rows_affected() == 1 {
            self.notifier.notify(Channel::Routes);
            return Ok(DeleteGroupOutcome::Deleted);
        }
        Ok(match self.security_group(scope, id).await? {
            None => DeleteGroupOutcome::NotFound,
            Some(_) => DeleteGroupOutcome::InUse,
        })
    }

    /// Which of these identifiers no group of the scope has.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn unknown_security_groups(
        &self,
        scope: &Scope,
        ids: &[String],
    ) -> Result<Vec<String>, StoreError> {
        let unknown = sqlx::query_scalar!(
            r#"select id as "id!" from unnest($3::text[]) as named (id)
               where not exists (select from security_group g
                    where g.account = $1 and g.region = $2 and g.id = named.id and not g.deleted)"#,
            scope.account.as_str(),
            scope.region.as_str(),
            ids
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(unknown)
    }
}
