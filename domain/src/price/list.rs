//! The price list: by region, engine, and instance type or storage type.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
};

use rust_decimal::Decimal;
use serde::{
    Deserialize, Deserializer,
    de::{Error, Unexpected, Visitor},
};

use crate::{
    catalogue::{EngineType, HostInstanceType, StorageType},
    kernel::Region,
};

const BUILT_IN: &str = include_str!("../../data/prices.toml");

/// The currency of a list that names none.
const CURRENCY: &str = "USD";
/// Where prices are taken from that a region lacks, unless the list says otherwise.
const FALLBACK: &str = "us-east-1";
/// The highest price and its most digits after the point, so that no sum leaves the range of exact numbers.
const MAX_PRICE: i64 = 1_000_000;
const MAX_DIGITS: u32 = 10;

/// A price list can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidPriceList(String);

/// A price, and the region in whose list it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Price {
    /// The price.
    pub amount: Decimal,
    /// The region: the one that was asked for, or the fallback.
    pub region: Region,
}

/// What instances and storage cost. The default has no price of anything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PriceList {
    currency: String,
    fallback: Option<Region>,
    instances: BTreeMap<(Region, EngineType, String), Decimal>,
    storage: BTreeMap<(Region, EngineType, StorageType), Decimal>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    currency: Option<String>,
    fallback_region: Option<Region>,
    regions: BTreeMap<Region, RegionPrices>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RegionPrices {
    #[serde(default)]
    activemq: EnginePrices,
    #[serde(default)]
    rabbitmq: EnginePrices,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct EnginePrices {
    #[serde(default)]
    instance_hour: HashMap<HostInstanceType, Amount>,
    #[serde(default)]
    storage_gb_month: StoragePrices,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoragePrices {
    ebs: Option<Amount>,
    efs: Option<Amount>,
}

/// A price as the file has it: a text or a number. A floating-point number stands for the decimal that it was written as.
struct Amount(Decimal);

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Digits;
        impl Visitor<'_> for Digits {
            type Value = Amount;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(
                    f,
                    "a price: a decimal from 0 to {MAX_PRICE} with at most {MAX_DIGITS} digits after the point"
                )
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Amount, E> {
                let wrong = || E::invalid_value(Unexpected::Str(text), &self);
                let amount = Decimal::from_str_exact(text).map_err(|_| wrong())?.normalize();
                let is_in_range = amount >= Decimal::ZERO && amount <= Decimal::from(MAX_PRICE);
                if is_in_range && amount.scale() <= MAX_DIGITS {
                    Ok(Amount(amount))
                } else {
                    Err(wrong())
                }
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Amount, E> {
                self.visit_str(&number.to_string())
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<Amount, E> {
                self.visit_str(&number.to_string())
            }
        }
        deserializer.deserialize_any(Digits)
    }
}

impl PriceList {
    /// The list that comes with brokerd.
    ///
    /// # Errors
    /// If the built-in list is not valid, which a test rules out.
    pub fn built_in() -> Result<Self, InvalidPriceList> {
        Self::parse(BUILT_IN)
    }

    /// Reads a list: TOML in the form of the one that comes with brokerd.
    ///
    /// # Errors
    /// What is wrong, and in which line.
    pub fn parse(text: &str) -> Result<Self, InvalidPriceList> {
        let file: File = toml::from_str(text)
            .map_err(|error| InvalidPriceList(error.to_string().trim_end().to_owned()))?;
        let currency = file.currency.unwrap_or_else(|| CURRENCY.to_owned());
        if currency.len() != 3 || !currency.bytes().all(|c| c.is_ascii_uppercase()) {
            let why = format!("currency {currency:?} is not a code of three capital letters");
            return Err(InvalidPriceList(why));
        }
        let fallback = file.fallback_region.or_else(|| FALLBACK.parse().ok());
        let mut list = Self { currency, fallback, ..Self::default() };
        for (region, prices) in file.regions {
            list.add(&region, EngineType::ActiveMq, prices.activemq);
            list.add(&region, EngineType::RabbitMq, prices.rabbitmq);
        }
        Ok(list)
    }

    fn add(&mut self, region: &Region, engine: EngineType, prices: EnginePrices) {
        for (host, Amount(amount)) in prices.instance_hour {
            self.instances.insert((region.clone(), engine, host.name().to_owned()), amount);
        }
        let StoragePrices { ebs, efs } = prices.storage_gb_month;
        for (kind, amount) in [(StorageType::Ebs, ebs), (StorageType::Efs, efs)] {
            if let Some(Amount(amount)) = amount {
                self.storage.insert((region.clone(), engine, kind), amount);
            }
        }
    }

    /// The currency: a code of three letters; empty if there are no prices at all.
    pub fn currency(&self) -> &str {
        &self.currency
    }

    /// What an instance of that type costs per hour; none: the list does not say.
    pub fn instance_hour(
        &self,
        region: &Region,
        engine: EngineType,
        instance_type: &str,
    ) -> Option<Price> {
        self.first(region, |region| {
            self.instances.get(&(region.clone(), engine, instance_type.to_owned()))
        })
    }

    /// What a gigabyte of that storage costs per month; none: the list does not say.
    pub fn storage_gb_month(
        &self,
        region: &Region,
        engine: EngineType,
        storage: StorageType,
    ) -> Option<Price> {
        self.first(region, |region| self.storage.get(&(region.clone(), engine, storage)))
    }

    fn first<'a>(
        &'a self,
        region: &'a Region,
        find: impl Fn(&Region) -> Option<&'a Decimal>,
    ) -> Option<Price> {
        [Some(region), self.fallback.as_ref()].into_iter().flatten().find_map(|region| {
            find(region).map(|amount| Price { amount: *amount, region: region.clone() })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DeploymentMode, EngineVersion, instance_types};

    fn region(name: &str) -> Region {
        name.parse().expect("a region")
    }

    fn decimal(text: &str) -> Decimal {
        text.parse().expect("a number")
    }

    #[test]
    fn the_list_that_comes_with_brokerd_has_a_price_for_everything_that_can_be_created() {
        let list = PriceList::built_in().expect("valid");
        assert_eq!(list.currency(), "USD");
        let home = region("us-east-1");
        let versions = [
            (EngineType::ActiveMq, EngineVersion::new(5, 19)),
            (EngineType::RabbitMq, EngineVersion::new(3, 13)),
            (EngineType::RabbitMq, EngineVersion::new(4, 3)),
        ];
        let mut priced = 0;
        for (engine, version) in versions {
            for host in instance_types() {
                for storage in [StorageType::Ebs, StorageType::Efs] {
                    let modes = host.deployment_modes(engine, version, storage);
                    if modes.contains(&DeploymentMode::SingleInstance) {
                        let price = list.instance_hour(&home, engine, host.name());
                        assert!(price.is_some_and(|p| p.amount > Decimal::ZERO), "{engine} {host}");
                        let price = list.storage_gb_month(&home, engine, storage);
                        assert!(price.is_some(), "{engine} {storage}");
                        priced += 1;
                    }
                }
            }
        }
        assert!(priced > 20, "{priced}");
        let hour = |engine, name| list.instance_hour(&home, engine, name).expect("known").amount;
        assert_eq!(hour(EngineType::ActiveMq, "mq.m5.large"), decimal("0.288"));
        assert_eq!(hour(EngineType::RabbitMq, "mq.m7g.medium") * decimal("3"), decimal("0.4101"));
        assert_eq!(hour(EngineType::RabbitMq, "mq.m7g.12xlarge"), decimal("6.5616"));
    }

    #[test]
    fn what_a_region_lacks_comes_from_the_fallback_region_and_what_both_lack_has_no_price() {
        let list = PriceList::parse(
            r#"
            currency = "EUR"
            fallback_region = "eu-west-1"
            [regions.eu-west-1.activemq]
            instance_hour = { "mq.m5.large" = 0.25, "mq.t3.micro" = "0.02" }
            storage_gb_month = { efs = 1 }
            [regions.eu-central-1.activemq.instance_hour]
            "mq.m5.large" = 0.288
            "#,
        );
        let list = list.expect("valid");
        let hour = |name: &str, host| {
            let price = list.instance_hour(&region(name), EngineType::ActiveMq, host)?;
            Some((price.amount.to_string(), price.region.to_string()))
        };
        let found = |amount: &str, region: &str| Some((amount.to_owned(), region.to_owned()));
        assert_eq!(hour("eu-central-1", "mq.m5.large"), found("0.288", "eu-central-1"));
        assert_eq!(hour("eu-central-1", "mq.t3.micro"), found("0.02", "eu-west-1"));
        assert_eq!(hour("us-east-1", "mq.m5.large"), found("0.25", "eu-west-1"));
        assert_eq!(hour("eu-central-1", "mq.m5.xlarge"), None);
        assert_eq!(list.currency(), "EUR");
        let stored = |engine, kind| list.storage_gb_month(&region("us-east-1"), engine, kind);
        let efs = stored(EngineType::ActiveMq, StorageType::Efs).expect("known");
        assert_eq!(efs.amount, Decimal::ONE);
        assert_eq!(stored(EngineType::ActiveMq, StorageType::Ebs), None);
        assert_eq!(stored(EngineType::RabbitMq, StorageType::Efs), None);
        let nothing = PriceList::default();
        let price =
            nothing.instance_hour(&region("us-east-1"), EngineType::ActiveMq, "mq.m5.large");
        assert_eq!(price, None);
    }

    #[test]
    fn lists_that_mean_nothing_are_refused_and_told_why() {
        let host = |price: &str| {
            format!("[regions.us-east-1.activemq.instance_hour]\n\"mq.m5.large\" = {price}\n")
        };
        for price in ["-0.1", "\"-0.1\"", "\"a lot\"", "1000000.01", "0.12345678901", "true", "nan"]
        {
            let refused = PriceList::parse(&host(price)).expect_err(price).to_string();
            assert!(refused.contains("line 2"), "{price}: {refused}");
        }
        for price in ["0", "\"0\"", "1000000", "0.1234567890", "1e-3"] {
            assert!(PriceList::parse(&host(price)).is_ok(), "{price}");
        }
        for (text, told) in [
            ("", "regions"),
            ("regions = []", "map"),
            ("currency = \"Dollar\"\n[regions]", "Dollar"),
            ("[regions.\"US EAST\".activemq]", "region"),
            ("[regions.us-east-1.kafka]", "kafka"),
            ("[regions.us-east-1.activemq.instance_hour]\n\"mq.m5.lagre\" = 1", "instance type"),
            ("[regions.us-east-1.activemq.storage_gb_month]\ntape = 1", "tape"),
            ("[regions.us-east-1.activemq]\nper_message = 1", "per_message"),
        ] {
            let refused = PriceList::parse(text).expect_err(text).to_string();
            assert!(refused.contains(told), "{text}: {refused}");
        }
    }
}
