//! Access keys of users and of accounts' roots.

use brokerd_domain::{
    AccountId, Timestamp,
    identity::{
        AccessKey as KeyData, AccessKeyId, AccessKeyState, KeyUse, MAX_ACCESS_KEYS, UserName,
    },
};
use secrecy::SecretString;

use super::{identity_lock::lock_identity, identity_row::violated};
use crate::kernel::{
    PgStore, StoreError,
    sealed_column::{ACCESS_KEY_SECRET, Place},
};

/// A key of an account's root with its secret, as the first start makes it.
#[derive(Debug, Clone)]
pub struct AccessKey {
    /// The public part.
    pub id: String,
    /// The secret part; sealed at rest.
    pub secret: SecretString,
    /// Whose requests it signs.
    pub account: AccountId,
}

/// Whose keys are meant.
#[derive(Debug, Clone, Copy)]
pub enum KeyHolderName<'a> {
    /// Those of the account's root.
    Root,
    /// Those of a user.
    User(&'a UserName),
}

impl KeyHolderName<'_> {
    const fn kind(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::User(_) => "user",
        }
    }

    fn as_str(&self) -> &str {
        match self {
            Self::Root => "root",
            Self::User(name) => name.as_str(),
        }
    }
}

/// What became of a new access key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NewKeyOutcome {
    /// It is there and signs.
    Created,
    /// The account has no such user.
    NoHolder,
    /// The user, or the root, has as many keys as it may have.
    TooMany,
    /// There is a key of that identifier.
    IdTaken,
}

struct RootKeyRow {
    id: String,
    account: String,
    secret: Vec<u8>,
}

struct KeyRow {
    id: String,
    identity_id: String,
    state: String,
    created: i64,
    expires: Option<i64>,
    last_used: Option<i64>,
    last_used_service: Option<String>,
    last_used_region: Option<String>,
}

fn inconsistent(id: &str, what: impl std::fmt::Display) -> StoreError {
    StoreError::Inconsistent { table: "access_key", what: format!("{id}: {what}") }
}

pub(super) fn read_state(id: &str, state: &str) -> Result<AccessKeyState, StoreError> {
    AccessKeyState::from_name(state).ok_or_else(|| inconsistent(id, state))
}

/// The columns of a use.
pub(super) fn read_use(
    id: &str,
    at: Option<i64>,
    service: Option<String>,
    region: Option<String>,
) -> Result<Option<KeyUse>, StoreError> {
    let (Some(at), Some(service), Some(region)) = (at, service, region) else { return Ok(None) };
    let region = region.parse().map_err(|error| inconsistent(id, error))?;
    Ok(Some(KeyUse { at: Timestamp::from_micros(at), service: service.into(), region }))
}

impl KeyRow {
    fn key(self) -> Result<KeyData, StoreError> {
        let used = (self.last_used_service, self.last_used_region);
        Ok(KeyData {
            id: self.id.parse().map_err(|error| inconsistent(&self.id, error))?,
            holder: self.identity_id.parse().map_err(|error| inconsistent(&self.id, error))?,
            state: read_state(&self.id, &self.state)?,
            created: Timestamp::from_micros(self.created),
            expires: self.expires.map(Timestamp::from_micros),
            last_used: read_use(&self.id, self.last_used, used.0, used.1)?,
        })
    }
}

/// Where the secret of a key is kept.
pub(super) fn place(id: &str) -> Place {
    ACCESS_KEY_SECRET.place(&[id])
}

impl PgStore {
    /// The oldest key of the account's root that is active and never expires; none before the first start.
    ///
    /// # Errors
    /// [`StoreError::Seal`] when it was sealed with another master key.
    pub async fn first_access_key(
        &self,
        account: &AccountId,
    ) -> Result<Option<AccessKey>, StoreError> {
        let row = sqlx::query_as!(
            RootKeyRow,
            "select k.id, i.account, k.secret from access_key k
             join identity i on i.id = k.identity_id
             where i.account = $1 and i.kind = 'root' and k.state = 'Active' and k.expires is null
             order by k.created, k.id limit 1",
            account.as_str()
        )
        .fetch_optional(&self.pool)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let secret = self.key.open_text(&place(&row.id), &row.secret)?;
        let account = row.account.parse().map_err(|error| inconsistent(&row.id, error))?;
        Ok(Some(AccessKey { id: row.id, secret, account }))
    }

    /// Adds a key of an account's root, and the account, called by its number, if it is not there yet. A key that exists
    /// is left as it is. How many keys the root has does not matter: this is the operator, who is not to be locked out.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn add_access_key(&self, key: &AccessKey, now: Timestamp) -> Result<(), StoreError> {
        let sealed = self.seal_text(&place(&key.id), &key.secret)?;
        let account = key.account.as_str();
        let mut transaction = self.pool.begin().await?;
        sqlx::query!(
            "insert into account (id, name, created) values ($1, $1, $2) on conflict do nothing",
            account,
            now.as_micros()
        )
        .execute(&mut *transaction)
        .await?;
        sqlx::query!(
            "insert into identity (id, account, kind, name, created)
             values ($1, $1, 'root', 'root', $2) on conflict do nothing",
            account,
            now.as_micros()
        )
        .execute(&mut *transaction)
        .await?;
        sqlx::query!(
            "insert into access_key (id, account, identity_id, secret, created)
             values ($1, $2, $2, $3, $4) on conflict do nothing",
            key.id,
            account,
            sealed,
            now.as_micros()
        )
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Gives a user, or the account's root, a key. Two at most, however many ask at once.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn create_access_key(
        &self,
        account: &AccountId,
        holder: KeyHolderName<'_>,
        id: &AccessKeyId,
        secret: &SecretString,
        expires: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<NewKeyOutcome, StoreError> {
        let sealed = self.seal_text(&place(id.as_str()), secret)?;
        let mut transaction = self.pool.begin().await?;
        let identity =
            lock_identity(&mut transaction, account, holder.kind(), holder.as_str()).await?;
        let Some(identity) = identity else { return Ok(NewKeyOutcome::NoHolder) };
        let inserted = sqlx::query!(
            "insert into access_key (id, account, identity_id, secret, created, expires)
             select $1, $2, $3, $4, $5, $6
             where (select count(*) from access_key where identity_id = $3) < $7",
            id.as_str(),
            account.as_str(),
            identity,
            sealed,
            now.as_micros(),
            expires.map(Timestamp::as_micros),
            i64::from(MAX_ACCESS_KEYS)
        )
        .execute(&mut *transaction)
        .await;
        match inserted {
            Ok(done) if done.rows_affected() == 0 => return Ok(NewKeyOutcome::TooMany),
            Ok(_) => {}
            Err(error) if violated(&error) == Some("access_key_pkey") => {
                return Ok(NewKeyOutcome::IdTaken);
            }
            Err(error) => return Err(error.into()),
        }
        transaction.commit().await?;
        Ok(NewKeyOutcome::Created)
    }

    /// The keys of a user or of the account's root, oldest first, without those that can't be read.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn access_keys(
        &self,
        account: &AccountId,
        holder: KeyHolderName<'_>,
    ) -> Result<Vec<KeyData>, StoreError> {
        let rows = sqlx::query_as!(
            KeyRow,
            "select k.id, k.identity_id, k.state, k.created, k.expires, k.last_used, k.last_used_service,
                    k.last_used_region
             from access_key k join identity i on i.id = k.identity_id
             where i.account = $1 and i.kind = $2 and lower(i.name) = lower($3) and i.name = $3
             order by k.created, k.id",
            account.as_str(),
            holder.kind(),
            holder.as_str()
        )
        .fetch_all(&self.pool)
        .await?;
        let read = |row: KeyRow| self.skipped.keep("access_key", row.id.clone(), row.key());
        Ok(rows.into_iter().filter_map(read).collect())
    }

    /// Makes a key active or inactive; false: the user, or the root, has no such key.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn set_access_key_state(
        &self,
        account: &AccountId,
        holder: KeyHolderName<'_>,
        id: &AccessKeyId,
        state: AccessKeyState,
    ) -> Result<bool, StoreError> {
        let updated = sqlx::query!(
            "update access_key k set state = $5 from identity i
             where i.id = k.identity_id and k.id = $4
               and i.account = $1 and i.kind = $2 and lower(i.name) = lower($3) and i.name = $3",
            account.as_str(),
            holder.kind(),
            holder.as_str(),
            id.as_str(),
            state.as_str()
        )
        .execute(&self.pool)
        .await?;
        Ok(updated.rows_affected() > 0)
    }

    /// Deletes a key; false: the user, or the root, has no such key.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn delete_access_key(
        &self,
        account: &AccountId,
        holder: KeyHolderName<'_>,
        id: &AccessKeyId,
    ) -> Result<bool, StoreError> {
        let deleted = sqlx::query!(
            "delete from access_key k using identity i
             where i.id = k.identity_id and k.id = $4
               and i.account = $1 and i.kind = $2 and lower(i.name) = lower($3) and i.name = $3",
            account.as_str(),
            holder.kind(),
            holder.as_str(),
            id.as_str()
        )
        .execute(&self.pool)
        .await?;
        Ok(deleted.rows_affected() > 0)
    }
}
