//! The sections of what watches the installation from outside.

use std::{
    collections::{BTreeMap, HashMap},
    path::PathBuf,
};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use super::{secret::Secret, sections::InvalidSetting};

/// What Prometheus reads of all brokers, see [Prometheus](prometheus.md).
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Prometheus {
    /// A file with the tokens that permit to read the metrics and the targets of all brokers, one per line. Without it:
    /// `prometheus-token` in the data directory, which brokerd makes. It is read when brokerd starts.
    pub(crate) token_file: Option<PathBuf>,
}

/// A collector of OpenTelemetry that brokerd sends its own traces and metrics to, see
/// [OpenTelemetry](metrics.md#opentelemetry).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Otlp {
    /// The URL of the collector's OTLP over HTTP, such as `http://127.0.0.1:4318`. Without it nothing is sent.
    pub(crate) endpoint: Option<String>,
    /// Headers of every request to the collector, for example `authorization=Bearer …`.
    pub(crate) headers: BTreeMap<String, Secret>,
    /// The certificates, PEM, of the authorities that a collector with `https` may have its certificate of. Without it:
    /// the public authorities.
    pub(crate) ca_file: Option<PathBuf>,
    /// The share of traces that is sent, from 0 to 1. Callers who send a trace context decide by it themselves.
    pub(crate) sample_ratio: f64,
}

impl Default for Otlp {
    fn default() -> Self {
        Self { endpoint: None, headers: BTreeMap::new(), ca_file: None, sample_ratio: 1.0 }
    }
}

impl Otlp {
    pub(crate) fn validate(&self) -> Result<(), InvalidSetting> {
        if let Some(url) = &self.endpoint {
            let is_url = url.split_once("://").is_some_and(|(scheme, rest)| {
                let is_known = ["http", "https"].contains(&scheme);
                is_known && !rest.is_empty() && !rest.contains(char::is_whitespace)
            });
            if !is_url {
                let why = format!("{url:?} is no URL such as http://127.0.0.1:4318");
                return Err(("otlp.endpoint", why));
            }
        }
        if !(0.0..=1.0).contains(&self.sample_ratio) {
            let why = format!("{} is not between 0 and 1", self.sample_ratio);
            return Err(("otlp.sample_ratio", why));
        }
        Ok(())
    }

    /// The collector's URL without a slash at its end.
    pub(crate) fn endpoint(&self) -> Option<&str> {
        self.endpoint.as_deref().map(|url| url.trim_end_matches('/'))
    }

    /// The headers of every request.
    pub(crate) fn headers(&self) -> HashMap<String, String> {
        let exposed = |(name, value): (&String, &Secret)| (name.clone(), value.expose().to_owned());
        self.headers.iter().map(exposed).collect()
    }

    /// The authorities of the collector's certificate, PEM.
    ///
    /// # Errors
    /// When the file can't be read.
    pub(crate) fn authorities(&self) -> anyhow::Result<String> {
        match &self.ca_file {
            Some(path) => std::fs::read_to_string(path)
                .with_context(|| format!("otlp.ca_file: can't read {}", path.display())),
            None => Ok(brokerd_provisioner::pki::tls::public_authorities_pem().to_owned()),
        }
    }
}
