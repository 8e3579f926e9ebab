//! More connections that say nothing than brokerd has descriptors.

use std::{fs, time::Duration};

use anyhow::{Context as _, Result, ensure};
use brokerd_tests::{NewBroker, scenario};

use crate::hostile::{
    others::{SERVED_WITHIN, api_answers, logs_in},
    strangers::{Strangers, Way},
};

/// What many systems give a program that does not ask for more.
const DESCRIPTORS: u32 = 1024;
const SILENT: usize = 1100;

/// Nothing, and the beginnings of requests and of handshakes.
const BEGINNINGS: [&[u8]; 4] = [
    b"",
    b"GET /v1/brokers HTTP/1.1\r\nHost: here\r\nx-",
    b"\x16\x03\x01\x02\x00\x01",
    b"\x16\x03\x01",
];

#[test]
fn more_silent_connections_than_descriptors_do_not_keep_others_from_being_served() -> Result<()> {
    scenario("silent strangers", &[], |world| {
        let pid = world.pid().context("brokerd runs")?;
        let limits = fs::read_to_string(format!("/proc/{pid}/limits"))?;
        let files = limits.lines().find(|line| line.starts_with("Max open files"));
        let mut files = files.context("limits")?.split_whitespace().skip(3);
        let (soft, hard) = (files.next().context("soft")?, files.next().context("hard")?);
        ensure!(soft == hard, "the soft limit {soft} is not raised to the hard one {hard}");

        world.restart_with_descriptors(DESCRIPTORS)?;
        let rabbitmq = world.running(&NewBroker::rabbitmq("orders"))?;
        let mut strangers = Strangers::gather()?;
        let beginning = |number: usize| BEGINNINGS[number % BEGINNINGS.len()];
        let api = Way::plain(world.api.address())?;
        strangers.come(SILENT, &api, beginning)?;
        ensure!(api_answers(world)? < SERVED_WITHIN);
        let endpoint = Way::below_tls(&world.api.endpoint(&rabbitmq, "amqps")?)?;
        strangers.come(SILENT, &endpoint, beginning)?;
        ensure!(api_answers(world)? < SERVED_WITHIN);
        ensure!(logs_in(world, &rabbitmq, "amqps")? < SERVED_WITHIN);

        // Database, engine and probes have what they need: another broker comes to life meanwhile.
        let activemq = world.running(&NewBroker::activemq("payments"))?;
        let endpoint = Way::below_tls(&world.api.endpoint(&activemq, "stomp+ssl")?)?;
        strangers.come(SILENT, &endpoint, beginning)?;
        strangers.come(SILENT, &api, beginning)?;
        for (broker, scheme) in [(&activemq, "stomp+ssl"), (&rabbitmq, "amqps")] {
            ensure!(logs_in(world, broker, scheme)? < SERVED_WITHIN);
        }
        ensure!(api_answers(world)? < SERVED_WITHIN);
        Ok(())
    })
}

#[test]
fn silent_connections_take_no_permit_of_a_broker() -> Result<()> {
    scenario("silence at an endpoint", &[], |world| {
        let id = world.running(&NewBroker::activemq("orders"))?;
        let mut strangers = Strangers::gather()?;
        for scheme in ["stomp+ssl", "ssl", "amqp+ssl", "mqtt+ssl", "wss"] {
            let endpoint = Way::below_tls(&world.api.endpoint(&id, scheme)?)?;
            // As many as the instance type lets in, and some of them from elsewhere.
            strangers.come(200, &endpoint, |_| b"")?;
            strangers.come(100, &endpoint.from([127, 0, 0, 2]), |_| b"")?;
            ensure!(logs_in(world, &id, "stomp+ssl")? < SERVED_WITHIN);
        }
        // They are not waited for, either.
        let open = strangers.left_open(Duration::from_secs(20));
        ensure!(open == 0, "{open} silent connections are still open");
        Ok(())
    })
}
