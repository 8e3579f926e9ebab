//! The queue at work, in real time on a simulated world: lanes, the monitor, what hangs, what panics, what comes late.

use std::{sync::Arc, time::Duration};

use crate::world::{driver::Simulation, fault::Faults};
use brokerd_domain::{BrokerId, BrokerState, EngineType, HostCapacity, Lane, WorkerId};
use brokerd_provisioner::{
    metrics::{Outcome, PassLabels},
    monitor::{Monitor, StallGuard},
    queue::{Queue, QueueSettings},
    reconcile::{PassContext, ReconcileStore, background_steps::Operations},
};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;

const WORKERS: usize = 2;
const DEADLINE: Duration = Duration::from_secs(20);

/// A provisioner that works on a simulation, whose clock goes with the real one.
struct Provisioner {
    sim: Simulation,
    context: Arc<PassContext>,
    monitor: Arc<Monitor>,
    queue: Arc<Queue>,
    tasks: JoinSet<()>,
}

impl Provisioner {
    async fn start(sim: Simulation) -> Self {
        let me = WorkerId::from(uuid::Uuid::from_u128(7));
        let (operations, ended) = Operations::new(100);
        let context = Arc::new(PassContext { operations: Arc::new(operations), ..sim.process() });
        let monitor = Arc::new(Monitor::default());
        let settings = QueueSettings {
            normal: WORKERS,
            urgent: WORKERS,
            lease: Duration::from_hours(1),
            poll: Duration::from_mins(5),
        };
        let queue = Arc::new(Queue::new(
            me,
            settings,
            monitor.clone(),
            context.clone(),
            context.clone(),
            CancellationToken::new(),
        ));
        sim.store.heartbeat(me, Duration::from_hours(100)).await.expect("it lives");
        let guard = Arc::new(StallGuard::new(context.metrics.stalls.clone()));
        let mut tasks = JoinSet::new();
        let clock = sim.clock.clone();
        tasks.spawn(async move {
            let mut last = Instant::now();
            loop {
                sleep(Duration::from_millis(5)).await;
                clock.advance(last.elapsed());
                last = Instant::now();
            }
        });
        let ticking = guard.clone();
        tasks.spawn(async move { ticking.run().await });
        let ended = Arc::new(tokio::sync::Mutex::new(ended));
        tasks.spawn(queue.clone().follow_operations(ended));
        for lane in Lane::ALL {
            tasks.spawn(queue.clone().claim(lane));
        }
        tasks.spawn(queue.clone().watch(guard));
        Self { sim, context, monitor, queue, tasks }
    }

    /// Waits until something is so.
    async fn until(&self, what: &str, is_so: impl Fn(&Simulation) -> bool) {
        let began = Instant::now();
        while !is_so(&self.sim) {
            assert!(began.elapsed() < DEADLINE, "{what}: never");
            sleep(Duration::from_millis(5)).await;
        }
    }

    async fn runs(&self, id: BrokerId) {
        self.until("it runs", |sim| sim.state(id) == Some(BrokerState::Running)).await;
    }

    async fn is_watched(&self, brokers: usize) {
        let began = Instant::now();
        while self.monitor.len() < brokers {
            assert!(began.elapsed() < DEADLINE, "{} of {brokers}", self.monitor.len());
            sleep(Duration::from_millis(5)).await;
        }
    }

    fn starts(&self, id: BrokerId) -> u32 {
        let world = self.sim.world.lock().expect("not poisoned");
        world.containers.iter().filter(|(n, _)| n.broker == id).map(|(_, c)| c.starts).sum()
    }

    fn hang(&self, id: BrokerId, operation: &'static str) {
        self.sim.in_the_world(|world| assert!(world.hanging.insert((id, operation))));
    }

    fn new_broker(&self, seed: u128) -> BrokerId {
        let id = self.sim.create_another(EngineType::RabbitMq, seed);
        self.queue.wake();
        id
    }
}

impl Drop for Provisioner {
    fn drop(&mut self) {
        self.tasks.abort_all();
    }
}

#[tokio::test]
async fn a_quiet_pair_costs_no_call_to_the_store() {
    let sim = Simulation::new();
    let id = sim.create_pair();
    let provisioner = Provisioner::start(sim).await;
    provisioner.runs(id).await;
    provisioner.until("both stand", |sim| sentence(sim, id).contains("stands by")).await;
    provisioner.is_watched(1).await;
    sleep_until_steady(&provisioner).await;
    let calls = || provisioner.sim.store.calls.lock().expect("not poisoned").clone();
    let (before, looks) = (calls(), provisioner.context.metrics.observations.get());
    let began = Instant::now();
    while provisioner.context.metrics.observations.get() < looks + 5 {
        assert!(began.elapsed() < DEADLINE, "nobody looks");
        sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(calls(), before);
}

#[tokio::test]
async fn hundreds_of_quiet_brokers_cost_no_call_to_the_store_and_nothing_is_rendered() {
    const BROKERS: usize = 300;
    let sim = Simulation::new();
    let host_capacity = HostCapacity { memory_bytes: 1 << 44, ..crate::world::HOST_CAPACITY };
    *sim.store.host_capacity.lock().expect("not poisoned") = host_capacity;
    let pair = sim.create_pair();
    let others = 1..BROKERS as u128;
    let others: Vec<BrokerId> =
        others.map(|seed| sim.create_another(EngineType::RabbitMq, 1000 + seed)).collect();
    let provisioner = Provisioner::start(sim).await;
    let runs = |id: &BrokerId| provisioner.sim.state(*id) == Some(BrokerState::Running);
    let began = Instant::now();
    while provisioner.monitor.len() < BROKERS || !others.iter().all(runs) {
        assert!(began.elapsed() < 6 * DEADLINE, "{} are watched", provisioner.monitor.len());
        sleep(Duration::from_millis(50)).await;
    }
    provisioner.until("both stand", |sim| sentence(sim, pair).contains("stands by")).await;
    sleep_until_steady(&provisioner).await;
    let spent = || {
        let calls = provisioner.sim.store.calls.lock().expect("not poisoned").clone();
        (calls, provisioner.sim.world.lock().expect("not poisoned").image_looks)
    };
    let before = spent();
    let looks = provisioner.context.metrics.observations.clone();
    for round in 0..3 {
        let (began, wanted) = (Instant::now(), looks.get() + BROKERS as u64);
        provisioner.monitor.hint_all();
        while looks.get() < wanted {
            assert!(began.elapsed() < DEADLINE, "round {round}: nobody looks");
            sleep(Duration::from_millis(10)).await;
        }
    }
    assert_eq!(spent(), before);
}

fn sentence(sim: &Simulation, id: BrokerId) -> String {
    sim.row(id).map(|row| row.broker.status.sentence).unwrap_or_default()
}

#[tokio::test]
async fn while_every_worker_is_busy_nobody_asks_what_is_due_and_a_pair_fails_over() {
    let sim = Simulation::new();
    let pair = sim.create_pair();
    let provisioner = Provisioner::start(sim).await;
    provisioner.until("both stand", |sim| sentence(sim, pair).contains("stands by")).await;
    provisioner.is_watched(1).await;

    // As many as there are workers stand still in a call, and more wait for their turn.
    let all: Vec<BrokerId> = (100..100 + 2 * WORKERS as u128)
        .map(|seed| {
            let id = provisioner.new_broker(seed);
            provisioner.hang(id, "set limits");
            id
        })
        .collect();
    let metrics = provisioner.context.metrics.clone();
    let busy = |sim: &Simulation| {
        let world = sim.world.lock().expect("not poisoned");
        world.containers.keys().filter(|n| all.contains(&n.broker)).count() == all.len()
    };
    provisioner.until("they boot", busy).await;
    sleep_until_steady(&provisioner).await;
    let asked = provisioner.sim.store.calls("claim due");
    let looks = metrics.observations.get();
    let active = provisioner.sim.active(pair).expect("one serves");
    provisioner.sim.in_the_world(|world| world.kill_only(pair, &[active.ordinal]));
    provisioner.monitor.hint(pair);
    let began = Instant::now();
    provisioner
        .until("the other one serves", |sim| {
            sim.active(pair).is_some_and(|now| now.ordinal != active.ordinal)
                && sentence(sim, pair).contains("stands by")
        })
        .await;
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert!(metrics.observations.get() > looks);
    let since = provisioner.sim.store.calls("claim due") - asked;
    assert!(since <= 2, "asked {since} times while there was no place");

    provisioner.sim.in_the_world(|world| world.hanging.clear());
    for id in all {
        provisioner.runs(id).await;
    }
}

/// Waits until the store is not asked any more for a while.
async fn sleep_until_steady(provisioner: &Provisioner) {
    let (mut last, mut since) = (usize::MAX, Instant::now());
    let began = Instant::now();
    while since.elapsed() < Duration::from_millis(300) {
        assert!(began.elapsed() < DEADLINE, "the store is asked again and again");
        let calls = provisioner.sim.store.calls("claim due");
        if calls != last {
            (last, since) = (calls, Instant::now());
        }
        sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn long_deletions_delay_no_other_broker_and_are_finished() {
    let provisioner = Provisioner::start(Simulation::new()).await;
    let slow: Vec<BrokerId> =
        (1..=2 * WORKERS as u128).map(|seed| provisioner.new_broker(seed)).collect();
    for id in &slow {
        provisioner.runs(*id).await;
        provisioner.hang(*id, "remove");
        provisioner.sim.delete(*id);
    }
    provisioner.queue.wake();
    let other = provisioner.new_broker(1000);
    provisioner.runs(other).await;
    assert!(slow.iter().all(|id| provisioner.sim.row(*id).is_some()), "they take long");
    provisioner.sim.in_the_world(|world| world.hanging.clear());
    for id in slow {
        provisioner.until("it is gone", |sim| sim.row(id).is_none()).await;
    }
}

#[tokio::test]
async fn a_pass_that_panics_is_counted_and_its_broker_gets_another() {
    let provisioner = Provisioner::start(Simulation::new()).await;
    let id = provisioner.new_broker(1);
    provisioner.sim.in_the_world(|world| {
        world.panicking.insert((id, "set limits"));
    });
    let panicked = PassLabels { outcome: Outcome::Panicked };
    let passes = provisioner.context.metrics.passes.clone();
    provisioner.until("it panics", |_| passes.get_or_create(&panicked).get() == 1).await;
    let other = provisioner.new_broker(2);
    provisioner.runs(other).await;
    // The pause after a failure ends.
    provisioner.sim.clock.advance(Duration::from_secs(10));
    provisioner.queue.wake();
    provisioner.runs(id).await;
    assert_eq!(passes.get_or_create(&panicked).get(), 1);
}

/// The second longest time from one recording of a pass to the next one, while so many of them are refused. One of them
/// may be the machine's, which stands still now and then.
async fn second_longest_pause_between_records(provisioner: &Provisioner, refused: u32) -> Duration {
    let names = || provisioner.sim.faults.names();
    let records = || names().iter().filter(|name| **name == "record").count();
    let (began, before) = (Instant::now(), records());
    let (mut last, mut seen, mut pauses) = (None, before, Vec::new());
    while seen < before + usize::try_from(refused).expect("small") + 1 {
        assert!(began.elapsed() < DEADLINE, "{} of {refused} refused", seen - before);
        sleep(Duration::from_millis(5)).await;
        if records() > seen {
            pauses.extend(last.map(|last: Instant| last.elapsed()));
            (last, seen) = (Some(Instant::now()), records());
        }
    }
    pauses.sort_unstable();
    pauses.into_iter().nth_back(1).unwrap_or_default()
}

#[tokio::test]
async fn a_pair_whose_passes_meet_a_store_that_fails_is_looked_at_again_within_two_seconds() {
    let sim = Simulation::with_faults(Arc::new(Faults::default()));
    let id = sim.create_pair();
    let provisioner = Provisioner::start(sim).await;
    provisioner.until("both stand", |sim| sentence(sim, id).contains("stands by")).await;
    provisioner.is_watched(1).await;
    let active = provisioner.sim.active(id);
    provisioner.sim.faults.refuse("record", 6);
    let name = active.clone().expect("one serves");
    provisioner.sim.in_the_world(|world| world.kill_one(&name));
    let pause = second_longest_pause_between_records(&provisioner, 6).await;
    assert!(pause < Duration::from_secs(2), "{pause:?}");
    provisioner.until("the other one serves", |sim| sim.active(id) != active).await;
}

#[tokio::test]
async fn a_single_instance_whose_passes_meet_a_store_that_fails_gets_another_within_seconds() {
    let provisioner = Provisioner::start(Simulation::new()).await;
    provisioner.sim.faults.refuse("record", 3);
    let id = provisioner.new_broker(1);
    let pause = second_longest_pause_between_records(&provisioner, 3).await;
    assert!(pause < Duration::from_secs(4), "{pause:?}");
    provisioner.runs(id).await;
}

#[tokio::test]
async fn silence_while_the_process_itself_stood_still_proves_nothing() {
    let sim = Simulation::with_faults(Arc::new(Faults::default()));
    let id = sim.create_pair();
    let provisioner = Provisioner::start(sim).await;
    provisioner.until("both stand", |sim| sentence(sim, id).contains("stands by")).await;
    provisioner.is_watched(1).await;
    let active = provisioner.sim.active(id);
    let (starts, stalls) = (provisioner.starts(id), provisioner.context.metrics.stalls.get());
    provisioner.sim.in_the_world(|world| world.stalled_probes = 6);
    let metrics = provisioner.context.metrics.clone();
    provisioner
        .until("it stood still", |sim| {
            sim.world.lock().expect("not poisoned").stalled_probes == 0
                && metrics.stalls.get() > stalls
        })
        .await;
    let looks = metrics.observations.get();
    provisioner.until("it looks again", |_| metrics.observations.get() > looks + 2).await;
    assert_eq!((provisioner.sim.active(id), provisioner.starts(id)), (active, starts));
    assert!(sentence(&provisioner.sim, id).contains("stands by"));
}

#[tokio::test]
async fn a_state_that_the_runtime_does_not_tell_is_asked_for_again_and_nothing_is_done_meanwhile() {
    let sim = Simulation::new();
    let id = sim.create_pair();
    let provisioner = Provisioner::start(sim).await;
    provisioner.until("both stand", |sim| sentence(sim, id).contains("stands by")).await;
    provisioner.is_watched(1).await;
    let (active, starts) = (provisioner.sim.active(id), provisioner.starts(id));
    provisioner.hang(id, "status");
    provisioner.until("it is told", |sim| sentence(sim, id).contains("can't see")).await;
    provisioner.sim.in_the_world(|world| world.hanging.clear());
    provisioner.until("it is seen again", |sim| sentence(sim, id).contains("stands by")).await;
    assert_eq!((provisioner.sim.active(id), provisioner.starts(id)), (active, starts));
}

#[tokio::test]
async fn a_long_step_or_a_look_that_panics_is_done_again() {
    let provisioner = Provisioner::start(Simulation::new()).await;
    for (seed, operation) in [(1, "apply"), (2, "status")] {
        let id = provisioner.new_broker(seed);
        provisioner.sim.in_the_world(|world| {
            world.panicking.insert((id, operation));
        });
        let arranged =
            |sim: &Simulation| sim.world.lock().expect("not poisoned").panicking.is_empty();
        provisioner.until("it panics", arranged).await;
        provisioner.sim.clock.advance(Duration::from_secs(10));
        provisioner.queue.wake();
        provisioner.runs(id).await;
    }
}
