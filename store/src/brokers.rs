//! Brokers as the API reads and changes them.

use std::{collections::HashMap, sync::Arc};

use brokerd_domain::{
    Broker, BrokerId, BrokerName, BrokerState, BrokerSummary, Creation, DeploymentMode, EngineType,
    Error, Event, EventKind, HostInstanceType, Intent, Region, Scope, Timestamp,
};

use crate::{
    Channel, PgStore, StoreError,
    batching::BatchedQuery,
    rows::{BrokerRow, select_broker},
};

/// Some brokers of a scope.
#[derive(Debug)]
pub struct BrokerPage {
    /// In the order they were created.
    pub brokers: Vec<BrokerSummary>,
    /// Whether there are more.
    pub has_more: bool,
}

/// What ListBrokers needs of a row of `broker`.
struct SummaryRow {
    id: uuid::Uuid,
    name: String,
    created: i64,
    deleting: bool,
    engine_type: Option<String>,
    deployment_mode: Option<String>,
    host_instance_type: Option<String>,
    has_run: bool,
    has_failed: bool,
    is_rebooting: bool,
    needs_action: bool,
    not_applied: bool,
}

impl SummaryRow {
    fn summary(self) -> Result<BrokerSummary, StoreError> {
        let wrong =
            |what: &str| StoreError::Inconsistent { table: "broker", what: what.to_owned() };
        let refused = |error: Error| wrong(&error.message);
        let there = |text: Option<String>, what| text.ok_or_else(|| wrong(what));
        let intent = if self.deleting { Intent::Delete } else { Intent::Run };
        let creation = match (self.has_run, self.has_failed) {
            (true, _) => Creation::Done,
            (false, true) => Creation::Failed,
            (false, false) => Creation::UnderWay,
        };
        let action_required = self.needs_action || self.has_failed || self.not_applied;
        let engine_type = there(self.engine_type, "no engine type")?;
        let deployment_mode = there(self.deployment_mode, "no deployment mode")?;
        let host_instance_type = there(self.host_instance_type, "no instance type")?;
        Ok(BrokerSummary {
            id: BrokerId::from(self.id),
            name: BrokerName::parse(&self.name).map_err(refused)?,
            created: Timestamp::from_micros(self.created),
            state: BrokerState::of(intent, creation, self.is_rebooting, action_required),
            engine_type: EngineType::parse(&engine_type).map_err(refused)?,
            deployment_mode: DeploymentMode::parse(&deployment_mode).map_err(refused)?,
            host_instance_type: HostInstanceType::from_name(&host_instance_type)
                .ok_or_else(|| wrong(&host_instance_type))?,
        })
    }
}

/// Asks for the row of a broker, whosever it is.
pub(crate) struct RowOf(uuid::Uuid);

impl BatchedQuery for RowOf {
    type Answer = Option<Arc<BrokerRow>>;
    type Source = PgStore;

    async fn ask(brokers: &[Self], store: &PgStore) -> Result<Vec<Self::Answer>, StoreError> {
        let ids: Vec<_> = brokers.iter().map(|broker| broker.0).collect();
        let rows = select_broker!("where b.id = any($1)", &ids).fetch_all(&store.pool).await?;
        let rows: HashMap<_, _> = rows.into_iter().map(|row| (row.id, Arc::new(row))).collect();
        Ok(ids.iter().map(|id| rows.get(id).cloned()).collect())
    }
}

impl PgStore {
    /// The broker, if this scope has it.
    ///
    /// # Errors
    /// As every method.
    pub async fn broker(&self, scope: &Scope, id: BrokerId) -> Result<Option<Broker>, StoreError> {
        let row = self.broker_batcher.ask(RowOf(id.uuid()), self).await?;
        let is_theirs = |row: &Arc<BrokerRow>| {
            row.account == scope.account.as_str() && row.region == scope.region.as_str()
        };
        row.filter(is_theirs).map(|row| row.broker(&self.skipped)).transpose()
    }

    /// Whether this scope has the broker.
    ///
    /// # Errors
    /// As every method.
    pub async fn has_broker(&self, scope: &Scope, id: BrokerId) -> Result<bool, StoreError> {
        let found = sqlx::query_scalar!(
            r#"select exists (
                 select from broker where id = $1 and account = $2 and region = $3) as "there!""#,
            id.uuid(),
            scope.account.as_str(),
            scope.region.as_str()
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(found)
    }

    /// Brokers of the scope in the order they were created, after `after`. Those that can't be read are skipped; a page
    /// is empty only if there are no more.
    ///
    /// # Errors
    /// As every method.
    pub async fn brokers(
        &self,
        scope: &Scope,
        after: Option<(Timestamp, BrokerId)>,
        limit: u32,
    ) -> Result<BrokerPage, StoreError> {
        let mut after = after.map_or((i64::MIN, uuid::Uuid::nil()), |(created, id)| {
            (created.as_micros(), id.uuid())
        });
        loop {
            let (brokers, more) = self.broker_page(scope, after, limit).await?;
            match more {
                Some(last) if brokers.is_empty() => after = last,
                more => return Ok(BrokerPage { brokers, has_more: more.is_some() }),
            }
        }
    }

    /// A page of rows, and the place of its last one if there are more.
    async fn broker_page(
        &self,
        scope: &Scope,
        (created, id): (i64, uuid::Uuid),
        limit: u32,
    ) -> Result<(Vec<BrokerSummary>, Option<(i64, uuid::Uuid)>), StoreError> {
        let mut rows = sqlx::query_as!(
            SummaryRow,
            r#"select b.id, b.name, b.created, b.deleting, b.engine_type, b.deployment_mode,
                      b.host_instance_type, b.has_run as "has_run!", b.has_failed as "has_failed!",
                      b.is_rebooting as "is_rebooting!", b.needs_action as "needs_action!",
                      b.not_applied is not null and (b.has_pending
                        or exists (select from broker_user u where u.broker_id = b.id and u.listed
                                     and u.pending_change is not null)) as "not_applied!"
               from broker b
               where b.account = $1 and b.region = $2 and (b.created, b.id) > ($3, $4)
               order by b.created, b.id limit $5"#,
            scope.account.as_str(),
            scope.region.as_str(),
            created,
            id,
            i64::from(limit) + 1
        )
        .fetch_all(&self.pool)
        .await?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        let more = rows.last().filter(|_| has_more).map(|row| (row.created, row.id));
        let read = |row: SummaryRow| {
            let id = row.id;
            self.skipped.keep("broker", id, row.summary())
        };
        Ok((rows.into_iter().filter_map(read).collect(), more))
    }

    /// The regions that have brokers, and how many. Those that can't be read are skipped.
    ///
    /// # Errors
    /// As every method.
    pub async fn regions(&self) -> Result<Vec<(Region, i64)>, StoreError> {
        let rows = sqlx::query!(
            r#"select region, count(*) as "brokers!" from broker group by region order by region"#
        )
        .fetch_all(&self.pool)
        .await?;
        let read = |(name, brokers): (String, i64)| {
            let region = name
                .parse()
                .map_err(|_| StoreError::Inconsistent { table: "broker", what: name.clone() });
            Some((self.skipped.keep("broker", &name, region)?, brokers))
        };
        Ok(rows.into_iter().map(|row| (row.region, row.brokers)).filter_map(read).collect())
    }

    /// Counts a reboot, if the broker is still as `seen`; false: look again. It applies what waits, also what
    /// could not be applied before.
    ///
    /// # Errors
    /// As every method.
    pub async fn request_reboot(&self, seen: &Broker, now: Timestamp) -> Result<bool, StoreError> {
        self.count_reboot(seen, EventKind::Request, "RebootBroker accepted", false, now).await
    }

    /// Counts a reboot in the broker's maintenance window, if the broker is still as `seen`, and that the
    /// window did something; false: look again.
    ///
    /// # Errors
    /// As every method.
    pub async fn request_maintenance(
        &self,
        seen: &Broker,
        reason: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.count_reboot(seen, EventKind::Verdict, reason, true, now).await
    }

    /// Locks the lease before the broker, as every recording does: the other way round they would lock
    /// each other out.
    async fn count_reboot(
        &self,
        seen: &Broker,
        kind: EventKind,
        message: &str,
        in_window: bool,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let changed = sqlx::query_scalar!(
            r#"with l as (
                 select broker_id from reconcile where broker_id = $1 for update
               ), b as (
                 update broker set reboots_requested = reboots_requested + 1,
                   maintained = case when $7 then $4 else maintained end,
                   not_applied = case when $7 then not_applied end
                 from l
                 where id = l.broker_id and generation = $2 and reboots_requested = $3 and not deleting
                 returning id
               ), d as (
                 update reconcile set due_at = least(due_at, now()), wakes = wakes + 1, attempt = 0
                 from b where broker_id = b.id
               ), e as (
                 insert into event (broker_id, at, kind, message) select id, $4, $5, $6 from b
               )
               select id from b"#,
            seen.id.uuid(),
            seen.generation.0,
            i64::from(seen.reboots_requested),
            now.as_micros(),
            kind.as_str(),
            message,
            in_window
        )
        .fetch_optional(&self.pool)
        .await?;
        self.notifier.notify(Channel::Reconcile);
        Ok(changed.is_some())
    }

    /// Every broker that has something to do in its maintenance window, with when a window last did something. Those
    /// that can't be read are skipped.
    ///
    /// # Errors
    /// As every method.
    pub async fn maintenance_candidates(
        &self,
    ) -> Result<Vec<(Broker, Option<Timestamp>)>, StoreError> {
        // Which of them are due is decided elsewhere. Most brokers have nothing that waits and need not be read for it.
        let rows = select_broker!(
            "where not b.deleting
               and (b.status ->> 'maintenance' is not null or b.pending <> '{}'
                 or b.configurations ->> 'pending' is not null
                 or exists (select from broker_user u
                            where u.broker_id = b.id and u.listed and u.pending_change is not null))
             order by b.id"
        )
        .fetch_all(&self.pool)
        .await?;
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<uuid::Uuid> = rows.iter().map(|row| row.id).collect();
        let windows = sqlx::query!(
            r#"select id, maintained as "maintained!" from broker
               where id = any($1) and maintained is not null"#,
            &ids
        )
        .fetch_all(&self.pool)
        .await?;
        let maintained: std::collections::HashMap<_, _> = windows
            .into_iter()
            .map(|row| (row.id, Timestamp::from_micros(row.maintained)))
            .collect();
        let read = |row: BrokerRow| {
            let id = row.id;
            let broker = self.skipped.keep("broker", id, row.broker(&self.skipped))?;
            Some((broker, maintained.get(&id).copied()))
        };
        Ok(rows.into_iter().filter_map(read).collect())
    }

    /// Marks a broker for deletion, once; false: it does not exist any more. Locks the lease first.
    ///
    /// # Errors
    /// As every method.
    pub async fn request_delete(
        &self,
        scope: &Scope,
        id: BrokerId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let there = sqlx::query_scalar!(
            r#"with l as (
                 select broker_id from reconcile where broker_id = $1 for update
               ), b as (
                 update broker set deleting = true, generation = generation + 1 from l
                 where id = l.broker_id and account = $2 and region = $3 and not deleting
                 returning id
               ), d as (
                 update reconcile set due_at = least(due_at, now()), wakes = wakes + 1, attempt = 0,
                   urgent = false
                 from b where broker_id = b.id
               ), e as (
                 insert into event (broker_id, at, kind, message)
                 select id, $4, 'request', 'DeleteBroker accepted' from b
               )
               select exists (select from broker where id = $1 and account = $2 and region = $3) as "there!""#,
            id.uuid(),
            scope.account.as_str(),
            scope.region.as_str(),
            now.as_micros()
        )
        .fetch_one(&self.pool)
        .await?;
        self.notifier.notify(Channel::Reconcile);
        Ok(there)
    }

    /// The newest events of a broker, newest first, without those that can't be read; none: this scope has no such
    /// broker.
    ///
    /// # Errors
    /// As every method.
    pub async fn events(
        &self,
        scope: &Scope,
        id: BrokerId,
        limit: u32,
    ) -> Result<Option<Vec<Event>>, StoreError> {
        let rows = sqlx::query!(
            "select e.at, e.kind, e.message from event e
             where e.broker_id = (select id from broker where id = $1 and account = $3 and region = $4)
             order by e.id desc limit $2",
            id.uuid(),
            i64::from(limit),
            scope.account.as_str(),
            scope.region.as_str()
        )
        .fetch_all(&self.pool)
        .await?;
        if rows.is_empty() && !self.has_broker(scope, id).await? {
            return Ok(None);
        }
        let read = |(at, kind, message): (i64, String, String)| {
            let known = EventKind::from_name(&kind)
                .ok_or_else(|| StoreError::Inconsistent { table: "event", what: kind });
            let kind = self.skipped.keep("event", id, known)?;
            Some(Event { at: Timestamp::from_micros(at), kind, message })
        };
        Ok(Some(
            rows.into_iter().map(|row| (row.at, row.kind, row.message)).filter_map(read).collect(),
        ))
    }
}
