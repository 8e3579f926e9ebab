//! Whatever a pair looks like, a plan keeps the rules.

mod halves;
use std::{net::SocketAddr, ops::Range, time::Duration};

use brokerd_domain::{
    Health, Next, VerdictKind,
    instance::{ContainerState, RuntimeId, Volumes},
};
use brokerd_provisioner::{
    plan::{Decision, ProbeOutcome, Step},
    reconcile::observe::PAIR_DEADLINE,
};
use proptest::prelude::*;

use halves::*;

use crate::specification::is_about;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn a_plan_of_a_pair_keeps_the_rules(
        halves in [half(), half()],
        observed in any::<bool>(),
        reboots in 0u32..3,
        led in prop::option::of(1u8..3),
    ) {
        let plan = decide(&halves, observed, reboots, led);
        prop_assert!(!plan.sentence.is_empty());
        let disruptive = plan.steps.iter().filter(|s| s.is_disruptive()).count();
        prop_assert!(disruptive <= 1, "more than one disruptive step: {plan:?}");
        if halves.iter().any(|half| half.blind) {
            prop_assert!(plan.steps.is_empty(), "acted on what it did not see: {plan:?}");
            prop_assert!(plan.completes.is_none());
        }
        let of = |ordinal: u8| (&halves[usize::from(ordinal) - 1], &halves[2 - usize::from(ordinal)]);
        for step in &plan.steps {
            match step {
                Step::Stop(ordinal, id, grace) => {
                    prop_assert_eq!(&id.0, &format!("seen-{ordinal}"));
                    let (it, other) = of(*ordinal);
                    if it.serves() && !other.serves() {
                        let stands_by = other.runs() && other.health == Health::Standby;
                        prop_assert!(stands_by && !grace.is_zero(), "the only one: {plan:?}");
                        prop_assert!(it.reboot < reboots || !observed, "for no reason: {plan:?}");
                    } else if !other.serves() {
                        prop_assert!(it.was_active() || it.is_paused(), "it may take over: {plan:?}");
                    }
                }
                Step::Restart(ordinal, id) => {
                    prop_assert_eq!(&id.0, &format!("seen-{ordinal}"));
                    let (it, other) = of(*ordinal);
                    prop_assert!(!it.serves(), "restarted what serves: {plan:?}");
                    let overdue = matches!(&it.state, Some(ContainerState::Running { since })
                        if NOW.since(*since) >= Duration::from_secs(60));
                    prop_assert!(
                        other.serves() || it.is_paused() || overdue,
                        "it may be taking over: {plan:?}"
                    );
                }
                Step::Remove(ordinal, volumes) => {
                    prop_assert_eq!(*volumes, Volumes::Keep);
                    prop_assert!(!of(*ordinal).0.runs(), "removed what runs: {plan:?}");
                }
                Step::SetTargets(targets) => {
                    let led_to: Vec<_> = targets.iter().flat_map(|t| &t.addresses).collect();
                    let serves = |ordinal: u8| {
                        of(ordinal).0.serves()
                            && led_to.iter().all(|a| addresses(ordinal).iter().any(|(_, b)| b == *a))
                    };
                    prop_assert!(
                        led_to.is_empty() || serves(1) || serves(2),
                        "led to who does not serve: {plan:?}"
                    );
                }
                _ => {}
            }
        }
        if plan.completes.is_some() && plan.not_rebooted.is_none() {
            let one = halves.iter().filter(|half| half.serves()).count() == 1;
            prop_assert!(one && halves.iter().all(Half::runs), "not whole: {plan:?}");
            prop_assert!(halves.iter().all(|half| half.reboot >= reboots || observed));
        }
        if plan.failure.is_some() {
            prop_assert!(!observed, "a broker that ran can't fail to be created: {plan:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5_000))]

    /// It may hold the store, and write to it.
    #[test]
    fn nothing_is_done_to_an_instance_whose_host_is_silent(
        halves in [half(), half()],
        reboots in 0u32..3,
        led in prop::option::of(1u8..3),
    ) {
        let [mut lost, other] = halves;
        lost.silent_host = true;
        let is_up = matches!(lost.state, Some(ContainerState::Running { .. } | ContainerState::Paused));
        let answers = lost.runs() && lost.answers.contains(&ProbeOutcome::Answered);
        if !is_up || answers || lost.blind || lost.reboot > reboots {
            return Ok(());
        }
        let plan = decide(&[lost, other.clone()], true, reboots, led);
        let is_done_to = |ordinal: u8| plan.steps.iter().any(|step| is_about(step, ordinal));
        prop_assert!(!is_done_to(1), "{plan:?}");
        let is_over = plan.completes.is_none() || plan.not_rebooted.is_some();
        prop_assert!(is_over, "whole without it: {plan:?}");
        // The other one is seen to as ever.
        if matches!(other.state, Some(ContainerState::Exited { .. })) && other.millis > 20_000 && other.reboot == reboots
            && !other.blind && other.health != Health::Starting
        {
            prop_assert!(is_done_to(2), "it is dead: {plan:?}");
        }
    }

    /// What should be decides whether anything is changed, and never whether anybody looks.
    #[test]
    fn a_pair_is_supervised_whatever_should_be(
        halves in [half(), half()],
        reboots in 0u32..3,
        led in prop::option::of(1u8..3),
    ) {
        let [unrendered, undecided, unsupported] =
            unrendered().map(|desired| decide_as(Some(&desired), &halves, true, reboots, led));
        if unrendered != Decision::NeedsRendering {
            prop_assert_eq!(&undecided, &unrendered);
            prop_assert_eq!(&unsupported, &unrendered);
            prop_assert_eq!(decide(&halves, true, reboots, led), planned(unrendered));
        }
        let unsupported = planned(unsupported);
        if halves.iter().any(|half| half.blind) {
            prop_assert!(!unsupported.acts(), "acted on what it did not see: {unsupported:?}");
            return Ok(());
        }
        if halves.iter().any(|half| half.state.is_some() && half.reboot > reboots) {
            return Ok(());
        }
        let serving: Vec<u8> =
            (1..=2).filter(|n| halves[usize::from(*n) - 1].serves()).collect();
        for step in &unsupported.steps {
            prop_assert!(!matches!(step, Step::Apply(_) | Step::Remove(..)), "{unsupported:?}");
            if let (Step::Stop(ordinal, ..), [active]) = (step, serving.as_slice()) {
                prop_assert_ne!(ordinal, active, "stopped what serves: {:?}", unsupported);
            }
        }
        match serving.as_slice() {
            [active] if led != Some(*active) && halves[usize::from(*active) - 1].reachable => {
                let leads = unsupported.steps.iter().any(|s| matches!(s, Step::SetTargets(_)));
                prop_assert!(leads, "clients wait: {unsupported:?}");
            }
            [] => {
                let is_hung = |half: &Half| {
                    let stands_long = matches!(half.state, Some(ContainerState::Running { since })
                        if NOW.since(since) > Duration::from_millis(half.millis));
                    half.health == Health::Suspect && half.millis >= 20_000 && stands_long
                };
                let actives = halves.iter().filter(|half| half.was_active()).count();
                // One that clients are not led to may be recovering its store.
                if led.is_some() && halves.iter().any(is_hung) && actives == 1 {
                    prop_assert!(
                        unsupported.steps.iter().any(Step::is_disruptive),
                        "it hangs: {unsupported:?}"
                    );
                }
                let dead = |half: &Half| matches!(half.state, Some(ContainerState::Exited { .. }))
                    && half.failed_boots == 0 && !half.was_active();
                if halves.iter().all(dead) {
                    let starts = unsupported.steps.iter().filter(|s| matches!(s, Step::Start(..)));
                    prop_assert_eq!(starts.count(), 2, "both are dead: {:?}", unsupported);
                }
            }
            _ => {}
        }
    }
}

#[test]
fn a_pair_of_which_one_serves_and_one_stands_by_is_left_alone() {
    let halves = [Half::running(Health::Healthy, true, 10_000), standby()];
    let plan = decide(&halves, true, 0, Some(1));
    assert_eq!((plan.steps.as_slice(), plan.kind), ([].as_slice(), VerdictKind::Converged));
}

#[test]
fn a_silent_active_is_killed_the_second_time_and_not_before() {
    let silent = Half::running(Health::Healthy, false, 10_000);
    let first = decide(&[silent, standby()], true, 0, Some(1));
    assert_eq!((first.steps.as_slice(), first.kind), ([].as_slice(), VerdictKind::Progressing));
    assert_eq!(first.conditions.as_ref().expect("decided")[0].health, Health::Suspect);

    let again = Half::running(Health::Suspect, false, 600);
    let second = decide(&[again.clone(), standby()], true, 0, Some(1));
    let stop = Step::Stop(1, RuntimeId("seen-1".to_owned()), Duration::ZERO);
    assert_eq!(second.steps.last(), Some(&stop));
    assert!(matches!(&second.steps[0], Step::SetTargets(t) if t.len() == 4), "{second:?}");

    // Nobody could take over: it gets the time that a single instance gets.
    let booting = Half { health: Health::Starting, millis: 100, ..standby() };
    assert_eq!(decide(&[again.clone(), booting], true, 0, Some(1)).steps, []);
    // One protocol that does not answer is no reason for a failover.
    let answers = [ProbeOutcome::Answered, ProbeOutcome::Silent];
    let lame = Half { answers, ..again };
    assert_eq!(decide(&[lame, standby()], true, 0, Some(1)).steps, []);
}

/// Looks at a pair on a clock of its own, in milliseconds, whose active instance says nothing in `silence` and
/// else answers after `latency`; `effort` is what a look takes besides. When it is killed, if that happens.
fn killed_at(first: u64, silence: Range<u64>, latency: u64, effort: u64) -> Option<u64> {
    let deadline = u64::try_from(PAIR_DEADLINE.as_millis()).expect("small");
    let mut clock = first;
    let (mut health, mut since) = (Health::Healthy, 0);
    while clock < silence.start + 30_000 {
        clock += effort;
        let undisturbed = clock + latency;
        let answer = if undisturbed > silence.start && clock < silence.end {
            silence.end.saturating_add(undisturbed - silence.start.max(clock))
        } else {
            undisturbed
        };
        let answers = answer <= clock + deadline;
        clock = if answers { answer } else { clock + deadline };
        let active = Half::running(health, answers, clock - since);
        let plan = decide(&[active, standby()], true, 0, Some(1));
        if plan.steps.iter().any(|step| matches!(step, Step::Stop(1, ..))) {
            return Some(clock);
        }
        assert!(!plan.steps.iter().any(Step::is_disruptive), "{plan:?}");
        let condition = &plan.conditions.as_ref().expect("decided")[0];
        let lasts = u64::try_from(NOW.since(condition.since).as_millis()).expect("small");
        (health, since) = (condition.health, clock - lasts);
        clock += match plan.next {
            Next::Now => 0,
            Next::After(pause) => u64::try_from(pause.as_millis()).expect("small"),
            Next::BackOff => panic!("{plan:?}"),
        };
    }
    None
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_hang_is_noticed_within_two_seconds(
        first in 0u64..1000, latency in 1u64..30, effort in 0u64..60,
    ) {
        let hangs = 5000;
        let killed = killed_at(first, hangs..u64::MAX, latency, effort).expect("killed");
        prop_assert!(killed - hangs <= 2000, "after {} ms", killed - hangs);
        prop_assert!(killed - hangs >= 1000, "too soon: after {} ms", killed - hangs);
    }

    #[test]
    fn a_halt_of_a_second_is_no_reason_to_take_over(
        first in 0u64..1000, latency in 1u64..=150, effort in 0u64..200, halt in 0u64..=1000,
    ) {
        let killed = killed_at(first, 5000..5000 + halt, latency, effort);
        prop_assert_eq!(killed, None);
    }
}

#[test]
fn a_paused_active_is_killed_at_once() {
    let paused =
        Half { state: Some(ContainerState::Paused), ..Half::running(Health::Healthy, false, 9000) };
    let plan = decide(&[paused, standby()], true, 0, Some(1));
    let stop = Step::Stop(1, RuntimeId("seen-1".to_owned()), Duration::ZERO);
    assert_eq!(plan.steps.last(), Some(&stop), "{plan:?}");
}

#[test]
fn of_two_that_answer_the_former_one_is_killed_and_the_new_one_gets_the_clients() {
    let halves = [
        Half::running(Health::Healthy, true, 10_000),
        Half::running(Health::Standby, true, 10_000),
    ];
    let plan = decide(&halves, true, 0, Some(1));
    let [Step::SetTargets(targets), stop] = plan.steps.as_slice() else { panic!("{plan:?}") };
    let new: Vec<SocketAddr> = addresses(2).into_iter().map(|(_, address)| address).collect();
    assert!(targets.iter().all(|t| new.contains(&t.addresses[0])), "{targets:?}");
    assert_eq!(*stop, Step::Stop(1, RuntimeId("seen-1".to_owned()), Duration::ZERO));
}

#[test]
fn a_standby_that_was_cut_off_is_started_anew_and_one_that_was_not_is_not() {
    let active = || Half::running(Health::Healthy, true, 10_000);
    let cut = Half { reachable: false, ..standby() };
    let plan = decide(&[active(), cut], true, 0, Some(1));
    assert_eq!(plan.steps, [Step::Restart(2, RuntimeId("seen-2".to_owned()))]);
}

#[test]
fn a_standby_that_does_not_take_over_is_suspected_and_the_other_one_is_started() {
    let ended = |millis| {
        let state = Some(ContainerState::Exited {
            code: 137,
            out_of_memory: false,
            last_log_lines: String::new(),
        });
        Half { state, ..Half::running(Health::Suspect, false, millis) }
    };
    assert_eq!(decide(&[ended(19_000), standby()], true, 0, None).steps, []);
    let plan = decide(&[ended(21_000), standby()], true, 0, None);
    assert_eq!(plan.steps, [Step::Start(1, RuntimeId("seen-1".to_owned()))]);
    assert_eq!(plan.conditions.as_ref().expect("decided")[1].health, Health::Suspect);
    // When the other one serves, the suspect held nothing and did nothing.
    let serves = Half::running(Health::Starting, true, 2000);
    let hung = Half::running(Health::Suspect, false, 2000);
    let plan = decide(&[serves, hung.clone()], true, 0, Some(1));
    assert_eq!(plan.steps, [Step::Restart(2, RuntimeId("seen-2".to_owned()))]);
    // When it does not, the suspect may be recovering the store, and gets minutes for it.
    let kill = [Step::Stop(2, RuntimeId("seen-2".to_owned()), Duration::ZERO)];
    let hung = Half { state: Some(ContainerState::Running { since: ago(300_000) }), ..hung };
    for (health, waited) in [(Health::Starting, 2000), (Health::Standby, 20_000)] {
        let waits = Half::running(health, false, waited);
        let slow = Half { millis: 179_000, ..hung.clone() };
        assert_eq!(decide(&[waits.clone(), slow], true, 0, None).steps, []);
        let hung = Half { millis: 181_000, ..hung.clone() };
        assert_eq!(decide(&[waits, hung], true, 0, None).steps, kill);
    }
    // One that served is not recovering anything.
    let hung = Half { millis: 1000, ..hung };
    assert_eq!(decide(&[standby(), hung.clone()], true, 0, None).steps, kill);
    let led = decide(&[Half { millis: 500, ..standby() }, hung], true, 0, Some(2));
    assert_eq!(led.steps.last(), kill.last());
}

#[test]
fn a_store_that_takes_long_to_recover_is_not_killed_again_and_again_at_the_same_point() {
    let booting = |boot: u64, failed_boots| Half {
        state: Some(ContainerState::Running { since: ago(boot) }),
        failed_boots,
        ..Half::running(Health::Starting, false, boot)
    };
    let both = |boot, failed_boots| [booting(boot, failed_boots), booting(boot, failed_boots)];
    for (failed_boots, deadline) in [(0, 60_000), (1, 120_000), (2, 240_000), (9, 960_000)] {
        assert_eq!(decide(&both(deadline - 1000, failed_boots), true, 0, None).steps, []);
        let late = decide(&both(deadline + 1000, failed_boots), true, 0, None);
        assert!(matches!(late.steps.as_slice(), [Step::Restart(..)]), "{late:?}");
    }
    // A new broker has nothing to recover.
    let late = decide(&both(61_000, 1), false, 0, None);
    assert!(matches!(late.steps.as_slice(), [Step::Restart(..)]), "{late:?}");
}

#[test]
fn of_a_pair_that_is_rebooted_the_standby_comes_first_and_the_active_one_when_it_can_go() {
    let active = Half::running(Health::Healthy, true, 10_000);
    let plan = decide(&[active.clone(), standby()], true, 1, Some(1));
    assert!(matches!(plan.steps.as_slice(), [Step::Stop(2, ..)]), "{plan:?}");

    let fresh = Half { reboot: 1, millis: 1000, ..standby() };
    assert_eq!(decide(&[active.clone(), fresh], true, 1, Some(1)).steps, []);
    let proven = Half { reboot: 1, millis: 4000, ..standby() };
    let plan = decide(&[active, proven], true, 1, Some(1));
    let grace = Duration::from_secs(10);
    let stop = Step::Stop(1, RuntimeId("seen-1".to_owned()), grace);
    assert_eq!(plan.steps.last(), Some(&stop), "{plan:?}");
}
