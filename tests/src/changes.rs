//! Changes of what exists: users, configurations, and everything that waits for a reboot.

use anyhow::{Context, Result, bail, ensure};
use aws_sdk_mq::{
    operation::{
        update_broker::{UpdateBrokerOutput, builders::UpdateBrokerFluentBuilder},
        update_user::builders::UpdateUserFluentBuilder,
    },
    types::{ChangeType, ConfigurationId, EngineType},
};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};

use crate::{Api, api::explained};

/// A user to create.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// The name.
    pub name: String,
    /// The password.
    pub password: String,
    /// The groups.
    pub groups: Vec<String>,
    /// Whether the web console lets the user in.
    pub console: bool,
}

impl NewUser {
    /// A user who is in no group and may not use the console.
    pub fn new(name: &str, password: &str) -> Self {
        let (name, password) = (name.to_owned(), password.to_owned());
        Self { name, password, groups: Vec::new(), console: false }
    }

    /// In one more group.
    #[must_use]
    pub fn in_group(mut self, group: &str) -> Self {
        self.groups.push(group.to_owned());
        self
    }

    /// With access to the console.
    #[must_use]
    pub fn with_console(mut self) -> Self {
        self.console = true;
        self
    }
}

/// A revision of a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    /// The configuration's id.
    pub configuration: String,
    /// The revision's number.
    pub number: i32,
}

impl Revision {
    fn of(reference: &ConfigurationId) -> Result<Self> {
        Ok(Self {
            configuration: reference.id.clone().context("a configuration without an id")?,
            number: reference.revision.context("a configuration without a revision")?,
        })
    }
}

/// The configurations of a broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct References {
    /// In force.
    pub current: Option<Revision>,
    /// In force after the next reboot.
    pub pending: Option<Revision>,
    /// Formerly in force, oldest first.
    pub history: Vec<Revision>,
}

impl Api {
    /// Creates a user.
    ///
    /// # Errors
    /// When the API refuses.
    pub fn create_user(&self, broker: &str, user: &NewUser) -> Result<()> {
        let call = self
            .client
            .create_user()
            .broker_id(broker)
            .username(&user.name)
            .password(&user.password)
            .set_groups(Some(user.groups.clone()))
            .console_access(user.console);
        self.wait(call.send()).map_err(explained).map(drop)
    }

    /// Changes a user.
    ///
    /// # Errors
    /// When the API refuses.
    pub fn update_user(
        &self,
        broker: &str,
        name: &str,
        change: impl FnOnce(UpdateUserFluentBuilder) -> UpdateUserFluentBuilder,
    ) -> Result<()> {
        let call = change(self.client.update_user().broker_id(broker).username(name));
        self.wait(call.send()).map_err(explained).map(drop)
    }

    /// Removes a user.
    ///
    /// # Errors
    /// When the API refuses.
    pub fn delete_user(&self, broker: &str, name: &str) -> Result<()> {
        let call = self.client.delete_user().broker_id(broker).username(name);
        self.wait(call.send()).map_err(explained).map(drop)
    }

    /// The users of a broker, sorted, each with what awaits it.
    ///
    /// # Errors
    /// When the API refuses.
    pub fn users(&self, broker: &str) -> Result<Vec<(String, Option<ChangeType>)>> {
        let call = self.client.list_users().broker_id(broker).max_results(100);
        let listed = self.wait(call.send()).map_err(explained)?;
        let user = |user: &aws_sdk_mq::types::UserSummary| {
            (user.username.clone().unwrap_or_default(), user.pending_change.clone())
        };
        let mut users: Vec<_> = listed.users().iter().map(user).collect();
        users.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        Ok(users)
    }

    /// Creates a configuration; its id.
    ///
    /// # Errors
    /// When the API refuses.
    pub fn create_configuration(
        &self,
        name: &str,
        engine: EngineType,
        version: &str,
    ) -> Result<String> {
        let call = self
            .client
            .create_configuration()
            .name(name)
            .engine_type(engine)
            .engine_version(version);
        let created = self.wait(call.send()).map_err(explained)?;
        created.id.context("the answer has no configuration id")
    }

    /// Adds a revision to a configuration.
    ///
    /// # Errors
    /// When the API refuses, or leaves something out.
    pub fn revise(&self, configuration: &str, data: &str) -> Result<Revision> {
        let call = self
            .client
            .update_configuration()
            .configuration_id(configuration)
            .data(BASE64.encode(data));
        let updated = self.wait(call.send()).map_err(explained)?;
        ensure!(updated.warnings().is_empty(), "left out of {data}: {:?}", updated.warnings());
        let number = updated.latest_revision.and_then(|revision| revision.revision);
        Ok(Revision {
            configuration: configuration.to_owned(),
            number: number.context("the answer has no revision")?,
        })
    }

    /// Changes a broker.
    ///
    /// # Errors
    /// When the API refuses.
    pub fn update(
        &self,
        broker: &str,
        change: impl FnOnce(UpdateBrokerFluentBuilder) -> UpdateBrokerFluentBuilder,
    ) -> Result<UpdateBrokerOutput> {
        let call = change(self.client.update_broker().broker_id(broker));
        self.wait(call.send()).map_err(explained)
    }

    /// Gives a broker another configuration.
    ///
    /// # Errors
    /// When the API refuses.
    pub fn configure(&self, broker: &str, revision: &Revision) -> Result<()> {
        let reference = ConfigurationId::builder()
            .id(&revision.configuration)
            .revision(revision.number)
            .build();
        self.update(broker, |call| call.configuration(reference)).map(drop)
    }

    /// The configurations a broker refers to.
    ///
    /// # Errors
    /// When the API refuses.
    pub fn configurations(&self, broker: &str) -> Result<References> {
        let described = self.describe(broker)?;
        let configurations = described.configurations.context("no configurations")?;
        Ok(References {
            current: configurations.current().map(Revision::of).transpose()?,
            pending: configurations.pending().map(Revision::of).transpose()?,
            history: configurations.history().iter().map(Revision::of).collect::<Result<_>>()?,
        })
    }

    /// Reboots a broker and waits until it runs again.
    ///
    /// # Errors
    /// When the API refuses, or the broker does not come back.
    pub fn reboot_and_wait(&self, broker: &str) -> Result<()> {
        self.reboot(broker)?;
        self.wait_until_running(broker)
    }
}

/// The words of a refusal.
///
/// # Errors
/// When nothing was refused.
pub fn refused<T: std::fmt::Debug>(outcome: Result<T>) -> Result<String> {
    match outcome {
        Err(refusal) => Ok(format!("{refusal:#}")),
        Ok(accepted) => bail!("it was accepted: {accepted:?}"),
    }
}
