//! What a broker would cost that nobody has yet.

use rust_decimal::Decimal;

use super::list::{Price, PriceList};
use crate::{
    catalogue::{
        DeploymentMode, EngineType, EngineVersion, HostInstanceType, Offerings, StorageType,
    },
    kernel::{Error, Region, required},
};

/// The hours of a month in estimates: 365 × 24 ÷ 12.
///
/// Source: the calculations of the service's pricing page.
const HOURS_OF_MONTH: i64 = 730;
/// The most hours and gigabytes that an estimate is made for, and their most digits after the point, so that no sum
/// leaves the range of exact numbers.
const MAX_AMOUNT: i64 = 1_000_000_000;
const MAX_DIGITS: u32 = 6;

/// A broker to estimate, as a caller describes it.
#[derive(Debug, Clone, Default)]
pub struct EstimateInput {
    /// `engineType`.
    pub engine_type: Option<String>,
    /// `deploymentMode`.
    pub deployment_mode: Option<String>,
    /// `hostInstanceType`.
    pub host_instance_type: Option<String>,
    /// `storageType`.
    pub storage_type: Option<String>,
    /// `storageGb`: a decimal number.
    pub storage_gb: Option<String>,
    /// `hours`: a decimal number.
    pub hours: Option<String>,
    /// `region`.
    pub region: Option<String>,
}

/// A broker to estimate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EstimateRequest {
    /// The region.
    pub region: Region,
    /// The engine.
    pub engine_type: EngineType,
    /// How many instances.
    pub deployment_mode: DeploymentMode,
    /// The instance type.
    pub host_instance_type: HostInstanceType,
    /// The storage.
    pub storage_type: StorageType,
    /// How many gigabytes it stores on average; of a cluster, each node.
    pub storage_gb: Decimal,
    /// How many hours it exists, of 730 that a month has.
    pub hours: Decimal,
}

/// What it would cost, without data transfer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CostEstimate {
    /// How many instances are paid for.
    pub instances: u8,
    /// What one of them costs per hour; none: there is no price.
    pub instance_hour: Option<Price>,
    /// What all of them cost; none: there is no price.
    pub instance_cost: Option<Decimal>,
    /// How many times storage is paid for: a pair has one, a cluster three.
    pub storage_copies: u8,
    /// What a gigabyte costs per month; none: there is no price.
    pub storage_gb_month: Option<Price>,
    /// What all storage costs; none: there is no price.
    pub storage_cost: Option<Decimal>,
}

impl CostEstimate {
    /// Both together; none: a part has no price.
    pub fn total(&self) -> Option<Decimal> {
        Some(self.instance_cost? + self.storage_cost?)
    }
}

impl EstimateRequest {
    /// Checks a description. Storage is by default what CreateBroker takes, without any gigabytes; the time is a month,
    /// the region `here`.
    ///
    /// # Errors
    /// A 400 on the first member at fault, as CreateBroker has it.
    pub fn parse(input: EstimateInput, here: &Region) -> Result<Self, Error> {
        let engine = EngineType::parse(&required("engineType", input.engine_type)?)?;
        let mode = DeploymentMode::parse(&required("deploymentMode", input.deployment_mode)?)?;
        let host_name = required("hostInstanceType", input.host_instance_type)?;
        let host = HostInstanceType::parse(engine, &host_name)?;
        let storage = match input.storage_type {
            Some(text) => StorageType::parse(&text)?,
            None if engine == EngineType::ActiveMq => StorageType::Efs,
            None => StorageType::Ebs,
        };
        Offerings::default().check(engine, on_most_types(engine), host, storage, mode)?;
        let region = match input.region {
            None => here.clone(),
            Some(name) => name.parse().map_err(|_| {
                Error::bad_request("region", format!("Region [{name}] is invalid."))
            })?,
        };
        Ok(Self {
            region,
            engine_type: engine,
            deployment_mode: mode,
            host_instance_type: host,
            storage_type: storage,
            storage_gb: quantity("storageGb", input.storage_gb, 0)?,
            hours: quantity("hours", input.hours, HOURS_OF_MONTH)?,
        })
    }

    /// What that costs by a price list. Storage is paid for by the month, of which the hours are a part.
    pub fn estimate(&self, prices: &PriceList) -> CostEstimate {
        let Self { region, engine_type: engine, deployment_mode: mode, .. } = self;
        let (instances, storage_copies) = (mode.instances(), mode.disks());
        let instance_hour = prices.instance_hour(region, *engine, self.host_instance_type.name());
        let storage_gb_month = prices.storage_gb_month(region, *engine, self.storage_type);
        let instance_cost = instance_hour
            .as_ref()
            .map(|price| (price.amount * self.hours * Decimal::from(instances)).normalize());
        let months = self.hours / Decimal::from(HOURS_OF_MONTH);
        let gb_months = self.storage_gb * Decimal::from(storage_copies) * months;
        let storage_cost = match &storage_gb_month {
            Some(price) => Some((price.amount * gb_months).normalize()),
            None => gb_months.is_zero().then_some(Decimal::ZERO),
        };
        CostEstimate {
            instances,
            instance_hour,
            instance_cost,
            storage_copies,
            storage_gb_month,
            storage_cost,
        }
    }
}

/// The version of an engine that runs on all instance types on which any version does.
const fn on_most_types(engine: EngineType) -> EngineVersion {
    match engine {
        EngineType::ActiveMq => EngineVersion::new(5, 19),
        EngineType::RabbitMq => EngineVersion::new(3, 13),
    }
}

fn quantity(attribute: &'static str, text: Option<String>, default: i64) -> Result<Decimal, Error> {
    let Some(text) = text else { return Ok(Decimal::from(default)) };
    let number = Decimal::from_str_exact(&text).ok().filter(|number| {
        *number >= Decimal::ZERO
            && *number <= Decimal::from(MAX_AMOUNT)
            && number.scale() <= MAX_DIGITS
    });
    number.ok_or_else(|| {
        Error::bad_request(
            attribute,
            format!("Value [{text}] is invalid for [{attribute}]. Specify a decimal number from [0] to [{MAX_AMOUNT}] with at most [{MAX_DIGITS}] digits after the point."),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::price::money::cents;

    fn input(
        engine: &str,
        mode: &str,
        host: &str,
        storage: Option<&str>,
        gb: &str,
    ) -> EstimateInput {
        EstimateInput {
            engine_type: Some(engine.to_owned()),
            deployment_mode: Some(mode.to_owned()),
            host_instance_type: Some(host.to_owned()),
            storage_type: storage.map(str::to_owned),
            storage_gb: Some(gb.to_owned()),
            ..EstimateInput::default()
        }
    }

    fn here() -> Region {
        "us-east-1".parse().expect("a region")
    }

    /// The parts for instances and storage, and the total.
    fn estimate(input: EstimateInput) -> [String; 3] {
        let prices = PriceList::built_in().expect("valid");
        let request = EstimateRequest::parse(input, &here()).expect("valid");
        let estimate = request.estimate(&prices);
        let total = estimate.total();
        [estimate.instance_cost, estimate.storage_cost, total]
            .map(|cost| cents(cost.expect("known")))
    }

    #[test]
    fn the_sample_calculations_of_the_service_come_out() {
        let (pair, cluster) = ("ACTIVE_STANDBY_MULTI_AZ", "CLUSTER_MULTI_AZ");
        for (engine, mode, host, storage, gb, expected) in [
            (
                "ACTIVEMQ",
                "SINGLE_INSTANCE",
                "mq.m5.large",
                Some("EBS"),
                "10",
                ["210.24", "1.00", "211.24"],
            ),
            (
                "RABBITMQ",
                "SINGLE_INSTANCE",
                "mq.m5.large",
                None,
                "10",
                ["210.24", "1.00", "211.24"],
            ),
            ("ACTIVEMQ", pair, "mq.m5.large", None, "50", ["420.48", "15.00", "435.48"]),
            ("RABBITMQ", cluster, "mq.m5.large", None, "200", ["630.72", "60.00", "690.72"]),
            ("ACTIVEMQ", "SINGLE_INSTANCE", "mq.t3.micro", None, "5", ["19.71", "1.50", "21.21"]),
            ("RABBITMQ", cluster, "mq.m5.xlarge", None, "0", ["1261.44", "0.00", "1261.44"]),
        ] {
            assert_eq!(
                estimate(input(engine, mode, host, storage, gb)),
                expected,
                "{engine} {host}"
            );
        }
    }

    #[test]
    fn a_part_of_a_month_costs_that_part() {
        let mut half = input("ACTIVEMQ", "SINGLE_INSTANCE", "mq.m5.large", Some("EBS"), "10");
        half.hours = Some("365".to_owned());
        assert_eq!(estimate(half), ["105.12", "0.50", "105.62"]);
    }

    #[test]
    fn what_has_no_price_has_no_total_but_nothing_stored_costs_nothing() {
        let list = PriceList::parse(
            "[regions.us-east-1.activemq.instance_hour]\n\"mq.m5.large\" = \"0.288\"\n",
        )
        .expect("valid");
        let single = |host, gb| input("ACTIVEMQ", "SINGLE_INSTANCE", host, None, gb);
        let of = |input| EstimateRequest::parse(input, &here()).expect("valid").estimate(&list);
        let unknown = of(single("mq.m5.xlarge", "0"));
        assert_eq!((unknown.instance_hour.clone(), unknown.total()), (None, None));
        assert_eq!(of(single("mq.m5.large", "1")).total(), None);
        assert_eq!(of(single("mq.m5.large", "0")).total().map(cents).as_deref(), Some("210.24"));
    }

    #[test]
    fn what_can_not_be_created_is_not_estimated() {
        let single = "SINGLE_INSTANCE";
        for (input, member) in [
            (EstimateInput::default(), "engineType"),
            (input("KAFKA", single, "mq.m5.large", None, "1"), "engineType"),
            (input("ACTIVEMQ", "TRIPLE", "mq.m5.large", None, "1"), "deploymentMode"),
            (input("ACTIVEMQ", "CLUSTER_MULTI_AZ", "mq.m5.large", None, "1"), "deploymentMode"),
            (input("ACTIVEMQ", single, "mq.z1.huge", None, "1"), "hostInstanceType"),
            (input("ACTIVEMQ", single, "mq.m7g.large", None, "1"), "hostInstanceType"),
            (input("RABBITMQ", single, "mq.t3.micro", None, "1"), "hostInstanceType"),
            (input("RABBITMQ", single, "mq.m5.large", Some("EFS"), "1"), "storageType"),
            (input("ACTIVEMQ", single, "mq.m5.large", Some("TAPE"), "1"), "storageType"),
            (input("ACTIVEMQ", single, "mq.m5.large", None, "-1"), "storageGb"),
            (input("ACTIVEMQ", single, "mq.m5.large", None, "1e3"), "storageGb"),
            (input("ACTIVEMQ", single, "mq.m5.large", None, "1000000001"), "storageGb"),
            (input("ACTIVEMQ", single, "mq.m5.large", None, "0.0000001"), "storageGb"),
            (
                EstimateInput {
                    hours: Some("a day".to_owned()),
                    ..input("ACTIVEMQ", single, "mq.m5.large", None, "1")
                },
                "hours",
            ),
            (
                EstimateInput {
                    region: Some("the moon".to_owned()),
                    ..input("ACTIVEMQ", single, "mq.m5.large", None, "1")
                },
                "region",
            ),
        ] {
            let told = format!("{input:?}");
            let refused = EstimateRequest::parse(input, &here()).expect_err(&told);
            assert_eq!(refused.attribute.as_deref(), Some(member), "{told}");
        }
    }
}
