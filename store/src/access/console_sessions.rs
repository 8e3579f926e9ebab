//! Who is signed in to the web console.
//!
//! A session is a row, other than those of temporary credentials, because browsers are to be signed out one by one. The
//! database has only hashes of what browsers bring.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use brokerd_domain::{AccountId, Entropy, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::kernel::{PgStore, StoreError};

/// Random bytes of a token.
const TOKEN_BYTES: usize = 32;
/// The most sessions of one access key. Those that began first make room.
const MAX_SESSIONS: i64 = 100;
/// The most rows of each kind that a sign-in clears away.
const CLEARED_AT_ONCE: i64 = 100;

/// What a browser or a link brings in order to be known again: 256 random bits. It can't be guessed, so it is found by its
/// hash, in a time that tells nothing about it.
#[derive(Debug, Clone)]
pub struct ConsoleToken(SecretString);

impl ConsoleToken {
    /// A new one.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        let mut bytes = Zeroizing::new([0; TOKEN_BYTES]);
        entropy.fill(&mut *bytes);
        Self(BASE64_URL_SAFE_NO_PAD.encode(*bytes).into())
    }

    /// One that was brought; none: it is no such token.
    pub fn parse(text: &str) -> Option<Self> {
        // Strangers send this: what can't be a token is not decoded.
        if text.len() != TOKEN_BYTES * 4 / 3 + 1 {
            return None;
        }
        let bytes = Zeroizing::new(BASE64_URL_SAFE_NO_PAD.decode(text).ok()?);
        (bytes.len() == TOKEN_BYTES).then(|| Self(text.into()))
    }

    /// Its text, for the one who is to bring it: letters, digits, `-` and `_`.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// What is kept of it.
    pub fn hash(&self) -> ConsoleTokenHash {
        ConsoleTokenHash(Sha256::digest(self.expose().as_bytes()).into())
    }
}

/// The SHA-256 of a [`ConsoleToken`], by which it is known without being known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ConsoleTokenHash([u8; 32]);

impl ConsoleTokenHash {
    /// As it is kept.
    fn text(self) -> String {
        hex::encode(self.0)
    }
}

/// A session in the web console.
#[derive(Debug, Clone)]
pub struct ConsoleSession {
    /// Whose resources it is about.
    pub account: AccountId,
    /// The ARN of who signed in.
    pub principal: String,
    /// The access key of the sign-in. The caller checks that it is still in force.
    pub access_key_id: String,
    /// The token of temporary credentials; none: the key lasts.
    pub session_token: Option<SecretString>,
    /// When it began.
    pub created: Timestamp,
    /// When it ends unless it is used before.
    pub idle_until: Timestamp,
    /// When it ends anyway.
    pub expires: Timestamp,
}

struct SessionRow {
    account: String,
    principal: String,
    access_key_id: String,
    session_token: Option<String>,
    created: i64,
    idle_until: i64,
    expires: i64,
}

impl SessionRow {
    fn session(self) -> Result<ConsoleSession, StoreError> {
        let account = self.account.parse().map_err(|error| StoreError::Inconsistent {
            table: "console_session",
            what: format!("{}: {error}", self.account),
        })?;
        Ok(ConsoleSession {
            account,
            principal: self.principal,
            access_key_id: self.access_key_id,
            session_token: self.session_token.map(SecretString::from),
            created: Timestamp::from_micros(self.created),
            idle_until: Timestamp::from_micros(self.idle_until),
            expires: Timestamp::from_micros(self.expires),
        })
    }
}

impl PgStore {
    /// Keeps a session that begins. With a link, that is used up by it: false means that there is no such link of this access
    /// key, that it has ended, or that somebody else has used it, and there is no session then. Of sessions of the same key
    /// the oldest make room for it.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn begin_console_session(
        &self,
        token: &ConsoleToken,
        session: &ConsoleSession,
        link: Option<&ConsoleToken>,
    ) -> Result<bool, StoreError> {
        let link = link.map(|link| link.hash().text());
        let mut transaction = self.pool.begin().await?;
        let begun = sqlx::query!(
            "with used as (
               delete from console_link
               where token_hash = $9 and access_key_id = $4 and expires > $6 returning 1
             )
             insert into console_session (token_hash, account, principal, access_key_id, session_token,
                                          created, idle_until, expires)
             select $1, $2, $3, $4, $5, $6, $7, $8
             where $9::text is null or exists (select from used)",
            token.hash().text(),
            session.account.as_str(),
            session.principal,
            session.access_key_id,
            session.session_token.as_ref().map(ExposeSecret::expose_secret),
            session.created.as_micros(),
            session.idle_until.as_micros(),
            session.expires.as_micros(),
            link
        )
        .execute(&mut *transaction)
        .await?;
        if begun.rows_affected() == 0 {
            transaction.rollback().await?;
            return Ok(false);
        }
        sqlx::query!(
            "delete from console_session where token_hash in (
               select token_hash from console_session where token_hash in (
                 select token_hash from console_session where access_key_id = $1
                 order by created desc, token_hash offset $2)
               order by token_hash for update)",
            session.access_key_id,
            MAX_SESSIONS
        )
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// The session of a token, unless it has ended.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn console_session(
        &self,
        token: &ConsoleTokenHash,
        now: Timestamp,
    ) -> Result<Option<ConsoleSession>, StoreError> {
        let row = sqlx::query_as!(
            SessionRow,
            "select account, principal, access_key_id, session_token, created, idle_until, expires
             from console_session where token_hash = $1 and idle_until > $2 and expires > $2",
            token.text(),
            now.as_micros()
        )
        .fetch_optional(&self.pool)
        .await?;
        row.map(SessionRow::session).transpose()
    }

    /// Notes that a session is used: it ends at `idle_until` at the earliest.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn prolong_console_session(
        &self,
        token: &ConsoleTokenHash,
        idle_until: Timestamp,
    ) -> Result<(), StoreError> {
        sqlx::query!(
            "update console_session set idle_until = greatest(idle_until, $2) where token_hash = $1",
            token.text(),
            idle_until.as_micros()
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Ends a session. False: it had ended.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn end_console_session(&self, token: &ConsoleTokenHash) -> Result<bool, StoreError> {
        let ended = sqlx::query!("delete from console_session where token_hash = $1", token.text())
            .execute(&self.pool)
            .await?;
        Ok(ended.rows_affected() > 0)
    }

    /// Ends every session of a principal of an account; returns how many.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn end_console_sessions(
        &self,
        account: &AccountId,
        principal: &str,
    ) -> Result<u64, StoreError> {
        let ended = sqlx::query!(
            "delete from console_session where token_hash in (
               select token_hash from console_session where account = $1 and principal = $2
               order by token_hash for update)",
            account.as_str(),
            principal
        )
        .execute(&self.pool)
        .await?;
        Ok(ended.rows_affected())
    }

    /// Keeps a link that signs whoever follows it in as the holder of an access key that lasts, once, before `expires`.
    /// False: there is no such key.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn create_console_link(
        &self,
        token: &ConsoleToken,
        access_key_id: &str,
        expires: Timestamp,
    ) -> Result<bool, StoreError> {
        let created = sqlx::query!(
            "insert into console_link (token_hash, access_key_id, expires)
             select $1, id, $3 from access_key where id = $2",
            token.hash().text(),
            access_key_id,
            expires.as_micros()
        )
        .execute(&self.pool)
        .await?;
        Ok(created.rows_affected() > 0)
    }

    /// The access key of a link that may still be used. Using it is [`Self::begin_console_session`].
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn console_link(
        &self,
        token: &ConsoleToken,
        now: Timestamp,
    ) -> Result<Option<String>, StoreError> {
        Ok(sqlx::query_scalar!(
            "select access_key_id from console_link where token_hash = $1 and expires > $2",
            token.hash().text(),
            now.as_micros()
        )
        .fetch_optional(&self.pool)
        .await?)
    }

    /// Deletes some sessions and links that have ended; returns how many.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn clear_console_sessions(&self, now: Timestamp) -> Result<u64, StoreError> {
        // A concurrent deletion takes other rows.
        let sessions = sqlx::query!(
            "delete from console_session where token_hash in (
               select token_hash from console_session where least(idle_until, expires) <= $1
               order by least(idle_until, expires) limit $2 for update skip locked)",
            now.as_micros(),
            CLEARED_AT_ONCE
        )
        .execute(&self.pool)
        .await?;
        let links = sqlx::query!(
            "delete from console_link where token_hash in (
               select token_hash from console_link where expires <= $1
               order by expires limit $2 for update skip locked)",
            now.as_micros(),
            CLEARED_AT_ONCE
        )
        .execute(&self.pool)
        .await?;
        Ok(sessions.rows_affected() + links.rows_affected())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Count(std::sync::atomic::AtomicU8);

    impl Entropy for Count {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst));
        }
    }

    #[test]
    fn a_token_is_known_again_by_its_hash_and_nothing_else_is_one() {
        let entropy = Count(250.into());
        let (one, other) = (ConsoleToken::generate(&entropy), ConsoleToken::generate(&entropy));
        assert_eq!(one.expose().len(), 43);
        let again = ConsoleToken::parse(one.expose()).expect("a token");
        assert_eq!(again.hash(), one.hash());
        assert_ne!(one.hash(), other.hash());
        let long = one.expose().repeat(2);
        for odd in ["", "x", &one.expose()[1..], &long, &one.expose().replace('-', "+")] {
            assert!(ConsoleToken::parse(odd).is_none(), "{odd}");
        }
        assert!(!format!("{one:?}").contains(one.expose()), "a token is not logged");
    }
}
