use super::*;
use crate::price::{amount, cents};

const MINUTE: i64 = 60_000_000;
/// 2026-04-01T00:00:00Z, a month of 720 hours.
const APRIL: i64 = 1_775_001_600_000_000;

fn minute(minutes: i64) -> Timestamp {
    Timestamp::from_micros(APRIL + minutes * MINUTE)
}

fn between(from: i64, to: i64) -> Period {
    Period { from: minute(from), to: minute(to) }
}

fn interval(from: i64, to: Option<i64>, mode: DeploymentMode, host: &str) -> MeteredInterval {
    let storage_type = if mode == DeploymentMode::ActiveStandbyMultiAz {
        StorageType::Efs
    } else {
        StorageType::Ebs
    };
    MeteredInterval {
        began: minute(from),
        ended: to.map(minute),
        deployment_mode: mode,
        host_instance_type: host.to_owned(),
        storage_type,
        disk_gib: None,
    }
}

fn cost(
    engine_type: EngineType,
    intervals: &[MeteredInterval],
    storage: &[StorageUse],
    period: Period,
) -> BrokerCost {
    let region = "us-east-1".parse().expect("a region");
    let prices = PriceList::built_in().expect("valid");
    BrokerCost::of(&BrokerUse { region: &region, engine_type, intervals, storage }, &prices, period)
}

fn total(cost: &BrokerCost) -> Option<String> {
    cost.total.amount.map(cents)
}

/// As much on each day.
fn stored(days: i64, gigabytes: u64) -> Vec<StorageUse> {
    let day = |n| StorageUse {
        period: between(n * 1440, (n + 1) * 1440),
        bytes: gigabytes << 30,
        minutes: 1440,
    };
    (0..days).map(day).collect()
}

#[test]
fn the_sample_calculations_come_out_of_what_was_used() {
    // A month has 730 hours in the samples. Storage is paid for by the real month: April's whole average.
    let hours = 730 * 60;
    let april = 720 * 60;
    for (engine, mode, host, gigabytes, instances, storage) in [
        (EngineType::ActiveMq, DeploymentMode::SingleInstance, "mq.m5.large", 10, "210.24", "1.00"),
        (
            EngineType::ActiveMq,
            DeploymentMode::ActiveStandbyMultiAz,
            "mq.m5.large",
            50,
            "420.48",
            "15.00",
        ),
        (
            EngineType::RabbitMq,
            DeploymentMode::ClusterMultiAz,
            "mq.m5.large",
            200,
            "630.72",
            "60.00",
        ),
    ] {
        let intervals = [interval(0, None, mode, host)];
        let used = cost(engine, &intervals, &[], between(0, hours));
        assert_eq!(used.instances[0].cost.map(cents).as_deref(), Some(instances), "{host} {mode}");
        let used = cost(engine, &intervals, &stored(30, gigabytes), between(0, april));
        let of_storage = used.storage.expect("there").cost.map(cents);
        assert_eq!(of_storage.as_deref(), Some(storage), "{host} {mode}");
        assert!(used.total.missing.is_empty(), "{:?}", used.total.missing);
    }
}

#[test]
fn a_broker_is_paid_for_by_the_minute_for_the_type_that_it_has_then() {
    let single = DeploymentMode::SingleInstance;
    let intervals = [
        interval(30, Some(90), single, "mq.m5.large"),
        interval(90, Some(150), single, "mq.m5.xlarge"),
        interval(150, Some(180), single, "mq.m5.large"),
    ];
    let used = cost(EngineType::ActiveMq, &intervals, &[], between(0, 1440));
    let lines: Vec<_> = used
        .instances
        .iter()
        .map(|line| {
            (line.host_instance_type.as_str(), line.minutes, amount(line.cost.expect("known")))
        })
        .collect();
    assert_eq!(
        lines,
        [("mq.m5.large", 90, "0.432".to_owned()), ("mq.m5.xlarge", 60, "0.576".to_owned())]
    );
    assert_eq!(total(&used).as_deref(), Some("1.01"));
    let instants = [interval(5, Some(5), single, "mq.m5.large")];
    let nothing = cost(EngineType::ActiveMq, &instants, &[], between(0, 1440));
    assert_eq!((nothing.instances.len(), nothing.storage, nothing.total.amount), (0, None, None));
}

#[test]
fn the_days_of_a_month_add_up_to_the_month_exactly() {
    let intervals = [
        interval(77, Some(20_000), DeploymentMode::ClusterMultiAz, "mq.m7g.medium"),
        interval(20_000, None, DeploymentMode::ClusterMultiAz, "mq.m7g.large"),
    ];
    let month = between(0, 43_200);
    let whole = cost(EngineType::RabbitMq, &intervals, &[], month);
    let days = month.divided(crate::report::Granularity::Day).expect("few");
    let minutes: u64 = days
        .iter()
        .flat_map(|day| cost(EngineType::RabbitMq, &intervals, &[], *day).instances)
        .map(|line| line.minutes)
        .sum();
    assert_eq!(minutes, 43_200 - 77);
    let sum: Decimal = days
        .iter()
        .filter_map(|day| cost(EngineType::RabbitMq, &intervals, &[], *day).total.amount)
        .sum();
    let whole = whole.total.amount.expect("known");
    assert!((sum - whole).abs() < Decimal::new(1, 20), "{sum} {whole}");
}

#[test]
fn storage_is_the_average_of_what_was_measured_over_the_time_that_the_broker_existed() {
    let half_of_april = 15 * 1440;
    let intervals =
        [interval(0, Some(half_of_april), DeploymentMode::SingleInstance, "mq.m5.large")];
    // Ten gigabytes on one day and thirty on another one, of which only half was measured.
    let measured = [
        StorageUse { period: between(0, 1440), bytes: 10 << 30, minutes: 1440 },
        StorageUse { period: between(1440, 2880), bytes: 40 << 30, minutes: 720 },
    ];
    let used = cost(EngineType::ActiveMq, &intervals, &measured, between(0, 43_200));
    let storage = used.storage.clone().expect("there");
    assert_eq!(storage.gb_months.map(amount).as_deref(), Some("10"), "20 GB for half a month");
    assert_eq!(storage.unmeasured_minutes, 0);
    assert_eq!(total(&used).as_deref(), Some("104.68"), "360 h x 0.288 + 1.00");
    // May was not measured.
    let intervals = [interval(0, None, DeploymentMode::SingleInstance, "mq.m5.large")];
    let used = cost(EngineType::ActiveMq, &intervals, &measured, between(0, 43_200 + 60));
    assert_eq!(used.storage.as_ref().map(|storage| storage.unmeasured_minutes), Some(60));
    assert_eq!(used.total.missing.len(), 1, "{:?}", used.total.missing);
    let used = cost(EngineType::ActiveMq, &intervals, &[], between(0, 60));
    let storage = used.storage.expect("there");
    assert_eq!((storage.gb_months, storage.cost), (None, None));
    assert_eq!(used.total.amount.map(amount).as_deref(), Some("0.288"));
}

#[test]
fn what_has_no_price_is_told_and_costs_not_zero_but_nobody_knows_what() {
    let intervals = [
        interval(0, Some(60), DeploymentMode::SingleInstance, "mq.t2.micro"),
        interval(60, None, DeploymentMode::SingleInstance, "mq.m5.large"),
    ];
    let used = cost(EngineType::ActiveMq, &intervals[..1], &stored(1, 1), between(0, 60));
    assert_eq!(used.instances[0].cost, None);
    let storage_only = used.total.amount.map(amount);
    assert!(storage_only.is_some_and(|cost| cost.starts_with("0.0001")), "1 GB for an hour");
    let told = "There is no price of instance type mq.t2.micro for ActiveMQ.";
    assert!(used.total.missing.contains(told), "{:?}", used.total.missing);
    let unknown = cost(EngineType::ActiveMq, &intervals[..1], &[], between(0, 60));
    assert_eq!(unknown.total.amount, None);
    let used = cost(EngineType::ActiveMq, &intervals, &stored(1, 0), between(0, 120));
    assert_eq!(used.total.amount.map(amount).as_deref(), Some("0.288"));
    assert!(used.total.missing.contains(told));
}

#[test]
fn rabbitmq_pays_for_the_size_of_its_disks() {
    let disk = |from, to, host, gib| MeteredInterval {
        disk_gib: Some(gib),
        ..interval(from, to, DeploymentMode::ClusterMultiAz, host)
    };
    let month = between(0, 43_200);
    let all = [disk(0, None, "mq.m5.large", 200)];
    let used = cost(EngineType::RabbitMq, &all, &[], month);
    let storage = used.storage.expect("there");
    assert_eq!((storage.cost.map(cents).as_deref(), storage.copies), (Some("60.00"), 3));
    assert!(used.total.missing.is_empty(), "{:?}", used.total.missing);
    let halves =
        [disk(0, Some(21_600), "mq.m7g.medium", 5), disk(21_600, None, "mq.m7g.medium", 25)];
    let used = cost(EngineType::RabbitMq, &halves, &[], month);
    let storage = used.storage.expect("there");
    assert_eq!(
        storage.gb_months.map(amount).as_deref(),
        Some("45"),
        "15 GB on average, three times"
    );
}
