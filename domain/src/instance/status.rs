//! What an instance is, and what may be done to it.

use std::{collections::BTreeMap, net::SocketAddr};

use super::{Limits, SpecDigest};
use crate::{Generation, Timestamp};

/// A runtime's own name for a container: it changes when the container is replaced.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuntimeId(pub String);

/// What a container is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContainerState {
    /// Made, never started; its files may be missing.
    Created,
    /// Running since then.
    Running {
        /// When it was last started.
        since: Timestamp,
    },
    /// Paused: it holds what it holds and answers nothing.
    Paused,
    /// Ended.
    Exited {
        /// The exit code.
        code: i64,
        /// Whether it ran out of memory.
        out_of_memory: bool,
        /// The last lines it printed, when it is known.
        last_log_lines: String,
    },
}

/// A container as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceStatus {
    /// Its id.
    pub id: RuntimeId,
    /// The digest of the spec it was made from.
    pub digest: SpecDigest,
    /// The generation it was made for.
    pub generation: Generation,
    /// The reboot it embodies.
    pub reboot: u32,
    /// The runtime's own name for the image it was made from: another one when the image is built anew. None where the
    /// runtime does not tell.
    pub image_id: Option<String>,
    /// What it is doing.
    pub state: ContainerState,
    /// Where the engine's ports can be reached from here; empty unless it runs and is in its broker's network. They
    /// may be others after every start.
    pub addresses: BTreeMap<u16, SocketAddr>,
    /// What it may use.
    pub limits: Limits,
    /// Whether its data is on a disk of its own, which has the size of its tier.
    pub own_disk: bool,
    /// The host that it is on, if that says no more what it does: it may run or not, and nothing can be done to it.
    pub silent_host: Option<String>,
}

/// What becomes of an instance's volumes when it is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Volumes {
    /// Those that are marked so stay.
    Keep,
    /// All go; what the broker's instances share, and its network, with the last of them.
    Delete,
}

/// What a fault does to a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disturbance {
    /// It ends at once.
    Killed,
    /// It stands still, and holds what it holds.
    Paused,
    /// It is cut off the network, at once or in a moment; none of its addresses is published. Where the network keeps the
    /// connections that there are, new ones are refused.
    Isolated,
    /// The disk that its data is on is full. That is the disk's, whatever becomes of the container; what has no disk
    /// of its own can't be filled.
    Filled {
        /// How many bytes are left.
        leave: u64,
    },
}
