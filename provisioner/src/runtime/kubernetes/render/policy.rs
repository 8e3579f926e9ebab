//! Who reaches the instances of a broker, and what they reach.
//!
//! Policies only permit: what one of them permits, no other one forbids. So an instance that is cut off leaves the
//! selection of the one, and is in that of another, which permits nothing.

use std::net::IpAddr;

use brokerd_domain::{BrokerId, Cidr, InstallationId};
use serde_json::{Value, json};

use crate::runtime::{
    kubernetes::labels,
    outgoing::{HostService, Outgoing},
};

/// All addresses.
const ALL: [&str; 2] = ["0.0.0.0/0", "::/0"];

/// Who is beside the instances.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Neighbours {
    /// The namespace of brokerd's own pods, if it runs in the cluster.
    pub(crate) brokerd_namespace: Option<String>,
    /// From where brokerd and its gateways come otherwise.
    pub(crate) clients: Vec<Cidr>,
}

impl Neighbours {
    /// brokerd's own pods.
    fn brokerd(&self) -> Option<Value> {
        let namespace = self.brokerd_namespace.as_ref()?;
        Some(json!({
            "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": namespace } },
            "podSelector": { "matchLabels": { labels::NAME: labels::BROKERD } },
        }))
    }
}

/// The policy of a broker's instances. Engines connect to each other, to what `outgoing` permits and, if the broker is
/// limited, to no more than `limit`; to names, and to brokerd's gateway, by which they reach other brokers. No
/// `outgoing`: to everything.
pub(crate) fn policy(
    installation: &InstallationId,
    broker: BrokerId,
    neighbours: &Neighbours,
    outgoing: Option<&Outgoing>,
    limit: Option<&[Cidr]>,
) -> Value {
    let of_broker = labels::of_broker(installation, broker);
    let peers = json!({ "podSelector": { "matchLabels": of_broker } });
    let clients = neighbours.clients.iter().map(|range| block(&range.to_string(), &[]));
    let from: Vec<_> =
        [peers.clone()].into_iter().chain(neighbours.brokerd()).chain(clients).collect();
    let mut spec = json!({
        "podSelector": {
            "matchLabels": of_broker,
            "matchExpressions": [{ "key": labels::ISOLATED, "operator": "DoesNotExist" }],
        },
        "policyTypes": ["Ingress"],
        "ingress": [{ "from": from }],
    });
    if outgoing.is_some() || limit.is_some() {
        let names = [("UDP", 53), ("TCP", 53)]
            .map(|(protocol, port)| json!({ "protocol": protocol, "port": port }));
        let mut rules = vec![json!({ "to": [peers] }), json!({ "ports": names })];
        rules.extend(neighbours.brokerd().map(|brokerd| endpoints(&brokerd, outgoing)));
        let blocks = blocks(outgoing, limit);
        // A rule that names nobody would permit everybody.
        if !blocks.is_empty() {
            rules.push(json!({ "to": blocks }));
        }
        rules.extend(outgoing.into_iter().flat_map(services));
        spec["egress"] = rules.into();
        spec["policyTypes"] = json!(["Ingress", "Egress"]);
    }
    object(&labels::broker_name(broker), installation, broker, &spec)
}

/// The policy of what is cut off: nobody and nothing.
pub(crate) fn isolation(installation: &InstallationId, broker: BrokerId) -> Value {
    let of_broker = labels::of_broker(installation, broker);
    let spec = json!({
        "podSelector": {
            "matchLabels": of_broker,
            "matchExpressions": [{ "key": labels::ISOLATED, "operator": "Exists" }],
        },
        "policyTypes": ["Ingress", "Egress"],
    });
    object(&labels::isolation_name(broker), installation, broker, &spec)
}

fn object(name: &str, installation: &InstallationId, broker: BrokerId, spec: &Value) -> Value {
    json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": { "name": name, "labels": labels::of_broker(installation, broker) },
        "spec": spec,
    })
}

fn block(range: &str, except: &[String]) -> Value {
    if except.is_empty() {
        json!({ "ipBlock": { "cidr": range } })
    } else {
        json!({ "ipBlock": { "cidr": range, "except": except } })
    }
}

/// The endpoints of brokers, at the gateway's own ports.
fn endpoints(brokerd: &Value, outgoing: Option<&Outgoing>) -> Value {
    let ports = outgoing.map_or(&[][..], |outgoing| &outgoing.endpoint_ports);
    let ports: Vec<_> = ports
        .iter()
        .map(|range| json!({ "protocol": "TCP", "port": range.start(), "endPort": range.end() }))
        .collect();
    let mut rule = json!({ "to": [brokerd] });
    if !ports.is_empty() {
        rule["ports"] = ports.into();
    }
    rule
}

/// The ranges that engines may connect to, less what is excepted.
fn blocks(outgoing: Option<&Outgoing>, limit: Option<&[Cidr]>) -> Vec<Value> {
    let everywhere: Vec<Cidr> = ALL.iter().filter_map(|range| range.parse().ok()).collect();
    let never = Outgoing::NEVER.iter().filter_map(|range| range.parse().ok());
    let denied: Vec<Cidr> =
        outgoing.map_or(&[][..], |o| &o.denied).iter().copied().chain(never).collect();
    let allowed = outgoing.and_then(|outgoing| outgoing.allowed.as_ref()).unwrap_or(&everywhere);
    let allowed: Vec<Cidr> = match limit {
        None => allowed.clone(),
        Some(limit) => {
            allowed.iter().flat_map(|one| limit.iter().filter_map(|o| both(*one, *o))).collect()
        }
    };
    let is_denied = |range: &Cidr| denied.iter().any(|denied| denied.covers(*range));
    allowed
        .iter()
        .filter(|range| !is_denied(range))
        .map(|range| {
            let within = denied.iter().filter(|denied| range.covers(**denied));
            let except: Vec<_> = within.map(ToString::to_string).collect();
            block(&range.to_string(), &except)
        })
        .collect()
}

/// What is in both of two ranges.
fn both(one: Cidr, other: Cidr) -> Option<Cidr> {
    if one.covers(other) { Some(other) } else { other.covers(one).then_some(one) }
}

/// Services that the operator names. A port without an address is one of the host of the engines, of which there are
/// many here: it names nothing.
fn services(outgoing: &Outgoing) -> impl Iterator<Item = Value> {
    outgoing.host_services.iter().filter_map(|service| match service {
        HostService::At(address) => {
            let length = match address.ip() {
                IpAddr::V4(_) => 32,
                IpAddr::V6(_) => 128,
            };
            let range = format!("{}/{length}", address.ip());
            let port = json!({ "protocol": "TCP", "port": address.port() });
            Some(json!({ "to": [block(&range, &[])], "ports": [port] }))
        }
        HostService::Anywhere(_) => None,
    })
}
