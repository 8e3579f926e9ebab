//! The provisioners and their passes, for the operator.

use brokerd_domain::{BrokerId, Lane, Timestamp, WorkerId};

use crate::kernel::{PgStore, StoreError};

/// How many brokers an overview names; the others are only counted.
const MAX_NAMED: i64 = 100;

/// The provisioners, and the brokers with a pass that runs, is due or has failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overview {
    /// The provisioners with a heartbeat, by ID; dead ones are listed until their brokers are released.
    pub provisioners: Vec<ProvisionerStatus>,
    /// The passes that run.
    pub running: u64,
    /// The passes that are due and have not begun.
    pub due: u64,
    /// The passes that wait because the one before them has failed.
    pub retrying: u64,
    /// The brokers that are only looked at again later.
    pub scheduled: u64,
    /// The first of the first three: those that run, then those that are due, then the others, each by when they were due.
    pub passes: Vec<PassStatus>,
}

/// A provisioner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvisionerStatus {
    /// Its ID, which is new after every start.
    pub id: WorkerId,
    /// Whether its term lasts.
    pub is_alive: bool,
    /// The time of the last heartbeat.
    pub seen: Timestamp,
    /// The number of brokers that it watches.
    pub brokers: u64,
    /// The number of passes that it runs.
    pub running: u64,
}

/// What a pass waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PassState {
    /// It runs.
    Running,
    /// It waits for a provisioner.
    Due,
    /// It backs off after a failure.
    Retrying,
}

/// A pass on a broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassStatus {
    /// The broker.
    pub broker: BrokerId,
    /// Its name. Like the next two as it is stored, so that a broker is told that can't be read.
    pub name: String,
    /// Its account.
    pub account: String,
    /// Its region.
    pub region: String,
    /// What it waits for.
    pub state: PassState,
    /// Its share of the queue.
    pub lane: Lane,
    /// Passes in a row that have failed.
    pub failed: u32,
    /// Since when or from when on it is due.
    pub due: Timestamp,
    /// Who runs it; or who watches the broker.
    pub provisioner: Option<WorkerId>,
}

impl PgStore {
    /// What provisioners do at this moment, by the database's clock.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn overview(&self) -> Result<Overview, StoreError> {
        let provisioners = sqlx::query!(
            r#"select p.id, p.expires_at > now() as "is_alive!",
                      (extract(epoch from p.seen_at) * 1000000)::bigint as "seen!",
                      count(r.broker_id) as "brokers!",
                      count(*) filter (where r.lease_holder = p.id and r.lease_expires_at > now()) as "running!"
               from provisioner p left join reconcile r on r.owner = p.id
               group by p.id order by p.id"#
        )
        .fetch_all(&self.pool)
        .await?;
        let counts = sqlx::query!(
            r#"select count(*) filter (where lease_expires_at > now()) as "running!",
                      count(*) filter (where due_at <= now()
                        and (lease_expires_at is null or lease_expires_at <= now())) as "due!",
                      count(*) filter (where due_at > now() and attempt > 0
                        and (lease_expires_at is null or lease_expires_at <= now())) as "retrying!",
                      count(*) as "all!"
               from reconcile"#
        )
        .fetch_one(&self.pool)
        .await?;
        let passes = sqlx::query!(
            r#"select b.id, b.name, b.account, b.region, r.attempt, r.urgent,
                      coalesce(r.lease_expires_at > now(), false) as "runs!", r.due_at <= now() as "is_due!",
                      (extract(epoch from r.due_at) * 1000000)::bigint as "due!",
                      coalesce(r.lease_holder, r.owner) as provisioner
               from reconcile r join broker b on b.id = r.broker_id
               where r.lease_expires_at > now() or r.due_at <= now() or r.attempt > 0
               order by 7 desc, 8 desc, r.due_at, b.id limit $1"#,
            MAX_NAMED
        )
        .fetch_all(&self.pool)
        .await?;
        let count = |number: i64| u64::try_from(number).unwrap_or(0);
        Ok(Overview {
            provisioners: provisioners
                .into_iter()
                .map(|row| ProvisionerStatus {
                    id: WorkerId::from(row.id),
                    is_alive: row.is_alive,
                    seen: Timestamp::from_micros(row.seen),
                    brokers: count(row.brokers),
                    running: count(row.running),
                })
                .collect(),
            running: count(counts.running),
            due: count(counts.due),
            retrying: count(counts.retrying),
            scheduled: count(counts.all - counts.running - counts.due - counts.retrying),
            passes: passes
                .into_iter()
                .map(|row| PassStatus {
                    broker: BrokerId::from(row.id),
                    name: row.name,
                    account: row.account,
                    region: row.region,
                    state: match (row.runs, row.is_due) {
                        (true, _) => PassState::Running,
                        (false, true) => PassState::Due,
                        (false, false) => PassState::Retrying,
                    },
                    lane: if row.urgent { Lane::Urgent } else { Lane::Normal },
                    failed: u32::try_from(row.attempt).unwrap_or(0),
                    due: Timestamp::from_micros(row.due),
                    provisioner: row.provisioner.map(WorkerId::from),
                })
                .collect(),
        })
    }
}
