//! Prices and amounts on the wire: decimal numbers as text, because JSON numbers are not exact.

use brokerd_domain::price::{Price, amount};
use serde::Serialize;
use utoipa::ToSchema;

/// A price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct PriceView {
    /// The price: a decimal number of the currency.
    #[schema(example = "0.288")]
    pub(crate) amount: String,
    /// The region in whose list it was found: that of the broker, or the fallback region.
    #[schema(example = "us-east-1")]
    pub(crate) region: String,
}

impl From<&Price> for PriceView {
    fn from(price: &Price) -> Self {
        Self { amount: amount(price.amount), region: price.region.to_string() }
    }
}
