//! Ports and names of endpoints, as they are configured.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    ops::RangeInclusive,
    str::FromStr,
};

use brokerd_domain::{EngineType, Protocol};
use serde::{Deserialize, Serialize};

/// `first-last`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct PortRange {
    first: u16,
    last: u16,
}

impl PortRange {
    pub(crate) const fn new(first: u16, last: u16) -> Self {
        Self { first, last }
    }

    pub(crate) const fn range(self) -> RangeInclusive<u16> {
        self.first..=self.last
    }
}

impl FromStr for PortRange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is not a range of ports such as 20000-29999");
        let (first, last) = text.split_once('-').ok_or_else(wrong)?;
        let first = first.trim().parse().map_err(|_| wrong())?;
        let last = last.trim().parse().map_err(|_| wrong())?;
        if first < 1024 || last < first {
            return Err(wrong());
        }
        Ok(Self { first, last })
    }
}

impl TryFrom<String> for PortRange {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<PortRange> for String {
    fn from(range: PortRange) -> Self {
        range.to_string()
    }
}

impl fmt::Display for PortRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.first, self.last)
    }
}

/// The longest name of a broker below a domain, without the domain:
/// `b-<36>-1.mq.<region of at most 32>.` are 79 characters.
const MAX_DOMAIN_LENGTH: usize = 253 - 79;

/// Whether brokers can be named below it: lower case, because names are compared so.
pub(crate) fn is_domain(text: &str) -> bool {
    let edge = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    text.len() <= MAX_DOMAIN_LENGTH
        && text.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && label.chars().all(|c| edge(c) || c == '-')
                && label.starts_with(edge)
                && label.ends_with(edge)
        })
}

/// The ports that brokers with host names share.
pub(crate) fn standard_ports() -> BTreeSet<u16> {
    let of = |engine| Protocol::of(engine).iter().flat_map(move |p| p.standard_ports(engine));
    let pages = Protocol::METRICS_PAGES.iter().flat_map(|p| p.standard_ports(EngineType::RabbitMq));
    of(EngineType::ActiveMq).chain(of(EngineType::RabbitMq)).chain(pages).copied().collect()
}

/// Whether each standard port can be listened on where it says, beside those that brokers without host names
/// are given.
pub(crate) fn validate_shared_ports(
    ports: &[SharedPort],
    others: Option<PortRange>,
) -> Result<(), String> {
    let map: BTreeMap<u16, u16> = ports.iter().map(|port| port.pair()).collect();
    if map.len() < ports.len() {
        return Err("names a standard port twice".to_owned());
    }
    let standard = standard_ports();
    if let Some(port) = map.keys().find(|port| !standard.contains(port)) {
        return Err(format!("{port} is not a standard port: those are {standard:?}"));
    }
    let mut listened = BTreeSet::new();
    for port in standard {
        let port = map.get(&port).copied().unwrap_or(port);
        if others.is_some_and(|others| others.range().contains(&port)) {
            return Err(format!("{port} is also one of endpoint.ports"));
        }
        if !listened.insert(port) {
            return Err(format!("{port} is listened on for two standard ports"));
        }
    }
    Ok(())
}

/// `standard=listen`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct SharedPort {
    standard: u16,
    listen: u16,
}

impl SharedPort {
    /// The standard port, and where it is listened on.
    pub(crate) const fn pair(self) -> (u16, u16) {
        (self.standard, self.listen)
    }
}

impl TryFrom<String> for SharedPort {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || format!("{text:?} is not a pair of ports such as 443=8443");
        let (standard, listen) = text.split_once('=').ok_or_else(wrong)?;
        let port = |text: &str| text.trim().parse::<u16>().ok().filter(|port| *port > 0);
        let (standard, listen) = port(standard).zip(port(listen)).ok_or_else(wrong)?;
        Ok(Self { standard, listen })
    }
}

impl From<SharedPort> for String {
    fn from(port: SharedPort) -> Self {
        format!("{}={}", port.standard, port.listen)
    }
}
