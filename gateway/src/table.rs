//! What to do when one table of routes follows another, decided without doing it.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc};

use brokerd_domain::{BrokerId, Latency, Protocol};
use brokerd_store::Route;

/// Whose port it is. Another owner's clients must never meet the old owner's sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) broker: BrokerId,
    pub(crate) ordinal: u8,
    pub(crate) protocol: Protocol,
}

/// What a port is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) owner: Owner,
    pub(crate) public: bool,
    pub(crate) targets: Targets,
    pub(crate) latency: Option<Latency>,
}

/// The engines a route leads to; none: new connections wait.
pub(crate) type Targets = Arc<[SocketAddr]>;

/// The routes by port.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Table(BTreeMap<u16, Line>);

/// One difference between two tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    /// Stop listening, end the sessions.
    Close(u16),
    /// Start listening.
    Open(u16, Line),
    /// Lead new connections there, end the sessions that lead elsewhere.
    Retarget(u16, Targets),
    /// Deliver bytes that much later from now on, those of sessions under way too.
    Delay(u16, Option<Latency>),
}

impl Table {
    /// The table of these routes. Of two with the same port, which the store does not allow, the
    /// first counts.
    pub(crate) fn new(routes: &[Route]) -> Self {
        let mut lines = BTreeMap::new();
        for route in routes {
            lines.entry(route.port).or_insert(Line {
                owner: Owner {
                    broker: route.broker,
                    ordinal: route.target.ordinal,
                    protocol: route.target.protocol,
                },
                public: route.public,
                targets: route.target.addresses.clone().into(),
                latency: route.latency,
            });
        }
        Self(lines)
    }

    /// What leads from this table to `next`. What frees a port comes first, because `next` may want
    /// the port for somebody else.
    pub(crate) fn changes_to(&self, next: &Self) -> Vec<Change> {
        let mut closed = Vec::new();
        let mut others = Vec::new();
        for (port, line) in &self.0 {
            match next.0.get(port) {
                None => closed.push(Change::Close(*port)),
                Some(new) if new.owner != line.owner || new.public != line.public => {
                    closed.push(Change::Close(*port));
                    others.push(Change::Open(*port, new.clone()));
                }
                Some(new) => {
                    if new.targets != line.targets {
                        others.push(Change::Retarget(*port, new.targets.clone()));
                    }
                    if new.latency != line.latency {
                        others.push(Change::Delay(*port, new.latency));
                    }
                }
            }
        }
        for (port, line) in &next.0 {
            if !self.0.contains_key(port) {
                others.push(Change::Open(*port, line.clone()));
            }
        }
        closed.extend(others);
        closed
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use brokerd_store::Target;

    use super::*;

    fn route(broker: u128, port: u16, public: bool, target: Option<u16>) -> Route {
        Route {
            broker: uuid::Uuid::from_u128(broker).into(),
            port,
            public,
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
        Table::new(std::slice::from_ref(route)).0[&route.port].clone()
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
        let expected = [Change::Close(10), Change::Open(11, line(&new))];
        assert_eq!(changes(&[old], &[new]), expected);
    }

    #[test]
    fn another_target_moves_the_route_without_closing_it() {
        let old = route(1, 10, false, Some(1));
        let moved = route(1, 10, false, Some(2));
        let nowhere = route(1, 10, false, None);
        let there = moved.target.addresses.clone().into();
        assert_eq!(changes(std::slice::from_ref(&old), &[moved]), [Change::Retarget(10, there)]);
        assert_eq!(changes(&[old], &[nowhere]), [Change::Retarget(10, [].into())]);
    }

    #[test]
    fn latency_comes_and_goes_without_touching_anything_else() {
        let old = route(1, 10, false, Some(1));
        let latency = Some(Latency { milliseconds: 200, jitter_milliseconds: 0 });
        let late = Route { latency, ..old.clone() };
        let changed = changes(std::slice::from_ref(&old), std::slice::from_ref(&late));
        assert_eq!(changed, [Change::Delay(10, latency)]);
        assert_eq!(changes(&[late], &[old]), [Change::Delay(10, None)]);
    }

    #[test]
    fn another_owner_or_reach_opens_the_port_anew() {
        let old = route(1, 10, false, Some(1));
        for new in [route(2, 10, false, Some(1)), route(1, 10, true, Some(1))] {
            let expected = [Change::Close(10), Change::Open(10, line(&new))];
            assert_eq!(changes(std::slice::from_ref(&old), &[new]), expected);
        }
    }

    #[test]
    fn ports_are_freed_before_others_are_opened() {
        let old = [route(1, 20, false, None), route(1, 30, false, None)];
        let new = [route(2, 10, false, None), route(2, 20, false, None)];
        let changes = changes(&old, &new);
        assert_eq!(changes[..2], [Change::Close(20), Change::Close(30)]);
        assert_eq!(changes.len(), 4);
    }

    #[test]
    fn of_two_routes_with_one_port_the_first_counts() {
        let first = route(1, 10, false, Some(1));
        let second = route(2, 10, false, Some(2));
        assert_eq!(Table::new(&[first.clone(), second]), Table::new(&[first]));
    }
}
