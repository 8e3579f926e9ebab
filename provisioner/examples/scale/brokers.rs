//! Brokers by the store, as the API makes and changes them.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use brokerd_domain::{
    BrokerId, Clock, ConfigurationId, CreateBroker, CreateBrokerInput, EngineType, Entropy,
    NetworkDefaults, Offerings, Scope, UserInput,
};
use brokerd_store::{CreateOutcome, NewIds, PgStore};
use secrecy::SecretString;

/// How many brokers each account has; the service's quota is 200.
const PER_ACCOUNT: usize = 100;

/// What a broker is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    ActiveMq,
    RabbitMq,
    Pair,
    Cluster,
}

impl Kind {
    /// One in twenty is a pair, one in fifty a cluster, the rest are single instances of both engines.
    pub(crate) const fn of(number: usize) -> Self {
        match number % 100 {
            0 | 20 | 40 | 60 | 80 => Self::Pair,
            10 | 50 => Self::Cluster,
            n if n % 2 == 1 => Self::ActiveMq,
            _ => Self::RabbitMq,
        }
    }

    const fn engine(self) -> EngineType {
        match self {
            Self::ActiveMq | Self::Pair => EngineType::ActiveMq,
            Self::RabbitMq | Self::Cluster => EngineType::RabbitMq,
        }
    }

    fn command(self, name: String, scope: &Scope, with: &With) -> Result<CreateBroker> {
        let (mode, host) = match self {
            Self::ActiveMq => ("SINGLE_INSTANCE", "mq.t3.micro"),
            Self::Pair => ("ACTIVE_STANDBY_MULTI_AZ", "mq.m5.large"),
            Self::RabbitMq => ("SINGLE_INSTANCE", "mq.m7g.medium"),
            Self::Cluster => ("CLUSTER_MULTI_AZ", "mq.m7g.medium"),
        };
        let input = CreateBrokerInput {
            broker_name: Some(name),
            engine_type: Some(self.engine().as_str().to_owned()),
            deployment_mode: Some(mode.to_owned()),
            host_instance_type: Some(host.to_owned()),
            publicly_accessible: Some(true),
            users: vec![UserInput {
                username: Some("admin".to_owned()),
                password: Some(SecretString::from("correct-horse-battery")),
                console_access: None,
                groups: Vec::new(),
                replication_user: None,
            }],
            tags: BTreeMap::from([("team".to_owned(), "orders".to_owned())]),
            ..CreateBrokerInput::default()
        };
        let network = NetworkDefaults::default();
        CreateBroker::parse(input, scope, None, &with.offerings, &network, &*with.entropy)
            .map_err(|error| anyhow::anyhow!(error.message))
    }
}

/// A broker that was asked for.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) id: BrokerId,
    pub(crate) scope: Scope,
}

/// What it takes to ask for brokers.
#[derive(Clone)]
pub(crate) struct With {
    pub(crate) store: PgStore,
    pub(crate) clock: std::sync::Arc<dyn Clock>,
    pub(crate) entropy: std::sync::Arc<dyn Entropy>,
    pub(crate) offerings: Offerings,
}

impl With {
    /// CreateBroker.
    pub(crate) async fn create(&self, number: usize) -> Result<Asked> {
        let account = format!("{:012}", number / PER_ACCOUNT + 1);
        let scope = Scope {
            account: account.parse().ok().context("an account")?,
            region: "us-east-1".parse().ok().context("a region")?,
        };
        let command = Kind::of(number).command(format!("broker-{number}"), &scope, self)?;
        let ids = NewIds {
            broker: BrokerId::generate(&*self.entropy),
            configuration: ConfigurationId::generate(&*self.entropy),
        };
        let outcome = self.store.create_broker(&scope, &command, ids, self.clock.now()).await?;
        ensure!(outcome == CreateOutcome::Created, "broker {number}: {outcome:?}");
        Ok(Asked { id: ids.broker, scope })
    }

    /// RebootBroker: its instances are made anew.
    pub(crate) async fn reboot(&self, broker: &Asked) -> Result<()> {
        let seen = self.store.broker(&broker.scope, broker.id).await?.context("it is gone")?;
        ensure!(self.store.request_reboot(&seen, self.clock.now()).await?, "it has changed");
        Ok(())
    }

    /// DeleteBroker.
    pub(crate) async fn delete(&self, broker: &Asked) -> Result<()> {
        self.store.request_delete(&broker.scope, broker.id, self.clock.now()).await?;
        Ok(())
    }
}
