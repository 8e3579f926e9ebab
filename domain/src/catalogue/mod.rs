//! The catalogue: engines and their versions, instance types, and which of them go together.

mod advisory;
mod engine;
mod instance_type;
mod instance_type_table;
mod offering;
mod running_engine;
mod stand_in;
pub(crate) mod storage_size;
pub(crate) mod upgrade;

pub use advisory::{Advisory, EngineModules, NotAVersion, PatchVersion, WITHOUT_LAUNCHER};
pub use engine::{AuthenticationStrategy, DeploymentMode, EngineType, EngineVersion, StorageType};
pub use instance_type::{HostInstanceType, instance_types};
pub use instance_type_table::{ClusterLimits, QueueLimits, VhostLimits};
pub use offering::{InstanceOption, Offerings};
pub use running_engine::RunningEngine;
pub use stand_in::{InvalidStandIn, StandIns};
