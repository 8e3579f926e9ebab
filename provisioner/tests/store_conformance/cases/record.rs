//! What a pass records of a broker.

use brokerd_domain::{
    ActionCode, ActionRequired, BrokerState, Event, EventKind, Generation, PassReport,
};

use crate::{
    subject::{NOW, Subject},
    support::report,
};

/// A pass that found everything done that was asked for.
pub(crate) fn done(generation: i64, reboots: u32) -> PassReport {
    PassReport {
        observed_generation: Some(Generation(generation)),
        reboots_done: Some(reboots),
        ..report("every endpoint answers")
    }
}

fn event(kind: EventKind, message: &str) -> Event {
    Event { at: NOW, kind, message: message.to_owned() }
}

pub(crate) async fn the_first_complete_pass_puts_the_configuration_in_force(subject: &dyn Subject) {
    let lease = subject.claimed().await;
    subject.store().record(&lease, &report("waiting")).await.expect("recorded");
    let waiting = subject.work(&lease).await.broker;
    assert_eq!(waiting.state(), BrokerState::CreationInProgress);
    assert!(waiting.configurations.current.is_none() && waiting.configurations.pending.is_some());
    for _ in 0..2 {
        subject.store().record(&lease, &done(1, 0)).await.expect("recorded");
        let running = subject.work(&lease).await.broker;
        assert_eq!(running.state(), BrokerState::Running);
        assert_eq!(running.configurations.current, waiting.configurations.pending);
        assert!(running.configurations.pending.is_none());
        assert!(running.configurations.history.is_empty());
    }
}

pub(crate) async fn a_pass_is_recorded_with_its_events(subject: &dyn Subject) {
    let lease = subject.claimed().await;
    subject.store().record(&lease, &done(1, 0)).await.expect("recorded");
    let action = ActionRequired { code: ActionCode::BrokerDoesNotBoot, info: "why".to_owned() };
    let second = PassReport {
        reason: "because".to_owned(),
        actions_required: vec![action],
        events: vec![event(EventKind::Failover, "first"), event(EventKind::Verdict, "second")],
        ..report("waiting")
    };
    subject.store().record(&lease, &second).await.expect("recorded");
    let status = subject.broker(lease.broker).await.expect("there").status;
    assert_eq!((&*status.sentence, &*status.reason), ("waiting", "because"));
    assert_eq!(status.conditions, second.conditions);
    assert_eq!(status.actions_required, second.actions_required);
    // What a pass does not tell stays.
    assert_eq!((status.observed_generation, status.reboots_done), (Some(Generation(1)), 0));
    let told = subject.messages(lease.broker).await;
    assert_eq!(told, ["every endpoint answers", "first", "second"]);
}

pub(crate) async fn a_reboot_is_done_when_a_pass_says_so(subject: &dyn Subject) {
    let lease = subject.claimed().await;
    subject.store().record(&lease, &done(1, 0)).await.expect("recorded");
    subject.reboot(lease.broker).await;
    assert!(subject.work(&lease).await.broker.is_rebooting());
    let before = subject.store().load_before_reboot(&lease).await.expect("loaded");
    assert!(!before.expect("there").broker.is_rebooting());
    subject.store().record(&lease, &report("stopping")).await.expect("recorded");
    assert_eq!(subject.work(&lease).await.broker.state(), BrokerState::RebootInProgress);
    subject.store().record(&lease, &done(1, 1)).await.expect("recorded");
    let broker = subject.work(&lease).await.broker;
    assert_eq!((broker.state(), broker.status.reboots_done), (BrokerState::Running, 1));
}

pub(crate) async fn changes_are_given_up_once(subject: &dyn Subject) {
    let lease = subject.claimed().await;
    subject.store().record(&lease, &done(1, 0)).await.expect("recorded");
    subject.reboot(lease.broker).await;
    let action = ActionRequired { code: ActionCode::BrokerDoesNotBoot, info: "why".to_owned() };
    for (why, actions) in [("it does not boot", vec![action.clone()]), ("again", Vec::new())] {
        subject.store().give_up_pending(&lease, why, &actions, NOW).await.expect("given up");
    }
    let broker = subject.work(&lease).await.broker;
    assert_eq!(broker.reboots_requested, 2, "its instances are made anew, once");
    assert_eq!(broker.not_applied.as_deref(), Some("it does not boot"));
    assert_eq!(broker.not_applied_actions, [action]);
    let told = subject.messages(lease.broker).await;
    assert_eq!(told[1..], ["the pending changes are not applied: it does not boot"]);
}

pub(crate) async fn maintenance_is_requested_if_the_broker_is_still_as_seen(subject: &dyn Subject) {
    let lease = subject.claimed().await;
    subject.store().record(&lease, &done(1, 0)).await.expect("recorded");
    let seen = subject.broker(lease.broker).await.expect("there");
    let request =
        async || subject.store().request_maintenance(&seen, "a window", NOW).await.expect("asked");
    assert!(request().await);
    assert!(!request().await, "it is not as seen any more");
    let broker = subject.broker(lease.broker).await.expect("there");
    assert_eq!(broker.reboots_requested, seen.reboots_requested + 1);
    assert_eq!(subject.messages(lease.broker).await[1..], ["a window"]);
}

pub(crate) async fn only_who_has_something_to_do_is_a_candidate_for_maintenance(
    subject: &dyn Subject,
) {
    let lease = subject.claimed().await;
    let store = subject.store();
    store.record(&lease, &done(1, 0)).await.expect("recorded");
    assert_eq!(store.maintenance_candidates().await.expect("read"), []);
    let new_image = PassReport { maintenance: Some("a new image".to_owned()), ..done(1, 0) };
    store.record(&lease, &new_image).await.expect("recorded");
    let seen = subject.broker(lease.broker).await.expect("there");
    let candidates = store.maintenance_candidates().await.expect("read");
    assert_eq!(candidates, [(seen.clone(), None)]);
    assert!(store.request_maintenance(&seen, "a window", NOW).await.expect("asked"));
    let candidates = store.maintenance_candidates().await.expect("read");
    assert_eq!(candidates[0].1, Some(NOW));
    subject.delete(lease.broker).await;
    assert_eq!(store.maintenance_candidates().await.expect("read"), []);
}
