//! Availability: what passes change is written in the transaction of their record, and when nobody watched a broker where
//! its provisioner is found dead and where somebody watches it again. A steady broker costs nothing.

use brokerd_domain::{
    Availability, Timestamp,
    report::{InstanceTransition, OutageCause, ReportedChange, Takeover},
};
use uuid::Uuid;

use crate::kernel::{StoreError, pool::Transaction};

/// How long after an injected fault is over what happens is still its doing: it takes a moment until it is noticed.
const AFTER_FAULT_MICROS: i64 = 5_000_000;

/// Writes what a pass changes.
pub(crate) async fn change(
    transaction: &mut Transaction,
    id: Uuid,
    change: &ReportedChange,
) -> Result<(), StoreError> {
    let lost = change.transitions.instances.iter().find(|(_, what, _)| {
        matches!(what, InstanceTransition::Lost | InstanceTransition::Restarted)
    });
    let down = change
        .transitions
        .availability
        .filter(|(state, _)| *state == Availability::Unavailable)
        .map(|(_, at)| at);
    let cause = match lost.map(|(_, _, at)| *at).or(down) {
        Some(at) if is_by_fault(transaction, id, at).await? => OutageCause::InjectedFault,
        Some(_) | None => change.cause,
    };
    let why = (cause, change.detail.as_str());
    if let Some((state, at)) = change.transitions.availability {
        set_availability(transaction, id, state, at, why).await?;
    }
    for (ordinal, what, at) in &change.transitions.instances {
        change_instance(transaction, id, (*ordinal, *what, *at), why).await?;
    }
    if let Some(takeover) = &change.transitions.takeover {
        insert_failover(transaction, id, takeover, why).await?;
    }
    Ok(())
}

/// Whether an injected fault was in force then, or just before.
async fn is_by_fault(
    transaction: &mut Transaction,
    id: Uuid,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let found = sqlx::query_scalar!(
        r#"select exists (select from fault
             where broker_id = $1 and struck is not null and (ended is null or ended > $2)
               and spec ->> 'kind' <> 'LATENCY') as "found!""#,
        id,
        at.as_micros().saturating_sub(AFTER_FAULT_MICROS)
    )
    .fetch_one(&mut **transaction)
    .await?;
    Ok(found)
}

async fn set_availability(
    transaction: &mut Transaction,
    id: Uuid,
    state: Availability,
    at: Timestamp,
    (cause, detail): (OutageCause, &str),
) -> Result<(), StoreError> {
    let ended = sqlx::query_scalar!(
        r#"update availability_interval set ended = greatest(began, $2)
           where broker_id = $1 and ended is null returning ended as "ended!""#,
        id,
        at.as_micros()
    )
    .fetch_optional(&mut **transaction)
    .await?;
    if ended.is_none() {
        // A process of a former build may have created the broker.
        sqlx::query!(
            "with r as (
               insert into reported_broker (broker_id, account, region, name, engine_type, created)
               select id, account, region, name, spec ->> 'engine_type', created from broker where id = $1
               on conflict do nothing returning broker_id
             )
             insert into metered_interval (broker_id, began, deployment_mode, host_instance_type, storage_type,
                                           disk_gib)
             select b.id, $2, b.spec ->> 'deployment_mode', b.spec ->> 'host_instance_type',
                    b.spec ->> 'storage_type', case b.spec ->> 'engine_type' when 'RABBITMQ' then b.storage_gib
                      / case b.spec ->> 'deployment_mode' when 'CLUSTER_MULTI_AZ' then 3 else 1 end end
             from r join broker b on b.id = r.broker_id",
            id,
            at.as_micros()
        )
        .execute(&mut **transaction)
        .await?;
    }
    let is_out = state != Availability::Available;
    sqlx::query!(
        "insert into availability_interval (broker_id, began, state, cause, detail)
         values ($1, $2, $3, $4, $5)",
        id,
        // Clocks of two processes may differ.
        ended.unwrap_or(at.as_micros()),
        state.as_str(),
        is_out.then_some(cause.as_str()),
        is_out.then_some(detail)
    )
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

async fn change_instance(
    transaction: &mut Transaction,
    id: Uuid,
    (ordinal, what, at): (u8, InstanceTransition, Timestamp),
    (cause, detail): (OutageCause, &str),
) -> Result<(), StoreError> {
    let (ordinal, at) = (i16::from(ordinal), at.as_micros());
    match what {
        InstanceTransition::Lost => {
            sqlx::query!(
                "insert into instance_outage (broker_id, ordinal, began, restarts, cause, detail)
                 values ($1, $2, $3, 0, $4, $5) on conflict do nothing",
                id,
                ordinal,
                at,
                cause.as_str(),
                detail
            )
            .execute(&mut **transaction)
            .await?
        }
        InstanceTransition::Restarted => {
            sqlx::query!(
                "update instance_outage set restarts = restarts + 1
                 where broker_id = $1 and ordinal = $2 and ended is null",
                id,
                ordinal
            )
            .execute(&mut **transaction)
            .await?
        }
        InstanceTransition::Recovered => {
            sqlx::query!(
                "update instance_outage set ended = greatest(began, $3)
                 where broker_id = $1 and ordinal = $2 and ended is null",
                id,
                ordinal,
                at
            )
            .execute(&mut **transaction)
            .await?
        }
    };
    Ok(())
}

/// A failover has the beginning and the cause of the outage that it ended.
async fn insert_failover(
    transaction: &mut Transaction,
    id: Uuid,
    takeover: &Takeover,
    (cause, detail): (OutageCause, &str),
) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into failover (broker_id, began, ended, former, successor, cause, detail)
         select $1, least($2, a.began), $3, $4, $5, coalesce(a.cause, $6), coalesce(a.detail, $7)
         from (select) as one left join lateral (
           select began, cause, detail from availability_interval
           where broker_id = $1 and state = 'UNAVAILABLE' and began <= $3 and coalesce(ended, $3) >= $2
           order by began limit 1) a on true",
        id,
        takeover.began.as_micros(),
        takeover.ended.as_micros(),
        i16::from(takeover.former),
        i16::from(takeover.successor),
        cause.as_str(),
        detail
    )
    .execute(&mut **transaction)
    .await?;
    Ok(())
}
