//! Where secrets come from.

use std::time::Duration;

use async_trait::async_trait;
use brokerd_domain::{Scope, SecretReference};
use secrecy::SecretString;

/// How long everything that a broker wants may take together: the pass waits for it.
pub const TIMEOUT: Duration = Duration::from_secs(5);

/// Why something can't be had, in a sentence without its subject.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotFetched {
    /// No answer, or a temporary failure; retried.
    #[error("{0}")]
    Transient(String),
    /// It is not there, may not be read, or is not what it should be: it stays so until somebody corrects it.
    #[error("{0}")]
    Invalid(String),
    /// The role as which it is read can't be assumed, which stays so likewise.
    #[error("{0}")]
    Role(String),
}

/// Where secrets come from.
#[async_trait]
pub trait SecretSource: Send + Sync + 'static {
    /// The values of these ARNs in their order, for a caller of this scope who acts as `role`. Takes at most
    /// [`TIMEOUT`]; a [`NotFetched`] says why a value can't be fetched.
    async fn fetch(
        &self,
        scope: &Scope,
        role: &str,
        references: &[&SecretReference],
    ) -> Vec<Result<SecretString, NotFetched>>;
}
