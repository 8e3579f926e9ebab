//! Keys and secrets of the simulated world.

use std::{
    collections::BTreeMap,
    sync::{LazyLock, Mutex},
};

use brokerd_domain::{Scope, SecretReference};
use brokerd_provisioner::{
    pki::{
        rsa_keys::{self, RsaKeys},
        tls::TlsError,
    },
    secrets::{NotFetched, SecretSource},
};
use secrecy::SecretString;

/// The same key for every broker: making one takes as long as many passes.
pub(super) struct OneRsaKey;

#[async_trait::async_trait]
impl RsaKeys for OneRsaKey {
    async fn take(&self) -> Result<SecretString, TlsError> {
        static KEY: LazyLock<SecretString> =
            LazyLock::new(|| rsa_keys::generate().expect("the system has randomness"));
        Ok(KEY.clone())
    }
}

/// What can be had by ARN.
#[derive(Default)]
pub struct Kept {
    /// By the best of the names that a secret may have here.
    pub answers: Mutex<BTreeMap<String, Result<String, NotFetched>>>,
    /// How often it was asked.
    pub asked: Mutex<u32>,
}

impl Kept {
    /// From now on that is the answer.
    pub fn answer(&self, name: &str, answer: Result<&str, NotFetched>) {
        let answer = answer.map(str::to_owned);
        self.answers.lock().expect("not poisoned").insert(name.to_owned(), answer);
    }
}

#[async_trait::async_trait]
impl SecretSource for Kept {
    async fn fetch(
        &self,
        _: &Scope,
        _: &str,
        references: &[&SecretReference],
    ) -> Vec<Result<SecretString, NotFetched>> {
        *self.asked.lock().expect("not poisoned") += 1;
        let answers = self.answers.lock().expect("not poisoned");
        let of = |reference: &&SecretReference| {
            let name = reference.names().first().map(ToString::to_string).unwrap_or_default();
            let none = || Err(NotFetched::Invalid("there is none".to_owned()));
            answers.get(&name).cloned().unwrap_or_else(none).map(SecretString::from)
        };
        references.iter().map(of).collect()
    }
}
