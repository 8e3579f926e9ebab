//! The configuration: flags over environment over one TOML file over defaults.
//!
//! The environment is read in `main` and nowhere else, and comes in as a map.

mod alarms;
mod audit;
mod broker_logs;
mod choice;
mod console;
mod engines;
mod error;
mod keys;
mod layers;
mod log;
mod metrics;
mod operations;
mod outgoing;
mod ports;
mod prices;
#[cfg(test)]
mod reference;
mod runtime;
mod secret;
mod sections;
mod sizing;
mod telemetry;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};

use brokerd_domain::{AccountId, InstallationId, Region};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

pub(crate) use alarms::Alarms;
pub(crate) use audit::Audit;
pub(crate) use broker_logs::BrokerLogs;
#[cfg(test)]
pub(crate) use choice::Choice;
use console::Console;
pub(crate) use engines::Images;
use engines::{Engines, Registry};
pub(crate) use error::ConfigError;
use keys::{Secrets, Tls};
use log::Log;
pub(crate) use log::LogFormat;
pub(crate) use metrics::Metrics;
use operations::{Gateway, Operations};
use prices::Prices;
use runtime::Runtime;
pub(crate) use runtime::{Firewall, ImagePullPolicy, JoinNetworks, RuntimeKind};
pub(crate) use secret::{DatabaseUrl, Secret};
pub(crate) use sections::UnknownGroups;
use sections::{
    Api, Aws, Database, Endpoint, Faults, InvalidSetting, Network, Provisioner, SecurityGroups,
};
use sizing::Sizing;
use telemetry::{Otlp, Prometheus};

/// The name of the file that is read from the data directory when no other is named.
const FILE_NAME: &str = "brokerd.toml";

/// How far the default port of the operations listener is from the API's.
const OPERATIONS_OFFSET: u16 = 1000;

/// Everything that can be set.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Configuration {
    /// The region that `brokerd env` sets. The API always accepts requests that are signed for it. A request
    /// sees the brokers of the region that it is signed for.
    pub(crate) region: Region,
    /// The operator's account, which the access key in the data directory belongs to, and whose principals administer the other
    /// accounts as far as their policies allow: twelve digits. The same in every process of an installation.
    pub(crate) account: AccountId,
    /// The directory of keys, credentials and the CA certificate. The path is absolute. The default is
    /// `/var/lib/brokerd` for root, otherwise `$XDG_STATE_HOME/brokerd` or `~/.local/state/brokerd`. `make`
    /// appends `-<installation>` unless the installation is `default`.
    pub(crate) data_dir: PathBuf,
    /// The name in the labels and names of this installation's containers, volumes and networks: lower-case
    /// letters, digits and hyphens. It is stored in the database, and the database serves no other
    /// installation.
    pub(crate) installation: InstallationId,
    pub(crate) api: Api,
    pub(crate) console: Console,
    pub(crate) database: Database,
    pub(crate) secrets: Secrets,
    pub(crate) tls: Tls,
    pub(crate) aws: Aws,
    pub(crate) alarms: Alarms,
    pub(crate) endpoint: Endpoint,
    pub(crate) gateway: Gateway,
    pub(crate) operations: Operations,
    pub(crate) prometheus: Prometheus,
    pub(crate) otlp: Otlp,
    pub(crate) security_groups: SecurityGroups,
    pub(crate) network: Network,
    pub(crate) sizing: Sizing,
    pub(crate) engines: Engines,
    pub(crate) registry: Registry,
    pub(crate) provisioner: Provisioner,
    pub(crate) runtime: Runtime,
    pub(crate) faults: Faults,
    pub(crate) audit: Audit,
    pub(crate) broker_logs: BrokerLogs,
    pub(crate) metrics: Metrics,
    pub(crate) prices: Prices,
    pub(crate) log: Log,
}

impl Default for Configuration {
    fn default() -> Self {
        Self {
            region: "us-east-1".parse().expect("a valid region"),
            account: "000000000000".parse().expect("a valid account"),
            data_dir: PathBuf::new(),
            installation: "default".parse().expect("a valid installation"),
            api: Api::default(),
            console: Console::default(),
            database: Database::default(),
            secrets: Secrets::default(),
            tls: Tls::default(),
            aws: Aws::default(),
            alarms: Alarms::default(),
            endpoint: Endpoint::default(),
            gateway: Gateway::default(),
            operations: Operations::default(),
            prometheus: Prometheus::default(),
            otlp: Otlp::default(),
            security_groups: SecurityGroups::default(),
            network: Network::default(),
            sizing: Sizing::default(),
            engines: Engines::default(),
            registry: Registry::default(),
            provisioner: Provisioner::default(),
            runtime: Runtime::default(),
            faults: Faults::default(),
            audit: Audit::default(),
            broker_logs: BrokerLogs::default(),
            metrics: Metrics::default(),
            prices: Prices::default(),
            log: Log::default(),
        }
    }
}

/// The settings of the command line.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct ConfigFlags {
    /// The configuration file [default: brokerd.toml in the data directory, if there is one]
    #[arg(long, value_name = "FILE", env = "BROKERD_CONFIG", global = true)]
    pub(crate) config: Option<PathBuf>,
    /// Where keys, credentials and the CA certificate are kept
    #[arg(long, value_name = "DIRECTORY", global = true)]
    pub(crate) data_dir: Option<PathBuf>,
    /// Sets one key of the configuration, for example --set sizing.scale=0.5
    #[arg(long = "set", value_name = "KEY=VALUE", global = true)]
    pub(crate) assignments: Vec<String>,
}

impl Configuration {
    /// Merges the layers and validates the result.
    ///
    /// # Errors
    /// When a layer can't be read, has an unknown key, or the result is not valid.
    pub(crate) fn load(
        flags: &ConfigFlags,
        environment: &BTreeMap<String, String>,
        is_root: bool,
    ) -> Result<Self, ConfigError> {
        let mut upper = layers::environment(environment)?;
        layers::merge(&mut upper, layers::assignments(&flags.assignments)?);
        if let Some(directory) = &flags.data_dir {
            let text = directory.to_string_lossy().into_owned();
            layers::set(&mut upper, "data_dir", Value::String(text));
        }
        let default_directory = default_data_dir(environment, is_root);
        let directory = upper.get("data_dir").and_then(Value::as_str).map(PathBuf::from);
        let directory = directory.unwrap_or_else(|| default_directory.clone());

        let mut layer = Table::new();
        let text = default_directory.to_string_lossy().into_owned();
        layers::set(&mut layer, "data_dir", Value::String(text));
        if let Some(path) = default_docker_config(environment) {
            let text = path.to_string_lossy().into_owned();
            layers::set(&mut layer, "registry.docker_config", Value::String(text));
        }
        if let Some(file) = read_file(flags.config.as_deref(), &directory)? {
            layers::merge(&mut layer, file);
        }
        layers::merge(&mut layer, upper);
        let configuration: Self =
            layer.try_into().map_err(|error| ConfigError::Wrong(one_line(&error)))?;
        configuration.validate().map_err(|(key, reason)| ConfigError::Value {
            place: format!("{key} (or {})", layers::variable(key)),
            reason,
        })?;
        Ok(configuration)
    }

    fn validate(&self) -> Result<(), InvalidSetting> {
        if !self.data_dir.is_absolute() {
            return Err(("data_dir", format!("{} is not absolute", self.data_dir.display())));
        }
        self.api.validate()?;
        self.console.validate()?;
        self.database.validate()?;
        self.secrets.validate()?;
        self.tls.validate()?;
        self.alarms.validate()?;
        self.endpoint.validate()?;
        self.network.validate()?;
        self.sizing.validate()?;
        self.registry.validate()?;
        self.provisioner.validate()?;
        self.runtime.validate()?;
        if self.runtime.firewall == Firewall::Never && self.network.restricts() {
            let why = "is \"never\", but network.outgoing, network.outgoing_denied or network.host_services is set";
            return Err(("runtime.firewall", why.to_owned()));
        }
        self.audit.validate()?;
        self.broker_logs.validate()?;
        self.metrics.validate()?;
        self.otlp.validate()?;
        self.log.validate()
    }

    /// The regions that requests may be signed for.
    pub(crate) fn regions(&self) -> BTreeSet<Region> {
        let mut regions = self.api.regions.clone();
        regions.insert(self.region.clone());
        regions
    }

    /// Where health and metrics are served unless the operator chose: on the loopback, [`OPERATIONS_OFFSET`] above the API's
    /// port, so that installations with other API ports are apart here, too.
    pub(crate) fn default_operations_address(&self) -> SocketAddr {
        let api = self.api.listen.port();
        let port = match api {
            0 => 0,
            port => port.checked_add(OPERATIONS_OFFSET).unwrap_or(port - OPERATIONS_OFFSET),
        };
        SocketAddr::from((Ipv4Addr::LOCALHOST, port))
    }

    /// The effective values as a configuration file, secrets redacted.
    pub(crate) fn to_toml(&self) -> Result<String, ConfigError> {
        toml::to_string(self).map_err(|error| ConfigError::Wrong(error.to_string()))
    }

    /// The registry's password, from the setting or the file.
    ///
    /// # Errors
    /// When the file can't be read.
    pub(crate) fn registry_password(&self) -> Result<Option<SecretString>, ConfigError> {
        let Registry { password, password_file, .. } = &self.registry;
        let text = match (password, password_file) {
            (Some(password), _) => password.expose().to_owned(),
            (None, Some(path)) => std::fs::read_to_string(path)
                .map_err(|error| ConfigError::Read(path.clone(), error))?
                .trim_end_matches(['\r', '\n'])
                .to_owned(),
            (None, None) => return Ok(None),
        };
        Ok(Some(text.into()))
    }

    /// The database's URL, from the setting or the file.
    ///
    /// # Errors
    /// When there is none, or the file can't be read.
    pub(crate) fn database_url(&self) -> Result<DatabaseUrl, ConfigError> {
        if let Some(url) = &self.database.url {
            return Ok(url.clone());
        }
        let path = self.database.url_file.as_ref().ok_or(ConfigError::NoDatabase)?;
        let text = std::fs::read_to_string(path)
            .map_err(|error| ConfigError::Read(path.clone(), error))?;
        match text.trim() {
            "" => Err(ConfigError::EmptyUrlFile(path.clone())),
            url => Ok(DatabaseUrl::from(url.to_owned())),
        }
    }
}

/// The file's layer; none if no file is named and there is none in the data directory.
fn read_file(named: Option<&Path>, data_dir: &Path) -> Result<Option<Table>, ConfigError> {
    let path = named.map_or_else(|| data_dir.join(FILE_NAME), Path::to_path_buf);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if named.is_none() && error.kind() == io::ErrorKind::NotFound => {
            return Ok(None);
        }
        Err(error) => return Err(ConfigError::Read(path, error)),
    };
    let wrong = |reason| ConfigError::File { path: path.clone(), reason };
    // Parsed as a whole configuration first, because only that error names the line.
    toml::from_str::<Configuration>(&text).map_err(|error| wrong(error.to_string()))?;
    toml::from_str(&text).map(Some).map_err(|error| wrong(error.to_string()))
}

fn default_data_dir(environment: &BTreeMap<String, String>, is_root: bool) -> PathBuf {
    let set = |name| environment.get(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if is_root {
        return PathBuf::from("/var/lib/brokerd");
    }
    let state = set("XDG_STATE_HOME").or_else(|| Some(set("HOME")?.join(".local/state")));
    state.unwrap_or_else(|| PathBuf::from("/var/lib")).join("brokerd")
}

/// Where `docker login` of the same user keeps names and passwords.
fn default_docker_config(environment: &BTreeMap<String, String>) -> Option<PathBuf> {
    let set = |name| environment.get(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let directory = set("DOCKER_CONFIG").or_else(|| Some(set("HOME")?.join(".docker")));
    directory.map(|directory| directory.join("config.json"))
}

fn one_line(error: &toml::de::Error) -> String {
    error.to_string().trim().replace('\n', " ")
}
