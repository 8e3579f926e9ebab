//! Endpoints: their addresses, allocated once, and their targets.

use std::collections::{BTreeMap, BTreeSet};

use brokerd_domain::{
    BrokerId, BrokerInstance, Endpoint, EngineType, Lease, Protocol, Region, Target, endpoint_host,
};
use serde_json::json;
use sqlx::types::Json;
use uuid::Uuid;

use crate::kernel::{Channel, PgStore, StoreError};

/// Serialises allocations: two that choose at once would choose the same ports.
const ALLOCATION_LOCK: i64 = 0x6272_6f6b_6572_6401;

/// How endpoints are to be allocated.
#[derive(Debug, Clone)]
pub struct Allocation {
    /// The broker's engine.
    pub engine: EngineType,
    /// How many instances.
    pub instances: u8,
    /// The protocols of each, in the service's order.
    pub protocols: Vec<Protocol>,
    /// The host that clients are told, if there are no names.
    pub host: String,
    /// The IPv4 address of each instance's endpoints, if it is known.
    pub ip_address: Option<String>,
    /// The ports to choose from, if there are no names.
    pub ports: std::ops::RangeInclusive<u16>,
    /// With names, instances have host names of their own and the standard ports.
    pub names: Option<Names>,
}

/// What the host names of instances are made of.
#[derive(Debug, Clone)]
pub struct Names {
    /// The broker.
    pub broker: BrokerId,
    /// Its region.
    pub region: Region,
    /// Below which domain.
    pub domain: String,
}

impl Allocation {
    /// The host name of an instance, if it gets one.
    pub fn host_name(&self, ordinal: u8) -> Option<String> {
        let of = |names: &Names| {
            endpoint_host(names.broker, self.engine, ordinal, &names.region, &names.domain)
        };
        self.names.as_ref().map(of)
    }

    /// The protocols that an instance has no endpoint for.
    pub fn missing<'a>(&'a self, instance: &BrokerInstance) -> Vec<&'a Protocol> {
        let has = |p: &Protocol| instance.endpoints.iter().any(|e| e.protocol == *p);
        self.protocols.iter().filter(|p| !has(p)).collect()
    }

    /// The instances of a broker that has none, without endpoints.
    pub fn new_instances(&self) -> Vec<BrokerInstance> {
        let instance = |ordinal| BrokerInstance {
            ordinal,
            host: self.host_name(ordinal).unwrap_or_else(|| self.host.clone()),
            ip_address: self.ip_address.clone(),
            endpoints: Vec::new(),
        };
        (1..=self.instances).map(instance).collect()
    }
}

impl PgStore {
    /// Allocates addresses, once: a broker that has some keeps them, and gets those that it lacks beside them, by a name
    /// or by ports as it has the others. `is_free` tells whether nobody outside brokerd uses a port.
    ///
    /// # Errors
    /// [`StoreError::NoPorts`] when the range is used up, [`StoreError::LeaseLost`].
    pub async fn allocate_endpoints(
        &self,
        lease: &Lease,
        allocation: &Allocation,
        is_free: &(dyn Fn(u16) -> bool + Send + Sync),
    ) -> Result<Vec<BrokerInstance>, StoreError> {
        let mut transaction = self.fenced(lease).await?;
        let id = lease.broker.uuid();
        let had = sqlx::query_scalar!(
            r#"select instances as "instances: Json<Vec<BrokerInstance>>" from broker where id = $1"#,
            id
        )
        .fetch_one(&mut *transaction)
        .await?
        .0;
        if !had.is_empty() && had.iter().all(|one| allocation.missing(one).is_empty()) {
            return Ok(had);
        }
        sqlx::query!("select pg_advisory_xact_lock($1)", ALLOCATION_LOCK)
            .execute(&mut *transaction)
            .await?;
        let taken: BTreeSet<i32> =
            sqlx::query_scalar!("select port from endpoint where host is null")
                .fetch_all(&mut *transaction)
                .await?
                .into_iter()
                .collect();
        let named: BTreeMap<i16, String> = sqlx::query!(
            r#"select distinct ordinal, host as "host!" from endpoint
               where broker_id = $1 and host is not null"#,
            id
        )
        .fetch_all(&mut *transaction)
        .await?
        .into_iter()
        .map(|row| (row.ordinal, row.host))
        .collect();
        let (first, last) = (*allocation.ports.start(), *allocation.ports.end());
        let mut free = allocation
            .ports
            .clone()
            .filter(|port| !taken.contains(&i32::from(*port)) && is_free(*port));
        let is_new = had.is_empty();
        let mut instances = if is_new { allocation.new_instances() } else { had };
        for instance in &mut instances {
            let ordinal = i16::from(instance.ordinal);
            let name = match is_new {
                true => allocation.host_name(instance.ordinal),
                false => named.get(&ordinal).cloned(),
            };
            for protocol in allocation.missing(instance) {
                let port = match &name {
                    Some(_) => protocol.standard_ports(allocation.engine)[0],
                    None => free.next().ok_or(StoreError::NoPorts(first, last))?,
                };
                instance.endpoints.push(Endpoint { protocol: *protocol, port });
                sqlx::query!(
                    "insert into endpoint (port, host, broker_id, ordinal, protocol)
                     values ($1, $2, $3, $4, $5)",
                    i32::from(port),
                    name,
                    id,
                    ordinal,
                    protocol.as_str()
                )
                .execute(&mut *transaction)
                .await?;
            }
        }
        sqlx::query!("update broker set instances = $2 where id = $1", id, json!(instances))
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        self.notifier.notify(Channel::Routes);
        Ok(instances)
    }

    /// Sets the targets of endpoints and notifies the gateways.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`].
    pub async fn set_targets(&self, lease: &Lease, targets: &[Target]) -> Result<(), StoreError> {
        let mut transaction = self.fenced(lease).await?;
        for target in targets {
            sqlx::query!(
                "update endpoint set targets = $4
                 where broker_id = $1 and ordinal = $2 and protocol = $3",
                lease.broker.uuid(),
                i16::from(target.ordinal),
                target.protocol.as_str(),
                json!(target.addresses)
            )
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
        self.notifier.notify(Channel::Routes);
        Ok(())
    }

    /// The targets of the endpoints of a broker.
    pub(crate) async fn targets(&self, broker: Uuid) -> Result<Vec<Target>, StoreError> {
        let rows = sqlx::query!(
            "select ordinal, protocol, targets from endpoint where broker_id = $1
             order by ordinal, port",
            broker
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(|row| target(row.ordinal, &row.protocol, row.targets)).collect()
    }
}

/// One target, from its columns.
pub(crate) fn target(
    ordinal: i16,
    protocol: &str,
    addresses: serde_json::Value,
) -> Result<Target, StoreError> {
    let inconsistent = |what: String| StoreError::Inconsistent { table: "endpoint", what };
    Ok(Target {
        ordinal: u8::try_from(ordinal).map_err(|error| inconsistent(error.to_string()))?,
        protocol: Protocol::from_name(protocol).ok_or_else(|| inconsistent(protocol.to_owned()))?,
        addresses: serde_json::from_value(addresses).map_err(|e| inconsistent(e.to_string()))?,
    })
}
