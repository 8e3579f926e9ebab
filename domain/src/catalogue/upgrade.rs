//! The permitted changes of engine version and instance type.

use super::{
    engine::{EngineType, EngineVersion},
    instance_type::HostInstanceType,
    offering::Offerings,
};
use crate::kernel::Error;

/// Whether a broker may go from one version to another on its own data, by name and, where another version
/// stands in for one of them, in truth.
///
/// Between two versions that one and the same serves nothing is upgraded; there the way may leave out what is
/// not offered here.
///
/// # Errors
/// A 400 on `engineVersion`.
pub(crate) fn check_version(
    engine: EngineType,
    from: EngineVersion,
    to: EngineVersion,
    offerings: &Offerings,
) -> Result<(), Error> {
    let refuse = |message: String| Err(Error::bad_request("engineVersion", message));
    let name = engine.display_name();
    if to < from {
        return refuse(format!(
            "Downgrading from current engine version [{from}] to requested engine version [{to}] is not supported for {name} brokers."
        ));
    }
    let served = [from, to].map(|version| offerings.serving(engine, version));
    let same = served[0] == served[1];
    let between = || offerings.versions(engine).into_iter().any(|v| from < v && v < to);
    let unsupported = format!(
        "Upgrading from current engine version [{from}] to requested engine version [{to}] is not supported for {name} brokers."
    );
    if !is_supported(engine, from, to) && (!same || between()) {
        return refuse(format!("{unsupported} Upgrade to a version in between first."));
    }
    if !same && !is_supported(engine, served[0], served[1]) {
        return refuse(format!(
            "{unsupported} Here [{}] serves the former and [{}] the latter.",
            served[0], served[1]
        ));
    }
    Ok(())
}

impl Offerings {
    /// The versions from which no upgrade leads to the newest one of their engine.
    pub fn dead_ends(&self) -> Vec<(EngineType, EngineVersion)> {
        let mut found = Vec::new();
        for engine in EngineType::ALL {
            let versions = self.versions(*engine);
            // Newest first, so that whatever a version can be upgraded to was looked at before it.
            let mut arriving: Vec<EngineVersion> = Vec::new();
            for version in versions {
                let next = |to: &EngineVersion| check_version(*engine, version, *to, self).is_ok();
                if arriving.is_empty() || arriving.iter().any(next) {
                    arriving.push(version);
                } else {
                    found.push((*engine, version));
                }
            }
        }
        found
    }
}

/// Whether the engine of one version makes another one's data its own.
///
/// Sources: "Upgrading an Amazon MQ broker engine version" of the developer guide: upwards only, RabbitMQ
/// 3.13 to 4.2 and 4.2 to 4.3 but not 3.13 to 4.3; "Upgrading RabbitMQ" of RabbitMQ's own guide: within 3
/// one minor version at a time, and 4 only from 3.13.
fn is_supported(engine: EngineType, from: EngineVersion, to: EngineVersion) -> bool {
    match engine {
        // Its stores are the same in both directions; downwards nobody asks.
        EngineType::ActiveMq => true,
        EngineType::RabbitMq if to <= from => from == to,
        EngineType::RabbitMq => match (from.major, to.major) {
            (3, 3) => to.minor - from.minor == 1,
            (3, 4) => from.minor >= 13 && to.minor <= 2,
            (a, b) => a == b,
        },
    }
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
    if engine == EngineType::RabbitMq && to != from && to.is_micro() {
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
            let none = Offerings::default();
            check_version(engine, from.parse().expect(from), to.parse().expect(to), &none).is_ok()
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
    fn where_another_version_serves_the_way_in_truth_counts_too() {
        let version = |text: &str| text.parse::<EngineVersion>().expect("a version");
        let here = |pairs: &[(&str, &str)]| -> Offerings {
            let row = |(asked, runs): &(&str, &str)| {
                (EngineType::RabbitMq, version(asked), version(runs))
            };
            pairs.iter().map(row).collect()
        };
        let ok = |from: &str, to: &str, pairs: &[(&str, &str)]| {
            check_version(EngineType::RabbitMq, version(from), version(to), &here(pairs)).is_ok()
        };
        let all = &[("3.13", "4.3"), ("4.2", "4.3"), ("4.3", "4.3")][..];
        assert!(ok("3.13", "4.2", all) && ok("4.2", "4.3", all));
        assert!(!ok("3.13", "4.3", all), "as in the service, while 4.2 is offered");
        assert!(!ok("4.3", "4.2", all), "by name it is a downgrade, whatever runs");
        assert!(ok("3.13", "4.3", &[("3.13", "4.3"), ("4.3", "4.3")]), "nothing is upgraded");
        assert!(!ok("3.13", "4.2", &[("4.2", "4.3")]), "in truth 3.13 to 4.3");
        assert!(!ok("3.13", "4.2", &[("3.13", "4.3"), ("4.2", "4.2")]), "in truth 4.3 to 4.2");
    }

    fn served(versions: &[(EngineType, &str, &str)]) -> Offerings {
        let version = |text: &str| text.parse::<EngineVersion>().expect("a version");
        versions.iter().map(|(e, asked, runs)| (*e, version(asked), version(runs))).collect()
    }

    #[test]
    fn a_version_from_which_no_upgrade_leads_to_the_newest_is_a_dead_end() {
        let (amq, rabbit) = (EngineType::ActiveMq, EngineType::RabbitMq);
        for (here, ends) in [
            (vec![("3.13", "3.13"), ("4.2", "4.2"), ("4.3", "4.3")], vec![]),
            (vec![("3.13", "3.13"), ("4.3", "4.3")], vec!["3.13"]),
            (vec![("3.13", "4.3"), ("4.3", "4.3")], vec![]),
            (vec![("3.13", "4.3"), ("4.2", "4.3"), ("4.3", "4.3")], vec![]),
            // In truth 3.13 would become 4.3 at once.
            (vec![("3.13", "3.13"), ("4.2", "4.3"), ("4.3", "4.3")], vec!["3.13"]),
            // In truth 4.3 would become 4.2.
            (vec![("3.13", "4.3"), ("4.2", "4.2")], vec!["3.13"]),
            (vec![("3.10", "3.10"), ("4.0", "4.0"), ("4.3", "4.3")], vec!["3.10"]),
        ] {
            let rows: Vec<_> = here.iter().map(|(a, r)| (rabbit, *a, *r)).collect();
            let found: Vec<_> =
                served(&rows).dead_ends().iter().map(|(_, v)| v.to_string()).collect();
            assert_eq!(found, ends, "{here:?}");
        }
        assert_eq!(served(&[(amq, "5.18", "5.18"), (amq, "5.19", "5.19")]).dead_ends(), []);
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
