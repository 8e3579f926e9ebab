//! The errors of the store.

use sqlx::migrate::MigrateError;

/// The constraint that a write for a deleted account violates.
const ACCOUNT_IS_THERE: &str = "account_is_there";

/// An error of the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database can't be reached, or has no connection to spare; the same call may work later.
    #[error("the database is unavailable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The lease expired, or another provisioner claimed the broker: stop, and record nothing.
    #[error("the lease on the broker is lost")]
    LeaseLost,
    /// Every port of the range belongs to an endpoint or to another program.
    #[error("no free port is left in {0}-{1}")]
    NoPorts(u16, u16),
    /// A row contradicts the rules of the domain.
    #[error("inconsistent row in {table}: {what}")]
    Inconsistent {
        /// The table.
        table: &'static str,
        /// The mismatch.
        what: String,
    },
    /// A sealed value can't be opened: the master key is not the one that sealed it.
    #[error("can't open the sealed {0}: is the master key the right one?")]
    Seal(&'static str),
    /// The database was migrated by a later version of brokerd, which this one would misunderstand.
    #[error("the database has migration {0}, which this brokerd does not know")]
    Newer(i64),
    /// A text has a character that can't be stored. Callers refuse such texts; this is the second line of defence.
    #[error("a text has a character that the database can't keep")]
    Text(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The account was deleted in the meantime.
    #[error("the account was deleted")]
    AccountDeleted,
    /// Anything else.
    #[error("the database refused")]
    Other(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<MigrateError> for StoreError {
    fn from(error: MigrateError) -> Self {
        match error {
            MigrateError::VersionMissing(version) => Self::Newer(version),
            MigrateError::Execute(error) => error.into(),
            other => Self::Other(Box::new(other)),
        }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            // A message that ends early, as when the server stops or starts.
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => Self::Unavailable(Box::new(error)),
            // Class 57 is operator intervention and statements that took too long, 53 insufficient resources, 40 a
            // transaction that gave way to another, 08 connections, 55P03 a lock that took too long, 25P03 a
            // transaction in which nothing happened for too long: all pass.
            sqlx::Error::Database(ref refused)
                if refused.code().is_some_and(|c| {
                    ["57", "53", "40", "08", "55P03", "25P03"].iter().any(|class| c.starts_with(class))
                }) =>
            {
                Self::Unavailable(Box::new(error))
            }
            sqlx::Error::Database(ref refused) if refused.constraint() == Some(ACCOUNT_IS_THERE) => {
                Self::AccountDeleted
            }
            // character_not_in_repertoire, untranslatable_character, invalid_text_representation.
            sqlx::Error::Database(ref refused)
                if refused.code().is_some_and(|c| ["22021", "22P05", "22P02"].contains(&&*c)) =>
            {
                Self::Text(Box::new(error))
            }
            other => Self::Other(Box::new(other)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_is_not_there_is_told_from_one_that_refuses() {
        let eof = std::io::Error::from(std::io::ErrorKind::UnexpectedEof);
        for away in [
            sqlx::Error::Io(eof),
            sqlx::Error::Protocol("unexpected response from SSLRequest: 0x00".to_owned()),
            sqlx::Error::PoolTimedOut,
        ] {
            let error = StoreError::from(away);
            assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
        }
        let error = StoreError::from(sqlx::Error::RowNotFound);
        assert!(matches!(error, StoreError::Other(_)), "{error:?}");
    }
}
