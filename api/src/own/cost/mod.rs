//! What brokers cost.

pub(crate) mod estimate;
pub(crate) mod history;
mod lines;
mod views;

pub(crate) use lines::{LineView, SumView, lines};
pub(crate) use views::PriceView;
