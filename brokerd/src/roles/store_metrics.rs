//! The metrics of the store.

use std::fmt;

use brokerd_store::PgStore;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric as _},
    metrics::counter::ConstCounter,
    registry::Registry,
};

/// Reads the counters of the store when they are scraped.
struct SkippedRows<F>(F);

impl<F> fmt::Debug for SkippedRows<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SkippedRows")
    }
}

impl<F: Fn() -> Vec<(&'static str, u64)> + Send + Sync + 'static> Collector for SkippedRows<F> {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let mut family = encoder.encode_descriptor(
            "brokerd_store_rows_skipped",
            "Rows that were skipped because they can't be read, by table",
            None,
            prometheus_client::metrics::MetricType::Counter,
        )?;
        for (table, skipped) in (self.0)() {
            let labels = [("table", table)];
            ConstCounter::new(skipped).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }
}

/// Registers the metrics of this store.
pub(super) fn register(registry: &mut Registry, store: PgStore) {
    register_with(registry, move || store.skipped_rows());
}

/// Registers counters by table.
pub(super) fn register_with(
    registry: &mut Registry,
    skipped: impl Fn() -> Vec<(&'static str, u64)> + Send + Sync + 'static,
) {
    registry.register_collector(Box::new(SkippedRows(skipped)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skipped_rows_are_shown_by_table_as_they_are_at_a_scrape() {
        let mut registry = Registry::default();
        register_with(&mut registry, || vec![("broker", 2), ("event", 0)]);
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).expect("encodes");
        for line in [
            "# TYPE brokerd_store_rows_skipped counter",
            "brokerd_store_rows_skipped_total{table=\"broker\"} 2",
            "brokerd_store_rows_skipped_total{table=\"event\"} 0",
        ] {
            assert!(text.lines().any(|shown| shown == line), "{line} is not in\n{text}");
        }
    }
}
