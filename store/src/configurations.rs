//! Configurations and their revisions, which never change once they are there.

use brokerd_domain::{
    AuthenticationStrategy, Configuration, ConfigurationId, ConfigurationName,
    ConfigurationRevision, CreateConfiguration, EngineType, MAX_CONFIGURATIONS, MAX_REVISIONS,
    Revision, Scope, Timestamp,
};
use serde_json::json;
use uuid::Uuid;

use crate::kernel::{
    PgStore, StoreError,
    json::{Raw, read_json},
};

/// The result of looking up a revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RevisionLookup {
    /// This scope has no such configuration.
    NoConfiguration,
    /// The configuration has no such revision.
    NoRevision(i32),
    /// The revision.
    Found(Box<ConfigurationRevision>),
}

/// The outcome of UpdateConfiguration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AddRevision {
    /// The configuration, whose latest revision is the new one.
    Added(Box<Configuration>),
    /// This scope has no such configuration.
    NotFound,
    /// The configuration has as many revisions as it may have.
    TooMany,
}

/// The outcome of DeleteConfiguration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeleteConfiguration {
    /// It is gone with all revisions.
    Deleted,
    /// This scope has no such configuration.
    NotFound,
    /// A broker uses it, will, or did.
    InUse,
}

/// A row of `configuration` with its newest revision.
struct ConfigurationRow {
    id: Uuid,
    account: String,
    region: String,
    name: String,
    engine_type: String,
    engine_version: String,
    authentication_strategy: String,
    created: i64,
    tags: Raw,
    revision: i32,
    revision_created: i64,
    description: Option<String>,
}

/// Every column of a [`ConfigurationRow`], with the rest of the statement behind it.
macro_rules! select_configuration {
    ($tail:literal $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            ConfigurationRow,
            r#"select c.id, c.account, c.region, c.name, c.engine_type, c.engine_version,
                      c.authentication_strategy, c.created, c.tags as "tags: Raw",
                      r.revision, r.created as revision_created, r.description
               from configuration c
               join lateral (select * from configuration_revision r where r.configuration_id = c.id
                             order by r.revision desc limit 1) r on true "# + $tail
            $(, $argument)*
        )
    };
}

impl TryFrom<ConfigurationRow> for Configuration {
    type Error = StoreError;

    fn try_from(row: ConfigurationRow) -> Result<Self, StoreError> {
        let id = row.id;
        let inconsistent = |what: &dyn std::fmt::Display| StoreError::Inconsistent {
            table: "configuration",
            what: format!("{id}: {what}"),
        };
        Ok(Self {
            id: ConfigurationId::from(id),
            scope: Scope {
                account: row.account.parse().map_err(|e| inconsistent(&e))?,
                region: row.region.parse().map_err(|e| inconsistent(&e))?,
            },
            name: ConfigurationName::parse(&row.name).map_err(|e| inconsistent(&e))?,
            engine_type: EngineType::parse(&row.engine_type).map_err(|e| inconsistent(&e))?,
            engine_version: row.engine_version.parse().map_err(|e| inconsistent(&e))?,
            authentication_strategy: AuthenticationStrategy::parse(&row.authentication_strategy)
                .map_err(|e| inconsistent(&e))?,
            created: Timestamp::from_micros(row.created),
            tags: read_json("configuration", id, &row.tags)?,
            latest: Revision {
                number: row.revision,
                created: Timestamp::from_micros(row.revision_created),
                description: row.description,
            },
        })
    }
}

impl PgStore {
    /// Creates a configuration with its first revision; false: the account has as many in this region as it may have.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn create_configuration(
        &self,
        scope: &Scope,
        id: ConfigurationId,
        command: &CreateConfiguration,
        (description, data): (&str, &str),
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let created = sqlx::query!(
            "with c as (
               insert into configuration (id, account, region, name, engine_type, engine_version,
                                          authentication_strategy, created, tags)
               select $1, $2, $3, $4, $5, $6, $7, $8, $9
               where (select count(*) from configuration where account = $2 and region = $3) < $13
               returning id
             )
             insert into configuration_revision (configuration_id, revision, created, description, data)
             select id, 1, $12, $10, $11 from c",
            id.uuid(),
            scope.account.as_str(),
            scope.region.as_str(),
            command.name.as_str(),
            command.engine_type.as_str(),
            command.engine_version.to_string(),
            command.authentication_strategy.as_str(),
            now.as_micros(),
            json!(command.tags),
            description,
            data,
            now.whole_millis().as_micros(),
            MAX_CONFIGURATIONS
        )
        .execute(&self.pool)
        .await?;
        Ok(created.rows_affected() > 0)
    }

    /// Whether a scope has as many configurations as it may have.
    pub(crate) async fn is_full_of_configurations(
        &self,
        scope: &Scope,
    ) -> Result<bool, StoreError> {
        let count = sqlx::query_scalar!(
            r#"select count(*) as "count!" from configuration where account = $1 and region = $2"#,
            scope.account.as_str(),
            scope.region.as_str()
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(count >= MAX_CONFIGURATIONS)
    }

    /// Makes room for new configurations in a scope that is full of those that came with brokers which are gone, as
    /// throw-away brokers leave them: a hundred of the oldest that nobody has changed or tagged, and that no broker refers
    /// to. Gives back how many it has deleted.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub(crate) async fn delete_leftover_configurations(
        &self,
        scope: &Scope,
    ) -> Result<u64, StoreError> {
        let mut transaction = self.pool.begin().await?;
        // A broker that is about to refer to it holds its row; the second statement sees those that already
        // do.
        let left = sqlx::query_scalar!(
            "select c.id from configuration c
             where c.account = $1 and c.region = $2 and c.tags = '{}'
               and c.name like '%-configuration'
               and not exists (select from configuration_revision r
                               where r.configuration_id = c.id and r.revision > 1)
               and not exists (select from broker b
                               where b.account = $1 and b.region = $2
                                 and strpos(b.configurations::text, c.id::text) > 0)
             order by c.created, c.id limit 100 for update of c skip locked",
            scope.account.as_str(),
            scope.region.as_str()
        )
        .fetch_all(&mut *transaction)
        .await?;
        let deleted = sqlx::query!(
            "delete from configuration c
             where c.id = any($3)
               and not exists (select from broker b
                               where b.account = $1 and b.region = $2
                                 and strpos(b.configurations::text, c.id::text) > 0)",
            scope.account.as_str(),
            scope.region.as_str(),
            &left
        )
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(deleted.rows_affected())
    }

    /// The configuration, if this scope has it.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn configuration(
        &self,
        scope: &Scope,
        id: ConfigurationId,
    ) -> Result<Option<Configuration>, StoreError> {
        let row = select_configuration!(
            "where c.id = $1 and c.account = $2 and c.region = $3",
            id.uuid(),
            scope.account.as_str(),
            scope.region.as_str()
        )
        .fetch_optional(&self.pool)
        .await?;
        row.map(Configuration::try_from).transpose()
    }

    /// Configurations of the scope in the order they were created, after `after`. Those that can't be read are skipped;
    /// a page is empty only if there are no more.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn configurations(
        &self,
        scope: &Scope,
        after: Option<(Timestamp, ConfigurationId)>,
        limit: u32,
    ) -> Result<Vec<Configuration>, StoreError> {
        let (mut created, mut id) =
            after.map_or((i64::MIN, Uuid::nil()), |(created, id)| (created.as_micros(), id.uuid()));
        loop {
            let rows = select_configuration!(
                "where c.account = $1 and c.region = $2 and (c.created, c.id) > ($3, $4)
                 order by c.created, c.id limit $5",
                scope.account.as_str(),
                scope.region.as_str(),
                created,
                id,
                i64::from(limit)
            )
            .fetch_all(&self.pool)
            .await?;
            let Some(last) = rows.last() else { return Ok(Vec::new()) };
            (created, id) = (last.created, last.id);
            let read = |row: ConfigurationRow| {
                let id = row.id;
                self.skipped.keep("configuration", id, Configuration::try_from(row))
            };
            let page: Vec<_> = rows.into_iter().filter_map(read).collect();
            if !page.is_empty() {
                return Ok(page);
            }
        }
    }

    /// A revision with its content; the newest one when none is named.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn revision(
        &self,
        scope: &Scope,
        id: ConfigurationId,
        number: Option<i32>,
    ) -> Result<RevisionLookup, StoreError> {
        let Some(configuration) = self.configuration(scope, id).await? else {
            return Ok(RevisionLookup::NoConfiguration);
        };
        let number = number.unwrap_or(configuration.latest.number);
        let row = sqlx::query!(
            "select created, description, data from configuration_revision
             where configuration_id = $1 and revision = $2",
            id.uuid(),
            number
        )
        .fetch_optional(&self.pool)
        .await?;
        let Some(row) = row else { return Ok(RevisionLookup::NoRevision(number)) };
        let created = Timestamp::from_micros(row.created);
        let revision = Revision { number, created, description: row.description };
        let found = ConfigurationRevision { configuration, revision, data: row.data };
        Ok(RevisionLookup::Found(Box::new(found)))
    }

    /// Revisions in their order, after `after`; none: this scope has no such configuration.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn revisions(
        &self,
        scope: &Scope,
        id: ConfigurationId,
        after: i32,
        limit: u32,
    ) -> Result<Option<Vec<Revision>>, StoreError> {
        let rows = sqlx::query!(
            "select revision, created, description from configuration_revision
             where configuration_id =
                   (select id from configuration where id = $1 and account = $4 and region = $5)
               and revision > $2
             order by revision limit $3",
            id.uuid(),
            after,
            i64::from(limit),
            scope.account.as_str(),
            scope.region.as_str()
        )
        .fetch_all(&self.pool)
        .await?;
        // A page after the last one is empty, too.
        if rows.is_empty() && self.configuration(scope, id).await?.is_none() {
            return Ok(None);
        }
        let revision = |(number, created, description)| Revision {
            number,
            created: Timestamp::from_micros(created),
            description,
        };
        let rows = rows.into_iter().map(|row| (row.revision, row.created, row.description));
        Ok(Some(rows.map(revision).collect()))
    }

    /// Appends a revision. Those who append at once get one number each.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn add_revision(
        &self,
        scope: &Scope,
        id: ConfigurationId,
        description: Option<&str>,
        data: &str,
        now: Timestamp,
    ) -> Result<AddRevision, StoreError> {
        let now = now.whole_millis();
        let mut transaction = self.pool.begin().await?;
        let row = select_configuration!(
            "where c.id = $1 and c.account = $2 and c.region = $3 for update of c",
            id.uuid(),
            scope.account.as_str(),
            scope.region.as_str()
        )
        .fetch_optional(&mut *transaction)
        .await?;
        let Some(row) = row else { return Ok(AddRevision::NotFound) };
        let mut configuration = Configuration::try_from(row)?;
        // The lock may have been waited for, and the row was read before: the number is read behind it.
        let newest = sqlx::query_scalar!(
            r#"select max(revision) as "newest!" from configuration_revision where configuration_id = $1"#,
            id.uuid()
        )
        .fetch_one(&mut *transaction)
        .await?;
        if newest >= MAX_REVISIONS {
            return Ok(AddRevision::TooMany);
        }
        let number = newest + 1;
        sqlx::query!(
            "insert into configuration_revision (configuration_id, revision, created, description, data)
             values ($1, $2, $3, $4, $5)",
            id.uuid(),
            number,
            now.as_micros(),
            description,
            data
        )
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        let description = description.map(str::to_owned);
        configuration.latest = Revision { number, created: now, description };
        Ok(AddRevision::Added(Box::new(configuration)))
    }

    /// Deletes a configuration that no broker refers to. A transaction that is about to refer to it holds its
    /// row, so that one of the two comes first.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn delete_configuration(
        &self,
        scope: &Scope,
        id: ConfigurationId,
    ) -> Result<DeleteConfiguration, StoreError> {
        let mut transaction = self.pool.begin().await?;
        let there = sqlx::query_scalar!(
            "select id from configuration where id = $1 and account = $2 and region = $3 for update",
            id.uuid(),
            scope.account.as_str(),
            scope.region.as_str()
        )
        .fetch_optional(&mut *transaction)
        .await?;
        if there.is_none() {
            return Ok(DeleteConfiguration::NotFound);
        }
        let used = sqlx::query_scalar!(
            r#"select exists (select from broker where account = $1 and region = $2
                              and strpos(configurations::text, $3) > 0) as "used!""#,
            scope.account.as_str(),
            scope.region.as_str(),
            id.to_string()
        )
        .fetch_one(&mut *transaction)
        .await?;
        if used {
            return Ok(DeleteConfiguration::InUse);
        }
        sqlx::query!("delete from configuration where id = $1", id.uuid())
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(DeleteConfiguration::Deleted)
    }
}
