//! A pass under its lease: the lease is prolonged as long as the pass lasts, and given back after it.

use std::{sync::Arc, time::Duration};

use brokerd_domain::{Lease, Next, VerdictKind};
use brokerd_store::StoreError;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::{
    metrics::{Outcome, PassLabels},
    pass::{Context, Passed},
    step_error::StepError,
};

/// How often a lease is prolonged while it lasts. Three in four attempts may fail, or come late.
const RENEWALS: u32 = 4;
/// How soon to ask the store again that did not answer.
const RETRY: Duration = Duration::from_secs(1);
/// How long a pass may take to finish its round when the process stops.
const FINISHING: Duration = Duration::from_secs(5);

/// One pass under a lease that was claimed after `claimed`. Losing the lease drops the pass where it
/// stands: the next holder observes what it left.
pub(crate) async fn run_pass(context: Arc<Context>, lease: Lease, claimed: Instant, ttl: Duration) {
    let started = Instant::now();
    let result = tokio::select! {
        result = context.pass(&lease) => result,
        () = lost(&context, &lease, Term::begun(claimed, ttl)) => Err(StepError::LeaseLost),
        () = out_of_patience(&context.stopping) => {
            Ok(Passed { verdict: Some((VerdictKind::Progressing, Next::Now)) })
        }
    };
    let outcome = settle(&context, &lease, ttl, result).await;
    context.metrics.passes.get_or_create(&PassLabels { outcome }).inc();
    context.metrics.pass_seconds.observe(started.elapsed().as_secs_f64());
}

/// When a lease has to be prolonged, and until when it is sure to hold. It ends by the store's clock, which
/// began to count after it was asked for.
#[derive(Debug, Clone, Copy)]
struct Term {
    ttl: Duration,
    next: Instant,
    end: Instant,
}

impl Term {
    fn begun(asked: Instant, ttl: Duration) -> Self {
        Self { ttl, next: asked + ttl / RENEWALS, end: asked + ttl }
    }

    fn not_prolonged(self, now: Instant) -> Self {
        Self { next: (now + RETRY.min(self.ttl / RENEWALS)).min(self.end), ..self }
    }
}

/// Prolongs a lease until it is lost: to somebody else, or because the store was silent until its end.
async fn lost(context: &Context, lease: &Lease, mut term: Term) {
    loop {
        sleep_until(term.next).await;
        let asked = Instant::now();
        term = match timeout_at(term.end, context.store.renew(lease, term.ttl)).await {
            Ok(Ok(())) => Term::begun(asked, term.ttl),
            Err(_) | Ok(Err(StoreError::LeaseLost)) => return,
            Ok(Err(_)) if Instant::now() >= term.end => return,
            Ok(Err(error)) => {
                tracing::debug!(error = &error as &dyn std::error::Error, "can't prolong a lease");
                term.not_prolonged(Instant::now())
            }
        };
    }
}

async fn out_of_patience(stopping: &CancellationToken) {
    stopping.cancelled().await;
    sleep(FINISHING).await;
}

async fn settle(
    context: &Context,
    lease: &Lease,
    ttl: Duration,
    result: Result<Passed, StepError>,
) -> Outcome {
    let (outcome, next) = match result {
        Ok(passed) => match passed.verdict {
            None => return Outcome::Converged,
            Some((kind, next)) => (
                match kind {
                    VerdictKind::Converged => Outcome::Converged,
                    VerdictKind::Progressing => Outcome::Progressing,
                    VerdictKind::Blocked => Outcome::Blocked,
                    VerdictKind::Failed => Outcome::Failed,
                },
                next,
            ),
        },
        Err(StepError::LeaseLost) => {
            tracing::warn!(broker.id = %lease.broker, "lost the lease; stopping this pass");
            return Outcome::LeaseLost;
        }
        Err(error) => {
            tracing::error!(
                broker.id = %lease.broker,
                error = &error as &dyn std::error::Error,
                "the pass could not be completed"
            );
            (Outcome::StoreError, Next::BackOff)
        }
    };
    match release(context, lease, ttl, next).await {
        Ok(()) => outcome,
        Err(StoreError::LeaseLost) => Outcome::LeaseLost,
        Err(error) => {
            tracing::warn!(
                broker.id = %lease.broker,
                error = &error as &dyn std::error::Error,
                "can't give the lease back; it will run out"
            );
            outcome
        }
    }
}

/// Gives the lease back, to a store that is away for a moment as soon as it returns.
async fn release(
    context: &Context,
    lease: &Lease,
    ttl: Duration,
    next: Next,
) -> Result<(), StoreError> {
    let end = Instant::now() + ttl;
    loop {
        match context.store.release(lease, next).await {
            Err(StoreError::Unavailable(_))
                if Instant::now() + RETRY < end && !context.stopping.is_cancelled() =>
            {
                sleep(RETRY).await;
            }
            released => return released,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TTL: Duration = Duration::from_secs(15);

    /// Asks a store that answers or not, each time at once; when the lease ended, in seconds.
    fn ends_after(answers: impl Fn(u64) -> bool) -> Option<u64> {
        let start = Instant::now();
        let mut term = Term::begun(start, TTL);
        while term.next < start + Duration::from_secs(120) {
            let at = term.next;
            if at >= term.end {
                return Some((at - start).as_secs());
            }
            term = if answers((at - start).as_secs()) {
                Term::begun(at, TTL)
            } else {
                term.not_prolonged(at)
            };
        }
        None
    }

    #[test]
    fn a_store_that_is_away_for_ten_seconds_costs_no_lease() {
        for from in 0..60 {
            assert_eq!(ends_after(|now| !(from..from + 10).contains(&now)), None, "from {from}");
        }
    }

    #[test]
    fn a_lease_that_could_not_be_prolonged_is_given_up_when_others_may_have_it_and_not_before() {
        assert_eq!(ends_after(|_| false), Some(TTL.as_secs()));
        // Asked after 3.75, 7.5, 11.25 and 15 seconds, and the last time that it answers after 18.75.
        assert_eq!(ends_after(|now| now < 20), Some(33));
    }
}
