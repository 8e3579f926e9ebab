//! Where the subnets of brokers' networks come from.

use std::{fmt, net::Ipv4Addr, str::FromStr};

use sha2::{Digest, Sha256};

/// The size of the subnets that are cut from the pool: 14 addresses, one of them the gateway's.
const SUBNET_PREFIX: u8 = 28;

/// A range of addresses to cut broker networks from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SubnetPool {
    base: u32,
    prefix: u8,
}

/// The text was no range of addresses that a network fits in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a range of IPv4 addresses with a prefix length of 8 to 28")]
pub struct InvalidPool;

impl SubnetPool {
    /// The pool that is used unless another is configured: 4096 networks.
    pub const DEFAULT: Self = Self { base: u32::from_be_bytes([10, 213, 0, 0]), prefix: 16 };

    /// The subnets in an order that depends on `seed` only, and differs from seed to seed, so that
    /// an engine shared by several installations seldom refuses the first.
    pub(super) fn candidates(self, seed: &str) -> impl Iterator<Item = String> {
        let count = 1_u32 << (SUBNET_PREFIX - self.prefix);
        let hash = Sha256::digest(seed.as_bytes());
        let first = u32::from_le_bytes([hash[0], hash[1], hash[2], hash[3]]);
        // An odd step visits every one of a power of two.
        let step = u32::from_le_bytes([hash[4], hash[5], hash[6], hash[7]]) | 1;
        (0..count).map(move |n| {
            let index = first.wrapping_add(n.wrapping_mul(step)) % count;
            let address = Ipv4Addr::from(self.base + (index << (32 - SUBNET_PREFIX)));
            format!("{address}/{SUBNET_PREFIX}")
        })
    }
}

impl FromStr for SubnetPool {
    type Err = InvalidPool;

    fn from_str(text: &str) -> Result<Self, InvalidPool> {
        let (address, prefix) = text.split_once('/').ok_or(InvalidPool)?;
        let address: Ipv4Addr = address.parse().map_err(|_| InvalidPool)?;
        let prefix: u8 = prefix.parse().map_err(|_| InvalidPool)?;
        if !(8..=SUBNET_PREFIX).contains(&prefix) {
            return Err(InvalidPool);
        }
        let mask = u32::MAX << (32 - prefix);
        Ok(Self { base: u32::from(address) & mask, prefix })
    }
}

impl fmt::Display for SubnetPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", Ipv4Addr::from(self.base), self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_pool_is_read_and_printed() {
        assert_eq!("10.213.7.9/16".parse(), Ok(SubnetPool::DEFAULT));
        assert_eq!(SubnetPool::DEFAULT.to_string(), "10.213.0.0/16");
        for wrong in ["", "10.0.0.0", "10.0.0.0/29", "10.0.0.0/7", "10.0.0/16", "fd00::/16"] {
            assert_eq!(wrong.parse::<SubnetPool>(), Err(InvalidPool), "{wrong}");
        }
    }

    #[test]
    fn every_subnet_of_the_pool_is_a_candidate_once_in_an_order_of_its_own() {
        let pool: SubnetPool = "10.9.0.0/20".parse().expect("pool");
        let order: Vec<String> = pool.candidates("one").collect();
        assert_eq!(order.len(), 256);
        assert_eq!(order.iter().collect::<BTreeSet<_>>().len(), 256);
        assert!(order.iter().all(|subnet| subnet.starts_with("10.9.") && subnet.ends_with("/28")));
        assert_eq!(order, pool.candidates("one").collect::<Vec<_>>());
        assert_ne!(order, pool.candidates("two").collect::<Vec<_>>());
        let single: SubnetPool = "10.9.0.16/28".parse().expect("pool");
        assert_eq!(single.candidates("x").collect::<Vec<_>>(), ["10.9.0.16/28"]);
    }
}
