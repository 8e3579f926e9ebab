//! What is rendered for the nodes of a RabbitMQ cluster, byte for byte.
//!
//! `UPDATE_GOLDEN=1 cargo test -p brokerd-provisioner --test it cluster_rendering` writes the goldens anew.

use crate::example::{Example, golden_of};
use brokerd_domain::{DeploymentMode, EngineType, instance::InstanceSpec};

#[test]
fn every_version_of_a_cluster_is_rendered_as_in_its_golden() {
    for version in ["3.10", "4.0", "4.3"] {
        let example = cluster(version);
        let nodes = example.render_all().expect("rendered");
        let ordinals: Vec<u8> = nodes.iter().map(|node| node.name.ordinal).collect();
        assert_eq!(ordinals, [1, 2, 3]);
        golden_of(&nodes[0], &format!("rabbitmq-{version}-cluster"));
        for node in &nodes {
            // They know each other by names and cookie, and differ in nothing but their own.
            assert_eq!(node.files, nodes[0].files);
            assert_eq!(node.hostname, format!("{}-{}", example.broker.id, node.name.ordinal));
            let conf = node.files.iter().find(|f| f.path == "rabbitmq.conf").expect("there");
            let conf = String::from_utf8(conf.content.clone()).expect("text");
            let peer = format!("nodes.{} = rabbit@{}\n", node.name.ordinal, node.hostname);
            assert!(conf.contains(&peer), "{peer} is not in {conf}");
        }
        let digests: Vec<_> = nodes.iter().map(InstanceSpec::digest).collect();
        assert!(digests[0] != digests[1] && digests[1] != digests[2]);
    }
}

fn cluster(version: &str) -> Example {
    let mut example = Example::new(EngineType::RabbitMq, version, "mq.m7g.large");
    example.broker.spec.deployment_mode = DeploymentMode::ClusterMultiAz;
    example
}
