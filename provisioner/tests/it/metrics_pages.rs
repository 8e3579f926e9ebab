//! The metrics pages of RabbitMQ's nodes: their addresses, and where these lead.

use brokerd_domain::{BrokerId, EngineType, Protocol};

use crate::world::driver::Simulation;

/// The nodes that the pages lead to, by the pages' own nodes, as far as they lead anywhere.
fn led(sim: &Simulation, id: BrokerId) -> Vec<(u8, u8)> {
    let row = sim.row(id).expect("it is there");
    let world = sim.world.lock().expect("not poisoned");
    let pages = row.targets.iter().filter_map(|t| Some((t.protocol.metrics_of_node()?, t)));
    pages
        .flat_map(|(page, target)| target.addresses.iter().map(move |address| (page, *address)))
        .map(|(page, address)| (page, world.containers.at(address).expect("a node").ordinal))
        .collect()
}

/// As an earlier brokerd made it.
fn without_pages(sim: &Simulation, id: BrokerId) {
    sim.store.request(id, |row| {
        row.targets.retain(|target| target.protocol.metrics_of_node().is_none());
        for instance in &mut row.broker.instances {
            instance.endpoints.retain(|e| e.protocol.metrics_of_node().is_none());
        }
    });
}

fn pages(sim: &Simulation, id: BrokerId) -> usize {
    let row = sim.row(id).expect("it is there");
    let endpoints = row.broker.instances.iter().flat_map(|instance| &instance.endpoints);
    endpoints.filter(|e| e.protocol.metrics_of_node().is_some()).count()
}

#[tokio::test]
async fn each_page_of_a_cluster_leads_to_its_node() {
    let sim = Simulation::new();
    let id = sim.create_cluster();
    sim.settle().await;
    assert_eq!(led(&sim, id), [(1, 1), (2, 2), (3, 3)]);
    let row = sim.row(id).expect("it is there");
    let amqp = row.targets.iter().find(|t| t.protocol == Protocol::Amqp).expect("an endpoint");
    assert_eq!(amqp.addresses.len(), 3, "clients have all of them");
}

#[tokio::test]
async fn a_broker_of_an_earlier_brokerd_gets_its_pages_with_its_next_reboot_and_keeps_its_addresses()
 {
    for cluster in [false, true] {
        let sim = Simulation::new();
        let id = if cluster { sim.create_cluster() } else { sim.create(EngineType::RabbitMq) };
        sim.settle().await;
        let nodes = if cluster { 3 } else { 1 };
        assert_eq!(pages(&sim, id), nodes);
        without_pages(&sim, id);
        let before = sim.row(id).expect("it is there").broker.instances;
        sim.settle().await;
        assert_eq!(pages(&sim, id), 0, "what runs is left alone");
        sim.reboot(id);
        sim.settle().await;
        let after = sim.row(id).expect("it is there").broker.instances;
        assert_eq!(after[0].endpoints[..2], before[0].endpoints);
        assert_eq!((pages(&sim, id), led(&sim, id).len()), (nodes, nodes));
    }
}
