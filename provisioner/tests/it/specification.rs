//! The specification of an instance, for tests in which only its identity, ports and limits matter.

use std::time::Duration;

use brokerd_domain::{
    Broker, Timestamp,
    instance::{InstanceName, InstanceSpec, Limits},
};
use brokerd_provisioner::plan::Step;

/// The time of all property tests.
pub(crate) const NOW: Timestamp = Timestamp::from_micros(1_790_000_000_000_000);

/// What an instance may use while it serves.
pub(crate) const LIMITS: Limits = Limits {
    memory_bytes: 1 << 30,
    nano_cpus: 1_000_000_000,
    cpu_shares: Limits::SERVING_SHARES,
    pids: 512,
};

/// An instance of a broker that listens on these ports.
pub(crate) fn specification(broker: &Broker, ordinal: u8, ports: &[u16]) -> InstanceSpec {
    InstanceSpec {
        name: InstanceName {
            installation: "test".parse().expect("valid"),
            broker: broker.id,
            ordinal,
        },
        generation: broker.generation,
        reboot: broker.reboots_requested,
        instances: broker.spec.deployment_mode.instances(),
        hostname: format!("h{ordinal}"),
        image: "i".to_owned(),
        former_image: None,
        user: (1, 1),
        owns_data: true,
        command: Vec::new(),
        environment: Vec::new(),
        ports: ports.to_vec(),
        volumes: Vec::new(),
        disk_bytes: None,
        tmpfs: Vec::new(),
        files: Vec::new(),
        limits: LIMITS,
        open_files: 1,
        stop_grace: Duration::from_secs(1),
    }
}

/// Whether something is done to an instance by that.
pub(crate) fn is_about(step: &Step, ordinal: u8) -> bool {
    match step {
        Step::Stop(of, ..) | Step::Start(of, _) | Step::Restart(of, _) | Step::Remove(of, _) => {
            *of == ordinal
        }
        Step::Apply(spec) => spec.name.ordinal == ordinal,
        _ => false,
    }
}
