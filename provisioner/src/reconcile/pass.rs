//! One pass on one broker: observe, plan, act, record.

use std::{sync::Arc, time::Duration};

use brokerd_domain::{Broker, DownLink, Intent, Lease, Next, VerdictKind};
use brokerd_store::Work;
use tracing::Instrument as _;

use crate::{
    metrics::StepOutcome,
    pki::materials::Materials,
    plan::{Completion, Decision, Desired, Observation, Plan, Step, taken_over},
    reconcile::{
        context::PassContext,
        execute::Execution,
        partial_plan::PartialPlan,
        render::Rendered,
        report::{TimedObservation, changes, report, unreachable_runtime},
        resolve::Waiting,
        step_error::StepError,
        stored_materials::parse_materials,
        trace,
        watched::{MonitorObservation, UNSEEN_POLL, WatchedBroker},
    },
    runtime::{Capacity, Ensured, RuntimeError},
};

/// How many times a pass may start over at once before others get their turn.
const MAX_ROUNDS: usize = 30;
/// When to look again at a broker with a long step in progress.
const OPERATION_POLL: Duration = Duration::from_millis(200);
/// When such a broker is due for a pass if no monitor watches it.
const OPERATION_NET: Duration = Duration::from_secs(30);

/// The result of a pass.
#[derive(Debug)]
pub struct Passed {
    /// The verdict, and when to look again; `None` if the broker is gone, and its lease with it.
    pub verdict: Option<(VerdictKind, Next)>,
    /// The broker for the monitor; `None` if there is nothing to watch.
    pub watched: Option<WatchedBroker>,
}

/// The result of a round.
struct Round {
    kind: VerdictKind,
    next: Next,
    /// The observation of the broker, if the broker has not changed since it was read.
    watched: Option<WatchedBroker>,
    /// The rendered specifications, if there are any, without the content of files.
    rendered: Option<Desired>,
    /// The steps of a plan that could not be carried out.
    failed: Option<Vec<String>>,
    forgotten: bool,
    /// What the broker waits for.
    waits: Option<Waiting>,
}

/// The input of a round's decision.
struct RoundInput {
    seen: Observation,
    links: Option<Vec<DownLink>>,
    materials: Option<Arc<Materials>>,
    /// Why the materials can't be read.
    damaged: Option<String>,
    capacity: Capacity,
}

impl Round {
    const fn over(kind: VerdictKind, next: Next) -> Self {
        Self {
            kind,
            next,
            watched: None,
            rendered: None,
            failed: None,
            forgotten: false,
            waits: None,
        }
    }
}

impl PassContext {
    /// Runs rounds on one broker until it must wait. The first round uses the observation of a look, if there was one.
    ///
    /// # Errors
    /// [`StepError::LeaseLost`] and [`StepError::Store`]; everything else ends in a verdict.
    pub async fn pass(
        &self,
        lease: &Lease,
        mut observation: Option<MonitorObservation>,
    ) -> Result<Passed, StepError> {
        for _ in 0..MAX_ROUNDS {
            let Some(work) = self.store.load(lease).await?.map(Arc::new) else {
                return Ok(Passed { verdict: None, watched: None });
            };
            let span = trace::pass(&work);
            let round = self.round(lease, &work, observation.take()).instrument(span).await?;
            if round.forgotten {
                return Ok(Passed { verdict: None, watched: None });
            }
            if round.next != Next::Now || self.stopping.is_cancelled() {
                return self.passed(lease, round).await;
            }
        }
        let pause = Next::After(Duration::from_millis(500));
        self.passed(lease, Round::over(VerdictKind::Progressing, pause)).await
    }

    /// The result of a pass. The broker is read again after a round that recorded something, because pending changes
    /// may be in force now.
    async fn passed(&self, lease: &Lease, round: Round) -> Result<Passed, StepError> {
        let watched = match round.watched {
            Some(watched) => Some(watched),
            None => {
                let work = match round.waits {
                    Some(_) => self.store.load_before_reboot(lease).await?,
                    None => self.store.load(lease).await?,
                };
                let Some(work) = work else { return Ok(Passed { verdict: None, watched: None }) };
                self.watch(work).await.map(|watched| watched.waiting(round.waits))
            }
        };
        let watched = watched.filter(WatchedBroker::is_watchable);
        // Failed steps are retried with growing delays. An unknown state is only observed again.
        let next = match round.next {
            Next::BackOff if round.failed.is_none() && watched.is_some() => {
                Next::After(UNSEEN_POLL)
            }
            next => next,
        };
        let failed = round.failed.filter(|_| next == Next::BackOff);
        let watched =
            watched.map(|watched| watched.after(round.rendered, failed, self.clock.now()));
        Ok(Passed { verdict: Some((round.kind, next)), watched })
    }

    /// The broker for the monitor; `None` as long as the runtime has not reported its capacity.
    async fn watch(&self, work: Work) -> Option<WatchedBroker> {
        let capacity = *self.capacity.get_or_try_init(|| self.runtime.capacity()).await.ok()?;
        // Supervision does without materials that can't be read.
        let materials = parse_materials(&work).ok().flatten();
        Some(WatchedBroker::new(self, &work, materials.as_ref(), capacity))
    }

    async fn round(
        &self,
        lease: &Lease,
        work: &Arc<Work>,
        observation: Option<MonitorObservation>,
    ) -> Result<Round, StepError> {
        let broker = &work.broker;
        let (capacity, reached) = match self.reach(broker).await {
            Ok(reached) => reached,
            Err(error) => {
                let blind = unreachable_runtime(broker, &error);
                self.record(lease, broker, &blind, None, None, None).await?;
                return Ok(Round::over(blind.kind, blind.next));
            }
        };
        let (materials, damaged) = match parse_materials(work) {
            Ok(materials) => (materials.map(Arc::new), None),
            Err(why) => (None, Some(why)),
        };
        let watched = WatchedBroker::new(self, work, materials.as_deref(), capacity);
        // An instance may have been silent because it could not be reached.
        let observation = observation.filter(|_| reached == Ensured::AlreadyRight);
        let (seen, links) = match observation.and_then(|observation| observation.of(&watched)) {
            Some(seen) => seen,
            None => self.observe(&watched, false).await,
        };
        let input = RoundInput { seen, links, materials, damaged, capacity };
        self.act(lease, work, watched, &input).await
    }

    /// Decides and acts on an observation. A broker whose reboot waits is supervised as before the reboot.
    async fn act(
        &self,
        lease: &Lease,
        work: &Arc<Work>,
        watched: WatchedBroker,
        input: &RoundInput,
    ) -> Result<Round, StepError> {
        let RoundInput { seen, links, materials, damaged, capacity } = input;
        let mut rendered = None;
        let mut decision = self.decide(&watched, &Desired::Unrendered, seen);
        if decision == Decision::NeedsRendering {
            let desired = match damaged {
                Some(why) => Desired::Unsupported(why.clone()),
                None => match self.desired(lease, work, materials.as_ref(), *capacity).await? {
                    Rendered::Desired(desired) => desired,
                    Rendered::Reload => {
                        return Ok(Round::over(VerdictKind::Progressing, Next::Now));
                    }
                    Rendered::Waits(waiting) if watched.waits().is_none() => {
                        let Some(before) = self.store.load_before_reboot(lease).await? else {
                            return Err(StepError::LeaseLost);
                        };
                        let before = Arc::new(before);
                        let watched =
                            WatchedBroker::new(self, &before, materials.as_deref(), *capacity);
                        let watched = watched.waiting(Some(waiting));
                        return Box::pin(self.act(lease, &before, watched, input)).await;
                    }
                    Rendered::Waits(waiting) => Desired::Unsupported(waiting.why),
                },
            };
            decision = self.decide(&watched, &desired, seen);
            rendered = Some(desired.without_files());
        }
        let Decision::Plan(plan) = decision else {
            return Ok(Round::over(VerdictKind::Progressing, Next::Now));
        };
        let (round, unchanged) = self.carry_out(lease, work, seen, *plan, links.as_deref()).await?;
        let waits = watched.waits().cloned();
        Ok(Round { watched: unchanged.then_some(watched), rendered, waits, ..round })
    }

    /// The capacity of the host; and makes the broker's instances reachable from here, because an instance that can't
    /// be reached looks like one that does not answer.
    async fn reach(&self, broker: &Broker) -> Result<(Capacity, Ensured), RuntimeError> {
        let capacity = *self.capacity.get_or_try_init(|| self.runtime.capacity()).await?;
        let reached = match broker.intent {
            Intent::Run => self.runtime.ensure_reachable(broker.id).await?,
            Intent::Delete => Ensured::AlreadyRight,
        };
        Ok((capacity, reached))
    }

    /// Carries out the plan as far as possible; returns whether the broker is recorded as it was before.
    async fn carry_out(
        &self,
        lease: &Lease,
        work: &Arc<Work>,
        seen: &Observation,
        plan: Plan,
        links: Option<&[DownLink]>,
    ) -> Result<(Round, bool), StepError> {
        let broker = &work.broker;
        let mut observation = TimedObservation { seen, at: self.clock.now(), led_at: None };
        let announce = plan.sentence != broker.status.sentence;
        if announce {
            tracing::info!(broker.id = %broker.id, verdict = plan.kind.as_str(), "{}", plan.sentence);
        }
        let mut partial = PartialPlan::default();
        for step in &plan.steps {
            if partial.leaves_out(step) {
                continue;
            }
            tracing::debug!(broker.id = %broker.id, "{step}");
            match self.execute(lease, work, step).instrument(trace::step(step)).await {
                Ok(Execution::Done) => {
                    self.count(StepOutcome::Done);
                    partial.is_done(step);
                }
                Ok(Execution::OnItsWay) if partial.has_failed() => partial.is_begun(step),
                Ok(Execution::OnItsWay) => {
                    let begun = Plan { completes: None, ..plan };
                    self.record(lease, broker, &begun, None, links, Some(observation)).await?;
                    let watched = broker.intent == Intent::Run;
                    let next = Next::After(if watched { OPERATION_POLL } else { OPERATION_NET });
                    return Ok((Round::over(VerdictKind::Progressing, next), false));
                }
                Err(error @ (StepError::LeaseLost | StepError::Store(_))) => return Err(error),
                Err(error) => {
                    if partial.fails(broker, step, error) {
                        continue;
                    }
                    break;
                }
            }
            if matches!(step, Step::SetTargets(_)) {
                observation.led_at = Some(self.clock.now());
            }
            if matches!(step, Step::DeleteRecord) {
                self.grant_waiting().await;
                let round = Round::over(plan.kind, plan.next);
                return Ok((Round { forgotten: true, ..round }, false));
            }
        }
        if let Some((step, error)) = partial.failure() {
            let mut failed = self.step_failed(broker, &plan, step, error);
            failed.conditions = partial.conditions(broker, &plan);
            tracing::warn!(broker.id = %broker.id, "{}", failed.sentence);
            for step in &failed.steps {
                self.execute(lease, work, step).await?;
            }
            self.record(lease, broker, &failed, failed.completes, links, Some(observation)).await?;
            let mut round = Round::over(failed.kind, failed.next);
            round.failed = Some(plan.steps.iter().map(ToString::to_string).collect());
            return Ok((round, false));
        }
        let completion = plan.completes;
        if let Some(runs) = self.newly_running(work, seen, completion.is_some()).await {
            self.store.save_running_engine(lease, broker.spec.engine_type, &runs).await?;
        }
        let recorded =
            self.record(lease, broker, &plan, completion, links, Some(observation)).await?;
        Ok((Round::over(plan.kind, plan.next), !recorded && plan.steps.is_empty()))
    }

    /// Records the pass if something changed; returns whether it did.
    async fn record(
        &self,
        lease: &Lease,
        broker: &Broker,
        plan: &Plan,
        completion: Option<Completion>,
        links: Option<&[DownLink]>,
        observation: Option<TimedObservation<'_>>,
    ) -> Result<bool, StepError> {
        if !changes(broker, plan, completion, links) {
            return Ok(false);
        }
        let report = report(broker, plan, completion, links, observation, self.clock.now());
        self.store.record(lease, &report).await?;
        self.metrics.count_links(&broker.status.links_down, &report.links_down);
        if report.failure != broker.status.failure
            || report.reboots_done.is_some_and(|done| done != broker.status.reboots_done)
        {
            self.grant_waiting().await;
        }
        if taken_over(broker, &report.conditions).is_some() {
            self.metrics.failovers.inc();
        }
        Ok(true)
    }
}
