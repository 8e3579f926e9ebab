//! What configurations name by ARN: passwords, certificates, keys. It is fetched when a broker is created or
//! rebooted, and kept with the broker's materials, so that it starts again whatever becomes of where it came from.

mod remote;

use std::collections::BTreeMap;

use async_trait::async_trait;
use brokerd_domain::{
    RabbitMqConfiguration, RabbitMqSettings, Scope, SecretReference, role_account,
};
use brokerd_store::{PgStore, Work};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use secrecy::{ExposeSecret as _, SecretString};

use crate::{
    catalogue::Image,
    materials::{Materials, Resolved},
    tls,
};

pub use remote::{AwsEndpoints, Remote, WrongEndpoint};

/// Why something can't be had, in a sentence without its subject.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotFetched(pub String);

/// Where secrets come from.
#[async_trait]
pub trait SecretSource: Send + Sync + 'static {
    /// What somebody of this scope, who acts as `role`, means by this.
    ///
    /// # Errors
    /// [`NotFetched`] says why it can't be had.
    async fn fetch(
        &self,
        scope: &Scope,
        role: &str,
        reference: &SecretReference,
    ) -> Result<SecretString, NotFetched>;
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
        reference: &SecretReference,
    ) -> Result<SecretString, NotFetched> {
        if !reference.is_of(scope) {
            return Err(NotFetched(format!(
                "it must be of the broker's account {} and Region {}",
                scope.account, scope.region
            )));
        }
        match self.store.secret_value(scope, reference).await {
            Ok(Some(value)) => return Ok(value),
            Ok(None) => {}
            Err(error) => return Err(NotFetched(format!("the database failed: {error}"))),
        }
        match &self.remote {
            Some(remote) => remote.fetch(scope, role, reference).await,
            None => Err(NotFetched(format!(
                "no secret [{}] is kept here (PUT /brokerd/v1/secrets/…), and brokerd knows no endpoint of AWS \
                 Secrets Manager or Amazon S3",
                reference.names().first().map_or("", |name| name.as_str())
            ))),
        }
    }
}

/// What a broker has to be given that it has not got, or not for its reboot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    scope: Scope,
    role: String,
    reboot: u32,
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
    let (scope, reboot) = (broker.scope.clone(), broker.reboots_requested);
    (!has_all || !fresh).then_some(Wanted { scope, role, reboot, keys_by_arn })
}

/// Whether a RabbitMQ broker knows brokerd's own user: users elsewhere are asked for first otherwise, who may be slow
/// or away.
pub fn knows_its_own_users(work: &Work, image: &Image) -> bool {
    settings_of(work, image)
        .is_some_and(|settings| matches!(settings.get("auth_backends.1"), None | Some("internal")))
}

fn settings_of(work: &Work, image: &Image) -> Option<RabbitMqSettings> {
    let spec = &work.broker.spec;
    let configured = RabbitMqConfiguration::parse(spec.engine_version, &work.configuration).ok()?;
    Some(configured.effective(spec.host_instance_type, spec.deployment_mode, image.version))
}

impl Wanted {
    /// Fetches all of it. What a broker already has does where it can't be had anew.
    ///
    /// # Errors
    /// A sentence for the broker's owner.
    pub async fn fetch(
        &self,
        source: &dyn SecretSource,
        former: &Resolved,
    ) -> Result<Resolved, String> {
        if role_account(&self.role).as_ref() != Some(&self.scope.account) {
            return Err(format!(
                "[aws.arns.assume_role_arn] must be a role of account {}",
                self.scope.account
            ));
        }
        let mut values = BTreeMap::new();
        for (arn, keys) in &self.keys_by_arn {
            let value = match self.fetch_one(source, arn, keys).await {
                Ok(value) => value,
                Err(why) => {
                    let why = format!(
                        "[{arn}] of [aws.arns.{}] can't be used: {why}",
                        keys.join(", aws.arns.")
                    );
                    let Some(value) = former.values.get(arn) else { return Err(why) };
                    tracing::warn!("what a broker has from before is used: {why}");
                    value.clone()
                }
            };
            values.insert(arn.clone(), value);
        }
        Ok(Resolved { reboot: self.reboot, values })
    }

    async fn fetch_one(
        &self,
        source: &dyn SecretSource,
        arn: &str,
        keys: &[String],
    ) -> Result<String, String> {
        let reference = SecretReference::parse(arn).ok_or("it is no such ARN")?;
        let value = source.fetch(&self.scope, &self.role, &reference).await;
        let value = value.map_err(|why| why.to_string())?;
        let value = value.expose_secret();
        keys.iter().try_for_each(|key| check(key, value))?;
        Ok(value.to_owned())
    }
}

/// Whether a value can be what the key is for: with something else the engine would not boot.
fn check(key: &str, value: &str) -> Result<(), String> {
    match key.rsplit('.').next() {
        Some("password") => {
            let printable = !value.is_empty() && value.chars().all(|c| !c.is_control());
            if printable { Ok(()) } else { Err("it is no password".to_owned()) }
        }
        Some("keyfile") => PrivateKeyDer::from_pem_slice(value.as_bytes())
            .map(drop)
            .map_err(|_| "it is no private key as PEM".to_owned()),
        _ => {
            let mut certificates = 0;
            for certificate in CertificateDer::pem_slice_iter(value.as_bytes()) {
                let parsed = certificate.map_err(|e| tls::TlsError::Pem(e.to_string()));
                parsed.and_then(|der| tls::check(&der)).map_err(|e| e.to_string())?;
                certificates += 1;
            }
            if certificates > 0 { Ok(()) } else { Err("it is no certificate as PEM".to_owned()) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_what_their_keys_are_for() {
        let key = crate::rsa_keys::generate().expect("a key");
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
