//! The table of routes, and the changes from one table to the next.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use brokerd_domain::{BrokerId, Latency, Protocol};
use brokerd_store::{Entrance, Route};

use crate::admission::Admission;

/// The broker. When it changes, all sessions end, so that no client of one broker reaches another's engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) broker: BrokerId,
    pub(crate) ordinal: u8,
    pub(crate) protocol: Protocol,
}

/// What is known of a route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RouteEntry {
    pub(crate) owner: Owner,
    pub(crate) public: bool,
    pub(crate) address: Option<Ipv4Addr>,
    pub(crate) standard_ports: Vec<u16>,
    pub(crate) admission: Admission,
    pub(crate) targets: Targets,
    pub(crate) latency: Option<Latency>,
}

/// The engines that a route connects to; none: new connections are held.
pub(crate) type Targets = Arc<[SocketAddr]>;

/// How clients reach a route. A host name has a route for each standard port, because each has another protocol.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum RouteKey {
    /// By a port of its own.
    Port(u16),
    /// By this name on this standard port.
    Name(String, u16),
}

/// The routes, by how clients reach them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RoutingTable(BTreeMap<RouteKey, RouteEntry>);

/// One difference between two tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    /// Stop accepting and end all sessions.
    Close(RouteKey),
    /// Accept clients.
    Open(RouteKey, RouteEntry),
    /// Connect new clients to these, end the sessions of other targets.
    SetTargets(RouteKey, Targets),
    /// Admit new clients by this.
    SetAdmission(RouteKey, Admission),
    /// Delay bytes by this, those of open sessions too.
    SetLatency(RouteKey, Option<Latency>),
}

impl RoutingTable {
    /// The table of these routes. Of two with the same key, which the store does not allow, the first counts.
    pub(crate) fn new<'a>(routes: impl IntoIterator<Item = &'a Route>) -> Self {
        let mut entries = BTreeMap::new();
        for route in routes {
            let entry = RouteEntry {
                owner: Owner {
                    broker: route.broker,
                    ordinal: route.target.ordinal,
                    protocol: route.target.protocol,
                },
                public: route.public,
                address: route.address,
                standard_ports: route.standard_ports.clone(),
                admission: Admission {
                    limit: route.connection_limit.and_then(|limit| usize::try_from(limit).ok()),
                    rules: route.admitted.clone(),
                },
                targets: route.target.addresses.clone().into(),
                latency: route.latency,
            };
            match &route.entrance {
                Entrance::Port(port) => {
                    entries.entry(RouteKey::Port(*port)).or_insert(entry);
                }
                Entrance::Name(name) => {
                    for port in &route.standard_ports {
                        // A rule for one of the ports admits nobody to the others.
                        let entry = RouteEntry { standard_ports: vec![*port], ..entry.clone() };
                        let key = RouteKey::Name(name.to_ascii_lowercase(), *port);
                        entries.entry(key).or_insert(entry);
                    }
                }
            }
        }
        Self(entries)
    }

    /// `part`, the routes of `brokers`, without the keys that other brokers have in this table.
    pub(crate) fn without_conflicts(&self, brokers: &BTreeSet<BrokerId>, mut part: Self) -> Self {
        part.0.retain(|key, _| {
            self.0.get(key).is_none_or(|entry| brokers.contains(&entry.owner.broker))
        });
        part
    }

    /// Removes the routes of `brokers` and returns them.
    pub(crate) fn take(&mut self, brokers: &BTreeSet<BrokerId>) -> Self {
        let taken = self.0.extract_if(.., |_, entry| brokers.contains(&entry.owner.broker));
        Self(taken.collect())
    }

    /// Adds routes.
    pub(crate) fn put(&mut self, mut part: Self) {
        self.0.append(&mut part.0);
    }

    /// The routes with host names, each with its standard port.
    pub(crate) fn named(&self) -> impl Iterator<Item = (u16, &RouteEntry)> {
        self.0.iter().filter_map(|(key, entry)| match key {
            RouteKey::Name(_, port) => Some((*port, entry)),
            RouteKey::Port(_) => None,
        })
    }

    /// The changes from this table to `next`. Closes come first, because `next` may have the same port or name for another
    /// owner.
    pub(crate) fn changes_to(&self, next: &Self) -> Vec<Change> {
        let mut closed = Vec::new();
        let mut others = Vec::new();
        for (key, entry) in &self.0 {
            let Some(new) = next.0.get(key) else {
                closed.push(Change::Close(key.clone()));
                continue;
            };
            let reopen = new.owner != entry.owner
                || new.public != entry.public
                || new.address != entry.address
                || new.standard_ports != entry.standard_ports;
            if reopen {
                closed.push(Change::Close(key.clone()));
                others.push(Change::Open(key.clone(), new.clone()));
                continue;
            }
            if new.admission != entry.admission {
                others.push(Change::SetAdmission(key.clone(), new.admission.clone()));
            }
            if new.targets != entry.targets {
                others.push(Change::SetTargets(key.clone(), new.targets.clone()));
            }
            if new.latency != entry.latency {
                others.push(Change::SetLatency(key.clone(), new.latency));
            }
        }
        for (key, entry) in &next.0 {
            if !self.0.contains_key(key) {
                others.push(Change::Open(key.clone(), entry.clone()));
            }
        }
        closed.extend(others);
        closed
    }
}

#[cfg(test)]
mod tests {
    use brokerd_domain::Target;

    use super::*;

    fn route(broker: u128, port: u16, public: bool, target: Option<u16>) -> Route {
        Route {
            broker: uuid::Uuid::from_u128(broker).into(),
            entrance: Entrance::Port(port),
            standard_ports: vec![5671],
            public,
            connection_limit: None,
            admitted: None,
            address: None,
            target: Target {
                ordinal: 1,
                protocol: Protocol::Amqp,
                addresses: target
                    .map(|port| (Ipv4Addr::LOCALHOST, port).into())
                    .into_iter()
                    .collect(),
            },
            latency: None,
        }
    }

    fn changes(old: &[Route], new: &[Route]) -> Vec<Change> {
        RoutingTable::new(old).changes_to(&RoutingTable::new(new))
    }

    fn entry(route: &Route) -> RouteEntry {
        RoutingTable::new(std::slice::from_ref(route)).0.into_values().next().expect("an entry")
    }

    #[test]
    fn the_same_table_changes_nothing() {
        let routes = [route(1, 10, false, Some(1)), route(1, 11, true, None)];
        assert_eq!(changes(&routes, &routes), []);
        assert_eq!(changes(&[], &[]), []);
    }

    #[test]
    fn a_new_route_opens_and_a_missing_one_closes() {
        let old = route(1, 10, false, Some(1));
        let new = route(2, 11, true, Some(2));
        let expected =
            [Change::Close(RouteKey::Port(10)), Change::Open(RouteKey::Port(11), entry(&new))];
        assert_eq!(changes(&[old], &[new]), expected);
    }

    #[test]
    fn another_target_moves_the_route_without_closing_it() {
        let old = route(1, 10, false, Some(1));
        let moved = route(1, 10, false, Some(2));
        let nowhere = route(1, 10, false, None);
        let there = moved.target.addresses.clone().into();
        assert_eq!(
            changes(std::slice::from_ref(&old), &[moved]),
            [Change::SetTargets(RouteKey::Port(10), there)]
        );
        assert_eq!(
            changes(&[old], &[nowhere]),
            [Change::SetTargets(RouteKey::Port(10), [].into())]
        );
    }

    #[test]
    fn another_limit_or_rule_changes_the_admission_only() {
        let old = route(1, 10, false, Some(1));
        let new = Route { connection_limit: Some(7), admitted: Some(Vec::new()), ..old.clone() };
        let admission = Admission { limit: Some(7), rules: Some(Vec::new()) };
        assert_eq!(changes(&[old], &[new]), [Change::SetAdmission(RouteKey::Port(10), admission)]);
    }

    #[test]
    fn a_name_is_found_on_each_of_its_ports_in_lower_case() {
        let mut named = route(1, 10, true, Some(1));
        named.entrance = Entrance::Name("B.Example".to_owned());
        named.standard_ports = vec![443, 15671];
        let table = RoutingTable::new(&[named]);
        let keys: Vec<_> = table.0.keys().cloned().collect();
        let name = |port| RouteKey::Name("b.example".to_owned(), port);
        assert_eq!(keys, [name(443), name(15671)]);
        let named: Vec<_> = table.named().map(|(port, entry)| (port, entry.public)).collect();
        assert_eq!(named, [(443, true), (15671, true)]);
    }

    #[test]
    fn latency_comes_and_goes_without_touching_anything_else() {
        let old = route(1, 10, false, Some(1));
        let latency = Some(Latency { milliseconds: 200, jitter_milliseconds: 0 });
        let late = Route { latency, ..old.clone() };
        let changed = changes(std::slice::from_ref(&old), std::slice::from_ref(&late));
        assert_eq!(changed, [Change::SetLatency(RouteKey::Port(10), latency)]);
        assert_eq!(changes(&[late], &[old]), [Change::SetLatency(RouteKey::Port(10), None)]);
    }

    #[test]
    fn another_owner_or_reach_opens_the_port_anew() {
        let old = route(1, 10, false, Some(1));
        for new in [route(2, 10, false, Some(1)), route(1, 10, true, Some(1))] {
            let expected =
                [Change::Close(RouteKey::Port(10)), Change::Open(RouteKey::Port(10), entry(&new))];
            assert_eq!(changes(std::slice::from_ref(&old), &[new]), expected);
        }
    }

    #[test]
    fn ports_are_freed_before_others_are_opened() {
        let old = [route(1, 20, false, None), route(1, 30, false, None)];
        let new = [route(2, 10, false, None), route(2, 20, false, None)];
        let changes = changes(&old, &new);
        assert_eq!(
            changes[..2],
            [Change::Close(RouteKey::Port(20)), Change::Close(RouteKey::Port(30))]
        );
        assert_eq!(changes.len(), 4);
    }

    #[test]
    fn a_part_of_the_table_is_replaced_without_touching_the_rest_of_it() {
        let others = route(1, 10, false, Some(1));
        let mut table = RoutingTable::new(&[others.clone(), route(2, 20, false, None)]);
        let moved = [route(2, 10, false, Some(2)), route(2, 21, false, Some(2))];
        let brokers = BTreeSet::from([moved[0].broker]);
        let part = table.without_conflicts(&brokers, RoutingTable::new(&moved));
        let taken = table.take(&brokers);
        let opened = Change::Open(RouteKey::Port(21), entry(&moved[1]));
        assert_eq!(taken.changes_to(&part), [Change::Close(RouteKey::Port(20)), opened]);
        table.put(part);
        assert_eq!(table, RoutingTable::new(&[others, moved[1].clone()]));
    }

    #[test]
    fn of_two_routes_with_one_port_the_first_counts() {
        let first = route(1, 10, false, Some(1));
        let second = route(2, 10, false, Some(2));
        assert_eq!(RoutingTable::new(&[first.clone(), second]), RoutingTable::new(&[first]));
    }
}
