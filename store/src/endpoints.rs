//! Endpoint addresses: allocated once, led where an engine serves.

use std::collections::BTreeSet;

use brokerd_domain::{BrokerId, BrokerInstance, Endpoint, Latency, Lease};
use serde_json::json;
use sqlx::types::Json;

use crate::{Allocation, Channel, PgStore, Route, StoreError, Target, passes::target};

/// Serialises allocations: two that choose at once would choose the same ports.
const ALLOCATION_LOCK: i64 = 0x6272_6f6b_6572_6401;

impl PgStore {
    /// Allocates addresses, once: a broker that has some keeps them. `is_free` tells whether nobody
    /// outside brokerd uses a port.
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
        .await?;
        if !had.0.is_empty() {
            return Ok(had.0);
        }
        sqlx::query!("select pg_advisory_xact_lock($1)", ALLOCATION_LOCK)
            .execute(&mut *transaction)
            .await?;
        let taken: BTreeSet<i32> = sqlx::query_scalar!("select port from endpoint")
            .fetch_all(&mut *transaction)
            .await?
            .into_iter()
            .collect();
        let (first, last) = (*allocation.ports.start(), *allocation.ports.end());
        let mut free = allocation
            .ports
            .clone()
            .filter(|port| !taken.contains(&i32::from(*port)) && is_free(*port));
        let mut instances = Vec::new();
        for ordinal in 1..=allocation.instances {
            let mut endpoints = Vec::new();
            for protocol in allocation.protocols {
                let port = free.next().ok_or(StoreError::NoPorts(first, last))?;
                endpoints.push(Endpoint { protocol: *protocol, port });
                sqlx::query!(
                    "insert into endpoint (port, broker_id, ordinal, protocol) values ($1, $2, $3, $4)",
                    i32::from(port),
                    id,
                    i16::from(ordinal),
                    protocol.as_str()
                )
                .execute(&mut *transaction)
                .await?;
            }
            instances.push(BrokerInstance {
                ordinal,
                host: allocation.host.clone(),
                ip_address: allocation.ip_address.clone(),
                endpoints,
            });
        }
        sqlx::query!("update broker set instances = $2 where id = $1", id, json!(instances))
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        self.notifier.notify(Channel::Routes);
        Ok(instances)
    }

    /// Leads endpoints elsewhere and tells the gateways.
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

    /// The gateway's table, by port. Of several latencies the longest counts. One whose time is over by
    /// the database's clock is left out, so that it ends though no provisioner is there to end it.
    ///
    /// # Errors
    /// As every method.
    pub async fn routes(&self) -> Result<Vec<Route>, StoreError> {
        let rows = sqlx::query!(
            r#"select e.port, e.broker_id, e.ordinal, e.protocol, e.targets,
                      coalesce((b.spec ->> 'publicly_accessible')::boolean, false) as "public!",
                      (select f.spec -> 'latency' from fault f
                       where f.broker_id = e.broker_id and f.ended is null and f.struck is not null
                         and f.spec -> 'latency' is not null
                         and f.ends > (extract(epoch from now()) * 1000000)::bigint
                       order by (f.spec #>> '{latency,milliseconds}')::bigint desc limit 1)
                        as "latency: Json<Latency>"
               from endpoint e join broker b on b.id = e.broker_id order by e.port"#
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter()
            .map(|row| {
                let port = u16::try_from(row.port).map_err(|error| StoreError::Inconsistent {
                    table: "endpoint",
                    what: error.to_string(),
                })?;
                Ok(Route {
                    broker: BrokerId::from(row.broker_id),
                    port,
                    public: row.public,
                    target: target(row.ordinal, &row.protocol, row.targets)?,
                    latency: row.latency.map(|latency| latency.0),
                })
            })
            .collect()
    }
}
