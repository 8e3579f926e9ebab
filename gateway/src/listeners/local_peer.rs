//! Tells whether a peer is on this machine.
//!
//! A private broker is for programs and containers of this machine. The containers connect to an address that other
//! machines can send packets to as well, so the local address of a connection proves nothing. The route back to the peer
//! does.

use std::{
    fs,
    net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket},
    path::Path,
};

/// The kernel's table of routes.
///
/// Source: proc_pid_net(5), `/proc/net/route`.
const ROUTES: &str = "/proc/net/route";
/// The kernel's network devices.
const DEVICES: &str = "/sys/class/net";

/// The flag of a route that leads to another machine first.
///
/// Source: `RTF_GATEWAY` in linux/route.h.
const VIA_GATEWAY: u32 = 0x2;

/// Whether a peer is this machine or one of its containers or virtual machines: packets to it go over loopback or over a
/// bridge without a port to another network. False if that can't be read.
pub(crate) fn is_local_peer(peer: IpAddr) -> bool {
    match peer.to_canonical() {
        peer if peer.is_loopback() || is_own(peer) => true,
        IpAddr::V4(peer) => {
            let routes = fs::read_to_string(ROUTES).unwrap_or_default();
            device_to(peer, &routes)
                .is_some_and(|device| is_inner_bridge(Path::new(DEVICES), &device))
        }
        IpAddr::V6(_) => false,
    }
}

/// Whether an address is this machine's: a UDP socket connected to it has it as its source. No packet is sent.
fn is_own(address: IpAddr) -> bool {
    let any: IpAddr = match address {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => std::net::Ipv6Addr::UNSPECIFIED.into(),
    };
    let source = UdpSocket::bind((any, 0)).and_then(|socket| {
        socket.connect(SocketAddr::new(address, 9))?;
        socket.local_addr()
    });
    source.is_ok_and(|source| source.ip() == address)
}

/// The device of the most specific route to a peer; none if the route goes through a gateway.
fn device_to(peer: Ipv4Addr, routes: &str) -> Option<String> {
    // The file holds addresses in hexadecimal, in this machine's byte order.
    let peer = u32::from_ne_bytes(peer.octets());
    let number = |text: &str| u32::from_str_radix(text, 16).ok();
    let found = routes.lines().skip(1).filter_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (device, flags) = (*fields.first()?, number(fields.get(3)?)?);
        let (network, mask) = (number(fields.get(1)?)?, number(fields.get(7)?)?);
        (peer & mask == network).then_some((mask.count_ones(), flags, device))
    });
    let (_, flags, device) = found.max_by_key(|(length, ..)| *length)?;
    (flags & VIA_GATEWAY == 0).then(|| device.to_owned())
}

/// Whether a device is a bridge of which no port is hardware or stacked on another device.
fn is_inner_bridge(devices: &Path, device: &str) -> bool {
    let of = |device: &str| devices.join(device);
    let leads_out = |port: &str| {
        of(port).join("device").exists()
            || entries(&of(port)).is_none_or(|all| all.iter().any(|e| e.starts_with("lower_")))
    };
    of(device).join("bridge").exists()
        && entries(&of(device).join("brif"))
            .is_some_and(|ports| !ports.iter().any(|port| leads_out(port)))
}

fn entries(directory: &Path) -> Option<Vec<String>> {
    let entries = fs::read_dir(directory).ok()?;
    entries.map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "\
Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t0100000A\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t0000000A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
br-0a1b\t000012AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
eth0\t070012AC\t0200000A\t0007\t0\t0\t0\tFFFFFFFF\t0\t0\t0
";

    #[test]
    #[cfg(target_endian = "little")]
    fn the_most_specific_route_gives_the_device() {
        let device = |peer: [u8; 4]| device_to(peer.into(), TABLE);
        assert_eq!(device([172, 17, 0, 2]).as_deref(), Some("docker0"));
        assert_eq!(device([172, 18, 3, 4]).as_deref(), Some("br-0a1b"));
        assert_eq!(device([10, 0, 0, 9]).as_deref(), Some("eth0"));
        assert_eq!(device([192, 0, 2, 1]), None, "through a gateway");
        assert_eq!(device([172, 18, 0, 7]), None, "through a gateway");
        assert_eq!(device_to(Ipv4Addr::new(10, 0, 0, 9), ""), None);
        assert_eq!(device_to(Ipv4Addr::new(10, 0, 0, 9), "x\ny z\n"), None);
    }

    #[test]
    fn a_bridge_with_a_port_to_another_network_is_not_inner() {
        let devices = std::env::temp_dir().join(format!("brokerd-here-{}", std::process::id()));
        let make = |paths: &[&str]| {
            for path in paths {
                fs::create_dir_all(devices.join(path)).expect("made");
            }
        };
        make(&["eth0/device", "veth1", "vlan5/lower_eth0", "empty/bridge", "empty/brif"]);
        make(&[
            "inner/bridge",
            "inner/brif/veth1",
            "lan/bridge",
            "lan/brif/veth1",
            "lan/brif/eth0",
        ]);
        make(&["tagged/bridge", "tagged/brif/vlan5", "odd/bridge", "odd/brif/gone"]);
        let inner = |device| is_inner_bridge(&devices, device);
        let all = ["inner", "empty", "lan", "tagged", "odd", "eth0", "veth1", "none"];
        let found: Vec<_> = all.into_iter().filter(|device| inner(device)).collect();
        fs::remove_dir_all(&devices).expect("removed");
        assert_eq!(found, ["inner", "empty"]);
    }

    #[test]
    fn this_machine_is_local_and_addresses_for_documentation_are_not() {
        assert!(is_local_peer(Ipv4Addr::LOCALHOST.into()));
        assert!(is_local_peer("::ffff:127.0.0.1".parse().expect("an address")));
        assert!(!is_local_peer("203.0.113.1".parse().expect("an address")));
        assert!(!is_local_peer("2001:db8::1".parse().expect("an address")));
    }
}
