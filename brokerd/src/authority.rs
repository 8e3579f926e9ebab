//! The certificate authorities: where they come from, their end, and `brokerd authority`, which replaces them.

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};

use anyhow::{Context as _, bail, ensure};
use brokerd_domain::{BrokerId, Clock, Entropy, Timestamp};
use brokerd_provisioner::{
    authorities::Authorities,
    materials::Materials,
    tls::{self, AuthorityError, ensure_authority},
};
use brokerd_store::{CertificateAuthority, PgStore, StoreError, StoredAuthority};
use clap::Subcommand;
use prometheus_client::{metrics::gauge::Gauge, registry::Registry};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::{
    cli::print,
    config::Configuration,
    home::Home,
    master_key, serve,
    system::{OsEntropy, SystemClock},
};

/// How old what is known of the authorities may be.
const FRESH: Duration = Duration::from_secs(2);
/// How long before its end an authority is warned of: brokers' certificates last no longer, and clients have to learn of
/// the next one in time.
const WARNED: Duration = Duration::from_hours(24 * 180);
const WARNED_EVERY: Duration = Duration::from_hours(24);
const PAGE: i64 = 100;

#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum AuthorityCommand {
    /// Print the certificate authorities, and how many brokers have a certificate of each
    Show,
    /// Make another authority, which is trusted at once and issues later
    Rotate {
        /// How many days clients and brokers have to learn of it before it issues
        #[arg(long, value_name = "DAYS", default_value_t = 14, value_parser = clap::value_parser!(u32).range(0..=3650))]
        after: u32,
    },
    /// Trust former authorities no longer, once no broker has a certificate of theirs
    Retire,
}

/// What there is about authorities in the metrics.
#[derive(Debug, Clone)]
pub(crate) struct Metrics {
    expires_at: Gauge,
}

impl Metrics {
    /// Metrics under `brokerd_authority_` of `registry`.
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let metrics = Self { expires_at: Gauge::default() };
        registry.sub_registry_with_prefix("brokerd_authority").register(
            "expires_at_seconds",
            "When the certificate authority that issues now ends, in seconds since 1970",
            metrics.expires_at.clone(),
        );
        metrics
    }
}

/// The authorities at the start: a new one if there is none, and the operator's, if one is configured, from now on.
pub(crate) async fn found(
    configuration: &Configuration,
    store: &PgStore,
    clock: &dyn Clock,
    entropy: &dyn Entropy,
) -> anyhow::Result<Result<Authorities, StoreError>> {
    let all = match operators(configuration, clock.now(), entropy)? {
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

/// The configured authority, tried out.
fn operators(
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

/// Has the operator's authority issue from now on. Those of before stay trusted; one that was to issue later does not.
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
    tracing::info!(%subject, "the configured certificate authority issues from now on");
    store.add_certificate_authority(authority, now).await?;
    store.certificate_authorities(now).await
}

/// Keeps what is known of the authorities fresh, `ca.pem` with it, and warns of their end.
pub(crate) async fn keep(
    authorities: Arc<Authorities>,
    store: PgStore,
    home: Home,
    clock: Arc<dyn Clock>,
    metrics: Metrics,
    shutdown: CancellationToken,
) {
    let mut warned: Option<Instant> = None;
    loop {
        match store.certificate_authorities(clock.now()).await {
            Ok(all) => authorities.replace(all),
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::debug!(error, "the certificate authorities can't be read now");
            }
        }
        let now = clock.now();
        let standing = authorities.standing(now);
        metrics.expires_at.set(standing.end.as_seconds());
        if standing.end <= now.plus(WARNED) && warned.is_none_or(|at| at.elapsed() >= WARNED_EVERY)
        {
            warned = Some(Instant::now());
            tracing::warn!(
                ends = %standing.end,
                "the certificate authority ends, and brokers' certificates with it: call `brokerd authority rotate`, or configure another one"
            );
        }
        if let Err(error) = home.write_ca(&standing.trusted_pem()) {
            tracing::error!(error = &error as &dyn std::error::Error, "ca.pem is not up to date");
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = sleep(FRESH) => {}
        }
    }
}

/// Does what was asked for.
pub(crate) async fn run(
    command: AuthorityCommand,
    configuration: &Configuration,
) -> anyhow::Result<()> {
    let keys = master_key::load(configuration, None)?;
    let store = serve::connect_once(configuration, &keys).await?;
    let now = SystemClock.now();
    let all = store.certificate_authorities(now).await?;
    match command {
        AuthorityCommand::Show => show(&store, &all, now).await,
        AuthorityCommand::Rotate { after } => {
            ensure!(
                configuration.tls.authority_certificate.is_none(),
                "the authority is configured: change tls.authority_certificate and tls.authority_key, and start brokerd again"
            );
            rotate(&store, &all, now, after).await
        }
        AuthorityCommand::Retire => retire(&store, &all, now).await,
    }
}

async fn show(store: &PgStore, all: &[StoredAuthority], now: Timestamp) -> anyhow::Result<()> {
    let holders = holders(store).await?;
    for (at, stored) in all.iter().enumerate() {
        let state = match at {
            _ if stored.issues_from > now => format!("issues from {}", stored.issues_from),
            0 => "issues".to_owned(),
            _ => "has issued".to_owned(),
        };
        let pem = &stored.authority.certificate_pem;
        let (subject, end) = (tls::subject(pem)?, tls::authority_end(&stored.authority)?);
        let brokers = holders.get(pem).map_or(0, Vec::len);
        print(&format!("{subject}: {state}, ends {end}, {brokers} brokers\n"))?;
    }
    Ok(())
}

async fn rotate(
    store: &PgStore,
    all: &[StoredAuthority],
    now: Timestamp,
    after: u32,
) -> anyhow::Result<()> {
    if let Some(next) = all.iter().find(|stored| stored.issues_from > now) {
        bail!("there is another authority already, which issues from {}", next.issues_from);
    }
    let fresh = tls::new_authority(now, &OsEntropy)?;
    let issues_from = now.plus(Duration::from_hours(24) * after);
    store.add_certificate_authority(&fresh, issues_from).await?;
    print(&format!(
        "{} is trusted from now on and issues from {issues_from}: give clients the new ca.pem\n",
        tls::subject(&fresh.certificate_pem)?
    ))
}

async fn retire(store: &PgStore, all: &[StoredAuthority], now: Timestamp) -> anyhow::Result<()> {
    let holders = holders(store).await?;
    let former = all.iter().skip(1).filter(|stored| stored.issues_from <= now);
    let mut left = Vec::new();
    for stored in former {
        let pem = &stored.authority.certificate_pem;
        let subject = tls::subject(pem)?;
        match holders.get(pem).map(Vec::as_slice).unwrap_or_default() {
            [] => {
                store.remove_certificate_authority(stored.id).await?;
                print(&format!("{subject} is not trusted any longer\n"))?;
            }
            [first, ..] => {
                let count = holders.get(pem).map_or(0, Vec::len);
                left.push(format!("{subject}: {count}, such as {first}"));
            }
        }
    }
    ensure!(
        left.is_empty(),
        "brokers have certificates of former authorities, and get others when they are rebooted or in their maintenance windows: {}",
        left.join("; ")
    );
    Ok(())
}

/// The brokers that have a certificate of each authority, by its certificate.
async fn holders(store: &PgStore) -> anyhow::Result<BTreeMap<String, Vec<BrokerId>>> {
    let mut holders: BTreeMap<String, Vec<BrokerId>> = BTreeMap::new();
    let mut last = None;
    loop {
        let page = store.materials_after(last, PAGE).await?;
        let Some((id, _)) = page.last() else { return Ok(holders) };
        last = Some(*id);
        for (id, materials) in page {
            let materials: Materials = serde_json::from_slice(materials.expose_secret())
                .with_context(|| format!("the materials of {id} can't be read"))?;
            holders.entry(materials.authority_pem).or_default().push(id);
        }
    }
}
