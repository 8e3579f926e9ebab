//! Temporary credentials. No row is kept of a session: its token is everything there is to know of it, sealed with the
//! master key for the identifier of its key.
//!
//! That is why a pipeline that assumes a role a thousand times an hour writes nothing, a made-up key costs no statement,
//! and a database that was restored knows the sessions of today. What a row would be good for is had otherwise, as in AWS:
//! sessions end by themselves, all at once by a moment in the row of their user or role, with that user or role, and with
//! their account. Whoever removes a former master key ends the sessions that it has sealed.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use brokerd_domain::{
    AccountId, Timestamp,
    identity::{AccessKeyId, Session, TemporaryCredentials, generate_secret_access_key},
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::identity_row::IdentityName;
use crate::kernel::{PgStore, StoreError, sealed_column::Place};

/// The largest token, in bytes before it is sealed: so large that a session policy of the greatest permitted length fits,
/// and so small that every client sends it in a header.
const MAX_BYTES: usize = 6144;

/// What is in a token.
#[derive(Serialize)]
struct Token<'a> {
    secret: &'a str,
    session: &'a Session,
}

#[derive(Deserialize)]
struct OpenedToken {
    secret: String,
    session: Session,
}

fn place(key: &str) -> Place {
    Place::of_token(key)
}

impl PgStore {
    /// Credentials of a session that begins. None: what they would have to say does not fit into a token.
    ///
    /// # Errors
    /// [`StoreError::Seal`].
    pub fn issue_credentials(
        &self,
        session: &Session,
    ) -> Result<Option<TemporaryCredentials>, StoreError> {
        let key = AccessKeyId::generate_temporary(&*self.entropy);
        let secret = generate_secret_access_key(&*self.entropy);
        let token = Token { secret: secret.expose_secret(), session };
        let text = serde_json::to_vec(&token).map(Zeroizing::new);
        let text = text.map_err(|_| StoreError::Seal("session token"))?;
        if text.len() > MAX_BYTES {
            return Ok(None);
        }
        let sealed = self.key.seal(&*self.entropy, &place(key.as_str()), &text)?;
        let token = SecretString::from(BASE64_STANDARD.encode(sealed));
        Ok(Some(TemporaryCredentials { key, secret, token, expires: session.expires }))
    }

    /// The session of a token and the secret part of its key. None: the token is not of this key, or was not issued here.
    /// Whether the session has ended, or was revoked, is not asked.
    pub fn open_credentials(&self, key: &str, token: &str) -> Option<(Session, SecretString)> {
        // Strangers send this: what can't be a token is not decoded.
        if token.len() > MAX_BYTES * 2 {
            return None;
        }
        let sealed = BASE64_STANDARD.decode(token).ok()?;
        let opened = self.key.open(&place(key), &sealed).ok()?;
        let OpenedToken { secret, session } = serde_json::from_slice(&opened).ok()?;
        Some((session, SecretString::from(secret)))
    }

    /// Ends every session of a user or role that began before `moment`. False: the account has none of that name.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn revoke_sessions(
        &self,
        account: &AccountId,
        name: &IdentityName,
        moment: Timestamp,
    ) -> Result<bool, StoreError> {
        let updated = sqlx::query!(
            "update identity set sessions_valid_from = greatest(sessions_valid_from, $4)
             where account = $1 and kind = $2 and lower(name) = lower($3) and name = $3",
            account.as_str(),
            name.kind(),
            name.as_str(),
            moment.as_micros()
        )
        .execute(&self.pool)
        .await?;
        Ok(updated.rows_affected() > 0)
    }
}
