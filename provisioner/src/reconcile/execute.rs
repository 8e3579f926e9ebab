//! The steps of a plan, one by one.

use std::{net::Ipv4Addr, sync::Arc, time::Duration};

use brokerd_domain::{
    Broker, BrokerId, EngineType, GrantDecision, HostInstanceType, Intent, Lease, Next, Protocol,
    VerdictKind,
    instance::{Disturbance, InstanceName},
};
use brokerd_store::{Allocation, Names, StoreError, Work};

use crate::{
    metrics::{StepLabels, StepOutcome},
    plan::{FaultStep, Plan, Sentence, Step, not_enough_memory, not_rebooted, refuse, retry},
    reconcile::{background_steps::Progress, context::PassContext, step_error::StepError},
    runtime::{RuntimeError, RuntimeErrorClass},
};

/// The result of a step.
pub(crate) enum Execution {
    /// It is done.
    Done,
    /// It takes longer, so the steps after it wait for its end.
    OnItsWay,
}

impl PassContext {
    pub(crate) fn count(&self, outcome: StepOutcome) {
        self.metrics.steps.get_or_create(&StepLabels { outcome }).inc();
    }

    /// The plan after a step that can't work. The creation of a broker that never ran fails. On a reboot of one that
    /// ran, the pending changes are dropped; without pending changes the reboot ends.
    pub(crate) fn step_failed(
        &self,
        broker: &Broker,
        plan: &Plan,
        step: &Step,
        error: &StepError,
    ) -> Plan {
        let mut failed = plan.clone();
        failed.steps.clear();
        failed.completes = None;
        failed.conditions = None;
        failed.set_sentence(Sentence::detailed(format!("can't {step}"), error));
        let never_ran = broker.status.observed_generation.is_none()
            && broker.intent == Intent::Run
            && broker.status.failure.is_none();
        let (outcome, kind, next) = match error {
            StepError::Transient(_)
            | StepError::LeaseLost
            | StepError::Panicked
            | StepError::Store(_) => {
                (StepOutcome::Transient, VerdictKind::Progressing, retry(broker))
            }
            StepError::Blocked(_) if matches!(step, Step::AllocateEndpoints) => {
                (StepOutcome::Blocked, VerdictKind::Blocked, Next::BackOff)
            }
            StepError::Blocked(_) | StepError::Rejected(_) if never_ran => {
                failed.failure = Some(failed.sentence.clone());
                (StepOutcome::Rejected, VerdictKind::Failed, Next::Now)
            }
            StepError::Blocked(_) | StepError::Rejected(_)
                if broker.applies_pending() && broker.has_pending() =>
            {
                let refused = refuse(&failed.sentence);
                failed.set_sentence(refused.sentence());
                failed.steps = refused.steps;
                (StepOutcome::Rejected, refused.kind, refused.next)
            }
            StepError::Blocked(_) | StepError::Rejected(_) => {
                if broker.is_rebooting() {
                    let why = failed.sentence.clone();
                    failed.end_reboot(broker, &why);
                    failed.actions_required.push(not_rebooted(&why));
                }
                (StepOutcome::Blocked, VerdictKind::Blocked, retry(broker))
            }
        };
        self.count(outcome);
        failed.kind = kind;
        failed.next = next;
        failed
    }

    /// Carries out one step.
    pub(crate) async fn execute(
        &self,
        lease: &Lease,
        work: &Arc<Work>,
        step: &Step,
    ) -> Result<Execution, StepError> {
        let broker = work.broker.id;
        match step {
            Step::AllocateEndpoints => self.allocate(lease, &work.broker).await?,
            Step::Reserve(tier) => self.reserve(lease, &work.broker, *tier).await?,
            Step::IssueMaterials => self.issue(lease, work).await?,
            Step::Apply(spec) => {
                if work.broker.status.observed_generation.is_none()
                    && !self.operations.may_boot(broker)
                {
                    return Ok(Execution::OnItsWay);
                }
                let (runtime, spec) = (self.runtime.clone(), spec.clone());
                let apply = async move { runtime.apply(&spec).await.map(drop) };
                return self.begin(broker, step, apply).await;
            }
            Step::Start(_, id) => {
                self.metrics.engine_restarts.inc();
                self.runtime.start(id).await?;
            }
            Step::Restart(_, id) => {
                self.metrics.engine_restarts.inc();
                self.runtime.restart(id).await?;
            }
            // Killing takes no time, and nothing may come before it.
            Step::Stop(_, id, Duration::ZERO) => {
                self.runtime.stop(id, Duration::ZERO).await?;
            }
            Step::Stop(_, id, grace) => {
                let (runtime, id, grace) = (self.runtime.clone(), id.clone(), *grace);
                let stop = async move { runtime.stop(&id, grace).await.map(drop) };
                return self.begin(broker, step, stop).await;
            }
            Step::Remove(ordinal, volumes) => {
                let name = InstanceName {
                    installation: self.installation.clone(),
                    broker,
                    ordinal: *ordinal,
                };
                let (runtime, volumes) = (self.runtime.clone(), *volumes);
                let logs = self.logs.clone();
                let remove = async move {
                    logs.drained(name.broker, name.ordinal).await;
                    runtime.remove(&name, volumes).await.map(drop)
                };
                return self.begin(broker, step, remove).await;
            }
            Step::SetLimits(_, id, limits) => {
                self.runtime.set_limits(id, *limits).await?;
            }
            Step::SetTargets(targets) => self.store.set_targets(lease, targets).await?,
            Step::GiveUpPending(why) => {
                self.store.give_up_pending(lease, why, &[], self.clock.now()).await?;
            }
            Step::Fault(step) => self.see_to_fault(lease, step).await?,
            Step::DeleteRecord => self.store.delete_broker_record(lease).await?,
        }
        Ok(Execution::Done)
    }

    /// Begins a step that may take long.
    async fn begin(
        &self,
        broker: BrokerId,
        step: &Step,
        work: impl Future<Output = Result<(), RuntimeError>> + Send + 'static,
    ) -> Result<Execution, StepError> {
        match self.operations.run(broker, step, work).await {
            Progress::Ended(result) => Ok(result.map(|()| Execution::Done)?),
            Progress::OnItsWay => Ok(Execution::OnItsWay),
        }
    }

    async fn see_to_fault(&self, lease: &Lease, step: &FaultStep) -> Result<(), StepError> {
        let now = self.clock.now();
        match step {
            FaultStep::Start(fault, affected) => {
                self.store.start_fault(lease, fault, affected, now).await?;
                self.metrics.count_fault(fault.spec.kind);
            }
            FaultStep::Inject(_, id, disturbance) => {
                self.runtime.inject(id, *disturbance).await?;
            }
            FaultStep::Heal(_, id, disturbance) => {
                match self.runtime.heal(id, *disturbance).await {
                    // A container that is gone needs no undoing. A disk does: another container has it.
                    Err(error)
                        if error.class == RuntimeErrorClass::Gone
                            && !matches!(disturbance, Disturbance::Filled { .. }) => {}
                    healed => drop(healed?),
                }
            }
            FaultStep::End(fault, how) => self.store.end_fault(lease, fault, how, now).await?,
        }
        Ok(())
    }

    /// Reserves memory for a new broker, which may wait; for one that runs, at once or not at all.
    async fn reserve(
        &self,
        lease: &Lease,
        broker: &Broker,
        tier: HostInstanceType,
    ) -> Result<(), StepError> {
        let (instances, now) = (broker.spec.deployment_mode.instances(), self.clock.now());
        if broker.status.observed_generation.is_none() {
            return Ok(self.store.reserve(lease, instances, now).await?);
        }
        match self.store.reserve_more(lease, instances, tier, now).await? {
            GrantDecision::Granted => Ok(()),
            GrantDecision::Waits { missing_bytes } => {
                let (wanted, all) = (
                    self.host_capacity.of_instances(tier, instances),
                    self.host_capacity.memory_bytes,
                );
                Err(StepError::Blocked(not_enough_memory(tier, wanted, missing_bytes, all)))
            }
        }
    }

    async fn allocate(&self, lease: &Lease, broker: &Broker) -> Result<(), StoreError> {
        let engine = broker.spec.engine_type;
        let host = self.endpoints.advertised_host.clone().unwrap_or_else(|| {
            self.runtime.host_address().unwrap_or(Ipv4Addr::LOCALHOST.into()).to_string()
        });
        let allocation = Allocation {
            engine,
            instances: match engine {
                EngineType::ActiveMq => broker.spec.deployment_mode.instances(),
                // A RabbitMQ cluster is one endpoint in front of its nodes.
                EngineType::RabbitMq => 1,
            },
            protocols: Protocol::of_broker(&broker.spec),
            ip_address: self
                .endpoints
                .ip_address
                .or_else(|| host.parse().ok())
                .map(|ip| ip.to_string()),
            host,
            ports: self.endpoints.ports.clone(),
            names: self.endpoints.domain.clone().map(|domain| Names {
                broker: broker.id,
                region: broker.scope.region.clone(),
                domain,
            }),
        };
        let allocated =
            self.store.allocate_endpoints(lease, &allocation, &*self.port_is_free).await;
        match allocated {
            // Its former endpoints are enough to serve.
            Err(error @ StoreError::NoPorts(..)) if !broker.instances.is_empty() => {
                tracing::warn!(
                    broker.id = %broker.id, error = &error as &dyn std::error::Error,
                    "no ports for the endpoints that the broker lacks; it goes on without them"
                );
                Ok(())
            }
            allocated => allocated.map(drop),
        }
    }
}
