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
    /// What some networks reach less than the others.
    pub(super) limited: Vec<Limit<'a>>,
}

/// Networks whose engines reach these ranges, of what the others reach, and endpoints of brokers.
#[derive(Debug)]
pub(super) struct Limit<'a> {
    pub(super) bridges: Vec<String>,
    pub(super) ranges: &'a [Cidr],
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
        for (number, limit) in self.limited.iter().enumerate() {
            set(&mut text, &limit_name(number), limit.ranges);
        }
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

    /// Jumps of the limited networks, which come first: what their chains return from, the others decide.
    fn limits(&self, text: &mut String, suffix: &str) {
        for (number, limit) in self.limited.iter().enumerate() {
            for bridge in &limit.bridges {
                _ = writeln!(text, "iifname \"{bridge}\" jump {}{suffix}", limit_name(number));
            }
        }
    }

    /// What limited networks reach: what `also` returns from, and their ranges.
    fn limit_chains(&self, text: &mut String, suffix: &str, also: &str) {
        for number in 0..self.limited.len() {
            let name = limit_name(number);
            let resolvers = RESOLVERS.replace("accept", "return");
            _ = write!(
                text,
                "chain {name}{suffix} {{\nct state established,related return\n{also}{resolvers}\
                 ip daddr @{name}4 return\nip6 daddr @{name}6 return\n{REFUSE}\n}}\n"
            );
        }
    }

    fn hook(&self, text: &mut String, hook: &str, of: &str, device: &str, chain: &str) {
        _ = writeln!(
            text,
            "chain {of} {{\ntype filter hook {hook} priority filter - 5; policy accept;"
        );
        if hook == "input" {
            self.limits(text, "host");
        }
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
        _ = writeln!(text, "{NEIGHBOURS} accept");
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
        let mut also = format!("{NEIGHBOURS} return\n");
        for ports in &self.outgoing.endpoint_ports {
            _ = writeln!(also, "tcp dport {}-{} return", ports.start(), ports.end());
        }
        self.limit_chains(text, "host", &also);
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
        text.push_str("}\n");
        let bridges = self.bridges().map(|bridge| format!("oifname {bridge} return\n"));
        self.limit_chains(text, "world", &bridges.collect::<String>());
        text.push_str("chain from_world {\n");
        if self.closed {
            text.push_str("ct state established,related accept\ndrop\n");
        }
        text.push_str("}\n");
        _ = writeln!(
            text,
            "chain forward {{\ntype filter hook forward priority filter - 5; policy accept;"
        );
        self.limits(text, "world");
        for (device, chain) in [("iifname", "to_world"), ("oifname", "from_world")] {
            for bridge in self.bridges() {
                _ = writeln!(text, "{device} {bridge} jump {chain}");
            }
        }
        text.push_str("}\n");
    }
}

/// Without these there is no IPv6 on a bridge.
const NEIGHBOURS: &str =
    "icmpv6 type { nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert }";

/// What a limit's set and chains are called.
fn limit_name(number: usize) -> String {
    format!("limit{number}_")
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
            limited: Vec::new(),
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
    fn limited_networks_reach_endpoints_and_their_ranges_before_the_others_rules_decide() {
        let installation = "default".parse().expect("an installation");
        let (some, none) = (ranges(["10.20.0.0/16", "2001:db8::/32"]), Vec::new());
        let text = Rules {
            installation: &installation,
            prefix: "bdabcde".to_owned(),
            others: Vec::new(),
            outgoing: &outgoing(),
            closed: true,
            limited: vec![
                Limit {
                    bridges: vec!["bdabcde1".to_owned(), "bdabcde2".to_owned()],
                    ranges: &some,
                },
                Limit { bridges: vec!["bdabcde3".to_owned()], ranges: &none },
            ],
        }
        .render();
        for line in [
            "set limit0_4 { type ipv4_addr; flags interval; auto-merge; elements = { 10.20.0.0/16 } }",
            "set limit0_6 { type ipv6_addr; flags interval; auto-merge; elements = { 2001:db8::/32 } }",
            "set limit1_4 { type ipv4_addr; flags interval; auto-merge; }",
        ] {
            assert!(text.lines().any(|l| l == line), "{line}\n{text}");
        }
        let jumps = |suffix: &str| {
            [("1", 0), ("2", 0), ("3", 1)].map(|(bridge, limit)| {
                format!("iifname \"bdabcde{bridge}\" jump limit{limit}_{suffix}")
            })
        };
        assert_eq!(block(&text, "forward")[1..4], jumps("world"));
        assert_eq!(block(&text, "input")[1..4], jumps("host"));
        let common = [
            "ip daddr @resolvers4 meta l4proto { tcp, udp } th dport 53 return",
            "ip6 daddr @resolvers6 meta l4proto { tcp, udp } th dport 53 return",
            "ip daddr @limit0_4 return",
            "ip6 daddr @limit0_6 return",
            REFUSE,
        ];
        let host = block(&text, "limit0_host");
        assert!(host.contains(&"tcp dport 20000-29999 return"), "{host:?}");
        assert_eq!(host[host.len() - 5..], common);
        let world = block(&text, "limit0_world");
        assert_eq!(world[1], "oifname \"bdabcde*\" return");
        assert_eq!(world[world.len() - 5..], common);
        let accepts = |chain: &str| block(&text, chain).iter().any(|line| line.contains("accept"));
        assert!(!["limit0_host", "limit0_world", "limit1_world"].into_iter().any(accepts));
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
