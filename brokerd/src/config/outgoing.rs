//! What engines may connect to, as it is configured.

use std::{fmt, net::IpAddr, str::FromStr};

use brokerd_domain::Cidr;
use brokerd_provisioner::runtime::outgoing::{HostService, Outgoing};
use serde::{Deserialize, Serialize};

const ALL: &str = "all";
const NONE: &str = "none";

/// The addresses beyond the host that engines may connect to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub(crate) enum Allowed {
    /// `all`.
    All,
    /// `none`, or ranges.
    Only(Vec<Range>),
}

impl Allowed {
    /// The ranges; none: all addresses.
    pub(crate) fn ranges(&self) -> Option<Vec<Cidr>> {
        match self {
            Self::All => None,
            Self::Only(ranges) => Some(ranges.iter().map(|range| range.0).collect()),
        }
    }

    /// A range that can't be allowed.
    pub(crate) fn never(&self) -> Option<Cidr> {
        self.ranges().unwrap_or_default().into_iter().find(|range| Outgoing::is_never(*range))
    }
}

impl TryFrom<Vec<String>> for Allowed {
    type Error = String;

    fn try_from(texts: Vec<String>) -> Result<Self, String> {
        match texts.iter().map(|text| text.trim()).collect::<Vec<_>>()[..] {
            [ALL] => Ok(Self::All),
            [NONE] => Ok(Self::Only(Vec::new())),
            [] => Err(format!("neither {ALL:?} nor {NONE:?} nor ranges of addresses")),
            ref ranges => {
                ranges.iter().map(|text| text.parse()).collect::<Result<_, _>>().map(Self::Only)
            }
        }
    }
}

impl From<Allowed> for Vec<String> {
    fn from(allowed: Allowed) -> Self {
        match allowed {
            Allowed::All => vec![ALL.to_owned()],
            Allowed::Only(ranges) if ranges.is_empty() => vec![NONE.to_owned()],
            Allowed::Only(ranges) => ranges.into_iter().map(String::from).collect(),
        }
    }
}

/// A range of addresses, or one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Range(pub(crate) Cidr);

impl FromStr for Range {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let one = || Some(Cidr::from(text.parse::<IpAddr>().ok()?));
        let range = text.parse().ok().or_else(one);
        range
            .map(Self)
            .ok_or_else(|| format!("{text:?} is neither an address nor a range such as 10.0.0.0/8"))
    }
}

impl TryFrom<String> for Range {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Range> for String {
    fn from(range: Range) -> Self {
        range.0.to_string()
    }
}

/// A service on the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Service(pub(crate) HostService);

impl TryFrom<String> for Service {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse().map(Self).map_err(|why| format!("{text:?} is {why}"))
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<Service> for String {
    fn from(service: Service) -> Self {
        service.to_string()
    }
}
