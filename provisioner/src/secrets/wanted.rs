//! What a broker has to be given, and whether what was fetched can be it.

use std::collections::BTreeMap;

use brokerd_domain::{
    RabbitMqConfiguration, RabbitMqSettings, Scope, SecretReference, role_account,
};
use brokerd_store::Work;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use secrecy::ExposeSecret as _;

use super::source::{NotFetched, SecretSource};
use crate::{
    catalogue::Image,
    pki::{
        materials::{Materials, Resolved},
        tls,
    },
};

/// What a broker has to be given that it has not got, or not for its reboot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    pub(super) scope: Scope,
    pub(super) role: String,
    pub(super) reboot: u32,
    /// How many reboots are done: what was fetched for a later one was never in force.
    pub(super) reboots_done: u32,
    /// Whether the broker is to be what it was, because what waits could not be applied.
    pub(super) back: bool,
    /// For which keys each ARN is.
    pub(super) keys_by_arn: BTreeMap<String, Vec<String>>,
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

/// The settings in force of the broker's configuration, if it can be read.
pub(super) fn settings_of(work: &Work, image: &Image) -> Option<RabbitMqSettings> {
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

    /// Asks for all of it, at the same time: for each ARN its value.
    pub(super) async fn ask(
        &self,
        source: &dyn SecretSource,
    ) -> BTreeMap<&str, Result<String, NotFetched>> {
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
