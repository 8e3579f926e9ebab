//! Connections that begin with what nobody expects.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use brokerd_tests::{NewBroker, scenario};

use crate::hostile::{
    others::{api_answers, logs_in},
    strangers::{Strangers, Way, resident_bytes},
};

/// What a listener has to get over: nothing of it is right where it is sent.
const OPENINGS: [&[u8]; 8] = [
    b"",
    b"GET / HTTP/1.1\r\n\r\n",
    b"AMQP\x00\x00\x09\x01",
    // A TLS record of nothing, one longer than any, an alert, the first bytes of a ClientHello.
    b"\x16\x03\x01\x00\x00",
    b"\x16\x03\x01\xff\xff\x01",
    b"\x15\x03\x03\x00\x02\x02\x28",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    &[0xff; 4096],
];

/// What they may cost while they last.
const MEMORY: u64 = 64 << 20;

#[test]
fn malformed_first_data_does_not_keep_others_from_being_served() -> Result<()> {
    scenario("senseless openings", &[], |world| {
        let id = world.running(&NewBroker::rabbitmq("orders"))?;
        let pid = world.pid().context("brokerd runs")?;
        let before = resident_bytes(pid)?;
        let mut strangers = Strangers::gather()?;
        let opening = |number: usize| OPENINGS[number % OPENINGS.len()].to_vec();
        let endpoint = world.api.endpoint(&id, "amqps")?;
        for way in [
            Way::plain(world.api.address())?,
            Way::below_tls(&endpoint)?.from([127, 0, 0, 2]),
            Way::below_tls(&world.api.console(&id)?)?,
            // What they say where the engine listens.
            Way::tls(&endpoint, &world.ca())?,
        ] {
            strangers.come(40, &way, opening)?;
            api_answers(world)?;
            logs_in(world, &id, "amqps")?;
        }
        let cost = resident_bytes(pid)?.saturating_sub(before);
        ensure!(cost < MEMORY, "{} MiB for 160 connections", cost >> 20);
        strangers.leave();
        // What can be nothing else is not waited for, as half a request is, for a minute.
        strangers.come(40, &Way::plain(world.api.address())?, |_| vec![0xff; 4096])?;
        let open = strangers.left_open(Duration::from_secs(20));
        ensure!(open == 0, "the API keeps {open} connections that speak no HTTP");
        Ok(())
    })
}
