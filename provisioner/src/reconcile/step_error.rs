//! The errors of steps.

use brokerd_store::StoreError;

use crate::runtime::{RuntimeError, RuntimeErrorClass};

/// The error of a step, by what the pass does next.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// It may work later; retried.
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
    /// The store failed: the pass ends, and the lease expires or is released.
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
            RuntimeErrorClass::Blocked => Self::Blocked(text),
            RuntimeErrorClass::Rejected => Self::Rejected(text),
            RuntimeErrorClass::Stale => Self::LeaseLost,
        }
    }
}
