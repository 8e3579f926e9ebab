//! Instances: containers that an engine runs in.
//!
//! What one is to be is an [`InstanceSpec`], which the configuration of its broker is rendered to; what a runtime tells
//! of it is an [`InstanceStatus`]. Plans compare the two.

mod spec;
mod status;

pub use self::{
    spec::{
        FormerImage, InjectedFile, InstanceName, InstanceSpec, Limits, SpecDigest, VolumeSpec,
        host_name,
    },
    status::{ContainerState, Disturbance, InstanceStatus, RuntimeId, Volumes},
};
