//! The disk size of instances, and the choice that clusters of RabbitMQ have.

use super::{
    engine::{DeploymentMode, EngineType, EngineVersion},
    instance_type::HostInstanceType,
    instance_type_table::StorageRange,
};
use crate::kernel::Error;

/// Sizes come in steps of this many gigabytes.
const STEP: u32 = 5;

/// How large the disk of each instance is, in bytes; a pair has one together.
///
/// Source: "Broker storage" and "Broker instance types" of the developer guide.
pub(crate) fn storage_bytes(
    host: HostInstanceType,
    mode: DeploymentMode,
    chosen: Option<u32>,
) -> u64 {
    match host.cluster_storage().filter(|_| mode == DeploymentMode::ClusterMultiAz) {
        Some(range) => u64::from(chosen.unwrap_or(range.least_gb)) << 30,
        None => host.store_bytes(),
    }
}

/// Reads `storageSize`, in gigabytes; 0 stands for the default of the instance type, which comes back
/// as none because the service does not show it either.
///
/// # Errors
/// A 400 on `storageSize` when the broker has no such choice or the size is outside its range.
pub(crate) fn parse(
    size: i64,
    engine: EngineType,
    version: EngineVersion,
    mode: DeploymentMode,
    host: HostInstanceType,
) -> Result<Option<u32>, Error> {
    let refuse = |message: String| Err(Error::bad_request("storageSize", message));
    let has_choice = engine == EngineType::RabbitMq
        && version >= EngineVersion::new(4, 2)
        && mode == DeploymentMode::ClusterMultiAz;
    let Some(StorageRange { least_gb: least, most_gb: most }) =
        host.cluster_storage().filter(|_| has_choice)
    else {
        return refuse(format!(
            "[storageSize] is supported only for broker engine type [RabbitMQ] version 4.2 or later with deployment mode [{}] on mq.m7g instance types.",
            DeploymentMode::ClusterMultiAz
        ));
    };
    match u32::try_from(size) {
        Ok(0) => Ok(None),
        Ok(size) if size == *least => Ok(None),
        Ok(size) if size % STEP == 0 && (*least..=*most).contains(&size) => Ok(Some(size)),
        Ok(_) | Err(_) => refuse(format!(
            "Storage size [{size}] is invalid for host instance type [{host}]. Specify a multiple of [{STEP}] from [{least}] to [{most}]."
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn medium(size: i64) -> Result<Option<u32>, Error> {
        let host = HostInstanceType::from_name("mq.m7g.medium").expect("known");
        let (engine, mode) = (EngineType::RabbitMq, DeploymentMode::ClusterMultiAz);
        parse(size, engine, EngineVersion::new(4, 2), mode, host)
    }

    #[test]
    fn disks_have_the_size_of_the_tier_unless_the_nodes_of_a_cluster_have_another_one() {
        use DeploymentMode::{ActiveStandbyMultiAz, ClusterMultiAz, SingleInstance};
        for (name, mode, chosen, gigabytes) in [
            ("mq.t3.micro", SingleInstance, None, 20),
            ("mq.m5.large", ActiveStandbyMultiAz, None, 200),
            ("mq.m7g.medium", SingleInstance, None, 200),
            ("mq.m5.large", ClusterMultiAz, None, 200),
            ("mq.m7g.medium", ClusterMultiAz, None, 5),
            ("mq.m7g.medium", ClusterMultiAz, Some(25), 25),
        ] {
            let host = HostInstanceType::from_name(name).expect("known");
            let size = storage_bytes(host, mode, chosen);
            assert_eq!(size, gigabytes << 30, "{name} {mode}");
        }
    }

    #[test]
    fn sizes_are_multiples_of_five_within_the_tiers_range() {
        assert_eq!(medium(10), Ok(Some(10)));
        assert_eq!(medium(25), Ok(Some(25)));
        assert_eq!(medium(0), Ok(None));
        assert_eq!(medium(5), Ok(None));
        for wrong in [-5, 1, 12, 30, i64::MAX] {
            assert!(medium(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_clusters_of_rabbitmq_from_4_2_on_have_a_choice() {
        let host = |name| HostInstanceType::from_name(name).expect("known");
        let (rabbit, cluster) = (EngineType::RabbitMq, DeploymentMode::ClusterMultiAz);
        let (old, new) = (EngineVersion::new(4, 0), EngineVersion::new(4, 3));
        let single = DeploymentMode::SingleInstance;
        assert!(parse(10, rabbit, new, cluster, host("mq.m7g.medium")).is_ok());
        assert!(parse(10, rabbit, old, cluster, host("mq.m7g.medium")).is_err());
        assert!(parse(10, rabbit, new, single, host("mq.m7g.medium")).is_err());
        assert!(parse(10, EngineType::ActiveMq, new, single, host("mq.m5.large")).is_err());
    }
}
