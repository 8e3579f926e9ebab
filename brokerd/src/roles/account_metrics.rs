//! The metrics of accounts: what each has, and its quotas.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use brokerd_domain::{
    AccountId,
    identity::{Account, AccountUsage},
};
use brokerd_store::{PgStore, StoreError};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric as _},
    metrics::{MetricType, gauge::ConstGauge},
    registry::Registry,
};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// How often the accounts are read.
const REFRESH_INTERVAL: Duration = Duration::from_secs(15);

/// What was last read of the accounts.
#[derive(Debug, Clone, Default)]
pub(super) struct AccountMetrics(Arc<Mutex<Vec<(Account, AccountUsage)>>>);

/// A metric, its help, and its value for an account; none: the account has no such quota.
type Metric = (&'static str, &'static str, fn(&Account, AccountUsage) -> Option<u64>);

const METRICS: [Metric; 6] = [
    ("brokers", "Brokers of an account", |_, used| Some(used.brokers.into())),
    ("brokers_quota", "How many brokers an account may have", |account, _| {
        account.quotas.brokers.map(u64::from)
    }),
    ("memory_bytes", "Memory of the instance types of an account's brokers", |_, used| {
        Some(used.memory_mib << 20)
    }),
    ("memory_quota_bytes", "How much memory an account may have", |account, _| {
        account.quotas.memory_mib.map(|mib| u64::from(mib) << 20)
    }),
    ("storage_bytes", "Storage of an account's brokers", |_, used| Some(used.storage_gib << 30)),
    ("storage_quota_bytes", "How much storage an account may have", |account, _| {
        account.quotas.storage_gib.map(|gib| u64::from(gib) << 30)
    }),
];

impl Collector for AccountMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let accounts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (name, help, value) in METRICS {
            let name = format!("brokerd_account_{name}");
            let mut family = encoder.encode_descriptor(&name, help, None, MetricType::Gauge)?;
            for (account, used) in accounts.iter() {
                let Some(value) = value(account, *used) else { continue };
                let labels = [("account", account.id.as_str())];
                let value = i64::try_from(value).unwrap_or(i64::MAX);
                ConstGauge::new(value).encode(family.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }
}

impl AccountMetrics {
    /// Metrics under `brokerd_account_` of `registry`.
    pub(super) fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        registry.register_collector(Box::new(metrics.clone()));
        metrics
    }

    fn set(&self, accounts: Vec<Account>, usage: &HashMap<AccountId, AccountUsage>) {
        let used = |account: &Account| usage.get(&account.id).copied().unwrap_or_default();
        let all = accounts.into_iter().map(|account| {
            let used = used(&account);
            (account, used)
        });
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = all.collect();
    }

    async fn read(&self, store: &PgStore) -> Result<(), StoreError> {
        self.set(store.accounts().await?, &store.accounts_usage().await?);
        Ok(())
    }

    /// Reads the accounts again and again until `shutdown`. While they can't be read, the metrics stay as they were.
    pub(super) async fn refresh(self, store: PgStore, shutdown: CancellationToken) {
        loop {
            if let Err(error) = self.read(&store).await {
                tracing::debug!(error = &error as &dyn std::error::Error, "accounts not read");
            }
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = sleep(REFRESH_INTERVAL) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use brokerd_domain::{
        Timestamp,
        identity::{AccountName, AccountNetwork, AccountState, Quotas},
    };

    use super::*;

    fn account(id: &str, quotas: Quotas) -> Account {
        Account {
            id: id.parse().expect("an account"),
            name: AccountName::parse(id).expect("a name"),
            state: AccountState::Active,
            quotas,
            network: AccountNetwork::default(),
            created: Timestamp::from_micros(0),
        }
    }

    #[test]
    fn accounts_are_shown_as_they_were_last_read_with_the_quotas_that_they_have() {
        let mut registry = Registry::default();
        let metrics = AccountMetrics::register(&mut registry);
        let shown = || {
            let mut text = String::new();
            prometheus_client::encoding::text::encode(&mut text, &registry).expect("encodes");
            text
        };
        assert!(!shown().contains('{'), "nothing was read yet");
        let quotas = Quotas { memory_mib: Some(4096), storage_gib: Some(0), ..Quotas::default() };
        let (red, blue) =
            (account("100000000001", quotas), account("100000000002", Quotas::default()));
        let used = AccountUsage { brokers: 3, memory_mib: 3072, storage_gib: 60 };
        metrics.set(vec![red.clone(), blue.clone()], &HashMap::from([(red.id.clone(), used)]));
        let text = shown();
        for line in [
            "brokerd_account_brokers{account=\"100000000001\"} 3",
            "brokerd_account_memory_bytes{account=\"100000000001\"} 3221225472",
            "brokerd_account_memory_quota_bytes{account=\"100000000001\"} 4294967296",
            "brokerd_account_storage_bytes{account=\"100000000001\"} 64424509440",
            "brokerd_account_storage_quota_bytes{account=\"100000000001\"} 0",
            "brokerd_account_brokers{account=\"100000000002\"} 0",
        ] {
            assert!(text.lines().any(|shown| shown == line), "{line} is not in\n{text}");
        }
        assert!(!text.contains("brokers_quota{"), "a quota that is not set has no value\n{text}");
        metrics.set(vec![blue], &HashMap::new());
        assert!(!shown().contains("100000000001"), "a deleted account is not shown");
    }
}
