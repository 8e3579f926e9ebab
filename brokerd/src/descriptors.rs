//! How many files and connections this process may have open, and who gets how many of them.
//!
//! Strangers must never take the last ones: a part is kept for the database, the container engine, probes and files.

use crate::cli::Role;

/// More than this is never asked for: some programs take long to start with it, and nobody needs it.
const MOST: u64 = 1 << 20;
/// With fewer, the gateway refuses clients that the tiers of a few brokers would let in.
const FEW: u64 = 4096;
/// How many connections the API needs at most, however many there might be.
const MOST_OF_API: usize = 4096;

/// The limit of open files in force.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Descriptors(usize);

/// What is given to those whom strangers connect to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shares {
    /// Connections to the API, or to where a gateway tells how it is.
    pub(crate) http: usize,
    /// What listeners and connections of the gateway may take together.
    pub(crate) gateway: usize,
}

impl Descriptors {
    /// Raises the soft limit to the hard one, and says so.
    pub(crate) fn raise() -> Self {
        let before = rlimit::Resource::NOFILE.get_soft().unwrap_or_default();
        let limit = match rlimit::increase_nofile_limit(MOST) {
            Ok(limit) => limit.max(before),
            Err(error) => {
                tracing::warn!(%error, soft = before, "the limit of open files can't be raised");
                before
            }
        };
        if limit < FEW {
            tracing::warn!(
                limit,
                raised_from = before,
                "few files may be open: the gateway serves {} clients at most; raise the hard limit (ulimit -Hn, LimitNOFILE, --ulimit nofile)",
                Self::of(limit).shares(&[Role::Api, Role::Gateway]).gateway / 2
            );
        } else {
            tracing::info!(limit, raised_from = before, "limit of open files");
        }
        Self::of(limit)
    }

    fn of(limit: u64) -> Self {
        Self(usize::try_from(limit.min(MOST)).unwrap_or(usize::MAX))
    }

    /// A quarter is kept, an eighth is for HTTP, and the gateway has the rest; without a gateway HTTP has more.
    pub(crate) fn shares(self, roles: &[Role]) -> Shares {
        let Self(all) = self;
        let http = if roles.contains(&Role::Gateway) { all / 8 } else { all / 2 };
        let http = http.clamp(16, MOST_OF_API);
        Shares { http, gateway: all.saturating_sub(all / 4 + http) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn something_is_always_kept_for_database_engine_and_probes() {
        let all = [Role::Api, Role::Provisioner, Role::Gateway];
        for (limit, roles, http, gateway) in [
            (1024, &all[..], 128, 640),
            (20_000, &all, 2500, 12_500),
            (1 << 20, &all, 4096, 782_336),
            (1024, &[Role::Gateway], 128, 640),
            (1024, &[Role::Api], 512, 256),
            (64, &all, 16, 32),
        ] {
            let shares = Descriptors::of(limit).shares(roles);
            assert_eq!(shares, Shares { http, gateway }, "{limit}");
        }
    }
}
