//! One pass on one broker: observe, plan, act, record.

use std::{
    collections::BTreeMap,
    net::Ipv4Addr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use brokerd_domain::{
    Broker, Clock, DownLink, EngineType, Entropy, InstallationId, Intent, Lease, Next, Protocol,
    Timestamp, VerdictKind,
};
use brokerd_store::{Allocation, CertificateAuthority, Names, StoreError, Work};
use secrecy::ExposeSecret;
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;

use crate::{
    catalogue::{Catalogue, Image},
    engine::{Blueprint, Sizing, engine},
    health::Probe,
    materials::{self, Materials, Means},
    metrics::{Metrics, StepLabels, StepOutcome},
    plan::{Desired, FaultStep, Plan, Seen, Step, not_rebooted, plan, refuse, retry, taken_over},
    port::ReconcileStore,
    report::{changes, report, unreachable_runtime},
    resolve::Resolution,
    rsa_keys::RsaKeys,
    running::no_image,
    runtime::{Capacity, Disturbance, Runtime, RuntimeErrorClass},
    secrets::SecretSource,
    step_error::StepError,
    tls,
};

/// How many times a pass may start over at once before others get their turn.
const MOST_ROUNDS: usize = 30;

/// How endpoints are given out.
#[derive(Debug, Clone)]
pub struct EndpointSettings {
    /// The host that clients are told; none: the runtime knows at which address of its host both programs and
    /// brokers reach it, and otherwise it is loopback.
    pub advertised_host: Option<String>,
    /// The IPv4 address of each instance's endpoints, which is reported for ActiveMQ; the host if that is one.
    pub ip_address: Option<Ipv4Addr>,
    /// The ports to choose from.
    pub ports: std::ops::RangeInclusive<u16>,
    /// The domain below which brokers get host names of their own, and the standard ports, instead.
    pub domain: Option<String>,
}

/// Tells whether nobody outside brokerd uses a port.
pub type PortCheck = dyn Fn(u16) -> bool + Send + Sync;

/// What every pass needs.
pub struct Context {
    /// The store.
    pub store: Arc<dyn ReconcileStore>,
    /// Where instances run.
    pub runtime: Arc<dyn Runtime>,
    /// Who asks the engines.
    pub probe: Arc<dyn Probe>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// Whose objects these are.
    pub installation: InstallationId,
    /// Who issues certificates.
    pub authority: CertificateAuthority,
    /// Where brokers' RSA keys come from.
    pub rsa_keys: Arc<dyn RsaKeys>,
    /// Where that comes from which configurations name by ARN.
    pub secrets: Arc<dyn SecretSource>,
    /// Which image runs what.
    pub catalogue: Catalogue,
    /// How tiers are mapped.
    pub sizing: Sizing,
    /// How endpoints are given out.
    pub endpoints: EndpointSettings,
    /// Whether a port can be had.
    pub port_is_free: Box<PortCheck>,
    /// What is counted.
    pub metrics: Metrics,
    /// What the host has; asked once.
    pub capacity: OnceCell<Capacity>,
    /// What is behind the images' names now, as far as it was looked at.
    pub images: Mutex<BTreeMap<String, String>>,
    /// Cancelled when this process stops: passes end after the round they are in.
    pub stopping: CancellationToken,
}

/// How a pass ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passed {
    /// How things stand; none: the broker is gone, and its lease with it.
    pub verdict: Option<(VerdictKind, Next)>,
}

impl Context {
    /// Brings one broker as far as it gets without waiting.
    ///
    /// # Errors
    /// [`StepError::LeaseLost`] and [`StepError::Store`]; everything else ends in a verdict.
    pub async fn pass(&self, lease: &Lease) -> Result<Passed, StepError> {
        for _ in 0..MOST_ROUNDS {
            let Some(work) = self.store.load(lease).await? else {
                return Ok(Passed { verdict: None });
            };
            let (kind, next, forgotten) = self.round(lease, &work).await?;
            if forgotten {
                return Ok(Passed { verdict: None });
            }
            if next != Next::Now || self.stopping.is_cancelled() {
                return Ok(Passed { verdict: Some((kind, next)) });
            }
        }
        Ok(Passed {
            verdict: Some((VerdictKind::Progressing, Next::After(Duration::from_millis(500)))),
        })
    }

    async fn round(
        &self,
        lease: &Lease,
        work: &Work,
    ) -> Result<(VerdictKind, Next, bool), StepError> {
        let broker = &work.broker;
        let capacity = match self.capacity.get_or_try_init(|| self.runtime.capacity()).await {
            Ok(capacity) => *capacity,
            Err(error) => {
                let blind = unreachable_runtime(broker, &error);
                self.record(lease, broker, &blind, None, None).await?;
                return Ok((blind.kind, blind.next, false));
            }
        };
        // Otherwise what can't be reached from here would be taken for what does not answer.
        if broker.intent == Intent::Run
            && let Err(error) = self.runtime.ensure_reachable(broker.id).await
        {
            let blind = unreachable_runtime(broker, &error);
            self.record(lease, broker, &blind, None, None).await?;
            return Ok((blind.kind, blind.next, false));
        }
        let (materials, damaged) = match parse_materials(work) {
            Ok(materials) => (materials, None),
            Err(why) => (None, Some(why)),
        };
        let supervision = self.supervision(work, materials.as_ref(), capacity);
        let observer = supervision.observer(self, work, self.clock.now());
        let seen = observer.observe(broker).await;
        let image_id = self.image_id(work);
        let decide = |desired: &Desired| {
            let now = self.clock.now();
            plan(&supervision.subject(work, desired, image_id.as_deref(), now), &seen, now)
        };
        let mut plan = decide(&Desired::Unrendered);
        if plan.needs_rendering {
            let desired = match damaged {
                Some(why) => Desired::Unsupported(why),
                None => match self.desired(lease, work, materials.as_ref(), capacity).await? {
                    Some(desired) => desired,
                    None => return Ok((VerdictKind::Progressing, Next::Now, false)),
                },
            };
            plan = decide(&desired);
        }
        let links = observer.links(broker, &seen).await;
        self.carry_out(lease, work, &seen, plan, links.as_deref()).await
    }

    /// When the authority ends; one that can't be read issues nothing that lasts longer than anything.
    pub(crate) fn authority_end(&self) -> Timestamp {
        tls::authority_end(&self.authority).unwrap_or(Timestamp::from_micros(0))
    }

    /// The runtime's own name for what is behind the name of the broker's image now, if that is known.
    pub fn image_id(&self, work: &Work) -> Option<String> {
        let image = self.image(work)?;
        let known = self.images.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&image.reference()).cloned()
    }

    /// Renders what should be there; none: something was fetched and stored for that, so that it has to be loaded
    /// again.
    async fn desired(
        &self,
        lease: &Lease,
        work: &Work,
        materials: Option<&Materials>,
        capacity: Capacity,
    ) -> Result<Option<Desired>, StepError> {
        let broker = &work.broker;
        let Some(image) = self.image(work) else {
            return Ok(Some(Desired::Unsupported(no_image(broker))));
        };
        if self.image_is_gone(work, image).await {
            let why = format!("there is no image {} on this host", image.reference());
            return Ok(Some(Desired::Unsupported(why)));
        }
        match self.resolve(lease, work, materials).await? {
            Resolution::Nothing => {}
            Resolution::Stored => return Ok(None),
            Resolution::Refused(why) => return Ok(Some(Desired::Unsupported(why))),
        }
        let is_outdated = |m: &Materials| m.is_outdated(self.authority_end(), self.clock.now());
        let outdated = broker.is_rebooting() && materials.is_some_and(is_outdated);
        let Some(materials) = materials.filter(|m| !outdated && m.cover(&work.users, image)) else {
            return Ok(Some(Desired::Undecided));
        };
        let blueprint = self.blueprint(work, materials, image, capacity);
        Ok(Some(match engine(broker.spec.engine_type).desired(&blueprint) {
            Ok(mut specs) => {
                let former = self.former_image(work, image);
                specs.iter_mut().for_each(|spec| spec.former_image.clone_from(&former));
                Desired::Instances(specs)
            }
            Err(unsupported) => Desired::Unsupported(unsupported.0),
        }))
    }

    fn blueprint<'a>(
        &'a self,
        work: &'a Work,
        materials: &'a Materials,
        image: &'a Image,
        capacity: Capacity,
    ) -> Blueprint<'a> {
        Blueprint {
            installation: &self.installation,
            broker: &work.broker,
            users: &work.users,
            ldap_password: work.ldap_password.as_ref(),
            configuration: &work.configuration,
            materials,
            image,
            sizing: self.sizing,
            capacity,
        }
    }

    async fn carry_out(
        &self,
        lease: &Lease,
        work: &Work,
        seen: &Seen,
        plan: Plan,
        links: Option<&[DownLink]>,
    ) -> Result<(VerdictKind, Next, bool), StepError> {
        let broker = &work.broker;
        let announce = plan.sentence != broker.status.sentence;
        if announce {
            tracing::info!(broker.id = %broker.id, verdict = plan.kind.as_str(), "{}", plan.sentence);
        }
        for step in &plan.steps {
            tracing::debug!(broker.id = %broker.id, "{step}");
            match self.execute(lease, work, step).await {
                Ok(()) => self.count(StepOutcome::Done),
                Err(error @ (StepError::LeaseLost | StepError::Store(_))) => return Err(error),
                Err(error) => {
                    let failed = self.step_failed(broker, &plan, step, &error);
                    tracing::warn!(broker.id = %broker.id, "{}", failed.sentence);
                    for step in &failed.steps {
                        self.execute(lease, work, step).await?;
                    }
                    self.record(lease, broker, &failed, failed.completes, links).await?;
                    return Ok((failed.kind, failed.next, false));
                }
            }
            if matches!(step, Step::Forget) {
                return Ok((plan.kind, plan.next, true));
            }
        }
        let completion = plan.completes;
        if let Some(runs) = self.newly_running(work, seen, completion.is_some()).await {
            self.store.save_running_engine(lease, broker.spec.engine_type, &runs).await?;
        }
        self.record(lease, broker, &plan, completion, links).await?;
        Ok((plan.kind, plan.next, false))
    }

    fn count(&self, outcome: StepOutcome) {
        self.metrics.steps.get_or_create(&StepLabels { outcome }).inc();
    }

    /// A step that can't work ends the creation of a broker that never ran; one that ran goes back to what it
    /// was before the reboot that asks for it, or, where there is nothing to go back to, is not rebooted.
    fn step_failed(&self, broker: &Broker, plan: &Plan, step: &Step, error: &StepError) -> Plan {
        let mut failed = plan.clone();
        failed.steps.clear();
        failed.completes = None;
        failed.conditions = None;
        failed.sentence = format!("can't {step}: {error}");
        let never_ran = broker.status.observed_generation.is_none()
            && broker.intent == Intent::Run
            && broker.status.failure.is_none();
        let (outcome, kind, next) = match error {
            StepError::Transient(_) | StepError::LeaseLost | StepError::Store(_) => {
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
                (failed.sentence, failed.steps) = (refused.sentence, refused.steps);
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

    async fn execute(&self, lease: &Lease, work: &Work, step: &Step) -> Result<(), StepError> {
        match step {
            Step::AllocateEndpoints => self.allocate(lease, &work.broker).await?,
            Step::IssueMaterials => self.issue(lease, work).await?,
            Step::Apply(spec) => {
                self.runtime.apply(spec).await?;
            }
            Step::Start(_, id) => {
                self.metrics.engine_restarts.inc();
                self.runtime.start(id).await?;
            }
            Step::Restart(_, id) => {
                self.metrics.engine_restarts.inc();
                self.runtime.restart(id).await?;
            }
            Step::Stop(_, id, grace) => {
                self.runtime.stop(id, *grace).await?;
            }
            Step::Remove(ordinal, volumes) => {
                let name = crate::runtime::InstanceName {
                    installation: self.installation.clone(),
                    broker: work.broker.id,
                    ordinal: *ordinal,
                };
                self.runtime.remove(&name, *volumes).await?;
            }
            Step::SetLimits(_, id, limits) => {
                self.runtime.set_limits(id, *limits).await?;
            }
            Step::SetTargets(targets) => self.store.set_targets(lease, targets).await?,
            Step::GiveUpPending(why) => {
                self.store.give_up_pending(lease, why, self.clock.now()).await?;
            }
            Step::Fault(step) => self.see_to_fault(lease, step).await?,
            Step::Forget => self.store.forget(lease).await?,
        }
        Ok(())
    }

    async fn see_to_fault(&self, lease: &Lease, step: &FaultStep) -> Result<(), StepError> {
        let now = self.clock.now();
        match step {
            FaultStep::Strike(fault, struck) => {
                self.store.strike_fault(lease, fault, struck, now).await?;
                self.metrics.count_fault(fault.spec.kind);
            }
            FaultStep::Inject(_, id, disturbance) => {
                self.runtime.inject(id, *disturbance).await?;
            }
            FaultStep::Heal(_, id, disturbance) => {
                match self.runtime.heal(id, *disturbance).await {
                    // What is gone is not disturbed any more. A disk is still there, for another container.
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

    async fn allocate(&self, lease: &Lease, broker: &Broker) -> Result<(), StoreError> {
        let engine = broker.spec.engine_type;
        let host = self.endpoints.advertised_host.clone().unwrap_or_else(|| {
            self.runtime.host_address().unwrap_or(Ipv4Addr::LOCALHOST.into()).to_string()
        });
        let allocation = Allocation {
            instances: match engine {
                EngineType::ActiveMq => broker.spec.deployment_mode.instances(),
                // A RabbitMQ cluster is one endpoint in front of its nodes.
                EngineType::RabbitMq => 1,
            },
            protocols: Protocol::of(engine),
            ip_address: self
                .endpoints
                .ip_address
                .or_else(|| host.parse().ok())
                .map(|ip| ip.to_string()),
            host,
            ports: self.endpoints.ports.clone(),
            names: self.endpoints.domain.clone().map(|domain| Names {
                broker: broker.id,
                engine,
                region: broker.scope.region.clone(),
                domain,
            }),
        };
        self.store.allocate_endpoints(lease, &allocation, &*self.port_is_free).await?;
        Ok(())
    }

    async fn issue(&self, lease: &Lease, work: &Work) -> Result<(), StepError> {
        let broker = &work.broker;
        let spec = &broker.spec;
        let image = self.image(work).ok_or_else(|| StepError::Rejected(no_image(broker)))?;
        let (now, users, entropy) = (self.clock.now(), &work.users, &*self.entropy);
        let former = parse_materials(work).map_err(StepError::Rejected)?;
        let is_outdated = |m: &Materials| m.is_outdated(self.authority_end(), now);
        let in_force = former.as_ref().is_some_and(|m| !(broker.is_rebooting() && is_outdated(m)));
        let issued = match former {
            Some(former) if in_force => Ok(former.with_passwords(users, image, entropy)),
            former => {
                let rsa_key = self.rsa_keys.take().await;
                let rsa_key = rsa_key.map_err(|error| StepError::Transient(error.to_string()))?;
                let authority = &self.authority;
                let means = Means { authority, rsa_key: &rsa_key, now, entropy };
                match former {
                    Some(former) => materials::renew(former, means, broker, users, image),
                    None => materials::issue(means, broker, users, image)
                        .map(|new| Materials { own_disk: self.sizing.sized_volumes, ..new }),
                }
            }
        };
        let mut issued = issued.map_err(|error| StepError::Rejected(error.to_string()))?;
        if issued.seed.is_none() {
            let unknown = Capacity { memory_bytes: u64::MAX, cpus: 1 };
            let capacity = self.capacity.get().copied().unwrap_or(unknown);
            let blueprint = self.blueprint(work, &issued, image, capacity);
            let seed = engine(spec.engine_type).seed(&blueprint);
            issued.seed = seed.map_err(|unsupported| StepError::Rejected(unsupported.0))?;
        }
        self.save(lease, &issued).await
    }

    pub(crate) async fn save(&self, lease: &Lease, materials: &Materials) -> Result<(), StepError> {
        let bytes = serde_json::to_vec(materials).map_err(|error| {
            StepError::Rejected(format!("the materials can't be written: {error}"))
        })?;
        Ok(self.store.save_materials(lease, &bytes).await?)
    }

    async fn record(
        &self,
        lease: &Lease,
        broker: &Broker,
        plan: &Plan,
        completion: Option<crate::plan::Completion>,
        links: Option<&[DownLink]>,
    ) -> Result<(), StepError> {
        let report = report(broker, plan, completion, links, self.clock.now());
        if changes(&broker.status, &report, plan.next) {
            self.store.record(lease, &report).await?;
            self.metrics.count_links(&broker.status.links_down, &report.links_down);
            if taken_over(broker, &report.conditions).is_some() {
                self.metrics.failovers.inc();
            }
        }
        Ok(())
    }
}

/// The materials, if the broker has any. What can't be read is issued again only where nothing was made with it yet:
/// the nodes of a cluster know each other by it.
///
/// # Errors
/// Why what is stored of the broker can't be read.
fn parse_materials(work: &Work) -> Result<Option<Materials>, String> {
    let broker = &work.broker;
    if let Some(why) = &work.unreadable {
        return Err(why.clone());
    }
    let Some(bytes) = work.materials.as_ref() else { return Ok(None) };
    match serde_json::from_slice(bytes.expose_secret()) {
        Ok(materials) => Ok(Some(materials)),
        Err(error) if broker.status.observed_generation.is_none() => {
            tracing::error!(broker.id = %broker.id, %error, "the stored materials can't be read; issuing new ones");
            Ok(None)
        }
        Err(error) => Err(format!("the broker's stored materials are damaged: {error}")),
    }
}
