//! The rules of the host's packet filter for brokers' networks, as nftables reads them.
//!
//! They are a table of brokerd's own, so that neither Docker, whichever of the kernel's interfaces it uses, nor
//! whoever edits iptables changes them. What any table drops is dropped, whatever the others say.

use std::fmt::Write as _;

use brokerd_domain::{Cidr, InstallationId};

use crate::runtime::outgoing::{HostService, Outgoing};

/// What the rules are about.
#[derive(Debug)]
pub(super) struct Rules<'a> {
    pub(super) installation: &'a InstallationId,
    /// Names of the bridges of brokers' networks: the beginning of most, and those that were made without it.
    pub(super) prefix: String,
    pub(super) others: Vec<String>,
    pub(super) outgoing: &'a Outgoing,
    /// Whether nobody but the host leads connections into these networks.
    pub(super) closed: bool,
}

/// The name of an installation's table.
pub(super) fn table(installation: &InstallationId) -> String {
    format!("brokerd-{installation}")
}

/// An engine is told at once, instead of waiting for an answer.
const REFUSE: &str = "reject with icmpx admin-prohibited";

impl Rules<'_> {
    /// The whole table. The helper adds the resolvers, which it knows.
    pub(super) fn render(&self) -> String {
        let mut text = format!("table inet {} {{\n", table(self.installation));
        text.push_str("set resolvers4 { type ipv4_addr; }\nset resolvers6 { type ipv6_addr; }\n");
        set(
            &mut text,
            "never",
            &Outgoing::NEVER.iter().filter_map(|r| r.parse().ok()).collect::<Vec<_>>(),
        );
        set(&mut text, "denied", &self.outgoing.denied);
        set(&mut text, "allowed", self.outgoing.allowed.as_deref().unwrap_or_default());
        self.between_brokers(&mut text);
        self.to_host(&mut text);
        self.to_world(&mut text);
        text.push_str("}\n");
        text
    }

    /// Patterns that match the names of brokers' bridges, quoted.
    fn bridges(&self) -> impl Iterator<Item = String> {
        let others = self.others.iter().map(|name| format!("\"{name}\""));
        std::iter::once(format!("\"{}*\"", self.prefix)).chain(others)
    }

    fn hook(&self, text: &mut String, hook: &str, of: &str, device: &str, chain: &str) {
        _ = writeln!(
            text,
            "chain {of} {{\ntype filter hook {hook} priority filter - 5; policy accept;"
        );
        for bridge in self.bridges() {
            _ = writeln!(text, "{device} {bridge} jump {chain}");
        }
        text.push_str("}\n");
    }

    /// From one broker's network to another's. Only before the routing can be told what stays within a
    /// network, which some hosts filter, too (`net.bridge.bridge-nf-call-iptables`).
    fn between_brokers(&self, text: &mut String) {
        text.push_str("chain between_brokers {\n");
        for bridge in self.bridges() {
            _ = writeln!(text, "fib daddr . iif oif missing fib daddr oifname {bridge} drop");
        }
        text.push_str("}\n");
        self.hook(text, "prerouting", "prerouting", "iifname", "between_brokers");
    }

    fn to_host(&self, text: &mut String) {
        text.push_str("chain to_host {\nct state established,related accept\n");
        // Without these there is no IPv6 on a bridge.
        text.push_str(
            "icmpv6 type { nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert } accept\n",
        );
        text.push_str(RESOLVERS);
        never(text);
        for ports in &self.outgoing.endpoint_ports {
            _ = writeln!(text, "tcp dport {}-{} accept", ports.start(), ports.end());
        }
        for service in &self.outgoing.host_services {
            _ = match service {
                HostService::Anywhere(port) => writeln!(text, "tcp dport {port} accept"),
                HostService::At(address) => {
                    let family = if address.is_ipv4() { "ip" } else { "ip6" };
                    writeln!(
                        text,
                        "{family} daddr {} tcp dport {} accept",
                        address.ip(),
                        address.port()
                    )
                }
            };
        }
        _ = writeln!(text, "{REFUSE}\n}}");
        self.hook(text, "input", "input", "iifname", "to_host");
    }

    fn to_world(&self, text: &mut String) {
        text.push_str("chain to_world {\nct state established,related accept\n");
        for bridge in self.bridges() {
            _ = writeln!(text, "oifname {bridge} accept");
        }
        text.push_str(RESOLVERS);
        never(text);
        _ = writeln!(text, "ip daddr @denied4 {REFUSE}\nip6 daddr @denied6 {REFUSE}");
        if self.outgoing.allowed.is_some() {
            _ = writeln!(text, "ip daddr @allowed4 accept\nip6 daddr @allowed6 accept\n{REFUSE}");
        }
        text.push_str("}\nchain from_world {\n");
        if self.closed {
            text.push_str("ct state established,related accept\ndrop\n");
        }
        text.push_str("}\n");
        _ = writeln!(
            text,
            "chain forward {{\ntype filter hook forward priority filter - 5; policy accept;"
        );
        for (device, chain) in [("iifname", "to_world"), ("oifname", "from_world")] {
            for bridge in self.bridges() {
                _ = writeln!(text, "{device} {bridge} jump {chain}");
            }
        }
        text.push_str("}\n");
    }
}

/// Names are resolved wherever the resolvers are.
const RESOLVERS: &str = "\
ip daddr @resolvers4 meta l4proto { tcp, udp } th dport 53 accept
ip6 daddr @resolvers6 meta l4proto { tcp, udp } th dport 53 accept
";

fn never(text: &mut String) {
    _ = writeln!(text, "ip daddr @never4 {REFUSE}\nip6 daddr @never6 {REFUSE}");
}

/// A set of IPv4 and one of IPv6.
fn set(text: &mut String, name: &str, ranges: &[Cidr]) {
    for (suffix, of_type, is_ipv4) in [("4", "ipv4_addr", true), ("6", "ipv6_addr", false)] {
        let of_family = ranges.iter().filter(|range| range.is_ipv4() == is_ipv4);
        let elements: Vec<String> = of_family.map(ToString::to_string).collect();
        _ = write!(text, "set {name}{suffix} {{ type {of_type}; flags interval; auto-merge; ");
        if !elements.is_empty() {
            _ = write!(text, "elements = {{ {} }} ", elements.join(", "));
        }
        text.push_str("}\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outgoing() -> Outgoing {
        Outgoing {
            allowed: None,
            denied: Vec::new(),
            host_services: Vec::new(),
            endpoint_ports: vec![20_000..=29_999],
        }
    }

    fn ranges<const N: usize>(texts: [&str; N]) -> Vec<Cidr> {
        texts.map(|text| text.parse().expect(text)).to_vec()
    }

    fn rendered(outgoing: &Outgoing, others: &[&str], closed: bool) -> String {
        let installation = "default".parse().expect("an installation");
        let others = others.iter().map(|name| (*name).to_owned()).collect();
        Rules {
            installation: &installation,
            prefix: "bdabcde".to_owned(),
            others,
            outgoing,
            closed,
        }
        .render()
    }

    /// The lines of a chain or set.
    fn block<'a>(text: &'a str, head: &str) -> Vec<&'a str> {
        let begun = text.lines().skip_while(move |line| *line != format!("chain {head} {{"));
        begun.skip(1).take_while(|line| *line != "}").collect()
    }

    #[test]
    fn by_default_engines_reach_the_world_but_neither_the_host_nor_what_is_link_local() {
        let text = rendered(&outgoing(), &[], true);
        assert!(text.starts_with("table inet brokerd-default {\n"), "{text}");
        assert!(text.contains("never4 { type ipv4_addr; flags interval; auto-merge; elements = { 169.254.0.0/16 } }"), "{text}");
        assert!(text.contains("elements = { fe80::/10, fd00:ec2::/32 }"), "{text}");
        assert_eq!(
            block(&text, "to_host"),
            [
                "ct state established,related accept",
                "icmpv6 type { nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert } accept",
                "ip daddr @resolvers4 meta l4proto { tcp, udp } th dport 53 accept",
                "ip6 daddr @resolvers6 meta l4proto { tcp, udp } th dport 53 accept",
                "ip daddr @never4 reject with icmpx admin-prohibited",
                "ip6 daddr @never6 reject with icmpx admin-prohibited",
                "tcp dport 20000-29999 accept",
                REFUSE,
            ]
        );
        let world = block(&text, "to_world");
        assert_eq!(world[1], "oifname \"bdabcde*\" accept");
        assert_eq!(world.last(), Some(&"ip6 daddr @denied6 reject with icmpx admin-prohibited"));
        assert_eq!(block(&text, "from_world"), ["ct state established,related accept", "drop"]);
        assert_eq!(
            block(&text, "forward")[1..],
            ["iifname \"bdabcde*\" jump to_world", "oifname \"bdabcde*\" jump from_world"]
        );
    }

    #[test]
    fn what_is_allowed_denied_and_offered_on_the_host_is_in_the_rules() {
        let outgoing = Outgoing {
            allowed: Some(ranges(["10.0.0.0/8", "2001:db8::/32", "192.0.2.7/32"])),
            denied: ranges(["10.1.0.0/16"]),
            host_services: ["636", "10.0.0.5:389", "[fd00::1]:389"]
                .map(|s| s.parse().expect(s))
                .to_vec(),
            endpoint_ports: vec![20_000..=20_059, 443..=443],
        };
        let text = rendered(&outgoing, &[], true);
        for line in [
            "set denied4 { type ipv4_addr; flags interval; auto-merge; elements = { 10.1.0.0/16 } }",
            "set denied6 { type ipv6_addr; flags interval; auto-merge; }",
            "set allowed4 { type ipv4_addr; flags interval; auto-merge; elements = { 10.0.0.0/8, 192.0.2.7/32 } }",
            "set allowed6 { type ipv6_addr; flags interval; auto-merge; elements = { 2001:db8::/32 } }",
        ] {
            assert!(text.lines().any(|l| l == line), "{line}\n{text}");
        }
        let host = block(&text, "to_host");
        assert_eq!(
            host[6..],
            [
                "tcp dport 20000-20059 accept",
                "tcp dport 443-443 accept",
                "tcp dport 636 accept",
                "ip daddr 10.0.0.5 tcp dport 389 accept",
                "ip6 daddr fd00::1 tcp dport 389 accept",
                REFUSE,
            ]
        );
        let world = block(&text, "to_world");
        let at = |line: &str| world.iter().position(|l| *l == line).unwrap_or(usize::MAX);
        let denied = at("ip daddr @denied4 reject with icmpx admin-prohibited");
        assert!(denied < at("ip daddr @allowed4 accept"), "{world:?}");
        assert_eq!(world.last(), Some(&REFUSE));
    }

    #[test]
    fn nothing_at_all_can_be_allowed() {
        let text = rendered(&Outgoing { allowed: Some(Vec::new()), ..outgoing() }, &[], true);
        assert!(
            text.contains("set allowed4 { type ipv4_addr; flags interval; auto-merge; }"),
            "{text}"
        );
        assert_eq!(block(&text, "to_world").last(), Some(&REFUSE));
    }

    #[test]
    fn networks_that_were_made_without_the_prefix_are_held_to_the_same_rules() {
        let text = rendered(&outgoing(), &["br-0123456789ab"], true);
        for (chain, lines) in [
            ("prerouting", 1),
            ("between_brokers", 1),
            ("input", 1),
            ("to_world", 1),
            ("forward", 2),
        ] {
            let block = block(&text, chain);
            for bridge in ["\"bdabcde*\"", "\"br-0123456789ab\""] {
                let found = block.iter().filter(|line| line.contains(bridge)).count();
                assert_eq!(found, lines, "{chain} {bridge}: {block:?}");
            }
        }
    }

    #[test]
    fn where_engines_publish_their_ports_the_way_in_stays_open() {
        assert!(block(&rendered(&outgoing(), &[], false), "from_world").is_empty());
    }
}
