//! A change of an alarm's state: with its item in the history, its notifications, and an event of its brokers.

use brokerd_domain::{
    Event, EventKind, Scope,
    alarm::{HistoryItem, StateChange},
};
use uuid::Uuid;

use super::history::insert_history;
use crate::{
    brokers::events::insert_events,
    kernel::{PgStore, StoreError, pool::Transaction},
};

impl PgStore {
    /// Stores the new state of an alarm that is locked. If it is another one, that is told.
    pub(super) async fn store_state(
        &self,
        transaction: &mut Transaction,
        id: Uuid,
        change: &StateChange<'_>,
    ) -> Result<(), StoreError> {
        let StateChange { scope, alarm, old, new, .. } = *change;
        sqlx::query!(
            "update alarm set state = $2, state_reason = $3, state_reason_data = $4, state_updated = $5,
                              state_transitioned = $6
             where id = $1",
            id,
            new.value.as_str(),
            new.reason,
            new.reason_data,
            new.updated.as_micros(),
            new.transitioned.as_micros()
        )
        .execute(&mut **transaction)
        .await?;
        if old.value == new.value {
            return Ok(());
        }
        let item = HistoryItem::state_changed(&alarm.name, old, new);
        insert_history(transaction, scope, &item).await?;
        if alarm.actions_enabled {
            self.insert_deliveries(transaction, change).await?;
        }
        let event = Event {
            at: new.updated,
            kind: EventKind::Verdict,
            message: format!(
                "alarm {}: {} to {}: {}",
                alarm.name, old.value, new.value, new.reason
            ),
        };
        insert_broker_event(transaction, scope, &alarm.broker_names(), event).await
    }

    async fn insert_deliveries(
        &self,
        transaction: &mut Transaction,
        change: &StateChange<'_>,
    ) -> Result<(), StoreError> {
        let StateChange { scope, alarm, new, .. } = *change;
        let told = change.notification();
        for action in alarm.actions(new.value) {
            sqlx::query!(
                "insert into alarm_delivery (id, account, region, alarm, state, action, subject, message, at)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
                self.entropy.uuid(),
                scope.account.as_str(),
                scope.region.as_str(),
                alarm.name,
                new.value.as_str(),
                action.as_str(),
                told.subject,
                told.message,
                new.updated.as_micros()
            )
            .execute(&mut **transaction)
            .await?;
        }
        Ok(())
    }
}

/// Adds an event to the history of the brokers that the values of the dimension `Broker` name: brokers of RabbitMQ by their
/// names, instances of ActiveMQ by their brokers' names and their ordinals.
async fn insert_broker_event(
    transaction: &mut Transaction,
    scope: &Scope,
    names: &[&str],
    event: Event,
) -> Result<(), StoreError> {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let brokers = sqlx::query_scalar!(
        "select id from broker
         where account = $1 and region = $2
           and (name = any($3) or name || '-1' = any($3) or name || '-2' = any($3))",
        scope.account.as_str(),
        scope.region.as_str(),
        &names
    )
    .fetch_all(&mut **transaction)
    .await?;
    for broker in brokers {
        insert_events(transaction, broker, std::slice::from_ref(&event)).await?;
    }
    Ok(())
}
