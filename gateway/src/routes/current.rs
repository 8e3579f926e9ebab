//! The routes in force: the table as last read; what of it was unreadable stays as it was before.

use std::collections::{BTreeMap, BTreeSet};

use brokerd_domain::BrokerId;
use brokerd_store::{Route, RouteChanges, RouteTable, UnreadableRoute};

/// The routes in force, by broker.
#[derive(Debug, Default)]
pub(crate) struct CurrentRoutes {
    routes: BTreeMap<BrokerId, Vec<Route>>,
    unreadable: Vec<UnreadableRoute>,
}

impl CurrentRoutes {
    /// The routes of a cached table.
    pub(crate) fn of(routes: Vec<Route>) -> Self {
        Self { routes: by_broker(routes), unreadable: Vec::new() }
    }

    /// All routes, in the order of their brokers.
    pub(crate) fn routes(&self) -> impl Iterator<Item = &Route> {
        self.routes.values().flatten()
    }

    /// The routes of some brokers.
    pub(crate) fn routes_of<'a>(
        &'a self,
        brokers: &'a BTreeSet<BrokerId>,
    ) -> impl Iterator<Item = &'a Route> {
        brokers.iter().filter_map(|broker| self.routes.get(broker)).flatten()
    }

    /// The rows of the newest table that are unreadable.
    pub(crate) fn unreadable(&self) -> &[UnreadableRoute] {
        &self.unreadable
    }

    /// Replaces the table.
    pub(crate) fn replace(&mut self, table: RouteTable) {
        let mut before = std::mem::replace(&mut self.routes, by_broker(table.routes));
        before.retain(|broker, _| table.unreadable.iter().any(|one| one.broker == *broker));
        self.unreadable = table.unreadable;
        self.keep_unreadable(before);
    }

    /// Replaces the routes of the brokers that have changed.
    pub(crate) fn change(&mut self, changes: RouteChanges) {
        let RouteChanges { brokers, table } = changes;
        let is_unreadable = |broker| table.unreadable.iter().any(|one| one.broker == broker);
        let mut before = BTreeMap::new();
        for broker in &brokers {
            if let Some(routes) = self.routes.remove(broker)
                && is_unreadable(*broker)
            {
                before.insert(*broker, routes);
            }
        }
        self.routes.append(&mut by_broker(table.routes));
        self.unreadable.retain(|one| !brokers.contains(&one.broker));
        self.unreadable.extend(table.unreadable);
        self.keep_unreadable(before);
    }

    /// Keeps the former routes of brokers with unreadable rows, where there is no new one.
    fn keep_unreadable(&mut self, before: BTreeMap<BrokerId, Vec<Route>>) {
        let key = |route: &Route| (route.target.ordinal, route.target.protocol);
        for (broker, routes) in before {
            let now = self.routes.entry(broker).or_default();
            let present: BTreeSet<_> = now.iter().map(key).collect();
            now.extend(routes.into_iter().filter(|route| !present.contains(&key(route))));
        }
    }
}

fn by_broker(routes: Vec<Route>) -> BTreeMap<BrokerId, Vec<Route>> {
    let mut brokers: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for route in routes {
        brokers.entry(route.broker).or_default().push(route);
    }
    brokers
}

#[cfg(test)]
mod tests {
    use brokerd_domain::{Protocol, Target};
    use brokerd_store::Entrance;

    use super::*;

    fn broker(n: u128) -> BrokerId {
        uuid::Uuid::from_u128(n).into()
    }

    fn route(n: u128, port: u16, protocol: Protocol) -> Route {
        Route {
            broker: broker(n),
            entrance: Entrance::Port(port),
            standard_ports: Vec::new(),
            public: false,
            connection_limit: None,
            admitted: None,
            address: None,
            target: Target { ordinal: 1, protocol, addresses: Vec::new() },
            latency: None,
        }
    }

    fn changes(brokers: &[u128], routes: Vec<Route>, unreadable: &[u128]) -> RouteChanges {
        let row = |n: &u128| UnreadableRoute { broker: broker(*n), what: "it".to_owned() };
        RouteChanges {
            brokers: brokers.iter().map(|n| broker(*n)).collect(),
            table: RouteTable {
                unreadable: unreadable.iter().map(row).collect(),
                ..RouteTable::from(routes)
            },
        }
    }

    fn ports(current: &CurrentRoutes) -> Vec<Entrance> {
        current.routes().map(|route| route.entrance.clone()).collect()
    }

    #[test]
    fn a_change_affects_only_the_brokers_that_it_names() {
        let mut current = CurrentRoutes::default();
        let all = vec![route(1, 10, Protocol::Amqp), route(2, 20, Protocol::Amqp)];
        current.replace(all.into());
        current.change(changes(&[2, 3], vec![route(3, 30, Protocol::Amqp)], &[]));
        assert_eq!(ports(&current), [Entrance::Port(10), Entrance::Port(30)]);
        current.change(changes(&[], Vec::new(), &[]));
        assert_eq!(ports(&current), [Entrance::Port(10), Entrance::Port(30)]);
        let of = BTreeSet::from([broker(3), broker(7)]);
        assert_eq!(current.routes_of(&of).count(), 1);
    }

    #[test]
    fn an_unreadable_route_stays_as_it_was_until_it_is_readable_or_gone() {
        let (mine, mqtt) = (route(1, 10, Protocol::Amqp), route(1, 11, Protocol::Mqtt));
        let mut current = CurrentRoutes::default();
        current.replace(vec![mine.clone(), mqtt].into());
        let moved = route(1, 12, Protocol::Mqtt);
        current.change(changes(&[1], vec![moved.clone()], &[1]));
        assert_eq!(ports(&current), [Entrance::Port(12), Entrance::Port(10)]);
        assert_eq!(current.unreadable().len(), 1);
        // The change of another broker does not make it readable.
        current.change(changes(&[2], Vec::new(), &[]));
        assert_eq!((ports(&current).len(), current.unreadable().len()), (2, 1));
        current.replace(changes(&[], Vec::new(), &[1]).table);
        assert_eq!(ports(&current).len(), 2);
        current.change(changes(&[1], vec![mine], &[]));
        assert_eq!((ports(&current).len(), current.unreadable().len()), (1, 0));
        current.change(changes(&[1], Vec::new(), &[]));
        assert!(ports(&current).is_empty());
    }
}
