//! RSA keys for brokers' certificates, made in advance.
//!
//! A key of 2048 bits takes a processor between 30 and 300 ms, which is as much as all else that is issued for a
//! broker takes together. So a few are made while nobody waits, and never on a thread that serves others.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use rand::{
    SeedableRng as _,
    rngs::{StdRng, SysRng},
};
use rsa::pkcs8::{EncodePrivateKey as _, LineEnding};
use secrecy::SecretString;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::{pause::pause_or_stop, pki::tls::TlsError};

/// What public authorities issue for, and what the service's certificates have.
const BITS: usize = 2048;

/// How many keys are kept ready.
const READY: usize = 4;

/// How long after a key was taken another one is made: engines boot meanwhile, and need the processors more.
const LATER: Duration = Duration::from_secs(5);

/// Where RSA keys come from.
#[async_trait]
pub trait RsaKeys: Send + Sync + 'static {
    /// A key that nobody else gets, PEM (PKCS#8).
    ///
    /// # Errors
    /// [`TlsError::Rsa`] when it can't be made.
    async fn take(&self) -> Result<SecretString, TlsError>;
}

/// Keys that are made in advance by `RsaKeyPool::keep_filled`.
#[derive(Debug, Default)]
pub struct RsaKeyPool {
    ready: Mutex<Vec<SecretString>>,
    taken: Notify,
}

#[async_trait]
impl RsaKeys for RsaKeyPool {
    async fn take(&self) -> Result<SecretString, TlsError> {
        let ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner).pop();
        self.taken.notify_one();
        match ready {
            Some(key) => Ok(key),
            None => make().await,
        }
    }
}

impl RsaKeyPool {
    /// Makes keys until cancelled, whenever some were taken.
    pub(crate) async fn keep_filled(&self, shutdown: &CancellationToken) {
        while !shutdown.is_cancelled() {
            while self.lacks() && !shutdown.is_cancelled() {
                match make().await {
                    Ok(key) => {
                        self.ready.lock().unwrap_or_else(PoisonError::into_inner).push(key);
                    }
                    Err(error) => {
                        tracing::warn!(%error, "RSA keys not made in advance");
                        break;
                    }
                }
            }
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = self.taken.notified() => pause_or_stop(LATER, shutdown).await,
            }
        }
    }

    fn lacks(&self) -> bool {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner).len() < READY
    }
}

async fn make() -> Result<SecretString, TlsError> {
    match tokio::task::spawn_blocking(generate).await {
        Ok(key) => key,
        Err(error) => Err(TlsError::Rsa(error.to_string())),
    }
}

/// Makes a key, PEM (PKCS#8). Takes a processor for up to a third of a second.
///
/// # Errors
/// [`TlsError::Rsa`] when the operating system has no randomness.
pub fn generate() -> Result<SecretString, TlsError> {
    let failed = |error: &dyn std::fmt::Display| TlsError::Rsa(error.to_string());
    let mut random = StdRng::try_from_rng(&mut SysRng).map_err(|error| failed(&error))?;
    let key = rsa::PrivateKey::new(&mut random, BITS).map_err(|error| failed(&error))?;
    let pem = key.to_pkcs8_pem(LineEnding::LF).map_err(|error| failed(&error))?;
    Ok(SecretString::from(pem.as_str()))
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[tokio::test]
    async fn keys_are_made_in_advance_and_each_is_given_once() {
        let (pool, shutdown) = (RsaKeyPool::default(), CancellationToken::new());
        let filling = pool.keep_filled(&shutdown);
        let taking = async {
            while pool.lacks() {
                tokio::task::yield_now().await;
            }
            let mut taken = Vec::new();
            for _ in 0..=READY {
                taken.push(pool.take().await.expect("a key").expose_secret().to_owned());
            }
            shutdown.cancel();
            taken
        };
        let (taken, ()) = tokio::join!(taking, filling);
        for (at, key) in taken.iter().enumerate() {
            assert!(key.starts_with("-----BEGIN PRIVATE KEY-----"));
            assert!(!taken[..at].contains(key), "given twice");
        }
    }
}
