//! The limit of open files, and how it is shared out.
//!
//! A quarter is reserved for the database, the container engine, probes and files, so that clients can't take the last
//! descriptors.

use crate::role::Role;

/// The limit that is asked for at most. More is not needed, and makes some programs slow to start.
const MAX_LIMIT: u64 = 1 << 20;
/// Below this limit the gateway refuses clients that the tiers of a few brokers allow.
const LOW_LIMIT: u64 = 4096;
/// How many connections the API gets at most.
const MAX_API_CONNECTIONS: usize = 4096;

/// The limit of open files in force.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Descriptors(usize);

/// The shares of what clients connect to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shares {
    /// Connections to the API.
    pub(crate) http: usize,
    /// Listeners and connections of the gateway together.
    pub(crate) gateway: usize,
}

impl Descriptors {
    /// Raises the soft limit to the hard one, and logs it.
    pub(crate) fn raise() -> Self {
        let before = rlimit::Resource::NOFILE.get_soft().unwrap_or_default();
        let limit = match rlimit::increase_nofile_limit(MAX_LIMIT) {
            Ok(limit) => limit.max(before),
            Err(error) => {
                tracing::warn!(%error, soft = before, "limit of open files not raised");
                before
            }
        };
        if limit < LOW_LIMIT {
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
        Self(usize::try_from(limit.min(MAX_LIMIT)).unwrap_or(usize::MAX))
    }

    /// A quarter is reserved, the API gets an eighth, the gateway the rest; without a gateway the API gets half.
    pub(crate) fn shares(self, roles: &[Role]) -> Shares {
        let Self(all) = self;
        let http = if roles.contains(&Role::Gateway) { all / 8 } else { all / 2 };
        let http = http.clamp(16, MAX_API_CONNECTIONS);
        Shares { http, gateway: all.saturating_sub(all / 4 + http) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_always_reserved_for_database_engine_and_probes() {
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
