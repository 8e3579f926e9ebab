//! Calls of engines: what the API asks, and what provisioners answer.
//!
//! A row is there for as long as somebody waits for its answer. A provisioner claims it before it asks the engine. What
//! only reads is claimed again when that takes too long; what changes something is claimed once, so that nothing is
//! done twice. Every moment is the database's.

use std::time::Duration;

use brokerd_domain::{
    BrokerId, Scope, WorkerId,
    destination::{EngineAnswer, EngineCall, EngineCallKind},
};
use serde::{Serialize, de::DeserializeOwned};
use uuid::Uuid;

use crate::kernel::{
    Channel, PgStore, StoreError,
    sealed_column::{ENGINE_ANSWER, ENGINE_CALL, SealedColumn},
};

/// How many calls of a broker may be open at a time.
const MAX_OPEN_CALLS: i64 = 32;
/// How long what nobody waits for any more is kept.
const RETENTION: Duration = Duration::from_secs(60);

/// A call of an engine that is to be made.
#[derive(Debug, Clone, PartialEq)]
pub struct EngineCallRequest {
    /// Its id.
    pub id: Uuid,
    /// Whose engine.
    pub broker: BrokerId,
    /// What is asked.
    pub call: EngineCall,
    /// The ARN of who asks.
    pub requested_by: String,
    /// How long somebody waits for the answer.
    pub timeout: Duration,
}

/// What came of the request of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestOutcome {
    /// It waits for a provisioner.
    Requested,
    /// There is no such broker, or it is being deleted.
    BrokerNotFound,
    /// As many calls of the broker are open as may be.
    TooMany,
}

/// A call that nobody has begun, or that may be begun again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenEngineCall {
    /// Its id.
    pub id: Uuid,
    /// Whose engine.
    pub broker: BrokerId,
}

/// A call that a provisioner has begun.
#[derive(Debug, Clone, PartialEq)]
pub struct ClaimedEngineCall {
    /// Its id.
    pub id: Uuid,
    /// Whose engine.
    pub broker: BrokerId,
    /// What is asked.
    pub call: EngineCall,
    /// How many had begun, this one included.
    pub claims: u32,
    /// How long the claim holds.
    pub timeout: Duration,
}

/// A call that is not waited for any more.
#[derive(Debug, Clone, PartialEq)]
pub enum WithdrawnEngineCall {
    /// It was answered at the last moment.
    Answered(EngineAnswer),
    /// Somebody had begun.
    Begun,
    /// Nobody had begun, and nobody will.
    NotBegun,
    /// It is gone, with its broker.
    Gone,
}

impl PgStore {
    /// Asks for a call of the engine of a broker of this scope.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn request_engine_call(
        &self,
        scope: &Scope,
        request: &EngineCallRequest,
    ) -> Result<RequestOutcome, StoreError> {
        let arguments = self.seal_json(&ENGINE_CALL, request.id, &request.call)?;
        let inserted = sqlx::query!(
            "insert into engine_call (id, broker_id, kind, arguments, requested_by, deadline)
             select $1, b.id, $3, $4, $5, now() + make_interval(secs => $6)
             from broker b
             where b.id = $2 and b.account = $7 and b.region = $8 and not b.deleting
               and (select count(*) from engine_call c where c.broker_id = b.id and c.deadline > now()) < $9",
            request.id,
            request.broker.uuid(),
            request.call.kind().as_str(),
            arguments,
            request.requested_by,
            request.timeout.as_secs_f64(),
            scope.account.as_str(),
            scope.region.as_str(),
            MAX_OPEN_CALLS
        )
        .execute(&self.pool)
        .await?;
        if inserted.rows_affected() > 0 {
            self.notifier.notify(Channel::EngineCalls);
            return Ok(RequestOutcome::Requested);
        }
        let is_there = sqlx::query_scalar!(
            r#"select exists (select from broker where id = $1 and account = $2 and region = $3
                              and not deleting) as "there!""#,
            request.broker.uuid(),
            scope.account.as_str(),
            scope.region.as_str()
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(if is_there { RequestOutcome::TooMany } else { RequestOutcome::BrokerNotFound })
    }

    /// Takes the answer of a call, if there is one.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn take_engine_answer(&self, id: Uuid) -> Result<Option<EngineAnswer>, StoreError> {
        // A look is cheaper than an attempt to delete.
        let is_answered = sqlx::query_scalar!(
            r#"select answer is not null as "answered!" from engine_call where id = $1"#,
            id
        )
        .fetch_optional(&self.pool)
        .await?;
        if is_answered != Some(true) {
            return Ok(None);
        }
        match self.withdraw_engine_call(id).await? {
            WithdrawnEngineCall::Answered(answer) => Ok(Some(answer)),
            WithdrawnEngineCall::Begun
            | WithdrawnEngineCall::NotBegun
            | WithdrawnEngineCall::Gone => Ok(None),
        }
    }

    /// Ends the wait for a call: whoever has not begun will not begin.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn withdraw_engine_call(&self, id: Uuid) -> Result<WithdrawnEngineCall, StoreError> {
        let row = sqlx::query!(
            r#"delete from engine_call where id = $1
               returning answer, claimed_by is not null as "begun!""#,
            id
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(match row {
            None => WithdrawnEngineCall::Gone,
            Some(row) => match row.answer {
                Some(answer) => {
                    WithdrawnEngineCall::Answered(self.open_json(&ENGINE_ANSWER, id, &answer)?)
                }
                None if row.begun => WithdrawnEngineCall::Begun,
                None => WithdrawnEngineCall::NotBegun,
            },
        })
    }

    /// Up to `most` calls that may be begun, the oldest first.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn open_engine_calls(&self, most: u32) -> Result<Vec<OpenEngineCall>, StoreError> {
        let rows = sqlx::query!(
            "select id, broker_id from engine_call
             where answer is null and deadline > now()
               and (claimed_by is null or (claimed_until <= now() and not kind = any($1)))
             order by created limit $2",
            &once(),
            i64::from(most)
        )
        .fetch_all(&self.pool)
        .await?;
        let open = |id, broker| OpenEngineCall { id, broker: BrokerId::from(broker) };
        Ok(rows.into_iter().map(|row| open(row.id, row.broker_id)).collect())
    }

    /// Begins those of these calls that nobody else has begun. What only reads may be begun again after `hold`; for
    /// everything else the claim holds as long as somebody waits. Those that can't be read are left out.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn claim_engine_calls(
        &self,
        worker: WorkerId,
        calls: &[Uuid],
        hold: Duration,
    ) -> Result<Vec<ClaimedEngineCall>, StoreError> {
        let rows = sqlx::query!(
            r#"update engine_call
               set claimed_by = $2, claims = claims + 1,
                   claimed_until = case when kind = any($4) then deadline
                                        else least(deadline, now() + make_interval(secs => $3)) end
               where id in (
                 select id from engine_call
                 where id = any($1) and answer is null and deadline > now()
                   and (claimed_by is null or (claimed_until <= now() and not kind = any($4)))
                 order by created for update skip locked)
               returning id, broker_id, kind, arguments, claims,
                         extract(epoch from claimed_until - now())::float8 as "seconds!""#,
            calls,
            worker.uuid(),
            hold.as_secs_f64(),
            &once()
        )
        .fetch_all(&self.pool)
        .await?;
        let claimed = rows.into_iter().filter_map(|row| {
            let read = || {
                Ok(ClaimedEngineCall {
                    id: row.id,
                    broker: BrokerId::from(row.broker_id),
                    call: self.open_json(&ENGINE_CALL, row.id, &row.arguments)?,
                    claims: u32::try_from(row.claims).unwrap_or(u32::MAX),
                    timeout: Duration::try_from_secs_f64(row.seconds).unwrap_or_default(),
                })
            };
            self.skipped.keep("engine_call", row.id, read())
        });
        Ok(claimed.collect())
    }

    /// Answers a call; false: nobody waits any more, or somebody else has answered or begun again.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn answer_engine_call(
        &self,
        call: &ClaimedEngineCall,
        answer: &EngineAnswer,
    ) -> Result<bool, StoreError> {
        let answer = self.seal_json(&ENGINE_ANSWER, call.id, answer)?;
        let answered = sqlx::query!(
            "update engine_call set answer = $3
             where id = $1 and claims = $2 and answer is null",
            call.id,
            i32::try_from(call.claims).unwrap_or(i32::MAX),
            answer
        )
        .execute(&self.pool)
        .await?;
        if answered.rows_affected() == 0 {
            return Ok(false);
        }
        self.notifier.notify(Channel::EngineAnswers);
        Ok(true)
    }

    /// Deletes expired calls; returns how many.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn prune_engine_calls(&self, most: u32) -> Result<u64, StoreError> {
        let pruned = sqlx::query!(
            "delete from engine_call where id in (
               select id from engine_call where deadline < now() - make_interval(secs => $1)
               order by deadline limit $2 for update skip locked)",
            RETENTION.as_secs_f64(),
            i64::from(most)
        )
        .execute(&self.pool)
        .await?;
        Ok(pruned.rows_affected())
    }

    fn seal_json(
        &self,
        column: &SealedColumn,
        id: Uuid,
        value: &impl Serialize,
    ) -> Result<Vec<u8>, StoreError> {
        let text = serde_json::to_vec(value).map_err(|error| wrong(&error))?;
        self.key.seal(&*self.entropy, &column.place(&[id.to_string()]), &text)
    }

    fn open_json<T: DeserializeOwned>(
        &self,
        column: &SealedColumn,
        id: Uuid,
        sealed: &[u8],
    ) -> Result<T, StoreError> {
        let text = self.key.open(&column.place(&[id.to_string()]), sealed)?;
        serde_json::from_slice(&text).map_err(|error| wrong(&error))
    }
}

/// The kinds of calls that are begun once.
fn once() -> Vec<String> {
    let once = EngineCallKind::ALL.into_iter().filter(|kind| !kind.is_repeatable());
    once.map(|kind| kind.as_str().to_owned()).collect()
}

fn wrong(error: &serde_json::Error) -> StoreError {
    // Not what it says: messages are in it.
    let what = format!("not a call or an answer, at column {}", error.column());
    StoreError::Inconsistent { table: "engine_call", what }
}
