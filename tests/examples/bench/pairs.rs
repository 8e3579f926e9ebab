//! Pairs whose active instance is killed: brokerd's, and two engines on one volume by hand.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use brokerd_tests::{World, docker, eventually, pair::serving};
use serde_json::Value;

use crate::{
    Bench, SCALE,
    bare::{self, Bare},
    brokers::{SUBJECTS, TIMEOUT, create, delete, endpoint, running},
    clients::{self, Endpoint},
    http::{Connection, signed},
};

/// What an engine prints that waits for the lock of its store.
const WAITS: &str = "waiting a lock to be acquired";

/// How long it takes until a message passes.
fn next_message(bench: &Bench, endpoint: &Endpoint, begin: Instant) -> Result<Duration> {
    bench.wait(async {
        tokio::time::timeout(TIMEOUT, endpoint.first_message()).await??;
        Ok(begin.elapsed())
    })
}

/// Two containers on one volume, of which the one that serves is killed; clients know the other one's
/// address. It asks for the lock every 500 ms, as a single instance does, a pair of brokerd's every 200.
pub(crate) struct ByHand {
    /// The one that serves, and the one that stands by: its container and its address.
    active: (String, Endpoint),
    standby: (String, Endpoint),
    volume: String,
}

fn waits(id: &str) -> Result<usize> {
    Ok(docker::log(id)?.matches(WAITS).count())
}

impl ByHand {
    pub(crate) fn start(bench: &Bench, world: &World) -> Result<Self> {
        let directory = world.data().with_file_name("pair");
        let bare = Bare::prepare(&SUBJECTS[0], SCALE, &directory, &world.label())?;
        let volume = format!("{}-pair", world.installation);
        docker::docker(&["volume", "create", "--label", &world.label(), &volume])?;
        let active = bare.start_on(&volume)?;
        next_message(bench, &active.1, Instant::now())?;
        let standby = bare.start_on(&volume)?;
        eventually("the other one stands by", TIMEOUT, || {
            Ok((waits(&standby.0)? > 0).then_some(()))
        })?;
        Ok(Self { active, standby, volume })
    }

    /// Kills the one that serves; how long it takes until a message passes.
    pub(crate) fn kill(&self, bench: &Bench) -> Result<Duration> {
        let begin = Instant::now();
        docker::docker(&["kill", "--signal", "KILL", &self.active.0])?;
        next_message(bench, &self.standby.1, begin)
    }

    /// Starts the one that was killed, and waits until it stands by.
    pub(crate) fn restore(&mut self) -> Result<()> {
        let killed = &self.active.0;
        let before = waits(killed)?;
        docker::docker(&["start", killed])?;
        eventually("it stands by", TIMEOUT, || Ok((waits(killed)? > before).then_some(())))?;
        std::mem::swap(&mut self.active, &mut self.standby);
        Ok(())
    }

    pub(crate) fn remove(self) -> Result<()> {
        bare::remove(&self.active.0)?;
        bare::remove(&self.standby.0)?;
        docker::docker(&["volume", "rm", &self.volume]).map(drop)
    }
}

/// A pair of brokerd's.
pub(crate) struct OfBrokerd<'a> {
    world: &'a World,
    id: String,
    endpoint: Endpoint,
    /// When it became whole for the last time.
    since: String,
}

impl<'a> OfBrokerd<'a> {
    pub(crate) fn create(bench: &Bench, world: &'a World) -> Result<Self> {
        let (api, subject) = (&world.api, &SUBJECTS[0]);
        let body = subject.body("pair").replace("SINGLE_INSTANCE", "ACTIVE_STANDBY_MULTI_AZ");
        let request = signed(api, "POST", "/v1/brokers", &body)?;
        let tls = clients::trust(&world.ca())?;
        let (id, endpoint) = bench.wait(async {
            let mut connection = Connection::to(api.address()).await?;
            let id = create(&mut connection, &request).await?;
            let broker = running(&mut connection, api, &id).await?;
            Ok((id, endpoint(&broker, subject, tls)?))
        })?;
        Ok(Self { world, id, endpoint, since: String::new() })
    }

    /// Waits until the pair is whole, and sends the one that serves a signal; how long it takes until a message
    /// passes.
    pub(crate) fn strike(&mut self, bench: &Bench, signal: &str) -> Result<Duration> {
        let installation = self.world.installation.clone();
        let strike = |id: &str, active: &str| {
            let name = format!("brokerd-{installation}-{id}-{active}");
            docker::docker(&["kill", "--signal", signal, &name]).map(drop)
        };
        self.lose(bench, strike)
    }

    /// Waits until the pair is whole, and does something to the instance that serves, of that broker and number; how
    /// long it takes until a message passes.
    pub(crate) fn lose<T>(
        &mut self,
        bench: &Bench,
        lose: impl FnOnce(&str, &str) -> Result<T>,
    ) -> Result<Duration> {
        let active = self.whole()?;
        let begin = Instant::now();
        // What it gives back may undo it.
        let _lost = lose(&self.id, &active)?;
        next_message(bench, &self.endpoint, begin)
    }

    /// Waits until it has become whole again; which instance serves.
    fn whole(&mut self) -> Result<String> {
        let path = format!("/brokerd/v1/brokers/{}/events?maxResults=5", self.id);
        let (at, message) = eventually("the pair is whole", TIMEOUT, || {
            let answer: Value = serde_json::from_str(&self.world.api.get(&path)?.body)?;
            let text =
                |name: &str| answer["events"][0][name].as_str().unwrap_or_default().to_owned();
            let (at, message) = (text("at"), text("message"));
            Ok((at != self.since && serving(&message).is_some()).then_some((at, message)))
        })?;
        self.since = at;
        Ok(serving(&message).context("who serves")?.to_string())
    }

    pub(crate) fn delete(mut self, bench: &Bench) -> Result<()> {
        self.whole()?;
        let api = &self.world.api;
        bench.wait(async {
            let mut connection = Connection::to(api.address()).await?;
            delete(&mut connection, api, &self.id).await
        })
    }
}
