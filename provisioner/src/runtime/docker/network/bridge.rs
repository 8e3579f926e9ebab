//! The devices of brokers' networks on the engine's host: bridges, by whose names its packet filter tells
//! brokers' packets from others.

use std::collections::HashMap;

use brokerd_domain::{BrokerId, InstallationId};
use sha2::{Digest, Sha256};

/// The option that names a network's bridge.
const NAME: &str = "com.docker.network.bridge.name";

/// What all of brokerd's bridges begin with.
const OURS: &str = "bd";

/// Of the 15 characters that the kernel permits, these tell installations apart (25 bits), and the rest brokers
/// of one (40 bits).
const OF_INSTALLATION: usize = 5;
const OF_BROKER: usize = 8;

/// What the bridges of an installation, and no others, begin with.
pub(in crate::runtime::docker) fn prefix(installation: &InstallationId) -> String {
    format!("{OURS}{}", digits(&installation.to_string(), OF_INSTALLATION))
}

/// The name of a broker's bridge; another one for each attempt, for the case that somebody else has it.
pub(in crate::runtime::docker) fn name(
    installation: &InstallationId,
    broker: BrokerId,
    attempt: u32,
) -> String {
    let seed = format!("{installation}/{broker}/{attempt}");
    format!("{}{}", prefix(installation), digits(&seed, OF_BROKER))
}

/// The option by which Docker gives a new network's bridge that name.
pub(in crate::runtime::docker) fn named(name: String) -> HashMap<String, String> {
    HashMap::from([(NAME.to_owned(), name)])
}

/// The name of a network's bridge. Docker derives it from the network's identifier where no option sets it.
pub(in crate::runtime::docker) fn of(
    options: Option<&HashMap<String, String>>,
    network: &str,
) -> String {
    let named = options.and_then(|options| options.get(NAME)).filter(|name| !name.is_empty());
    named.cloned().unwrap_or_else(|| format!("br-{}", network.get(..12).unwrap_or(network)))
}

/// Whether a network could not be made because another one's bridge has that name.
pub(in crate::runtime::docker) fn is_taken(message: &str) -> bool {
    message.contains("same bridge name")
}

/// Letters and digits that depend on the text only.
///
/// Source: the alphabet of RFC 4648, section 6, in lower case.
fn digits(text: &str, count: usize) -> String {
    let hash = Sha256::digest(text.as_bytes());
    hash.iter().take(count).map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect()
}

const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use uuid::Uuid;

    use super::*;

    /// Source: `IFNAMSIZ` of linux/if.h, which counts the terminating zero.
    const MAX_LENGTH: usize = 15;

    #[test]
    fn bridges_of_an_installation_begin_alike_and_differ_by_broker_and_attempt() {
        let installations =
            ["default", "a", "twenty-characters-ab"].map(|name| name.parse().expect(name));
        let mut all = BTreeSet::new();
        for installation in &installations {
            for broker in 0..200_u128 {
                for attempt in 0..2 {
                    let name = name(installation, Uuid::from_u128(broker).into(), attempt);
                    assert_eq!(name.len(), MAX_LENGTH, "{name}");
                    let of = |other| name.starts_with(&prefix(other));
                    assert_eq!(installations.iter().filter(|other| of(other)).count(), 1, "{name}");
                    assert!(of(installation), "{name}");
                    assert!(all.insert(name), "twice the same");
                }
            }
        }
    }

    #[test]
    fn the_bridge_of_a_network_is_told_or_made_of_its_identifier() {
        let id = "0123456789abcdef";
        assert_eq!(of(Some(&named("bdabcde".to_owned())), id), "bdabcde");
        assert_eq!(of(Some(&HashMap::new()), id), "br-0123456789ab");
        assert_eq!(of(None, id), "br-0123456789ab");
    }
}
