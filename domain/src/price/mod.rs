//! What brokers cost: the price list, an estimate of a broker that nobody has yet, and the cost of what was used.

mod cost;
mod estimate;
mod list;
mod money;

pub use cost::{
    BrokerCost, BrokerUse, Cost, InstanceCost, MeteredInterval, StorageCost, StorageUse,
    billed_disk_gib,
};
pub use estimate::{CostEstimate, EstimateInput, EstimateRequest};
pub use list::{InvalidPriceList, Price, PriceList};
pub use money::{Decimal, amount, cents};
