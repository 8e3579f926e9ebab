//! What may be asked of faults.

use std::time::Duration;

use brokerd_domain::{
    Broker, DeploymentMode, EngineType, Fault, FaultId, FaultInput, FaultKind, FaultSpec,
    FaultState, Latency, NetworkDefaults, Timestamp, example,
};

fn broker(mode: DeploymentMode) -> Broker {
    let network = NetworkDefaults::default();
    let mut broker = example::broker(EngineType::ActiveMq);
    broker.spec.deployment_mode = mode;
    broker.spec.subnet_ids = network.subnets[..usize::from(mode.instances())].to_vec();
    broker.status.observed_generation = Some(broker.generation);
    broker
}

fn parsed(mode: DeploymentMode, input: &FaultInput) -> Result<FaultSpec, String> {
    FaultSpec::parse(input, &broker(mode), &NetworkDefaults::default(), false)
        .map_err(|e| e.message)
}

fn kind(kind: FaultKind) -> FaultInput {
    FaultInput { kind: Some(kind.as_str().to_owned()), ..FaultInput::default() }
}

fn lasting(of: FaultKind) -> FaultInput {
    FaultInput { duration_seconds: Some(30), ..kind(of) }
}

const SINGLE: DeploymentMode = DeploymentMode::SingleInstance;
const PAIR: DeploymentMode = DeploymentMode::ActiveStandbyMultiAz;

#[test]
fn what_is_complete_is_accepted_and_says_what_it_is() {
    let latency = FaultInput { latency_milliseconds: Some(200), ..lasting(FaultKind::Latency) };
    let jittered = FaultInput { jitter_milliseconds: Some(50), ..latency.clone() };
    let second = FaultInput { instance: Some(2), ..lasting(FaultKind::Isolate) };
    let outage =
        FaultInput { zone: Some("us-east-1b".to_owned()), ..lasting(FaultKind::ZoneOutage) };
    for (input, sentence) in [
        (kind(FaultKind::Kill), "KILL"),
        (kind(FaultKind::Failover), "FAILOVER"),
        (lasting(FaultKind::Pause), "PAUSE for 30 s"),
        (second, "ISOLATE of instance 2 for 30 s"),
        (latency, "LATENCY of 200 ms for 30 s"),
        (jittered, "LATENCY of 200 ms and up to 50 ms more for 30 s"),
        (outage, "ZONE_OUTAGE of us-east-1b for 30 s"),
    ] {
        let spec = parsed(PAIR, &input).expect(sentence);
        assert_eq!(spec.to_string(), sentence);
        let text = serde_json::to_string(&spec).expect("serialises");
        assert_eq!(serde_json::from_str::<FaultSpec>(&text).expect("reads back"), spec);
    }
}

#[test]
fn what_is_missing_or_does_not_apply_is_refused_by_name() {
    let no_such = FaultInput { kind: Some("SABOTAGE".to_owned()), ..FaultInput::default() };
    let in_zone = FaultInput { zone: Some("us-east-1a".to_owned()), ..kind(FaultKind::Kill) };
    let third = FaultInput { instance: Some(3), ..kind(FaultKind::Kill) };
    let no_length = FaultInput { latency_milliseconds: Some(5), ..kind(FaultKind::Latency) };
    let slow_pause = FaultInput { latency_milliseconds: Some(5), ..lasting(FaultKind::Pause) };
    let elsewhere =
        FaultInput { zone: Some("us-east-1c".to_owned()), ..lasting(FaultKind::ZoneOutage) };
    for (input, attribute, part) in [
        (FaultInput::default(), "kind", "is required"),
        (no_such, "kind", "Specify one of the following: [KILL, PAUSE"),
        (lasting(FaultKind::FillDisk), "kind", "Set [runtime.sized_volumes] to [true]"),
        (lasting(FaultKind::FillDisk), "kind", "On Kubernetes disks can't be filled."),
        (in_zone, "zone", "does not apply"),
        (third, "instance", "between [1] and [2]"),
        (lasting(FaultKind::Kill), "durationSeconds", "does not apply"),
        (kind(FaultKind::Pause), "durationSeconds", "is required"),
        (no_length, "durationSeconds", "is required"),
        (lasting(FaultKind::Latency), "latencyMilliseconds", "is required"),
        (slow_pause, "latencyMilliseconds", "does not apply"),
        (lasting(FaultKind::ZoneOutage), "zone", "is required"),
        (elsewhere, "zone", "Its instances are in [us-east-1a, us-east-1b]"),
    ] {
        let refused = FaultSpec::parse(&input, &broker(PAIR), &NetworkDefaults::default(), false)
            .expect_err(part);
        assert_eq!(refused.attribute.as_deref(), Some(attribute), "{}", refused.message);
        assert!(refused.message.contains(part), "{}", refused.message);
    }
}

#[test]
fn only_disks_of_brokers_own_are_filled() {
    let one = FaultInput { instance: Some(2), ..lasting(FaultKind::FillDisk) };
    let fill = |input: &FaultInput| {
        FaultSpec::parse(input, &broker(PAIR), &NetworkDefaults::default(), true)
    };
    assert_eq!(fill(&one).expect("valid").to_string(), "FILL_DISK of instance 2 for 30 s");
    assert_eq!(fill(&lasting(FaultKind::FillDisk)).expect("valid").instance, None);
    let third = FaultInput { instance: Some(3), ..lasting(FaultKind::FillDisk) };
    for (input, attribute) in [(kind(FaultKind::FillDisk), "durationSeconds"), (third, "instance")]
    {
        let refused = fill(&input).expect_err(attribute);
        assert_eq!(refused.attribute.as_deref(), Some(attribute));
    }
}

#[test]
fn durations_and_latencies_are_bounded() {
    for seconds in [i64::MIN, -1, 0, 3601, i64::MAX] {
        let input = FaultInput { duration_seconds: Some(seconds), ..kind(FaultKind::Pause) };
        let refused = parsed(SINGLE, &input).expect_err("out of bounds");
        assert!(refused.contains("between [1] and [3600]"), "{refused}");
    }
    for (latency, jitter) in [(0, 0), (60_001, 0), (1, -1), (1, 60_001)] {
        let input = FaultInput {
            latency_milliseconds: Some(latency),
            jitter_milliseconds: Some(jitter),
            ..lasting(FaultKind::Latency)
        };
        assert!(parsed(SINGLE, &input).is_err(), "{latency} {jitter}");
    }
    let input = FaultInput {
        latency_milliseconds: Some(60_000),
        duration_seconds: Some(3600),
        ..kind(FaultKind::Latency)
    };
    let spec = parsed(SINGLE, &input).expect("the most there may be");
    assert_eq!(spec.duration, Some(Duration::from_secs(3600)));
    assert_eq!(spec.latency, Some(Latency { milliseconds: 60_000, jitter_milliseconds: 0 }));
}

#[test]
fn only_a_pair_can_fail_over() {
    for mode in [SINGLE, DeploymentMode::ClusterMultiAz] {
        let refused = parsed(mode, &kind(FaultKind::Failover)).expect_err("no standby");
        assert!(refused.contains("has no standby"), "{refused}");
    }
}

#[test]
fn an_instance_is_in_the_zone_of_its_subnet() {
    let mut there = broker(SINGLE);
    there.spec.subnet_ids = vec![NetworkDefaults::default().subnets[1].clone()];
    let outage =
        |zone: &str| FaultInput { zone: Some(zone.to_owned()), ..lasting(FaultKind::ZoneOutage) };
    let network = NetworkDefaults::default();
    let spec =
        FaultSpec::parse(&outage("us-east-1b"), &there, &network, false).expect("it is there");
    assert_eq!(spec.zone_instances, [1]);
    assert!(FaultSpec::parse(&outage("us-east-1a"), &there, &network, false).is_err());
    there.spec.subnet_ids = vec!["subnet-of-somebody".to_owned()];
    let spec =
        FaultSpec::parse(&outage("us-east-1a"), &there, &network, false).expect("the first zone");
    assert_eq!(spec.zone_instances, [1]);
}

#[test]
fn only_a_broker_that_runs_is_disturbed() {
    let mut young = broker(SINGLE);
    young.status.observed_generation = None;
    let network = NetworkDefaults::default();
    let refused =
        FaultSpec::parse(&kind(FaultKind::Kill), &young, &network, false).expect_err("not yet");
    assert!(refused.message.contains("CREATION_IN_PROGRESS"), "{}", refused.message);
    let mut rebooting = broker(SINGLE);
    rebooting.reboots_requested = 1;
    assert!(FaultSpec::parse(&kind(FaultKind::Kill), &rebooting, &network, false).is_err());
}

#[test]
fn a_fault_goes_from_pending_to_ended() {
    let now = Timestamp::from_micros(1_790_000_000_000_000);
    let spec = parsed(SINGLE, &lasting(FaultKind::Pause)).expect("valid");
    let mut fault = Fault::new(FaultId::from(uuid::Uuid::from_u128(3)), spec, now);
    assert_eq!(fault.ends, now.plus(Duration::from_secs(30)));
    assert_eq!(fault.state(now), FaultState::Pending);
    fault.affected = Some(Vec::new());
    assert_eq!(fault.state(now), FaultState::Active);
    assert_eq!(fault.state(fault.ends), FaultState::Healing);
    fault.ended = Some(fault.ends);
    assert_eq!(fault.state(now), FaultState::Ended);
}
