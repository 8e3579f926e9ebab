//! Destinations of brokers: what the API has asked of engines is done here, and answered.
//!
//! Calls wait in the store (`store/src/engine_calls.rs`). Whoever watches a broker claims its calls, asks the engine's
//! own management port in the broker's network, and stores the answer. It is beside passes and their lanes: it has
//! connections and turns of its own, and takes no lease.

mod activemq;
mod answering;
mod bounds;
mod engine;
mod rabbitmq;
mod test_message;
#[cfg(test)]
mod tests;

pub(crate) use answering::{AnswerContext, keep_answering};
