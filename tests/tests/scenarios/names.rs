//! Brokers with host names of their own on shared ports, who may connect to them, and a gateway that stands alone.

use anyhow::{Context as _, Result, ensure};
use brokerd_tests::{
    Messenger, NewBroker, PASSWORD, TIMEOUT, USER, World, api::explained, clients, eventually,
    http, retry, scenario,
};
use serde_json::{Value, json};

const DOMAIN: &str = "brokers.test";

#[test]
fn brokers_with_names_share_ports_and_are_served_without_database_and_control_plane() -> Result<()>
{
    if clients::python()?.is_none() {
        return Ok(());
    }
    scenario("host names", &[], |world| {
        let before = world.running(&NewBroker::activemq("before"))?;
        let former = world.messenger("stomp_.py", &before, "stomp+ssl")?;
        let names = world.restart_with_names(DOMAIN)?;
        let rabbit = world.api.create(&NewBroker::rabbitmq("queues"))?;
        let active = world.api.create(&NewBroker::activemq("events"))?;
        world.api.wait_until_running(&rabbit)?;
        world.api.wait_until_running(&active)?;

        they_look_like_the_service_s(world, &rabbit, &active).context("DescribeBroker")?;
        former.round_trip("former").context("a broker that had ports before")?;
        let clients = Clients::of(world, &names, &rabbit, &active)?;
        clients.all_work().context("names")?;
        consoles_answer(world, &names, &rabbit, &active).context("consoles")?;
        groups_decide(world, &clients, &active).context("security groups")?;
        the_gateway_stands_alone(world, &clients).context("a gateway of its own")?;
        former.round_trip("former").context("a broker that had ports before")
    })
}

/// A client of each protocol that Python's sockets carry.
struct Clients {
    amqp: Messenger,
    stomp: Messenger,
    mqtt: Messenger,
    wss: Messenger,
}

impl Clients {
    fn of(world: &World, names: &Value, rabbit: &str, active: &str) -> Result<Self> {
        let client = |script, id, scheme| {
            world.messenger(script, id, scheme).map(|messenger| messenger.knowing(names))
        };
        Ok(Self {
            amqp: client("amqp091.py", rabbit, "amqps")?,
            stomp: client("stomp_.py", active, "stomp+ssl")?,
            mqtt: client("mqtt.py", active, "mqtt+ssl")?,
            wss: client("stomp_.py", active, "wss")?,
        })
    }

    fn all_work(&self) -> Result<()> {
        self.amqp.round_trip("named").context("AMQP")?;
        self.stomp.round_trip("named").context("STOMP")?;
        self.wss.round_trip("named").context("STOMP over WebSocket")?;
        ensure!(self.mqtt.exchange("named", "hello").context("MQTT")? == "hello");
        Ok(())
    }
}

fn they_look_like_the_service_s(world: &World, rabbit: &str, active: &str) -> Result<()> {
    let described = |id: &str| -> Result<(Option<String>, Vec<String>)> {
        let broker = world.api.describe(id)?;
        let instance = broker.broker_instances().first().context("an instance")?;
        Ok((instance.console_url().map(str::to_owned), instance.endpoints().to_vec()))
    };
    let host = format!("{rabbit}.mq.us-east-1.{DOMAIN}");
    let urls = vec![format!("amqps://{host}:5671"), format!("https://{host}:16001")];
    let expected = (Some(format!("https://{host}")), urls);
    let shown = described(rabbit)?;
    ensure!(shown == expected, "{shown:?}");
    let host = format!("{active}-1.mq.us-east-1.{DOMAIN}");
    let urls = [
        ("ssl", 61617),
        ("amqp+ssl", 5671),
        ("stomp+ssl", 61614),
        ("mqtt+ssl", 8883),
        ("wss", 61619),
    ];
    let urls = urls.map(|(scheme, port)| format!("{scheme}://{host}:{port}")).to_vec();
    let shown = described(active)?;
    ensure!(shown == (Some(format!("https://{host}:8162")), urls), "{shown:?}");
    Ok(())
}

fn consoles_answer(world: &World, names: &Value, rabbit: &str, active: &str) -> Result<()> {
    let overview = format!("{}/api/overview", world.api.console(rabbit)?);
    let other = overview.replace("/api/", ":15671/api/");
    let request =
        |url: &str| json!({ "url": url, "user": USER, "password": PASSWORD, "names": names });
    let admin = format!("{}/admin/", world.api.console(active)?);
    let metrics = format!("{}/metrics", world.api.endpoint(rabbit, "https")?);
    let requests = [overview.as_str(), &other, &admin, &metrics].map(request).to_vec();
    let answers = clients::https(&world.ca(), requests)?;
    let all = answers.iter().all(|answer| answer["status"] == 200);
    ensure!(all, "{}", clients::shown(&answers));
    Ok(())
}

fn rule(port: u16, cidr: &str) -> Value {
    json!({ "protocol": "tcp", "fromPort": port, "toPort": port, "cidr": cidr })
}

fn groups_decide(world: &World, clients: &Clients, active: &str) -> Result<()> {
    let call = |method: &str, path: &str, body: &Value| -> Result<Value> {
        let path = format!("/brokerd/v1/security-groups{path}");
        let answer = world.api.signed(method, &path, &body.to_string())?;
        ensure!(answer.status == 200, "{method} {path}: {answer:?}");
        Ok(serde_json::from_str(&answer.body)?)
    };
    let rules = json!([rule(61614, "127.0.0.0/8"), rule(8883, "10.0.0.0/8")]);
    let group = call("POST", "", &json!({ "name": "stomp only", "rules": rules }))?;
    let id = group["securityGroupId"].as_str().context("an identifier")?;
    let update = world.api.client.update_broker().broker_id(active).security_groups(id);
    world.api.wait(update.send()).map_err(explained)?;
    let refused = |client: &Messenger| client.login(USER, PASSWORD).is_err();
    eventually("MQTT is not let in", TIMEOUT, || Ok(refused(&clients.mqtt).then_some(())))?;
    ensure!(refused(&clients.wss), "a port that no rule names");
    clients.stomp.round_trip("allowed").context("what a rule allows")?;
    clients.amqp.round_trip("allowed").context("a broker without the group")?;

    call("PUT", &format!("/{id}"), &json!({ "rules": [rule(8883, "127.0.0.1/32")] }))?;
    retry("MQTT is let in", TIMEOUT, || clients.mqtt.exchange("allowed", "hello"))?;
    ensure!(refused(&clients.stomp), "what no rule allows any more");
    let all = json!([{ "protocol": "tcp", "fromPort": 1, "toPort": 65535, "cidr": "0.0.0.0/0" }]);
    call("PUT", &format!("/{id}"), &json!({ "rules": all }))?;
    retry("STOMP is let in", TIMEOUT, || clients.stomp.round_trip("allowed"))
}

fn the_gateway_stands_alone(world: &mut World, clients: &Clients) -> Result<()> {
    world.restart_as("api,provisioner")?;
    let health = world.restart_gateway(DOMAIN)?;
    clients.all_work().context("with a gateway of its own")?;
    // It needs nothing of the control plane.
    world.kill9()?;
    clients.all_work().context("without a control plane")?;
    world.lose_database()?;
    clients.all_work().context("without a database")?;
    let stale = || -> Result<bool> {
        Ok(http::get(&health, "/metrics")?.body.contains("\nbrokerd_gateway_table_stale 1\n"))
    };
    eventually("the gateway notices", TIMEOUT, || Ok(stale()?.then_some(())))?;
    world.restart_gateway(DOMAIN)?;
    ensure!(stale()?, "there is no database");
    clients.all_work().context("after a restart without a database")?;
    let data = world.gateway_data();
    ensure!(data.join("routes.json").is_file(), "the table is kept");
    ensure!(!data.join("master.key").exists(), "a gateway needs no key");

    world.restore_database()?;
    eventually("the gateway reads again", TIMEOUT, || Ok((!stale()?).then_some(())))?;
    world.restart_as("api,provisioner")?;
    clients.all_work().context("with everything back")
}
