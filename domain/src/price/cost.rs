//! What was used costs: instances by the minute, storage by its average over each month.

use std::collections::BTreeSet;

use rust_decimal::Decimal;

use super::list::{Price, PriceList};
use crate::{
    broker::BrokerSpec,
    catalogue::{DeploymentMode, EngineType, StorageType},
    kernel::{Region, Timestamp},
    report::Period,
};

/// The minutes of an hour.
const HOUR: i64 = 60;
/// The bytes of what is billed as a gigabyte.
const GIGABYTE: i64 = 1 << 30;

/// A time in which what is billed of a broker was the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeteredInterval {
    /// Since when.
    pub began: Timestamp,
    /// Until when; none: it lasts.
    pub ended: Option<Timestamp>,
    /// How many instances.
    pub deployment_mode: DeploymentMode,
    /// The name of the instance type in force.
    pub host_instance_type: String,
    /// The storage.
    pub storage_type: StorageType,
    /// The size of each disk, where that is billed; none: what is stored is.
    pub disk_gib: Option<u32>,
}

/// How much one disk of a broker held on average in a time of at most a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StorageUse {
    /// The time.
    pub period: Period,
    /// The average of the minutes in which it was measured, in bytes.
    pub bytes: u64,
    /// In how many minutes it was measured.
    pub minutes: u32,
}

/// The size of each disk of a broker, where that is billed: RabbitMQ has volumes of a size, ActiveMQ is billed for what it
/// stores.
///
/// Source: the calculations of the service's pricing page.
pub fn billed_disk_gib(spec: &BrokerSpec) -> Option<u32> {
    match spec.engine_type {
        EngineType::ActiveMq => None,
        EngineType::RabbitMq => Some(u32::try_from(spec.storage_bytes() >> 30).unwrap_or(u32::MAX)),
    }
}

/// What is billed of a broker.
#[derive(Debug, Clone, Copy)]
pub struct BrokerUse<'a> {
    /// Its region.
    pub region: &'a Region,
    /// Its engine.
    pub engine_type: EngineType,
    /// What it was, in the order of time.
    pub intervals: &'a [MeteredInterval],
    /// What it stored, in the order of time.
    pub storage: &'a [StorageUse],
}

/// The cost of instances of one type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceCost {
    /// The instance type.
    pub host_instance_type: String,
    /// How many instances.
    pub deployment_mode: DeploymentMode,
    /// The minutes that the broker existed with them.
    pub minutes: u64,
    /// The hours of all instances together.
    pub instance_hours: Decimal,
    /// What one costs per hour; none: there is no price.
    pub price: Option<Price>,
    /// What all of them cost; none: there is no price.
    pub cost: Option<Decimal>,
}

/// The cost of storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StorageCost {
    /// The storage.
    pub storage_type: StorageType,
    /// How many disks.
    pub copies: u8,
    /// Gigabytes of all disks together, averaged over each month and weighed by the part of it that is meant; none:
    /// nothing was measured.
    pub gb_months: Option<Decimal>,
    /// The minutes that the broker existed in months (or parts of them) in which nothing was measured.
    pub unmeasured_minutes: u64,
    /// What a gigabyte costs per month; none: there is no price.
    pub price: Option<Price>,
    /// What the storage costs; none: nothing was measured, or there is no price.
    pub cost: Option<Decimal>,
}

/// A sum.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cost {
    /// What is known; none: nothing is.
    pub amount: Option<Decimal>,
    /// What is missing in it, in sentences.
    pub missing: BTreeSet<String>,
}

impl Cost {
    /// Adds another sum.
    pub fn add(&mut self, other: &Self) {
        self.amount = match (self.amount, other.amount) {
            (Some(one), Some(other)) => Some(one + other),
            (one, other) => one.or(other),
        };
        self.missing.extend(other.missing.iter().cloned());
    }
}

/// What a broker costs in a period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokerCost {
    /// Its instances, by type.
    pub instances: Vec<InstanceCost>,
    /// Its storage; none: it did not exist then.
    pub storage: Option<StorageCost>,
    /// Both together.
    pub total: Cost,
}

impl BrokerCost {
    /// What a broker costs in a period by a price list, without data transfer. A minute counts for what the broker is at
    /// its end, so that the parts of a period add up to it.
    pub fn of(used: &BrokerUse<'_>, prices: &PriceList, period: Period) -> Self {
        let mut instances: Vec<InstanceCost> = Vec::new();
        for interval in used.intervals {
            let minutes = interval.minutes_in(period);
            let is_same = |known: &&mut InstanceCost| {
                known.host_instance_type == interval.host_instance_type
                    && known.deployment_mode == interval.deployment_mode
            };
            match instances.iter_mut().find(is_same) {
                Some(known) => known.minutes += minutes,
                None if minutes == 0 => {}
                None => instances.push(InstanceCost {
                    host_instance_type: interval.host_instance_type.clone(),
                    deployment_mode: interval.deployment_mode,
                    minutes,
                    instance_hours: Decimal::ZERO,
                    price: None,
                    cost: None,
                }),
            }
        }
        let mut total = Cost::default();
        for line in &mut instances {
            line.price =
                prices.instance_hour(used.region, used.engine_type, &line.host_instance_type);
            let instance_minutes =
                Decimal::from(line.minutes) * Decimal::from(line.deployment_mode.instances());
            line.instance_hours = (instance_minutes / Decimal::from(HOUR)).normalize();
            line.cost = line.price.as_ref().map(|price| {
                // Divided last, because a price times whole minutes is exact.
                (price.amount * instance_minutes / Decimal::from(HOUR)).normalize()
            });
            total.add(&Cost {
                amount: line.cost,
                missing: without_price(line.price.as_ref(), || {
                    format!("instance type {} for {}", line.host_instance_type, used.engine())
                }),
            });
        }
        let storage = StorageCost::of(used, prices, period);
        if let Some(storage) = &storage {
            let mut missing = without_price(storage.price.as_ref(), || {
                format!("storage type {} for {}", storage.storage_type, used.engine())
            });
            if storage.unmeasured_minutes > 0 {
                missing.insert("Storage that was not measured is not included.".to_owned());
            }
            total.add(&Cost { amount: storage.cost, missing });
        }
        Self { instances, storage, total }
    }
}

fn without_price(price: Option<&Price>, what: impl FnOnce() -> String) -> BTreeSet<String> {
    let missing = price.is_none().then(|| format!("There is no price of {}.", what()));
    missing.into_iter().collect()
}

impl BrokerUse<'_> {
    fn engine(&self) -> &'static str {
        self.engine_type.display_name()
    }
}

impl MeteredInterval {
    /// The minutes of it that end in a period.
    fn minutes_in(&self, period: Period) -> u64 {
        let ended = self.ended.unwrap_or(period.to);
        Period { from: self.began, to: ended }.within(period).map_or(0, Period::minutes)
    }
}

impl StorageCost {
    fn of(used: &BrokerUse<'_>, prices: &PriceList, period: Period) -> Option<Self> {
        let last = used.intervals.iter().rev().find(|interval| interval.minutes_in(period) > 0)?;
        let copies = last.deployment_mode.disks();
        let (mut gb_months, mut unmeasured_minutes) = (None, 0);
        for (part, month) in period.by_month() {
            let average = average_bytes(used.storage, part);
            for interval in used.intervals {
                let existed = interval.minutes_in(part);
                if existed == 0 {
                    continue;
                }
                let gigabytes = match (interval.disk_gib, average) {
                    (Some(size), _) => Decimal::from(size),
                    (None, Some(average)) => average / Decimal::from(GIGABYTE),
                    (None, None) => {
                        unmeasured_minutes += existed;
                        continue;
                    }
                };
                let all = gigabytes * Decimal::from(copies) * Decimal::from(existed);
                let share = all / Decimal::from(month.minutes().max(1));
                gb_months = Some(gb_months.unwrap_or(Decimal::ZERO) + share);
            }
        }
        let price = prices.storage_gb_month(used.region, used.engine_type, last.storage_type);
        let cost = gb_months.zip(price.as_ref()).map(|(gb, price)| (gb * price.amount).normalize());
        Some(Self {
            storage_type: last.storage_type,
            copies,
            gb_months: gb_months.map(|gb: Decimal| gb.normalize()),
            unmeasured_minutes,
            price,
            cost,
        })
    }
}

/// The average of the minutes in which storage was measured; none: it was not.
fn average_bytes(storage: &[StorageUse], period: Period) -> Option<Decimal> {
    let (mut weighted, mut weight) = (Decimal::ZERO, Decimal::ZERO);
    for measured in storage {
        let Some(part) = measured.period.within(period) else { continue };
        let (part, whole) = (part.minutes(), measured.period.minutes());
        if part == 0 || whole == 0 || measured.minutes == 0 {
            continue;
        }
        let minutes = Decimal::from(measured.minutes) * Decimal::from(part) / Decimal::from(whole);
        weighted += Decimal::from(measured.bytes) * minutes;
        weight += minutes;
    }
    (!weight.is_zero()).then(|| weighted / weight)
}

#[cfg(test)]
mod tests;
