//! What brokers measure: asked of their engines and their runtime once a minute, made to the service's metrics, stored.

mod activemq;
mod collector;
mod container;
mod counters;
mod metrics_page;
mod queue;
mod rabbitmq;
mod readings;
mod schedule;
mod scrape;
mod upkeep;
mod values;

pub use upkeep::MetricSettings;

pub(crate) use collector::{CollectorContext, collect};
pub(crate) use upkeep::maintain;
