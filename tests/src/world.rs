//! A world: one brokerd with everything it needs, and nothing of anybody else's.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitStatus},
    sync::Arc,
};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::{
    Api, NewBroker, TIMEOUT,
    clients::{self, Messenger},
    database::Database,
    docker::{self, Container},
    eventually, http, machine,
    ports::Ports,
    process::Process,
};

/// The region requests are signed for.
pub const REGION: &str = "us-east-1";

/// How many lines of a log say enough about a failure.
const TAIL: usize = 120;

/// All roles.
const ALL: &str = "api,provisioner,gateway";

/// Instances are half their type's size: they start as fast, and more of them fit.
pub const SCALE: f64 = 0.5;

/// A running brokerd with a database, a data directory, ports and containers of its own.
#[derive(Debug)]
pub struct World {
    /// The API, as the owner of this world's access key.
    pub api: Api,
    /// The name of the installation.
    pub installation: String,
    directory: PathBuf,
    process: Process,
    gateway: Option<Process>,
    database: Database,
    ports: Ports,
    runtime: Arc<Runtime>,
}

/// Plays a scenario in a world of its own. Afterwards its brokers are deleted through the API, and whatever
/// brokerd leaves behind then is a failure.
///
/// # Errors
/// What the scenario returned; or what was left behind.
pub fn scenario(
    name: &str,
    settings: &[(&str, &str)],
    play: impl FnOnce(&mut World) -> Result<()>,
) -> Result<()> {
    in_world(World::start(settings)?, name, play)
}

/// Plays a scenario in a world whose database is on a server of its own.
///
/// # Errors
/// As [`scenario`].
pub fn scenario_with_database(
    name: &str,
    settings: &[(&str, &str)],
    play: impl FnOnce(&mut World) -> Result<()>,
) -> Result<()> {
    in_world(World::start_on(settings, Database::create_with_server)?, name, play)
}

fn in_world(
    mut world: World,
    name: &str,
    play: impl FnOnce(&mut World) -> Result<()>,
) -> Result<()> {
    let played = play(&mut world).and_then(|()| world.finish());
    played.map_err(|error| {
        world.explain(name);
        error.context(format!("scenario: {name}"))
    })
}

impl World {
    /// Starts a brokerd; `settings` are environment variables on top of those every world has.
    ///
    /// # Errors
    /// When something of it can't be had, or brokerd does not become ready.
    pub fn start(settings: &[(&str, &str)]) -> Result<Self> {
        Self::start_on(settings, Database::create)
    }

    fn start_on(
        settings: &[(&str, &str)],
        create: fn(&Runtime, &str) -> Result<Database>,
    ) -> Result<Self> {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let runtime = Arc::new(runtime);
        let run = machine::variable("BROKERD_TEST_RUN").unwrap_or_else(|| "t".to_owned());
        let installation = format!("{run}-{}", machine::random_hex(3)?);
        let ports = Ports::take()?;
        let database = create(&runtime, &installation)?;
        // After the database, which may not be there: the directory is removed with the world.
        let directory = std::env::temp_dir().join(format!("brokerd-{installation}"));
        fs::create_dir(&directory)
            .with_context(|| format!("can't make {}", directory.display()))?;
        let address = format!("127.0.0.1:{}", ports.api());
        let mut environment =
            environment(&installation, &directory.join("data"), &database, &address, &ports);
        environment
            .extend(settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let process = Process::new(address.clone(), environment, &directory.join("brokerd.log"));
        let api = Api::nobody(&runtime, &address);
        let mut world =
            Self { api, installation, directory, process, gateway: None, database, ports, runtime };
        if let Err(error) = world.process.start(ALL) {
            world.explain("start");
            return Err(error);
        }
        let (key, secret) = credentials(&world.data())?;
        world.api = Api::new(&world.runtime, &address, REGION, &key, &secret);
        Ok(world)
    }

    /// The data directory.
    pub fn data(&self) -> PathBuf {
        self.directory.join("data")
    }

    /// The certificate that clients have to trust.
    pub fn ca(&self) -> PathBuf {
        self.data().join("ca.pem")
    }

    /// The label of everything this world makes.
    pub fn label(&self) -> String {
        format!("brokerd.installation={}", self.installation)
    }

    /// The database's URL.
    pub fn database_url(&self) -> String {
        self.database.url()
    }

    /// Where the API listens.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.ports.api())
    }

    /// The metrics of its brokerd, as they are scraped.
    ///
    /// # Errors
    /// When they are not there.
    pub fn metrics(&self) -> Result<String> {
        let address = format!("127.0.0.1:{}", self.ports.operations());
        let answer = http::get(&address, "/metrics")?;
        ensure!(answer.status == 200, "{answer:?}");
        Ok(answer.body)
    }

    /// The environment of its brokerd.
    pub fn environment(&self) -> Vec<(String, String)> {
        self.process.environment()
    }

    /// The process of brokerd, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.process.pid()
    }

    /// Ends brokerd as a crash would.
    ///
    /// # Errors
    /// When it can't be killed.
    pub fn kill9(&mut self) -> Result<()> {
        self.process.kill9()
    }

    /// Asks brokerd to stop, and waits until it has.
    ///
    /// # Errors
    /// When it does not.
    pub fn stop(&mut self) -> Result<ExitStatus> {
        self.process.stop()
    }

    /// Starts brokerd again, with all roles.
    ///
    /// # Errors
    /// When it does not become ready.
    pub fn restart(&mut self) -> Result<()> {
        self.restart_as(ALL)
    }

    /// Starts brokerd again, with these roles.
    ///
    /// # Errors
    /// When it does not become ready.
    pub fn restart_as(&mut self, roles: &str) -> Result<()> {
        self.process.kill9()?;
        self.process.start(roles)
    }

    /// Starts brokerd again with another value of a variable of its environment.
    ///
    /// # Errors
    /// When it does not become ready.
    pub fn restart_with(&mut self, name: &'static str, value: &str) -> Result<()> {
        self.set(name, value);
        self.restart()
    }

    /// Gives a variable of brokerd's environment another value, for its next start.
    pub fn set(&mut self, name: &'static str, value: &str) {
        self.process.set(name, value.to_owned());
    }

    /// Starts brokerd again with no more descriptors than these, hard limit included.
    ///
    /// # Errors
    /// When it does not become ready.
    pub fn restart_with_descriptors(&mut self, most: u32) -> Result<()> {
        self.process.limit_descriptors(most);
        self.restart()
    }

    /// What brokerd has logged so far.
    ///
    /// # Errors
    /// When there is no log.
    pub fn log(&self) -> Result<String> {
        Ok(fs::read_to_string(self.directory.join("brokerd.log"))?)
    }

    /// Starts brokerd again so that new brokers get host names below `domain`; and what clients have to know of
    /// them.
    ///
    /// # Errors
    /// When it does not become ready.
    pub fn restart_with_names(&mut self, domain: &str) -> Result<Value> {
        for (name, value) in self.naming(domain) {
            self.process.set(name, value);
        }
        self.restart()?;
        let ports: BTreeMap<String, u16> =
            self.ports.shared().map(|(standard, port)| (standard.to_string(), port)).collect();
        Ok(json!({ "domain": domain, "ports": ports }))
    }

    fn naming(&self, domain: &str) -> [(&'static str, String); 3] {
        let shared: Vec<_> =
            self.ports.shared().map(|(standard, port)| format!("{standard}={port}")).collect();
        let endpoints = self.ports.endpoints_beside_names();
        [
            ("BROKERD_ENDPOINT_DOMAIN", domain.to_owned()),
            ("BROKERD_ENDPOINT_SHARED_PORTS", shared.join(",")),
            ("BROKERD_ENDPOINT_PORTS", format!("{}-{}", endpoints.start(), endpoints.end())),
        ]
    }

    /// Starts a gateway that is a process of its own, with a data directory of its own and without a key, or
    /// starts it again; brokerd itself must not be one. Where it tells how it is.
    ///
    /// # Errors
    /// When it does not become ready.
    pub fn restart_gateway(&mut self, domain: &str) -> Result<String> {
        let address = format!("127.0.0.1:{}", self.ports.gateway());
        let naming = self.naming(domain);
        let (data, log) = (self.gateway_data(), self.directory.join("brokerd.log"));
        let process = self.gateway.get_or_insert_with(|| {
            let mut environment =
                environment(&self.installation, &data, &self.database, "127.0.0.1:0", &self.ports);
            environment.extend(naming.map(|(name, value)| (name.to_owned(), value)));
            environment.push(("BROKERD_GATEWAY_LISTEN".to_owned(), address.clone()));
            Process::new(address.clone(), environment, &log)
        });
        process.kill9()?;
        process.start("gateway")?;
        Ok(address)
    }

    /// The data directory of that gateway.
    pub fn gateway_data(&self) -> PathBuf {
        self.directory.join("gateway")
    }

    /// The container of the database's server, if that is this world's own.
    ///
    /// # Errors
    /// When it is not, or is not there.
    pub fn database_container(&self) -> Result<Container> {
        self.database.container()
    }

    /// Waits until the database answers again, and the server of the databases of other worlds.
    ///
    /// # Errors
    /// When one of them does not.
    pub fn wait_for_databases(&self) -> Result<()> {
        self.database.wait_for_servers(&self.runtime)
    }

    /// Takes the database away, as an outage would.
    ///
    /// # Errors
    /// When the server does not do it.
    pub fn lose_database(&self) -> Result<()> {
        self.database.close(&self.runtime)
    }

    /// Gives the database back.
    ///
    /// # Errors
    /// When the server does not do it.
    pub fn restore_database(&self) -> Result<()> {
        self.database.open(&self.runtime)
    }

    /// Runs a command of brokerd beside the one that serves; what it prints.
    ///
    /// # Errors
    /// When it fails: what it says.
    pub fn brokerd(&self, arguments: &[&str]) -> Result<String> {
        let mut command = Command::new(machine::binary()?);
        machine::run(command.args(arguments).env_clear().envs(self.environment()))
    }

    /// Another account, and the API as its root.
    ///
    /// # Errors
    /// When it can't be made.
    pub fn other_account(&self, number: &str) -> Result<Api> {
        self.brokerd(&["account", "create", number, "--id", number])?;
        self.as_exported(&self.brokerd(&["key", "create", "--account", number])?)
    }

    /// The API by the access key that a command has printed as shell exports.
    ///
    /// # Errors
    /// When there is none.
    pub fn as_exported(&self, exports: &str) -> Result<Api> {
        let value = |name: &str| {
            let prefix = format!("export {name}='");
            let line = exports.lines().find_map(|line| line.strip_prefix(&prefix));
            line.and_then(|rest| rest.strip_suffix('\''))
                .with_context(|| format!("no {name} in {exports}"))
        };
        Ok(self.api.with_key(value("AWS_ACCESS_KEY_ID")?, value("AWS_SECRET_ACCESS_KEY")?))
    }

    /// Creates a broker and waits until it runs.
    ///
    /// # Errors
    /// When it does not.
    pub fn running(&self, new: &NewBroker) -> Result<String> {
        let id = self.api.create(new)?;
        self.api.wait_until_running(&id)?;
        Ok(id)
    }

    /// A client of a broker's endpoint whose URL starts with `scheme`.
    ///
    /// # Errors
    /// When the broker has no such endpoint.
    pub fn messenger(&self, script: &'static str, broker: &str, scheme: &str) -> Result<Messenger> {
        let url = self.api.endpoint(broker, scheme)?;
        Ok(Messenger::python(script, url, self.ca()))
    }

    /// A client of each protocol of an ActiveMQ broker, both of those at its WebSocket; JMS where it can be had.
    ///
    /// # Errors
    /// When the broker lacks an endpoint.
    pub fn every_messenger(&self, broker: &str) -> Result<Vec<Messenger>> {
        let mut all = Vec::new();
        for (script, scheme) in [
            ("amqp10.py", "amqp+ssl"),
            ("stomp_.py", "stomp+ssl"),
            ("mqtt.py", "mqtt+ssl"),
            ("stomp_.py", "wss"),
            ("mqtt.py", "wss"),
        ] {
            all.push(self.messenger(script, broker, scheme)?);
        }
        all.extend(self.jms(broker)?);
        Ok(all)
    }

    /// A JMS client of an ActiveMQ broker; none where it can't be had.
    ///
    /// # Errors
    /// When the broker lacks the endpoint, or the client can't be made ready.
    pub fn jms(&self, broker: &str) -> Result<Option<Messenger>> {
        let Some(_) = clients::jms()? else { return Ok(None) };
        Ok(Some(Messenger::jms(self.api.endpoint(broker, "ssl")?, self.ca())))
    }

    /// Deletes all brokers that are left, and sees that this leaves nothing.
    fn finish(&mut self) -> Result<()> {
        for id in self.api.list()? {
            self.api.delete(&id)?;
        }
        eventually("all brokers are deleted", TIMEOUT, || {
            Ok(self.api.list()?.is_empty().then_some(()))
        })?;
        let left = docker::objects(&self.label())?;
        ensure!(left.is_empty(), "all brokers are deleted, but this is left: {left:?}");
        Ok(())
    }

    /// Prints what helps to understand a failure, and keeps the whole log.
    fn explain(&self, name: &str) {
        let log = fs::read_to_string(self.directory.join("brokerd.log")).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        let tail = lines[lines.len().saturating_sub(TAIL)..].join("\n");
        let kept = machine::cache("scenarios").map(|directory| {
            let path = directory.join(format!("{}.log", name.replace([' ', '/'], "-")));
            let written = fs::write(&path, &log);
            format!("{} ({written:?})", path.display())
        });
        let containers =
            docker::docker(&["ps", "-a", "--filter", &format!("label={}", self.label())]);
        machine::say(&format!(
            "--- {name} failed; the end of brokerd's log, whole in {kept:?}:\n{tail}\n--- containers:\n{}\n---",
            containers.unwrap_or_else(|error| format!("{error:#}")),
        ));
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.explain("panic");
        }
        let cleaned = self.process.kill9();
        self.gateway = None;
        let cleaned = cleaned
            .and_then(|()| docker::remove_all(&self.label()))
            .and_then(|()| self.database.drop_now(&self.runtime))
            .and_then(|()| Ok(fs::remove_dir_all(&self.directory)?));
        if let Err(error) = cleaned {
            machine::say(&format!("cleaning up {} failed: {error:#}", self.installation));
        }
    }
}

fn environment(
    installation: &str,
    data: &Path,
    database: &Database,
    address: &str,
    ports: &Ports,
) -> Vec<(String, String)> {
    let endpoints = ports.endpoints();
    [
        ("BROKERD_INSTALLATION", installation.to_owned()),
        ("BROKERD_DATA_DIR", data.display().to_string()),
        ("DATABASE_URL", database.url()),
        ("BROKERD_REGION", REGION.to_owned()),
        ("BROKERD_API_LISTEN", address.to_owned()),
        ("BROKERD_OPERATIONS_LISTEN", format!("127.0.0.1:{}", ports.operations())),
        // Scenarios ask as fast as they can whether something has happened yet.
        ("BROKERD_API_THROTTLE_BURST", "0".to_owned()),
        ("BROKERD_ENDPOINT_PORTS", format!("{}-{}", endpoints.start(), endpoints.end())),
        ("BROKERD_SIZING_SCALE", SCALE.to_string()),
        // Scenarios are about what brokers do, not about how much memory the machine has that runs them.
        ("BROKERD_SIZING_MEMORY_SHARE", "4".to_owned()),
        // Scenarios that need a registry have one of their own.
        ("BROKERD_ENGINES_PULL", "false".to_owned()),
        (
            "BROKERD_LOG_FILTER",
            "info,brokerd_api=warn,brokerd_provisioner=debug,brokerd_gateway=debug".to_owned(),
        ),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

/// The access key in a data directory.
fn credentials(data: &Path) -> Result<(String, String)> {
    let text = fs::read_to_string(data.join("credentials"))?;
    let value = |name: &str| {
        let found =
            text.lines().filter_map(|line| line.split_once(" = ")).find(|(key, _)| *key == name);
        found
            .map(|(_, value)| value.to_owned())
            .with_context(|| format!("no {name} in the credentials"))
    };
    Ok((value("aws_access_key_id")?, value("aws_secret_access_key")?))
}
