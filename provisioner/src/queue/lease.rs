//! A pass under its lease: the lease is renewed as long as the pass lasts, and released after it.

use std::{panic::AssertUnwindSafe, time::Duration};

use brokerd_domain::{Entropy, Lane, Lease, Next, VerdictKind};
use brokerd_store::StoreError;
use futures_util::FutureExt as _;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::{
    metrics::{Outcome, PassLabels},
    reconcile::{MonitorObservation, PassContext, Passed, StepError, WatchedBroker},
};

/// Renewals per lifetime of a lease. Three in four may fail or be late.
const RENEWALS: u32 = 4;
/// The pause before a store that did not answer is asked again.
const RETRY: Duration = Duration::from_secs(1);
/// How long a pass may take to finish its round when the process stops.
const FINISHING: Duration = Duration::from_secs(5);
/// How soon the next pass begins after one that met an error of the store, in the urgent lane and in the normal one, or
/// that panicked in the urgent one; ± 40 %.
const URGENT_AFTER_ERROR: Duration = Duration::from_millis(700);
const NORMAL_AFTER_ERROR: Duration = Duration::from_secs(2);
const URGENT_AFTER_PANIC: Duration = Duration::from_secs(5);
/// When a watched broker without changes is due for a pass. It makes up for errors of the monitor and for lost
/// notifications.
const REREAD: Duration = Duration::from_hours(1);

/// What is left to do after a pass.
#[derive(Debug)]
pub(crate) enum After {
    /// Watch the broker since this claim.
    Watch {
        /// The broker.
        watched: Box<WatchedBroker>,
        /// When to look first.
        pause: Duration,
        /// Whether it is due already.
        woken: bool,
    },
    /// The broker is due when the store says so.
    Wait {
        /// Whether that is now.
        woken: bool,
    },
    /// The broker is gone, or another provisioner owns it.
    Nothing,
}

/// One pass under a lease that was claimed after `claimed`. Losing the lease drops the pass where it
/// stands: the next holder observes what it left.
pub(crate) async fn run_pass(
    context: &PassContext,
    lane: Lane,
    lease: Lease,
    claimed: Instant,
    ttl: Duration,
    observation: Option<MonitorObservation>,
) -> After {
    let started = Instant::now();
    let pass = AssertUnwindSafe(context.pass(&lease, observation)).catch_unwind();
    let result = tokio::select! {
        result = pass => result.unwrap_or_else(|_| Err(StepError::Panicked)),
        () = lost(context, &lease, Term::begun(claimed, ttl)) => Err(StepError::LeaseLost),
        () = stop_deadline_passed(&context.stopping) => {
            Ok(Passed { verdict: Some((VerdictKind::Progressing, Next::Now)), watched: None })
        }
    };
    let (outcome, after) = settle(context, lane, &lease, ttl, result).await;
    if matches!(after, After::Nothing) {
        context.operations.end(lease.broker);
    }
    context.metrics.passes.get_or_create(&PassLabels { outcome }).inc();
    context.metrics.pass_seconds.observe(started.elapsed().as_secs_f64());
    after
}

/// When a lease must be renewed, and until when it holds for certain. It expires by the store's clock, counted from a
/// moment after the request.
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

/// Renews a lease until it is lost: to another provisioner, or because the store was silent until its end.
async fn lost(context: &PassContext, lease: &Lease, mut term: Term) {
    loop {
        sleep_until(term.next).await;
        let asked = Instant::now();
        term = match timeout_at(term.end, context.store.renew(lease, term.ttl)).await {
            Ok(Ok(())) => Term::begun(asked, term.ttl),
            Err(_) | Ok(Err(StoreError::LeaseLost)) => return,
            Ok(Err(_)) if Instant::now() >= term.end => return,
            Ok(Err(error)) => {
                tracing::debug!(error = &error as &dyn std::error::Error, "lease not renewed");
                term.not_prolonged(Instant::now())
            }
        };
    }
}

async fn stop_deadline_passed(stopping: &CancellationToken) {
    stopping.cancelled().await;
    sleep(FINISHING).await;
}

async fn settle(
    context: &PassContext,
    lane: Lane,
    lease: &Lease,
    ttl: Duration,
    result: Result<Passed, StepError>,
) -> (Outcome, After) {
    let was_urgent = lane == Lane::Urgent && result.is_err();
    let (outcome, next, watched) = match result {
        Ok(passed) => match passed.verdict {
            None => return (Outcome::Converged, After::Nothing),
            Some((kind, next)) => (
                match kind {
                    VerdictKind::Converged => Outcome::Converged,
                    VerdictKind::Progressing => Outcome::Progressing,
                    VerdictKind::Blocked => Outcome::Blocked,
                    VerdictKind::Failed => Outcome::Failed,
                },
                next,
                passed.watched,
            ),
        },
        Err(StepError::LeaseLost) => {
            tracing::warn!(broker.id = %lease.broker, "lease lost; pass stopped");
            return (Outcome::LeaseLost, After::Nothing);
        }
        Err(error) => {
            tracing::error!(
                broker.id = %lease.broker,
                error = &error as &dyn std::error::Error,
                "pass not completed"
            );
            let outcome = match error {
                StepError::Panicked => Outcome::Panicked,
                _ => Outcome::StoreError,
            };
            (outcome, after_error(lane, &error, &*context.entropy), None)
        }
    };
    if watched.as_ref().is_none_or(WatchedBroker::has_run) {
        context.operations.has_booted(lease.broker);
    }
    let due = match (next, &watched) {
        (Next::After(_), Some(_)) => Next::After(reread_after(&*context.entropy)),
        (next, _) => next,
    };
    // A broker that is not known after a failed pass keeps its lane.
    let urgent = watched.as_ref().map_or(was_urgent, WatchedBroker::is_urgent);
    match release(context, lease, ttl, due, urgent).await {
        Ok(woken) => {
            let after = match (watched, next) {
                (Some(watched), Next::After(pause)) => {
                    After::Watch { watched: Box::new(watched), pause, woken }
                }
                // It is watched until its steps are retried, because something else may happen to it.
                (Some(watched), Next::BackOff) => {
                    After::Watch { watched: Box::new(watched), pause: RETRY, woken }
                }
                (Some(_), Next::Now) => After::Wait { woken: true },
                // No monitor watches it, so the lane has to know when it is due.
                (None, _) => After::Wait { woken: true },
            };
            (outcome, after)
        }
        Err(StoreError::LeaseLost) => (Outcome::LeaseLost, After::Nothing),
        Err(error) => {
            tracing::warn!(
                broker.id = %lease.broker,
                error = &error as &dyn std::error::Error,
                "lease not released; it expires"
            );
            (outcome, After::Wait { woken: false })
        }
    }
}

/// When the next pass begins after one that could not be completed. The monitor does not watch the broker until then,
/// so the pause of the urgent lane stays short, however often passes fail.
fn after_error(lane: Lane, error: &StepError, entropy: &dyn Entropy) -> Next {
    let pause = match (lane, error) {
        (Lane::Urgent, StepError::Panicked) => URGENT_AFTER_PANIC,
        (Lane::Urgent, _) => URGENT_AFTER_ERROR,
        (Lane::Normal, StepError::Store(StoreError::Unavailable(_))) => NORMAL_AFTER_ERROR,
        // Its stored state is not usable, or the pass panics. Both need a person.
        (Lane::Normal, _) => return Next::BackOff,
    };
    Next::After(jittered(entropy, pause))
}

/// That time ± 40 %, so that what failed together is not tried again together.
pub(super) fn jittered(entropy: &dyn Entropy, pause: Duration) -> Duration {
    let per_mille = u32::try_from(entropy.below(800)).unwrap_or(400) + 600;
    pause * per_mille / 1000
}

/// Brokers that were read together are not read again together.
fn reread_after(entropy: &dyn Entropy) -> Duration {
    let per_mille = u32::try_from(entropy.below(400)).unwrap_or(200) + 800;
    REREAD * per_mille / 1000
}

/// Releases the lease, with retries while the store does not answer.
async fn release(
    context: &PassContext,
    lease: &Lease,
    ttl: Duration,
    next: Next,
    urgent: bool,
) -> Result<bool, StoreError> {
    let end = Instant::now() + ttl;
    loop {
        match context.store.release(lease, next, urgent).await {
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
