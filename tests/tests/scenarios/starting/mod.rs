//! `make run` and what belongs to it: what keeps it from starting is said in a line and before anything is built, what was killed halfway is
//! completed, its database is nobody else's and looked after, and nothing is left of it if that is wanted.

mod refusals;

use std::{
    fs, net::TcpListener, os::unix::net::UnixDatagram, path::Path, process::Command, sync::mpsc,
    thread, time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use brokerd_tests::{
    TIMEOUT, World,
    checkout::{Checkout, Said},
    docker::{self, docker},
    eventually, http, machine, scenario,
};

/// How long the API may be away after its database ended, on a busy machine.
const SECONDS: Duration = Duration::from_secs(30);

/// A user that may do nothing.
const NOBODY: &str = "65534";

fn refused(said: &Said, words: &[&str]) -> Result<()> {
    ensure!(!said.success, "it went on: {said:?}");
    for word in words {
        ensure!(said.told.contains(word), "{word:?} is not in {}{}", said.told, said.printed);
    }
    ensure!(!said.printed.contains("brokerd is ready"), "{said:?}");
    Ok(())
}

#[test]
fn a_user_who_is_not_root_is_told_what_needs_root() -> Result<()> {
    let checkout = Checkout::new()?;
    let as_nobody = |more: &[(&str, &str)]| {
        let id = machine::run(Command::new("id").arg("-u"))?;
        let run = r#"exec scripts/run.sh up"#;
        let leave = format!(
            "exec setpriv --reuid {NOBODY} --regid {NOBODY} --clear-groups bash -c '{run}'"
        );
        let environment: Vec<_> = [("HOME", "/nonexistent")].iter().chain(more).copied().collect();
        checkout.paste(if id.trim() == "0" { &leave } else { run }, &environment)
    };
    let foreign = checkout.data();
    fs::create_dir(&foreign)?;
    let said = as_nobody(&[])?;
    refused(&said, &["can't write to", "run this as its owner or set BROKERD_DATA_DIR"])?;
    // One that it may write to.
    let own = std::env::temp_dir().join(format!("{}-nobody", checkout.installation));
    let own = own.to_string_lossy();
    let data = ("BROKERD_DATA_DIR", &*own);
    checkout.stub("bin/docker", "exit 1")?;
    let no_engine = as_nobody(&[data]);
    checkout.stub("bin/cargo", "exit 127")?;
    let no_compiler = as_nobody(&[data]);
    fs::remove_dir(&*own)?;
    refused(&no_engine?, &["no Docker engine answers for", "run this as root, or start Docker"])?;
    refused(&no_compiler?, &["cargo is missing: install Rust 1.", "https://rustup.rs"])
}

#[test]
fn a_taken_port_is_named_and_another_program_is_not_mistaken_for_brokerd() -> Result<()> {
    let checkout = Checkout::new()?;
    checkout.stub(
        "bin/cargo",
        "case $1 in --version) echo cargo 99.0.0 ;; *) echo built >&2; exit 1 ;; esac",
    )?;
    let stranger = TcpListener::bind("127.0.0.1:0")?;
    let port = stranger.local_addr()?.port();
    let names = format!("port {port} is taken by ");
    let by_file =
        format!("[gateway]\nlisten = \"127.0.0.1:1\"\n\n[api]\nlisten = \"127.0.0.1:{port}\"\n");
    for (listen, file) in [
        (format!("127.0.0.1:{port}"), ""),
        (format!("0.0.0.0:{port}"), ""),
        (String::new(), by_file.as_str()),
    ] {
        fs::create_dir_all(checkout.data())?;
        fs::write(checkout.data().join("brokerd.toml"), file)?;
        let said = checkout.run("scripts/run.sh", &["up"], &[("BROKERD_API_LISTEN", &listen)])?;
        refused(&said, &[&names, "choose another address with BROKERD_API_LISTEN"])?;
        ensure!(!said.told.contains("built"), "it built first: {}", said.told);
    }
    drop(stranger);
    scenario("another brokerd has the port", &[], |world| {
        let (checkout, address) = (Checkout::new()?, world.address());
        let listen = [("BROKERD_API_LISTEN", address.as_str())];
        let said = checkout.run("scripts/run.sh", &["up"], &listen)?;
        let port = address.rsplit(':').next().unwrap_or_default();
        refused(&said, &[&format!("port {port} is taken by another "), "BROKERD_API_LISTEN"])?;
        another_brokerd_is_not_ready_for_this_one(world, &checkout)
    })
}

/// Not even if it answers where this one should.
fn another_brokerd_is_not_ready_for_this_one(world: &World, checkout: &Checkout) -> Result<()> {
    fs::create_dir_all(checkout.data())?;
    fs::write(checkout.data().join("ca.pem"), "an authority of its own\n")?;
    let binary = machine::binary()?;
    let ask = format!("{} ready --timeout 0", binary.display());
    let said = checkout.paste(&ask, &[("BROKERD_API_LISTEN", &world.address())])?;
    refused(&said, &["another brokerd answers there"])
}

/// Where a start is killed, one after the other.
const DEATHS: &[&str] = &[
    "engine.sh",
    "build.sh",
    "cargo build",
    "docker volume create",
    "docker create",
    "docker cp",
    "docker update",
    "docker exec",
    "nohup bash",
];

#[test]
fn make_run_completes_what_was_killed_and_make_clean_leaves_nothing() -> Result<()> {
    let checkout = Checkout::new()?;
    for death in DEATHS {
        let said = checkout.run("scripts/run.sh", &["up"], &[("DIE_AT", death)])?;
        ensure!(!said.success && !said.printed.contains("ready"), "{death}: {said:?}");
        if *death == "docker exec" {
            // While it makes its cluster.
            docker(&["kill", &checkout.database()])?;
        }
    }
    checkout.make("up").context("after all deaths")?;
    let pid = checkout.pid()?;
    let again = checkout.make("up")?;
    ensure!(again.told.contains("is up to date, running and ready"), "{again:?}");
    ensure!(checkout.pid()? == pid, "it was started anew");

    its_database_is_confined_and_nobody_elses(&checkout)?;
    its_database_is_looked_after(&checkout).context("the first time")?;
    checkout.make("down")?;
    ensure!(!docker::inspect(&checkout.database())?.running(), "the database runs on");
    checkout.make("up")?;
    its_database_is_looked_after(&checkout).context("after it was down")?;

    what_starts_it_with_the_machine_is_written_down(&checkout)?;

    machine::run(Command::new("kill").args(["-KILL", &checkout.pid()?.to_string()]))?;
    ensure!(fs::read_dir(checkout.data().join("provisioners"))?.count() > 0, "no lock is left");
    for name in ["brokerd.log.1", "api.new-0dd1f2c4-1111-4222-8333-444455556666"] {
        fs::write(checkout.data().join(name), "")?;
    }
    let table = format!("brokerd-{}", checkout.installation);
    let rules =
        || -> Result<bool> { Ok(docker::firewall(&["list"])?.lines().any(|line| line == table)) };
    ensure!(rules()?, "there are no rules for what engines connect to");
    checkout.make("clean")?;
    let left = docker::objects(&checkout.label())?;
    ensure!(left.is_empty(), "{left:?}");
    ensure!(!rules()?, "rules for what engines connect to are left");
    ensure!(!checkout.data().exists(), "{:?}", fs::read_dir(checkout.data())?.collect::<Vec<_>>());
    Ok(())
}

fn its_database_is_confined_and_nobody_elses(checkout: &Checkout) -> Result<()> {
    let container = docker::inspect(&checkout.database())?;
    let host = |name: &str| container.at(&format!("/HostConfig/{name}")).to_string();
    for (setting, value) in [
        ("NetworkMode", r#""none""#),
        ("PortBindings", "{}"),
        ("ReadonlyRootfs", "true"),
        ("CapDrop", r#"["ALL"]"#),
        ("SecurityOpt", r#"["no-new-privileges"]"#),
        ("PidsLimit", "512"),
        ("Privileged", "false"),
    ] {
        ensure!(host(setting) == value, "{setting}: {}", host(setting));
    }
    ensure!(container.at("/Config/User") == "999:999", "it runs as somebody else");
    ensure!(!container.text.contains(&password(checkout)?), "docker inspect shows the password");
    // To the socket, nobody gets but its owner.
    use std::os::unix::fs::PermissionsExt as _;
    let mode = fs::metadata(checkout.data().join("postgres"))?.permissions().mode();
    ensure!(mode & 0o077 == 0, "others get to the socket: {mode:o}");
    Ok(())
}

fn password(checkout: &Checkout) -> Result<String> {
    Ok(fs::read_to_string(checkout.data().join("postgres.password"))?.trim().to_owned())
}

/// Where systemd does not run, and who would install it there is told how; what it would be given is a unit that systemd understands.
fn what_starts_it_with_the_machine_is_written_down(checkout: &Checkout) -> Result<()> {
    if Path::new("/run/systemd/system").exists() {
        machine::leave("that the unit of a service is written down", "systemd runs here");
        return Ok(());
    }
    let said = checkout.make("service")?;
    let unit = checkout.data().join(format!("brokerd-{}.service", checkout.installation));
    ensure!(
        said.printed.contains(&format!("cp '{}' /etc/systemd/system/", unit.display())),
        "{said:?}"
    );
    let text = fs::read_to_string(&unit)?;
    for line in
        ["Type=notify", "Restart=on-failure", "WatchdogSec=30", "WantedBy=multi-user.target"]
    {
        ensure!(text.lines().any(|there| there == line), "{line} is not in {text}");
    }
    let environment = fs::read_to_string(checkout.data().join("service.env"))?;
    let address = format!("BROKERD_API_LISTEN=\"{}\"\n", checkout.address());
    ensure!(environment.contains(&address), "{environment}");
    if Command::new("systemd-analyze").arg("--version").output().is_ok() {
        machine::run(Command::new("systemd-analyze").arg("verify").arg(&unit))?;
    }
    Ok(())
}

#[test]
fn the_service_manager_hears_that_brokerd_serves_lives_and_stops() -> Result<()> {
    let path = std::env::temp_dir().join(format!("brokerd-notify-{}", machine::random_hex(4)?));
    let socket = path.display().to_string();
    let settings = [("NOTIFY_SOCKET", socket.as_str()), ("WATCHDOG_USEC", "200000")];
    let manager = UnixDatagram::bind(&path)?;
    let (sender, said) = mpsc::channel();
    // Read at once, because such a socket holds ten messages. The thread ends with the test.
    thread::spawn(move || {
        let mut buffer = [0; 256];
        while let Ok(length) = manager.recv(&mut buffer) {
            let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
            if sender.send(text).is_err() {
                return;
            }
        }
    });
    let heard = scenario("a service manager", &settings, |world| {
        hears(&said, "READY=1")?;
        for _ in 0..5 {
            hears(&said, "WATCHDOG=1")?;
        }
        world.stop()?;
        hears(&said, "STOPPING=1")?;
        world.restart()
    });
    fs::remove_file(path)?;
    heard
}

/// Waits until brokerd has said it.
fn hears(said: &mpsc::Receiver<String>, wanted: &str) -> Result<()> {
    eventually(&format!("{wanted} is said"), SECONDS, || {
        Ok(said.try_iter().find(|text| text == wanted).map(drop))
    })
}

/// It is started again as soon as it has ended, whatever Docker does; others are left alone.
fn its_database_is_looked_after(checkout: &Checkout) -> Result<()> {
    let policy = docker::inspect(&checkout.database())?;
    ensure!(policy.at("/HostConfig/RestartPolicy/Name") == "unless-stopped", "{}", policy.text);
    let foreign = format!("{}-foreign", checkout.installation);
    let own = format!("brokerd.installation={}", checkout.installation);
    docker(&[
        "run",
        "--name",
        &foreign,
        "--label",
        &own,
        "--label",
        "brokerd.role=postgres",
        "--network",
        "none",
        "--entrypoint",
        "true",
        "brokerd/postgres:17",
    ])?;
    let said = checkout.log().matches("has ended: starting it").count();
    // As a stop by somebody else, after which Docker starts nothing.
    docker(&["stop", "-t", "0", &checkout.database()])?;
    eventually("the API is ready again", SECONDS, || {
        let answers =
            http::get(&checkout.address(), "/health/ready").is_ok_and(|a| a.status == 200);
        let told = checkout.log().matches("has ended: starting it").count() > said;
        Ok((answers && told).then_some(()))
    })?;
    let other = docker::inspect(&foreign)?;
    docker(&["rm", "-f", "-v", &foreign])?;
    ensure!(other.at("/State/Status") == "exited", "it started {}", other.text);
    ensure!(!checkout.log().contains(&foreign), "{}", checkout.log());
    Ok(())
}

#[test]
fn a_database_that_was_published_on_a_port_is_moved_to_a_socket_with_its_data() -> Result<()> {
    let checkout = Checkout::new()?;
    let query = |text: &str| {
        docker(&["exec", &checkout.database(), "psql", "-qtAU", "brokerd", "-c", text])
    };
    let ensured = |more: &[(&str, &str)]| {
        let said = checkout.run("scripts/postgres.sh", &["ensure"], more)?;
        ensure!(said.success, "{said:?}");
        fs::read_to_string(checkout.data().join("database.url")).context("its URL")
    };
    let free = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port().to_string();
    let by_port = ensured(&[("BROKERD_POSTGRES_PORT", &free)])?;
    ensure!(by_port.contains(&format!("@127.0.0.1:{free}/")), "it is elsewhere");
    query("create table kept (text text); insert into kept values ('still here')")?;
    ensure!(checkout.run("scripts/postgres.sh", &["stale"], &[])?.success, "nothing would change");
    let by_socket = ensured(&[])?;
    ensure!(by_socket.contains("@localhost/brokerd?host=/"), "it is elsewhere");
    ensure!(query("select text from kept")?.trim() == "still here", "the data is lost");
    ensure!(
        docker::inspect(&checkout.database())?.at("/HostConfig/PortBindings").to_string() == "{}"
    );
    ensure!(!checkout.run("scripts/postgres.sh", &["stale"], &[])?.success, "it is never right");
    // A volume without its password is nothing to go on with.
    fs::remove_file(checkout.data().join("postgres.password"))?;
    let said = checkout.run("scripts/postgres.sh", &["ensure"], &[])?;
    refused(
        &said,
        &["exists, but its password", "does not: restore that file, or remove everything"],
    )
}

#[test]
fn the_commands_that_make_run_prints_are_the_readmes_and_end_with_the_message() -> Result<()> {
    let Some(clients) = brokerd_tests::clients::python()? else { return Ok(()) };
    if !machine::has_tools("the commands of the README", &["curl", "make"])? {
        return Ok(());
    }
    // Faults are what the README has brokerd started with for one of them.
    scenario("the README", &[("BROKERD_FAULTS_ENABLED", "true")], |world| {
        let checkout = Checkout::new()?;
        let path = format!(
            "{}:{}",
            clients.join("bin").display(),
            machine::variable("PATH").unwrap_or_default()
        );
        let mut environment = world.environment();
        environment.push(("PATH".to_owned(), path));
        let environment: Vec<_> =
            environment.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        checkout.paste("cargo build", &[])?;

        let described = checkout.paste("scripts/run.sh describe", &environment)?;
        ensure!(described.success, "{described:?}");
        let printed: String = described
            .printed
            .lines()
            .filter_map(|line| {
                let command = line
                    .strip_prefix("  ")
                    .filter(|line| !line.contains("   /") && !line.contains("   http"));
                command.map(|command| format!("{command}\n"))
            })
            .collect();
        let shortest = five_minutes(include_str!("../../../../README.md"));
        // The page that goes on has all of them.
        let blocks = five_minutes(include_str!("../../../../docs/getting-started.md"));
        let first = shortest.first().context("commands")?;
        let all = blocks.join("\n");
        for command in shortest.iter().flat_map(|block| block.lines()) {
            ensure!(all.lines().any(|line| line == command), "only the README has {command:?}");
        }
        let bare = |text: &str| {
            text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect::<Vec<_>>()
        };
        ensure!(
            bare(&printed).ends_with(&bare(first)),
            "make run prints {printed}\nand the README {first}"
        );

        let said = checkout.paste(&format!("set -e\n{}", blocks.join("\n")), &environment)?;
        ensure!(said.success, "{said:?}");
        for message in [r#""payload":"it works""#, "it works over AMQP\n", "\nit works\n"] {
            ensure!(said.printed.contains(message), "{message} is not in {}", said.printed);
        }
        eventually("both brokers are deleted", TIMEOUT, || {
            Ok(world.api.list()?.is_empty().then_some(()))
        })
    })
}

/// The commands of a page between *Five minutes* and the next heading.
fn five_minutes(page: &str) -> Vec<String> {
    let section = page.split("\n## Five minutes\n").nth(1).unwrap_or_default();
    let section = section.split("\n## ").next().unwrap_or_default();
    let blocks = section.split("\n```sh\n").skip(1).filter_map(|rest| rest.split("\n```\n").next());
    blocks.map(str::to_owned).collect()
}
