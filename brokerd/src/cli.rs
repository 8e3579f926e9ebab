//! The command line.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::{self, Write as _},
    time::Duration,
};

use anyhow::Context as _;
use clap::{Parser, Subcommand, ValueEnum};
use secrecy::ExposeSecret as _;

use crate::{
    authority::{self, AuthorityCommand},
    config::{ConfigFlags, Configuration},
    home::Home,
    master_key::{self, MasterKeyCommand},
    notify::ServiceManager,
    ready, serve,
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
    /// Serve endpoints and nothing else, until stopped: `serve --roles gateway`
    Gateway {
        /// Where health and metrics are served
        #[arg(long, value_name = "ADDRESS:PORT")]
        listen: Option<String>,
    },
    /// Print what AWS tools need to find this brokerd: eval "$(brokerd env)"
    Env,
    /// Print the effective configuration as TOML, secrets redacted
    Config,
    /// Look at and replace the authorities that issue brokers' certificates
    #[command(subcommand)]
    Authority(AuthorityCommand),
    /// Look at and replace the keys that seal secrets in the database
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

/// What a process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Role {
    /// Answers requests.
    Api,
    /// Makes brokers be as they should.
    Provisioner,
    /// Owns the endpoints.
    Gateway,
}

impl Role {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Provisioner => "provisioner",
            Self::Gateway => "gateway",
        }
    }
}

impl Cli {
    /// Does what was asked for.
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
                let manager = manager(environment)?;
                serve::serve(configuration, &roles, manager).await
            }
            Command::Gateway { .. } => {
                serve::serve(configuration, &[Role::Gateway], manager(environment)?).await
            }
            Command::Env => print(&exports(&configuration)?),
            Command::Config => print(&configuration.to_toml()?),
            Command::Authority(command) => authority::run(command, &configuration).await,
            Command::MasterKey(command) => master_key::run(command, &configuration).await,
            Command::Ready { timeout, gateway } => {
                let whom = if gateway { ready::Whom::Gateway } else { ready::Whom::Api };
                ready::wait(&configuration, whom, Duration::from_secs(timeout)).await
            }
        }
    }
}

fn manager(environment: &BTreeMap<String, String>) -> anyhow::Result<ServiceManager> {
    ServiceManager::of(environment).context("can't reach the service manager at NOTIFY_SOCKET")
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    io::stdout().lock().write_all(text.as_bytes()).context("can't write to standard output")
}

/// The lines of `brokerd env`.
fn exports(configuration: &Configuration) -> anyhow::Result<String> {
    let home = Home::at(&configuration.data_dir);
    let key = home.access_key(&configuration.account)?.with_context(|| {
        format!(
            "there are no credentials in {} yet: start brokerd first (`make run` or `brokerd serve`)",
            configuration.data_dir.display()
        )
    })?;
    let region = configuration.region.as_str();
    let ca = home.ca_path();
    let variables = [
        ("AWS_ENDPOINT_URL_MQ", serve::client_url(configuration)?),
        ("AWS_ACCESS_KEY_ID", key.id),
        ("AWS_SECRET_ACCESS_KEY", key.secret.expose_secret().to_owned()),
        ("AWS_REGION", region.to_owned()),
        ("AWS_DEFAULT_REGION", region.to_owned()),
        ("BROKERD_CA_FILE", ca.to_string_lossy().into_owned()),
    ];
    let mut text = String::new();
    for (name, value) in variables {
        writeln!(text, "export {name}={}", quoted(&value))?;
    }
    // A session token of other credentials would spoil every signature.
    writeln!(text, "unset AWS_SESSION_TOKEN")?;
    Ok(text)
}

/// As a shell reads it back.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
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

    #[test]
    fn a_shell_reads_values_back_as_they_were() {
        for text in ["plain", "with space", "it's", "$(x) `y` \"z\" \\"] {
            let out = std::process::Command::new("sh")
                .args(["-c", &format!("printf %s {}", quoted(text))])
                .output()
                .expect("a shell");
            assert_eq!(String::from_utf8_lossy(&out.stdout), text);
        }
    }
}
