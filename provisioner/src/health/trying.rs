//! Links that try, and for how long.
//!
//! RabbitMQ 3 says of a shovel that it starts, whenever it is asked and whatever came of each attempt.

use std::{
    collections::HashMap,
    net::SocketAddr,
    time::{Duration, Instant},
};

use super::{LinkReport, LinkState};

/// How long a link may try before it counts as one that is down.
const TIMEOUT: Duration = Duration::from_secs(30);

/// More than there are engines; who is forgotten is only waited for anew.
const MAX_ENTRIES: usize = 4096;

/// Since when the links of each engine try.
#[derive(Debug, Default)]
pub(super) struct Trying {
    since: HashMap<SocketAddr, HashMap<String, Instant>>,
}

impl Trying {
    /// What an engine has said, where those that have tried for too long are down.
    pub(super) fn judge(
        &mut self,
        engine: SocketAddr,
        mut reports: Vec<LinkReport>,
        now: Instant,
    ) -> Vec<LinkReport> {
        let mut before = self.since.remove(&engine).unwrap_or_default();
        let mut still = HashMap::new();
        for report in &mut reports {
            if report.state != LinkState::Trying {
                continue;
            }
            let since = before.remove(&report.link).unwrap_or(now);
            if now.duration_since(since) >= TIMEOUT {
                report.state = LinkState::Down("does not get beyond its start".to_owned());
            }
            still.insert(report.link.clone(), since);
        }
        if !still.is_empty() {
            if self.since.len() >= MAX_ENTRIES {
                self.since.clear();
            }
            self.since.insert(engine, still);
        }
        reports
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_that_tries_for_long_is_down_until_it_is_up() {
        let engine = SocketAddr::from(([127, 0, 0, 1], 1));
        let report = |state| vec![LinkReport { link: "shovel a in /".to_owned(), state }];
        let down = || LinkState::Down("does not get beyond its start".to_owned());
        let begin = Instant::now();
        let mut trying = Trying::default();
        let mut judge = |engine, state, seconds| {
            let now = begin + Duration::from_secs(seconds);
            trying.judge(engine, report(state), now).remove(0).state
        };
        assert_eq!(judge(engine, LinkState::Trying, 0), LinkState::Trying);
        assert_eq!(judge(engine, LinkState::Trying, 29), LinkState::Trying);
        let other = SocketAddr::from(([127, 0, 0, 1], 2));
        assert_eq!(judge(other, LinkState::Trying, 30), LinkState::Trying);
        assert_eq!(judge(engine, LinkState::Trying, 30), down());
        assert_eq!(judge(engine, LinkState::Trying, 50), down());
        assert_eq!(judge(engine, LinkState::Up, 60), LinkState::Up);
        assert_eq!(judge(engine, LinkState::Trying, 61), LinkState::Trying);
        assert_eq!(judge(other, LinkState::Trying, 61), down());
    }
}
