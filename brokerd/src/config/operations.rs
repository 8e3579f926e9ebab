//! The sections of the operations listener.

use std::net::{Ipv4Addr, SocketAddr};

use serde::{Deserialize, Serialize};

use super::choice::Choice;

/// The operations listener: health and [metrics](metrics.md) of a process. It speaks HTTP without TLS and asks for no
/// signature, so bind it where only your monitoring gets.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Operations {
    /// The address and port of health and metrics, such as `10.0.0.5:9642`. `auto`: 127.0.0.1 and the API's port plus 1000,
    /// or any free port if that is taken; the log tells which.
    pub(crate) listen: Choice<SocketAddr>,
}

impl Default for Operations {
    fn default() -> Self {
        Self { listen: Choice::Auto }
    }
}

/// A gateway that is a process of its own.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Gateway {
    /// The address and port of health and metrics of a gateway without the role `api` beside it, instead of
    /// `operations.listen`.
    pub(crate) listen: SocketAddr,
}

impl Default for Gateway {
    fn default() -> Self {
        Self { listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8643)) }
    }
}
