//! Which changes of version and instance type an engine survives.

use crate::{EngineType, EngineVersion, Error, HostInstanceType};

/// Whether a broker may go from one version to another on its own data.
///
/// Sources: "Upgrading an Amazon MQ broker engine version" of the developer guide: upwards only, RabbitMQ
/// 3.13 to 4.2 and 4.2 to 4.3 but not 3.13 to 4.3; "Upgrading RabbitMQ" of RabbitMQ's own guide: within 3
/// one minor version at a time, and 4 only from 3.13.
///
/// # Errors
/// A 400 on `engineVersion`.
pub(crate) fn check_version(
    engine: EngineType,
    from: EngineVersion,
    to: EngineVersion,
) -> Result<(), Error> {
    let refuse = |message: String| Err(Error::bad_request("engineVersion", message));
    let name = engine.display_name();
    if to < from {
        return refuse(format!(
            "Downgrading from current engine version [{from}] to requested engine version [{to}] is not supported for {name} brokers."
        ));
    }
    let fits = match engine {
        EngineType::ActiveMq => true,
        EngineType::RabbitMq if from == to => true,
        EngineType::RabbitMq => match (from.major, to.major) {
            (3, 3) => to.minor - from.minor == 1,
            (3, 4) => from.minor >= 13 && to.minor <= 2,
            (a, b) => a == b,
        },
    };
    if fits {
        return Ok(());
    }
    refuse(format!(
        "Upgrading from current engine version [{from}] to requested engine version [{to}] is not supported for {name} brokers. Upgrade to a version in between first."
    ))
}

/// Whether a broker may change its instance type so.
///
/// # Errors
/// The service's 400 on `hostInstanceType`.
pub(crate) fn check_host(
    engine: EngineType,
    from: HostInstanceType,
    to: HostInstanceType,
) -> Result<(), Error> {
    if engine == EngineType::RabbitMq && to != from && to.name() == "mq.t3.micro" {
        return Err(Error::bad_request(
            "hostInstanceType",
            format!(
                "Downgrading from current instance type [{from}] to requested instance type [{to}] is not supported for RabbitMQ brokers."
            ),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_only_rise_and_rabbitmq_leaves_none_out() {
        let ok = |engine, from: &str, to: &str| {
            check_version(engine, from.parse().expect(from), to.parse().expect(to)).is_ok()
        };
        let (amq, rabbit) = (EngineType::ActiveMq, EngineType::RabbitMq);
        for (from, to) in [("5.18", "5.19"), ("5.15", "5.19"), ("5.19", "5.19")] {
            assert!(ok(amq, from, to), "{from} {to}");
        }
        assert!(!ok(amq, "5.19", "5.18"));
        for (from, to) in
            [("3.10", "3.11"), ("3.13", "4.0"), ("3.13", "4.2"), ("4.0", "4.3"), ("4.2", "4.3")]
        {
            assert!(ok(rabbit, from, to), "{from} {to}");
        }
        for (from, to) in
            [("3.10", "3.13"), ("3.10", "4.0"), ("3.12", "4.2"), ("3.13", "4.3"), ("4.3", "4.0")]
        {
            assert!(!ok(rabbit, from, to), "{from} {to}");
        }
    }

    #[test]
    fn rabbitmq_does_not_shrink_to_a_micro() {
        let host = |name| HostInstanceType::from_name(name).expect("known");
        let (large, micro) = (host("mq.m5.large"), host("mq.t3.micro"));
        let refused = check_host(EngineType::RabbitMq, large, micro).expect_err("micro");
        assert_eq!(
            refused.message,
            "Downgrading from current instance type [mq.m5.large] to requested instance type [mq.t3.micro] is not supported for RabbitMQ brokers."
        );
        assert!(check_host(EngineType::ActiveMq, large, micro).is_ok());
        assert!(check_host(EngineType::RabbitMq, large, host("mq.m7g.medium")).is_ok());
    }
}
