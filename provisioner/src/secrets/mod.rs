//! What configurations name by ARN: passwords, certificates, keys. It is fetched when a broker is created or
//! rebooted, and kept with the broker's materials, so that it starts again whatever becomes of where it came from.

mod exchange;
mod judge;
mod remote;

use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;
use brokerd_domain::{
    ActionRequired, RabbitMqConfiguration, RabbitMqSettings, Scope, SecretReference, role_account,
};
use brokerd_store::{PgStore, StoreError, Work};
use futures_util::future::join_all;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::time::{Instant, timeout_at};

use crate::{
    catalogue::Image,
    pki::{
        materials::{Materials, Resolved},
        tls,
    },
};

pub use judge::Fetched;
pub(crate) use judge::{by_code, is_own};
pub use remote::{AwsEndpoints, Remote, WrongEndpoint};

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

/// Secrets that are kept here, and those of the endpoints that the operator has named.
pub struct Secrets {
    store: PgStore,
    remote: Option<Remote>,
}

impl Secrets {
    /// Those of this store, then those of these endpoints.
    pub fn new(store: PgStore, remote: Option<Remote>) -> Self {
        Self { store, remote }
    }
}

#[async_trait]
impl SecretSource for Secrets {
    async fn fetch(
        &self,
        scope: &Scope,
        role: &str,
        references: &[&SecretReference],
    ) -> Vec<Result<SecretString, NotFetched>> {
        let deadline = Instant::now() + TIMEOUT;
        let kept = references.iter().map(|reference| self.kept(deadline, scope, reference));
        let kept = join_all(kept).await;
        let elsewhere = references.iter().zip(&kept).filter(|(_, kept)| matches!(kept, Ok(None)));
        let elsewhere: Vec<&SecretReference> = elsewhere.map(|(reference, _)| *reference).collect();
        let mut fetched = match &self.remote {
            Some(remote) if !elsewhere.is_empty() => {
                remote.fetch_until(deadline, scope, role, &elsewhere).await
            }
            Some(_) | None => elsewhere.iter().map(|reference| Err(nowhere(reference))).collect(),
        }
        .into_iter();
        let answers = kept.into_iter().map(|kept| match kept {
            Ok(Some(value)) => Ok(value),
            Ok(None) => fetched
                .next()
                .unwrap_or_else(|| Err(NotFetched::Transient("there was no answer".to_owned()))),
            Err(why) => Err(why),
        });
        answers.collect()
    }
}

impl Secrets {
    /// What is kept here of that, if it is.
    async fn kept(
        &self,
        deadline: Instant,
        scope: &Scope,
        reference: &SecretReference,
    ) -> Result<Option<SecretString>, NotFetched> {
        if !reference.is_of(scope) {
            return Err(NotFetched::Invalid(format!(
                "it must be of the broker's account {} and Region {}",
                scope.account, scope.region
            )));
        }
        match timeout_at(deadline, self.store.secret_value(scope, reference)).await {
            Ok(Ok(kept)) => Ok(kept),
            Ok(Err(error @ StoreError::Seal(_))) => Err(NotFetched::Invalid(error.to_string())),
            Ok(Err(error)) => Err(NotFetched::Transient(error.to_string())),
            Err(_) => Err(NotFetched::Transient("the database does not answer".to_owned())),
        }
    }
}

fn nowhere(reference: &SecretReference) -> NotFetched {
    NotFetched::Invalid(format!(
        "no secret [{}] is kept here (PUT /brokerd/v1/secrets/…), and brokerd knows no endpoint of AWS Secrets \
         Manager or Amazon S3",
        reference.names().first().map_or("", |name| name.as_str())
    ))
}

/// What a broker has to be given that it has not got, or not for its reboot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    scope: Scope,
    role: String,
    reboot: u32,
    /// How many reboots are done: what was fetched for a later one was never in force.
    reboots_done: u32,
    /// Whether the broker is to be what it was, because what waits could not be applied.
    back: bool,
    /// For which keys each ARN is.
    keys_by_arn: BTreeMap<String, Vec<String>>,
}

/// Looks what is wanted; none: nothing. A configuration that can't be read wants nothing: that is told elsewhere.
pub fn wanted(work: &Work, image: &Image, materials: &Materials) -> Option<Wanted> {
    let (broker, spec) = (&work.broker, &work.broker.spec);
    let settings = settings_of(work, image)?;
    let mut keys_by_arn: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (key, arn) in settings.references() {
        keys_by_arn.entry(arn.to_owned()).or_default().push(key.to_owned());
    }
    if keys_by_arn.is_empty() || spec.engine_type != brokerd_domain::EngineType::RabbitMq {
        return None;
    }
    let has_all = keys_by_arn.keys().all(|arn| materials.resolved.values.contains_key(arn));
    let fresh = !broker.is_rebooting() || materials.resolved.reboot == broker.reboots_requested;
    let role = settings.assumed_role().unwrap_or_default().to_owned();
    (!has_all || !fresh).then(|| Wanted {
        scope: broker.scope.clone(),
        role,
        reboot: broker.reboots_requested,
        reboots_done: broker.status.reboots_done,
        back: broker.is_rebooting() && !broker.applies_pending(),
        keys_by_arn,
    })
}

/// What a person must do about what the broker's configuration names by ARN and could not be had when it was last
/// fetched. Who configured something else meanwhile has done it.
pub(crate) fn actions(work: &Work, image: &Image, materials: &Materials) -> Vec<ActionRequired> {
    let unusable = &materials.resolved.unusable;
    if unusable.is_empty() {
        return Vec::new();
    }
    let Some(settings) = settings_of(work, image) else { return Vec::new() };
    let names = |arn: &str| {
        settings.references().any(|(_, named)| named == arn) || settings.assumed_role() == Some(arn)
    };
    by_code(unusable.iter().filter(|unusable| names(&unusable.arn)))
}

/// Whether a RabbitMQ broker knows brokerd's own user: users elsewhere are asked for first otherwise, who may be slow
/// or away.
pub(crate) fn knows_its_own_users(work: &Work, image: &Image) -> bool {
    settings_of(work, image)
        .is_some_and(|settings| matches!(settings.get("auth_backends.1"), None | Some("internal")))
}

fn settings_of(work: &Work, image: &Image) -> Option<RabbitMqSettings> {
    let spec = &work.broker.spec;
    let configured = RabbitMqConfiguration::parse(spec.engine_version, &work.configuration).ok()?;
    Some(configured.effective(spec.host_instance_type, spec.deployment_mode, image.version))
}

impl Wanted {
    /// For which reboot.
    pub const fn reboot(&self) -> u32 {
        self.reboot
    }

    /// The values in force before a reboot that could not apply the pending changes. They are not fetched
    /// again, so that the broker is what it was.
    pub(crate) fn as_before(&self, former: &Resolved) -> Option<Resolved> {
        let values = former.in_force(self.reboots_done);
        let has_all = self.keys_by_arn.keys().all(|arn| values.contains_key(arn));
        (self.back && has_all).then(|| Resolved {
            reboot: self.reboot,
            values: values.clone(),
            previous: BTreeMap::new(),
            unusable: former.unusable.clone(),
            waits: None,
        })
    }

    /// Fetches all of it, at the same time. For how long it was waited for before decides what becomes of what can't
    /// be had now.
    pub async fn fetch(
        &self,
        source: &dyn SecretSource,
        former: &Resolved,
        waited: Duration,
    ) -> Fetched {
        judge::judge(self, self.ask(source).await, former, waited)
    }

    async fn ask(&self, source: &dyn SecretSource) -> BTreeMap<&str, Result<String, NotFetched>> {
        let arns = || self.keys_by_arn.keys().map(String::as_str);
        if role_account(&self.role).as_ref() != Some(&self.scope.account) {
            let account = &self.scope.account;
            let why = NotFetched::Role(format!("it must be a role of account {account}"));
            return arns().map(|arn| (arn, Err(why.clone()))).collect();
        }
        let references: BTreeMap<&str, SecretReference> =
            arns().filter_map(|arn| Some((arn, SecretReference::parse(arn)?))).collect();
        let asked: Vec<&SecretReference> = references.values().collect();
        let answers = source.fetch(&self.scope, &self.role, &asked).await;
        let mut answers: BTreeMap<&str, _> = references.keys().copied().zip(answers).collect();
        let of = |(arn, keys): (&'_ String, &Vec<String>)| {
            let none = || Err(NotFetched::Invalid("it is not such an ARN".to_owned()));
            let value = answers.remove(arn.as_str()).unwrap_or_else(none)?;
            let value = value.expose_secret();
            keys.iter().try_for_each(|key| check(key, value)).map_err(NotFetched::Invalid)?;
            Ok(value.to_owned())
        };
        let checked: Vec<_> = self.keys_by_arn.iter().map(of).collect();
        arns().zip(checked).collect()
    }
}

/// Whether a value can be what the key is for: with something else the engine would not boot.
fn check(key: &str, value: &str) -> Result<(), String> {
    match key.rsplit('.').next() {
        Some("password") => {
            let printable = !value.is_empty() && value.chars().all(|c| !c.is_control());
            if printable { Ok(()) } else { Err("it is not a password".to_owned()) }
        }
        Some("keyfile") => PrivateKeyDer::from_pem_slice(value.as_bytes())
            .map(drop)
            .map_err(|_| "it is not a private key in PEM form".to_owned()),
        _ => {
            let mut certificates = 0;
            for certificate in CertificateDer::pem_slice_iter(value.as_bytes()) {
                let parsed = certificate.map_err(|e| tls::TlsError::Pem(e.to_string()));
                parsed.and_then(|der| tls::check(&der)).map_err(|e| e.to_string())?;
                certificates += 1;
            }
            if certificates > 0 {
                Ok(())
            } else {
                Err("it is not a certificate in PEM form".to_owned())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_what_their_keys_are_for() {
        let key = crate::pki::rsa_keys::generate().expect("a key");
        let key = key.expose_secret();
        for (name, value, fits) in [
            ("auth_ldap.other_bind.password", "a#'\"b", true),
            ("auth_ldap.other_bind.password", "", false),
            ("auth_ldap.other_bind.password", "a\nb", false),
            ("auth_ldap.ssl_options.keyfile", key, true),
            ("auth_ldap.ssl_options.keyfile", "a", false),
            ("ssl_options.cacertfile", key, false),
            ("ssl_options.cacertfile", "", false),
            (
                "ssl_options.cacertfile",
                "-----BEGIN CERTIFICATE-----\nVEVTVA==\n-----END CERTIFICATE-----\n",
                false,
            ),
            ("ssl_options.cacertfile", tls::public_authorities_pem(), true),
        ] {
            assert_eq!(check(name, value).is_ok(), fits, "{name}: {value}");
        }
    }
}
