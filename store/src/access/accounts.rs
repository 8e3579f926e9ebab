//! Accounts.

use brokerd_domain::{
    AccountId, Timestamp,
    identity::{Account, AccountName, AccountState, AccountUsage, Quotas},
};

use super::identity_row::violated;
use crate::kernel::{PgStore, StoreError};

/// What became of a new account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NewAccountOutcome {
    /// It is there, and so is its root, without a key.
    Created,
    /// Another account has the identifier.
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

/// Changes of an account; what is none stays.
#[derive(Debug, Clone, Copy, Default)]
pub struct AccountUpdate<'a> {
    /// What it is called.
    pub name: Option<&'a AccountName>,
    /// Whether its calls are answered.
    pub state: Option<AccountState>,
    /// All of its quotas.
    pub quotas: Option<Quotas>,
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
            created: Timestamp::from_micros(self.created),
        })
    }
}

/// A quota as a column: one that no column holds is none that anybody reaches.
fn column(quota: Option<u32>) -> Option<i32> {
    quota.map(|quota| i32::try_from(quota).unwrap_or(i32::MAX))
}

impl PgStore {
    /// Creates an account with its root. Brokers that the account has already, because a former brokerd has made them,
    /// count.
    ///
    /// # Errors
    /// As every method.
    pub async fn create_account(&self, account: &Account) -> Result<NewAccountOutcome, StoreError> {
        let created = sqlx::query!(
            "with created as (
               insert into account (id, name, state, created, most_brokers, most_memory_mib,
                                    most_storage_gib, most_api_rate, brokers)
               values ($1, $2, $3, $4, $5, $6, $7, $8,
                       (select count(*) from broker where account = $1))
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
            column(account.quotas.api_rate)
        )
        .execute(&self.pool)
        .await?;
        if created.rows_affected() == 1 {
            return Ok(NewAccountOutcome::Created);
        }
        Ok(match self.account(&account.id).await? {
            Some(_) => NewAccountOutcome::IdTaken,
            None => NewAccountOutcome::NameTaken,
        })
    }

    /// An account.
    ///
    /// # Errors
    /// As every method.
    pub async fn account(&self, id: &AccountId) -> Result<Option<Account>, StoreError> {
        let row = sqlx::query_as!(
            AccountRow,
            "select id, name, state, created, most_brokers, most_memory_mib, most_storage_gib,
                    most_api_rate
             from account where id = $1",
            id.as_str()
        )
        .fetch_optional(&self.pool)
        .await?;
        row.map(|row| row.account()).transpose()
    }

    /// Every account, by name, without those that can't be read.
    ///
    /// # Errors
    /// As every method.
    pub async fn accounts(&self) -> Result<Vec<Account>, StoreError> {
        let rows = sqlx::query_as!(
            AccountRow,
            "select id, name, state, created, most_brokers, most_memory_mib, most_storage_gib,
                    most_api_rate
             from account order by lower(name)"
        )
        .fetch_all(&self.pool)
        .await?;
        let read = |row: AccountRow| self.skipped.keep("account", &row.id, row.account());
        Ok(rows.into_iter().filter_map(read).collect())
    }

    /// Changes an account. A quota below what it has takes nothing away: it only gets no more.
    ///
    /// # Errors
    /// As every method.
    pub async fn update_account(
        &self,
        id: &AccountId,
        update: AccountUpdate<'_>,
    ) -> Result<UpdateAccountOutcome, StoreError> {
        let quotas = update.quotas.unwrap_or_default();
        let updated = sqlx::query!(
            "update account set
               name = coalesce($2, name), state = coalesce($3, state),
               most_brokers = case when $4 then $5 else most_brokers end,
               most_memory_mib = case when $4 then $6 else most_memory_mib end,
               most_storage_gib = case when $4 then $7 else most_storage_gib end,
               most_api_rate = case when $4 then $8 else most_api_rate end
             where id = $1",
            id.as_str(),
            update.name.map(AccountName::as_str),
            update.state.map(AccountState::as_str),
            update.quotas.is_some(),
            column(quotas.brokers),
            column(quotas.memory_mib),
            column(quotas.storage_gib),
            column(quotas.api_rate)
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
    /// As every method.
    pub async fn account_usage(&self, id: &AccountId) -> Result<Option<AccountUsage>, StoreError> {
        let brokers = sqlx::query_scalar!("select brokers from account where id = $1", id.as_str())
            .fetch_optional(&self.pool)
            .await?;
        Ok(brokers.map(|brokers| AccountUsage { brokers: u32::try_from(brokers).unwrap_or(0) }))
    }
}
