//! What to do when one table of routes follows another, decided without doing it.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
};

use brokerd_domain::{BrokerId, IngressRule, Latency, Protocol};
use brokerd_store::{Entrance, Route};

/// Whose entrance it is. Another owner's clients must never meet the old owner's sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) broker: BrokerId,
    pub(crate) ordinal: u8,
    pub(crate) protocol: Protocol,
}

/// Who gets in, and how many.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Gate {
    /// How many connections at a time; none: as many as come.
    pub(crate) limit: Option<usize>,
    /// Whom one of these lets in; none: everybody.
    pub(crate) admitted: Option<Vec<IngressRule>>,
}

impl Gate {
    /// Whether this peer may connect to an endpoint that the service has on one of these ports.
    pub(crate) fn admits(&self, peer: IpAddr, ports: &[u16]) -> bool {
        self.admitted.as_ref().is_none_or(|rules| rules.iter().any(|rule| rule.admits(peer, ports)))
    }
}

/// What an entrance is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) owner: Owner,
    pub(crate) public: bool,
    pub(crate) address: Option<Ipv4Addr>,
    pub(crate) standard_ports: Vec<u16>,
    pub(crate) gate: Gate,
    pub(crate) targets: Targets,
    pub(crate) latency: Option<Latency>,
}

/// The engines a route leads to; none: new connections wait.
pub(crate) type Targets = Arc<[SocketAddr]>;

/// How clients find a line. A name has a line for each port, because on each another protocol is spoken.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    /// By a port of its own.
    Port(u16),
    /// By this name on this standard port.
    Name(String, u16),
}

/// The routes by entrance.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Table(BTreeMap<Key, Line>);

/// One difference between two tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    /// Let nobody in any more, end the sessions.
    Close(Key),
    /// Let clients in.
    Open(Key, Line),
    /// Lead new connections there, end the sessions that lead elsewhere.
    Retarget(Key, Targets),
    /// Judge new connections by this.
    Regate(Key, Gate),
    /// Deliver bytes that much later from now on, those of sessions under way too.
    Delay(Key, Option<Latency>),
}

impl Table {
    /// The table of these routes. Of two with the same entrance, which the store does not allow, the
    /// first counts.
    pub(crate) fn new<'a>(routes: impl IntoIterator<Item = &'a Route>) -> Self {
        let mut lines = BTreeMap::new();
        for route in routes {
            let line = Line {
                owner: Owner {
                    broker: route.broker,
                    ordinal: route.target.ordinal,
                    protocol: route.target.protocol,
                },
                public: route.public,
                address: route.address,
                standard_ports: route.standard_ports.clone(),
                gate: Gate {
                    limit: route.connection_limit.and_then(|limit| usize::try_from(limit).ok()),
                    admitted: route.admitted.clone(),
                },
                targets: route.target.addresses.clone().into(),
                latency: route.latency,
            };
            match &route.entrance {
                Entrance::Port(port) => {
                    lines.entry(Key::Port(*port)).or_insert(line);
                }
                Entrance::Name(name) => {
                    for port in &route.standard_ports {
                        // A rule that speaks of one of them does not speak of the other.
                        let line = Line { standard_ports: vec![*port], ..line.clone() };
                        let key = Key::Name(name.to_ascii_lowercase(), *port);
                        lines.entry(key).or_insert(line);
                    }
                }
            }
        }
        Self(lines)
    }

    /// What of `part`, the routes of these brokers, can be in force beside the routes of the others: an entrance that
    /// somebody else has is not theirs.
    pub(crate) fn fitting(&self, brokers: &BTreeSet<BrokerId>, mut part: Self) -> Self {
        part.0.retain(|key, _| {
            self.0.get(key).is_none_or(|line| brokers.contains(&line.owner.broker))
        });
        part
    }

    /// Takes the lines of these brokers out.
    pub(crate) fn take(&mut self, brokers: &BTreeSet<BrokerId>) -> Self {
        let taken = self.0.extract_if(.., |_, line| brokers.contains(&line.owner.broker));
        Self(taken.collect())
    }

    /// Puts lines in.
    pub(crate) fn put(&mut self, mut part: Self) {
        self.0.append(&mut part.0);
    }

    /// The lines that are found by name, each with its standard port.
    pub(crate) fn shared(&self) -> impl Iterator<Item = (u16, &Line)> {
        self.0.iter().filter_map(|(key, line)| match key {
            Key::Name(_, port) => Some((*port, line)),
            Key::Port(_) => None,
        })
    }

    /// What leads from this table to `next`. What frees an entrance comes first, because `next` may want
    /// it for somebody else.
    pub(crate) fn changes_to(&self, next: &Self) -> Vec<Change> {
        let mut closed = Vec::new();
        let mut others = Vec::new();
        for (key, line) in &self.0 {
            let Some(new) = next.0.get(key) else {
                closed.push(Change::Close(key.clone()));
                continue;
            };
            let reopen = new.owner != line.owner
                || new.public != line.public
                || new.address != line.address
                || new.standard_ports != line.standard_ports;
            if reopen {
                closed.push(Change::Close(key.clone()));
                others.push(Change::Open(key.clone(), new.clone()));
                continue;
            }
            if new.gate != line.gate {
                others.push(Change::Regate(key.clone(), new.gate.clone()));
            }
            if new.targets != line.targets {
                others.push(Change::Retarget(key.clone(), new.targets.clone()));
            }
            if new.latency != line.latency {
                others.push(Change::Delay(key.clone(), new.latency));
            }
        }
        for (key, line) in &next.0 {
            if !self.0.contains_key(key) {
                others.push(Change::Open(key.clone(), line.clone()));
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
        Table::new(old).changes_to(&Table::new(new))
    }

    fn line(route: &Route) -> Line {
        Table::new(std::slice::from_ref(route)).0.into_values().next().expect("a line")
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
        let expected = [Change::Close(Key::Port(10)), Change::Open(Key::Port(11), line(&new))];
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
            [Change::Retarget(Key::Port(10), there)]
        );
        assert_eq!(changes(&[old], &[nowhere]), [Change::Retarget(Key::Port(10), [].into())]);
    }

    #[test]
    fn another_limit_or_rule_changes_the_gate_only() {
        let old = route(1, 10, false, Some(1));
        let new = Route { connection_limit: Some(7), admitted: Some(Vec::new()), ..old.clone() };
        let gate = Gate { limit: Some(7), admitted: Some(Vec::new()) };
        assert_eq!(changes(&[old], &[new]), [Change::Regate(Key::Port(10), gate)]);
    }

    #[test]
    fn a_name_is_found_on_each_of_its_ports_in_lower_case() {
        let mut named = route(1, 10, true, Some(1));
        named.entrance = Entrance::Name("B.Example".to_owned());
        named.standard_ports = vec![443, 15671];
        let table = Table::new(&[named]);
        let keys: Vec<_> = table.0.keys().cloned().collect();
        let name = |port| Key::Name("b.example".to_owned(), port);
        assert_eq!(keys, [name(443), name(15671)]);
        let shared: Vec<_> = table.shared().map(|(port, line)| (port, line.public)).collect();
        assert_eq!(shared, [(443, true), (15671, true)]);
    }

    #[test]
    fn latency_comes_and_goes_without_touching_anything_else() {
        let old = route(1, 10, false, Some(1));
        let latency = Some(Latency { milliseconds: 200, jitter_milliseconds: 0 });
        let late = Route { latency, ..old.clone() };
        let changed = changes(std::slice::from_ref(&old), std::slice::from_ref(&late));
        assert_eq!(changed, [Change::Delay(Key::Port(10), latency)]);
        assert_eq!(changes(&[late], &[old]), [Change::Delay(Key::Port(10), None)]);
    }

    #[test]
    fn another_owner_or_reach_opens_the_port_anew() {
        let old = route(1, 10, false, Some(1));
        for new in [route(2, 10, false, Some(1)), route(1, 10, true, Some(1))] {
            let expected = [Change::Close(Key::Port(10)), Change::Open(Key::Port(10), line(&new))];
            assert_eq!(changes(std::slice::from_ref(&old), &[new]), expected);
        }
    }

    #[test]
    fn ports_are_freed_before_others_are_opened() {
        let old = [route(1, 20, false, None), route(1, 30, false, None)];
        let new = [route(2, 10, false, None), route(2, 20, false, None)];
        let changes = changes(&old, &new);
        assert_eq!(changes[..2], [Change::Close(Key::Port(20)), Change::Close(Key::Port(30))]);
        assert_eq!(changes.len(), 4);
    }

    #[test]
    fn a_part_of_the_table_is_replaced_without_touching_the_rest_of_it() {
        let others = route(1, 10, false, Some(1));
        let mut table = Table::new(&[others.clone(), route(2, 20, false, None)]);
        let moved = [route(2, 10, false, Some(2)), route(2, 21, false, Some(2))];
        let brokers = BTreeSet::from([moved[0].broker]);
        let part = table.fitting(&brokers, Table::new(&moved));
        let taken = table.take(&brokers);
        let opened = Change::Open(Key::Port(21), line(&moved[1]));
        assert_eq!(taken.changes_to(&part), [Change::Close(Key::Port(20)), opened]);
        table.put(part);
        assert_eq!(table, Table::new(&[others, moved[1].clone()]));
    }

    #[test]
    fn of_two_routes_with_one_port_the_first_counts() {
        let first = route(1, 10, false, Some(1));
        let second = route(2, 10, false, Some(2));
        assert_eq!(Table::new(&[first.clone(), second]), Table::new(&[first]));
    }
}
