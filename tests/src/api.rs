//! The API through the service's own Rust SDK, and by hand where the SDK hides too much.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use anyhow::{Context, Result, anyhow, bail, ensure};
use aws_sdk_mq::{
    Client,
    config::{BehaviorVersion, Credentials, Region, retry::RetryConfig, timeout::TimeoutConfig},
    error::{DisplayErrorContext, SdkError},
    operation::describe_broker::{DescribeBrokerError, DescribeBrokerOutput},
    types::{BrokerInstance, BrokerState, ConfigurationId, DeploymentMode, EngineType, Logs, User},
};
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4,
};
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::{NewUser, PASSWORD, Revision, TIMEOUT, USER, eventually, http};

/// A caller of the API.
#[derive(Debug, Clone)]
pub struct Api {
    /// Where it is.
    pub endpoint: String,
    /// The region requests are signed for.
    pub region: String,
    /// The access key.
    pub key: String,
    /// Its secret.
    pub secret: String,
    /// The SDK's client, for what has no method here.
    pub client: Client,
    address: String,
    runtime: Arc<Runtime>,
}

/// What to create.
#[derive(Debug, Clone)]
pub struct NewBroker {
    /// Its name.
    pub name: String,
    /// Its engine.
    pub engine: EngineType,
    /// The engine's version; the newest by default.
    pub version: Option<String>,
    /// Its instance type.
    pub host: String,
    /// What makes a repeated call the same call.
    pub creator_request_id: Option<String>,
    /// Its users; an administrator by default.
    pub users: Vec<NewUser>,
    /// Its configuration; one of its own by default.
    pub configuration: Option<Revision>,
    /// How it is deployed; as a single instance by default.
    pub mode: DeploymentMode,
    /// Whether other machines reach it, as they do by default.
    pub public: bool,
    /// Whether it publishes its logs.
    pub logs: bool,
}

impl NewBroker {
    /// A small RabbitMQ broker.
    pub fn rabbitmq(name: &str) -> Self {
        Self::of(EngineType::Rabbitmq, "mq.m7g.medium", name)
    }

    /// A small ActiveMQ broker.
    pub fn activemq(name: &str) -> Self {
        Self::of(EngineType::Activemq, "mq.t3.micro", name)
    }

    fn of(engine: EngineType, host: &str, name: &str) -> Self {
        Self {
            name: name.to_owned(),
            engine,
            version: None,
            host: host.to_owned(),
            creator_request_id: None,
            users: vec![NewUser::new(USER, PASSWORD).with_console()],
            configuration: None,
            mode: DeploymentMode::SingleInstance,
            public: true,
            logs: false,
        }
    }

    /// Deployed in this mode.
    #[must_use]
    pub fn deployed(mut self, mode: DeploymentMode) -> Self {
        self.mode = mode;
        self
    }

    /// For this machine and its containers only.
    #[must_use]
    pub fn private(mut self) -> Self {
        self.public = false;
        self
    }

    /// Publishing its logs.
    #[must_use]
    pub fn logging(mut self) -> Self {
        self.logs = true;
        self
    }

    /// How many instances it has.
    pub fn instances(&self) -> u8 {
        match self.mode {
            DeploymentMode::ActiveStandbyMultiAz => 2,
            DeploymentMode::ClusterMultiAz => 3,
            _ => 1,
        }
    }

    /// Of this engine version.
    #[must_use]
    pub fn version(mut self, version: &str) -> Self {
        self.version = Some(version.to_owned());
        self
    }

    /// Of this instance type.
    #[must_use]
    pub fn host(mut self, host: &str) -> Self {
        self.host = host.to_owned();
        self
    }

    /// With one more user.
    #[must_use]
    pub fn and_user(mut self, user: NewUser) -> Self {
        self.users.push(user);
        self
    }

    /// With nobody.
    #[must_use]
    pub fn without_users(mut self) -> Self {
        self.users.clear();
        self
    }

    /// With this configuration.
    #[must_use]
    pub fn configured(mut self, revision: &Revision) -> Self {
        self.configuration = Some(revision.clone());
        self
    }
}

/// An SDK's error with everything behind it.
pub fn explained<E, R>(error: SdkError<E, R>) -> anyhow::Error
where
    E: std::error::Error + Send + Sync + 'static,
    R: std::fmt::Debug + Send + Sync + 'static,
{
    anyhow!("{}", DisplayErrorContext(error))
}

impl Api {
    /// A caller with an access key.
    pub(crate) fn new(
        runtime: &Arc<Runtime>,
        address: &str,
        region: &str,
        key: &str,
        secret: &str,
    ) -> Self {
        let endpoint = format!("http://{address}");
        let timeouts = TimeoutConfig::builder().operation_timeout(Duration::from_secs(30)).build();
        let config = aws_sdk_mq::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .endpoint_url(&endpoint)
            .region(Region::new(region.to_owned()))
            .credentials_provider(Credentials::new(key, secret, None, None, "scenario"))
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts)
            .build();
        Self {
            endpoint,
            region: region.to_owned(),
            key: key.to_owned(),
            secret: secret.to_owned(),
            client: Client::from_conf(config),
            address: address.to_owned(),
            runtime: Arc::clone(runtime),
        }
    }

    /// A caller without an access key.
    pub(crate) fn nobody(runtime: &Arc<Runtime>, address: &str) -> Self {
        Self::new(runtime, address, crate::world::REGION, "nobody", "nothing")
    }

    /// The same caller in another region.
    #[must_use]
    pub fn in_region(&self, region: &str) -> Self {
        Self::new(&self.runtime, &self.address, region, &self.key, &self.secret)
    }

    /// The same for requests signed with another key.
    #[must_use]
    pub fn with_key(&self, key: &str, secret: &str) -> Self {
        Self::new(&self.runtime, &self.address, &self.region, key, secret)
    }

    /// `host:port` of the API.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Waits for a call of the SDK.
    pub fn wait<F: Future>(&self, call: F) -> F::Output {
        self.runtime.block_on(call)
    }

    /// Creates a broker; its id.
    ///
    /// # Errors
    /// When the API refuses.
    pub fn create(&self, new: &NewBroker) -> Result<String> {
        let users = new.users.iter().map(|user| {
            User::builder()
                .username(&user.name)
                .password(&user.password)
                .set_groups(Some(user.groups.clone()))
                .console_access(user.console)
                .build()
        });
        let configuration = new.configuration.as_ref().map(|revision| {
            ConfigurationId::builder().id(&revision.configuration).revision(revision.number).build()
        });
        let audit = (new.engine == EngineType::Activemq).then_some(true);
        let logs = Logs::builder().general(true).set_audit(audit).build();
        let call = self
            .client
            .create_broker()
            .broker_name(&new.name)
            .engine_type(new.engine.clone())
            .set_engine_version(new.version.clone())
            .host_instance_type(&new.host)
            .deployment_mode(new.mode.clone())
            .publicly_accessible(new.public)
            .auto_minor_version_upgrade(true)
            .set_creator_request_id(new.creator_request_id.clone())
            .set_configuration(configuration)
            .set_logs(new.logs.then_some(logs))
            .set_users(Some(users.collect()));
        let created = self.wait(call.send()).map_err(explained)?;
        created.broker_id.context("the answer has no broker id")
    }

    /// Describes a broker.
    ///
    /// # Errors
    /// When the API refuses.
    pub fn describe(&self, id: &str) -> Result<DescribeBrokerOutput> {
        self.wait(self.client.describe_broker().broker_id(id).send()).map_err(explained)
    }

    /// A broker's state; none when there is no such broker.
    ///
    /// # Errors
    /// When the API refuses.
    pub fn state(&self, id: &str) -> Result<Option<BrokerState>> {
        match self.wait(self.client.describe_broker().broker_id(id).send()) {
            Ok(broker) => Ok(Some(broker.broker_state.context("the answer has no state")?)),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(DescribeBrokerError::is_not_found_exception) =>
            {
                Ok(None)
            }
            Err(error) => Err(explained(error)),
        }
    }

    /// Waits until a broker runs.
    ///
    /// # Errors
    /// At once when it has failed or is gone; otherwise when it takes too long.
    pub fn wait_until_running(&self, id: &str) -> Result<()> {
        eventually(&format!("{id} runs"), TIMEOUT, || match self.state(id)? {
            Some(BrokerState::Running) => Ok(Some(())),
            Some(BrokerState::CreationInProgress | BrokerState::RebootInProgress) => Ok(None),
            other => bail!("{id} is {other:?}: {:?}", self.events(id)),
        })
    }

    /// Asks for a deletion.
    ///
    /// # Errors
    /// When the API refuses.
    pub fn delete(&self, id: &str) -> Result<()> {
        self.wait(self.client.delete_broker().broker_id(id).send()).map_err(explained).map(drop)
    }

    /// Waits until a broker is gone.
    ///
    /// # Errors
    /// When it takes too long.
    pub fn wait_until_gone(&self, id: &str) -> Result<()> {
        eventually(&format!("{id} is gone"), TIMEOUT, || match self.state(id)? {
            None => Ok(Some(())),
            Some(BrokerState::DeletionInProgress) => Ok(None),
            Some(other) => bail!("{id} is being deleted, but its state is {other}"),
        })
    }

    /// Asks for a reboot.
    ///
    /// # Errors
    /// When the API refuses.
    pub fn reboot(&self, id: &str) -> Result<()> {
        self.wait(self.client.reboot_broker().broker_id(id).send()).map_err(explained).map(drop)
    }

    /// The ids of all brokers.
    ///
    /// # Errors
    /// When the API refuses.
    pub fn list(&self) -> Result<Vec<String>> {
        let pages = self.client.list_brokers().into_paginator().items().send();
        let all: Result<Vec<_>, _> = self.wait(pages.collect());
        Ok(all.map_err(explained)?.into_iter().filter_map(|summary| summary.broker_id).collect())
    }

    /// The first endpoint of a broker whose URL starts with `scheme`.
    ///
    /// # Errors
    /// When there is none.
    pub fn endpoint(&self, id: &str, scheme: &str) -> Result<String> {
        let broker = self.describe(id)?;
        let all = broker.broker_instances().iter().flat_map(BrokerInstance::endpoints);
        let wanted = format!("{scheme}://");
        let mut found = all.filter(|url| url.starts_with(&wanted));
        found.next().cloned().with_context(|| format!("{id} has no endpoint {wanted}…"))
    }

    /// Where a broker's web console is.
    ///
    /// # Errors
    /// When it has none.
    pub fn console(&self, id: &str) -> Result<String> {
        let broker = self.describe(id)?;
        let url = broker.broker_instances().first().and_then(|instance| instance.console_url());
        Ok(url.context("no console")?.to_owned())
    }

    /// The headers that sign a request, for a quarter of an hour and any number of times.
    ///
    /// # Errors
    /// When there is nothing to sign in it.
    pub fn sign(&self, method: &str, path: &str, body: &str) -> Result<Vec<(String, String)>> {
        let identity = Credentials::new(&self.key, &self.secret, None, None, "scenario").into();
        #[expect(
            clippy::disallowed_methods,
            reason = "a request is signed for the time it is sent"
        )]
        let now = SystemTime::now();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name("mq")
            .time(now)
            .settings(SigningSettings::default())
            .build()?
            .into();
        let url = format!("{}{path}", self.endpoint);
        let headers = std::iter::once(("host", self.address.as_str()));
        let body = SignableBody::Bytes(body.as_bytes());
        let signable = SignableRequest::new(method, &url, headers, body)?;
        let (instructions, _) = sign(signable, &parameters)?.into_parts();
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        Ok(instructions.headers().map(owned).collect())
    }

    /// A signed request, and what came back byte by byte.
    ///
    /// # Errors
    /// When nobody answers.
    pub fn signed(&self, method: &str, path: &str, body: &str) -> Result<http::Answer> {
        let headers = self.sign(method, path, body)?;
        http::request(&self.address, method, path, &headers, body)
    }

    /// A signed GET, and what came back byte by byte.
    ///
    /// # Errors
    /// When nobody answers.
    pub fn get(&self, path: &str) -> Result<http::Answer> {
        self.signed("GET", path, "")
    }

    /// DescribeBroker, byte by byte.
    ///
    /// # Errors
    /// When the API refuses.
    pub fn describe_raw(&self, id: &str) -> Result<String> {
        let answer = self.get(&format!("/v1/brokers/{id}"))?;
        ensure!(answer.status == 200, "DescribeBroker: {answer:?}");
        Ok(answer.body)
    }

    /// What happened to a broker, newest first: kind and message.
    ///
    /// # Errors
    /// When the API refuses.
    pub fn events(&self, id: &str) -> Result<Vec<(String, String)>> {
        let answer = self.get(&format!("/brokerd/v1/brokers/{id}/events?maxResults=100"))?;
        ensure!(answer.status == 200, "events: {answer:?}");
        let value: Value = serde_json::from_str(&answer.body)?;
        let text = |event: &Value, name: &str| event[name].as_str().unwrap_or_default().to_owned();
        let events = value["events"].as_array().context("no events")?.iter();
        Ok(events.map(|event| (text(event, "kind"), text(event, "message"))).collect())
    }
}
