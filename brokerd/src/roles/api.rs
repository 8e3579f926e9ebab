//! The role `api`.

use std::{net::SocketAddr, path::Path, sync::Arc};

use anyhow::Context as _;
use axum::Router;
use brokerd_api::{
    ApiMetrics, ApiServices, ApiSettings, ConsoleSettings, ENGINE_TIMEOUT, ReadyCheck,
};
use brokerd_domain::price::PriceList;
use brokerd_store::AuditTrail;
use secrecy::SecretString;

use crate::{
    config::UnknownGroups,
    data_dir::{DataDir, tokens_in},
    foundation::Foundation,
    urls,
};

/// The routes of the API that listens on `address`.
///
/// # Errors
/// An error whose text is shown to the user.
pub(super) fn router(
    foundation: &Foundation,
    address: SocketAddr,
    metrics: ApiMetrics,
    audit: AuditTrail,
    ready_checks: Vec<ReadyCheck>,
) -> anyhow::Result<Router> {
    let configuration = &foundation.configuration;
    let settings = ApiSettings {
        operator: Some(configuration.account.clone()),
        network: configuration.network.defaults(),
        regions: configuration.regions(),
        throttle_burst: configuration.api.throttle_burst,
        throttle_rate: configuration.api.throttle_rate,
        refuse_unknown_security_groups: match configuration.security_groups.unknown {
            UnknownGroups::Allow => false,
            UnknownGroups::Refuse => true,
        },
        faults: configuration.faults.enabled,
        sized_volumes: configuration.runtime.has_fillable_volumes(),
        strict_states: configuration.api.strict_states,
        prices: prices(configuration.prices.file.as_deref())?,
        metrics_tokens: metrics_tokens(foundation)?,
        engine_timeout: ENGINE_TIMEOUT,
        console: ConsoleSettings {
            url: match &configuration.api.url {
                Some(url) => url.clone(),
                None => urls::api_url(configuration, address),
            },
            region: Some(configuration.region.clone()),
            idle: configuration.console.idle(),
            longest: configuration.console.longest(),
            domain: configuration.endpoint.domain.clone(),
        },
    };
    let services = ApiServices {
        store: foundation.store.clone(),
        clock: Arc::clone(&foundation.clock),
        entropy: Arc::clone(&foundation.entropy),
        metrics,
        audit,
        ready_checks,
    };
    Ok(brokerd_api::router(settings, services))
}

/// The operator's price list, or the one that comes with brokerd.
fn prices(file: Option<&Path>) -> anyhow::Result<PriceList> {
    let Some(path) = file else { return Ok(PriceList::built_in()?) };
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("can't read the price list {}", path.display()))?;
    PriceList::parse(&text).with_context(|| format!("the price list {} is wrong", path.display()))
}

/// The tokens in the operator's file, or the one that brokerd has made.
fn metrics_tokens(foundation: &Foundation) -> anyhow::Result<Vec<SecretString>> {
    if let Some(path) = &foundation.configuration.prometheus.token_file {
        return tokens_in(path).context("prometheus.token_file");
    }
    let data_dir = DataDir::at(&foundation.configuration.data_dir);
    data_dir.ensure_metrics_token(&*foundation.entropy)?;
    Ok(tokens_in(&data_dir.metrics_token_path())?)
}

/// Warns of brokers in regions that are not accepted any more: they go on, but nobody can change or delete them.
pub(super) async fn warn_of_other_regions(foundation: &Foundation) {
    let accepted = foundation.configuration.regions();
    match foundation.store.regions().await {
        Ok(regions) => {
            for (region, brokers) in regions {
                if !accepted.contains(&region) {
                    tracing::warn!(
                        %region,
                        brokers,
                        "brokers in a region that requests can't be signed for; add it to api.regions"
                    );
                }
            }
        }
        Err(error) => tracing::debug!(%error, "regions of brokers not read"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operators_price_list_replaces_the_one_that_comes_with_brokerd() {
        let folder = std::env::temp_dir().join(format!("brokerd-prices-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("made");
        let file = folder.join("prices.toml");
        assert_eq!(prices(None).expect("valid").currency(), "USD");
        let absent = format!("{:#}", prices(Some(&file)).expect_err("absent"));
        assert!(absent.contains("prices.toml"), "{absent}");
        std::fs::write(&file, "currency = \"EUR\"\n[regions]\n").expect("written");
        assert_eq!(prices(Some(&file)).expect("valid").currency(), "EUR");
        std::fs::write(&file, "currency = \"EUR\"\n").expect("written");
        let wrong = format!("{:#}", prices(Some(&file)).expect_err("wrong"));
        assert!(wrong.contains("prices.toml") && wrong.contains("regions"), "{wrong}");
        std::fs::remove_dir_all(&folder).expect("removed");
    }
}
