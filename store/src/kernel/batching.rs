//! Batching: queries that are asked at the same time share one statement.
//!
//! A small statement costs mostly its round trip. A query that comes while the limit of statements is in flight waits
//! for one of them to end, and is answered by the next one, together with all others that wait. A statement begins
//! after every query that it answers, so that no answer is older than its query.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::oneshot;

use super::error::StoreError;

/// The maximum number of statements in flight. With two, one can be read while the server works on the other.
const MAX_IN_FLIGHT: usize = 2;

/// The maximum number of queries that one statement answers.
const MAX_BATCH: usize = 64;

/// A query that one statement can answer for many callers.
pub(crate) trait BatchedQuery: Send + 'static {
    /// The answer to each.
    type Answer: Send + 'static;
    /// The source of the answers.
    type Source: Clone + Send + 'static;

    /// Asks all of them at once: an answer for each, in their order.
    fn ask(
        questions: &[Self],
        asker: &Self::Source,
    ) -> impl Future<Output = Result<Vec<Self::Answer>, StoreError>> + Send
    where
        Self: Sized;
}

type Asked<Q> = (Q, oneshot::Sender<Result<<Q as BatchedQuery>::Answer, StoreError>>);

/// Batches queries of one kind. Clones share it.
pub(crate) struct Batcher<Q: BatchedQuery> {
    state: Arc<Mutex<State<Q>>>,
}

struct State<Q: BatchedQuery> {
    waiting: Vec<Asked<Q>>,
    /// The number of statements in flight.
    under_way: usize,
}

impl<Q: BatchedQuery> Clone for Batcher<Q> {
    fn clone(&self) -> Self {
        Self { state: Arc::clone(&self.state) }
    }
}

impl<Q: BatchedQuery> Default for Batcher<Q> {
    fn default() -> Self {
        Self { state: Arc::new(Mutex::new(State { waiting: Vec::new(), under_way: 0 })) }
    }
}

impl<Q: BatchedQuery> Batcher<Q> {
    /// The answer to one question.
    ///
    /// # Errors
    /// As [`BatchedQuery::ask`]: a failure of the statement is the failure of every query in it.
    pub(crate) async fn ask(
        &self,
        question: Q,
        asker: &Q::Source,
    ) -> Result<Q::Answer, StoreError> {
        let (sender, answer) = oneshot::channel();
        let is_free = {
            let mut state = self.state();
            state.waiting.push((question, sender));
            let is_free = state.under_way < MAX_IN_FLIGHT;
            state.under_way += usize::from(is_free);
            is_free
        };
        if is_free {
            // In a task of its own, because the first caller may be gone before the others have their answers.
            tokio::spawn(InFlight { batcher: self.clone(), is_open: true }.work(asker.clone()));
        }
        answer.await.unwrap_or_else(|_| Err(given_up()))
    }

    fn state(&self) -> MutexGuard<'_, State<Q>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to have a statement in flight.
struct InFlight<Q: BatchedQuery> {
    batcher: Batcher<Q>,
    is_open: bool,
}

impl<Q: BatchedQuery> InFlight<Q> {
    /// Runs waiting queries until none waits.
    async fn work(mut self, asker: Q::Source) {
        while let Some((questions, senders)) = self.next() {
            match Q::ask(&questions, &asker).await {
                Ok(answers) => {
                    // A caller that no longer waits gets no answer.
                    for (sender, answer) in senders.into_iter().zip(answers) {
                        let _ = sender.send(Ok(answer));
                    }
                }
                Err(error) => {
                    let error = Arc::new(error);
                    for sender in senders {
                        let _ = sender.send(Err(shared(&error)));
                    }
                }
            }
        }
    }

    /// The waiting queries; `None` if none waits, which ends the lane.
    #[expect(clippy::type_complexity, reason = "taken apart at once")]
    fn next(&mut self) -> Option<(Vec<Q>, Vec<oneshot::Sender<Result<Q::Answer, StoreError>>>)> {
        let mut state = self.batcher.state();
        state.waiting.retain(|(_, sender)| !sender.is_closed());
        if state.waiting.is_empty() {
            state.under_way -= 1;
            drop(state);
            self.is_open = false;
            return None;
        }
        let count = state.waiting.len().min(MAX_BATCH);
        Some(state.waiting.drain(..count).unzip())
    }
}

impl<Q: BatchedQuery> Drop for InFlight<Q> {
    fn drop(&mut self) {
        if self.is_open {
            // It panicked or the process stops. Callers must not wait for it any longer.
            let mut state = self.batcher.state();
            state.under_way -= 1;
            state.waiting.clear();
        }
    }
}

/// A failure that several callers share.
#[derive(Debug)]
struct SharedError(Arc<StoreError>);

impl fmt::Display for SharedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for SharedError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(&*self.0)
    }
}

fn shared(error: &Arc<StoreError>) -> StoreError {
    let shared = Box::new(SharedError(Arc::clone(error)));
    match **error {
        StoreError::Unavailable(_) => StoreError::Unavailable(shared),
        _ => StoreError::Other(shared),
    }
}

fn given_up() -> StoreError {
    StoreError::Unavailable("the statement was given up".into())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::{
        sync::Semaphore,
        task::{JoinSet, yield_now},
    };

    use super::*;

    /// A database that answers with how many it has answered before, as far as it is let.
    #[derive(Clone)]
    struct Database {
        statements: Arc<AtomicUsize>,
        may: Arc<Semaphore>,
    }

    impl Database {
        fn new() -> Self {
            Self { statements: Arc::default(), may: Arc::new(Semaphore::new(0)) }
        }

        fn asked(&self) -> usize {
            self.statements.load(Ordering::SeqCst)
        }

        fn let_through(&self, statements: usize) {
            self.may.add_permits(statements);
        }
    }

    #[derive(Clone, Copy, PartialEq)]
    enum Ask {
        Number(usize),
        Failure,
        Panic,
    }

    impl BatchedQuery for Ask {
        /// The number that was asked, and in which statement.
        type Answer = (usize, usize);
        type Source = Database;

        async fn ask(
            asked: &[Self],
            database: &Database,
        ) -> Result<Vec<(usize, usize)>, StoreError> {
            let statement = database.statements.fetch_add(1, Ordering::SeqCst);
            database.may.acquire().await.expect("open").forget();
            assert!(!asked.contains(&Self::Panic), "asked to");
            let answer = |one: &Self| match one {
                Self::Number(number) => Ok((*number, statement)),
                Self::Failure | Self::Panic => Err(StoreError::Unavailable("away".into())),
            };
            asked.iter().map(answer).collect()
        }
    }

    type Answers = JoinSet<Result<(usize, usize), StoreError>>;

    /// Has all of them asked, one after the other.
    async fn ask(batcher: &Batcher<Ask>, database: &Database, all: &[Ask]) -> Answers {
        let mut asking = JoinSet::new();
        for one in all {
            let (batcher, database, one) = (batcher.clone(), database.clone(), *one);
            asking.spawn(async move { batcher.ask(one, &database).await });
            // On one thread: what was spawned has asked, and its statement has begun, if it may.
            for _ in 0..4 {
                yield_now().await;
            }
        }
        asking
    }

    async fn numbers(asking: Answers) -> Vec<(usize, usize)> {
        let answers = asking.join_all().await;
        let mut answers: Vec<_> = answers.into_iter().map(|one| one.expect("answered")).collect();
        answers.sort_unstable();
        answers
    }

    #[tokio::test]
    async fn who_waits_is_answered_by_the_next_statement_with_what_was_asked() {
        let (batcher, database) = (Batcher::default(), Database::new());
        let all: Vec<Ask> = (0..10).map(Ask::Number).collect();
        let asking = ask(&batcher, &database, &all).await;
        assert_eq!(database.asked(), MAX_IN_FLIGHT, "more begin only when one has ended");
        database.let_through(3);
        let expected: Vec<_> = (0..10).map(|n| (n, n.min(MAX_IN_FLIGHT))).collect();
        assert_eq!(numbers(asking).await, expected);
        assert_eq!(batcher.state().under_way, 0);
    }

    #[tokio::test]
    async fn no_answer_is_from_a_statement_that_began_before_the_question() {
        let (batcher, database) = (Batcher::default(), Database::new());
        let first = ask(&batcher, &database, &[Ask::Number(0)]).await;
        let second = ask(&batcher, &database, &[Ask::Number(0)]).await;
        database.let_through(2);
        assert_eq!(numbers(first).await, [(0, 0)]);
        assert_eq!(numbers(second).await, [(0, 1)], "the same question, asked later");
    }

    #[tokio::test]
    async fn a_statement_has_an_end_to_what_it_is_asked() {
        let (batcher, database) = (Batcher::default(), Database::new());
        let all: Vec<Ask> = (0..MAX_IN_FLIGHT + MAX_BATCH + 1).map(Ask::Number).collect();
        let asking = ask(&batcher, &database, &all).await;
        database.let_through(MAX_IN_FLIGHT + 2);
        let answers = numbers(asking).await;
        let of = |statement| answers.iter().filter(|(_, by)| *by == statement).count();
        assert_eq!((of(MAX_IN_FLIGHT), of(MAX_IN_FLIGHT + 1)), (MAX_BATCH, 1));
    }

    #[tokio::test]
    async fn a_failure_is_told_to_all_whom_it_concerns_and_to_nobody_else() {
        let (batcher, database) = (Batcher::default(), Database::new());
        let all = [Ask::Number(0), Ask::Number(1), Ask::Failure, Ask::Number(3)];
        let asking = ask(&batcher, &database, &all).await;
        database.let_through(3);
        let answers = asking.join_all().await;
        let failed: Vec<_> = answers.into_iter().filter_map(Result::err).collect();
        assert_eq!(failed.len(), 2, "{failed:?}");
        for error in failed {
            assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
        }
        let later = ask(&batcher, &database, &[Ask::Number(4)]).await;
        database.let_through(1);
        assert_eq!(numbers(later).await.len(), 1);
    }

    #[tokio::test]
    async fn who_does_not_wait_any_more_keeps_nobody_and_is_not_asked_for() {
        let (batcher, database) = (Batcher::default(), Database::new());
        let mut asking = ask(&batcher, &database, &[Ask::Number(0), Ask::Number(1)]).await;
        let gone = ask(&batcher, &database, &[Ask::Failure]).await;
        let waiting = ask(&batcher, &database, &[Ask::Number(3)]).await;
        drop(gone);
        asking.abort_all();
        while asking.join_next().await.is_some() {}
        database.let_through(3);
        assert_eq!(numbers(waiting).await, [(3, 2)]);
    }

    #[tokio::test]
    async fn a_panic_leaves_nobody_waiting_and_no_statement_counted() {
        let (batcher, database) = (Batcher::default(), Database::new());
        let all = [Ask::Panic, Ask::Panic, Ask::Number(2)];
        let asking = ask(&batcher, &database, &all).await;
        database.let_through(2);
        let answers = asking.join_all().await;
        assert!(answers.iter().all(Result::is_err), "{answers:?}");
        assert_eq!(batcher.state().under_way, 0);
        let later = ask(&batcher, &database, &[Ask::Number(4)]).await;
        database.let_through(1);
        assert_eq!(numbers(later).await.len(), 1);
    }
}
