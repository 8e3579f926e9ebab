//! What runs instances.
//!
//! The trait speaks of one instance at a time and is small enough for Docker and Kubernetes alike. Networks and volumes
//! are a runtime's own affair: they come with [`Runtime::apply`] and go with [`Runtime::remove`]. There is no `exec`,
//! because not every runtime has one: health and commands go over the network to the engine's own ports.
//!
//! Every operation is idempotent. What is stopped or restarted is addressed by the id that was
//! seen, never by name, so that a worker that slept can only hit what it saw.
//!
//! What the trait promises is tried out on every runtime alike, and on the simulated one that the planner is
//! tested with: `tests/runtime_conformance`.

pub mod connect;
mod directories;
pub mod docker;
mod failure;
mod images;
pub mod kubernetes;
mod last_log_lines;
mod made_from;
pub mod outgoing;
pub mod registry;
mod statistics;

use std::{net::IpAddr, time::Duration};

use async_trait::async_trait;
use brokerd_domain::{
    BrokerId, Timestamp,
    instance::{
        Disturbance, InstanceName, InstanceSpec, InstanceStatus, Limits, RuntimeId, Volumes,
    },
    log::LogSource,
};
use futures_util::stream::BoxStream;

pub use self::images::{ImageInfo, Pulled};
pub use self::statistics::{BlockOperations, ContainerStatistics, NetworkBytes};

use crate::runtime::registry::RegistryLogin;

/// Whether an operation found something to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ensured {
    /// It was not there.
    Created,
    /// It was there and is different now.
    Updated,
    /// It was as wanted already.
    AlreadyRight,
}

/// A line that a container has printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// To which output.
    pub source: LogSource,
    /// When, in nanoseconds since 1970. The lines of one output are in order, unless the host's clock is set back.
    pub at: i64,
    /// Without its end; what is beyond [`LogLine::MAX_LENGTH`] bytes is left out.
    pub text: String,
}

impl LogLine {
    /// The longest line.
    ///
    /// Source: the largest event of CloudWatch Logs, 256 KiB with 26 bytes for itself.
    pub const MAX_LENGTH: usize = 256 * 1024 - 26;
}

/// What the host has; of several hosts, what the largest of them has, since an instance is on one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capacity {
    /// Memory in bytes.
    pub memory_bytes: u64,
    /// Processors.
    pub cpus: u32,
    /// The memory of all hosts together, in bytes.
    pub all_memory_bytes: u64,
}

impl Capacity {
    /// The capacity of one host.
    pub const fn of_a_host(memory_bytes: u64, cpus: u32) -> Self {
        Self { memory_bytes, cpus, all_memory_bytes: memory_bytes }
    }
}

/// What of ours the runtime has, of whatever kind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RuntimeObject {
    /// The broker it belongs to.
    pub broker: BrokerId,
    /// The instance, unless it belongs to the whole broker.
    pub ordinal: Option<u8>,
}

/// What to do about a failed operation; the only thing a caller looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuntimeErrorClass {
    /// The same call may work later.
    Transient,
    /// An operator has to act first: an image is missing, or a permission is.
    Blocked,
    /// The request can never work.
    Rejected,
    /// The addressed object is gone.
    Gone,
    /// A newer generation has been here.
    Stale,
}

/// A runtime did not do it.
#[derive(Debug, thiserror::Error)]
#[error("{operation}: {message}")]
pub struct RuntimeError {
    /// What to do about it.
    pub class: RuntimeErrorClass,
    /// The operation.
    pub operation: &'static str,
    /// What the runtime said.
    pub message: String,
}

/// Runs the instances of one installation, and neither sees nor touches those of another one.
///
/// A runtime that can't be asked answers [`RuntimeErrorClass::Transient`] to whatever it is asked, never that
/// something is not there. Whatever is addressed by an id that is not there any more, because its container was
/// removed or replaced, is [`RuntimeErrorClass::Gone`], and nothing happens. An operation that found nothing to do
/// is [`Ensured::AlreadyRight`]. Nothing has to be remembered: another process reads all of it back.
#[async_trait]
pub trait Runtime: Send + Sync + 'static {
    /// The address of this process's host at which both its own processes and instances reach it, if there is
    /// one that other machines don't.
    fn host_address(&self) -> Option<IpAddr>;

    /// What the host has.
    async fn capacity(&self) -> Result<Capacity, RuntimeError>;

    /// The image of that name, if it is there.
    async fn image(&self, reference: &str) -> Result<Option<ImageInfo>, RuntimeError>;

    /// Fetches the image of that name from its registry, and notes in `pulled` how far that is. With a
    /// `digest`, exactly that content is fetched, and has the name afterwards. It takes as long as it takes, but
    /// fails once nothing moves any more.
    async fn pull(
        &self,
        reference: &str,
        digest: Option<&str>,
        login: Option<&RegistryLogin>,
        pulled: &Pulled,
    ) -> Result<(), RuntimeError>;

    /// Makes the container be there with its network, volumes and files, and running: [`Ensured::Created`]. A
    /// container that was made but never started is completed, which is the same. One that has ended is started,
    /// its kept volumes as they are, with the files of the spec in the others: [`Ensured::Updated`]. One that runs or is paused is left alone.
    ///
    /// Kept volumes that are there are taken as they are. Instances of a broker find each other by their host
    /// names. Of two calls at once, one may fail as [`RuntimeErrorClass::Transient`], and one container is made.
    ///
    /// # Errors
    /// A container of another digest is [`RuntimeErrorClass::Rejected`], because replacing is the caller's decision;
    /// one that was made for a newer generation, [`RuntimeErrorClass::Stale`]. An image that is not there is
    /// [`RuntimeErrorClass::Blocked`], in words that name it.
    async fn apply(&self, spec: &InstanceSpec) -> Result<Ensured, RuntimeError>;

    /// Makes the addresses that [`Runtime::status`] gives reachable from here: a process in a container joins
    /// the broker's network. Does nothing where they are reachable already, or the broker has no network.
    async fn ensure_reachable(&self, broker: BrokerId) -> Result<Ensured, RuntimeError> {
        let _ = broker;
        Ok(Ensured::AlreadyRight)
    }

    /// The container, if there is one. Changes nothing. Of one that has ended it tells the exit code, as a shell
    /// does (137 after a kill), and whether its memory did not suffice, which may be told a moment later, and is not
    /// told where the engine missed it.
    async fn status(&self, name: &InstanceName) -> Result<Option<InstanceStatus>, RuntimeError>;

    /// Everything of this installation, each object once and in order: instances of which a container or a volume of
    /// their own is left, and brokers of which a network or a volume is left that their instances share.
    async fn list(&self) -> Result<Vec<RuntimeObject>, RuntimeError>;

    /// Everything of a broker, as [`Runtime::list`] tells it. Not to be found in the list of all, where there are thousands.
    async fn list_of(&self, broker: BrokerId) -> Result<Vec<RuntimeObject>, RuntimeError> {
        let all = self.list().await?;
        Ok(all.into_iter().filter(|object| object.broker == broker).collect())
    }

    /// Brokers whose instances changed from this call on: started, ended, paused, thawed or removed. A hint: events
    /// may be lost and repeated. The stream ends when the connection does.
    async fn watch(&self) -> Result<BoxStream<'static, BrokerId>, RuntimeError>;

    /// The lines that a container has printed since then, and with `follow` those that it prints from now on, until it has
    /// ended: all of them, in the order of each output, those of earlier starts too as far as the runtime keeps them. It
    /// keeps as many megabytes of a container's output as its settings say, and none of a container that is removed; whoever
    /// follows it gets the rest.
    async fn logs(
        &self,
        id: &RuntimeId,
        since: Timestamp,
        follow: bool,
    ) -> Result<BoxStream<'static, Result<LogLine, RuntimeError>>, RuntimeError>;

    /// What a container that runs or is paused has used since it was started. One that has not, or has ended, is
    /// [`RuntimeErrorClass::Transient`].
    async fn statistics(&self, id: &RuntimeId) -> Result<ContainerStatistics, RuntimeError>;

    /// Starts an ended container, in its broker's network. One that is paused is not started, which is
    /// [`RuntimeErrorClass::Transient`].
    async fn start(&self, id: &RuntimeId) -> Result<Ensured, RuntimeError>;

    /// Kills a container if it runs or is paused, and starts it, in its broker's network.
    async fn restart(&self, id: &RuntimeId) -> Result<Ensured, RuntimeError>;

    /// Stops a container in an orderly way, killing it after `grace`; without any, or when it is paused, it is
    /// killed. It has ended when this returns.
    async fn stop(&self, id: &RuntimeId, grace: Duration) -> Result<Ensured, RuntimeError>;

    /// Changes the limits of a container as it runs; they outlast its restarts. Processor time is limited to what
    /// the host has, here as in [`Runtime::apply`].
    async fn set_limits(&self, id: &RuntimeId, limits: Limits) -> Result<Ensured, RuntimeError>;

    /// Removes the instance, its container by force; nothing there is fine. With the last instance of a broker,
    /// [`Volumes::Delete`] removes its network and what its instances share.
    async fn remove(&self, name: &InstanceName, volumes: Volumes) -> Result<Ensured, RuntimeError>;

    /// Disturbs a container on purpose; one that has ended is left alone, except for its disk. To fill the disk of
    /// one that has none of its own is [`RuntimeErrorClass::Rejected`].
    async fn inject(
        &self,
        id: &RuntimeId,
        disturbance: Disturbance,
    ) -> Result<Ensured, RuntimeError>;

    /// Undoes what [`Runtime::inject`] did, as far as it lasts; it starts nothing.
    async fn heal(&self, id: &RuntimeId, disturbance: Disturbance)
    -> Result<Ensured, RuntimeError>;

    /// Whether [`Disturbance::Filled`] is in force for the disk of a container.
    async fn is_filled(&self, id: &RuntimeId) -> Result<bool, RuntimeError>;
}
