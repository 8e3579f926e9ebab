//! The certificate authorities at the start.

use std::path::Path;

use anyhow::Context as _;
use brokerd_domain::{Clock, Entropy, Timestamp};
use brokerd_provisioner::pki::{
    authorities::Authorities,
    tls::{self, AuthorityError, ensure_authority},
};
use brokerd_store::{CertificateAuthority, PgStore, StoreError, StoredAuthority};
use secrecy::SecretString;

use crate::config::Configuration;

/// The stored authorities. Without one, a new one is made. A configured one issues from now on.
///
/// # Errors
/// When the configured authority is not usable, or none can be made. The inner error is the database's.
pub(super) async fn ensure(
    configuration: &Configuration,
    store: &PgStore,
    clock: &dyn Clock,
    entropy: &dyn Entropy,
) -> anyhow::Result<Result<Authorities, StoreError>> {
    let all = match configured(configuration, clock.now(), entropy)? {
        Some(authority) => adopt(store, &authority, clock.now()).await,
        None => match ensure_authority(store, clock, entropy).await {
            Ok(all) => Ok(all),
            Err(AuthorityError::Store(error)) => Err(error),
            Err(error @ AuthorityError::Tls(_)) => {
                let error = anyhow::Error::new(error);
                return Err(error.context("can't make the certificate authority"));
            }
        },
    };
    match all {
        Ok(all) => Ok(Ok(Authorities::new(all).context("there is no certificate authority")?)),
        Err(error) => Ok(Err(error)),
    }
}

/// The configured authority, checked; none: none is configured.
fn configured(
    configuration: &Configuration,
    now: Timestamp,
    entropy: &dyn Entropy,
) -> anyhow::Result<Option<CertificateAuthority>> {
    let section = &configuration.tls;
    let (Some(certificate), Some(key)) = (&section.authority_certificate, &section.authority_key)
    else {
        return Ok(None);
    };
    let read = |name: &str, path: &Path| {
        std::fs::read_to_string(path)
            .with_context(|| format!("{name}: can't read {}", path.display()))
    };
    let pem = read("tls.authority_certificate", certificate)?;
    let key = SecretString::from(read("tls.authority_key", key)?);
    let authority = tls::operator_authority(&pem, &key, now, entropy)
        .with_context(|| format!("tls.authority_certificate: {}", certificate.display()))?;
    Ok(Some(authority))
}

/// Has the configured authority issue from now on. Former ones stay trusted; one that was to issue later is removed.
async fn adopt(
    store: &PgStore,
    authority: &CertificateAuthority,
    now: Timestamp,
) -> Result<Vec<StoredAuthority>, StoreError> {
    let stored = store.certificate_authorities(now).await?;
    let is_it =
        |stored: &StoredAuthority| stored.authority.certificate_pem == authority.certificate_pem;
    for later in stored.iter().filter(|stored| stored.issues_from > now) {
        store.remove_certificate_authority(later.id).await?;
    }
    if stored.first().is_some_and(|first| first.issues_from <= now && is_it(first)) {
        return store.certificate_authorities(now).await;
    }
    let subject = tls::subject(&authority.certificate_pem).unwrap_or_default();
    tracing::info!(%subject, "configured certificate authority issues from now on");
    store.add_certificate_authority(authority, now).await?;
    store.certificate_authorities(now).await
}
