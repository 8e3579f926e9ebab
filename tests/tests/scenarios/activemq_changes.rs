//! Changes of a running ActiveMQ broker: what waits for a reboot, and what the reboot makes of it.

use anyhow::{Context as _, Result, ensure};
use aws_sdk_mq::types::{BrokerState, ChangeType, EngineType};
use brokerd_tests::{
    Messenger, NewBroker, NewUser, PASSWORD, TIMEOUT, USER, World, changes::References, clients,
    docker, eventually, scenario,
};
use serde_json::json;

const OLD: &str = "Quartz-Meadow-17-Anchor";
const NEW: &str = "Copper-Willow-58-Saddle";
const LEAVER: &str = "Velvet-Orchard-26-Harp";
const DEMOTED: &str = "Indigo-Thicket-71-Vessel";
const NEWCOMER: &str = "Marble-Canyon-44-Piano";

/// Who tries to log in: all users, before and after their changes.
const LOGINS: [(&str, &str); 6] = [
    (USER, PASSWORD),
    ("demoted", DEMOTED),
    ("leaver", LEAVER),
    ("mover", OLD),
    ("mover", NEW),
    ("newcomer", NEWCOMER),
];

#[test]
fn users_are_added_changed_and_removed_by_a_reboot_on_every_transport_and_not_before() -> Result<()>
{
    if clients::python()?.is_none() {
        return Ok(());
    }
    scenario("users of ActiveMQ", &[], |world| {
        let id = world.running(
            &NewBroker::activemq("staffed")
                .and_user(NewUser::new("demoted", DEMOTED).with_console())
                .and_user(NewUser::new("leaver", LEAVER).with_console())
                .and_user(NewUser::new("mover", OLD)),
        )?;
        let container = docker::container_of(&id)?;

        let api = &world.api;
        api.create_user(&id, &NewUser::new("newcomer", NEWCOMER).with_console())?;
        api.update_user(&id, "mover", |call| call.password(NEW).groups("officers"))?;
        // What one request changes, the next one does not take back.
        api.update_user(&id, "mover", |call| call.console_access(true))?;
        api.update_user(&id, "demoted", |call| call.console_access(false))?;
        api.delete_user(&id, "leaver")?;

        let waiting = |name: &str, change| (name.to_owned(), change);
        let users = api.users(&id)?;
        let expected = [
            waiting(USER, None),
            waiting("demoted", Some(ChangeType::Update)),
            waiting("leaver", Some(ChangeType::Delete)),
            waiting("mover", Some(ChangeType::Update)),
            waiting("newcomer", Some(ChangeType::Create)),
        ];
        ensure!(users == expected, "before the reboot: {users:?}");
        ensure!(api.state(&id)? == Some(BrokerState::Running), "something that waits is no reboot");
        they_are_let_in(world, &id, [true, true, true, true, false, false])
            .context("before the reboot")?;
        the_console_answers(world, &id, [200, 200, 200, 403, 401, 401])
            .context("before the reboot")?;
        let untouched = docker::container_of(&id)?;
        ensure!(untouched.started()? == container.started()?, "it was restarted without a reboot");

        api.reboot_and_wait(&id)?;

        let users = api.users(&id)?;
        let expected = [USER, "demoted", "mover", "newcomer"].map(|name| waiting(name, None));
        ensure!(users == expected, "after the reboot: {users:?}");
        they_are_let_in(world, &id, [true, true, false, false, true, true])
            .context("after the reboot")?;
        the_console_answers(world, &id, [200, 403, 401, 401, 200, 200])
            .context("after the reboot")?;
        let told = docker::everything_about(&id)?;
        for (name, password) in LOGINS {
            ensure!(!told.contains(password), "the container engine tells {name}'s password");
        }
        Ok(())
    })
}

fn they_are_let_in(world: &World, id: &str, expected: [bool; 6]) -> Result<()> {
    for messenger in world.every_messenger(id)? {
        let access = messenger.logins(&LOGINS)?;
        ensure!(access == expected, "{access:?} is not {expected:?} at {messenger:?}");
    }
    Ok(())
}

/// 401: nobody it knows; 403: somebody who may not use the console.
fn the_console_answers(world: &World, id: &str, expected: [u64; 6]) -> Result<()> {
    let page = format!("{}/admin/queues.jsp", world.api.console(id)?);
    let request = |(user, password)| json!({ "url": page, "user": user, "password": password });
    // It starts in the background, after everything else.
    eventually("the console answers", TIMEOUT, || {
        let answers = clients::https(&world.ca(), LOGINS.map(request).to_vec());
        let Ok(answers) = answers else { return Ok(None) };
        let status: Vec<_> =
            answers.iter().filter_map(|answer| answer["status"].as_u64()).collect();
        ensure!(status == expected, "{status:?} is not {expected:?}");
        Ok(Some(()))
    })
}

const MEMBER: (&str, &str) = ("member", "Granite-Feather-83-Loom");
const VISITOR: (&str, &str) = ("visitor", "Cobalt-Harvest-39-Drum");

/// Who may do what, what exists from the start, and what becomes of messages that can't be processed.
const CONFIGURED: &str = r#"<broker xmlns="http://activemq.apache.org/schema/core" schedulerSupport="true">
  <destinationPolicy>
    <policyMap>
      <policyEntries>
        <policyEntry queue="orders.&gt;">
          <deadLetterStrategy>
            <individualDeadLetterStrategy queuePrefix="Dead." useQueueForQueueMessages="true"/>
          </deadLetterStrategy>
        </policyEntry>
      </policyEntries>
    </policyMap>
  </destinationPolicy>
  <destinations>
    <queue physicalName="orders.prepared"/>
  </destinations>
  <plugins>
    <authorizationPlugin>
      <map>
        <authorizationMap>
          <authorizationEntries>
            <authorizationEntry queue="&gt;" read="activemq-webconsole" write="activemq-webconsole" admin="activemq-webconsole"/>
            <authorizationEntry topic="&gt;" read="activemq-webconsole" write="activemq-webconsole" admin="activemq-webconsole"/>
            <authorizationEntry queue="orders.&gt;" read="crew" write="crew" admin="crew"/>
            <authorizationEntry topic="ActiveMQ.Advisory.&gt;" read="crew,visitors" write="crew,visitors" admin="crew,visitors"/>
          </authorizationEntries>
        </authorizationMap>
      </map>
    </authorizationPlugin>
    <redeliveryPlugin fallbackToDeadLetter="true" sendToDlqIfMaxRetriesExceeded="true">
      <redeliveryPolicyMap>
        <redeliveryPolicyMap>
          <redeliveryPolicyEntries>
            <redeliveryPolicy queue="orders.&gt;" initialRedeliveryDelay="1000" maximumRedeliveries="1" redeliveryDelay="1000"/>
          </redeliveryPolicyEntries>
        </redeliveryPolicyMap>
      </redeliveryPolicyMap>
    </redeliveryPlugin>
  </plugins>
</broker>
"#;

#[test]
fn a_configuration_is_in_force_after_a_reboot_and_not_before() -> Result<()> {
    if clients::python()?.is_none() {
        return Ok(());
    }
    scenario("configurations of ActiveMQ", &[], |world| {
        let api = &world.api;
        let id = api.create(
            &NewBroker::activemq("ruled")
                .and_user(NewUser::new(MEMBER.0, MEMBER.1).in_group("crew"))
                .and_user(NewUser::new(VISITOR.0, VISITOR.1).in_group("visitors")),
        )?;
        let configuration = api.create_configuration("rules", EngineType::Activemq, "5.19")?;
        let rules = api.revise(&configuration, CONFIGURED)?;
        api.wait_until_running(&id)?;
        let first = api.configurations(&id)?.current.context("a configuration of its own")?;

        api.configure(&id, &rules)?;
        let waiting = References {
            current: Some(first.clone()),
            pending: Some(rules.clone()),
            history: Vec::new(),
        };
        ensure!(api.configurations(&id)? == waiting, "{:?}", api.configurations(&id)?);
        nothing_is_ruled_yet(world, &id).context("before the reboot")?;

        api.reboot_and_wait(&id)?;
        let in_force =
            References { current: Some(rules.clone()), pending: None, history: vec![first] };
        ensure!(api.configurations(&id)? == in_force, "{:?}", api.configurations(&id)?);
        groups_decide_who_may_do_what(world, &id).context("authorization map")?;
        the_console_still_works(world, &id).context("console")?;
        what_cannot_be_processed_is_delivered_again_and_then_put_aside(world, &id)
            .context("redelivery")
    })
}

/// Those clients that can tell whether somebody may send to a queue and receive from it.
fn queue_clients(world: &World, id: &str) -> Result<Vec<Messenger>> {
    let mut all = vec![
        world.messenger("stomp_.py", id, "stomp+ssl")?,
        world.messenger("amqp10.py", id, "amqp+ssl")?,
    ];
    all.extend(world.jms(id)?);
    Ok(all)
}

fn nothing_is_ruled_yet(world: &World, id: &str) -> Result<()> {
    let stomp = world.messenger("stomp_.py", id, "stomp+ssl")?;
    let visitor = stomp.as_user(VISITOR.0, VISITOR.1);
    visitor.round_trip("orders.new").context("everybody may do everything")?;
    ensure!(!clients::queues(world, id)?.contains("orders.prepared"), "the queue is there already");
    visitor.send("orders.rejected", "unwanted")?;
    visitor.reject("orders.rejected")?;
    let dead = stomp.receive("ActiveMQ.DLQ").context("one rejection is enough")?;
    ensure!(dead == "unwanted", "{dead:?}");
    Ok(())
}

fn groups_decide_who_may_do_what(world: &World, id: &str) -> Result<()> {
    for messenger in queue_clients(world, id)? {
        messenger.as_user(MEMBER.0, MEMBER.1).round_trip("orders.new").context("a member")?;
        messenger.round_trip("anything.else").context("an administrator")?;
        let visitor = messenger.as_user(VISITOR.0, VISITOR.1);
        for (who, queue) in [(&visitor, "orders.new"), (&visitor, "anything.else")] {
            for action in ["send", "receive"] {
                let access = who.may(action, queue, "forbidden")?;
                ensure!(access.is_refused(), "{access:?}: {action} {queue} with {who:?}");
            }
        }
        let access =
            messenger.as_user(MEMBER.0, MEMBER.1).may("send", "anything.else", "forbidden")?;
        ensure!(access.is_refused(), "a member outside of orders: {access:?} {messenger:?}");
    }
    Ok(())
}

fn the_console_still_works(world: &World, id: &str) -> Result<()> {
    let stomp = world.messenger("stomp_.py", id, "stomp+ssl")?;
    stomp.send("orders.kept", "kept")?;
    ensure!(
        clients::queues(world, id)?.contains("orders.prepared"),
        "the configured queue is missing"
    );
    // Browsing takes a connection to the broker, JMX would not do.
    let page = format!("{}/admin/browse.jsp?JMSDestination=orders.kept", world.api.console(id)?);
    let request = json!({ "url": page, "user": USER, "password": PASSWORD });
    let answer = clients::https(&world.ca(), vec![request])?.remove(0);
    let body = answer["body"].as_str().unwrap_or_default();
    ensure!(answer["status"] == 200 && body.contains("JMSDestination=orders.kept"), "{answer}");
    ensure!(body.contains("deleteMessage.action"), "the message is not shown: {body}");
    let request = json!({ "url": page, "user": MEMBER.0, "password": MEMBER.1 });
    let answer = clients::https(&world.ca(), vec![request])?.remove(0);
    ensure!(answer["status"] == 403, "a member without console access: {answer}");
    Ok(())
}

fn what_cannot_be_processed_is_delivered_again_and_then_put_aside(
    world: &World,
    id: &str,
) -> Result<()> {
    let stomp = world.messenger("stomp_.py", id, "stomp+ssl")?;
    let member = stomp.as_user(MEMBER.0, MEMBER.1);
    member.send("orders.rejected", "unwanted again")?;
    for attempt in ["first", "second"] {
        let body = member.reject("orders.rejected").context(attempt)?;
        ensure!(body == "unwanted again", "{attempt}: {body:?}");
    }
    let dead = stomp.receive("Dead.orders.rejected").context("put aside")?;
    ensure!(dead == "unwanted again", "{dead:?}");
    Ok(())
}
