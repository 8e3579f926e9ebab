//! Accounts.

use std::collections::HashMap;

use brokerd_domain::{
    AccountId, BrokerId, Cidr, Timestamp,
    identity::{
        Account, AccountName, AccountNetwork, AccountState, AccountUsage, OutgoingRanges, Quotas,
    },
};

use super::identity_row::violated;
use crate::kernel::{PgStore, StoreError};

/// What became of a new account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NewAccountOutcome {
    /// It is there, and so is its root, without a key.
    Created,
    /// Another account has the identifier, or had it and was deleted.
    IdTaken,
    /// Another account has the name, if only in another letter case.
    NameTaken,
}

/// What became of a change of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpdateAccountOutcome {
    /// It is stored.
    Updated,
    /// There is no such account.
    NotFound,
    /// Another account has the name.
    NameTaken,
}

/// What became of an account that is not wanted any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeleteAccountOutcome {
    /// It is gone.
    Deleted,
    /// There is no such account.
    NotFound,
    /// It still has something: what, as a person reads it.
    InUse(String),
}

/// Changes of an account; what is none stays.
#[derive(Debug, Clone, Copy, Default)]
pub struct AccountUpdate<'a> {
    /// What it is called.
    pub name: Option<&'a AccountName>,
    /// Whether its calls are answered.
    pub state: Option<AccountState>,
    /// All of its quotas.
    pub quotas: Option<Quotas>,
    /// What its engines may connect to.
    pub outgoing: Option<Option<&'a OutgoingRanges>>,
    /// The authorities of its directories.
    pub directory_authorities: Option<Option<&'a str>>,
}

struct AccountRow {
    id: String,
    name: String,
    state: String,
    created: i64,
    most_brokers: Option<i32>,
    most_memory_mib: Option<i32>,
    most_storage_gib: Option<i32>,
    most_api_rate: Option<i32>,
    outgoing: Option<Vec<String>>,
    directory_authorities: Option<String>,
}

struct UsageRow {
    id: String,
    brokers: i64,
    memory_mib: i64,
    storage_gib: i64,
}

impl UsageRow {
    fn usage(&self) -> AccountUsage {
        AccountUsage {
            brokers: u32::try_from(self.brokers).unwrap_or(0),
            memory_mib: u64::try_from(self.memory_mib).unwrap_or(0),
            storage_gib: u64::try_from(self.storage_gib).unwrap_or(0),
        }
    }
}

pub(super) fn inconsistent(row: &str, what: impl std::fmt::Display) -> StoreError {
    StoreError::Inconsistent { table: "account", what: format!("{row}: {what}") }
}

impl AccountRow {
    fn account(&self) -> Result<Account, StoreError> {
        let quota = |column: Option<i32>| {
            column.map(u32::try_from).transpose().map_err(|error| inconsistent(&self.id, error))
        };
        Ok(Account {
            id: self.id.parse().map_err(|error| inconsistent(&self.id, error))?,
            name: AccountName::parse(&self.name).map_err(|error| inconsistent(&self.id, error))?,
            state: AccountState::from_name(&self.state)
                .ok_or_else(|| inconsistent(&self.id, &self.state))?,
            quotas: Quotas {
                brokers: quota(self.most_brokers)?,
                memory_mib: quota(self.most_memory_mib)?,
                storage_gib: quota(self.most_storage_gib)?,
                api_rate: quota(self.most_api_rate)?,
            },
            network: AccountNetwork {
                outgoing: self
                    .outgoing
                    .as_deref()
                    .map(|texts| ranges(&self.id, texts))
                    .transpose()?,
                directory_authorities: self.directory_authorities.clone(),
            },
            created: Timestamp::from_micros(self.created),
        })
    }
}

/// Stored ranges.
fn ranges(id: &str, texts: &[String]) -> Result<OutgoingRanges, StoreError> {
    let ranges = texts.iter().map(|text| text.parse::<Cidr>()).collect::<Result<_, _>>();
    ranges.map(OutgoingRanges::stored).map_err(|error| inconsistent(id, error))
}

/// Ranges as a column.
fn texts(outgoing: &OutgoingRanges) -> Vec<String> {
    outgoing.ranges().iter().map(ToString::to_string).collect()
}

/// A quota as a column: one that no column holds is none that anybody reaches.
fn column(quota: Option<u32>) -> Option<i32> {
    quota.map(|quota| i32::try_from(quota).unwrap_or(i32::MAX))
}

impl PgStore {
    /// Creates an account with its root. Brokers that the account has already, because a former brokerd has made them,
    /// are its own.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn create_account(&self, account: &Account) -> Result<NewAccountOutcome, StoreError> {
        let outgoing = account.network.outgoing.as_ref().map(texts);
        let created = sqlx::query!(
            "with created as (
               insert into account (id, name, state, created, most_brokers, most_memory_mib,
                                    most_storage_gib, most_api_rate, outgoing, directory_authorities)
               values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
               on conflict do nothing
               returning id, created
             )
             insert into identity (id, account, kind, name, created)
             select id, id, 'root', 'root', created from created",
            account.id.as_str(),
            account.name.as_str(),
            account.state.as_str(),
            account.created.as_micros(),
            column(account.quotas.brokers),
            column(account.quotas.memory_mib),
            column(account.quotas.storage_gib),
            column(account.quotas.api_rate),
            outgoing.as_deref(),
            account.network.directory_authorities
        )
        .execute(&self.pool)
        .await?;
        if created.rows_affected() == 1 {
            return Ok(NewAccountOutcome::Created);
        }
        let taken = sqlx::query_scalar!(
            r#"select exists (select from account where id = $1) as "taken!""#,
            account.id.as_str()
        );
        Ok(match taken.fetch_one(&self.pool).await? {
            true => NewAccountOutcome::IdTaken,
            false => NewAccountOutcome::NameTaken,
        })
    }

    /// An account.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn account(&self, id: &AccountId) -> Result<Option<Account>, StoreError> {
        let row = sqlx::query_as!(
            AccountRow,
            "select id, name, state, created, most_brokers, most_memory_mib, most_storage_gib,
                    most_api_rate, outgoing, directory_authorities
             from account where id = $1 and deleted is null",
            id.as_str()
        )
        .fetch_optional(&self.pool)
        .await?;
        row.map(|row| row.account()).transpose()
    }

    /// Every account, by name, without those that can't be read.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn accounts(&self) -> Result<Vec<Account>, StoreError> {
        let rows = sqlx::query_as!(
            AccountRow,
            "select id, name, state, created, most_brokers, most_memory_mib, most_storage_gib,
                    most_api_rate, outgoing, directory_authorities
             from account where deleted is null order by lower(name)"
        )
        .fetch_all(&self.pool)
        .await?;
        let read = |row: AccountRow| self.skipped.keep("account", &row.id, row.account());
        Ok(rows.into_iter().filter_map(read).collect())
    }

    /// Changes an account. A quota below what it has takes nothing away: it only gets no more.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn update_account(
        &self,
        id: &AccountId,
        update: AccountUpdate<'_>,
    ) -> Result<UpdateAccountOutcome, StoreError> {
        let quotas = update.quotas.unwrap_or_default();
        let outgoing = update.outgoing.flatten().map(texts);
        let updated = sqlx::query!(
            "update account set
               name = coalesce($2, name), state = coalesce($3, state),
               most_brokers = case when $4 then $5 else most_brokers end,
               most_memory_mib = case when $4 then $6 else most_memory_mib end,
               most_storage_gib = case when $4 then $7 else most_storage_gib end,
               most_api_rate = case when $4 then $8 else most_api_rate end,
               outgoing = case when $9 then $10 else outgoing end,
               directory_authorities = case when $11 then $12 else directory_authorities end
             where id = $1 and deleted is null",
            id.as_str(),
            update.name.map(AccountName::as_str),
            update.state.map(AccountState::as_str),
            update.quotas.is_some(),
            column(quotas.brokers),
            column(quotas.memory_mib),
            column(quotas.storage_gib),
            column(quotas.api_rate),
            update.outgoing.is_some(),
            outgoing.as_deref(),
            update.directory_authorities.is_some(),
            update.directory_authorities.flatten()
        )
        .execute(&self.pool)
        .await;
        match updated {
            Ok(done) if done.rows_affected() == 0 => Ok(UpdateAccountOutcome::NotFound),
            Ok(_) => Ok(UpdateAccountOutcome::Updated),
            Err(error) if violated(&error) == Some("account_by_name") => {
                Ok(UpdateAccountOutcome::NameTaken)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// What an account has; none: there is no such account.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn account_usage(&self, id: &AccountId) -> Result<Option<AccountUsage>, StoreError> {
        let row = sqlx::query_as!(
            UsageRow,
            r#"select a.id, count(b.id) as "brokers!", coalesce(sum(b.memory_mib), 0) as "memory_mib!",
                      coalesce(sum(b.storage_gib), 0) as "storage_gib!"
               from account a left join broker b on b.account = a.id
               where a.id = $1 and a.deleted is null group by a.id"#,
            id.as_str()
        );
        Ok(row.fetch_optional(&self.pool).await?.map(|row| row.usage()))
    }

    /// What each account has.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn accounts_usage(&self) -> Result<HashMap<AccountId, AccountUsage>, StoreError> {
        let rows = sqlx::query_as!(
            UsageRow,
            r#"select a.id as "id!", coalesce(b.brokers, 0) as "brokers!", coalesce(b.memory_mib, 0) as "memory_mib!",
                      coalesce(b.storage_gib, 0) as "storage_gib!"
               from account a left join (
                 select account, count(*) as brokers, sum(memory_mib) as memory_mib, sum(storage_gib) as storage_gib
                 from broker group by account) b on b.account = a.id
               where a.deleted is null"#
        );
        let rows = rows.fetch_all(&self.pool).await?;
        Ok(rows.into_iter().filter_map(|row| Some((row.id.parse().ok()?, row.usage()))).collect())
    }

    /// The brokers whose account limits what their engines may connect to, with those limits.
    ///
    /// # Errors
    /// As every method of [`PgStore`]; also for a limit that can't be read, because without it everything is permitted.
    pub async fn limited_brokers(&self) -> Result<Vec<(BrokerId, OutgoingRanges)>, StoreError> {
        let rows = sqlx::query!(
            r#"select b.id, a.id as account, a.outgoing as "outgoing!"
               from broker b join account a on a.id = b.account where a.outgoing is not null"#
        )
        .fetch_all(&self.pool)
        .await?;
        let read = |row: (uuid::Uuid, String, Vec<String>)| {
            Ok((BrokerId::from(row.0), ranges(&row.1, &row.2)?))
        };
        rows.into_iter().map(|row| read((row.id, row.account, row.outgoing))).collect()
    }

    /// Deletes an account that has nothing any more but its root, whose keys go with it. Whoever gives it something in the
    /// same moment is refused, or keeps it. Its number is not given to another account.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn delete_account(
        &self,
        id: &AccountId,
        now: Timestamp,
    ) -> Result<DeleteAccountOutcome, StoreError> {
        let id = id.as_str();
        let mut transaction = self.pool.begin().await?;
        // A statement of its own: the others see what was put into the account before.
        sqlx::query!(r#"select lock_account($1)::text as "locked""#, id)
            .fetch_one(&mut *transaction)
            .await?;
        let found = sqlx::query_scalar!(
            "select id from account where id = $1 and deleted is null for update",
            id
        )
        .fetch_optional(&mut *transaction)
        .await?;
        if found.is_none() {
            return Ok(DeleteAccountOutcome::NotFound);
        }
        let used = sqlx::query_scalar!(
            r#"select case
                 when exists (select from broker where account = $1) then 'brokers'
                 when exists (select from configuration where account = $1) then 'configurations'
                 when exists (select from security_group where account = $1) then 'security groups'
                 when exists (select from secret where account = $1) then 'secrets'
                 when exists (select from identity where account = $1 and kind <> 'root')
                   then 'users, groups or roles'
                 when exists (select from managed_policy where account = $1) then 'policies'
                 when exists (select from alarm where account = $1) then 'alarms'
               end as used"#,
            id
        )
        .fetch_one(&mut *transaction)
        .await?;
        if let Some(used) = used {
            return Ok(DeleteAccountOutcome::InUse(used));
        }
        sqlx::query!("delete from access_key where account = $1", id)
            .execute(&mut *transaction)
            .await?;
        sqlx::query!("delete from identity where account = $1", id)
            .execute(&mut *transaction)
            .await?;
        sqlx::query!("update account set deleted = $2 where id = $1", id, now.as_micros())
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(DeleteAccountOutcome::Deleted)
    }
}
