//! Reading the gateway's table.

use std::time::Duration;

use brokerd_domain::{
    BrokerId, DeploymentMode, EngineType, EngineVersion, HostInstanceType, IngressRule,
    InstallationId, Latency,
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use sqlx::postgres::PgConnectOptions;
use uuid::Uuid;

use super::{
    endpoints::target,
    route_table::{Entrance, Route, RouteChanges, RouteTable, UnreadableRoute},
};
use crate::kernel::{
    Channel, Listener, PgStore, StoreError,
    database_health::DatabaseHealth,
    pool::{Limits, Pool},
};

/// One reads, while another one that has read goes back to the pool.
const CONNECTIONS: u32 = 2;
/// How long the removal of a broker's routes is kept for gateways. Each reads its whole table much more often.
const ROUTE_CHANGES_KEPT: Duration = Duration::from_hours(24);

/// Reads the gateway's table, and nothing else: it needs no key, and a database that can't be reached is an
/// error of each reading, not of its beginning.
#[derive(Debug, Clone)]
pub struct RouteReader {
    pool: Pool,
    installation: Option<InstallationId>,
}

/// When the table was read, for [`RouteReader::routes_since`]: the number of the oldest transaction that was under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteCursor(String);

/// What the table needs of a broker. Each of it is read apart from the others, because one that can't be read
/// must not take the rest along.
#[derive(Debug, Deserialize)]
struct Shape {
    engine_type: EngineType,
    engine_version: EngineVersion,
    deployment_mode: DeploymentMode,
    host_instance_type: HostInstanceType,
    publicly_accessible: bool,
    /// Only so that nobody is let in by groups that can't be read.
    #[serde(rename = "security_groups")]
    _security_groups: Vec<String>,
}

/// An endpoint as the query gives it.
#[derive(Debug, Deserialize)]
struct EndpointRow {
    port: u16,
    host: Option<String>,
    ordinal: i16,
    protocol: String,
    targets: Value,
}

/// A broker as the query gives it.
struct Row {
    id: Uuid,
    shape: Value,
    /// Where its clients are told that it is: an address or a name.
    address: Option<String>,
    endpoints: Value,
    rules: Option<Value>,
    latencies: Option<Value>,
}

/// Every column of a [`Row`], with the rest of the statement behind it.
macro_rules! select_routes {
    ($tail:literal $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            Row,
            r#"select b.id,
                      coalesce(b.instances -> 0 ->> 'ip_address', b.instances -> 0 ->> 'host') as address,
                      jsonb_build_object(
                          'engine_type', b.spec -> 'engine_type',
                          'engine_version', b.spec -> 'engine_version',
                          'deployment_mode', b.spec -> 'deployment_mode',
                          'host_instance_type', b.spec -> 'host_instance_type',
                          'publicly_accessible', b.spec -> 'publicly_accessible',
                          'security_groups', b.spec -> 'security_groups') as "shape!",
                      (select jsonb_agg(jsonb_build_object('port', e.port, 'host', e.host,
                                'ordinal', e.ordinal, 'protocol', e.protocol, 'targets', e.targets)
                              order by e.ordinal, e.port)
                       from endpoint e where e.broker_id = b.id) as "endpoints!",
                      (select jsonb_agg(g.rules) from security_group g
                       where g.account = b.account and g.region = b.region
                         and b.spec -> 'security_groups' ? g.id) as rules,
                      (select jsonb_agg(f.spec -> 'latency') from fault f
                       where f.broker_id = b.id and f.ended is null and f.struck is not null
                         and f.spec -> 'latency' is not null
                         and f.ends > (extract(epoch from now()) * 1000000)::bigint) as latencies
               from broker b "# + $tail
            $(, $argument)*
        )
    };
}

fn table(rows: Vec<Row>) -> RouteTable {
    let mut table = RouteTable { rows: rows.len(), ..RouteTable::default() };
    for row in rows {
        row.add_to(&mut table);
    }
    table
}

impl Row {
    /// Adds the broker's endpoints to the table.
    fn add_to(self, table: &mut RouteTable) {
        let broker = BrokerId::from(self.id);
        if let Err(what) = self.try_add_to(table) {
            table.unreadable.push(UnreadableRoute { broker, what });
        }
    }

    fn try_add_to(self, table: &mut RouteTable) -> Result<(), String> {
        let broker = BrokerId::from(self.id);
        let address = self.address.and_then(|address| address.parse().ok());
        let shape: Shape = read("spec", self.shape)?;
        let rules: Option<Vec<Vec<IngressRule>>> = read("rules", self.rules.unwrap_or_default())?;
        let admitted = rules.map(|rules| rules.concat());
        let endpoints: Vec<Value> = read("endpoints", self.endpoints)?;
        let latency = match read("latency", self.latencies.unwrap_or_default()) {
            Ok(latencies) => longest(latencies),
            // A fault that can't be read disturbs nobody.
            Err(what) => {
                table.unreadable.push(UnreadableRoute { broker, what });
                None
            }
        };
        for endpoint in endpoints {
            let read = read("endpoint", endpoint).and_then(|row: EndpointRow| {
                let target = target(row.ordinal, &row.protocol, row.targets);
                let entrance = row.host.map_or(Entrance::Port(row.port), Entrance::Name);
                Ok((entrance, target.map_err(|error| error.to_string())?))
            });
            let (entrance, target) = match read {
                Ok(read) => read,
                Err(what) => {
                    table.unreadable.push(UnreadableRoute { broker, what });
                    continue;
                }
            };
            table.routes.push(Route {
                broker,
                entrance,
                standard_ports: target.protocol.standard_ports(shape.engine_type).to_vec(),
                public: shape.publicly_accessible,
                connection_limit: target.protocol.connection_limit_of(
                    shape.engine_type,
                    shape.engine_version,
                    shape.host_instance_type,
                    shape.deployment_mode,
                ),
                admitted: admitted.clone(),
                address,
                target,
                latency,
            });
        }
        Ok(())
    }
}

fn read<T: DeserializeOwned>(what: &str, value: Value) -> Result<T, String> {
    serde_json::from_value(value).map_err(|error| format!("{what}: {error}"))
}

fn longest(latencies: Option<Vec<Latency>>) -> Option<Latency> {
    latencies.unwrap_or_default().into_iter().max_by_key(|latency| latency.milliseconds)
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
        let pool = Pool::new(CONNECTIONS, Limits::BACKGROUND, DatabaseHealth::of(options));
        Ok(Self { pool, installation: Some(installation) })
    }

    /// The whole table, without what makes no sense in it, and the moment that it was read. Of several latencies the
    /// longest counts. One whose time is over by the database's clock is left out, so that it ends though no provisioner
    /// is there to end it.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn routes(&self) -> Result<(RouteTable, RouteCursor), StoreError> {
        let row = sqlx::query!(
            r#"select pg_snapshot_xmin(pg_current_snapshot())::text as "moment!",
                      (select id from installation) as installation"#
        )
        .fetch_one(&self.pool)
        .await?;
        self.check_installation(row.installation)?;
        let rows = select_routes!(
            "where exists (select from endpoint e where e.broker_id = b.id) order by b.id"
        )
        .fetch_all(&self.pool)
        .await?;
        Ok((table(rows), RouteCursor(row.moment)))
    }

    /// What has changed of the table since a moment, and the moment that it was read. It holds everything that was
    /// committed since then, whether it was announced or not, and possibly some of what was committed shortly before.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn routes_since(
        &self,
        moment: &RouteCursor,
    ) -> Result<(RouteChanges, RouteCursor), StoreError> {
        // A transaction that a snapshot does not see is not older than the oldest one that was under way in it. A
        // latency ends by the clock, without a change.
        let row = sqlx::query!(
            r#"select pg_snapshot_xmin(pg_current_snapshot())::text as "moment!",
                      (select id from installation) as installation,
                      array(select broker_id from route_change where changed >= $1::text::xid8
                            union
                            select broker_id from fault
                            where ended is null and spec -> 'latency' is not null) as "brokers!: Vec<Uuid>""#,
            moment.0
        )
        .fetch_one(&self.pool)
        .await?;
        self.check_installation(row.installation)?;
        let mut changes = RouteChanges::default();
        if !row.brokers.is_empty() {
            let rows = select_routes!(
                "where b.id = any($1) and exists (select from endpoint e where e.broker_id = b.id)",
                &row.brokers
            )
            .fetch_all(&self.pool)
            .await?;
            changes.table = table(rows);
        }
        changes.brokers = row.brokers.into_iter().map(BrokerId::from).collect();
        Ok((changes, RouteCursor(row.moment)))
    }

    fn check_installation(&self, stored: Option<String>) -> Result<(), StoreError> {
        match (&self.installation, stored) {
            (Some(wanted), Some(stored)) if wanted.as_str() != stored => {
                Err(StoreError::Inconsistent {
                    table: "installation",
                    what: format!("this is the database of {stored}, not of {wanted}"),
                })
            }
            (Some(_) | None, _) => Ok(()),
        }
    }

    /// Starts listening for changes of the table.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database can't be reached.
    pub async fn listen(&self) -> Result<Listener, StoreError> {
        Listener::start(&self.pool, Channel::Routes).await
    }
}

impl PgStore {
    /// Deletes changes of routes that no gateway needs any more, up to `most`; how many.
    /// As many: there may be more.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn prune_route_changes(&self, most: u32) -> Result<u64, StoreError> {
        // A number from the future is that of another server, from which the database was restored.
        let deleted = sqlx::query!(
            "delete from route_change where broker_id in (
               select c.broker_id from route_change c
               where (c.at < now() - make_interval(secs => $1)
                      and not exists (select from broker b where b.id = c.broker_id))
                  or c.changed > pg_snapshot_xmax(pg_current_snapshot())
               limit $2 for update skip locked)",
            ROUTE_CHANGES_KEPT.as_secs_f64(),
            i64::from(most)
        )
        .execute(&self.pool)
        .await?;
        Ok(deleted.rows_affected())
    }

    /// A reader of this store's table.
    pub fn route_reader(&self) -> RouteReader {
        RouteReader { pool: self.pool.clone(), installation: None }
    }

    /// The gateway's table.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn routes(&self) -> Result<RouteTable, StoreError> {
        self.route_reader().routes().await.map(|(table, _)| table)
    }
}
