//! What engines connect to: from within a broker's network, as anything in its container would.

use std::{
    collections::BTreeSet,
    net::{Ipv4Addr, TcpListener, TcpStream},
    process::Command,
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use brokerd_tests::{
    Api, NewBroker, TIMEOUT, World, clients, docker, eventually, machine, scenario_with_database,
};
use serde_json::json;

use crate::networks::neighbour::Neighbour;

/// The image that has a shell.
const IMAGE: &str = "brokerd/base:trixie";

/// Prints those of its arguments, `host/port`, that accept a connection, in any order.
/// All at once, because those that are kept out take a second each.
const TRY: &str =
    r#"for to; do timeout 1 bash -c "exec 3<>/dev/tcp/$to" 2>/dev/null && echo "$to" & done; wait"#;

#[test]
fn engines_reach_the_world_as_the_operator_permits_but_no_host_no_other_network_and_no_link_local_address()
-> Result<()> {
    if clients::python()?.is_none() {
        return Ok(());
    }
    scenario_with_database("what engines connect to", &[], |world| {
        // Brokers of two accounts are kept apart as two of one account are.
        let account = world.other_account("111111111111")?;
        let (one, other) = (
            world.api.create(&NewBroker::activemq("one"))?,
            account.create(&NewBroker::activemq("other"))?,
        );
        world.api.wait_until_running(&one)?;
        account.wait_until_running(&other)?;
        let neighbour = Neighbour::move_in(&world.installation)?;
        let far = neighbour.as_ref().map(Neighbour::serve).transpose()?;
        let host = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0))?;
        let service = host.local_addr()?.port();

        let endpoint = account.endpoint(&other, "ssl")?.replace("ssl://", "").replace(':', "/");
        let bridge = endpoint.split('/').next().context("an address")?.to_owned();
        let engine = docker::container_of(&one)?;
        let (address, own) = addresses(&engine)?;
        let on_host = [format!("{bridge}/{service}"), format!("{own}/{service}")];
        let theirs = docker::container_of(&other)?;
        let (inside, _) = addresses(&theirs)?;
        let database = world.database_container()?;
        let (database, _) = addresses(&database)?;
        // Nobody but the test's own host can be asked whether they are there at all.
        let mut hidden = on_host.to_vec();
        hidden.extend([format!("{inside}/61617"), format!("{database}/5432")]);
        for to in &hidden {
            ensure!(connects(to), "nothing listens at {to}");
        }
        let tried = |more: &[&String]| -> Result<Vec<String>> {
            let mut all: Vec<&str> = hidden.iter().map(String::as_str).collect();
            all.extend(more.iter().map(|to| to.as_str()));
            reached(&engine.id, &all)
        };
        settled(std::slice::from_ref(&endpoint), || tried(&[&endpoint]))?;
        let back =
            [&format!("{address}/61617"), &hidden[0], &hidden[1], &format!("{database}/5432")];
        ensure!(connects(back[0]), "nothing listens at {}", back[0]);
        let back: Vec<&str> = back.iter().map(|to| to.as_str()).collect();
        let answering = reached(&theirs.id, &back)?;
        ensure!(answering.is_empty(), "another account's broker reaches {answering:?}");
        if let Some(far) = &far {
            let more = [&far.near, &far.further, &far.link_local];
            for to in more {
                eventually("a neighbour listens", TIMEOUT, || Ok(connects(to).then_some(())))?;
            }
            settled(&[far.near.clone(), far.further.clone()], || tried(&more))?;
            an_account_permits_less(world, &theirs.id, &far.near, &far.further)?;
            settled(&[far.near.clone(), far.further.clone()], || tried(&more))
                .context("another account's limit")?;
        }

        // The API is a service of the host like any other.
        let port = world.address().rsplit_once(':').context("a port")?.1.to_owned();
        let api = format!("{bridge}/{port}");
        world.set("BROKERD_API_LISTEN", &format!("0.0.0.0:{port}"));
        world.restart_with("BROKERD_NETWORK_HOST_SERVICES", &service.to_string())?;
        ensure!(connects(&api), "the API does not listen there");
        let mut wanted = on_host.to_vec();
        settled(&wanted, || tried(&[&api])).context("a service of the host")?;
        let (Some(neighbour), Some(far)) = (&neighbour, &far) else {
            return delete(&account, &other);
        };
        let more = [&api, &far.near, &far.further, &far.link_local];
        world.restart_with("BROKERD_NETWORK_OUTGOING", "198.18.0.0/16")?;
        wanted.push(far.near.clone());
        settled(&wanted, || tried(&more)).context("what is allowed")?;
        world.set("BROKERD_NETWORK_OUTGOING", "all");
        world.restart_with("BROKERD_NETWORK_OUTGOING_DENIED", "198.18.0.0/16")?;
        wanted[2].clone_from(&far.further);
        settled(&wanted, || tried(&more)).context("what is denied")?;
        neighbours_stay_out(world, neighbour, &engine)?;
        delete(&account, &other)
    })
}

/// The engines of an account reach what it permits of what the operator permits, without a restart.
fn an_account_permits_less(world: &World, engine: &str, near: &str, further: &str) -> Result<()> {
    let all = [near.to_owned(), further.to_owned()];
    let range = near.split('/').next().unwrap_or_default();
    for (outgoing, wanted) in [
        (json!([format!("{range}/32")]), &all[..1]),
        (json!(["none"]), &[]),
        (json!(["all"]), &all[..]),
    ] {
        let body = json!({ "outgoing": outgoing }).to_string();
        let path = "/brokerd/v1/accounts/111111111111";
        let changed = world.api.signed("PUT", path, &body)?;
        ensure!(changed.status == 200, "{changed:?}");
        settled(wanted, || reached(engine, &[near, further]))
            .with_context(|| format!("an account with {outgoing}"))?;
    }
    Ok(())
}

/// Deletes the broker of the other account, which is not the world's to clean up.
fn delete(account: &Api, broker: &str) -> Result<()> {
    account.delete(broker)?;
    account.wait_until_gone(broker)
}

/// Also where the host forwards whatever comes, and after everything was flushed.
fn neighbours_stay_out(
    world: &World,
    neighbour: &Neighbour,
    engine: &docker::Container,
) -> Result<()> {
    let Some(_forwarded) = neighbour.is_forwarded()? else { return Ok(()) };
    let (address, _) = addresses(engine)?;
    neighbour.route_to(&address)?;
    let port = [(address, 61617)];
    let answering = neighbour.reach(world, &port)?;
    ensure!(answering.is_empty(), "an engine answers a neighbour: {answering:?}");
    let table = format!("brokerd-{}", world.installation);
    docker::firewall(&["remove", &table])?;
    // From version 28 on Docker itself keeps them out.
    let answering = neighbour.reach(world, &port)?;
    machine::say(&format!("without rules of ours a neighbour is answered by {answering:?}"));
    eventually("the rules are in force again", TIMEOUT, || {
        let tables = docker::firewall(&["list"])?;
        Ok(tables.lines().any(|line| line == table).then_some(()))
    })?;
    ensure!(world.log()?.contains("of all rules; applied again"), "the log does not tell");
    let answering = neighbour.reach(world, &port)?;
    ensure!(answering.is_empty(), "an engine answers a neighbour: {answering:?}");
    Ok(())
}

/// A container's address, and the host's in its network.
fn addresses(container: &docker::Container) -> Result<(String, String)> {
    let networks = container.at("/NetworkSettings/Networks").as_object().context("networks")?;
    let network = networks.values().next().context("a network")?;
    let text = |name: &str| -> Result<String> {
        Ok(network[name].as_str().context("an address")?.to_owned())
    };
    Ok((text("IPAddress")?, text("Gateway")?))
}

/// Which of these are reached from a container's network.
fn reached(container: &str, addresses: &[&str]) -> Result<Vec<String>> {
    let network = format!("container:{container}");
    let run = ["run", "--rm", "--network", &network, IMAGE, "bash", "-c", TRY, "bash"];
    let printed = docker::docker(&[&run, addresses].concat())?;
    let accepting: BTreeSet<&str> = printed.lines().collect();
    Ok(addresses.iter().filter(|to| accepting.contains(*to)).map(|to| (*to).to_owned()).collect())
}

/// Waits until exactly these are reached.
fn settled(wanted: &[String], mut reached: impl FnMut() -> Result<Vec<String>>) -> Result<()> {
    let mut found = Vec::new();
    let settled = eventually("the rules are what is configured", TIMEOUT, || {
        found = reached()?;
        Ok((found == wanted).then_some(()))
    });
    settled.with_context(|| format!("{found:?} are reached instead of {wanted:?}"))
}

/// Whether this process is accepted there.
fn connects(to: &str) -> bool {
    let address = to.replace('/', ":").parse();
    address.is_ok_and(|a| TcpStream::connect_timeout(&a, Duration::from_secs(2)).is_ok())
}

/// A rule that lets a neighbour's packets through to everybody, which goes with this.
pub(crate) struct Forwarded(pub(crate) String);

impl Drop for Forwarded {
    fn drop(&mut self) {
        let rule = ["-D", "DOCKER-USER", "-i", &self.0, "-j", "ACCEPT"];
        let removed = machine::run(Command::new("iptables").arg("-w").args(rule));
        if let Err(error) = removed {
            machine::say(&format!("a rule stays: {error:#}"));
        }
    }
}
