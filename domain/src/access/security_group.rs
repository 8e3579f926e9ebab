//! Security groups: which addresses may connect to a broker.

use std::{collections::BTreeSet, fmt, net::IpAddr, str::FromStr};

use ipnet::{IpNet, Ipv4Net};
use serde::{Deserialize, Serialize};

use crate::kernel::{Entropy, Error, ErrorKind, Scope, Timestamp, is_resource_id};

/// How many rules a group may have.
///
/// Source: Amazon VPC quotas, "Inbound or outbound rules per security group".
const MAX_RULES: usize = 60;
/// How long a name or description may be.
///
/// Source: CreateSecurityGroup of the EC2 API reference.
const MAX_TEXT_LENGTH: usize = 255;

/// `sg-` and letters, digits or hyphens: the identifier of a security group.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SecurityGroupId(String);

impl SecurityGroupId {
    /// A fresh identifier in the form of the service's own.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        let mut digits = entropy.uuid().as_simple().to_string();
        digits.truncate(17);
        Self(format!("sg-{digits}"))
    }

    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SecurityGroupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for SecurityGroupId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if is_resource_id(text, "sg-") {
            return Ok(Self(text.to_owned()));
        }
        Err(Error::bad_request(
            "securityGroupId",
            format!("Security group ID [{text}] is invalid."),
        ))
    }
}

/// A range of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Cidr(IpNet);

impl Cidr {
    /// Whether it has this address. An IPv4 address in IPv6 form is one of IPv4.
    pub fn contains(self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }

    /// Whether it has every address of another range.
    pub fn covers(self, other: Self) -> bool {
        self.0.contains(&other.0)
    }

    /// Whether its addresses are IPv4.
    pub const fn is_ipv4(self) -> bool {
        matches!(self.0, IpNet::V4(_))
    }
}

impl From<IpAddr> for Cidr {
    /// The range of one address.
    fn from(address: IpAddr) -> Self {
        Self(address.to_canonical().into())
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The text was no range of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a valid CIDR block")]
pub struct InvalidCidr;

impl FromStr for Cidr {
    type Err = InvalidCidr;

    /// Bits beyond the prefix are dropped, as the service does. IPv4 addresses in IPv6 form are written as IPv4.
    fn from_str(text: &str) -> Result<Self, InvalidCidr> {
        let net = text.parse::<IpNet>().map_err(|_| InvalidCidr)?.trunc();
        Ok(Self(canonical(net)))
    }
}

/// Peers are compared in IPv4 form, so a range of IPv4 addresses in IPv6 form (RFC 4291, section 2.5.5.2) would have
/// none of them.
fn canonical(net: IpNet) -> IpNet {
    if let IpNet::V6(six) = net
        && let Some(address) = six.network().to_ipv4_mapped()
        && let Some(length) = six.prefix_len().checked_sub(96)
        && let Ok(four) = Ipv4Net::new(address, length)
    {
        return four.into();
    }
    net
}

impl TryFrom<String> for Cidr {
    type Error = InvalidCidr;

    fn try_from(text: String) -> Result<Self, InvalidCidr> {
        text.parse()
    }
}

impl From<Cidr> for String {
    fn from(cidr: Cidr) -> Self {
        cidr.to_string()
    }
}

/// An ingress rule: it allows TCP to these ports from these addresses. Ports are the service's standard ones, whichever
/// the gateway listens on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IngressRule {
    /// The first port.
    pub from_port: u16,
    /// The last port.
    pub to_port: u16,
    /// The addresses.
    pub cidr: Cidr,
    /// The description.
    #[serde(default)]
    pub description: Option<String>,
}

impl IngressRule {
    /// Whether it lets this address in to one of these ports.
    pub fn admits(&self, peer: IpAddr, ports: &[u16]) -> bool {
        self.cidr.contains(peer)
            && ports.iter().any(|port| (self.from_port..=self.to_port).contains(port))
    }
}

/// A rule as a caller writes it.
#[derive(Debug, Clone, Default)]
pub struct IngressRuleInput {
    /// `tcp`.
    pub protocol: Option<String>,
    /// The first port.
    pub from_port: Option<i64>,
    /// The last port.
    pub to_port: Option<i64>,
    /// The addresses.
    pub cidr: Option<String>,
    /// The description.
    pub description: Option<String>,
}

/// A security group. It denies what none of its rules allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecurityGroup {
    /// The identifier.
    pub id: SecurityGroupId,
    /// Whose it is.
    pub scope: Scope,
    /// The name.
    pub name: String,
    /// The description.
    pub description: String,
    /// The rules.
    pub rules: Vec<IngressRule>,
    /// When it was created.
    pub created: Timestamp,
}

impl SecurityGroup {
    /// A group as a caller asks for it.
    ///
    /// # Errors
    /// A 400 that names the member at fault.
    pub fn parse(
        scope: &Scope,
        id: Option<&str>,
        name: Option<String>,
        description: Option<String>,
        rules: Vec<IngressRuleInput>,
        created: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<Self, Error> {
        let name = name.filter(|name| !name.trim().is_empty());
        let name = name.ok_or_else(|| Error::bad_request("name", "[name] is required."))?;
        let id = match id {
            Some(id) => id.parse()?,
            None => SecurityGroupId::generate(entropy),
        };
        Ok(Self {
            id,
            scope: scope.clone(),
            name: text("name", name)?,
            description: text("description", description.unwrap_or_default())?,
            rules: parse_rules(rules)?,
            created,
        })
    }

    /// The 404 for a group that does not exist, or not for this caller.
    pub fn not_found(id: &str) -> Error {
        Error {
            kind: ErrorKind::NotFound,
            attribute: Some("security-group-id".into()),
            message: format!("Cannot find security group ID [{id}]."),
        }
    }
}

/// Reads a description.
///
/// # Errors
/// A 400 when it is too long.
pub fn parse_group_description(description: String) -> Result<String, Error> {
    text("description", description)
}

fn text(member: &'static str, text: String) -> Result<String, Error> {
    if text.chars().count() <= MAX_TEXT_LENGTH && !text.chars().any(char::is_control) {
        return Ok(text);
    }
    Err(Error::bad_request(
        member,
        format!("[{member}] must have at most [{MAX_TEXT_LENGTH}] printable characters."),
    ))
}

/// Reads the rules of a group.
///
/// # Errors
/// A 400 that names the member at fault.
pub fn parse_rules(rules: Vec<IngressRuleInput>) -> Result<Vec<IngressRule>, Error> {
    if rules.len() > MAX_RULES {
        return Err(Error::bad_request(
            "rules",
            format!("A security group can have at most [{MAX_RULES}] rules."),
        ));
    }
    let parsed: Vec<_> = rules.into_iter().enumerate().map(parse_rule).collect::<Result<_, _>>()?;
    let distinct: BTreeSet<_> =
        parsed.iter().map(|r| (r.from_port, r.to_port, r.cidr.to_string())).collect();
    if distinct.len() < parsed.len() {
        return Err(Error::bad_request("rules", "Specify each rule only once."));
    }
    Ok(parsed)
}

fn parse_rule((index, rule): (usize, IngressRuleInput)) -> Result<IngressRule, Error> {
    let wrong = |member: &str, message: String| Error {
        kind: ErrorKind::BadRequest,
        attribute: Some(format!("rules[{index}].{member}").into()),
        message,
    };
    match rule.protocol.as_deref() {
        Some("tcp") => {}
        other => {
            let other = other.unwrap_or_default();
            return Err(wrong(
                "protocol",
                format!("Protocol [{other}] is not supported. Valid values: [tcp]."),
            ));
        }
    }
    let port = |member: &str, value: Option<i64>| {
        value.and_then(|port| u16::try_from(port).ok()).ok_or_else(|| {
            wrong(member, format!("[{member}] must be a port between [0] and [65535]."))
        })
    };
    let (from_port, to_port) = (port("fromPort", rule.from_port)?, port("toPort", rule.to_port)?);
    if to_port < from_port {
        return Err(wrong("toPort", "[toPort] must not be less than [fromPort].".to_owned()));
    }
    let cidr = rule.cidr.unwrap_or_default();
    let cidr =
        cidr.parse().map_err(|_| wrong("cidr", format!("CIDR block [{cidr}] is invalid.")))?;
    let description = rule.description.map(|d| text("description", d)).transpose();
    let description = description.map_err(|refused| wrong("description", refused.message))?;
    Ok(IngressRule { from_port, to_port, cidr, description })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(from: i64, to: i64, cidr: &str) -> IngressRuleInput {
        IngressRuleInput {
            protocol: Some("tcp".to_owned()),
            from_port: Some(from),
            to_port: Some(to),
            cidr: Some(cidr.to_owned()),
            description: None,
        }
    }

    fn parsed(from: i64, to: i64, cidr: &str) -> IngressRule {
        parse_rules(vec![rule(from, to, cidr)]).expect("valid").remove(0)
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn a_rule_admits_its_addresses_to_its_ports() {
        let rule = parsed(5671, 5672, "10.1.0.0/16");
        assert!(rule.admits(ip("10.1.2.3"), &[5671]));
        assert!(rule.admits(ip("::ffff:10.1.2.3"), &[443, 5672]), "IPv4 in IPv6 form");
        assert!(!rule.admits(ip("10.2.2.3"), &[5671]));
        assert!(!rule.admits(ip("10.1.2.3"), &[5670, 5673]));
        assert!(!rule.admits(ip("::1"), &[5671]));
        let six = parsed(0, 65535, "fd00::/8");
        assert!(six.admits(ip("fdff::1"), &[1]) && !six.admits(ip("fe00::1"), &[1]));
    }

    #[test]
    fn bits_beyond_the_prefix_are_dropped() {
        assert_eq!(parsed(1, 1, "10.1.2.3/8").cidr.to_string(), "10.0.0.0/8");
    }

    #[test]
    fn ipv4_in_ipv6_form_is_ipv4() {
        for (written, canonical) in [
            ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
            ("::ffff:10.1.2.3/104", "10.0.0.0/8"),
            ("::ffff:192.0.2.7/128", "192.0.2.7/32"),
            ("::ffff:0:0/96", "0.0.0.0/0"),
            // Wider than all of IPv4, and so none of it.
            ("::ffff:0:0/90", "::ffc0:0:0/90"),
            ("::/0", "::/0"),
            ("64:ff9b::/96", "64:ff9b::/96"),
        ] {
            assert_eq!(parsed(1, 1, written).cidr.to_string(), canonical, "{written}");
        }
        let mapped = parsed(5671, 5671, "::ffff:10.0.0.0/104");
        assert!(mapped.admits(ip("10.1.2.3"), &[5671]));
        assert!(mapped.admits(ip("::ffff:10.9.9.9"), &[5671]));
        assert!(!mapped.admits(ip("11.0.0.1"), &[5671]));
        let twice = vec![rule(1, 1, "10.0.0.0/8"), rule(1, 1, "::ffff:10.0.0.0/104")];
        assert!(parse_rules(twice).is_err(), "one rule in two forms");
        let stored: Cidr = serde_json::from_str(r#""::ffff:10.0.0.0/104""#).expect("a range");
        assert_eq!(stored.to_string(), "10.0.0.0/8", "of a row that is older than this rule");
    }

    #[test]
    fn what_is_wrong_with_a_rule_is_said_of_its_member() {
        let other = IngressRuleInput { protocol: Some("udp".to_owned()), ..rule(1, 1, "::/0") };
        for (input, member) in [
            (other, "rules[1].protocol"),
            (IngressRuleInput { protocol: None, ..rule(1, 1, "::/0") }, "rules[1].protocol"),
            (rule(-1, 1, "::/0"), "rules[1].fromPort"),
            (rule(1, 65536, "::/0"), "rules[1].toPort"),
            (rule(2, 1, "::/0"), "rules[1].toPort"),
            (rule(1, 1, "10.0.0.0"), "rules[1].cidr"),
            (rule(1, 1, "10.0.0.0/33"), "rules[1].cidr"),
            (rule(1, 1, "example.com/8"), "rules[1].cidr"),
        ] {
            let refused = parse_rules(vec![rule(1, 1, "::/0"), input]).expect_err(member);
            assert_eq!(refused.attribute.as_deref(), Some(member));
        }
        let twice = parse_rules(vec![rule(1, 1, "10.0.0.0/8"), rule(1, 1, "10.9.0.0/8")]);
        assert_eq!(twice.expect_err("twice").attribute.as_deref(), Some("rules"));
        let many = (0..61).map(|port| rule(port, port, "::/0")).collect();
        assert_eq!(parse_rules(many).expect_err("too many").attribute.as_deref(), Some("rules"));
    }
}
