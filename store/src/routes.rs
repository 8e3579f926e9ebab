//! The gateway's table.

use std::time::Duration;

use brokerd_domain::{BrokerId, BrokerSpec, IngressRule, InstallationId, Latency};
use serde::Deserialize;
use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
    types::Json,
};

use crate::{
    Channel, Entrance, Listener, PgStore, Route, StoreError, notify::listen, passes::target,
};

/// One connection listens, one reads.
const CONNECTIONS: u32 = 2;
/// How long a reading waits for a connection: the gateway asks again anyway.
const ACQUIRE_PATIENCE: Duration = Duration::from_secs(2);

/// Reads the gateway's table, and nothing else: it needs no key, and a database that can't be reached is an
/// error of each reading, not of its beginning.
#[derive(Debug, Clone)]
pub struct RouteReader {
    pool: PgPool,
    installation: Option<InstallationId>,
}

/// An endpoint as the query gives it.
#[derive(Debug, Deserialize)]
struct EndpointRow {
    port: u16,
    host: Option<String>,
    ordinal: i16,
    protocol: String,
    targets: serde_json::Value,
}

impl RouteReader {
    /// Reads from the database of that URL, which must belong to this installation, without connecting now.
    ///
    /// # Errors
    /// When the URL is none.
    pub fn connect_lazily(
        database_url: &str,
        installation: InstallationId,
    ) -> Result<Self, StoreError> {
        let options: PgConnectOptions = database_url.parse()?;
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(ACQUIRE_PATIENCE)
            .connect_lazy_with(options);
        Ok(Self { pool, installation: Some(installation) })
    }

    /// The whole table. Of several latencies the longest counts. One whose time is over by the database's
    /// clock is left out, so that it ends though no provisioner is there to end it.
    ///
    /// # Errors
    /// As every method.
    pub async fn routes(&self) -> Result<Vec<Route>, StoreError> {
        let rows = sqlx::query!(
            r#"select b.id, b.spec as "spec: Json<BrokerSpec>",
                      coalesce(b.instances -> 0 ->> 'ip_address', b.instances -> 0 ->> 'host') as address,
                      (select id from installation) as installation,
                      (select json_agg(json_build_object('port', e.port, 'host', e.host,
                                'ordinal', e.ordinal, 'protocol', e.protocol, 'targets', e.targets)
                              order by e.ordinal, e.port)
                       from endpoint e where e.broker_id = b.id) as "endpoints!: Json<Vec<EndpointRow>>",
                      (select json_agg(g.rules) from security_group g
                       where g.account = b.account and g.region = b.region
                         and b.spec -> 'security_groups' ? g.id) as "rules: Json<Vec<Vec<IngressRule>>>",
                      (select f.spec -> 'latency' from fault f
                       where f.broker_id = b.id and f.ended is null and f.struck is not null
                         and f.spec -> 'latency' is not null
                         and f.ends > (extract(epoch from now()) * 1000000)::bigint
                       order by (f.spec #>> '{latency,milliseconds}')::bigint desc limit 1)
                        as "latency: Json<Latency>"
               from broker b where exists (select from endpoint e where e.broker_id = b.id)
               order by b.id"#
        )
        .fetch_all(&self.pool)
        .await?;
        let mut routes = Vec::new();
        for row in rows {
            if let (Some(wanted), Some(stored)) = (&self.installation, &row.installation)
                && wanted.as_str() != stored
            {
                return Err(StoreError::Inconsistent {
                    table: "installation",
                    what: format!("this is the database of {stored}, not of {wanted}"),
                });
            }
            let spec = row.spec.0;
            let address = row.address.and_then(|address| address.parse().ok());
            let latency = row.latency.map(|latency| latency.0);
            let admitted = row.rules.map(|rules| rules.0.concat());
            for endpoint in row.endpoints.0 {
                let target = target(endpoint.ordinal, &endpoint.protocol, endpoint.targets)?;
                routes.push(Route {
                    broker: BrokerId::from(row.id),
                    entrance: endpoint.host.map_or(Entrance::Port(endpoint.port), Entrance::Name),
                    standard_ports: target.protocol.standard_ports(spec.engine_type).to_vec(),
                    public: spec.publicly_accessible,
                    connection_limit: target.protocol.connection_limit(&spec),
                    admitted: admitted.clone(),
                    address,
                    target,
                    latency,
                });
            }
        }
        Ok(routes)
    }

    /// Starts listening for changes of the table.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database can't be reached.
    pub async fn listen(&self) -> Result<Listener, StoreError> {
        listen(&self.pool, Channel::Routes).await
    }
}

impl PgStore {
    /// A reader of this store's table.
    pub fn route_reader(&self) -> RouteReader {
        RouteReader { pool: self.pool.clone(), installation: None }
    }

    /// The gateway's table.
    ///
    /// # Errors
    /// As every method.
    pub async fn routes(&self) -> Result<Vec<Route>, StoreError> {
        self.route_reader().routes().await
    }
}
