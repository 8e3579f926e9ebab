//! brokerd's own traces and metrics by OTLP over HTTP, when an endpoint is configured.

mod client;
mod metrics;
mod open_metrics;
mod traces;

use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry_sdk::Resource;

pub(crate) use self::{metrics::push, traces::Traces};
use crate::{config::Configuration, role::Role};

/// How long the collector may take to answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// What all that this process sends is of.
///
/// Source: the semantic conventions of OpenTelemetry, "service".
fn attributes(configuration: &Configuration, roles: &[Role]) -> Vec<(&'static str, String)> {
    let roles: Vec<_> = roles.iter().map(|role| role.name()).collect();
    let instance =
        format!("{}/{}/{}", configuration.installation, roles.join("+"), std::process::id());
    vec![
        ("service.name", "brokerd".to_owned()),
        ("service.namespace", configuration.installation.to_string()),
        ("service.instance.id", instance),
        ("service.version", env!("CARGO_PKG_VERSION").to_owned()),
    ]
}

fn resource(configuration: &Configuration, roles: &[Role]) -> Resource {
    let attributes = attributes(configuration, roles).into_iter();
    let attributes = attributes.map(|(name, value)| KeyValue::new(name, value));
    Resource::builder_empty().with_attributes(attributes).build()
}
