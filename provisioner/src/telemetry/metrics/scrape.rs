//! What is asked for a sample: the engines for their pages, the runtime for what containers used.

use std::time::{Duration, Instant};

use brokerd_domain::{EngineType, instance::RuntimeId, metric::NO_QUEUES_SINCE};
use futures_util::future::join_all;
use tokio::time::timeout;

use super::{
    activemq,
    counters::Life,
    rabbitmq::{self, NodePage},
    readings::{EnginePage, InstanceReading, MeasuredBroker},
};
use crate::{
    health::{Login, Probe, ProbeTarget},
    reconcile::{Measurable, RunningInstance},
    runtime::Runtime,
};

/// How long an answer may take.
const DEADLINE: Duration = Duration::from_secs(5);

/// The port of RabbitMQ's metrics pages in a broker's network.
const PAGES_PORT: u16 = 15_691;

const NODE: &str = "/metrics";
const QUEUES: &str = "/metrics/detailed?family=queue_coarse_metrics&family=queue_consumer_count";
const OVERVIEW: &str = "/api/overview?columns=object_totals";
/// `docker/activemq/src/brokerd/MetricsPage.java`.
const ACTIVEMQ: &str = "/brokerd/metrics";

/// Whom to ask.
#[derive(Clone, Copy)]
pub(super) struct Asker<'a> {
    pub(super) probe: &'a dyn Probe,
    pub(super) runtime: &'a dyn Runtime,
}

impl Asker<'_> {
    /// Asks all instances that run, all at once. Whoever does not answer in time has told nothing.
    pub(super) async fn ask(
        &self,
        broker: &MeasuredBroker,
        of: &Measurable,
    ) -> Vec<InstanceReading> {
        let first = of.running.first().map(|instance| instance.ordinal);
        let asked = of.running.iter().map(|instance| async move {
            let is_first = first == Some(instance.ordinal);
            let (container, page) = tokio::join!(
                timeout(DEADLINE, self.runtime.statistics(&instance.status.id)),
                timeout(DEADLINE, self.page(broker, instance, of.login.as_ref(), is_first)),
            );
            let container = match container {
                Ok(Ok(statistics)) => Some(statistics),
                Ok(Err(error)) => {
                    tracing::debug!(broker = %broker.id, %error, "container statistics not read");
                    None
                }
                Err(_) => None,
            };
            let page = match page {
                Ok(Ok(page)) => page,
                Ok(Err(why)) => {
                    let ordinal = instance.ordinal;
                    tracing::debug!(broker = %broker.id, ordinal, %why, "metrics page not read");
                    EnginePage::Silent
                }
                Err(_) => EnginePage::Silent,
            };
            InstanceReading {
                ordinal: instance.ordinal,
                life: Life {
                    container: RuntimeId::clone(&instance.status.id),
                    since: instance.since,
                },
                at: Instant::now(),
                nano_cpus: of.nano_cpus,
                container,
                page,
            }
        });
        join_all(asked).await
    }

    async fn page(
        &self,
        broker: &MeasuredBroker,
        instance: &RunningInstance,
        login: Option<&Login>,
        is_first: bool,
    ) -> Result<EnginePage, String> {
        let console = instance.console.as_ref().ok_or("no address is known")?;
        match broker.engine {
            EngineType::ActiveMq => {
                let login = Some(login.ok_or("it has no launcher of ours")?);
                let page = self.text(console, login, ACTIVEMQ).await?;
                let page = activemq::broker_page(&page).map_err(|error| error.to_string())?;
                Ok(EnginePage::ActiveMq(Box::new(page)))
            }
            EngineType::RabbitMq => {
                let address = instance.status.addresses.get(&PAGES_PORT);
                let address = *address.ok_or("its metrics page comes with its next reboot")?;
                let pages = ProbeTarget { address, ..console.clone() };
                let has_queues = broker.version < NO_QUEUES_SINCE;
                let (node, queues, exchanges) = tokio::join!(
                    self.text(&pages, login, NODE),
                    async {
                        if !has_queues {
                            return Ok(String::new());
                        }
                        self.text(&pages, login, QUEUES).await
                    },
                    async {
                        // All nodes know the same.
                        let asked = login.filter(|_| is_first)?;
                        self.text(console, Some(asked), OVERVIEW).await.ok()
                    },
                );
                let refused = |error: super::metrics_page::InvalidPage| error.to_string();
                Ok(EnginePage::RabbitMq(Box::new(NodePage {
                    queues: rabbitmq::queue_figures(&queues?).map_err(refused)?,
                    exchanges: exchanges.as_deref().and_then(rabbitmq::exchanges),
                    ..rabbitmq::node_page(&node?).map_err(refused)?
                })))
            }
        }
    }

    async fn text(
        &self,
        target: &ProbeTarget,
        login: Option<&Login>,
        path: &str,
    ) -> Result<String, String> {
        let page = self.probe.page(target, login, path, DEADLINE).await;
        page.map_err(|error| error.to_string())
    }
}
