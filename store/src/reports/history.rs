//! How available brokers were, and what happened to them.

use std::collections::HashMap;

use brokerd_domain::{
    Availability, BrokerId, Timestamp,
    report::{
        AvailabilityInterval, AvailabilityRecord, AvailabilitySummary, Failover, InstanceOutage,
        OutageCause, Period,
    },
};
use uuid::Uuid;

use crate::kernel::{PgStore, StoreError};

impl PgStore {
    /// What is known of the availability of brokers in a period. Of a broker that nothing is known of there is none.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn availability(
        &self,
        brokers: &[BrokerId],
        period: Period,
    ) -> Result<HashMap<BrokerId, AvailabilityRecord>, StoreError> {
        let ids: Vec<Uuid> = brokers.iter().map(|broker| broker.uuid()).collect();
        let (from, to) = (period.from.as_micros(), period.to.as_micros());
        let mut found: HashMap<BrokerId, AvailabilityRecord> = HashMap::new();
        let rows = sqlx::query!(
            "select broker_id, began, ended, state, cause, detail from availability_interval
             where broker_id = any($1) and began < $3 and (ended is null or ended > $2)
             order by began",
            &ids,
            from,
            to
        )
        .fetch_all(&self.pool)
        .await?;
        for row in rows {
            found.entry(row.broker_id.into()).or_default().intervals.push(AvailabilityInterval {
                began: Timestamp::from_micros(row.began),
                ended: row.ended.map(Timestamp::from_micros),
                state: Availability::from_name(&row.state),
                cause: row.cause.as_deref().map(OutageCause::from_name),
                detail: row.detail,
            });
        }
        // A gap that began before the period hides what was recorded before the period.
        let rows = sqlx::query!(
            "select broker_id, began, ended from watch_gap
             where broker_id = any($1) and began < $3 and ended > $2
             order by began",
            &ids,
            from,
            to
        )
        .fetch_all(&self.pool)
        .await?;
        for row in rows {
            let gap = Period {
                from: Timestamp::from_micros(row.began),
                to: Timestamp::from_micros(row.ended),
            };
            found.entry(row.broker_id.into()).or_default().gaps.push(gap);
        }
        // Who has not said for too long that it lives, is dead, even if nobody has noticed yet.
        let rows = sqlx::query!(
            r#"select r.broker_id as "broker_id!",
                      greatest((extract(epoch from coalesce(r.unwatched_since, p.seen_at)) * 1000000)::bigint,
                               (select max(i.began) from availability_interval i where i.broker_id = r.broker_id)
                      ) as "since!"
               from reconcile r
               left join provisioner p on p.id = r.owner and p.expires_at < now()
               where r.broker_id = any($1) and coalesce(r.unwatched_since, p.seen_at) is not null"#,
            &ids
        )
        .fetch_all(&self.pool)
        .await?;
        for row in rows {
            let since = Timestamp::from_micros(row.since);
            found.entry(row.broker_id.into()).or_default().unwatched_since = Some(since);
        }
        Ok(found)
    }

    /// How available each broker that is there has been since then, of all accounts.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn fleet_availability(
        &self,
        since: Timestamp,
        now: Timestamp,
    ) -> Result<Vec<(BrokerId, AvailabilitySummary)>, StoreError> {
        let ids = sqlx::query_scalar!("select id from broker where not deleting order by id")
            .fetch_all(&self.pool)
            .await?;
        let brokers: Vec<BrokerId> = ids.into_iter().map(BrokerId::from).collect();
        let period = Period { from: since, to: now };
        let known = self.availability(&brokers, period).await?;
        let summary = |id: BrokerId| Some((id, known.get(&id)?.summary(period, now)));
        Ok(brokers.into_iter().filter_map(summary).collect())
    }

    /// The failovers of a broker that ended in a period, in the order of time.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn failovers(
        &self,
        broker: BrokerId,
        period: Period,
    ) -> Result<Vec<Failover>, StoreError> {
        let rows = sqlx::query!(
            "select began, ended, former, successor, cause, detail from failover
             where broker_id = $1 and began < $3 and ended >= $2 order by began",
            broker.uuid(),
            period.from.as_micros(),
            period.to.as_micros()
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| Failover {
                began: Timestamp::from_micros(row.began),
                ended: Timestamp::from_micros(row.ended),
                former: u8::try_from(row.former).unwrap_or(0),
                successor: u8::try_from(row.successor).unwrap_or(0),
                cause: OutageCause::from_name(&row.cause),
                detail: row.detail,
            })
            .collect())
    }

    /// The times of a period in which an instance of a broker neither served nor stood by, in their order.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn instance_outages(
        &self,
        broker: BrokerId,
        period: Period,
    ) -> Result<Vec<InstanceOutage>, StoreError> {
        let rows = sqlx::query!(
            "select ordinal, began, ended, restarts, cause, detail from instance_outage
             where broker_id = $1 and began < $3 and (ended is null or ended >= $2)
             order by began, ordinal",
            broker.uuid(),
            period.from.as_micros(),
            period.to.as_micros()
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| InstanceOutage {
                ordinal: u8::try_from(row.ordinal).unwrap_or(0),
                began: Timestamp::from_micros(row.began),
                ended: row.ended.map(Timestamp::from_micros),
                restarts: u32::try_from(row.restarts).unwrap_or(0),
                cause: OutageCause::from_name(&row.cause),
                detail: row.detail,
            })
            .collect())
    }
}
