//! The machine's clock and randomness.

use std::time::{SystemTime, UNIX_EPOCH};

use brokerd_domain::{Clock, Entropy, Timestamp};
use rand::{TryRng as _, rngs::SysRng};

/// The machine's clock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is what everybody else takes time from")]
    fn now(&self) -> Timestamp {
        let micros = match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_micros()).unwrap_or(i64::MAX),
            Err(before) => i64::try_from(before.duration().as_micros()).map_or(i64::MIN, |m| -m),
        };
        Timestamp::from_micros(micros)
    }
}

/// The operating system's randomness.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OsEntropy;

impl Entropy for OsEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        // Going on with predictable keys would be worse than ending.
        SysRng.try_fill_bytes(bytes).expect("the operating system has randomness");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_shows_this_century_and_randomness_differs() {
        assert!(SystemClock.now() > Timestamp::from_micros(1_700_000_000_000_000));
        assert_ne!(OsEntropy.uuid(), OsEntropy.uuid());
    }
}
