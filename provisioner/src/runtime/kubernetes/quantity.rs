//! Quantities as Kubernetes writes them, and limits as quantities.
//!
//! Source: "resource.Quantity" of apimachinery.

use brokerd_domain::instance::Limits;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use serde_json::{Value, json};

/// What an instance with [`Limits::SERVING_SHARES`] requests of a processor, in thousandths.
///
/// Processor time that nobody else wants is an instance's up to its limit. What it requests decides how instances
/// divide a node that has too little, in the relation of their shares, and how many the scheduler puts there: ten
/// for each processor.
const SERVING_MILLIS: u64 = 100;

/// How much memory the container that lays out the files may use, at least.
const MIN_SETUP_MEMORY: u64 = 64 << 20;

/// A number of bytes.
pub(super) fn bytes(number: u64) -> String {
    number.to_string()
}

/// Billionths of a processor, rounded up to thousandths, below which Kubernetes knows nothing.
pub(super) fn millis(nano_cpus: u64) -> u64 {
    nano_cpus.div_ceil(1_000_000).max(1)
}

/// Limits and requests of an instance. Memory is requested as a whole, because it is not given back.
pub(super) fn resources(limits: Limits) -> Value {
    let most = millis(limits.nano_cpus);
    let wanted = u64::from(limits.cpu_shares) * SERVING_MILLIS / u64::from(Limits::SERVING_SHARES);
    // Never all of it: the quality of service of a pod can't change while it runs, but its limits do.
    let requested = wanted.clamp(1, most.saturating_sub(1).max(1));
    json!({
        "limits": { "cpu": format!("{most}m"), "memory": bytes(limits.memory_bytes) },
        "requests": { "cpu": format!("{requested}m"), "memory": bytes(limits.memory_bytes) },
    })
}

/// Limits and requests of the container that lays out an instance's files.
pub(super) fn resources_to_prepare(limits: Limits) -> Value {
    let memory = limits.memory_bytes.max(MIN_SETUP_MEMORY);
    json!({
        "limits": { "cpu": format!("{}m", millis(limits.nano_cpus)), "memory": bytes(memory) },
        "requests": { "cpu": "1m", "memory": bytes(limits.memory_bytes) },
    })
}

/// A quantity in billionths; none: it is none.
pub(super) fn parse(quantity: &Quantity) -> Option<u128> {
    let text = quantity.0.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    // What is below a billionth is rounded up, as Kubernetes does.
    let digits: String = fraction.chars().chain("000000000".chars()).take(9).collect();
    let beyond = fraction.chars().skip(9).any(|digit| digit != '0');
    let whole: u128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let number = whole.checked_mul(1_000_000_000)?.checked_add(digits.parse().ok()?)?;
    let number = number.checked_add(u128::from(beyond))?;
    let binary = |power: u32| number.checked_mul(1u128.checked_shl(10 * power)?);
    let decimal = |power: u32| number.checked_mul(10u128.checked_pow(power)?);
    match suffix {
        "" => Some(number),
        "n" => Some(number.div_ceil(1_000_000_000)),
        "u" => Some(number.div_ceil(1_000_000)),
        "m" => Some(number.div_ceil(1_000)),
        "k" => decimal(3),
        "M" => decimal(6),
        "G" => decimal(9),
        "T" => decimal(12),
        "P" => decimal(15),
        "E" => decimal(18),
        "Ki" => binary(1),
        "Mi" => binary(2),
        "Gi" => binary(3),
        "Ti" => binary(4),
        "Pi" => binary(5),
        "Ei" => binary(6),
        other => {
            let power: i32 = other.strip_prefix(['e', 'E'])?.parse().ok()?;
            match u32::try_from(power) {
                Ok(power) => decimal(power),
                Err(_) => Some(number.div_ceil(10u128.checked_pow(power.unsigned_abs())?)),
            }
        }
    }
}

/// A quantity in whole units, rounded down.
pub(super) fn whole(quantity: &Quantity) -> Option<u64> {
    u64::try_from(parse(quantity)? / 1_000_000_000).ok()
}

/// A quantity in billionths.
pub(super) fn nano(quantity: &Quantity) -> Option<u64> {
    u64::try_from(parse(quantity)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_read_in_each_of_their_notations() {
        for (text, billionths) in [
            ("0", 0),
            ("2", 2_000_000_000),
            ("500m", 500_000_000),
            ("1.5", 1_500_000_000),
            (".5", 500_000_000),
            ("250u", 250_000),
            ("7n", 7),
            ("1k", 1_000_000_000_000),
            ("64Mi", (64 << 20) * 1_000_000_000),
            ("1.5Gi", (3 << 29) * 1_000_000_000),
            ("2e3", 2_000_000_000_000),
            ("2E-3", 2_000_000),
            ("0.0000000001", 1),
        ] {
            assert_eq!(parse(&Quantity(text.to_owned())), Some(billionths), "{text}");
        }
        for odd in
            ["", "Mi", "x", "1x", "1.2.3", "-1", "1e99", "99999999999999999999999999999999Ei"]
        {
            assert_eq!(parse(&Quantity(odd.to_owned())), None, "{odd}");
        }
        assert_eq!(whole(&Quantity("24663000Ki".to_owned())), Some(24_663_000 << 10));
        assert_eq!(nano(&Quantity("1900m".to_owned())), Some(1_900_000_000));
    }

    #[test]
    fn requests_have_the_relation_of_the_shares_and_are_never_all_there_is() {
        let limits = |nano_cpus, cpu_shares| Limits {
            memory_bytes: 64 << 20,
            nano_cpus,
            cpu_shares,
            pids: 1,
        };
        let cpu = |limits| {
            let resources = resources(limits);
            let of = |kind: &str| resources[kind]["cpu"].as_str().expect("text").to_owned();
            (of("requests"), of("limits"))
        };
        let expected = |requests: &str, limits: &str| (requests.to_owned(), limits.to_owned());
        assert_eq!(cpu(limits(2_000_000_000, Limits::SERVING_SHARES)), expected("100m", "2000m"));
        assert_eq!(cpu(limits(2_000_000_000, Limits::BOOTING_SHARES)), expected("12m", "2000m"));
        assert_eq!(cpu(limits(50_000_000, Limits::SERVING_SHARES)), expected("49m", "50m"));
        assert_eq!(cpu(limits(333_333_333, 0)), expected("1m", "334m"));
    }
}
