//! `brokerd authority`: shows and replaces the certificate authorities.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context as _, bail, ensure};
use brokerd_domain::{BrokerId, Clock as _, Timestamp};
use brokerd_provisioner::pki::{materials::Materials, tls};
use brokerd_store::{PgStore, StoredAuthority};
use clap::Subcommand;
use secrecy::ExposeSecret as _;

use super::print;
use crate::{
    config::Configuration,
    foundation::{connect_once, master_keys},
    system::{OsEntropy, SystemClock},
};

/// How many brokers are read at once.
const PAGE: i64 = 100;

#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum AuthorityCommand {
    /// Print the certificate authorities, and how many brokers have a certificate of each
    Show,
    /// Create a new authority, which is trusted at once and issues later
    Rotate {
        /// How many days clients and brokers have to learn of it before it issues
        #[arg(long, value_name = "DAYS", default_value_t = 14, value_parser = clap::value_parser!(u32).range(0..=3650))]
        after: u32,
    },
    /// Stop trusting former authorities, once no broker has a certificate of theirs
    Retire,
}

/// Runs `brokerd authority`.
///
/// # Errors
/// An error whose text is shown to the user.
pub(crate) async fn run(
    command: AuthorityCommand,
    configuration: &Configuration,
) -> anyhow::Result<()> {
    let keys = master_keys::load(configuration, None)?;
    let store = connect_once(configuration, &keys).await?;
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
        bail!("a new authority exists already, which issues from {}", next.issues_from);
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
                print(&format!("{subject} is no longer trusted\n"))?;
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

/// The brokers with a certificate of each authority, by the authority's certificate.
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
