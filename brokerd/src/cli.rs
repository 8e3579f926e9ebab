//! The command line.

use std::{collections::BTreeMap, time::Duration};

use anyhow::Context as _;
use clap::{Parser, Subcommand};

use crate::{
    commands::{
        account::{self, AccountCommand},
        authority::{self, AuthorityCommand},
        console::{self, ConsoleFlags},
        env::{self, EnvFlags},
        key::{self, KeyCommand},
        logs::{self, LogsCommand},
        master_key::{self, MasterKeyCommand},
        print,
        ready::{self, Target},
        serve,
    },
    config::{ConfigFlags, Configuration},
    role::Role,
    service_manager::ServiceManager,
};

/// A control plane for message brokers that speaks the Amazon MQ API.
#[derive(Debug, Parser)]
#[command(name = "brokerd", version, propagate_version = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    flags: ConfigFlags,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve until stopped
    Serve {
        /// What this process does
        #[arg(long, value_enum, value_delimiter = ',', default_value = "api,provisioner,gateway")]
        roles: Vec<Role>,
        /// Where the API listens
        #[arg(long, value_name = "ADDRESS:PORT")]
        listen: Option<String>,
    },
    /// Run only the gateway, until stopped: `serve --roles gateway`
    Gateway {
        /// Where health and metrics are served
        #[arg(long, value_name = "ADDRESS:PORT")]
        listen: Option<String>,
    },
    /// Print the environment variables for AWS tools: eval "$(brokerd env)"
    Env(EnvFlags),
    /// Print a link to the web console that signs in whoever follows it first, within a minute
    Console(ConsoleFlags),
    /// Print the effective configuration as TOML, secrets redacted
    Config,
    /// List, create, suspend and delete accounts
    #[command(subcommand)]
    Account(AccountCommand),
    /// List, create, disable and delete access keys
    #[command(subcommand)]
    Key(KeyCommand),
    /// Export the logs of brokers
    #[command(subcommand)]
    Logs(LogsCommand),
    /// Show and rotate certificate authorities
    #[command(subcommand)]
    Authority(AuthorityCommand),
    /// Show and rotate master keys
    #[command(subcommand)]
    MasterKey(MasterKeyCommand),
    /// Wait until this brokerd is ready
    Ready {
        /// How many seconds to wait
        #[arg(long, default_value_t = 60)]
        timeout: u64,
        /// Wait for a gateway that is a process of its own, not for the API
        #[arg(long)]
        gateway: bool,
    },
}

impl Cli {
    /// Loads the configuration and runs the command.
    ///
    /// # Errors
    /// An error whose text is shown to the user.
    pub(crate) async fn run(self, environment: &BTreeMap<String, String>) -> anyhow::Result<()> {
        let mut flags = self.flags;
        if let Command::Serve { listen: Some(address), .. } = &self.command {
            flags.assignments.push(format!("api.listen={address}"));
        }
        if let Command::Gateway { listen: Some(address) } = &self.command {
            flags.assignments.push(format!("gateway.listen={address}"));
        }
        let configuration = Configuration::load(&flags, environment, is_root())?;
        match self.command {
            Command::Serve { mut roles, .. } => {
                roles.sort_unstable();
                roles.dedup();
                serve::run(configuration, &roles, service_manager(environment)?).await
            }
            Command::Gateway { .. } => {
                serve::run(configuration, &[Role::Gateway], service_manager(environment)?).await
            }
            Command::Env(flags) => env::run(flags, &configuration).await,
            Command::Console(flags) => console::run(flags, &configuration).await,
            Command::Config => print(&configuration.to_toml()?),
            Command::Account(command) => account::run(command, &configuration).await,
            Command::Key(command) => key::run(command, &configuration).await,
            Command::Logs(command) => logs::run(command, &configuration).await,
            Command::Authority(command) => authority::run(command, &configuration).await,
            Command::MasterKey(command) => master_key::run(command, &configuration).await,
            Command::Ready { timeout, gateway } => {
                let target = if gateway { Target::Gateway } else { Target::Api };
                ready::run(&configuration, target, Duration::from_secs(timeout)).await
            }
        }
    }
}

fn service_manager(environment: &BTreeMap<String, String>) -> anyhow::Result<ServiceManager> {
    ServiceManager::of(environment).context("can't reach the service manager at NOTIFY_SOCKET")
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn all_roles_are_the_default_and_some_can_be_chosen() {
        let roles = |arguments: &[&str]| match Cli::try_parse_from(arguments).map(|c| c.command) {
            Ok(Command::Serve { roles, .. }) => roles,
            other => panic!("{other:?}"),
        };
        assert_eq!(roles(&["brokerd", "serve"]), [Role::Api, Role::Provisioner, Role::Gateway]);
        assert_eq!(
            roles(&["brokerd", "serve", "--roles", "gateway,api"]),
            [Role::Gateway, Role::Api]
        );
        assert!(Cli::try_parse_from(["brokerd", "serve", "--roles", "cook"]).is_err());
        assert!(Cli::try_parse_from(["brokerd", "gateway", "--listen", "127.0.0.1:1"]).is_ok());
    }
}
