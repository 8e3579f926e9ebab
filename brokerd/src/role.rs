//! The roles of a process.

use clap::ValueEnum;

/// What a process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Role {
    /// Answers requests.
    Api,
    /// Makes brokers be as they should.
    Provisioner,
    /// Owns the endpoints.
    Gateway,
}

impl Role {
    /// The name on the command line, in logs and in metrics.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Provisioner => "provisioner",
            Self::Gateway => "gateway",
        }
    }
}
