//! brokerd in containers, for clients on the machine and for applications in containers beside it.

use anyhow::{Context as _, Result, ensure};
use brokerd_tests::{
    Messenger, NewBroker, PASSWORD, TIMEOUT, USER, clients,
    compose::{self, Compose},
    docker, eventually, retry,
};
use serde_json::json;

#[test]
fn brokerd_in_containers_serves_hosts_and_containers_and_loses_nothing_when_it_is_replaced()
-> Result<()> {
    if clients::python()?.is_none() || !compose::can_be_had()? {
        return Ok(());
    }
    let world = Compose::up()?;
    let played = play(&world);
    if played.is_err() {
        world.explain();
    }
    played
}

fn play(world: &Compose) -> Result<()> {
    its_containers_are_confined(world).context("containers")?;
    let activemq = world.api.create(&NewBroker::activemq("events"))?;
    let rabbitmq = world.api.create(&NewBroker::rabbitmq("orders"))?;
    for id in [&activemq, &rabbitmq] {
        world.api.wait_until_running(id)?;
    }
    an_application_exchanges_messages_over_stomp(world, &activemq).context("STOMP")?;
    an_application_exchanges_messages_with_rabbitmq(world, &rabbitmq).context("RabbitMQ")?;
    brokers_and_containers_reach_brokers_where_clients_do(world, &activemq, &rabbitmq)
        .context("addresses")?;

    let clients = [
        world.messenger("stomp_.py", &activemq, "stomp+ssl")?,
        world.messenger("amqp091.py", &rabbitmq, "amqps")?,
    ];
    let brokers = Brokers { ids: [activemq, rabbitmq], clients };
    connections_outlive_a_killed_brokerd(world, &brokers).context("kill -9")?;
    what_was_replaced_finds_its_brokers_again(world, &brokers).context("replacement")?;
    down_keeps_what_there_is(world, &brokers).context("down and up")?;
    a_second_brokerd_does_the_work_of_a_dead_one(world, &brokers.ids[0]).context("replica")?;

    world.run(&["clean"])?;
    let left = docker::objects(&world.label())?;
    ensure!(left.is_empty(), "everything is removed, but this is left: {left:?}");
    ensure!(!world.ca().exists(), "{} is left", world.ca().display());
    ensure!(!has_rules(world)?, "rules for what engines connect to are left");
    Ok(())
}

fn its_containers_are_confined(world: &Compose) -> Result<()> {
    for (role, has_socket) in [("brokerd", true), ("gateway", false)] {
        let container = world.container(role)?;
        let host = |name: &str| container.at(&format!("/HostConfig/{name}")).clone();
        ensure!(host("Privileged") == json!(false), "{role} is privileged");
        ensure!(host("ReadonlyRootfs") == json!(true), "{role} can write to its root");
        ensure!(host("CapDrop") == json!(["ALL"]), "{role}: {}", host("CapDrop"));
        ensure!(container.at("/Config/User") == &json!("990:990"), "{role} runs as somebody else");
        let mounts = container.at("/Mounts").to_string();
        ensure!(mounts.contains("docker.sock") == has_socket, "{role}: {mounts}");
    }
    let database = world.container("postgres")?;
    ensure!(database.at("/HostConfig/ReadonlyRootfs") == &json!(true), "{}", database.text);
    ensure!(database.at("/HostConfig/CapDrop") == &json!(["ALL"]), "{}", database.text);
    let published = database.at("/HostConfig/PortBindings").as_object();
    ensure!(published.is_none_or(serde_json::Map::is_empty), "it is published: {published:?}");
    // The password of the database is in none of them.
    let password = docker::docker(&[
        "exec",
        &world.container("brokerd")?.id,
        "cat",
        "/run/brokerd-database/url",
    ])?;
    let password = password.split([':', '@']).nth(2).context("a password")?.to_owned();
    for role in ["brokerd", "gateway", "postgres", "password"] {
        ensure!(!world.container(role)?.text.contains(&password), "{role} shows the password");
    }
    Ok(())
}

fn an_application_exchanges_messages_over_stomp(world: &Compose, id: &str) -> Result<()> {
    // Reads what there is before it says more: a client that has left gets no message.
    const APPLICATION: &str = r#"
        mkfifo /tmp/in
        tls "$1" </tmp/in >/tmp/out 2>/tmp/log &
        exec 3>/tmp/in
        until_told() { timeout 20 sh -c 'until grep -q "$1" /tmp/out; do sleep 0.05; done' sh "$1" || { cat /tmp/log /tmp/out; exit 1; }; }
        printf 'CONNECT\naccept-version:1.2\nhost:any\nlogin:%s\npasscode:%s\n\n\000' "$2" "$3" >&3
        printf 'SUBSCRIBE\nid:1\ndestination:/queue/to.application\n\n\000' >&3
        until_told 'from the host'
        printf 'SEND\ndestination:/queue/to.host\npersistent:true\nreceipt:sent\n\nfrom the application\000' >&3
        until_told 'receipt-id:sent'
        kill $!
    "#;
    let host = world.messenger("stomp_.py", id, "stomp+ssl")?;
    host.send("to.application", "from the host")?;
    world.application(
        APPLICATION,
        &[&port(&world.api.endpoint(id, "stomp+ssl")?)?, USER, PASSWORD],
    )?;
    let body = host.receive("to.host")?;
    ensure!(body == "from the application", "{body:?}");
    Ok(())
}

fn an_application_exchanges_messages_with_rabbitmq(world: &Compose, id: &str) -> Result<()> {
    // A version that there is not is answered with the one that there is, and the connection ends.
    const PROTOCOL: &str = r#"printf 'AMQP\000\000\000\000' | tls "$1" | head -c 4"#;
    const MANAGEMENT: &str = r#"
        post() {
            printf 'POST /api/%s HTTP/1.1\r\nHost: brokerd.internal\r\nConnection: close\r\nAuthorization: Basic %s\r\nContent-Length: %s\r\n\r\n%s' \
                "$2" "$(printf %s "$3" | base64 -w0)" "${#4}" "$4" | tls "$1"
        }
        post "$1" queues/%2F/exchange/get "$2" '{"count":1,"ackmode":"ack_requeue_false","encoding":"auto"}'
        post "$1" exchanges/%2F/amq.default/publish "$2" \
            '{"routing_key":"exchange","payload":"from the application","payload_encoding":"string","properties":{"delivery_mode":2}}'
    "#;
    let header = world.application(PROTOCOL, &[&port(&world.api.endpoint(id, "amqps")?)?])?;
    ensure!(header.starts_with("AMQP"), "{header:?}");
    let host = world.messenger("amqp091.py", id, "amqps")?;
    host.send("exchange", "from the host")?;
    let user = format!("{USER}:{PASSWORD}");
    let told = world.application(MANAGEMENT, &[&port(&world.api.console(id)?)?, &user])?;
    ensure!(told.contains(r#""payload":"from the host""#), "{told}");
    ensure!(told.contains(r#"{"routed":true}"#), "{told}");
    let body = host.receive("exchange")?;
    ensure!(body == "from the application", "{body:?}");
    Ok(())
}

/// At the addresses that DescribeBroker tells, in spite of the rules for what engines connect to.
fn brokers_and_containers_reach_brokers_where_clients_do(
    world: &Compose,
    activemq: &str,
    rabbitmq: &str,
) -> Result<()> {
    const PROTOCOL: &str = r#"printf 'AMQP\000\000\000\000' | tls "$1" "$2" | head -c 4"#;
    ensure!(has_rules(world)?, "there are no rules for what engines connect to");
    let url = world.api.endpoint(rabbitmq, "amqps")?;
    let (host, port) =
        url.trim_start_matches("amqps://").split_once(':').context("no address and port")?;
    let engine = docker::container_of(activemq)?.id;
    let header = world.inside(&engine, PROTOCOL, &[host, port]).context("from a broker")?;
    ensure!(header.starts_with("AMQP"), "{header:?}");
    let client = world.messenger("amqp091.py", rabbitmq, "amqps")?;
    client.send("address", "from the host")?;
    let body = client.in_container().receive("address").context("in a container")?;
    ensure!(body == "from the host", "{body:?}");
    Ok(())
}

fn has_rules(world: &Compose) -> Result<bool> {
    let table = format!("brokerd-{}", world.installation);
    Ok(docker::firewall(&["list"])?.lines().any(|line| line == table))
}

fn connections_outlive_a_killed_brokerd(world: &Compose, brokers: &Brokers) -> Result<()> {
    let before = brokers.described(world)?;
    world.container("brokerd")?.kill9()?;
    // The gateway goes on with what it knows.
    brokers.send("sent while brokerd was dead")?;
    world.run(&["up"])?;
    ensure!(brokers.described(world)? == before, "DescribeBroker differs");
    brokers.receive("sent while brokerd was dead")
}

fn what_was_replaced_finds_its_brokers_again(world: &Compose, brokers: &Brokers) -> Result<()> {
    let before = brokers.described(world)?;
    let old = [world.container("brokerd")?.id, world.container("gateway")?.id];
    brokers.send("sent before the replacement")?;
    world.run(&["do", "up", "-d", "--no-deps", "--force-recreate", "brokerd", "gateway"])?;
    world.run(&["up"])?;
    let new = [world.container("brokerd")?.id, world.container("gateway")?.id];
    ensure!(old[0] != new[0] && old[1] != new[1], "nothing was replaced");
    brokers.receive("sent before the replacement")?;
    ensure!(brokers.described(world)? == before, "DescribeBroker differs");

    // brokerd reaches engines again: one that ends is started, and found serving where it is then.
    brokers.send("sent before the engine ended")?;
    for id in &brokers.ids {
        let engine = docker::container_of(id)?;
        let started = engine.started()?;
        engine.kill9()?;
        eventually("the engine runs again", TIMEOUT, || {
            let now = docker::container_of(id)?;
            Ok((now.running() && now.started()? != started).then_some(()))
        })?;
    }
    brokers.receive("sent before the engine ended")?;
    ensure!(brokers.described(world)? == before, "DescribeBroker differs");
    Ok(())
}

fn down_keeps_what_there_is(world: &Compose, brokers: &Brokers) -> Result<()> {
    let before = brokers.described(world)?;
    brokers.send("sent before the night")?;
    world.run(&["down"])?;
    let running = docker::docker(&["ps", "-q", "--filter", &format!("label={}", world.label())])?;
    ensure!(running.is_empty(), "these still run: {running}");
    world.run(&["up"])?;
    brokers.receive("sent before the night")?;
    ensure!(brokers.described(world)? == before, "DescribeBroker differs");
    Ok(())
}

fn a_second_brokerd_does_the_work_of_a_dead_one(world: &Compose, id: &str) -> Result<()> {
    let replica = world.replica()?;
    let dead = world.container("brokerd")?;
    dead.kill9()?;
    replica.delete(id)?;
    replica.wait_until_gone(id)?;
    let left = docker::objects(&format!("brokerd.broker={id}"))?;
    ensure!(left.is_empty(), "this is left: {left:?}");
    // It can be started though a network that it was in is gone.
    world.run(&["up"])?;
    ensure!(world.container("brokerd")?.id == dead.id, "it was replaced");
    ensure!(world.api.list()? == replica.list()?, "they do not see the same");
    Ok(())
}

/// What holds messages, and who puts them there and takes them back: as for any client, addresses are
/// asked for once.
struct Brokers {
    ids: [String; 2],
    clients: [Messenger; 2],
}

impl Brokers {
    fn described(&self, world: &Compose) -> Result<Vec<String>> {
        self.ids.iter().map(|id| world.api.describe_raw(id)).collect()
    }

    fn send(&self, body: &str) -> Result<()> {
        self.clients.iter().try_for_each(|client| client.send("kept", body))
    }

    fn receive(&self, body: &str) -> Result<()> {
        for client in &self.clients {
            let back = retry("the endpoint is back", TIMEOUT, || client.receive("kept"))?;
            ensure!(back == body, "{back:?} is not {body:?}");
        }
        Ok(())
    }
}

fn port(url: &str) -> Result<String> {
    Ok(url.rsplit_once(':').context("no port")?.1.to_owned())
}
