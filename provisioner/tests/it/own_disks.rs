//! What is rendered for a broker whose data is on disks of its own.

use crate::example::{Example, GIB};
use brokerd_domain::{DeploymentMode, EngineType, instance::InstanceSpec};

fn with_disk(kind: EngineType, version: &str, host: &str) -> Example {
    let mut example = Example::new(kind, version, host);
    example.materials.own_disk = true;
    example
}

#[test]
fn a_broker_without_the_decision_has_no_disk_of_its_own() {
    let mut example = Example::new(EngineType::RabbitMq, "4.3", "mq.m7g.medium");
    // What is decided when a broker is created holds, whatever is set for others later.
    example.sizing.sized_volumes = true;
    assert_eq!(example.render().expect("rendered").disk_bytes, None);
}

#[test]
fn the_size_of_a_disk_is_no_reason_for_another_container() {
    let spec = with_disk(EngineType::RabbitMq, "4.3", "mq.m7g.medium").render().expect("rendered");
    assert_eq!(spec.disk_bytes, Some(200 * GIB));
    let larger = InstanceSpec { disk_bytes: Some(400 * GIB), ..spec.clone() };
    assert_eq!(larger.digest(), spec.digest());
}

#[test]
fn rabbitmq_keeps_as_much_free_as_the_service() {
    for (host, mode, chosen, size, free) in [
        ("mq.m7g.medium", DeploymentMode::SingleInstance, None, 200, 10),
        ("mq.m7g.medium", DeploymentMode::ClusterMultiAz, None, 5, 2),
        ("mq.m7g.medium", DeploymentMode::ClusterMultiAz, Some(20), 20, 2),
        ("mq.m7g.16xlarge", DeploymentMode::ClusterMultiAz, None, 345, 2),
    ] {
        let mut example = with_disk(EngineType::RabbitMq, "4.3", host);
        // Disks are not scaled, and neither is what is kept free of them.
        example.sizing.scale = 0.25;
        example.broker.spec.deployment_mode = mode;
        example.broker.spec.storage_size = chosen;
        for node in example.render_all().expect("rendered") {
            assert_eq!(node.disk_bytes, Some(size * GIB), "{host} {mode}");
            let conf = node.files.iter().find(|f| f.path == "rabbitmq.conf").expect("there");
            let conf = String::from_utf8(conf.content.clone()).expect("text");
            let limit = format!("\ndisk_free_limit.absolute = {}\n", free * GIB);
            assert!(conf.contains(&limit), "{limit} is not in {conf}");
        }
    }
}

#[test]
fn activemq_shares_its_disk_between_messages_and_its_temporary_store() {
    for (host, gigabytes) in [("mq.t3.micro", 25), ("mq.m5.large", 250)] {
        let example = with_disk(EngineType::ActiveMq, "5.19", host);
        let size = example.render().expect("rendered").disk_bytes.expect("a disk");
        assert!((gigabytes * GIB..gigabytes * GIB * 103 / 100).contains(&size), "{size}");
        let text = example.text("activemq.xml");
        for wanted in [
            "schedulePeriodForDiskUsageCheck=\"1000\"",
            "diskUsageCheckRegrowThreshold=\"0\"",
            "<storeUsage percentLimit=\"80\"/>",
            "<tempUsage percentLimit=\"20\"/>",
            "preallocationStrategy=\"chunked_zeros\"",
        ] {
            assert!(text.contains(wanted), "{wanted} is not in {text}");
        }
    }
    let mut example = with_disk(EngineType::ActiveMq, "5.19", "mq.t3.micro");
    example.configuration = r#"<broker xmlns="http://activemq.apache.org/schema/core">
        <persistenceAdapter><kahaDB preallocationStrategy="zeros"/></persistenceAdapter></broker>"#
        .to_owned();
    let text = example.text("activemq.xml");
    assert!(text.contains("preallocationStrategy=\"zeros\""), "the owner's choice: {text}");
}
