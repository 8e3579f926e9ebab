//! An engine that does not answer some calls, or tells of nothing any more: pairs fail over all the same.

use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use aws_sdk_mq::types::{BrokerState, DeploymentMode};
use brokerd_tests::{
    NewBroker, Steady, TIMEOUT, World, clients,
    docker::instance_of,
    engine_proxy::{EngineProxy, Rule, Trouble},
    eventually, machine, pair, scenario,
};
use serde_json::Value;

/// How many times as long as on a quiet engine clients may wait on this machine, which others use too; and what
/// the machine owes anybody: less is luck.
const FACTOR: u32 = 3;
const OWED: Duration = Duration::from_secs(1);

/// How often it is tried again: calls that hang do so every time, a busy machine does not.
const ATTEMPTS: usize = 3;

/// How much longer than a kill that events tell of one may take that only silence tells of.
const NOTICED: Duration = Duration::from_secs(4);

/// A pair with clients, whose active instance is killed again and again.
struct Pair<'a> {
    world: &'a World,
    id: String,
    clients: Steady,
}

impl<'a> Pair<'a> {
    fn new(world: &'a World) -> Result<Self> {
        let new = NewBroker::activemq("pair").deployed(DeploymentMode::ActiveStandbyMultiAz);
        let id = world.running(&new)?;
        let clients = match Steady::begin_jms(world, &id, "steady")? {
            Some(failover) => failover,
            None => Steady::begin(world, &id, "steady")?,
        };
        Ok(Self { world, id, clients })
    }

    /// Waits until one instance serves and the other one stands by; the one that serves.
    fn whole(&self) -> Result<u8> {
        self.whole_without(0)
    }

    /// Waits until another instance than this one serves and this one stands by; the one that serves. The last pass may
    /// tell of the time before a kill even afterwards, so that is no new event, but another number.
    fn whole_without(&self, active: u8) -> Result<u8> {
        let path = format!("/brokerd/v1/brokers/{}/events?maxResults=5", self.id);
        eventually(&format!("the pair is whole and {active} does not serve"), TIMEOUT, || {
            let answer: Value = serde_json::from_str(&self.world.api.get(&path)?.body)?;
            let message = answer["events"][0]["message"].as_str().unwrap_or_default();
            Ok(pair::serving(message).filter(|next| *next != active))
        })
    }

    /// Kills the instance that serves: the other one does. How long clients waited.
    fn killed(&mut self, active: &mut u8, what: &str) -> Result<Duration> {
        self.clients.longest_pause()?;
        instance_of(&self.id, *active)?.kill9()?;
        *active = self.whole_without(*active).with_context(|| what.to_owned())?;
        let pause = self.clients.longest_pause().with_context(|| what.to_owned())?;
        machine::say(&format!("{what}: clients waited for {:.2} s", pause.as_secs_f64()));
        Ok(pause)
    }

    /// Kills it until clients wait no longer than that.
    fn is_killed_within(&mut self, most: Duration, active: &mut u8, what: &str) -> Result<()> {
        let mut pauses = Vec::new();
        for _ in 0..ATTEMPTS {
            let pause = self.killed(active, what)?;
            if pause <= most {
                return Ok(());
            }
            pauses.push(pause);
        }
        bail!("{what}: clients waited for {pauses:?} instead of {most:?}")
    }
}

#[test]
fn a_pair_fails_over_while_calls_for_other_brokers_hang_and_without_an_event() -> Result<()> {
    if clients::python()?.is_none() {
        return Ok(());
    }
    let proxy = EngineProxy::start()?;
    let host = proxy.host();
    let settings = [("BROKERD_PROVISIONER_DOCKER_HOST", host.as_str())];
    scenario("calls to the engine hang", &settings, |world| {
        let mut pair = Pair::new(world)?;
        let mut active = pair.whole()?;
        let (doomed, killed) =
            (NewBroker::activemq("doomed").private(), NewBroker::activemq("killed").private());
        let (doomed, killed) = (world.running(&doomed)?, world.running(&killed)?);
        let most = pair.killed(&mut active, "quiet")?.max(OWED) * FACTOR;

        let doomed_container = instance_of(&doomed, 1)?;
        let killed_container = instance_of(&killed, 1)?;
        for rule in [
            Rule::new("POST", "/containers/create?", Trouble::Hang),
            Rule::new("POST", &format!("/containers/{}/start", killed_container.id), Trouble::Hang),
            Rule::new("POST", &format!("/containers/{}/stop", doomed_container.id), Trouble::Hang),
            Rule::new("DELETE", &format!("/containers/*{doomed}"), Trouble::Hang),
        ] {
            proxy.trouble(rule);
        }
        let created: Vec<String> = ["one", "two"]
            .into_iter()
            .map(|name| world.api.create(&NewBroker::rabbitmq(name).private()))
            .collect::<Result<_>>()?;
        world.api.delete(&doomed)?;
        killed_container.kill9()?;
        eventually("four calls hang", TIMEOUT, || Ok((proxy.held() >= 4).then_some(())))?;
        pair.is_killed_within(most, &mut active, "with four calls for other brokers hanging")?;
        ensure!(proxy.held() >= 4, "they did not hang all the time: {:?}", proxy.troubled());
        proxy.release();
        for id in &created {
            world.api.wait_until_running(id)?;
        }
        world.api.wait_until_gone(&doomed)?;
        eventually("what was killed runs", TIMEOUT, || {
            let runs = instance_of(&killed, 1)?.running();
            Ok((runs && world.api.state(&killed)? == Some(BrokerState::Running)).then_some(()))
        })?;

        proxy.trouble(Rule::new("GET", "/events?", Trouble::Swallow));
        proxy.cut("/events?");
        eventually("no event is told", TIMEOUT, || {
            Ok(proxy.troubled().iter().any(|call| call.contains("/events?")).then_some(()))
        })?;
        pair.is_killed_within(most + NOTICED, &mut active, "with no event told")?;
        let outcome = pair.clients.end()?;
        ensure!(outcome.lost.is_empty(), "lost: {:?}", outcome.lost);
        Ok(())
    })
}
