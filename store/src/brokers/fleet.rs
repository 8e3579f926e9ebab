//! All brokers, for whoever watches the whole installation.

use brokerd_domain::{BrokerInstance, BrokerSummary, EngineVersion, Protocol, Scope};
use serde_json::Value;

use super::read::SummaryRow;
use crate::kernel::{PgStore, StoreError};

/// A broker of any account.
#[derive(Debug, Clone)]
pub struct FleetBroker {
    /// Whose it is.
    pub scope: Scope,
    /// What ListBrokers tells of it.
    pub summary: BrokerSummary,
    /// The version that was asked for.
    pub engine_version: EngineVersion,
    /// Where its nodes' metrics pages are.
    pub metrics_pages: Vec<MetricsPage>,
}

/// The metrics page of a node of a RabbitMQ broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetricsPage {
    /// The ordinal of the node.
    pub node: u8,
    /// The host of its endpoint.
    pub host: String,
    /// The port of its endpoint.
    pub port: u16,
}

impl PgStore {
    /// All brokers of all accounts, in the order they were created. Those that can't be read are skipped.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn fleet(&self) -> Result<Vec<FleetBroker>, StoreError> {
        let rows = sqlx::query!(
            r#"select b.id, b.account, b.region, b.name, b.created, b.deleting, b.engine_type,
                      b.deployment_mode, b.host_instance_type, b.has_run as "has_run!",
                      b.has_failed as "has_failed!", b.is_rebooting as "is_rebooting!",
                      b.needs_action as "needs_action!",
                      b.not_applied is not null and (b.has_pending
                        or exists (select from broker_user u where u.broker_id = b.id and u.listed
                                     and u.pending_change is not null)) as "not_applied!",
                      b.spec ->> 'engine_version' as engine_version, b.instances -> 0 as instance
               from broker b order by b.created, b.id"#
        )
        .fetch_all(&self.pool)
        .await?;
        let brokers = rows.into_iter().filter_map(|row| {
            let id = row.id;
            let summary = SummaryRow {
                id,
                name: row.name,
                created: row.created,
                deleting: row.deleting,
                engine_type: row.engine_type,
                deployment_mode: row.deployment_mode,
                host_instance_type: row.host_instance_type,
                has_run: row.has_run,
                has_failed: row.has_failed,
                is_rebooting: row.is_rebooting,
                needs_action: row.needs_action,
                not_applied: row.not_applied,
            };
            let read = broker(summary, &row.account, &row.region, row.engine_version, row.instance);
            self.skipped.keep("broker", id, read)
        });
        Ok(brokers.collect())
    }
}

fn broker(
    summary: SummaryRow,
    account: &str,
    region: &str,
    version: Option<String>,
    instance: Option<Value>,
) -> Result<FleetBroker, StoreError> {
    let wrong = |what: String| StoreError::Inconsistent { table: "broker", what };
    let scope = Scope {
        account: account.parse().map_err(|_| wrong(account.to_owned()))?,
        region: region.parse().map_err(|_| wrong(region.to_owned()))?,
    };
    let summary = summary.summary()?;
    let version = version.ok_or_else(|| wrong("no engine version".to_owned()))?;
    let engine_version = version.parse().map_err(|_| wrong(version))?;
    let instance: Option<BrokerInstance> = instance
        .map(serde_json::from_value)
        .transpose()
        .map_err(|error| wrong(error.to_string()))?;
    let mode = summary.deployment_mode;
    let pages = Protocol::metrics_pages(summary.engine_type, engine_version, mode);
    let metrics_pages = instance.iter().flat_map(|instance| {
        let listed = instance.endpoints.iter().filter(|e| pages.contains(&e.protocol));
        listed.filter_map(|endpoint| {
            let node = endpoint.protocol.metrics_of_node()?;
            Some(MetricsPage { node, host: instance.host.clone(), port: endpoint.port })
        })
    });
    Ok(FleetBroker { metrics_pages: metrics_pages.collect(), scope, summary, engine_version })
}
