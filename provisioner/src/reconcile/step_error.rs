//! How a step of a pass fails.

use brokerd_store::StoreError;

use crate::runtime::{RuntimeError, RuntimeErrorClass};

/// What the pass loop does about a failed step.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// Come back.
    #[error("{0}")]
    Transient(String),
    /// An operator has to act first; retried slowly.
    #[error("{0}")]
    Blocked(String),
    /// It will never work for this generation.
    #[error("{0}")]
    Rejected(String),
    /// Stop, and record nothing.
    #[error("the lease on the broker is lost")]
    LeaseLost,
    /// brokerd itself failed.
    #[error("the pass panicked")]
    Panicked,
    /// The store failed; the pass ends, the lease runs out or is given back.
    #[error("the store failed")]
    Store(#[source] StoreError),
}

impl From<StoreError> for StepError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::LeaseLost => Self::LeaseLost,
            StoreError::NoPorts(..) => Self::Blocked(error.to_string()),
            StoreError::Unavailable(_)
            | StoreError::Inconsistent { .. }
            | StoreError::Seal(_)
            | StoreError::Newer(_)
            | StoreError::Text(_)
            | StoreError::AccountDeleted
            | StoreError::Other(_) => Self::Store(error),
        }
    }
}

impl From<RuntimeError> for StepError {
    fn from(error: RuntimeError) -> Self {
        let text = error.to_string();
        match error.class {
            RuntimeErrorClass::Transient | RuntimeErrorClass::Gone => Self::Transient(text),
            RuntimeErrorClass::Denied => Self::Blocked(text),
            RuntimeErrorClass::Invalid => Self::Rejected(text),
            RuntimeErrorClass::Stale => Self::LeaseLost,
        }
    }
}
