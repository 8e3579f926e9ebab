//! Everything that is pure, or plays in a simulated world: no engine, no database, no clock but the simulated one.

mod attention;
mod aws_endpoints;
mod capacity;
mod client_certificates;
mod cluster_faults;
mod cluster_properties;
mod cluster_rendering;
mod directories;
mod faults;
mod history;
mod injected_faults;
mod injected_into_clusters;
mod injected_into_disks;
mod injected_into_pairs;
mod materials;
mod metrics_pages;
mod named_by_arn;
mod out_of_memory;
mod own_disks;
mod pair_properties;
mod plan_properties;
mod processor_shares;
mod queue;
mod rendering;
mod reported;
mod specification;
mod supervision;
mod watching;

#[expect(unreachable_pub, reason = "other programs include it, too")]
#[path = "../example/mod.rs"]
mod example;
#[expect(dead_code, unreachable_pub, reason = "the conformance of runtimes uses the rest")]
#[path = "../world/mod.rs"]
mod world;
